"""Where all that fingerprints are made of lies: the source of transformers and of hfci, tests, templates, versions."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hfci.configuration import load_configuration
from hfci.errors import UsageError
from hfci.imports import entered
from hfci.origin import find_transformers
from hfci.planning.fingerprinting.imported import sources_of
from hfci.planning.fingerprinting.sources import File, Folder, files_in
from hfci.templating import templates_dir

__all__ = ["CONSTRAINTS", "OWN", "OWN_LEDGER", "Locations", "locations_of"]

# The labels of the files that lie in no folder of their own.
OWN_LEDGER = "ledger.toml"  # of the repository that uses hfci
CONSTRAINTS = "constraints.txt"
# Begins the labels of the folders that `[tool.hfci]` names: recipes, exceptions, golden, changes.
OWN = "own/"
OWN_DATA = {"recipes": (".toml",), "exceptions": (".toml",), "golden": (".json",), "changes": (".json",)}


@dataclass(frozen=True)
class Locations:
    """Where everything lies; `constraints` names the packages' versions, None takes those installed here.

    `imports` has the sources of what is imported beside transformers, a folder or a file, by label; `own` the folders
    of data of the repository that uses hfci, by their kinds.
    """

    transformers: Path
    hfci: Path
    generated: Path
    templates: Path
    ledger: Path | None = None
    constraints: Path | None = None
    imports: Mapping[str, Path] = field(default_factory=dict)
    own: Mapping[str, Path] = field(default_factory=dict)

    @property
    def folders(self) -> tuple[Folder, ...]:
        """The folders, each with the label of its files."""
        return (
            Folder("transformers", self.transformers.resolve()),
            Folder("hfci", self.hfci.resolve(), (".py", ".toml", ".json")),
            Folder("generated", self.generated.resolve()),
            Folder("templates", self.templates.resolve(), (".jinja",)),
            *(Folder(label, path.resolve()) for label, path in self.imports.items() if path.is_dir()),
            *(Folder(f"{OWN}{kind}", path.resolve(), OWN_DATA[kind]) for kind, path in self.own.items()),
        )

    @property
    def single(self) -> dict[str, Path]:
        """The files that lie in none of these folders, by label."""
        alone = {label: path for label, path in self.imports.items() if not path.is_dir()}
        paths = {OWN_LEDGER: self.ledger, CONSTRAINTS: self.constraints, **alone}
        return {label: path.resolve() for label, path in paths.items() if path is not None}

    def files(self) -> dict[str, File]:
        """Return the files as they are now, by label; EnvironmentUnfit where a named one is not there."""
        files = {label: file for folder in self.folders for label, file in files_in(folder).items()}
        for label, path in self.single.items():
            if not path.is_file():
                raise UsageError(f"there is no file {path}, which was named as {label}")
            files[label] = File(path)
        return files


def locations_of(generated: Path, constraints: Path | None = None, transformers: Path | None = None) -> Locations:
    """Return where everything lies: the folder `transformers`, or what is imported here under that name."""
    package = importlib.util.find_spec("hfci")
    assert package is not None
    assert package.submodule_search_locations is not None
    configuration = load_configuration(Path.cwd())
    own = {kind: getattr(configuration, kind) for kind in OWN_DATA}
    return Locations(
        transformers=transformers or find_transformers(),
        hfci=Path(package.submodule_search_locations[0]),
        generated=generated,
        templates=templates_dir(),
        ledger=configuration.ledger,
        constraints=constraints,
        imports=sources_of(entered()),
        own={kind: path for kind, path in own.items() if path is not None},
    )
