"""The ledger's tables, and how a file of a former version comes to have them.

`PRAGMA user_version` tells how many of the steps a file has taken; a new one takes them all.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from app.adapters.ledger.ending import freeze_ended
from app.domain.errors import DataFolderError

Connection = sqlite3.Connection

_FIRST: Final = """
CREATE TABLE IF NOT EXISTS jobs (
    job_id TEXT PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL, label_id TEXT, image_limit INTEGER,
    planned INTEGER NOT NULL DEFAULT 0, detail TEXT, created_at TEXT NOT NULL, started_at TEXT, finished_at TEXT,
    total INTEGER NOT NULL DEFAULT 0, downloaded INTEGER NOT NULL DEFAULT 0, already_there INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0, embedded INTEGER NOT NULL DEFAULT 0, indexed INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS one_live_job_a_label ON jobs (label_id)
    WHERE state IN ('queued', 'running') AND label_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS jobs_by_time ON jobs (created_at, job_id);
CREATE TABLE IF NOT EXISTS children (
    parent_id TEXT NOT NULL, position INTEGER NOT NULL, child_id TEXT NOT NULL, PRIMARY KEY (parent_id, position)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS parents ON children (child_id);
CREATE TABLE IF NOT EXISTS images (
    job_id TEXT NOT NULL, position INTEGER NOT NULL, image TEXT NOT NULL, outcome TEXT, reason TEXT,
    PRIMARY KEY (job_id, position)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS images_left ON images (job_id, position) WHERE outcome IS NULL;
CREATE TABLE IF NOT EXISTS failures (
    job_id TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (job_id, reason)
) WITHOUT ROWID
"""
# What an image is moves out of the row that holds its outcome: a cancel writes that row for every image left.
_SECOND: Final = """
ALTER TABLE jobs ADD COLUMN mode TEXT NOT NULL DEFAULT 'resume';
ALTER TABLE jobs ADD COLUMN retry_of TEXT;
ALTER TABLE jobs ADD COLUMN remarks TEXT NOT NULL DEFAULT '[]';
ALTER TABLE jobs ADD COLUMN parent_id TEXT;
ALTER TABLE jobs ADD COLUMN is_parent INTEGER NOT NULL DEFAULT 0;
UPDATE jobs SET is_parent = (state = 'parent'),
    parent_id = (SELECT min(parent_id) FROM children WHERE child_id = jobs.job_id);
CREATE INDEX live_jobs ON jobs (created_at, job_id) WHERE state IN ('queued', 'running');
CREATE TABLE failed_images (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT NOT NULL, position INTEGER NOT NULL, reason TEXT NOT NULL,
    tried TEXT
);
CREATE INDEX failed_images_by_reason ON failed_images (job_id, reason);
INSERT INTO failed_images (job_id, position, reason)
    SELECT job_id, position, reason FROM jobs JOIN images USING (job_id) WHERE outcome = 'failed'
    ORDER BY created_at, job_id, position;
ALTER TABLE failures ADD COLUMN last_seq INTEGER NOT NULL DEFAULT 0;
UPDATE failures SET last_seq = (
    SELECT max(seq) FROM failed_images AS one WHERE one.job_id = failures.job_id AND one.reason = failures.reason
);
CREATE TABLE plans (
    job_id TEXT NOT NULL, position INTEGER NOT NULL, image TEXT NOT NULL, PRIMARY KEY (job_id, position)
) WITHOUT ROWID;
INSERT INTO plans SELECT job_id, position, image FROM images;
ALTER TABLE images DROP COLUMN image;
ALTER TABLE images DROP COLUMN reason;
CREATE TABLE host_outcomes (
    label_id TEXT NOT NULL, host TEXT NOT NULL, word TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (label_id, host, word)
) WITHOUT ROWID
"""
# Where processes share a store, each has a ledger; `kept_at` is where the images of an ended job are, if elsewhere.
_THIRD: Final = """
ALTER TABLE jobs ADD COLUMN kept_at TEXT;
CREATE TABLE ledger (ledger_id TEXT NOT NULL);
INSERT INTO ledger VALUES (lower(hex(randomblob(12))))
"""
# Jobs of no label.
_FOURTH: Final = """
ALTER TABLE jobs ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
CREATE UNIQUE INDEX one_live_job_a_kind ON jobs (kind) WHERE state IN ('queued', 'running') AND kind <> 'index'
"""
_STEPS: Final = (_FIRST, _SECOND, _THIRD, _FOURTH)


def prepare(path: Path) -> str:
    """Make the ledger's file, or bring it up to date: all steps that it lacks or none; the ledger's own name.

    Raises DataFolderError.
    """
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as db:
            db.execute("BEGIN IMMEDIATE")
            with db:
                _take_steps(db, path.name)
                ledger_id: str = db.execute("SELECT ledger_id FROM ledger").fetchone()[0]
                return ledger_id
    except sqlite3.Error as error:
        raise DataFolderError(f"{path.name} in the data folder cannot be opened: {error}.") from error


def _take_steps(db: Connection, name: str) -> None:
    taken = db.execute("PRAGMA user_version").fetchone()[0]
    if taken > len(_STEPS):
        raise DataFolderError(f"{name} in the data folder was written by a newer version of the service.")
    for step in _STEPS[taken:]:
        for statement in step.split(";"):  # executescript would commit before it begins
            db.execute(statement)
    db.execute(f"PRAGMA user_version = {len(_STEPS)}")
    if taken < len(_STEPS):
        freeze_ended(db)
