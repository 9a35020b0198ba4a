"""A missing optional package is told from any other import error."""

from __future__ import annotations

import pytest

from hfci.catalog.requirements import absent_packages, needs


def error_of(source: str) -> BaseException:
    with pytest.raises(Exception) as caught:  # noqa: PT011 -- whichever it is
        exec(source, {})
    return caught.value


def test_a_module_that_is_not_there_is_named() -> None:
    assert absent_packages(error_of("import brand_new_package.part")) == ("brand_new_package",)


def test_transformers_own_sentence_is_understood() -> None:
    source = "from transformers.utils import requires_backends\nrequires_backends(object(), ['natten'])"
    assert absent_packages(error_of(source)) == ("natten",)


def test_a_package_imported_only_where_it_is_needed_is_named() -> None:
    source = "raise ImportError('The default scheduler (`X`) requires `natten`. Install it with `pip install natten`')"
    assert absent_packages(error_of(source)) == ("natten",)


def test_what_a_processor_says_that_it_needs_is_named() -> None:
    source = "raise ImportError('Package `natten` is required to run SmolVLM processor. Install it with pip.')"
    assert absent_packages(error_of(source)) == ("natten",)


def test_a_name_that_transformers_imports_only_where_it_is_installed() -> None:
    assert absent_packages(error_of("natten.functional")) == ("natten",)


def test_a_cause_counts() -> None:
    source = "try:\n    import brand_new_package\nexcept ImportError as e:\n    raise RuntimeError('no model') from e"
    assert absent_packages(error_of(source)) == ("brand_new_package",)


@pytest.mark.parametrize(
    "source",
    [
        "from json import no_such_name",  # the package is here: something else is wrong
        "raise ImportError('X requires the json library but it was not found in your environment')",
        "raise ValueError('X requires the natten library but it was not found')",
        "1 / 0",
        "no_such_variable",  # a slip, not a package
    ],
)
def test_other_errors_are_no_absence(source: str) -> None:
    assert absent_packages(error_of(source)) == ()


def test_the_mend_is_said() -> None:
    assert needs(["timm", "natten"]) == "needs timm, natten: pip install timm natten"
