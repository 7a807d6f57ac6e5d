"""What a job's mode does with images that are there already."""

from app.domain.jobs import AlreadyThere, Indexed, JobMode
from app.domain.records import Origin, ProductFrom
from app.flows.meeting import Meeting
from tests.fakes import FakeStore
from tests.unit.flows.parts import SPACE, job, new_entry, planned


async def test_resume_takes_what_is_there_and_brings_the_rest() -> None:
    store = FakeStore(SPACE)
    await store.put([new_entry("there"), new_entry("mine", job_id="a1"), new_entry("deleted")])
    await store.delete("deleted")
    page = [
        planned(name, "http://one/", position=place) for place, name in enumerate(("there", "mine", "deleted", "new"))
    ]
    outcomes, missing = await Meeting(store, ProductFrom.AUTO).met(job(), page)
    assert [AlreadyThere(0), Indexed(1, url="http://one/"), AlreadyThere(2)] == outcomes
    assert page[3:] == missing


async def test_an_image_under_another_label_gets_this_one_too() -> None:
    store = FakeStore(SPACE)
    await store.put([new_entry("1", label_ids=("mugs",))])
    await Meeting(store, ProductFrom.AUTO).met(job(), [planned("1", "http://one/")])
    entry = await store.entry("1")
    assert entry
    assert ("cups", "mugs") == entry.label_ids


async def test_sync_brings_titles_up_to_date_and_photos_whose_address_changed() -> None:
    store = FakeStore(SPACE)
    await store.put([new_entry("same"), new_entry("moved"), new_entry("own", origin=Origin.UPLOAD, locator="")])
    page = [
        planned("same", "http://zero/", "http://one/"),
        planned("moved", "http://two/"),
        planned("own", "http://two/"),
    ]
    outcomes, missing = await Meeting(store, ProductFrom.AUTO).met(job(JobMode.SYNC), page)
    assert (2, ["moved"]) == (len(outcomes), [one.image.image_id for one in missing])
    titles = [entry.title for name in ("same", "moved", "own") if (entry := await store.entry(name))]
    assert ["title of same", None, None] == titles


async def test_rebuild_brings_everything_but_what_it_brought_itself_and_own_uploads() -> None:
    store = FakeStore(SPACE)
    await store.put([new_entry("old"), new_entry("mine", job_id="a1"), new_entry("own", origin=Origin.UPLOAD)])
    page = [planned("old", "http://one/"), planned("mine", "http://one/"), planned("own", "http://one/")]
    outcomes, missing = await Meeting(store, ProductFrom.AUTO).met(job(JobMode.REBUILD), page)
    assert [Indexed(0, url="http://one/"), AlreadyThere(0)] == outcomes
    assert ["old"] == [one.image.image_id for one in missing]
