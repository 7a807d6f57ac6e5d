"""The command line in this process, against a fake service on loopback."""

import os
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from app.cli.program import run
from tests.unit.cli.fake_service import FakeService, fake_service


class Outcome(NamedTuple):
    exit_code: object
    out: str
    err: str


Lookalike = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("LOOKALIKE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def fake() -> Iterator[FakeService]:
    with fake_service() as service:
        yield service


@pytest.fixture
def lookalike(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lookalike:
    """Runs a command: its exit code, its stdout, its stderr."""

    def call(*words: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["lookalike", *words])
        with pytest.raises(SystemExit) as ended:
            run()
        return Outcome(ended.value.code, *capsys.readouterr())

    return call
