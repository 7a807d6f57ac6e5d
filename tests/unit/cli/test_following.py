from app.cli.client import Service
from app.cli.following import Stage, doing, follow, stages, time_left, total
from tests.unit.cli.fake_service import FakeService, job


def test_jobs_are_watched_until_all_have_ended(fake: FakeService) -> None:
    first, second = job("a1", "running", total=4, indexed=1), job("b2", "queued")
    fake.answers("GET", "/jobs/a1", job("a1", "running", total=4, indexed=3))
    fake.answers("GET", "/jobs/a1", job("a1", total=4, indexed=4))
    fake.answers("GET", "/jobs/b2", job("b2", "failed", total=2, failed=2))
    with Service(fake.url) as service:
        ended = follow(service, [first, second], 6)
    assert [("a1", "succeeded"), ("b2", "failed")] == [(each["job_id"], each["state"]) for each in ended]
    assert ["/jobs/a1", "/jobs/b2", "/jobs/a1"] == [asked.path for asked in fake.asked]


def test_of_many_live_jobs_only_the_first_few_are_asked_for_in_a_round(fake: FakeService) -> None:
    ids = [f"{number:02}" for number in range(20)]
    for job_id in ids:
        fake.answers("GET", f"/jobs/{job_id}", job(job_id))
    with Service(fake.url) as service:
        ended = follow(service, [job(job_id, "queued") for job_id in ids], 0)
    assert ["succeeded"] * 20 == [each["state"] for each in ended]
    assert [f"/jobs/{job_id}" for job_id in ids] == [asked.path for asked in fake.asked]


def test_a_job_that_has_ended_is_not_asked_for_again(fake: FakeService) -> None:
    with Service(fake.url) as service:
        assert [job()] == follow(service, [job()], 0)
    assert [] == fake.asked


def test_until_jobs_have_begun_the_catalogue_tells_how_much_there_is() -> None:
    assert 60 == total([job("a1", "running", total=20), job("b2", "queued")], 60)
    assert 70 == total([job("a1", "running", total=70)], 60)


def test_in_the_end_the_jobs_themselves_tell() -> None:
    assert 58 == total([job(total=58)], 60)


def test_each_stage_tells_how_far_images_are() -> None:
    running = job("a1", "running", total=100, already_there=20, downloaded=50, failed=5, embedded=30, indexed=40)
    assert [
        Stage("downloaded", count=50, completed=55, total=80),
        Stage("embedded", count=30, completed=45, total=80),
        Stage("indexed", count=40, completed=45, total=80),
    ] == stages([running], 0)


def test_every_stage_is_through_when_a_job_has_ended() -> None:
    ended = job("a1", "partially_succeeded", total=10, already_there=2, downloaded=7, failed=3, embedded=4, indexed=5)
    assert {(8, 8)} == {(stage.completed, stage.total) for stage in stages([ended], 0)}


def test_what_jobs_are_at_is_a_word_or_two() -> None:
    queued, ended = job("a1", "queued"), job("a1")
    running = job("a1", "running") | {"rate_images_per_s": 12.4}
    waiting = running | {"waiting_for": "disk\x1b"}
    assert ["queued", "12 images/s", ""] == [doing([queued, queued]), doing([running, queued]), doing([ended])]
    assert ["25 images/s", "waiting for disk\ufffd"] == [doing([running, running]), doing([queued, waiting])]


def test_the_time_left_is_the_services_own_word_for_one_job() -> None:
    running = job("a1", "running") | {"rate_images_per_s": 2.0, "eta_s": 75.4}
    assert ", 0:01:15 left" == time_left([running], 10)
    assert "" == time_left([running | {"rate_images_per_s": 0.0, "eta_s": None}], 10)


def test_the_time_left_of_several_jobs_is_told_by_the_rate_of_all() -> None:
    first, second = (job(name, "running") | {"rate_images_per_s": 2.0, "eta_s": 1.0} for name in ("a1", "b2"))
    assert ", 0:00:10 left" == time_left([first, second, job("c3", "queued")], 40)
