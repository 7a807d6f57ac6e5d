"""What changes the embedded store's truth, as functions of a connection within a transaction."""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from app.adapters.stores.embedded import reading
from app.adapters.stores.embedded.schema import Connection
from app.domain.attributes import AttributeValue
from app.domain.naming import encoded
from app.domain.records import Description, Entry, KeptEntry, NewEntry, Origin


@dataclass(frozen=True, slots=True)
class Written:
    """What a put changed: what it took into the live space, its seqs in order, and those of all that was replaced."""

    entries: list[KeptEntry]
    added: list[int]
    removed: list[int]


def put(db: Connection, entries: Sequence[NewEntry], space: str) -> Written:
    """Add entries or replace them; of deleted images only uploads are taken, and end the deletion."""
    _undelete(db, [new.entry.image_id for new in entries if new.entry.origin is Origin.UPLOAD])
    deleted = reading.deleted(db, [new.entry.image_id for new in entries])
    taken = [new for new in entries if new.entry.image_id not in deleted]
    now = datetime.now(UTC)
    return _replace(db, [KeptEntry(new.entry, new.features, space, now) for new in taken], space)


def restore(db: Connection, entries: Sequence[KeptEntry], space: str) -> Written:
    """Add entries as another store kept them, or replace them; that ends their deletion."""
    _undelete(db, [kept.entry.image_id for kept in entries])
    return _replace(db, entries, space)


def _replace(db: Connection, entries: Sequence[KeptEntry], space: str) -> Written:
    removed = [seq for kept in entries if (seq := _remove(db, kept.entry.image_id)) is not None]
    added = [(_insert(db, kept), kept) for kept in entries]
    live = [(seq, kept) for seq, kept in added if kept.fingerprint == space]
    return Written([kept for _, kept in live], [seq for seq, _ in live], removed)


def _undelete(db: Connection, image_ids: Sequence[str]) -> None:
    db.execute("DELETE FROM deletions WHERE image_id IN (SELECT value FROM json_each(?))", (json.dumps(image_ids),))


def _remove(db: Connection, image_id: str) -> int | None:
    row = db.execute("DELETE FROM entries WHERE image_id = ? RETURNING seq", (image_id,)).fetchone()
    if row is None:
        return None
    db.execute("DELETE FROM features WHERE seq = ?", row)
    db.execute("DELETE FROM entry_labels WHERE seq = ?", row)
    return int(row[0])


def _insert(db: Connection, kept: KeptEntry) -> int:
    entry = kept.entry
    seq = db.execute(
        "INSERT INTO entries (image_id, name, product_id, title, attributes, width, height, sha256, perceptual_hash,"
        " origin, locator, job_id, space, indexed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            entry.image_id, entry.name, entry.product_id, entry.title, _json(entry.attributes), entry.width,
            entry.height, bytes.fromhex(entry.sha256), entry.perceptual_hash, entry.origin, encoded(entry.locator),
            entry.job_id, kept.fingerprint, kept.indexed_at.isoformat(),
        ),
    ).lastrowid  # fmt: skip
    if seq is None:
        raise sqlite3.IntegrityError("An inserted row has no number.")
    db.execute("INSERT INTO features VALUES (?, ?)", (seq, kept.features.tobytes()))
    db.executemany("INSERT INTO entry_labels VALUES (?, ?)", [(label, seq) for label in entry.label_ids])
    return seq


def _json(attributes: Mapping[str, AttributeValue]) -> str:
    return json.dumps(dict(attributes))


def describe(db: Connection, descriptions: Mapping[str, Description]) -> None:
    """Give entries another product, title and attributes."""
    rows = [(said.product_id, said.title, _json(said.attributes), image_id) for image_id, said in descriptions.items()]
    db.executemany("UPDATE entries SET product_id = ?, title = ?, attributes = ? WHERE image_id = ?", rows)


def name_labels(db: Connection, names: Mapping[str, str]) -> None:
    """Remember what labels are called."""
    query = "INSERT INTO labels VALUES (?, ?) ON CONFLICT DO UPDATE SET name = excluded.name"
    db.executemany(query, list(names.items()))


def add_label(db: Connection, image_ids: Sequence[str], label_id: str) -> list[int]:
    """Put entries under one more label; their seqs."""
    query = "SELECT seq FROM entries WHERE image_id IN (SELECT value FROM json_each(?))"
    seqs = [seq for (seq,) in db.execute(query, (json.dumps(image_ids),))]
    db.executemany("INSERT OR IGNORE INTO entry_labels VALUES (?, ?)", [(label_id, seq) for seq in seqs])
    return seqs


def take_out(db: Connection, label_id: str, seqs: Collection[int], gone: Collection[int]) -> None:
    """Take entries from under a label; `gone` are those of them that have no other."""
    query = "DELETE FROM entry_labels WHERE label_id = ? AND seq IN (SELECT value FROM json_each(?))"
    db.execute(query, (label_id, json.dumps(list(seqs))))
    _clear(db, ("entries", "features"), gone)


def drop_label(db: Connection, label_id: str, gone: Collection[int]) -> None:
    """Take a label away, with its name and deletions; `gone` are its entries that have no other."""
    for table in ("entry_labels", "labels"):
        db.execute(f"DELETE FROM {table} WHERE label_id = ?", (label_id,))
    forgive(db, label_id)
    _clear(db, ("entries", "features"), gone)


def delete(db: Connection, entries: Mapping[int, Entry]) -> None:
    """Delete entries by their seq, and remember their images and labels."""
    restore_deletions(db, {entry.image_id: entry.label_ids for entry in entries.values()}, entries)


def restore_deletions(db: Connection, deletions: Mapping[str, Collection[str]], seqs: Collection[int]) -> None:
    """Remember that images were deleted, by their labels, and delete those that are entries, by their seq."""
    rows = [(image_id, label_id) for image_id, label_ids in deletions.items() for label_id in label_ids]
    db.executemany("INSERT OR IGNORE INTO deletions VALUES (?, ?)", rows)
    _clear(db, ("entries", "features", "entry_labels"), seqs)


def _clear(db: Connection, tables: Sequence[str], seqs: Collection[int]) -> None:
    for table in tables:
        db.execute(f"DELETE FROM {table} WHERE seq IN (SELECT value FROM json_each(?))", (json.dumps(list(seqs)),))


def forgive(db: Connection, label_id: str) -> None:
    """Forget the deletions of images that were under a label, whatever other labels they had."""
    query = "DELETE FROM deletions WHERE image_id IN (SELECT image_id FROM deletions WHERE label_id = ?)"
    db.execute(query, (label_id,))
