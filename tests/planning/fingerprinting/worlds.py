"""Small worlds of files, in memory: what a graph or a fingerprint is made of, without transformers."""

from __future__ import annotations

from pathlib import Path

from hfci.planning.fingerprinting.file_cache import FileCache
from hfci.planning.fingerprinting.imports import Graph
from hfci.planning.fingerprinting.sources import File

LAZY = """
from typing import TYPE_CHECKING
from {up} import _LazyModule
if TYPE_CHECKING:
{typed}
else:
    import sys
    sys.modules[__name__] = _LazyModule(__name__, __file__, {{}}, module_spec=__spec__)
"""


def lazy(*typed: str, up: str = "...utils") -> str:
    """Return a package whose names, as `typed` says, are imported when they are asked for."""
    return LAZY.format(up=up, typed="\n".join(f"    {line}" for line in typed))


TRANSFORMERS = {
    "transformers/__init__.py": lazy(
        "from .models import *", "from .modeling_utils import PreTrainedModel as PreTrainedModel", up=".utils"
    ),
    "transformers/utils/__init__.py": "from .import_utils import _LazyModule, is_torch_available\n",
    "transformers/utils/import_utils.py": "class _LazyModule: ...\ndef is_torch_available(): return True\n",
    "transformers/modeling_utils.py": "import torch\nfrom .quantizers import pick\n",
    "transformers/quantizers.py": (
        "def pick():\n    from .models.llama.modeling_llama import LlamaMLP\n    from . import gguf\n"
    ),
    "transformers/gguf.py": "from .models.gpt2.tokenization_gpt2 import GPT2Tokenizer\n",
    "transformers/models/__init__.py": lazy(
        "from .bert import *", "from .dpr import *", "from .llama import *", "from .gpt2 import *", up="..utils"
    ),
    "transformers/models/bert/__init__.py": lazy("from .configuration_bert import *", "from .modeling_bert import *"),
    "transformers/models/bert/configuration_bert.py": "__all__ = ['BertConfig']\nclass BertConfig: ...\n",
    "transformers/models/bert/modeling_bert.py": (
        '"""Bert."""\nimport torch\nfrom ...modeling_utils import PreTrainedModel\n'
        "from .configuration_bert import BertConfig\nclass BertModel(PreTrainedModel): ...\n"
        "__all__ = [\n    'BertModel',  # the base\n    'BertPreTrainedModel',\n]\n"
    ),
    "transformers/models/dpr/__init__.py": lazy("from .modeling_dpr import *"),
    "transformers/models/dpr/modeling_dpr.py": (
        "from ..bert.modeling_bert import BertModel\nclass DPRReader: ...\n__all__ = ['DPRReader']\n"
    ),
    "transformers/models/llama/__init__.py": lazy("from .modeling_llama import *"),
    "transformers/models/llama/modeling_llama.py": (
        "from ...modeling_utils import PreTrainedModel\nclass LlamaModel: ...\n__all__ = ['LlamaModel']\n"
    ),
    "transformers/models/gpt2/__init__.py": lazy("from .tokenization_gpt2 import *"),
    "transformers/models/gpt2/tokenization_gpt2.py": (
        "from ...utils.import_utils import requires\n"
        "@requires(backends=('sentencepiece',))\nclass GPT2Tokenizer:\n    pass\n"
    ),
}


def world(changes: dict[str, str | bytes | None] | None = None, base: dict[str, str] = TRANSFORMERS) -> dict[str, File]:
    """Return `base` with `changes`; None takes a file away."""
    texts = {**base, **(changes or {})}
    return {
        label: File(Path(label), content=text.encode() if isinstance(text, str) else text)
        for label, text in texts.items()
        if text is not None
    }


def graph(changes: dict[str, str | bytes | None] | None = None) -> Graph:
    return Graph(world(changes), FileCache(), ("transformers", "hfci"))


def needs(found: Graph, *roots: str) -> set[str]:
    closures = found.closures(roots)
    return set(closures.names(closures.of(roots)))
