"""One image -> its outcome."""

import asyncio

from app.domain.errors import Reason
from app.domain.jobs import AlreadyThere, Failed, Indexed, JobMode, Tried
from app.flows.bringing import Bringing
from app.flows.run import Run
from tests.fakes import FakeStore
from tests.unit.flows.parts import SPACE, FakeDownloads, FakeStage, job, new_entry, planned


async def test_the_first_address_that_serves_a_photo_wins() -> None:
    downloads = FakeDownloads({"http://html/": b"no photo", "http://good/": b"photo", "http://never/": b"photo"})
    bringing = Bringing(downloads, FakeStage(), FakeStore(SPACE))
    outcome = await bringing.bring(
        Run(job()), planned("1", "http://dead/", "http://html/", "http://good/", "http://never/")
    )
    assert Indexed(0, embedded=True, url="http://good/") == outcome
    assert ["http://dead/", "http://html/", "http://good/"] == downloads.asked


async def test_a_failure_tells_of_every_address_and_has_the_last_ones_reason() -> None:
    downloads = FakeDownloads({"http://html/": b"no photo", "http://slow/": Reason.TIMEOUT})
    bringing = Bringing(downloads, FakeStage(), FakeStore(SPACE))
    outcome = await bringing.bring(Run(job()), planned("1", "http://slow/", "http://html/", position=7))
    tried = (Tried("http://slow/", Reason.TIMEOUT, 1), Tried("http://html/", Reason.NOT_AN_IMAGE, 1))
    assert Failed(7, Reason.NOT_AN_IMAGE, fetched=True, tried=tried) == outcome


async def test_a_file_goes_before_addresses_and_they_stand_in_for_it() -> None:
    downloads = FakeDownloads({"http://good/": b"photo"})
    bringing = Bringing(downloads, FakeStage(), FakeStore(SPACE))
    assert Indexed(0) == await bringing.bring(Run(job()), planned("1", "http://good/", locator="1.jpg"))
    assert [] == downloads.asked
    assert Indexed(0, url="http://good/") == await bringing.bring(
        Run(job()), planned("2", "http://good/", locator="gone")
    )
    assert Failed(0, Reason.FILE_MISSING, fetched=False) == await bringing.bring(
        Run(job()), planned("3", locator="gone")
    )


async def test_an_image_that_two_jobs_want_at_once_is_fetched_once_and_is_under_both_labels() -> None:
    late = asyncio.Event()
    downloads, store = FakeDownloads({"http://late/": late}), FakeStore(SPACE)
    bringing = Bringing(downloads, FakeStage(), store)
    first = asyncio.create_task(bringing.bring(Run(job()), planned("1", "http://late/")))
    await asyncio.sleep(0)
    run = Run(job(job_id="b2", label_id="mugs"))
    second = asyncio.create_task(bringing.bring(run, planned("1", "http://late/", position=3, label_id="mugs")))
    await asyncio.sleep(0.01)
    await store.put([new_entry("1")])
    late.set()
    assert [Indexed(0, url="http://late/"), AlreadyThere(3)] == list(await asyncio.gather(first, second))
    assert ["http://late/"] == downloads.asked
    entry = await store.entry("1")
    assert entry
    assert ("cups", "mugs") == entry.label_ids


async def test_when_the_first_of_two_jobs_is_halted_the_second_fetches_itself() -> None:
    late = asyncio.Event()
    downloads = FakeDownloads({"http://late/": late})
    bringing = Bringing(downloads, FakeStage(), FakeStore(SPACE))
    halted, other = Run(job()), Run(job(job_id="b2"))
    first = asyncio.create_task(bringing.bring(halted, planned("1", "http://late/")))
    await asyncio.sleep(0)
    second = asyncio.create_task(bringing.bring(other, planned("1", "http://late/")))
    await asyncio.sleep(0.01)
    halted.halt()
    await asyncio.wait([first])
    assert first.cancelled()
    late.set()
    assert Indexed(0, url="http://late/") == await second
    assert ["http://late/"] * 2 == downloads.asked


async def test_a_photo_at_hand_is_not_cut_short_by_a_halt() -> None:
    stage = FakeStage()
    bringing = Bringing(FakeDownloads({"http://good/": b"photo"}), stage, FakeStore(SPACE))
    run = Run(job())
    task = asyncio.create_task(bringing.bring(run, planned("1", "http://good/")))
    await asyncio.sleep(0)
    assert 1 == run.fetched_ahead
    run.halt()
    assert Indexed(0, url="http://good/") == await task
    assert 0 == run.fetched_ahead


async def test_a_rebuild_asks_for_everything_to_be_embedded_again() -> None:
    stage = FakeStage()
    bringing = Bringing(FakeDownloads({"http://good/": b"photo"}), stage, FakeStore(SPACE))
    for mode in JobMode:
        await bringing.bring(Run(job(mode)), planned("1", "http://good/"))
    assert [False, False, True] == [arrived.fresh for arrived in stage.taken]
