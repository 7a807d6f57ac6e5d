"""Our Dockerfile, read as a builder reads it: as far as our own uses it."""

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

_IGNORED: Final = shutil.ignore_patterns("__pycache__", "*.pyc")
_TARGET: Final = PurePosixPath("/")


@dataclass(frozen=True, slots=True)
class Stage:
    """What stands between two FROM lines: (word, the rest of the line)."""

    name: str
    instructions: tuple[tuple[str, str], ...]

    def every(self, word: str) -> list[str]:
        """What follows a word, each time it stands there."""
        return [rest for found, rest in self.instructions if found == word]

    def last(self, word: str) -> str:
        """What follows a word: the last one counts."""
        return self.every(word)[-1]

    def array(self, word: str) -> list[str]:
        """The same of a word that is in exec form. Raises ValueError when a shell would run it."""
        parts: list[str] = json.loads(self.last(word))
        return parts

    @property
    def environment(self) -> dict[str, str]:
        """ENV; what it takes from the image beneath is left as it stands."""
        return dict(pair.split("=", 1) for rest in self.every("ENV") for pair in shlex.split(rest))

    @property
    def health_command(self) -> list[str]:
        """HEALTHCHECK's command, without its options."""
        parts: list[str] = json.loads(self.last("HEALTHCHECK").split(" CMD ", 1)[1])
        return parts


def stages(path: Path) -> list[Stage]:
    """The stages in order; the last one is the image."""
    found: list[tuple[str, list[tuple[str, str]]]] = []
    for word, rest in _instructions(path.read_text("utf-8")):
        if word == "FROM":
            found.append((rest.partition(" AS ")[2], []))
        found[-1][1].append((word, rest))
    return [Stage(name, tuple(lines)) for name, lines in found]


def sources(stage: Stage) -> list[str]:
    """What a stage copies from the builder's context."""
    return [rest.split()[0] for rest in stage.every("COPY") if not rest.startswith("--")]


def staged(path: Path, context: Path, into: Path) -> Path:
    """The files that COPY brings into the image, below `into`; what RUN makes is not among them."""
    roots = {stage.name: into / (stage.name or "image") for stage in stages(path)}
    for stage in stages(path):
        place = _TARGET
        for word, rest in stage.instructions:
            if word == "WORKDIR":
                place = place / rest
            elif word == "COPY":
                *options, source, target = rest.split()
                root = roots[options[0].removeprefix("--from=")] if options else context
                found = root / source.lstrip("/")
                if found.exists() or not options:  # what another stage's RUN made is not here
                    _copy(found, roots[stage.name] / (place / target).relative_to(_TARGET))
    return roots[""]


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    lines = "\n".join(line for line in text.splitlines() if line and not line.startswith("#"))
    for line in re.sub(r"\\\n\s*", " ", lines).splitlines():
        word, _, rest = line.partition(" ")
        yield word, " ".join(rest.split()) if word in {"COPY", "FROM"} else rest.strip()


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=_IGNORED, dirs_exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
