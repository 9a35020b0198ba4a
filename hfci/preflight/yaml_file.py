"""YAML from anybody: read safely, without aliases, by which a short file means gigabytes, and no key twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hfci.errors import UsageError

__all__ = ["LARGEST", "load_yaml"]

LARGEST = 1_000_000  # bytes; a configuration has a few hundred


def load_yaml(path: Path) -> Any:
    """Return what the YAML file at `path` holds; UsageError where it cannot be read, or holds what is refused."""
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        """Safe, and strict."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                mark = self.peek_event().start_mark
                raise yaml.MarkedYAMLError(problem="aliases (*name) are not read", problem_mark=mark)
            return super().compose_node(parent, index)

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            if twice := {name for name in names if names.count(name) > 1}:
                raise yaml.MarkedYAMLError(problem=f"{min(twice)} stands there twice", problem_mark=node.start_mark)
            return super().construct_mapping(node, deep)

    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise UsageError(f"{path} has more than {LARGEST:,} bytes: that is no configuration")
        return yaml.load(content, Loader)  # noqa: S506 -- it is a safe one
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UsageError(f"{path} is no YAML that can be read: {error.problem}{line}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise UsageError(f"{path} is no YAML that can be read: {error}") from error
