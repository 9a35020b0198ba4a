"""What preflight costs beside what it must: its own work until the verdict of `size`, and its requests.

`python tests/bench/preflight.py`: on a tiny checkpoint of a Hub on the loopback, it prints the seconds from the command
to the verdict of `size`, of which imports are measured in processes that do nothing else, and the requests; the ranged
requests of `keys`, by shard; and what a second run downloads. Exits 1 if a promise is missed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from hfci.cli import main as hfci  # noqa: E402
from tests.preflight.hub import Hub, Repo, running_hub  # noqa: E402

TIMES = 3
PROMISED_OWN_S = 1.0
PROMISED_REQUESTS = 6
OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")  # as `hfci tiny` sets them for its process

# What the two processes import, and nothing done with it.
PARENT = "import hfci.cli, hfci.preflight.running, hfci.preflight.report, rich.console; hfci.cli.make_parser()"
CHILD = """
import huggingface_hub, hfci.preflight.worker, yaml
from huggingface_hub import HfApi, constants, file_download, get_session, hf_hub_download
from hfci.catalog.registries import model_type_names
get_session(), model_type_names()
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


def main() -> int:
    """Measure, print and judge."""
    missed = False

    def say(what: str, value: float, promised: float) -> None:
        nonlocal missed
        missed = missed or value > promised
        print(f"{what:50}{value:8.2f}  (promised: {promised:g}){'  MISSED' if value > promised else ''}")

    with tempfile.TemporaryDirectory() as name, running_hub() as hub:
        folder = Path(name)
        assert hfci(["tiny", "llama", "--architecture", "LlamaForCausalLM", "--save", str(folder / "model")]) == 0
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
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
