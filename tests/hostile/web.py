"""The hostile web as a child process, and what it saw."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PHOTOS: Final = ROOT.parent / "shared" / "data" / "clothing"
"""Real photos, where they are; the web draws some where they are not."""
_STOP_WAIT_S: Final = 10


@dataclass(frozen=True, slots=True)
class Seen:
    """A line of the web's log: a request, or with an empty target a connection that came to none."""

    at: float
    address: str
    host: str
    target: str
    answered: str


@dataclass(frozen=True, slots=True)
class Web:
    """A running web: its port on every address, and its name server's on 127.0.0.1."""

    port: int
    names_port: int
    log: Path | None
    pid: int

    def seen(self) -> list[Seen]:
        """Who came, in order."""
        assert self.log is not None
        # A line that is being written is not seen yet.
        lines = self.log.read_text("utf-8").rpartition("\n")[0].splitlines()
        return [Seen(**json.loads(line)) for line in lines]

    def witnessed(self) -> list[Seen]:
        """Who came to an address that is forbidden."""
        return [one for one in self.seen() if one.answered == "witness"]


@contextmanager
def running_web(
    log: Path | None,
    *,
    distinct: int = 600,
    latency_s: float = 0.0,
    photo_bytes: int | None = None,
    core: int | None = None,
) -> Iterator[Web]:
    """Start the web, on one core if asked, and end it; `distinct` is how many different photos it has."""
    command = [*(["taskset", "-c", str(core)] if core is not None else []), sys.executable, "-m", "tests.hostile.serve"]
    command += ["--photos", str(PHOTOS), "--distinct", str(distinct), "--latency-s", str(latency_s)]
    command += ["--log", str(log)] if log else []
    command += ["--photo-bytes", str(photo_bytes)] if photo_bytes else []
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        ports = json.loads(process.stdout.readline() or "{}")
        yield Web(ports["port"], ports["names_port"], log, process.pid)
    finally:
        process.stdin.close()
        try:
            process.wait(_STOP_WAIT_S)
        finally:
            process.kill()
            process.stdout.close()
