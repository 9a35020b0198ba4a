import sys
import time

from hfci.generation.verify import Verification, _Worker, verify_all
from tests.warm import COLD


def test_every_target_is_answered_and_a_failure_names_its_stage():
    found = {v.model_type: v for v in verify_all([("bert", "BertModel"), ("bert_", "BertModel")])}
    assert found["bert"].verified
    assert found["bert"].parameters > 0
    assert not found["bert_"].verified
    assert "bert_" in found["bert_"].error


def test_a_model_that_takes_too_long_does_not_stop_the_rest(monkeypatch):
    monkeypatch.setattr(sys, "executable", COLD)  # which imports torch first: that is too long by far
    started = time.monotonic()
    found = list(verify_all([("bert", "BertModel")], timeout_s=0.01))
    assert found == [Verification("bert", "BertModel", stage="build", error="TimeoutError: not done after 0 s")]
    assert time.monotonic() - started < 30


def test_a_process_that_is_killed_is_recorded_and_replaced():
    worker = _Worker(timeout_s=60)
    try:
        worker.give("bert", "BertModel")
        killed = worker._process
        killed.kill()
        killed.wait()
        assert worker.take() == Verification("bert", "BertModel", stage="build", error="the process died of SIGKILL")
        assert worker.asked is None
        assert worker._process.poll() is None
        assert worker._process is not killed
    finally:
        worker.stop()


def test_what_only_a_built_model_can_tell_is_told():
    (found,) = verify_all([("llava", "LlavaModel")])
    assert {"clip.modeling_clip", "llama.modeling_llama"} <= {*found.modules}
    assert "llava.modeling_llava" not in found.modules  # which its test imports
    assert found.parts == ("clip_vision_model", "llama")
