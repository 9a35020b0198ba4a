"""How much each model type is used on the Hub: what matters most comes first, in a file that a repository can keep."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from hfci.cases.records import Count
from hfci.errors import EnvironmentUnfit
from hfci.parsing import Upgrades, Writer, read_json, this_hfci
from hfci.writing import replacing

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo

__all__ = ["LISTED", "SCHEMA", "SCHEMA_FILE", "Popularity", "Use", "fetch_popularity", "load_popularity"]

SCHEMA = 2
SCHEMA_FILE = Path(__file__).parent / "data" / "popularity.schema.json"

UPGRADES: Upgrades = {1: lambda known: {**known, "schema": 2, "hfci": None}}

# So many of the Hub's most downloaded checkpoints are counted: those after them add next to nothing. They are one list,
# in pages of the Hub's choice, each of which says where the next one is; to ask for each model type would be 800
# requests, and the Hub answers 500 in five minutes.
LISTED = 50_000


class Use(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of the most downloaded checkpoints, those of a model type.

    - `downloads`: in 30 days; `checkpoints`: how many were counted
    """

    downloads: Count
    likes: Count
    checkpoints: Annotated[int, msgspec.Meta(ge=0, le=LISTED)]


class Popularity(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The use of each model type.

    - `fetched`: the day
    - `model_types`: the most used first: by downloads, then likes, then name
    """

    schema: Literal[2] = 2
    hfci: Writer = msgspec.field(default_factory=this_hfci)
    fetched: Annotated[str, msgspec.Meta(extra_json_schema={"format": "date"})]
    model_types: dict[str, Use]

    def priority(self, model_type: str) -> tuple[int, int, str]:
        """Return a key that sorts the most used first, by downloads, then likes, then name; who is unknown is last."""
        use = self.model_types.get(model_type)
        return (-use.downloads, -use.likes, model_type) if use else (1, 0, model_type)

    def write(self, path: Path) -> None:
        """Write the file, a line a model type in the order of their use."""
        ranked = sorted(self.model_types, key=self.priority)
        name = msgspec.json.encode
        lines = (f"  {name(key).decode()}: {name(self.model_types[key]).decode()}" for key in ranked)
        with replacing(path) as file:
            about = {"schema": self.schema, "hfci": self.hfci, "fetched": self.fetched}
            head = json.dumps(about).removesuffix("}") + ', "model_types": {\n'
            file.write((head + ",\n".join(lines) + "\n}}\n").encode())


def load_popularity(path: Path) -> Popularity:
    """Read the file; UsageError says what is wrong with it."""
    mend = "`hfci catalog --popularity FILE` makes one"
    return read_json(path, Popularity, "file of popularity", schema=SCHEMA, mend=mend, upgrades=UPGRADES)


def fetch_popularity(
    model_types: Iterable[str], track: Callable[[Iterable[ModelInfo]], Iterable[ModelInfo]] = iter
) -> Popularity:
    """Ask the Hub that HF_ENDPOINT names; EnvironmentUnfit where it does not answer, or not with what it should.

    Needs no token and sends none: the counts are public. `track` shows the progress over at most LISTED checkpoints.
    Where the Hub says that these were too many requests, huggingface_hub waits as long as it says.
    """
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise EnvironmentUnfit("popularity is fetched from the Hub, and HF_HUB_OFFLINE is set: unset it")
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    api = HfApi(token=False)
    try:
        listed = api.list_models(sort="downloads", expand=["config", "downloads", "likes"])
        uses = _count(model_types, track(islice(listed, LISTED)))
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else None
        raise EnvironmentUnfit(_answered(api.endpoint, status)) from error
    except Exception as error:  # which class says that there is no network, and what JSON is none, differs by version
        lines = str(error).strip().splitlines() or [""]
        reason = f"{type(error).__name__}: {lines[0]:.200}"
        raise EnvironmentUnfit(f"cannot list the models of {api.endpoint} ({reason}); is there a network?") from error
    return Popularity(fetched=f"{datetime.now(UTC):%Y-%m-%d}", model_types=uses)


def _count(model_types: Iterable[str], listed: Iterable[ModelInfo]) -> dict[str, Use]:
    """Count the checkpoints of each model type, as their configurations say it; the others are of no interest."""
    counts = {model_type: [0, 0, 0] for model_type in model_types}
    for checkpoint in listed:
        model_type = checkpoint.config.get("model_type") if isinstance(checkpoint.config, dict) else None
        if isinstance(model_type, str) and (count := counts.get(model_type)) is not None:
            count[0] += checkpoint.downloads or 0
            count[1] += checkpoint.likes or 0
            count[2] += 1
    return {model_type: Use(*count) for model_type, count in counts.items()}


def _answered(endpoint: str, status: int | None) -> str:
    mend = {429: "too many requests: wait some minutes, and ask again"}
    usual = "the Hub is out of order: ask again later" if status and status >= 500 else "is HF_ENDPOINT a Hub?"
    return f"{endpoint} answers {status} to the list of its models; {mend.get(status or 0, usual)}"
