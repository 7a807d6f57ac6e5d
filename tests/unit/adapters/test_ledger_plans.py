"""How much the ledger reads, told by SQLite: what must not grow with the history is counted, not timed."""

import asyncio
import re
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from app.adapters.ledger.ledger import SqliteLedger
from app.domain.errors import Reason
from app.domain.jobs import Indexed, JobState
from tests.unit.adapters.ledger_steps import end, failed, opened, parent_of, plan, planned

Call = Callable[[], Awaitable[object]]
Traced = Callable[[Call], Awaitable[list[str]]]


@pytest.fixture
def traced(ledger: SqliteLedger) -> Traced:
    """The statements that a call runs."""

    async def trace(call: Call) -> list[str]:
        every_reader = threading.Barrier(2, timeout=10)
        await asyncio.gather(*(ledger._file.read(lambda _: every_reader.wait()) for _ in range(2)))
        statements: list[str] = []
        for connection in ledger._file._connections:
            connection.set_trace_callback(statements.append)
        await call()
        for connection in ledger._file._connections:
            connection.set_trace_callback(None)
        return statements

    return trace


async def many_jobs(ledger: SqliteLedger) -> str:
    """Ended and live jobs and parents with failures; the id of an ended parent."""
    ended, live = [await parent_of(ledger, [f"{name}{number}" for number in range(20)], 3) for name in ("one", "two")]
    for child in (*ended.children, *live.children[:10]):
        await plan(ledger, child, 3, "any")
        await ledger.record({child: [Indexed(0), failed(1), failed(2, Reason.TLS)]})
        await end(ledger, child)
    return ended.job_id


async def test_a_list_takes_as_many_statements_however_long_it_is(ledger: SqliteLedger, traced: Traced) -> None:
    await opened(ledger, "alone")
    few = await traced(lambda: ledger.jobs(None, 200))
    await many_jobs(ledger)
    many = await traced(lambda: ledger.jobs(None, 200))
    assert 43 == len(await ledger.jobs(None, 200))
    assert 0 < len(few) <= 8
    assert len(few) == len(many)


async def test_a_parents_failures_are_one_statement(ledger: SqliteLedger, traced: Traced) -> None:
    parent_id = await many_jobs(ledger)
    assert 1 == len(await traced(lambda: ledger.failures(parent_id, count=200)))


async def test_nothing_is_searched_for_through_a_whole_table(
    ledger: SqliteLedger, ledger_file: Path, traced: Traced
) -> None:
    parent_id = await many_jobs(ledger)
    job_id = await planned(ledger, 5)
    newest = (await ledger.jobs(None, 1))[0]
    calls: list[Call] = [
        lambda: ledger.jobs((newest.created_at, newest.job_id), 50),
        lambda: ledger.job(parent_id),
        ledger.live,
        lambda: ledger.live_job("two15"),
        lambda: ledger.pending(job_id, -1, 10),
        lambda: ledger.failures(parent_id, reasons=[Reason.DNS], count=10),
        lambda: ledger.host_outcomes("two15"),
        lambda: parent_of(ledger, ["two15", "new"]),
        lambda: ledger.start(job_id),
        lambda: plan(ledger, job_id, 5),
        lambda: ledger.record({job_id: [Indexed(0, url="http://a.example/"), failed(1)]}),
        lambda: ledger.finish(job_id, JobState.SUCCEEDED),
        lambda: ledger.open_retry(parent_id, [Reason.DNS]),
    ]
    statements = {statement for call in calls for statement in await traced(call)}
    assert len(statements) > 40
    with closing(sqlite3.connect(ledger_file)) as db:
        steps = [
            (row[3], statement)
            for statement in statements
            if statement.startswith(("SELECT", "\nWITH", "UPDATE", "DELETE", "INSERT"))
            for row in db.execute(f"EXPLAIN QUERY PLAN {statement}")
        ]
    assert any(step.startswith("SEARCH jobs USING") for step, _ in steps)
    queue_of_a_few = "SCAN queue"
    assert [] == [one for one in steps if re.fullmatch(r"SCAN \w+", one[0]) and one[0] != queue_of_a_few]


async def test_what_is_left_of_a_job_is_found_without_a_look_at_what_is_done(
    ledger: SqliteLedger, ledger_file: Path, traced: Traced
) -> None:
    job_id = await planned(ledger, 5)
    statements = await traced(lambda: ledger.pending(job_id, -1, 10))
    statements += await traced(lambda: ledger.cancel(job_id))
    with closing(sqlite3.connect(ledger_file)) as db:
        reading = [one for one in statements if "FROM images" in one]
        steps = [row[3] for one in reading for row in db.execute(f"EXPLAIN QUERY PLAN {one}")]
    assert 2 == len(reading) == len([step for step in steps if "images_left" in step])
