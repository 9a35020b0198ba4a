"""The class that loads a checkpoint: that of the task, or of the harness's backend, or of the checkpoint itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hfci.errors import nearest
from hfci.preflight.configuration import Model
from hfci.preflight.diagnosis import Diagnosed

__all__ = ["model_class"]

_BACKENDS = {"causal": "AutoModelForCausalLM", "seq2seq": "AutoModelForSeq2SeqLM"}


def model_class(config: Any, asked: Model) -> Any:
    """Return the auto class whose `from_pretrained` loads a checkpoint with `config`, a configuration of transformers.

    Without a task or a backend it is that of the first architecture that the checkpoint names: one for text generators,
    as lm-evaluation-harness takes them, where there is one. Diagnosed where no class serves the task.
    """
    import transformers

    if asked.task is not None:
        name = _of_task(config.model_type, asked.task)
    elif asked.backend != "default":
        name = _BACKENDS[asked.backend]
    else:
        name = _of_checkpoint(config)
    return getattr(transformers, name)


def _of_task(model_type: str, task: str) -> str:
    from transformers.pipelines import SUPPORTED_TASKS

    if task not in SUPPORTED_TASKS:
        raise Diagnosed("config_invalid", problem=f"no task {task!r:.60}.{nearest(task, SUPPORTED_TASKS)}".rstrip("."))
    tasks: Mapping[str, Any] = SUPPORTED_TASKS
    serving = {auto_class.__name__ for auto_class in tasks[task]["pt"]}
    if found := next((name for name in _auto_classes(model_type) if name in serving), None):
        return found
    raise Diagnosed("config_invalid", problem=f"a model of type {model_type} cannot serve the task {task}")


def _of_checkpoint(config: Any) -> str:
    offered = _auto_classes(config.model_type)
    for architecture in config.architectures or ():
        if found := next((name for name, classes in offered.items() if architecture in classes), None):
            return found
    own_code = getattr(config, "auto_map", None) or {}
    return next(
        (name for name in (*_BACKENDS.values(), *own_code, *offered) if name in {*own_code, *offered}), "AutoModel"
    )


def _auto_classes(model_type: str) -> dict[str, tuple[str, ...]]:
    """Return the auto classes that have architectures of `model_type`, and which: text generators first, bases last."""
    from hfci.catalog.registries import auto_classes_by_table, model_tables

    tables = model_tables()
    of_name = {name: tables[table].get(model_type, ()) for table, name in auto_classes_by_table().items()}
    last = ("AutoModelForPreTraining", "AutoModel")
    order = [*_BACKENDS.values(), *(name for name in of_name if name not in last), *last]
    return {name: of_name[name] for name in order if of_name.get(name)}
