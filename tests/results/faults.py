"""Pairs of failures, decided by hand: one cause, or two."""

from __future__ import annotations

from typing import Any, NamedTuple

from hfci.cases.outcome import Outcome
from hfci.cases.records import Error, Frame, Record

MASKING = Frame("transformers/masking_utils.py", 210, "create_causal_mask", "mask = mask.expand(size)")
LOADING = Frame("transformers/modeling_utils.py", 88, "load", "return self.dense(states)")

SIZES = "The size of tensor a ({}) must match the size of tensor b ({}) at non-singleton dimension {}"
STOPS = "{} ({}) stops at forward: RuntimeError: index {} is out of bounds for dimension 0 with size {}"
PYTHON = 'File "/opt/lib/site-packages/transformers/cache_utils.py", line 9, in update\n    {}\nRuntimeError: no\n'
PYTEST = "../x/src/transformers/cache_utils.py:9: in update\n    {}\nE   RuntimeError: no"


def failed(model_type: str, message: str = "no", frame: Frame | None = None, **fields: Any) -> Record:
    """Return the record of a failure that transformers raises, in the forward of a masked language model."""
    stem = {"xlm-roberta": "XLMRoberta", "gpt2": "GPT2"}.get(model_type, model_type.title())
    known: dict[str, Any] = {
        "architecture": f"{stem}ForMaskedLM",
        "family": "text_encoder",
        "check": "forward_is_finite",
        "task": None,
        "tier": "smoke",
        "stage": "forward",
        "outcome": Outcome.FAILED,
        "kind": "RuntimeError",
        "trace": "",
        "module": None,
        **fields,
    }
    error = Error(known.pop("kind"), message, known.pop("trace"), frame, known.pop("module"))
    known["case"] = f"{model_type}/{known['architecture']}/{known['check']}[device=cpu]"
    return Record(model_type=model_type, error=error, **known)


def asserted(model_type: str, message: str, **fields: Any) -> Record:
    """Return the record of what a check asserts by itself, in hfci's own words."""
    return failed(model_type, message, **{"kind": "AssertionError", "stage": "check", **fields})


def not_run(model_type: str, reason: str) -> Record:
    """Return the record of a case that nobody executed."""
    record = failed(model_type, outcome=Outcome.NOT_RUN, stage=None, reason=reason)
    return Record(**{name: getattr(record, name) for name in record.__struct_fields__} | {"error": None})


class Pair(NamedTuple):
    """Two failures, and why they are one cause or two."""

    why: str
    one: Record
    other: Record


ONE_CAUSE = [
    Pair(
        "other sizes in one message, through two model types",
        failed("bert", SIZES.format(32, 16, 1), MASKING),
        failed("gpt2", SIZES.format(7, 9, 3), MASKING, architecture="GPT2LMHeadModel"),
    ),
    Pair(
        "the name of the model in hfci's own words",
        failed("bert", STOPS.format("bert", "BertForMaskedLM", 4, 4), MASKING),
        failed("xlm-roberta", STOPS.format("xlm-roberta", "XLMRobertaForMaskedLM", 128, 128), MASKING),
    ),
    Pair(
        "two heads of one model type",
        failed("bert", "BertModel has no gate", LOADING, architecture="BertModel"),
        failed("bert", "BertForMaskedLM has no gate", LOADING),
    ),
    Pair(
        "the class of the configuration",
        failed("bert", "'BertConfig' object has no attribute 'bos_token_id'", LOADING),
        failed("gpt2", "'GPT2Config' object has no attribute 'bos_token_id'", LOADING),
    ),
    Pair(
        "the module that the model type is defined in",
        failed("bert", "cannot import modeling_bert", LOADING),
        failed("xlm-roberta", "cannot import modeling_xlm_roberta", LOADING),
    ),
    Pair(
        "addresses of objects",
        failed("bert", "cannot pickle <object at 0x7f2a01b3c4d0>", LOADING),
        failed("bert", "cannot pickle <object at 0x7ffdeadbeef0>", LOADING),
    ),
    Pair(
        "folders that were made for one test",
        failed("bert", "no such file: /tmp/pytest-3/save0/model.safetensors", LOADING),
        failed("bert", "no such file: /builds/_temp/x9/save1/model.safetensors", LOADING),
    ),
    Pair(
        "shapes of other ranks",
        failed("bert", "got torch.Size([2, 3]) for (4, 5)", LOADING),
        failed("bert", "got torch.Size([2, 3, 16]) for (4, 5, 6, 7)", LOADING),
    ),
    Pair(
        "one and many",
        failed("bert", "there is 1 tensor too few", LOADING),
        failed("bert", "there is 14 tensors too few", LOADING),
    ),
    Pair(
        "amounts of memory in other units",
        failed("bert", "Tried to allocate 20.00 MiB", LOADING),
        failed("bert", "Tried to allocate 1.5 GiB", LOADING),
    ),
    Pair(
        "another device of one kind",
        failed("bert", "expected cuda:0", LOADING),
        failed("bert", "expected cuda:3", LOADING),
    ),
    Pair(
        "negative numbers, fractions and powers",
        failed("bert", "the mean is -1e-05", LOADING),
        failed("bert", "the mean is 3.25", LOADING),
    ),
    Pair(
        "the line moved, since something was added above it",
        failed("bert", "no", MASKING),
        failed("bert", "no", Frame(MASKING.path, 260, MASKING.function, MASKING.source)),
    ),
    Pair(
        "what a check measured of the outputs of two heads",
        asserted("bert", "padding is seen: padded on the right, logits by 2.1e-05 of its magnitude (error: 1.2e-05)"),
        asserted("gpt2", "padding is seen: padded on the left, last_hidden_state by 1.6e-01 of its magnitude"),
    ),
    Pair(
        "what a check measured of the only output of two heads",
        asserted("bert", "eager: the future changes logits by 3.4e-01 of its magnitude (float error: 1.0e-05)"),
        asserted(
            "gpt2", "eager: the future changes last_hidden_state by 3.4e-02 of its magnitude (float error: 1e-05)"
        ),
    ),
    Pair(
        "what a check lists of the keys of two models",
        asserted("bert", "loading BertForMaskedLM, BertModel misses 26 of 26 keys: embeddings.weight"),
        asserted("gpt2", "loading GPT2ForMaskedLM, GPT2Model misses 20 of 20 keys: wte.weight, wpe.weight"),
    ),
    Pair(
        "another layer's module differs first",
        asserted("bert", "two forwards of the same inputs differ: logits", module="encoder.layer.0.attention"),
        asserted("bert", "two forwards of the same inputs differ: logits", module="encoder.layer.7.attention"),
    ),
    Pair(
        "an older record says the place in its traceback alone",
        failed("bert", "no", Frame("transformers/cache_utils.py", 9, "Cache.update", "self.keys[0]")),
        failed("bert", trace=PYTHON.format("self.keys[0]")),
    ),
    Pair(
        "a traceback as Python writes it, and as pytest does",
        failed("bert", trace=PYTHON.format("self.keys[0]")),
        failed("bert", trace=PYTEST.format("self.keys[0]")),
    ),
    Pair(
        "a traceback that was cut in the middle of a line",
        failed("bert", trace=PYTHON.format("self.keys[0]")),
        failed("bert", trace=f'ers/models/x.py", line 2, in forw\n{PYTHON.format("self.keys[0]")}'),
    ),
    Pair(
        "shards that left nothing",
        not_run("bert", "shard 1 of 8 (cpu) left no records"),
        not_run("gpt2", "shard 3 of 8 (cpu) left no records"),
    ),
    Pair(
        "a failure, and the same once the ledger has it",
        failed("bert", "no", MASKING),
        failed("bert", "no", MASKING, outcome=Outcome.KNOWN_FAILURE, reason="masks: their width is wrong"),
    ),
]

TWO_CAUSES = [
    Pair("two functions", failed("bert", "no", MASKING), failed("bert", "no", LOADING)),
    Pair(
        "two lines of one function",
        failed("bert", "no", MASKING),
        failed("bert", "no", Frame(MASKING.path, 215, MASKING.function, "mask = mask[:, 0]")),
    ),
    Pair(
        "functions of one name in two files",
        failed("bert", "no", Frame("transformers/models/bert/modeling_bert.py", 9, "rotate", "x[0]")),
        failed("gpt2", "no", Frame("transformers/models/gpt2/modeling_gpt2.py", 9, "rotate", "x[0]")),
    ),
    Pair("two stages", failed("bert", "no", MASKING), failed("bert", "no", MASKING, stage="build")),
    Pair("two exceptions", failed("bert", "no", MASKING), failed("bert", "no", MASKING, kind="ValueError")),
    Pair(
        "two attributes",
        failed("bert", "'BertConfig' object has no attribute 'bos_token_id'", LOADING),
        failed("bert", "'BertConfig' object has no attribute 'eos_token_id'", LOADING),
    ),
    Pair(
        "a configuration and a model",
        failed("bert", "'BertConfig' object has no attribute 'gate'", LOADING),
        failed("bert", "'BertModel' object has no attribute 'gate'", LOADING),
    ),
    Pair(
        "two dtypes, whose digits are no sizes",
        failed("bert", "expected float32", LOADING),
        failed("bert", "expected float16", LOADING),
    ),
    Pair("nothing and something", failed("bert", "got nan", LOADING), failed("bert", "got 0.5", LOADING)),
    Pair(
        "two checks that say the same",
        asserted("bert", "it gives others: logits by 1.0e-02 of its magnitude"),
        asserted("bert", "it gives others: logits by 1.0e-02 of its magnitude", check="beam_search"),
    ),
    Pair(
        "two things that one check asserts",
        asserted("bert", "the forward changed its inputs: input_ids"),
        asserted("bert", "two forwards return different fields: logits"),
    ),
    Pair(
        "two kinds of module differ first",
        asserted("bert", "two forwards of the same inputs differ: logits", module="encoder.layer.0.attention"),
        asserted("bert", "two forwards of the same inputs differ: logits", module="encoder.layer.0.mlp"),
    ),
    Pair(
        "what the head of a message does not tell apart, of an exception that is not hfci's own",
        failed("bert", "Validation error: Field 'dropout' expected int, got float", LOADING),
        failed("bert", "Validation error: Field 'pruning' expected int, got float", LOADING),
    ),
    Pair(
        "a shard that left nothing, and a worker that was cut off",
        not_run("bert", "shard 1 of 8 (cpu) left no records"),
        not_run("bert", "shard 1 of 8 (cpu) was cut off before it"),
    ),
    Pair(
        "a failure, and none",
        failed("bert", "no", MASKING),
        not_run("bert", "no"),
    ),
]
