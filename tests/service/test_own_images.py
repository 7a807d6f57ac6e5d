"""Own images: added one by one, kept, found, and gone with their label."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.conftest import draw_catalogue, drawn, encoded
from tests.service.running import Service, running


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Service]:
    """A service of which a test may change anything."""
    with running(tmp_path / "data", draw_catalogue(tmp_path / "catalogue", {"cups": 3})) as service:
        yield service


def files(path: Path) -> list[Path]:
    return [found for found in (path / "data" / "media" / "originals").rglob("*") if found.is_file()]


def test_an_own_image_is_kept_and_found(own: Service) -> None:
    photo = encoded(drawn("mine"), "PNG")
    fields = {"product_id": "SKU 7/ü", "title": "A cup", "attributes": '{"colour": "red", "price": 9.5, "new": true}'}
    answer = own.client.post("/index/mine/images", files={"image": ("my cup.png", photo)}, data=fields)
    image = answer.json()
    assert (201, f"/images/{image['image_id']}") == (answer.status_code, answer.headers["location"])
    assert ("my cup.png", ["mine"], "SKU 7/ü", "A cup") == (
        image["name"], image["label_ids"], image["product_id"], image["title"],
    )  # fmt: skip
    assert {"colour": "red", "price": 9.5, "new": True} == image["attributes"]
    assert photo == own.client.get(image["content_url"]).content
    best = own.search(photo)["results"][0]
    assert ("SKU 7/ü", image["image_id"]) == (best["product_id"], best["image"]["image_id"])
    assert 1 == own.client.get("/index/mine").json()["image_count"]


def test_the_same_bytes_are_one_image_under_both_labels(own: Service, tmp_path: Path) -> None:
    photo = encoded(drawn("twice"))
    first = own.client.post("/index/one/images", files={"image": photo})
    again = own.client.post("/index/two/images", files={"image": photo})
    assert (201, 200) == (first.status_code, again.status_code)
    assert ["one", "two"] == again.json()["label_ids"]
    for label in ("one", "two"):
        assert [["one", "two"]] == [result["label_ids"] for result in own.search(photo, label_id=label)["results"]]
    assert 1 == len(files(tmp_path))


def test_a_label_goes_with_its_own_images_but_not_with_those_of_another(own: Service, tmp_path: Path) -> None:
    both, single = encoded(drawn("both")), encoded(drawn("single"))
    for label, photo in (("one", both), ("two", both), ("one", single)):
        assert own.client.post(f"/index/{label}/images", files={"image": photo}).is_success
    answer = own.client.delete("/index/one")
    assert (204, b"") == (answer.status_code, answer.content)
    assert 404 == own.client.delete("/index/one").status_code
    results = own.search(single, k=100)["results"]
    assert [["two"]] == [result["label_ids"] for result in results]
    assert 1 == len(files(tmp_path))
    own.index("cups")
    assert 4 == len(own.search(single, k=100)["results"])


def test_a_deleted_label_is_indexed_again_when_asked_for(own: Service) -> None:
    assert 3 == own.index("cups")["progress"]["indexed"]
    assert 204 == own.client.delete("/index/cups").status_code
    assert [] == own.client.get("/index").json()["items"]
    answer = own.search(encoded(drawn("cups 1")))
    assert ([], 1) == (answer["results"], len(answer["warnings"]))
    assert 3 == own.index("cups")["progress"]["indexed"]


def test_an_image_whose_file_is_gone_is_still_found(own: Service, tmp_path: Path) -> None:
    own.index("cups")
    photo = (tmp_path / "catalogue" / "cups" / "1.jpg").read_bytes()
    (tmp_path / "catalogue" / "cups" / "1.jpg").unlink()
    image = own.search(photo)["results"][0]["image"]
    assert "1.jpg" == image["name"]
    answer = own.client.get(image["content_url"])
    assert (404, "image_not_kept") == (answer.status_code, answer.json()["code"])
