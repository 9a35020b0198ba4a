import shutil

import pytest

from hfci.generation import generate, templates_dir


@pytest.fixture
def templates(tmp_path):
    """A copy of the templates that a test may break."""
    return shutil.copytree(templates_dir(), tmp_path / "templates")


@pytest.fixture(scope="session")
def rendered(tmp_path_factory):
    """bert and gpt2, rendered without verification; not to be changed."""
    out = tmp_path_factory.mktemp("rendered") / "generated"
    generate(["bert", "gpt2"], out, scratch=True, progress=False)
    return out


@pytest.fixture
def out(rendered, tmp_path):
    """A copy of bert's and gpt2's files that a test may change."""
    return shutil.copytree(rendered, tmp_path / "generated")
