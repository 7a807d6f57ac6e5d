"""An embedded store's truth as a source of copies: without the cache, and whatever space its entries are of."""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from app.adapters.sqlite import SqliteFile
from app.adapters.stores.embedded import reading
from app.adapters.stores.embedded.schema import SCHEMA, STORE_FILE, Connection
from app.domain.records import KeptEntry
from app.domain.spaces import Space


class EmbeddedSource:
    """See the port `CopySource`."""

    def __init__(self, file: SqliteFile) -> None:
        """Use `opened_source` instead."""
        self._file = file

    async def space(self) -> Space | None:
        """The space that most of the entries are of."""
        return await self._file.read(_space)

    async def count(self) -> int:
        """How many there are."""
        return await self._file.read(_count)

    async def entries(self, after: str, count: int) -> list[KeptEntry]:
        """The next entries."""
        return await self._file.read(_entries, after, count)

    async def names(self) -> Mapping[str, str]:
        """What labels are called."""
        return await self._file.read(_names)

    async def deletions(self, after: str, count: int) -> Mapping[str, Collection[str]]:
        """The next deletions."""
        return await self._file.read(_deletions, after, count)


def holds_store(folder: Path) -> bool:
    """Whether there is a store in a folder."""
    return (folder / STORE_FILE).is_file()


@contextmanager
def opened_source(folder: Path) -> Iterator[EmbeddedSource]:
    """The source in the folder of a store, which is there. Raises DataFolderError."""
    file = SqliteFile(folder / STORE_FILE, SCHEMA, readers=1)
    try:
        yield EmbeddedSource(file)
    finally:
        file.close()


def _space(db: Connection) -> Space | None:
    most = "SELECT space FROM entries GROUP BY space ORDER BY count(*) DESC, space LIMIT 1"
    row = db.execute(
        f"SELECT space, length(vector) FROM entries JOIN features USING (seq) WHERE space = ({most}) LIMIT 1"
    ).fetchone()
    return Space.raw(row[0], row[1] // np.dtype(np.float16).itemsize) if row else None


def _count(db: Connection) -> int:
    return int(db.execute("SELECT count(*) FROM entries").fetchone()[0])


def _entries(db: Connection, after: str, count: int) -> list[KeptEntry]:
    rows: list[tuple[Any, ...]] = db.execute(
        "SELECT seq, vector, space, indexed_at FROM entries CROSS JOIN features USING (seq) WHERE image_id > ?"
        " ORDER BY image_id LIMIT ?",
        (after, count),
    ).fetchall()
    entries = reading.by_seq(db, [seq for seq, *_ in rows])
    return [
        KeptEntry(entries[seq], np.frombuffer(vector, np.float16), space, datetime.fromisoformat(indexed_at))
        for seq, vector, space, indexed_at in rows
    ]


def _names(db: Connection) -> dict[str, str]:
    return dict(db.execute("SELECT label_id, name FROM labels").fetchall())


def _deletions(db: Connection, after: str, count: int) -> dict[str, list[str]]:
    rows = db.execute(
        "SELECT image_id, json_group_array(label_id) FROM deletions WHERE image_id > ? GROUP BY image_id"
        " ORDER BY image_id LIMIT ?",
        (after, count),
    )
    return {image_id: json.loads(label_ids) for image_id, label_ids in rows}
