"""Writing that leaves a folder as it was or as it should be: staged, then moved, undone on failure."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from hfci.confined import inside
from hfci.errors import UsageError

__all__ = ["Staging", "is_on_disk", "require_own", "staged"]


class Staging:
    """Files in `root`, a hidden folder inside `out`, waiting to be moved to their places in `out`."""

    def __init__(self, out: Path, root: Path, paths: Iterable[str]) -> None:
        """See `staged`, which makes it."""
        self.out = out
        self.root = root
        self.paths = tuple(paths)

    def commit(self, removed: Iterable[str], last: str) -> None:
        """Move every staged file to its place and remove `removed`; `last` is moved when all else is done.

        Raises OSError with `out` as it was before, UsageError where a linked folder leads out of `out`.
        """
        for folder in {path.rpartition("/")[0] for path in (*self.paths, *removed)}:
            inside(self.out, folder)
        undo = contextlib.ExitStack()
        with undo:
            for path in (*self.paths, *removed):
                if path != last:
                    self._replace(path, undo)
            self._replace(last, undo)
            undo.pop_all()
        for path in removed:
            with contextlib.suppress(OSError):  # still holds something
                (self.out / path).parent.rmdir()

    def _replace(self, path: str, undo: contextlib.ExitStack) -> None:
        place, new, old = self.out / path, self.root / path, self.root / f"{path}.old"
        if place.is_dir() and not place.is_symlink():
            raise UsageError(f"{place} is a folder where a file is to be: move it away; {self.out} is as it was")
        if place.exists() or place.is_symlink():
            old.parent.mkdir(parents=True, exist_ok=True)
            place.replace(old)
            undo.callback(old.replace, place)
        if new.exists():
            _make_folder(place.parent, undo)
            new.replace(place)
            undo.callback(place.unlink)


def is_on_disk(place: Path, text: str) -> bool:
    """Say whether `place` is a file, no link to one, of exactly `text`."""
    return place.is_file() and not place.is_symlink() and place.read_bytes() == text.encode("utf-8", "surrogatepass")


def require_own(out: Path, paths: Iterable[str], is_own: Callable[[str], bool]) -> None:
    """Raise UsageError for the first of `paths` in `out` where something stands that is not hfci's own."""
    for path in paths:
        place = out / path
        if (place.exists() or place.is_symlink()) and not is_own(path):
            raise UsageError(
                f"{place} was not rendered by hfci and would be lost: move it away, or render into another folder. "
                "Nothing was written"
            )


@contextlib.contextmanager
def staged(out: Path, texts: Mapping[str, str]) -> Iterator[Staging]:
    """Write `texts`, by path relative to `out`, into a hidden folder inside `out` that goes away at the end.

    Inside `out`, because only there is it sure to be on the same file system. Raises UsageError where `out`
    cannot be written; nothing is left then.
    """
    undo = contextlib.ExitStack()
    try:
        with undo:
            _make_folder(out, undo)
            with tempfile.TemporaryDirectory(prefix=".staging-", dir=out) as folder:
                root = Path(folder).resolve()
                for path, text in texts.items():
                    (root / path).parent.mkdir(parents=True, exist_ok=True)
                    (root / path).write_text(text, encoding="utf-8", newline="\n")
                yield Staging(out, root, texts)
            undo.pop_all()
    except OSError as error:
        raise UsageError(f"cannot write {out}: {error.strerror or error}; it was left as it was") from error


def _make_folder(folder: Path, undo: contextlib.ExitStack) -> None:
    """Make `folder` and its missing parents, to be removed again by `undo`."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir()
        undo.callback(place.rmdir)
    if not folder.is_dir():
        raise NotADirectoryError(20, "Not a directory", str(folder))
