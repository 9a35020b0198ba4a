"""hfci: continuous integration for every Hugging Face architecture."""

__all__ = ["__version__"]

__version__ = "0.1.0"
