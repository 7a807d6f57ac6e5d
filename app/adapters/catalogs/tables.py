"""The SQLite file that a catalogue is read into: its tables, and images in and out of it.

A record has a place, its `seq`, counted over all files in the order of reading. A row of `images` holds 64 records,
those from 64 * block on: their own ids and first addresses, one to a line and empty where there is none, and as JSON
{offset: what else there is}; a row for each would take three times as long to write. `postings` has each label's
places, in order, as int32, in parts; `meta` has one row, of JSON.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple

FORMAT: Final = 2
"""Of the file: another one is read anew."""
_BLOCK: Final = 64
_SCHEMA: Final = """
CREATE TABLE images (
    block INTEGER PRIMARY KEY, own_ids TEXT NOT NULL, urls TEXT NOT NULL, more TEXT
);
CREATE TABLE files (
    first_seq INTEGER PRIMARY KEY, name TEXT NOT NULL, folder TEXT NOT NULL, split TEXT NOT NULL, kind TEXT NOT NULL,
    prefix TEXT NOT NULL
);
CREATE TABLE labels (
    number INTEGER PRIMARY KEY, label_id TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL,
    image_count INTEGER NOT NULL
);
CREATE TABLE postings (number INTEGER, part INTEGER, seqs BLOB NOT NULL, PRIMARY KEY (number, part)) WITHOUT ROWID;
CREATE TABLE bad_records (
    number INTEGER PRIMARY KEY, file TEXT NOT NULL, section TEXT NOT NULL, position INTEGER NOT NULL,
    reason TEXT NOT NULL, detail TEXT NOT NULL, left_out INTEGER NOT NULL
);
CREATE TABLE meta (sources TEXT NOT NULL, report TEXT NOT NULL);
"""


class Row(NamedTuple):
    """A stored image: its id in the data set, its first address or nothing, and by name what few images have."""

    own_id: str
    url: str
    more: dict[str, Any]


class ImageTable:
    """A new file, that images are written to. Nothing is safe in it before it is finished and closed."""

    def __init__(self, path: Path) -> None:
        """Make the file; what was there is gone."""
        path.unlink(missing_ok=True)
        self.connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("page_size=16384", "journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE"):
            self.connection.execute(f"PRAGMA {pragma}")
        self.connection.executescript(_SCHEMA)
        self.connection.execute(f"PRAGMA user_version={FORMAT}")
        self.connection.execute("BEGIN")
        self._block = 0
        self._own_ids: list[str] = []
        self._urls: list[str] = []
        self._more: dict[int, dict[str, Any]] = {}

    def add(self, own_id: str, url: str, more: dict[str, Any]) -> None:
        """The next record; without an `own_id` it is no image."""
        if more:
            self._more[len(self._own_ids)] = more
        self._own_ids.append(own_id)
        self._urls.append(url)
        if len(self._own_ids) == _BLOCK:
            self._flush()

    def add_plain(self, own_ids: Sequence[str], urls: Sequence[str]) -> None:
        """The next records, that have one address each and nothing more."""
        start = min(-len(self._own_ids) % _BLOCK, len(own_ids))
        for first, end in [(0, start), *((at, at + _BLOCK) for at in range(start, len(own_ids), _BLOCK))]:
            self._own_ids += own_ids[first:end]
            self._urls += urls[first:end]
            if len(self._own_ids) == _BLOCK:
                self._flush()

    def _flush(self) -> None:
        cells = (_lines(self._own_ids), _lines(self._urls), json.dumps(self._more) if self._more else None)
        self.connection.execute("INSERT INTO images VALUES (?,?,?,?)", (self._block, *cells))
        self._block += 1
        self._own_ids, self._urls, self._more = [], [], {}

    def flush(self) -> None:
        """Write what was added, so that it can be read: no more follows."""
        if self._own_ids:
            self._flush()

    def rename(self, seq: int, own_id: str) -> None:
        """Give an image another id."""
        block, offset = divmod(seq, _BLOCK)
        own_ids, *_ = _block(self.connection, block)
        own_ids[offset] = own_id
        self.connection.execute("UPDATE images SET own_ids = ? WHERE block = ?", (_lines(own_ids), block))

    def close(self) -> None:
        """Close the file, whatever is in it."""
        self.connection.close()


def _lines(texts: Sequence[str]) -> str:
    """One to a line; what breaks lines itself is blank then."""
    lines = "\n".join(texts)
    return lines if lines.count("\n") == len(texts) - 1 else "\n".join(text.replace("\n", " ") for text in texts)


def rows_at(db: sqlite3.Connection, seqs: Sequence[int]) -> list[tuple[int, Row]]:
    """The images at places, which rise; each block is read once."""
    found = []
    for block, places in groupby(seqs, lambda seq: seq // _BLOCK):
        own_ids, urls, more = _block(db, block)
        for seq in places:
            offset = seq % _BLOCK
            found.append((seq, Row(own_ids[offset], urls[offset], more.get(str(offset), {}))))
    return found


def _block(db: sqlite3.Connection, block: int) -> tuple[list[str], list[str], dict[str, Any]]:
    statement = "SELECT own_ids, urls, more FROM images WHERE block = ?"
    own_ids, urls, more = db.execute(statement, (block,)).fetchone()
    return own_ids.split("\n"), urls.split("\n"), json.loads(more) if more else {}


def write_meta(db: sqlite3.Connection, sources: Mapping[str, Any], report: Mapping[str, Any]) -> None:
    """Say what was read, and what was found."""
    db.execute("INSERT INTO meta VALUES (?,?)", (json.dumps(sources), json.dumps(report)))


def replace_sources(path: Path, sources: Mapping[str, Any]) -> None:
    """Say of a finished file what its sources look like now. Raises sqlite3.Error."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE meta SET sources = ?", (json.dumps(sources),))
