"""Single images: said of anew without embedding, and deleted for good."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.service.conftest import drawn, encoded
from tests.service.running import Service, running
from tests.service.web import ALLOWED, Web, table, web


@pytest.fixture
def shop() -> Iterator[Web]:
    with web({f"/{number}": encoded(drawn(f"cup {number}")) for number in range(3)}) as found:
        yield found


@pytest.fixture
def service(tmp_path: Path, shop: Web) -> Iterator[Service]:
    """Three downloaded cups are indexed."""
    rows = [
        {"image_id": f"cup{number}", "label_id": "cups", "url": f"{shop.url}/{number}", "title": f"Cup {number}"}
        for number in range(3)
    ]
    catalogue = table(tmp_path / "shop.csv", rows)
    with running(tmp_path / "data", catalogue, ALLOWED) as service:
        assert 3 == service.index()["progress"]["indexed"]
        yield service


def files(path: Path) -> list[Path]:
    return [found for found in (path / "data" / "media").rglob("*") if found.is_file()]


def nearest(service: Service, number: int) -> dict[str, Any]:
    found: dict[str, Any] = service.search(encoded(drawn(f"cup {number}")), k=1)["results"][0]
    return found


def test_what_is_said_of_an_image_changes_and_its_vector_does_not(service: Service) -> None:
    image = nearest(service, 1)["image"]
    changes = {"product_id": "SKU 7/ü", "title": "Mug", "attributes": {"colour": "red", "price": 9.5, "new": True}}
    answer = service.client.patch(f"/images/{image['image_id']}", json=changes)
    assert 200 == answer.status_code, answer.text
    changed = answer.json()
    assert changes == {name: changed[name] for name in changes}
    assert {**image, **changes, "score": None} == {**changed, "score": None}
    best = nearest(service, 1)
    assert ("SKU 7/ü", "Mug", image["score"]) == (best["product_id"], best["image"]["title"], best["image"]["score"])


def test_only_what_is_sent_changes_and_null_takes_the_title_away(service: Service) -> None:
    image = nearest(service, 1)["image"]
    path = f"/images/{image['image_id']}"
    service.client.patch(path, json={"attributes": {"colour": "red"}})
    service.client.patch(path, json={"product_id": "p9"})
    untitled = service.client.patch(path, json={"title": None}).json()
    assert ("p9", None, {"colour": "red"}) == (untitled["product_id"], untitled["title"], untitled["attributes"])
    assert untitled == service.client.patch(path, json={}).json()
    assert untitled == service.client.get(path).json()


@pytest.mark.parametrize(
    "changes",
    [{"product_id": ""}, {"product_id": None}, {"attributes": {"a": {}}}, {"colour": "red"}, [1], {"title": 7}],
)
def test_changes_that_cannot_be_are_refused(service: Service, changes: Any) -> None:
    image = nearest(service, 1)["image"]
    answer = service.client.patch(f"/images/{image['image_id']}", json=changes)
    assert (422, "invalid_request") == (answer.status_code, answer.json()["code"])
    assert image == nearest(service, 1)["image"]


def test_an_image_that_is_not_there_can_be_neither_changed_nor_deleted(service: Service) -> None:
    for answer in (service.client.patch("/images/none", json={}), service.client.delete("/images/none")):
        assert (404, "image_not_found") == (answer.status_code, answer.json()["code"])


def test_a_deleted_image_is_gone_with_its_files_and_resume_does_not_bring_it_back(
    service: Service, shop: Web, tmp_path: Path
) -> None:
    image = nearest(service, 1)["image"]
    assert service.client.get(image["content_url"]).is_success
    assert service.client.get(image["thumbnail_url"]).is_success
    before = len(files(tmp_path))
    answer = service.client.delete(f"/images/{image['image_id']}")
    assert (204, b"") == (answer.status_code, answer.content)
    assert before - 2 == len(files(tmp_path))
    for path in (f"/images/{image['image_id']}", image["content_url"], image["thumbnail_url"]):
        assert 404 == service.client.get(path).status_code
    assert image["image_id"] != nearest(service, 1)["image"]["image_id"]
    shop.asked.clear()
    progress = service.index()["progress"]
    assert (3, 0, 3) == (progress["total"], progress["indexed"], progress["already_there"])
    assert [] == [path for path in shop.asked if path != "/robots.txt"]
    assert 404 == service.client.delete(f"/images/{image['image_id']}").status_code


def test_a_deleted_image_comes_back_with_its_label(service: Service) -> None:
    image = nearest(service, 1)["image"]
    assert 204 == service.client.delete(f"/images/{image['image_id']}").status_code
    assert 204 == service.client.delete("/index/cups").status_code
    assert 3 == service.index()["progress"]["indexed"]
    assert image == nearest(service, 1)["image"]


def test_edits_at_once_undo_nothing_of_each_other(service: Service) -> None:
    path = f"/images/{nearest(service, 1)['image']['image_id']}"
    edits: list[dict[str, Any]] = [{"title": "Mug"}, {"product_id": "p9"}, {"attributes": {"colour": "red"}}]
    for _ in range(5):
        service.client.patch(path, json={"title": None, "product_id": "p1", "attributes": {}})
        threads = [threading.Thread(target=service.client.patch, args=(path,), kwargs={"json": edit}) for edit in edits]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        changed = service.client.get(path).json()
        assert edits == [{name: changed[name]} for edit in edits for name in edit]
