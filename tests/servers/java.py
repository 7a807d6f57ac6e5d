"""Finding the Java that runs a server."""

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.servers.distributions import NoServerError

FAST: Final = 21
"""From this version on Elasticsearch compares vectors with its native library."""
_SYSTEM: Final = ("/usr/lib/jvm/*", "/usr/lib64/jvm/*", "/Library/Java/JavaVirtualMachines/*/Contents/Home")
_VERSION: Final = re.compile(r'^JAVA_VERSION="(?:1\.)?(\d+)', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Java:
    """An installed Java."""

    home: Path
    version: int


def find_java(minimum: int) -> Java:
    """The Java for a server that runs on `minimum` and later. Raises NoServerError."""
    found = chosen(installed(homes(os.environ)), minimum, os.environ.get("ES_JAVA_HOME"))
    if found is None:
        raise NoServerError(f"needs Java {minimum} or later (ES_JAVA_HOME, JAVA_HOME or the system's own): found none")
    return found


def homes(environ: Mapping[str, str]) -> Iterator[Path]:
    """Where a Java may be: what is named, then the system's, then the one on PATH."""
    yield from (Path(environ[name]) for name in ("ES_JAVA_HOME", "JAVA_HOME") if environ.get(name))
    for pattern in _SYSTEM:
        yield from sorted(Path("/").glob(pattern.removeprefix("/")))
    if command := shutil.which("java", path=environ.get("PATH")):
        yield Path(command).resolve().parent.parent


def installed(places: Iterable[Path]) -> list[Java]:
    """Those that are a Java that says its version (in the file `release`, as all do since 9)."""
    found = []
    for home in places:
        release = home / "release"
        if (home / "bin" / "java").is_file() and release.is_file():
            match = _VERSION.search(release.read_text("utf-8"))
            found += [Java(home, int(match[1]))] if match else []
    return found


def chosen(found: Iterable[Java], minimum: int, named: str | None) -> Java | None:
    """`named`, if it will do; else the first that is fast; else the first that will do."""
    fit = [java for java in found if java.version >= minimum]
    wanted = [java for java in fit if named and java.home == Path(named)]
    return next(iter([*wanted, *(java for java in fit if java.version >= FAST), *fit]), None)
