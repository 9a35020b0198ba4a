"""What a class means is the same in every release, however that spells its arguments and output fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel
from transformers.utils import ModelOutput
from transformers.utils.deprecation import deprecate_kwarg

from hfci.catalog.aliases import argument_aliases, field_aliases, named, words_of
from hfci.catalog.facts import facts_of, forward_parameters, input_modalities
from hfci.catalog.families import family_of
from hfci.catalog.outputs import declared_outputs, output_fields
from hfci.tiny import build_tiny
from hfci.tiny.inputs.assemble import make_inputs

LATER = "99.0"  # when these aliases go


class Model(nn.Module):
    """What every release of it has."""

    config_class = BertConfig
    main_input_name = "input_ids"
    input_modalities = "text"

    @classmethod
    def can_generate(cls) -> bool:
        """Say that it writes."""
        return True


# --- the release before: an encoder-decoder that gives logits, and a decoder with a cache


@dataclass
class Seq2SeqOutput(ModelOutput):
    logits: Tensor | None = None
    past_key_values: Any = None


class Seq2Seq(Model):
    def forward(self, input_ids: Tensor, decoder_input_ids: Tensor, past_key_values: Any = None) -> Seq2SeqOutput:
        return Seq2SeqOutput(logits=decoder_input_ids + input_ids, past_key_values=past_key_values)


class Decoder(Model):
    def forward(self, input_ids: Tensor, past_key_values: Any = None) -> Seq2SeqOutput:
        return Seq2SeqOutput(logits=input_ids, past_key_values=past_key_values)


# --- the next one renames arguments and fields, and answers to the old names


@dataclass
class RenamedOutput(ModelOutput):
    scores: Tensor | None = None
    cache: Any = None
    image_outputs: Any = None

    @property
    def logits(self) -> Any:
        """The old name of `scores`."""
        return self.scores

    @property
    def image_hidden_states(self) -> Any:
        """What had a field of its own before."""
        return self.image_outputs.pooler_output

    @property
    def video_hidden_states(self) -> Any:
        """Another, which is found in the same place now."""
        return self.image_outputs.pooler_output

    @property
    def best(self) -> Any:
        """Something else: no other name of a field."""
        assert self.scores is not None
        return self.scores.argmax(-1)


class Renamed(Model):
    @deprecate_kwarg("input_ids", new_name="tokens", version=LATER)
    @deprecate_kwarg("decoder_input_ids", new_name="target_ids", version=LATER)
    @deprecate_kwarg("past_key_values", new_name="cache", version=LATER)
    def forward(self, tokens: Tensor, target_ids: Tensor, cache: Any = None) -> RenamedOutput:
        return RenamedOutput(scores=target_ids + tokens, cache=cache)


class RenamedDecoder(Model):
    @deprecate_kwarg("past_key_values", new_name="cache", version=LATER)
    def forward(self, input_ids: Tensor, cache: Any = None) -> RenamedOutput:
        return RenamedOutput(scores=input_ids, cache=cache)


# --- the one after has forgotten the old names


@dataclass
class ForgottenOutput(ModelOutput):
    scores: Tensor | None = None
    cache: Any = None


class Forgotten(Model):
    def forward(self, input_ids: Tensor, target_ids: Tensor, cache: Any = None) -> ForgottenOutput:
        return ForgottenOutput(scores=target_ids + input_ids, cache=cache)


class ForgottenDecoder(Model):
    def forward(self, input_ids: Tensor, cache: Any = None) -> ForgottenOutput:
        return ForgottenOutput(scores=input_ids, cache=cache)


def family(cls: type[Any]) -> str:
    found = family_of(facts_of(cls, (), ()))
    return found.name if found else ""


def test_a_release_that_renames_keeps_family_modality_and_promises() -> None:
    assert [family(cls) for cls in (Seq2Seq, Renamed)] == ["text_encoder_decoder"] * 2
    assert [family(cls) for cls in (Decoder, RenamedDecoder)] == ["text_decoder"] * 2
    assert [input_modalities(cls) for cls in (Seq2Seq, Renamed)] == [("text",)] * 2
    assert [declared_outputs(cls) for cls in (Seq2Seq, Decoder, Renamed, RenamedDecoder)] == (
        [("logits", "cache")] * 2
        + [("logits", "cache", "image_outputs", "image_hidden_states", "video_hidden_states")] * 2
    )


def test_what_is_told_to_a_test_is_how_the_release_spells_it() -> None:
    assert output_fields(Seq2Seq)["cache"] == "past_key_values"
    assert output_fields(Renamed)["cache"] == "cache"
    assert output_fields(Renamed)["logits"] == "scores"
    assert output_fields(Renamed)["image_hidden_states"] == "image_outputs.pooler_output"
    assert forward_parameters(Renamed)["input_ids"] == "tokens"
    assert "best" not in output_fields(Renamed)


def test_a_promise_that_is_dropped_is_seen() -> None:
    assert family(Forgotten) == "text_decoder"  # nothing says any more that it is fed to a decoder
    assert set(declared_outputs(Seq2Seq)) - set(declared_outputs(Forgotten)) == {"logits"}


def test_a_name_of_the_table_is_known_without_any_alias() -> None:
    assert family(ForgottenDecoder) == "text_decoder"
    assert "cache" in declared_outputs(ForgottenDecoder)


def test_an_alias_of_what_is_renamed_again_leads_to_the_last_name() -> None:
    @deprecate_kwarg("ids", new_name="input_ids", version=LATER)
    @deprecate_kwarg("input_ids", new_name="tokens", version=LATER)
    @deprecate_kwarg("device", version=LATER)
    def forward(tokens: Tensor) -> None:
        """Take tokens."""

    assert argument_aliases(forward) == {"ids": "tokens", "input_ids": "tokens"}


def test_an_alias_of_nothing_is_no_name() -> None:
    assert named(["input_ids"], {"past_key_values": "cache"}) == {"input_ids": "input_ids"}


def test_words_are_ours_then_the_oldest_then_their_own() -> None:
    names = named(["cache", "scores", "hidden_states"], {"cache_params": "cache", "logits": "scores"})
    assert words_of(names) == ("cache", "logits", "hidden_states")


def test_a_field_has_its_own_name_alone_where_nothing_else_is_declared() -> None:
    assert field_aliases(ForgottenOutput).keys() <= {"past_key_values", "cache_params"}


def test_inputs_are_made_for_an_argument_under_its_new_name(recwarn: pytest.WarningsRecorder) -> None:
    class RenamedBert(BertModel):
        @deprecate_kwarg("input_ids", new_name="tokens", version=LATER)
        def forward(self, tokens: Tensor) -> Any:
            return super().forward(input_ids=tokens)

    model = build_tiny("bert", "BertModel").model
    expected = make_inputs(model, [0, 1])
    model.__class__ = RenamedBert
    inputs = make_inputs(model, [0, 1])
    assert inputs.keys() == {"tokens"}
    assert torch.equal(inputs["tokens"], expected["input_ids"])
    recwarn.clear()
    model(**inputs)
    assert not [warning for warning in recwarn if warning.category is FutureWarning]
