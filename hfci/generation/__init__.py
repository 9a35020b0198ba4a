"""The test files: rendered from `templates/`, validated, written, and compared with what is on disk."""

from hfci.cases.manifest import load_manifest
from hfci.generation.consistency import Consistency
from hfci.generation.generate import Generated, check, generate
from hfci.generation.names import file_name, model_types_by_stem, stems
from hfci.generation.problems import DESCRIPTIONS
from hfci.generation.render import Rendered, render
from hfci.generation.rules import Problem
from hfci.generation.validation import Fixed, consistency, fix, validate
from hfci.generation.verify import Verification, verify_all
from hfci.templating import templates_dir

__all__ = [
    "DESCRIPTIONS",
    "Consistency",
    "Fixed",
    "Generated",
    "Problem",
    "Rendered",
    "Verification",
    "check",
    "consistency",
    "file_name",
    "fix",
    "generate",
    "load_manifest",
    "model_types_by_stem",
    "render",
    "stems",
    "templates_dir",
    "validate",
    "verify_all",
]
