"""What is told of a killed job: from a made-up log of requests, and from a real ledger that is open."""

from collections import Counter
from pathlib import Path

from app.adapters.ledger.ledger import SqliteLedger
from app.domain.errors import Reason
from app.domain.jobs import Failed, Indexed, JobRequest
from app.domain.records import CatalogueImage
from tests.hostile.catalogues import Wanted, Written
from tests.hostile.killing import LEDGER, Kill, committed, fetched_again, fetched_twice, lost
from tests.hostile.kinds import INDEXED
from tests.hostile.web import Seen

KILLS = [Kill(10.0, Counter({"a": 1})), Kill(20.0, Counter({"a": 1, "b": 1, "two": 1}))]


def written(*images: Wanted) -> Written:
    return Written(Path("catalogues.toml"), {}, {image.image_id: image for image in images})


def image(image_id: str, label_count: int = 1) -> Wanted:
    return Wanted(image_id, (f"http://a.example:80/{image_id}.jpg?x=1",), label_count, frozenset({INDEXED}))


def requests(image_id: str, *times: float) -> list[Seen]:
    return [Seen(at, "127.0.1.1", "a.example", f"/{image_id}.jpg?x=1", "good") for at in times]


def test_a_request_after_the_kill_that_saw_the_outcome_is_told() -> None:
    images = written(image("a"), image("b"), image("two", 2))
    fine = [*requests("a", 1), *requests("b", 1, 11), *requests("two", 1, 11, 21)]
    assert [] == list(fetched_again(images, KILLS, fine))
    told = list(fetched_again(images, KILLS, [*requests("a", 1, 11), *requests("b", 19, 21)]))
    assert ["a", "b"] == [line.split()[0] for line in told]


def test_more_requests_in_one_life_than_labels_are_told() -> None:
    images = written(image("a"), image("two", 2))
    assert [] == list(fetched_twice(images, KILLS, [*requests("a", 1, 11, 21), *requests("two", 1, 2, 11)]))
    told = list(fetched_twice(images, KILLS, [*requests("a", 11, 12), *requests("two", 21, 22, 23)]))
    assert ["a", "two"] == [line.split()[0] for line in told]


def test_fewer_outcomes_than_were_committed_are_told() -> None:
    progress = {"indexed": 1, "already_there": 0, "failed": 1}
    assert (1, 0) == (
        len(list(lost({"progress": progress}, KILLS[1]))),
        len(list(lost({"progress": progress}, KILLS[0]))),
    )


def planned_image(image_id: str) -> CatalogueImage:
    return CatalogueImage(image_id, image_id, "1", None, "", (f"http://a.example/{image_id}",))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def test_the_outcomes_of_a_ledger_are_read_as_a_kill_left_it(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / LEDGER)
    job, _ = await ledger.open_index_job(JobRequest("1", 3))
    await ledger.plan(job.job_id, 0, [planned_image("a"), planned_image("b"), planned_image("c")])
    await ledger.planned(job.job_id, 3)
    await ledger.record({job.job_id: [Indexed(0), Failed(2, Reason.HTTP_404, fetched=False)]})
    before = contents(tmp_path)
    assert Counter({"a": 1, "c": 1}) == committed(tmp_path)
    assert before == contents(tmp_path)
    ledger.close()
