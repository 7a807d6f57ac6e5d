"""Our compose file, read as compose reads it: YAML first, then variables in its values."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

_VARIABLE: Final = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+):(?P<kind>[-?])(?P<word>[^}]*)\}|(?P<other>))")
_UNIT_BYTES: Final = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


class MissingVariableError(Exception):
    """`${NAME:?sentence}` without a value."""


def read(path: Path, variables: Mapping[str, str]) -> dict[str, Any]:
    """The file as compose works on it.

    Knows `${NAME:-default}`, `${NAME:?sentence}` and `$$`. Raises MissingVariableError, and ValueError for a dollar
    sign that is none of these.
    """
    found: dict[str, Any] = _valued(YAML(typ="safe").load(path.read_text("utf-8")), variables)
    return found


def variables_of(text: str) -> set[str]:
    """The names of the variables that a text asks for."""
    return {match["name"] for match in _VARIABLE.finditer(text) if match["name"]}


def size_bytes(text: str) -> int:
    """`512m` and `2g` in bytes."""
    return int(text[:-1]) * _UNIT_BYTES[text[-1]]


def _valued(node: Any, variables: Mapping[str, str]) -> Any:
    match node:
        case dict():
            return {key: _valued(value, variables) for key, value in node.items()}
        case list():
            return [_valued(value, variables) for value in node]
        case str():
            return _VARIABLE.sub(lambda match: _value(match, variables), node)
        case _:
            return node


def _value(match: re.Match[str], variables: Mapping[str, str]) -> str:
    if match["dollar"]:
        return "$"
    if not match["name"]:
        raise ValueError(match.string)
    found = variables.get(match["name"])
    if match["kind"] == "-":
        return found or match["word"]
    if not found:
        raise MissingVariableError(match["name"], match["word"])
    return found
