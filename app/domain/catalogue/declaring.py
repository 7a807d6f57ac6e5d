"""The TOML that names several catalogues -> what each of them is.

[catalogues.shop]
path = "shop.csv"            # or files = ["train.json", "validation.json"]
[catalogues.shop.attributes]
colour = "string"
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.domain.attributes import Attributes
from app.domain.catalogue.attributes import parse_declaration

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_KEYS: Final = frozenset({"path", "files", "attributes"})


@dataclass(frozen=True, slots=True)
class Declared:
    """One catalogue: a path, or several files. `attributes` None: as the file beside each table declares."""

    path: str | None
    files: tuple[str, ...]
    attributes: Attributes | None


def parse_catalogues(document: Mapping[str, Any]) -> dict[str, Declared]:
    """By name, in the order of the document. Raises ValueError with a sentence."""
    named = document.get("catalogues")
    if not isinstance(named, dict) or not named:
        raise ValueError("It names no catalogue: [catalogues.<name>] is missing.")
    return {name: _declared(name, one) for name, one in named.items()}


def _declared(name: str, one: object) -> Declared:
    if not _NAME.fullmatch(name):
        raise ValueError(f"'{name}' is no name for a catalogue: 1 to 32 of a-z, 0-9, - and _.")
    if not isinstance(one, dict):
        raise ValueError(f"[catalogues.{name}] is missing.")  # noqa: TRY004 - a setting of the caller's
    if unknown := one.keys() - _KEYS:
        raise ValueError(f"[catalogues.{name}] has '{min(unknown)}', which means nothing here.")
    path, files = one.get("path"), one.get("files")
    if isinstance(path, str) and path and files is None:
        return Declared(path, (), _attributes(one))
    if isinstance(files, list) and files and all(isinstance(file, str) and file for file in files) and path is None:
        return Declared(None, tuple(dict.fromkeys(files)), _attributes(one))
    raise ValueError(f"[catalogues.{name}] needs either path or files.")


def _attributes(one: Mapping[str, Any]) -> Attributes | None:
    return parse_declaration(one["attributes"]) if "attributes" in one else None
