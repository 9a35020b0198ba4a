"""How far float error alone moves an architecture's summary: measured, under every condition this machine has."""

from __future__ import annotations

import functools
import json
import math
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import msgspec
import torch

from hfci.catalog import read_row
from hfci.checks.double import in_double
from hfci.checks.floor import misaligned
from hfci.checks.golden import differences
from hfci.checks.goldens import CAP, Golden, tolerance
from hfci.checks.summaries import Summary, distance, is_gradient, summary_of
from hfci.errors import HfciError, StageError
from hfci.tiny import TinyModel, build_tiny

__all__ = ["KERNELS", "THREADS", "measure", "summaries", "with_tolerances"]

# The kernel sets of a processor, each as the libraries are told it. They are read once, when torch is imported.
KERNELS: Mapping[str, Mapping[str, str]] = {
    "avx2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"},
    "default": {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"},
}

# How many threads there may be; the number decides in which order kernels sum.
THREADS = (1, 2)

Summaries = dict[str, dict[str, Summary]]  # architecture → field → its summary


def summaries(model_type: str, threads: Sequence[int]) -> tuple[dict[int, Summaries], dict[str, str]]:
    """Return the summaries of the architectures of `model_type` with so many threads, and why the others have none."""
    by_threads: dict[int, Summaries] = {number: {} for number in threads}
    failed: dict[str, str] = {}
    for architecture in read_row(model_type).architectures:
        try:
            tiny = build_tiny(model_type, architecture.name)
            for number in threads:
                with _threads(number):
                    by_threads[number][architecture.name] = summary_of(tiny)
        except Exception as error:  # one architecture's fault must not cost the others their summaries
            failed[architecture.name] = _said(error)
    return by_threads, failed


def measure(
    known: Mapping[str, Mapping[str, Mapping[str, Golden]]],
) -> Iterator[tuple[str, dict[str, Mapping[str, Golden]], dict[str, str]]]:
    """Yield of each model type its golden outputs by architecture, and why the other architectures have none.

    `known` are those of each model type that there are. Where nothing differs from them they stay, and nothing more is
    measured.

    The conditions: float64, weights and inputs that lie elsewhere, two threads, and each kernel set, in a process of
    its own, with one thread and with two: together they choose what neither does alone (rt_detr's gradients jump).
    Raises HfciError where such a process fails.
    """
    with ThreadPoolExecutor(len(KERNELS)) as pool:
        others = [one for each in pool.map(functools.partial(_elsewhere, list(known)), KERNELS) for one in each]
    for model_type, before in known.items():
        golden: dict[str, Mapping[str, Golden]] = {}
        failed: dict[str, str] = {}
        for architecture in read_row(model_type).architectures:
            try:
                tiny = build_tiny(model_type, architecture.name)
                reference = summary_of(tiny)
                if architecture.name in before and not differences(before[architecture.name], reference):
                    golden[architecture.name] = before[architecture.name]
                    continue
                again = [*_here(tiny, reference), *(other[model_type].get(architecture.name, {}) for other in others)]
            except Exception as error:  # as in `summaries`
                failed[architecture.name] = _said(error)
            else:
                golden[architecture.name] = with_tolerances(reference, again)
        yield model_type, golden, failed


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, HfciError) else f"{type(error).__name__}: {error}"


def with_tolerances(reference: Mapping[str, Summary], again: Iterable[Mapping[str, Summary]]) -> dict[str, Golden]:
    """Return `reference` with what each field may differ by, as the same summary measured `again` says."""
    again = list(again)
    golden = {}
    for name, field in reference.items():
        noise = max((_noise(field, other.get(name)) for other in again), default=0.0)
        allowed = tolerance(noise)
        if allowed is None:
            moved = float(f"{min(noise, 1e300):.1e}")
            golden[name] = Golden(dtype=field.dtype, shape=field.shape, unsteady=moved)
        else:
            allowed = None if field.digest else allowed
            golden[name] = Golden(**msgspec.structs.asdict(field), tolerance=allowed)
    return golden


def _noise(field: Summary, other: Summary | None) -> float:
    """Return how far a field moved; its dtype is that of the reference, whatever precision it was computed in."""
    return math.inf if other is None else distance(field, msgspec.structs.replace(other, dtype=field.dtype))


def _here(tiny: TinyModel, reference: Mapping[str, Summary]) -> Iterator[dict[str, Summary]]:
    """Yield the summaries under the conditions that one process has.

    Float64 is none where an output is another altogether. That is no float error, but another computation: canine's
    masks overflow in it, eomt's stay float32, reformer draws other numbers.
    """
    with _threads(2):
        yield summary_of(tiny)
    yield summary_of(misaligned(tiny))
    double = in_double(tiny)
    try:
        precise = summary_of(double)
    except (StageError, RuntimeError):  # its forward or its backward knows no float64; the other conditions measure
        return
    outputs = [name for name in reference if not is_gradient(name)]
    if all(_noise(reference[name], precise.get(name)) <= CAP for name in outputs):
        yield precise


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Let torch compute with so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _elsewhere(model_types: Sequence[str], kernels: str) -> list[dict[str, Summaries]]:
    """Return model type → architecture → summary, computed in a process with this kernel set, for each of `THREADS`."""
    threads = [text for number in THREADS for text in ("--threads", str(number))]
    command = [sys.executable, "-m", "hfci", "golden", "show", *model_types, *threads, "--json"]
    environment = {**os.environ, **KERNELS[kernels]}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode not in (0, 1):  # 1: some could not be built, here as there
        raise HfciError(
            f"`{' '.join(command[2:])}` with the kernels {kernels} ended with {done.returncode}: {done.stderr}"
        )
    shown = msgspec.convert(json.loads(done.stdout)["threads"], dict[int, dict[str, Summaries]], strict=False)
    return list(shown.values())
