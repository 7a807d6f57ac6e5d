"""What is asked of the embedded store's truth, as functions of a connection."""

import json
from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np

from app.adapters.stores.embedded.schema import Connection
from app.domain.records import Entry, GalleryBlock, Member, Origin, Standing, StoredFeatures

_LABEL_IDS: Final = "(SELECT group_concat(label_id, ' ') FROM entry_labels WHERE entry_labels.seq = entries.seq)"
_COLUMNS: Final = (
    "seq, image_id, name, product_id, title, attributes, width, height, sha256, perceptual_hash, origin, locator,"
    f" job_id, {_LABEL_IDS}"
)


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


def only_under(db: Connection, label_id: str) -> dict[int, Entry]:
    """A label's entries that have no other, by their seq."""
    others = "SELECT 1 FROM entry_labels AS other WHERE other.seq = entry_labels.seq AND other.label_id <> ?1"
    alone = f"SELECT seq FROM entry_labels WHERE label_id = ?1 AND NOT EXISTS ({others})"
    return {
        row[0]: _entry(row) for row in db.execute(f"SELECT {_COLUMNS} FROM entries WHERE seq IN ({alone})", (label_id,))
    }


def _entry(row: tuple[Any, ...]) -> Entry:
    _, image_id, name, product_id, title, attributes, width, height, sha256, phash, origin, locator, job_id, labels = (
        row
    )
    return Entry(
        image_id=image_id,
        name=name,
        label_ids=_sorted(labels),
        product_id=product_id,
        width=width,
        height=height,
        sha256=sha256.hex(),
        perceptual_hash=phash,
        origin=Origin(origin),
        locator=_text(locator),
        title=title,
        attributes=json.loads(attributes) if attributes != "{}" else {},
        job_id=job_id,
    )


def _sorted(label_ids: str) -> tuple[str, ...]:
    return tuple(sorted(label_ids.split(" ")))


def _text(locator: bytes) -> str:
    return locator.decode("utf-8", "surrogateescape")


def features(db: Connection, image_id: str, space: str) -> StoredFeatures | None:
    """The features of an entry in a space."""
    row = db.execute(
        "SELECT vector FROM entries JOIN features USING (seq) WHERE image_id = ? AND space = ?", (image_id, space)
    ).fetchone()
    return np.frombuffer(row[0], np.float16) if row else None


def features_of(db: Connection, image_ids: Sequence[str], space: str) -> dict[str, StoredFeatures]:
    """The features of entries in a space, by image id."""
    query = (
        "SELECT image_id, vector FROM entries JOIN features USING (seq)"
        " WHERE image_id IN (SELECT value FROM json_each(?)) AND space = ?"
    )
    rows = db.execute(query, (json.dumps(list(image_ids)), space))
    return {image_id: np.frombuffer(vector, np.float16) for image_id, vector in rows}


def of_products(db: Connection, product_ids: Sequence[str], space: str, most: int) -> list[tuple[str, str, int]]:
    """(product id, image id, seq) of entries in a space by their products, up to so many of each by image id."""
    query = (
        "SELECT product_id, image_id, seq FROM (SELECT product_id, image_id, seq,"
        " row_number() OVER (PARTITION BY product_id ORDER BY image_id) AS place FROM entries"
        " WHERE product_id IN (SELECT value FROM json_each(?)) AND space = ?) WHERE place <= ?"
    )
    return db.execute(query, (json.dumps(list(product_ids)), space, most)).fetchall()


def product_sizes(db: Connection, after: str, count: int, space: str) -> dict[str, int]:
    """How many entries of a space the next products have, by rising id."""
    query = (
        "SELECT product_id, count(*) FROM entries WHERE product_id > ? AND space = ?"
        " GROUP BY product_id ORDER BY product_id LIMIT ?"
    )
    return dict(db.execute(query, (after, space, count)).fetchall())


def entries_of(db: Connection, product_id: str, after: str, count: int, space: str) -> list[Entry]:
    """The next entries of a space and product, by rising image id."""
    query = (
        f"SELECT {_COLUMNS} FROM entries WHERE product_id = ? AND image_id > ? AND space = ? ORDER BY image_id LIMIT ?"
    )
    return [_entry(row) for row in db.execute(query, (product_id, after, space, count))]


def gallery(db: Connection, after: str, count: int, space: str) -> GalleryBlock:
    """The next photos of a space by rising image id."""
    rows = db.execute(
        "SELECT image_id, product_id, vector FROM entries CROSS JOIN features USING (seq)"
        " WHERE image_id > ? AND space = ? ORDER BY image_id LIMIT ?",
        (after, space, count),
    ).fetchall()
    features = np.frombuffer(b"".join(vector for *_, vector in rows), np.float16)
    features = features.reshape(len(rows), len(features) // max(1, len(rows)))
    return GalleryBlock(tuple(row[0] for row in rows), tuple(row[1] for row in rows), features)


def existing(db: Connection, image_ids: Sequence[str], space: str) -> dict[str, Standing]:
    """Those of the ids that are in a space."""
    query = (
        f"SELECT image_id, job_id, {_LABEL_IDS}, origin, locator FROM entries"
        " WHERE image_id IN (SELECT value FROM json_each(?)) AND space = ?"
    )
    return {
        image_id: Standing(job_id, _sorted(labels), Origin(origin), _text(locator))
        for image_id, job_id, labels, origin, locator in db.execute(query, (json.dumps(image_ids), space))
    }


def twins(db: Connection, sha256s: Sequence[str], space: str) -> dict[str, StoredFeatures]:
    """Features in a space by the sha256 of the encoded bytes."""
    query = "SELECT vector FROM entries JOIN features USING (seq) WHERE sha256 = ? AND space = ? LIMIT 1"
    rows = {sha256: db.execute(query, (bytes.fromhex(sha256), space)).fetchone() for sha256 in set(sha256s)}
    return {sha256: np.frombuffer(row[0], np.float16) for sha256, row in rows.items() if row}


def deleted(db: Connection, image_ids: Sequence[str]) -> set[str]:
    """Those of the ids that were deleted."""
    query = "SELECT image_id FROM deletions WHERE image_id IN (SELECT value FROM json_each(?))"
    return {image_id for (image_id,) in db.execute(query, (json.dumps(image_ids),))}


def members(db: Connection, label_id: str, after: str, count: int) -> list[Member]:
    """The next entries under a label, by rising image id beyond `after`."""
    tables = "entries CROSS JOIN entry_labels" if _is_large(db, label_id, count) else "entry_labels CROSS JOIN entries"
    rows = db.execute(
        f"SELECT image_id, origin, job_id FROM {tables} USING (seq) WHERE label_id = ? AND image_id > ?"
        " ORDER BY image_id LIMIT ?",
        (label_id, after, count),
    )
    return [Member(image_id, Origin(origin), job_id) for image_id, origin, job_id in rows]


def _is_large(db: Connection, label_id: str, count: int) -> bool:
    """Whether all pages of a label cost less by walking through all entries once than by sorting its own each time."""
    query = "SELECT size * size / ? > (SELECT max(seq) FROM entries) FROM label_sizes WHERE label_id = ?"
    row = db.execute(query, (count, label_id)).fetchone()
    return bool(row and row[0])


def unindexed(db: Connection, label_ids: Collection[str]) -> list[str]:
    """Those of the labels under which there is no entry."""
    query = "SELECT 1 FROM entry_labels WHERE label_id = ? LIMIT 1"
    return [label_id for label_id in label_ids if db.execute(query, (label_id,)).fetchone() is None]


def counts(db: Connection) -> dict[str, int]:
    """How many entries are under each label that has some."""
    return dict(db.execute("SELECT label_id, size FROM label_sizes WHERE size > 0").fetchall())


def label_indexes(db: Connection, space: str, label_id: str | None = None) -> list[tuple[Any, ...]]:
    """(label_id, name, images, of other spaces, products, last indexed) by label id; of one label or of all."""
    query = (
        "SELECT label_id, coalesce(labels.name, label_id), count(*), sum(space <> ?1), count(DISTINCT product_id),"
        " max(indexed_at) FROM entry_labels JOIN entries USING (seq) LEFT JOIN labels USING (label_id)"
        " WHERE ?2 IS NULL OR label_id = ?2 GROUP BY label_id ORDER BY label_id"
    )
    return db.execute(query, (space, label_id)).fetchall()
