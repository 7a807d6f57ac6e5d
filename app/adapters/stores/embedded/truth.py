"""The embedded store's truth: SQL, as functions of a connection. An entry's `seq` is never used twice."""

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from app.domain.naming import encoded
from app.domain.records import Entry, NewEntry, Origin, StoredFeatures

Connection = sqlite3.Connection
Sequences = npt.NDArray[np.int64]

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, image_id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, product_id TEXT NOT NULL,
    title TEXT, attributes TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, sha256 BLOB NOT NULL,
    perceptual_hash BLOB NOT NULL, origin TEXT NOT NULL, locator BLOB NOT NULL, job_id TEXT, space TEXT NOT NULL,
    indexed_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS entries_by_sha256 ON entries (sha256);
CREATE TABLE IF NOT EXISTS features (seq INTEGER PRIMARY KEY, vector BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS entry_labels (
    label_id TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (label_id, seq)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS labels_of_entry ON entry_labels (seq, label_id);
CREATE TABLE IF NOT EXISTS labels (label_id TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
"""
_COLUMNS: Final = (
    "seq, image_id, name, product_id, title, attributes, width, height, sha256, perceptual_hash, origin, locator,"
    " job_id, (SELECT group_concat(label_id, ' ') FROM entry_labels WHERE entry_labels.seq = entries.seq)"
)
_CHUNK_ROWS: Final = 2048


@dataclass(frozen=True, slots=True)
class Written:
    """What a put changed: the new entries' seqs in order, and those of the entries that they replace."""

    added: list[int]
    removed: list[int]


@dataclass(frozen=True, slots=True)
class Dropped:
    """What dropping a label changed: the entries that are gone, by seq, and the seqs that lost the label but stay."""

    entries: dict[int, Entry]
    kept: list[int]


def put(db: Connection, entries: Sequence[NewEntry], space: str) -> Written:
    """Add entries or replace them."""
    removed = [seq for new in entries if (seq := _remove(db, new.entry.image_id)) is not None]
    return Written([_insert(db, new, space) for new in entries], removed)


def _remove(db: Connection, image_id: str) -> int | None:
    row = db.execute("DELETE FROM entries WHERE image_id = ? RETURNING seq", (image_id,)).fetchone()
    if row is None:
        return None
    db.execute("DELETE FROM features WHERE seq = ?", row)
    db.execute("DELETE FROM entry_labels WHERE seq = ?", row)
    return int(row[0])


def _insert(db: Connection, new: NewEntry, space: str) -> int:
    entry = new.entry
    seq = db.execute(
        "INSERT INTO entries (image_id, name, product_id, title, attributes, width, height, sha256, perceptual_hash,"
        " origin, locator, job_id, space, indexed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            entry.image_id, entry.name, entry.product_id, entry.title, json.dumps(dict(entry.attributes)), entry.width,
            entry.height, bytes.fromhex(entry.sha256), entry.perceptual_hash, entry.origin, encoded(entry.locator),
            entry.job_id, space, datetime.now(UTC).isoformat(),
        ),
    ).lastrowid  # fmt: skip
    if seq is None:
        raise sqlite3.IntegrityError("An inserted row has no number.")
    db.execute("INSERT INTO features VALUES (?, ?)", (seq, new.features.tobytes()))
    db.executemany("INSERT INTO entry_labels VALUES (?, ?)", [(label, seq) for label in entry.label_ids])
    return seq


def by_seq(db: Connection, seqs: Sequence[int]) -> dict[int, Entry]:
    """Entries by their seq; those that are gone are left out."""
    query = f"SELECT {_COLUMNS} FROM entries WHERE seq IN (SELECT value FROM json_each(?))"
    return {row[0]: _entry(row) for row in db.execute(query, (json.dumps(seqs),))}


def by_image_ids(db: Connection, image_ids: Sequence[str]) -> dict[int, Entry]:
    """Those of the ids that are entries, by their seq."""
    query = f"SELECT {_COLUMNS} FROM entries WHERE image_id IN (SELECT value FROM json_each(?))"
    return {row[0]: _entry(row) for row in db.execute(query, (json.dumps(image_ids),))}


def by_image_id(db: Connection, image_id: str) -> Entry | None:
    """One entry."""
    row = db.execute(f"SELECT {_COLUMNS} FROM entries WHERE image_id = ?", (image_id,)).fetchone()
    return _entry(row) if row else None


def _entry(row: tuple[Any, ...]) -> Entry:
    _, image_id, name, product_id, title, attributes, width, height, sha256, phash, origin, locator, job_id, labels = (
        row
    )
    return Entry(
        image_id=image_id,
        name=name,
        label_ids=tuple(sorted(labels.split(" "))),
        product_id=product_id,
        width=width,
        height=height,
        sha256=sha256.hex(),
        perceptual_hash=phash,
        origin=Origin(origin),
        locator=locator.decode("utf-8", "surrogateescape"),
        title=title,
        attributes=json.loads(attributes) if attributes != "{}" else {},
        job_id=job_id,
    )


def features(db: Connection, image_id: str, space: str) -> StoredFeatures | None:
    """The features of an entry in a space."""
    row = db.execute(
        "SELECT vector FROM entries JOIN features USING (seq) WHERE image_id = ? AND space = ?", (image_id, space)
    ).fetchone()
    return np.frombuffer(row[0], np.float16) if row else None


def existing(db: Connection, image_ids: Sequence[str], space: str) -> dict[str, str | None]:
    """Those of the ids that are in a space, with the job that put each."""
    query = "SELECT image_id, job_id FROM entries WHERE image_id IN (SELECT value FROM json_each(?)) AND space = ?"
    return dict(db.execute(query, (json.dumps(image_ids), space)).fetchall())


def twins(db: Connection, sha256s: Sequence[str], space: str) -> dict[str, StoredFeatures]:
    """Features in a space by the sha256 of the encoded bytes."""
    query = "SELECT vector FROM entries JOIN features USING (seq) WHERE sha256 = ? AND space = ? LIMIT 1"
    rows = {sha256: db.execute(query, (bytes.fromhex(sha256), space)).fetchone() for sha256 in set(sha256s)}
    return {sha256: np.frombuffer(row[0], np.float16) for sha256, row in rows.items() if row}


def unindexed(db: Connection, label_ids: Collection[str]) -> list[str]:
    """Those of the labels under which there is no entry."""
    query = "SELECT 1 FROM entry_labels WHERE label_id = ? LIMIT 1"
    return [label_id for label_id in label_ids if db.execute(query, (label_id,)).fetchone() is None]


def name_label(db: Connection, label_id: str, name: str) -> None:
    """Remember what a label is called."""
    db.execute("INSERT INTO labels VALUES (?, ?) ON CONFLICT DO UPDATE SET name = excluded.name", (label_id, name))


def add_label(db: Connection, image_id: str, label_id: str) -> int | None:
    """Put an entry under one more label; its seq."""
    row = db.execute("SELECT seq FROM entries WHERE image_id = ?", (image_id,)).fetchone()
    if row is None:
        return None
    db.execute("INSERT OR IGNORE INTO entry_labels VALUES (?, ?)", (label_id, row[0]))
    return int(row[0])


def by_label(db: Connection, label_id: str) -> dict[int, Entry]:
    """A label's entries by their seq."""
    seqs = [seq for (seq,) in db.execute("SELECT seq FROM entry_labels WHERE label_id = ?", (label_id,))]
    return by_seq(db, seqs)


def drop_label(db: Connection, label_id: str) -> Dropped:
    """Take a label away, and the entries that had no other."""
    seqs = [seq for (seq,) in db.execute("SELECT seq FROM entry_labels WHERE label_id = ?", (label_id,))]
    before = by_seq(db, seqs)
    gone = {seq: entry for seq, entry in before.items() if entry.label_ids == (label_id,)}
    db.execute("DELETE FROM entry_labels WHERE label_id = ?", (label_id,))
    db.execute("DELETE FROM labels WHERE label_id = ?", (label_id,))
    for table in ("entries", "features"):
        query = f"DELETE FROM {table} WHERE seq IN (SELECT value FROM json_each(?))"
        db.execute(query, (json.dumps(list(gone)),))
    return Dropped(gone, [seq for seq in before if seq not in gone])


def label_counts(db: Connection, space: str, label_id: str | None = None) -> list[tuple[Any, ...]]:
    """(label_id, name, images, of other spaces, products, last indexed) by label id; of one label or of all."""
    query = (
        "SELECT label_id, coalesce(labels.name, label_id), count(*), sum(space <> ?), count(DISTINCT product_id),"
        " max(indexed_at) FROM entry_labels JOIN entries USING (seq) LEFT JOIN labels USING (label_id)"
        " WHERE ?2 IS NULL OR label_id = ?2 GROUP BY label_id ORDER BY label_id"
    )
    return db.execute(query.replace("<> ?)", "<> ?1)"), (space, label_id)).fetchall()


def live_seqs(db: Connection, space: str) -> Sequences:
    """The seqs of a space's entries, rising."""
    rows = db.execute("SELECT seq FROM entries WHERE space = ? ORDER BY seq", (space,))
    return np.fromiter((seq for (seq,) in rows), np.int64)


def vectors_after(db: Connection, seq: int, space: str, dimensions: int) -> Iterator[tuple[Sequences, StoredFeatures]]:
    """The seqs and features of a space's entries behind a seq, in blocks, rising."""
    rows = db.execute(
        "SELECT seq, vector FROM entries JOIN features USING (seq) WHERE seq > ? AND space = ? ORDER BY seq",
        (seq, space),
    )
    while block := rows.fetchmany(_CHUNK_ROWS):
        vectors = np.frombuffer(b"".join(vector for _, vector in block), np.float16).reshape(-1, dimensions)
        yield np.array([number for number, _ in block], np.int64), vectors


def vectors_of(db: Connection, seqs: Sequences, dimensions: int) -> StoredFeatures:
    """The features of entries by their seqs, rising; those that are gone are left out."""
    query = "SELECT vector FROM features WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq"
    rows = db.execute(query, (json.dumps(seqs.tolist()),))
    return np.frombuffer(b"".join(vector for (vector,) in rows), np.float16).reshape(-1, dimensions)


def seqs_by_label(db: Connection) -> dict[str, Sequences]:
    """Each label's seqs, rising."""
    found: dict[str, list[int]] = {}
    for label_id, seq in db.execute("SELECT label_id, seq FROM entry_labels ORDER BY label_id, seq"):
        found.setdefault(label_id, []).append(seq)
    return {label_id: np.array(seqs, np.int64) for label_id, seqs in found.items()}


def meta(db: Connection, name: str) -> str | None:
    """A remembered word."""
    row = db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return row[0] if row else None


def set_meta(db: Connection, values: Mapping[str, str]) -> None:
    """Remember words."""
    db.executemany(
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", list(values.items())
    )
