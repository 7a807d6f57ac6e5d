"""A small slice of what scripts/hostile_run and scripts/kill_run do at length: the real service on the hostile web."""

from pathlib import Path

from tests.hostile.catalogues import write_catalogues
from tests.hostile.judging import judge, settings
from tests.hostile.killing import Run, wrong_of
from tests.hostile.plan import planned, quick
from tests.hostile.web import running_web
from tests.service.running import running

URLS = 200
KILLED_IMAGES = 150


def test_every_image_of_a_hostile_web_ends_in_one_outcome_that_fits(tmp_path: Path) -> None:
    with running_web(tmp_path / "log.jsonl", distinct=20) as web:
        written = write_catalogues(tmp_path / "catalogues", planned(URLS, web.port))
        with running(tmp_path / "data", None, settings(web, written)) as service:
            job = service.index()
            judgement = judge(service, web, written, job)
    assert {name: [] for name in judgement.wrong} == dict(judgement.wrong)
    assert len(judgement.failures) > 12


def test_what_was_committed_before_a_kill_is_not_fetched_again(tmp_path: Path) -> None:
    with running_web(tmp_path / "log.jsonl", distinct=20) as web:
        written = write_catalogues(tmp_path / "catalogues", quick(KILLED_IMAGES, web.port))
        run = Run(web, written, tmp_path / "data", timeout_s=120)
        try:
            run.begin()
            killed = [run.kill_at(point, later_s=0) for point in (0, 40, 90)]
            wrong = wrong_of(run, web, written, run.end())
        finally:
            run.service.kill()
    assert {name: [] for name in wrong} == wrong
    assert [True, True] == killed[:2]
