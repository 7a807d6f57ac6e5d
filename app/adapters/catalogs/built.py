"""A finished catalogue file, as it is asked: labels in memory, images read when wanted."""

import json
import sqlite3
import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.adapters.catalogs.tables import FORMAT, Row, rows_at
from app.domain.addresses import host_of
from app.domain.attributes import AttributeType
from app.domain.catalogue.editions import PRODUCT_2019
from app.domain.catalogue.fashion import photo_paths
from app.domain.naming import fitting_image_id
from app.domain.records import BadRecord, CatalogueImage, CatalogueLabel, CatalogueReport, HostCount

_BLOCK: Final = 256
_HOSTS_KEPT: Final = 256
"""Labels whose hosts are remembered."""
_MOST_HOSTS: Final = 200


@dataclass(frozen=True, slots=True)
class _File:
    folder: str
    split: str
    kind: str
    prefix: str


class BuiltCatalogue:
    """One reading of a catalogue's files. Any number of calls at once, each on a thread that may wait."""

    def __init__(self, path: Path, root: Path) -> None:
        """Open the file. Raises sqlite3.Error or ValueError if it is none of ours."""
        self._path = path
        self._root = root
        self._hosts: dict[str, list[HostCount]] = {}
        if not path.is_file():
            raise ValueError(path.name)
        with closing(self._connect()) as db:
            if db.execute("PRAGMA user_version").fetchone() != (FORMAT,):
                raise ValueError(path.name)
            sources, report = db.execute("SELECT sources, report FROM meta").fetchone()
            rows = db.execute(
                "SELECT label_id, name, path, image_count, number FROM labels ORDER BY label_id"
            ).fetchall()
            files = db.execute("SELECT first_seq, folder, split, kind, prefix FROM files ORDER BY first_seq").fetchall()
        self.sources: dict[str, Any] = json.loads(sources)
        self.attributes = {name: AttributeType(kind) for name, kind in self.sources["declared"].items()}
        self.report = _report(json.loads(report))
        self.labels = [CatalogueLabel(row[0], row[1], tuple(json.loads(row[2])), row[3]) for row in rows]
        self.by_id = {label.label_id: label for label in self.labels}
        self._numbers = {row[0]: row[4] for row in rows}
        self._first_seqs = [row[0] for row in files]
        self._files = [_File(*row[1:]) for row in files]

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True, check_same_thread=False)

    def bad_records(self, after: int, count: int) -> list[BadRecord]:
        """Those behind the first `after`."""
        columns = "file, section, position, reason, detail, left_out"
        statement = f"SELECT {columns} FROM bad_records WHERE number > ? ORDER BY number LIMIT ?"
        with closing(self._connect()) as db:
            rows = db.execute(statement, (after, count)).fetchall()
        return [BadRecord(*row[:5], bool(row[5])) for row in rows]  # type: ignore[call-arg] # SQLite's columns

    def hosts(self, label_id: str, count: int) -> list[HostCount]:
        """The busiest hosts of a label, counted at the first call; up to 200."""
        if label_id not in self._hosts:
            if len(self._hosts) >= _HOSTS_KEPT:
                self._hosts.clear()
            self._hosts[label_id] = self._count_hosts(label_id)
        return self._hosts[label_id][:count]

    def _count_hosts(self, label_id: str) -> list[HostCount]:
        starts = Counter[str]()
        with closing(self._connect()) as db:
            for rows in self._rows(db, label_id):
                # Most addresses of a host begin alike: the part that can name it is looked at once.
                starts.update("/".join(url.split("/", 3)[:3]) for _, (_, url, _) in rows if url)
        hosts = Counter[str]()
        for start, image_count in starts.items():
            hosts[host_of(start)] += image_count
        del hosts[""]
        ranked = sorted(hosts.items(), key=lambda item: (-item[1], item[0]))
        return [HostCount(*item) for item in ranked[:_MOST_HOSTS]]

    def _rows(self, db: sqlite3.Connection, label_id: str) -> Iterator[list[tuple[int, Row]]]:
        """A label's rows in blocks, in the catalogue's order."""
        number, part = self._numbers[label_id], 0
        while row := db.execute("SELECT seqs FROM postings WHERE number = ? AND part = ?", (number, part)).fetchone():
            seqs = np.frombuffer(row[0], np.int32).tolist()
            for start in range(0, len(seqs), _BLOCK):
                yield rows_at(db, seqs[start : start + _BLOCK])
            part += 1

    def blocks(self, label_id: str, shown_as: str) -> "Blocks":
        """A label's images, block by block; the label is called `shown_as` in them."""
        db = self._connect()
        images = ([self._image(*row, shown_as) for row in rows] for rows in self._rows(db, label_id))
        return Blocks(images, db)

    def _image(self, seq: int, row: Row, label_id: str) -> CatalogueImage:
        own_id, url, more = row
        file = self._files[bisect_right(self._first_seqs, seq) - 1]
        image_id = fitting_image_id(file.prefix + own_id)
        urls = (*([url] if url else []), *more.get("urls", ()))
        locator = self._locator(file, more.get("path", ""), is_needed=not urls)
        return CatalogueImage(
            image_id=image_id,
            name=locator.rpartition("/")[2] or image_id,
            label_id=label_id,
            own_product_id=label_id if file.kind == PRODUCT_2019 else more.get("product"),
            locator=locator,
            urls=urls,
            title=more.get("title"),
            attributes=more.get("attributes", {}),
        )

    def _locator(self, file: _File, path: str, *, is_needed: bool) -> str:
        """A photo's path seen from the root: a table's own, or where an edition's photos lie."""
        if not path:
            return ""
        folder = "" if file.folder == "." else f"{file.folder}/"
        if file.kind == "table":
            return folder + path
        paths = [folder + candidate for candidate in photo_paths(file.split, path)]
        there = next((one for one in paths if (self._root / one).is_file()), None)
        return there or (paths[0] if is_needed else "")


class Blocks:
    """A label's images as they are asked for, on whatever thread; one at a time."""

    def __init__(self, images: Iterator[list[CatalogueImage]], db: sqlite3.Connection) -> None:
        """`db` is closed with it."""
        self._images = images
        self._db = db
        self._lock = threading.Lock()

    def next(self) -> list[CatalogueImage]:
        """The next block; empty at the end."""
        with self._lock:
            return next(self._images, [])

    def close(self) -> None:
        """Read no more; waits for a block that is being read."""
        with self._lock:
            self._images = iter(())
            self._db.close()


def _report(document: dict[str, Any]) -> CatalogueReport:
    read_at = datetime.fromisoformat(document["read_at"])
    return CatalogueReport(**{**document, "files": tuple(document["files"]), "read_at": read_at})
