"""The stage `rehearsal`: a tiny twin of the checkpoint is loaded by the very arguments, and says hello.

In seconds, and without the weights, it finds what depends on none of their numbers: a template that does not render, a
token without an embedding, a missing package, an attention or a dtype that the device does not have.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import structs

from hfci.errors import in_one_line
from hfci.preflight.configuration import Configuration, quantization
from hfci.preflight.diagnosis import Diagnosed
from hfci.preflight.greeting import Greeting, greet
from hfci.preflight.loading import device_of, load_model
from hfci.preflight.twin import copy_beside, make_twin

if TYPE_CHECKING:
    from hfci.preflight.stages import Context

__all__ = ["Rehearsal", "rehearsal"]


class Rehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """What `rehearsal` finds.

    - `loaded_by`: the auto class; `parameters`: of the twin; `device`: where it ran; `greeting`: what it said
    - `seconds`: how long that took, without the download of its tokenizer
    """

    loaded_by: str
    parameters: int
    device: str
    seconds: float
    greeting: Greeting


def rehearsal(context: Context) -> Rehearsal:
    """Make the twin and have it say hello; Diagnosed where it cannot."""
    found, configuration = context.found, context.configuration
    assert found.access is not None
    asked = configuration.model
    with tempfile.TemporaryDirectory(prefix="hfci-twin-") as name:
        twin, tokenizer = Path(name, "model"), Path(name, "tokenizer")
        twin.mkdir()
        context.progress("fetching what stands beside the weights", None, None)
        copy_beside(found.access.model, asked.subfolder, twin)
        if found.access.tokenizer == found.access.model:
            tokenizer = twin
        else:
            tokenizer.mkdir()
            copy_beside(found.access.tokenizer, "", tokenizer)
        begun = time.monotonic()
        context.progress("making the twin", None, None)
        _require_quantizer(make_twin(twin, asked), configuration)
        context.progress("saying hello", None, None)
        # A folder has no revisions, and the twin lies at its top.
        there = structs.replace(asked, revision="main", tokenizer_revision=None, subfolder="")
        return _rehearse(structs.replace(configuration, model=there), str(twin), str(tokenizer), begun)


def _rehearse(configuration: Configuration, twin: str, tokenizer: str, begun: float) -> Rehearsal:
    """Load the twin and have it greet; where it fails, leave out one setting after the other to see which it is."""
    try:
        return _greeted(configuration, twin, tokenizer, begun)
    except Diagnosed:
        raise
    except Exception as error:
        for code, setting, value, facts in _suspects(configuration, Path(twin)):
            if _runs(configuration, twin, tokenizer, **{setting: value}):
                raise Diagnosed(code, repr(error), **facts, why=in_one_line(error)) from error
        raise


def _runs(configuration: Configuration, twin: str, tokenizer: str, **instead: Any) -> bool:
    try:
        _greeted(configuration, twin, tokenizer, 0.0, **instead)
    except Exception:
        return False
    return True


def _suspects(configuration: Configuration, twin: Path) -> list[tuple[str, str, Any, dict[str, str]]]:
    """Return the settings that may be to blame: the code, the argument, what it would be instead, and the facts."""
    from transformers import GenerationConfig

    asked, device = configuration.model, device_of(configuration)
    its_default: Any = GenerationConfig
    suspects: list[tuple[str, str, Any, dict[str, str]]] = []
    if (twin / "generation_config.json").exists():
        suspects.append(("generation_config_refused", "generation_config", its_default(), {"model": asked.name}))
    if asked.attn_implementation is not None:
        facts = {"attention": asked.attn_implementation, "device": device}
        suspects.append(("attention_unsupported", "attn_implementation", None, facts))
    if (method := quantization(asked)) is not None:
        facts = {"method": str(method.get("quant_method", "unnamed")), "device": device}
        suspects.append(("quantization_unsupported", "quantization_config", None, facts))
    if asked.dtype != "float32":
        suspects.append(("dtype_unsupported", "dtype", "float32", {"dtype": asked.dtype, "device": device}))
    return suspects


def _greeted(configuration: Configuration, twin: str, tokenizer: str, begun: float, **instead: Any) -> Rehearsal:
    loaded = load_model(configuration, twin, None, **instead)
    greeting = greet(configuration, loaded, (tokenizer, None), is_twin=True)
    return Rehearsal(
        loaded_by=loaded.loaded_by,
        parameters=sum(parameter.numel() for parameter in loaded.model.parameters()),
        device=str(loaded.model.device),
        seconds=round(time.monotonic() - begun, 3),
        greeting=greeting,
    )


def _require_quantizer(config: Any, configuration: Configuration) -> None:
    """Raise Diagnosed where the quantisation that the checkpoint is stored in cannot be read here."""
    stored = getattr(config, "quantization_config", None)
    if stored is None:
        return
    from transformers.quantizers.auto import AutoHfQuantizer

    method = stored.get("quant_method") if isinstance(stored, dict) else getattr(stored, "quant_method", None)
    device = device_of(configuration)
    try:
        quantizer = AutoHfQuantizer.from_config(stored, pre_quantized=True)
        quantizer.validate_environment(device_map={"": device})
    except Exception as error:
        why = in_one_line(error)
        raise Diagnosed("quantization_unsupported", repr(error), method=str(method), device=device, why=why) from error
