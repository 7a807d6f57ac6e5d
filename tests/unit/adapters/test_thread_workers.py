import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from app.adapters.workers import ThreadWorkers, usable_cores
from app.domain.errors import BusyError

WAIT_S = 5.0
Maker = Callable[..., ThreadWorkers]


class Gate:
    """Work that goes on only when it is let through, and remembers how often it began."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.count = 0
        self._open = threading.Event()

    def pass_through(self) -> str:
        self.count += 1
        self.begun.release()
        assert self._open.wait(WAIT_S)
        return "through"

    def open(self) -> None:
        self._open.set()

    async def somebody_is_inside(self) -> None:
        assert await asyncio.to_thread(self.begun.acquire, timeout=WAIT_S)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open()


@pytest.fixture
def workers_of(gate: Gate) -> Iterator[Maker]:
    made: list[ThreadWorkers] = []

    def make(count: int = 1, max_waiting: int = 0, niceness: int = 0) -> ThreadWorkers:
        made.append(ThreadWorkers("test", count, max_waiting, niceness=niceness))
        return made[-1]

    yield make
    gate.open()
    for workers in made:
        workers.close()


async def settled(tasks: list[asyncio.Task[str]]) -> list[object]:
    return [
        type(each) if isinstance(each, BaseException) else each
        for each in await asyncio.gather(*tasks, return_exceptions=True)
    ]


async def test_a_call_runs_on_a_thread_of_its_own_with_what_it_is_given(workers_of: Maker) -> None:
    def work(*args: object, **kwargs: object) -> tuple[object, ...]:
        return args, kwargs, threading.current_thread() is threading.main_thread()

    expected = ((1, "two"), {"function": 3}, False)
    assert expected == await workers_of().run(work, 1, "two", function=3)


async def test_what_the_function_raises_reaches_the_caller_and_the_next_call_works(workers_of: Maker) -> None:
    workers = workers_of()
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            await workers.run(divmod, 1, 0)
    expected = (3, 1)
    assert expected == await workers.run(divmod, 7, 2)


async def test_more_calls_than_may_wait_are_refused_without_being_made(workers_of: Maker, gate: Gate) -> None:
    workers = workers_of(count=1, max_waiting=2)
    admitted = [asyncio.create_task(workers.run(gate.pass_through)) for _ in range(3)]
    await gate.somebody_is_inside()
    for _ in range(3):
        with pytest.raises(BusyError):
            await workers.run(gate.pass_through)
    gate.open()
    assert ["through"] * len(admitted) == await settled(admitted)
    assert len(admitted) == gate.count


async def test_a_place_is_free_again_when_the_work_is_done(workers_of: Maker, gate: Gate) -> None:
    workers = workers_of()
    gate.open()
    expected = "through"
    for _ in range(5):
        assert expected == await workers.run(gate.pass_through)


async def test_a_caller_who_goes_away_keeps_the_place_until_the_work_is_done(workers_of: Maker, gate: Gate) -> None:
    workers = workers_of()
    leaving = asyncio.create_task(workers.run(gate.pass_through))
    await gate.somebody_is_inside()
    leaving.cancel()
    expected: list[object] = [asyncio.CancelledError]
    assert expected == await settled([leaving])
    with pytest.raises(BusyError):
        await workers.run(gate.pass_through)
    gate.open()
    assert await eventually_admitted(workers)


async def test_places_are_given_back_by_callers_who_went_away_while_waiting(workers_of: Maker, gate: Gate) -> None:
    workers = workers_of(count=1, max_waiting=3)
    leaving = [asyncio.create_task(workers.run(gate.pass_through)) for _ in range(4)]
    await gate.somebody_is_inside()
    for task in leaving:
        task.cancel()
    assert {asyncio.CancelledError} == {*await settled(leaving)}
    gate.open()
    assert await eventually_admitted(workers)
    again = [asyncio.create_task(workers.run(gate.pass_through)) for _ in range(4)]
    assert {"through"} == {*await settled(again)}


async def eventually_admitted(workers: ThreadWorkers) -> bool:
    """Whether a call is admitted again soon."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        try:
            return await workers.run(bool, 1)
        except BusyError:
            await asyncio.sleep(0.005)
    return False


async def test_as_many_calls_run_at_once_as_there_are_threads(workers_of: Maker) -> None:
    meeting = threading.Barrier(3, timeout=WAIT_S)
    workers = workers_of(count=3)
    places = await asyncio.gather(*(workers.run(meeting.wait) for _ in range(3)))
    assert list(range(3)) == sorted(places)


async def test_the_event_loop_goes_on_while_work_runs(workers_of: Maker, gate: Gate) -> None:
    running = asyncio.create_task(workers_of().run(gate.pass_through))
    await gate.somebody_is_inside()
    await asyncio.sleep(0.01)
    assert not running.done()
    gate.open()
    expected = "through"
    assert expected == await running


async def test_closing_finishes_what_runs_and_drops_what_waits(workers_of: Maker, gate: Gate) -> None:
    workers = workers_of(count=1, max_waiting=5)
    tasks = [asyncio.create_task(workers.run(gate.pass_through)) for _ in range(3)]
    await gate.somebody_is_inside()
    closing = asyncio.create_task(asyncio.to_thread(workers.close))
    await asyncio.sleep(0.02)
    gate.open()
    await closing
    expected = ["through", asyncio.CancelledError, asyncio.CancelledError]
    assert expected == await settled(tasks)
    assert len(expected[:1]) == gate.count


async def test_nice_workers_stand_behind_and_leave_others_as_they_are(workers_of: Maker) -> None:
    def priority() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    before = priority()
    assert min(before + 7, 19) == await workers_of(niceness=min(before + 7, 19)).run(priority)
    assert before == await workers_of().run(priority)
    assert before == priority()


def test_usable_cores_are_those_this_process_may_use() -> None:
    assert len(os.sched_getaffinity(0)) == usable_cores()
