"""What is taken out at the end of a job."""

import pytest

from app.domain.errors import Reason
from app.domain.jobs import FailedImage, JobMode, JobState
from app.domain.records import Origin
from tests.fakes import FakeStore
from tests.unit.flows.parts import SPACE, FakeCatalogue, FakeLedger, FakeMedia, image, job, new_entry, sweeping_of


async def left_after(mode: JobMode, state: JobState = JobState.PARTIALLY_SUCCEEDED) -> set[str]:
    store, media = FakeStore(SPACE), FakeMedia()
    await store.put(
        [
            new_entry("listed"),
            new_entry("vanished"),
            new_entry("vanished but elsewhere", label_ids=("cups", "mugs")),
            new_entry("own", origin=Origin.UPLOAD),
            new_entry("404"),
            new_entry("timeout"),
        ]
    )
    ledger = FakeLedger(
        failed=[
            FailedImage(1, "a1", "404", "", Reason.HTTP_404, ()),
            FailedImage(2, "a1", "timeout", "", Reason.TIMEOUT, ()),
        ]
    )
    catalogue = FakeCatalogue([image("listed"), image("404"), image("timeout")])
    await sweeping_of(ledger, store, catalogue, media).after(job(mode), state)
    left = {member.image_id for member in await store.members("cups", "", 100)}
    elsewhere = await store.entry("vanished but elsewhere")
    assert elsewhere
    assert "mugs" in elsewhere.label_ids
    assert "vanished but elsewhere" not in media.discarded
    return left


EVERYTHING = {"listed", "vanished", "vanished but elsewhere", "own", "404", "timeout"}


async def test_sync_takes_out_what_vanished_from_the_catalogue() -> None:
    assert {"listed", "own", "404", "timeout"} == await left_after(JobMode.SYNC)


async def test_rebuild_takes_out_also_what_is_gone_for_good_but_not_what_may_come_back() -> None:
    assert {"listed", "own", "timeout"} == await left_after(JobMode.REBUILD)


async def test_resume_takes_out_nothing() -> None:
    assert await left_after(JobMode.RESUME) == EVERYTHING


@pytest.mark.parametrize("mode", [JobMode.SYNC, JobMode.REBUILD])
async def test_a_job_that_brought_nothing_takes_out_nothing(mode: JobMode) -> None:
    assert await left_after(mode, JobState.FAILED) == EVERYTHING
