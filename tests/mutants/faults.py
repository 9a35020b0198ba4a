"""A fault: a text in a file of transformers with another in its place, tried on a model type."""

from __future__ import annotations

from dataclasses import dataclass

from hfci.origin import find_transformers

from .trials import Changed

__all__ = ["PACKAGE", "Fault"]

PACKAGE = find_transformers()


@dataclass(frozen=True)
class Fault:
    """A fault of a kind, told in `place`: in `file`, in the package, `new` stands for the bytes from `start` to `end`.

    `line`, from 1, is where it stands; 0 where it stands in several.
    """

    model_type: str
    file: str
    kind: str
    place: str
    line: int
    start: int
    end: int
    new: str

    @property
    def is_shared(self) -> bool:
        """Whether its file is no model's, so that what is imported before any model may have it."""
        return not self.file.startswith("models/")

    def changed(self) -> Changed:
        """Return the module with it."""
        data = (PACKAGE / self.file).read_bytes()
        module = ".".join(("transformers", *self.file.removesuffix(".py").split("/")))
        return Changed(module, (data[: self.start] + self.new.encode() + data[self.end :]).decode())
