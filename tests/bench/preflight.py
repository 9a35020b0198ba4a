"""What preflight costs beside what it must: its own work until the verdict of `size`, and its requests.

`python tests/bench/preflight.py`: on a tiny checkpoint of a Hub on the loopback, it prints the seconds from the command
to the verdict of `size`, of which imports are measured in processes that do nothing else, and the requests; the ranged
requests of `keys`, by shard; what a second run downloads; and the seconds of `load` and `hello` against those of
`from_pretrained` and `generate` alone. Exits 1 if a promise is missed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from hfci.cli import main as hfci  # noqa: E402
from tests.preflight.hub import Hub, Repo, running_hub  # noqa: E402

TIMES = 3
PROMISED_OWN_S = 1.0
PROMISED_REQUESTS = 6
OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")  # as `hfci tiny` sets them for its process

# What an evaluation does anyway, on a model of 200 MB: BARE prints its seconds, imports aside.
SIZE = {"hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 12, "num_attention_heads": 8}
BARE = """
import sys, time
from transformers import AutoModelForCausalLM, AutoTokenizer
import transformers.models.llama.modeling_llama
begun = time.perf_counter()
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype="auto")
model.generate(**tokenizer("Hello, world!", return_tensors="pt"), max_new_tokens=16, do_sample=False)
print(time.perf_counter() - begun)
"""
PROMISED_OVERHEAD, PROMISED_MORE_S = 0.25, 1.0

# What the two processes import, and nothing done with it; the second is ended, as the child of a preflight is.
PARENT = "import hfci.cli, hfci.preflight.running, hfci.preflight.report, rich.console; hfci.cli.make_parser()"
CHILD = """
import huggingface_hub, hfci.preflight.worker, yaml
import transformers.models.llama.modeling_llama, transformers.models.auto.modeling_auto
import hfci.preflight.activations, hfci.preflight.cache, hfci.preflight.memory, hfci.tiny.shrink
from huggingface_hub import HfApi, constants, file_download, get_session, hf_hub_download
from hfci.catalog.registries import model_type_names
get_session(), model_type_names()
import os
os._exit(0)
"""


def seconds(command: list[str], environment: dict[str, str]) -> float:
    """Return how long `command` takes, at best."""
    took = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        subprocess.run(command, env=environment, check=True, capture_output=True)
        took.append(time.perf_counter() - begun)
    return min(took)


def asked(hub: Hub, until: str, environment: dict[str, str], out: Path) -> int:
    """Return how many requests a preflight makes."""
    hub.requests.clear()
    hub.sent.clear()
    command = [sys.executable, "-m", "hfci", "preflight", "org/bench", "--until", until, "--out", str(out)]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return len(hub.requests)


def save_larger(folder: Path) -> None:
    """Make of the tiny checkpoint in `folder` one that takes a while to load."""
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(folder)
    config.update({**SIZE, "head_dim": 64, "num_key_value_heads": 8})
    model: Any = AutoModelForCausalLM
    model.from_config(config).save_pretrained(folder)


def overhead(folder: Path, environment: dict[str, str], out: Path) -> tuple[float, float]:
    """Return the seconds of `load` and `hello`, and those of loading and generating without preflight, at best."""
    ours, bare = [], []
    command = [
        sys.executable,
        "-m",
        "hfci",
        "preflight",
        str(folder),
        "--model-args",
        "max_length=64",
        "--out",
        str(out),
    ]
    for _ in range(TIMES):
        subprocess.run(command, env=environment, check=True, capture_output=True)
        stages = json.loads((out / "preflight.json").read_text(encoding="utf-8"))["stages"]
        ours.append(sum(each["duration_s"] for each in stages if each["stage"] in ("load", "hello")))
        alone = [sys.executable, "-c", BARE, str(folder)]
        bare.append(float(subprocess.run(alone, env=environment, check=True, capture_output=True).stdout.split()[-1]))
    return min(ours), min(bare)


def main() -> int:
    """Measure, print and judge."""
    missed = False

    def say(what: str, value: float, promised: float) -> None:
        nonlocal missed
        missed = missed or value > promised
        print(f"{what:50}{value:8.2f}  (promised: {promised:g}){'  MISSED' if value > promised else ''}")

    with tempfile.TemporaryDirectory() as name, running_hub() as hub:
        folder = Path(name)
        assert hfci(["tiny", "llama", "--architecture", "LlamaForCausalLM", "--save", str(folder / "tiny")]) == 0
        shutil.copytree(folder / "tiny", folder / "model")
        from transformers import AutoModelForCausalLM

        AutoModelForCausalLM.from_pretrained(folder / "model").save_pretrained(folder / "model", max_shard_size="40KB")
        (folder / "model" / "model.safetensors").unlink()
        hub.repos["org/bench"] = Repo.of(folder / "model", elements={"F32": 1})
        shards = sum(name.endswith(".safetensors") for name in hub.repos["org/bench"].files)
        own = {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)}
        environment = {**{name: value for name, value in os.environ.items() if name not in OFFLINE}, **own}
        say("requests until the verdict of size", asked(hub, "size", environment, folder), PROMISED_REQUESTS)
        preflight = [sys.executable, "-m", "hfci", "preflight", "org/bench", "--until", "size", "--out", str(folder)]
        imports = sum(seconds([sys.executable, "-c", code], environment) for code in (PARENT, CHILD))
        print(f"{'seconds of imports, in two processes':50}{imports:8.2f}")
        say("own seconds until the verdict of size", seconds(preflight, environment) - imports, PROMISED_OWN_S)
        asked(hub, "keys", environment, folder)
        say("ranged requests of keys, by shard", len(hub.asked("GET", "/cdn/")) / shards, 1)
        asked(hub, "download", environment, folder)
        asked(hub, "download", environment, folder)
        say("bytes that a second run downloads", sum(hub.sent.values()), 0)
        save_larger(folder / "tiny")
        ours, bare = overhead(folder / "tiny", environment, folder)
        print(f"{'seconds to load and generate, without preflight':50}{bare:8.2f}")
        say("seconds of load and hello", ours, round(bare * (1 + PROMISED_OVERHEAD) + PROMISED_MORE_S, 2))
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
