import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app.adapters.ledger.ledger import SqliteLedger
from app.domain.errors import DataFolderError, Reason
from app.domain.jobs import Indexed, JobMode, JobState, Progress
from app.domain.records import CatalogueImage
from tests.unit.adapters.ledger_steps import positions, seen

FORMER = """
CREATE TABLE jobs (
    job_id TEXT PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL, label_id TEXT, image_limit INTEGER,
    planned INTEGER NOT NULL DEFAULT 0, detail TEXT, created_at TEXT NOT NULL, started_at TEXT, finished_at TEXT,
    total INTEGER NOT NULL DEFAULT 0, downloaded INTEGER NOT NULL DEFAULT 0, already_there INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0, embedded INTEGER NOT NULL DEFAULT 0, indexed INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE UNIQUE INDEX one_live_job_a_label ON jobs (label_id)
    WHERE state IN ('queued', 'running') AND label_id IS NOT NULL;
CREATE INDEX jobs_by_time ON jobs (created_at, job_id);
CREATE TABLE children (
    parent_id TEXT NOT NULL, position INTEGER NOT NULL, child_id TEXT NOT NULL, PRIMARY KEY (parent_id, position)
) WITHOUT ROWID;
CREATE INDEX parents ON children (child_id);
CREATE TABLE images (
    job_id TEXT NOT NULL, position INTEGER NOT NULL, image TEXT NOT NULL, outcome TEXT, reason TEXT,
    PRIMARY KEY (job_id, position)
) WITHOUT ROWID;
CREATE INDEX images_left ON images (job_id, position) WHERE outcome IS NULL;
CREATE TABLE failures (
    job_id TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (job_id, reason)
) WITHOUT ROWID;
"""
JOB = (
    "INSERT INTO jobs (job_id, kind, state, label_id, planned, created_at, started_at, finished_at, total, downloaded,"
    " failed, embedded, indexed) VALUES (?, 'index', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def at(second: int) -> str:
    return f"2025-11-22T10:00:{second:02}.000001+00:00"


def image(number: int) -> CatalogueImage:
    return CatalogueImage(f"id{number}", f"{number}.jpg", "shoes", None, f"shoes/{number}.jpg")


@pytest.fixture
def former_file(ledger_file: Path) -> Path:
    """A ledger of the former version: an ended parent of `old` and `cut`, a live one of `live`, which is half done."""
    with closing(sqlite3.connect(ledger_file)) as db, db:
        db.execute("PRAGMA journal_mode=WAL")
        db.executescript(FORMER)
        jobs = [
            ("old", "succeeded", "hats", 1, at(0), at(1), at(2), 1, 1, 0, 1, 1),
            ("cut", "cancelled", "bags", 1, at(3), at(4), at(5), 2, 0, 2, 0, 0),
            ("ended", "parent", None, 0, at(6), None, None, 0, 0, 0, 0, 0),
            ("live", "running", "shoes", 1, at(7), at(8), None, 4, 2, 1, 1, 1),
            ("open", "parent", None, 0, at(9), None, None, 0, 0, 0, 0, 0),
        ]
        db.executemany(JOB, jobs)
        db.executemany(
            "INSERT INTO children VALUES (?, ?, ?)", [("ended", 0, "old"), ("ended", 1, "cut"), ("open", 0, "live")]
        )
        outcomes = [("indexed", None), ("failed", "too_small"), (None, None), (None, None)]
        rows = [("live", position, *outcome) for position, outcome in enumerate(outcomes)]
        rows += [("cut", 0, "failed", "cancelled"), ("cut", 1, "failed", "cancelled"), ("old", 0, "indexed", None)]
        former = ("image_id", "name", "label_id", "own_product_id", "locator")
        db.executemany(
            "INSERT INTO images VALUES (?, ?, ?, ?, ?)",
            [
                (job_id, position, json.dumps({name: getattr(image(position), name) for name in former}), *outcome)
                for job_id, position, *outcome in rows
            ],
        )
        db.executemany("INSERT INTO failures VALUES (?, ?, ?)", [("live", "too_small", 1), ("cut", "cancelled", 2)])
    return ledger_file


async def test_a_live_job_of_the_former_version_goes_on_where_it_was(former_file: Path) -> None:
    with closing(SqliteLedger(former_file)) as ledger:
        (job,) = await ledger.live()
        assert ("live", JobState.RUNNING, JobMode.RESUME, "open", ()) == (
            job.job_id,
            job.state,
            job.mode,
            job.parent_id,
            job.remarks,
        )
        assert await ledger.is_planned("live")
        assert [image(2), image(3)] == [each.image for each in await ledger.pending("live", -1, 10)]
        await ledger.record({"live": [Indexed(0), Indexed(1), Indexed(2), Indexed(3)]})
        await ledger.finish("live", JobState.PARTIALLY_SUCCEEDED)
        expected = Progress(total=4, downloaded=4, failed=1, embedded=3, indexed=3)
        assert [expected] * 2 == [(await seen(ledger, job_id)).progress for job_id in ("live", "open")]
        assert (await seen(ledger, "open")).state is JobState.PARTIALLY_SUCCEEDED


async def test_what_had_ended_in_the_former_version_is_shown_as_it_was(former_file: Path) -> None:
    with closing(SqliteLedger(former_file)) as ledger:
        assert ["open", "live", "ended", "cut", "old"] == [job.job_id for job in await ledger.jobs(None, 10)]
        parent = await seen(ledger, "ended")
        assert (True, JobState.PARTIALLY_SUCCEEDED, ("old", "cut")) == (parent.is_parent, parent.state, parent.children)
        assert Progress(total=3, downloaded=1, failed=2, embedded=1, indexed=1) == parent.progress
        assert {Reason.CANCELLED: 2} == parent.failures_by_reason
        assert parent.finished_at
        assert at(5) == parent.finished_at.isoformat()
    with closing(sqlite3.connect(former_file)) as db:
        told_by_children = [row[0] for row in db.execute("SELECT job_id FROM jobs WHERE state = 'parent'")]
    assert ["open"] == told_by_children


async def test_failures_of_the_former_version_are_listed_and_can_be_retried(former_file: Path) -> None:
    with closing(SqliteLedger(former_file)) as ledger:
        found = await ledger.failures("ended", count=10)
        assert [("cut", "id0"), ("cut", "id1")] == [(each.job_id, each.image_id) for each in found]
        (small,) = await ledger.failures("open", count=10)
        assert ("live", "1.jpg", Reason.TOO_SMALL, ()) == (small.job_id, small.name, small.reason, small.tried)
        retry, _ = await ledger.open_retry("ended", [])
        assert [image(0), image(1)] == [each.image for each in await ledger.pending(retry.children[0], -1, 10)]


async def test_a_file_is_brought_up_to_date_once(former_file: Path) -> None:
    with closing(SqliteLedger(former_file)) as ledger, closing(SqliteLedger(former_file)) as other:
        expected = await ledger.jobs(None, 10), await ledger.failures("ended", count=10)
        assert expected == (await other.jobs(None, 10), await other.failures("ended", count=10))
    with closing(SqliteLedger(former_file)) as ledger:
        assert expected == (await ledger.jobs(None, 10), await ledger.failures("ended", count=10))


async def test_a_step_that_fails_leaves_the_file_as_it_was(former_file: Path) -> None:
    with closing(sqlite3.connect(former_file)) as db, db:
        db.execute("CREATE TABLE host_outcomes (in_the_way)")
    with pytest.raises(DataFolderError, match="host_outcomes"):
        SqliteLedger(former_file)
    with closing(sqlite3.connect(former_file)) as db, db:
        db.execute("DROP TABLE host_outcomes")
    with closing(SqliteLedger(former_file)) as ledger:
        expected = [2, 3]
        assert expected == await positions(ledger, "live")


def test_a_file_of_a_newer_version_is_refused(ledger_file: Path) -> None:
    SqliteLedger(ledger_file).close()
    with closing(sqlite3.connect(ledger_file)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(DataFolderError, match="newer"):
        SqliteLedger(ledger_file)


async def test_a_new_file_and_one_brought_up_to_date_have_the_same_tables(former_file: Path, tmp_path: Path) -> None:
    found = []
    for path in (former_file, tmp_path / "new.sqlite3"):
        SqliteLedger(path).close()
        with closing(sqlite3.connect(path)) as db:
            columns = (
                "SELECT made.name, made.type, col.name FROM sqlite_schema AS made, pragma_table_info(made.name) AS col"
            )
            found.append(sorted(db.execute(columns).fetchall()))
    expected, new = found
    assert expected == new
    assert ("jobs", "table", "retry_of") in new
