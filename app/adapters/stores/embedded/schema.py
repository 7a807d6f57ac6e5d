"""The tables of the embedded store's truth. An entry's `seq` is never used twice."""

import sqlite3
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

Connection = sqlite3.Connection
Sequences = npt.NDArray[np.int64]

STORE_FILE: Final = "store.sqlite3"
"""The truth, in the store's folder."""

# `deletions` has a row for each label that a deleted image had. `label_sizes` follows `entry_labels` by triggers; it is
# counted here once, for a file that was made without it.
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, image_id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, product_id TEXT NOT NULL,
    title TEXT, attributes TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, sha256 BLOB NOT NULL,
    perceptual_hash BLOB NOT NULL, origin TEXT NOT NULL, locator BLOB NOT NULL, job_id TEXT, space TEXT NOT NULL,
    indexed_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS entries_by_sha256 ON entries (sha256);
CREATE INDEX IF NOT EXISTS entries_by_product ON entries (product_id, image_id);
CREATE TABLE IF NOT EXISTS features (seq INTEGER PRIMARY KEY, vector BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS entry_labels (
    label_id TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (label_id, seq)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS labels_of_entry ON entry_labels (seq, label_id);
CREATE TABLE IF NOT EXISTS labels (label_id TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS deletions (
    image_id TEXT NOT NULL, label_id TEXT NOT NULL, PRIMARY KEY (image_id, label_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS deletions_by_label ON deletions (label_id);
CREATE TABLE IF NOT EXISTS spaces (
    space_id TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, card TEXT NOT NULL, projection BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS calibrations (space_id TEXT PRIMARY KEY, report TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS evaluations (evaluation_id TEXT PRIMARY KEY, created_at TEXT NOT NULL, report TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS live_spaces (fingerprint TEXT PRIMARY KEY, space_id TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS label_sizes (label_id TEXT PRIMARY KEY, size INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO label_sizes
    SELECT label_id, count(*) FROM (SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM label_sizes)) CROSS JOIN entry_labels
    GROUP BY label_id;
CREATE TRIGGER IF NOT EXISTS label_grows AFTER INSERT ON entry_labels BEGIN
    INSERT OR IGNORE INTO label_sizes VALUES (NEW.label_id, 0);
    UPDATE label_sizes SET size = size + 1 WHERE label_id = NEW.label_id;
END;
CREATE TRIGGER IF NOT EXISTS label_shrinks AFTER DELETE ON entry_labels BEGIN
    UPDATE label_sizes SET size = size - 1 WHERE label_id = OLD.label_id;
END;
"""


def meta(db: Connection, name: str) -> str | None:
    """A remembered word."""
    row = db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return row[0] if row else None


def set_meta(db: Connection, values: Mapping[str, str]) -> None:
    """Remember words."""
    db.executemany(
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", list(values.items())
    )
