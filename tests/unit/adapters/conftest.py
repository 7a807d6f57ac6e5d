from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from app.adapters.ledger.ledger import SqliteLedger

Tree = Callable[[Mapping[str, bytes]], Path]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Makes files, by their paths below a new root."""

    def make(files: Mapping[str, bytes]) -> Path:
        root = tmp_path / "root"
        root.mkdir()
        for path, data in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
        return root

    return make


@pytest.fixture
def ledger_file(tmp_path: Path) -> Path:
    return tmp_path / "jobs.sqlite3"


@pytest.fixture
def ledger(ledger_file: Path) -> Iterator[SqliteLedger]:
    with closing(SqliteLedger(ledger_file)) as ledger:
        yield ledger
