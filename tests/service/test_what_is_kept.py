"""What stays of photos from the web: their files by a setting, their entries by a job's mode, the disk's free space."""

import time
from pathlib import Path

import pytest

from tests.service.conftest import drawn, encoded
from tests.service.running import Service, running
from tests.service.web import ALLOWED, Web, shop, web

NAMES = ("a0", "a1", "a2", "b0")


def photos() -> dict[str, bytes]:
    return {f"/{name}": encoded(drawn(name)) for name in NAMES}


def ended(service: Service, label_id: str, mode: str) -> dict[str, int]:
    job = service.wait_for(service.client.post(f"/index/{label_id}", json={"mode": mode}).json()["job_id"])
    progress: dict[str, int] = job["progress"]
    return progress


def indexed(service: Service) -> set[str]:
    results = service.search(encoded(drawn("a0")), k=100, group_by="image")["results"]
    return {result["image"]["image_id"] for result in results}


@pytest.mark.parametrize(
    ("keep", "content", "thumbnail"), [("original", 200, 200), ("thumbnail", 404, 200), ("none", 404, 404)]
)
def test_a_setting_says_what_is_kept_of_a_photo(tmp_path: Path, keep: str, content: int, thumbnail: int) -> None:
    with web(photos()) as found:
        catalogue = shop(tmp_path / "shop.csv", found, *NAMES)
        with running(tmp_path / "data", catalogue, {**ALLOWED, "LOOKALIKE_KEEP": keep}) as service:
            service.index()
            image = service.client.get("/images/a0").json()
            assert ("a0.jpg", f"{found.url}/a0") == (image["name"], image["source_url"])
            answers = [service.client.get(image[which]) for which in ("content_url", "thumbnail_url")]
            assert [content, thumbnail] == [answer.status_code for answer in answers]
            assert {"image_not_kept"} >= {answer.json()["code"] for answer in answers if answer.status_code == 404}
            if content == 200:
                assert photos()["/a0"] == answers[0].content
            service.client.delete("/images/a0").raise_for_status()
    kept = [path for folder in ("downloads", "previews") for path in (tmp_path / "data" / "media" / folder).rglob("*")]
    assert (0 if keep == "none" else 3) == sum(path.is_file() for path in kept)


def changed(catalogue: Path, found: Web) -> None:
    """Of three images under `a` one leaves the list, one is gone from the web, one has another address."""
    shop(catalogue, found, "a0", "a2", "b0")
    found.pages["/a0-anew"] = encoded(drawn("a0 anew"))
    catalogue.write_text(catalogue.read_text().replace("/a0", "/a0-anew"))
    del found.pages["/a2"]


def test_sync_takes_out_what_left_the_list_and_fetches_what_moved(tmp_path: Path) -> None:
    with web(photos()) as found:
        catalogue = shop(tmp_path / "shop.csv", found, *NAMES)
        with running(tmp_path / "data", catalogue, ALLOWED) as service:
            service.index()
            own = service.client.post("/index/a/images", files={"image": encoded(drawn("own"))}).json()["image_id"]
            changed(catalogue, found)
            found.asked.clear()
            progress = ended(service, "a", "sync")
            assert (1, 1) == (progress["indexed"], progress["already_there"])
            assert {"a0", "a2", "b0", own} == indexed(service)
            assert "/a2" not in found.asked
            best = service.search(encoded(drawn("a0 anew")))["results"][0]["image"]
            assert ("a0", True) == (best["image_id"], best["score"] > 0.999)


def test_rebuild_takes_out_what_is_gone_from_the_web_too(tmp_path: Path) -> None:
    with web(photos()) as found:
        catalogue = shop(tmp_path / "shop.csv", found, *NAMES)
        with running(tmp_path / "data", catalogue, ALLOWED) as service:
            service.index()
            changed(catalogue, found)
            progress = ended(service, "a", "rebuild")
            assert (1, 1, 1) == (progress["indexed"], progress["embedded"], progress["failed"])
            assert {"a0", "b0"} == indexed(service)


def test_a_rebuild_that_brings_nothing_takes_out_nothing(tmp_path: Path) -> None:
    with web(photos()) as found:
        catalogue = shop(tmp_path / "shop.csv", found, *NAMES)
        with running(tmp_path / "data", catalogue, ALLOWED) as service:
            service.index()
            found.pages.clear()
            assert 3 == ended(service, "a", "rebuild")["failed"]
            assert set(NAMES) == indexed(service)


def test_without_free_space_a_job_waits_and_can_be_cancelled(tmp_path: Path) -> None:
    with web(photos()) as found:
        catalogue = shop(tmp_path / "shop.csv", found, *NAMES)
        with running(tmp_path / "data", catalogue, {**ALLOWED, "LOOKALIKE_MIN_FREE_BYTES": str(1 << 60)}) as service:
            job_id = service.client.post("/index/a").json()["job_id"]
            deadline = time.monotonic() + 20
            while not (job := service.client.get(f"/jobs/{job_id}").json())["waiting_for"]:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            assert ("disk", "running", 0) == (job["waiting_for"], job["state"], job["progress"]["downloaded"])
            assert "cancelled" == service.client.post(f"/jobs/{job_id}/cancel").json()["state"]
            job_id = service.client.post("/index/b").json()["job_id"]
            assert [] == [path for path in found.asked if path != "/robots.txt"]
        with running(tmp_path / "data", catalogue, ALLOWED) as service:
            assert "succeeded" == service.wait_for(job_id)["state"]
