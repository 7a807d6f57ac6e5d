"""Jobs over their lives: one a label, cancelled, killed with the service, going on by themselves."""

import random
import shutil
import time
from pathlib import Path

from tests.service.conftest import draw_catalogue, drawn, encoded
from tests.service.running import Service, running, start

KILLS = 10
KILLS_ON_CLUSTER = 2
"""After each the dead process' lease runs out first."""


def test_a_second_call_answers_with_the_job_that_is_live(tmp_path: Path) -> None:
    catalogue = draw_catalogue(tmp_path / "catalogue", {"cups": 200})
    with running(tmp_path / "data", catalogue) as service:
        first = service.client.post("/index/cups")
        second = service.client.post("/index/cups", json={"limit": 3})
        assert (202, 200) == (first.status_code, second.status_code)
        assert first.json()["job_id"] == second.json()["job_id"]
        parent = service.client.post("/index", json={"label_ids": ["cups"]}).json()
        assert [first.json()["job_id"]] == parent["children"]
        assert "succeeded" == service.wait_for(parent["job_id"])["state"]


def test_a_limit_takes_the_first_of_the_label_and_resume_the_rest(tmp_path: Path) -> None:
    catalogue = draw_catalogue(tmp_path / "catalogue", {"cups": 9})
    with running(tmp_path / "data", catalogue) as service:
        job = service.client.post("/index/cups", json={"limit": 4, "mode": "resume"}).json()
        progress = service.wait_for(job["job_id"])["progress"]
        assert (4, 4) == (progress["total"], progress["indexed"])
        progress = service.index("cups")["progress"]
        assert (9, 4, 5) == (progress["total"], progress["already_there"], progress["indexed"])


def test_the_same_bytes_are_embedded_once(tmp_path: Path) -> None:
    catalogue = draw_catalogue(tmp_path / "catalogue", {"cups": 20, "mugs": 1})
    for number in range(5):
        shutil.copy(catalogue / "cups" / "0.jpg", catalogue / "cups" / f"copy {number}.jpg")
        shutil.copy(catalogue / "cups" / "1.jpg", catalogue / "mugs" / f"copy {number}.jpg")
    with running(tmp_path / "data", catalogue) as service:
        cups, mugs = service.index("cups")["progress"], service.index("mugs")["progress"]
        assert 25 == cups["indexed"]
        assert cups["embedded"] < 25
        assert (6, 1) == (mugs["indexed"], mugs["embedded"])


def test_a_cancelled_job_keeps_what_it_did_and_says_what_is_left(tmp_path: Path) -> None:
    catalogue = draw_catalogue(tmp_path / "catalogue", {"cups": 600})
    with running(tmp_path / "data", catalogue) as service:
        job_id = service.client.post("/index/cups").json()["job_id"]
        while service.client.get(f"/jobs/{job_id}").json()["progress"]["indexed"] == 0:
            time.sleep(0.01)
        answer = service.client.post(f"/jobs/{job_id}/cancel")
        job = answer.json()
        assert (202, "cancelled") == (answer.status_code, job["state"])
        progress = job["progress"]
        assert 0 < progress["indexed"] < 600
        assert {"cancelled": 600 - progress["indexed"]} == job["failures_by_reason"]
        assert progress["indexed"] == service.client.get("/index/cups").json()["image_count"]
        assert job == service.client.post(f"/jobs/{job_id}/cancel").json()
        assert 600 == service.index("cups")["progress"]["total"]
        assert 600 == service.client.get("/index/cups").json()["image_count"]


def test_a_deleted_label_ends_its_job(tmp_path: Path) -> None:
    catalogue = draw_catalogue(tmp_path / "catalogue", {"cups": 400})
    with running(tmp_path / "data", catalogue) as service:
        job_id = service.client.post("/index/cups").json()["job_id"]
        while service.client.get(f"/jobs/{job_id}").json()["progress"]["indexed"] == 0:
            time.sleep(0.01)
        deadline = time.monotonic() + 10  # a cluster shows what was written a little later
        while service.client.get("/index/cups").status_code == 404 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert "building" == service.client.get("/index/cups").json()["state"]
        assert 204 == service.client.delete("/index/cups").status_code
        assert "cancelled" == service.client.get(f"/jobs/{job_id}").json()["state"]
        assert 404 == service.client.get("/index/cups").status_code


def indexed_beyond(service: Service, job_id: str, count: int) -> int:
    """How many images a job has indexed, once they are more than so many."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        job = service.client.get(f"/jobs/{job_id}").json()
        if job["progress"]["indexed"] > count:
            assert "running" == job["state"], "the job ended before the last kill: give it more images"
            return int(job["progress"]["indexed"])
        time.sleep(0.01)
    raise TimeoutError(count)


def test_kills_in_the_middle_of_indexing_lose_and_double_nothing(tmp_path: Path, store: str) -> None:
    count = 800
    kills = KILLS if store == "embedded" else KILLS_ON_CLUSTER
    catalogue = draw_catalogue(tmp_path / "catalogue", {"cups": count})
    chance = random.Random(10)
    seen, service = [0], start(tmp_path / "data", catalogue)
    try:
        job_id = service.client.post("/index/cups").json()["job_id"]
        for _ in range(kills):
            indexed_beyond(service, job_id, seen[-1])
            time.sleep(chance.uniform(0, 0.3))
            seen.append(service.client.get(f"/jobs/{job_id}").json()["progress"]["indexed"])
            service.kill()
            service = start(tmp_path / "data", catalogue)
            # What was acknowledged before the kill is acknowledged after it.
            assert service.client.get(f"/jobs/{job_id}").json()["progress"]["indexed"] >= seen[-1]
        job = service.wait_for(job_id)
        assert ("succeeded", count, 0) == (job["state"], job["progress"]["indexed"], job["progress"]["failed"])
        assert count == service.client.get("/index/cups").json()["image_count"]
        for photo in chance.sample(sorted((catalogue / "cups").iterdir()), 40):
            first, second = service.search(photo.read_bytes(), group_by="image", k=2)["results"]
            assert photo.name == first["image"]["name"]
            assert first["score"] >= 0.999
            assert photo.name != second["image"]["name"]
    finally:
        service.kill()
    print(f"{kills} kills, indexed before each: {seen[1:]}; {count} images, each there once")


def test_a_catalogue_that_is_gone_interrupts_the_job(tmp_path: Path) -> None:
    catalogue = draw_catalogue(tmp_path / "catalogue", {"cups": 3, "mugs": 600})
    with running(tmp_path / "data", catalogue) as service:
        service.client.post("/index/mugs")
        job_id = service.client.post("/index/cups").json()["job_id"]
        catalogue.rename(tmp_path / "elsewhere")
        job = service.wait_for(job_id)
        assert "interrupted" == job["state"]
        assert "LOOKALIKE_CATALOG" in job["detail"]
        ready = service.client.get("/health/ready")
        assert 503 == ready.status_code
        assert "LOOKALIKE_CATALOG" in ready.json()["parts"]["catalogue"]


def test_what_was_indexed_with_other_settings_is_not_searched_but_indexed_again(tmp_path: Path) -> None:
    catalogue = draw_catalogue(tmp_path / "catalogue", {"cups": 5})
    photo = (catalogue / "cups" / "2.jpg").read_bytes()
    with running(tmp_path / "data", catalogue) as service:
        service.index("cups")
        image_id = service.search(photo)["results"][0]["image"]["image_id"]
    with running(tmp_path / "data", catalogue, {"LOOKALIKE_COLOUR_WEIGHT": "0"}) as service:
        assert "stale" == service.client.get("/index/cups").json()["state"]
        answers = [
            service.client.post("/search", files={"image": photo}),
            service.client.post("/search", files={"image": photo}, data={"label_id": "cups"}),
            service.client.get(f"/images/{image_id}/similar"),
        ]
        assert [(409, "model_mismatch")] * 3 == [(answer.status_code, answer.json()["code"]) for answer in answers]
        progress = service.index("cups")["progress"]
        assert (5, 0) == (progress["embedded"], progress["already_there"])
        assert image_id == service.search(photo)["results"][0]["image"]["image_id"]
        assert ("ready", 1280) == tuple(
            service.client.get("/index/cups").json()[key] for key in ("state", "dimensions")
        )


def test_a_restart_finds_everything_again(tmp_path: Path) -> None:
    catalogue = draw_catalogue(tmp_path / "catalogue", {"cups": 5})
    photo = encoded(drawn("own"))
    with running(tmp_path / "data", catalogue) as service:
        service.index("cups")
        service.client.post("/index/mine/images", files={"image": photo}, data={"title": "Own"})
        before = service.search(photo, k=100)["results"]
        jobs = service.client.get("/jobs").json()
    with running(tmp_path / "data", catalogue) as service:
        assert before == service.search(photo, k=100)["results"]
        assert jobs == service.client.get("/jobs").json()
