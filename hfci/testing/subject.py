"""The subject of a test: the tiny model of its case, built once for all the cases of a file that ask for the same."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import pytest

from hfci.checks.table import CHECKS

if TYPE_CHECKING:
    from hfci.cases.case import Case
    from hfci.tiny import TinyModel

__all__ = ["CASE", "tiny", "tiny_models"]

# Where the case of a test stands.
CASE = pytest.StashKey["Case"]()


class _TinyModels:
    """The tiny model that the file's last case asked for; it goes when another one is asked for.

    It goes, too, when a case has put other modules in place of some of its own, as BigBird's forward does for ever with
    a text too short for sparse attention: what the next case sees does not depend on those before it.
    """

    def __init__(self, backend: str = "", **options: Any) -> None:
        self.backend = backend
        self.options = options
        self.asked: dict[str, Any] = {}
        self.made: TinyModel | BaseException | None = None
        self.modules: list[Any] = []

    def get(self, case: Case) -> TinyModel:
        """Return it, or raise again what building it raised: a failure is not tried again for every test."""
        from hfci.tiny import build_tiny
        from hfci.tiny.processors import VOCABULARY
        from hfci.tiny.shrink import VOCABULARY as SMALL

        asked: dict[str, Any] = {
            "model_type": case.parent or case.model_type,
            "architecture": case.architecture or _base(case.model_type),
            "dtype": case.dtype or "float32",
            "vocabulary": VOCABULARY if _needs_processor(case.check) else SMALL,
        }
        if self.asked != asked or self._is_rebuilt():
            self.asked, self.made = asked, None
            try:
                self.made = build_tiny(**asked, **self.options)
                self.made.backend = self.backend
                self.modules = list(self.made.model.modules())
            except (Exception, pytest.fail.Exception) as error:  # the latter is how a timeout ends it
                self.made = error
        if isinstance(self.made, BaseException):
            raise self.made
        assert self.made is not None
        return self.made

    def forget(self) -> None:
        """Let go of the model, or of why it could not be built: what was asked for last is made anew."""
        self.asked, self.made, self.modules = {}, None, []

    def _is_rebuilt(self) -> bool:
        """Tell whether the model has other modules than it was made with."""
        if self.made is None or isinstance(self.made, BaseException):
            return False
        now = list(self.made.model.modules())
        return len(now) != len(self.modules) or any(map(operator.is_not, now, self.modules))


def _needs_processor(check: str | None) -> bool:
    """Tell whether the table of checks says that a check needs a processor."""
    known = CHECKS.get(check or "")
    return known is not None and "processor" in known.needs


def _base(model_type: str) -> str | None:
    """Return the architecture that stands for a model type as a whole."""
    from hfci.catalog import read_row

    base = read_row(model_type).base
    return base.name if base is not None else None


@pytest.fixture(scope="module")
def tiny_models(request: pytest.FixtureRequest) -> _TinyModels:
    """Keep a file's tiny model from one test to the next."""
    names = ("device", "backend", "seed", "layout")
    return _TinyModels(**{name: request.config.getoption(f"hfci_{name}") for name in names})


@pytest.fixture
def tiny(request: pytest.FixtureRequest, tiny_models: _TinyModels) -> TinyModel:
    """Return the tiny model of the case, the one that the architecture's other cases with its dtype see."""
    if CASE not in request.node.stash:
        raise pytest.UsageError(f"{request.node.nodeid} uses `tiny` without pytest.mark.hfci(...)")
    return tiny_models.get(request.node.stash[CASE])
