from app.cli.client import Service
from app.cli.following import doing, follow, total
from tests.unit.cli.fake_service import FakeService, job


def test_jobs_are_watched_until_all_have_ended(fake: FakeService) -> None:
    first, second = job("a1", "running", total=4, indexed=1), job("b2", "queued")
    fake.answers("GET", "/jobs/a1", job("a1", "running", total=4, indexed=3))
    fake.answers("GET", "/jobs/a1", job("a1", total=4, indexed=4))
    fake.answers("GET", "/jobs/b2", job("b2", "failed", total=2, failed=2))
    with Service(fake.url) as service:
        ended = follow(service, [first, second], 6)
    assert [("a1", "succeeded"), ("b2", "failed")] == [(each["job_id"], each["state"]) for each in ended]
    assert ["/jobs/a1", "/jobs/a1", "/jobs/b2"] == [asked.path for asked in fake.asked]


def test_a_job_that_has_ended_is_not_asked_for_again(fake: FakeService) -> None:
    with Service(fake.url) as service:
        assert [job()] == follow(service, [job()], 0)
    assert [] == fake.asked


def test_until_jobs_have_begun_the_catalogue_tells_how_much_there_is() -> None:
    assert 60 == total([job("a1", "running", total=20), job("b2", "queued")], 60)
    assert 70 == total([job("a1", "running", total=70)], 60)


def test_in_the_end_the_jobs_themselves_tell() -> None:
    assert 58 == total([job(total=58)], 60)


def test_what_jobs_are_at_is_a_word_or_two() -> None:
    queued, running, ended = (job("a1", state) for state in ("queued", "running", "succeeded"))
    waiting = running | {"waiting_for": "disk\x1b"}
    assert ["Queued", "Indexing", "Ended"] == [doing([queued, queued]), doing([running, queued]), doing([ended])]
    assert ["Indexing", "Waiting for disk\ufffd"] == [doing([ended, queued]), doing([queued, waiting])]
