"""Catalogues of addresses: brought up to date, told what was wrong in them, and photos of the web searched with."""

from pathlib import Path

from tests.service.conftest import draw_catalogue, drawn, encoded
from tests.service.running import paged, running
from tests.service.web import ALLOWED, shop, table, web


def test_sync_says_anew_what_the_catalogue_says_and_limits_go_with_resume_only(tmp_path: Path) -> None:
    with web({f"/a{number}": encoded(drawn(f"a{number}")) for number in range(3)}) as found:
        catalogue = shop(tmp_path / "shop.csv", found, "a0", "a1", "a2")
        with running(tmp_path / "data", catalogue, ALLOWED) as service:
            first = service.wait_for(service.client.post("/index/a", json={"limit": 2}).json()["job_id"])
            assert ("resume", 2, 2) == (first["mode"], first["limit"], first["progress"]["indexed"])
            catalogue.write_text(catalogue.read_text().replace("Title of a1", "Better title"))
            found.asked.clear()
            job = service.wait_for(service.client.post("/index/a", json={"mode": "sync"}).json()["job_id"])
            assert ("sync", "succeeded", 2, 1) == (
                job["mode"], job["state"], job["progress"]["already_there"], job["progress"]["indexed"],
            )  # fmt: skip
            best = service.search(encoded(drawn("a1")))["results"][0]["image"]
            assert ("Better title", f"{found.url}/a1") == (best["title"], best["source_url"])
            assert "/a1" not in found.asked
            every = service.client.post("/index", json={"all": True, "mode": "rebuild"}).json()
            assert "succeeded" == service.wait_for(every["job_id"])["state"]
            assert "rebuild" == service.client.get(f"/jobs/{every['children'][0]}").json()["mode"]
            assert {"/a0", "/a1", "/a2"} <= set(found.asked)
            refused = service.client.post("/index/a", json={"limit": 2, "mode": "sync"})
            assert (422, "invalid_request") == (refused.status_code, refused.json()["code"])


def test_what_reading_a_catalogue_found_is_told(tmp_path: Path) -> None:
    good = [{"image_id": name, "label_id": "cups", "url": f"http://a.example/{name}"} for name in ("1", "2", "3")]
    bad = [good[0] | {"image_id": "4", "url": ""}, good[0] | {"image_id": "5", "label_id": ""}, good[1]]
    catalogue = table(tmp_path / "shop.csv", good + bad)
    with running(tmp_path / "data", catalogue) as service:
        (report,) = service.client.get("/catalogues").json()["items"]
        records = paged(service, "/catalogues/catalogue/bad-records", limit=1)
        unknown = service.client.get("/catalogues/other/bad-records")
    assert ("catalogue", "table", ["shop.csv"], 1, 3) == (
        report["name"], report["kind"], report["files"], report["label_count"], report["image_count"],
    )  # fmt: skip
    assert {"missing_url": 1, "missing_label": 1} == report["rejected_by_reason"]
    assert {"repeated": 1} == report["remarks_by_reason"]
    assert {(5, "missing_url", True), (6, "missing_label", True), (7, "repeated", False)} == {
        (record["position"], record["reason"], record["left_out"]) for record in records
    }
    assert (404, "catalogue_not_found") == (unknown.status_code, unknown.json()["code"])


def test_a_photo_on_the_web_is_searched_with_and_all_that_is_none_is_one_error(tmp_path: Path) -> None:
    photo = encoded(drawn("cups 1"))
    with web({"/photo": photo}) as found:
        catalogue = draw_catalogue(tmp_path / "catalogue", {"cups": 3})
        allowed = {"LOOKALIKE_ALLOW_NETWORKS": "127.0.0.1/32"}
        with running(tmp_path / "data", catalogue, allowed) as service:
            service.index()
            form = service.client.post("/search", files={"image_url": (None, f"{found.url}/photo"), "k": (None, "1")})
            body = service.client.post("/search", json={"image_url": f"{found.url}/photo", "k": 1})
            assert ["1.jpg", "1.jpg"] == [
                answer.json()["results"][0]["image"]["name"] for answer in (form, body)
            ]  # fmt: skip
            forbidden = found.url.replace("127.0.0.1", "127.0.0.2")
            for url in (f"{found.url}/gone", f"{forbidden}/photo", "ftp://a.example/", "no address", "http://[::1]:1/"):
                answer = service.client.post("/search", json={"image_url": url})
                assert (422, "url_not_fetchable") == (answer.status_code, answer.json()["code"])
            both = service.client.post("/search", files={"image": photo}, data={"image_url": f"{found.url}/photo"})
            assert (400, "query_source") == (both.status_code, both.json()["code"])
