"""Who runs what: selection by name, from the manifest alone."""

from hfci.planning.select import Selection, select

__all__ = ["Selection", "select"]
