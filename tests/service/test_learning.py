"""Learning, spaces and products, over HTTP."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.service.conftest import draw_catalogue, drawn, encoded
from tests.service.products import draw_products, photo_of
from tests.service.running import JOB_WAIT_S, Service, paged, running

LONGER_THAN_AUTO_WAITS_S = 6.0
LABELS = {"cups": 6, "plates": 5, "bowls": 1}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Iterator[Service]:
    """Each label is a product."""
    catalogue = draw_catalogue(tmp_path_factory.mktemp("catalogue"), LABELS)
    settings = {"LOOKALIKE_PRODUCT_FROM": "label"}
    with running(data_dir, catalogue, settings) as service:
        service.index(*LABELS)
        yield service


def spaces(service: Service) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = service.client.get("/spaces").raise_for_status().json()["items"]
    return items


def done(service: Service, path: str, **body: object) -> dict[str, Any]:
    """A job that was begun by a call, once it has ended."""
    answer = service.client.post(path, json=body or None)
    assert 202 == answer.status_code, answer.text
    assert f"/jobs/{answer.json()['job_id']}" == answer.headers["Location"]
    return service.wait_for(answer.json()["job_id"])


def nearest(service: Service, seed: str) -> list[Any]:
    """The space, the nearest image's product and its score."""
    found = service.search(encoded(drawn(seed), "PNG"), group_by="image", k=1)
    return [found["query"]["space"], found["results"][0]["product_id"], found["results"][0]["score"]]


def test_a_space_is_learned_searched_and_gone_back_from(service: Service) -> None:
    (raw,) = spaces(service)
    assert (True, "none", None) == (raw["live"], raw["projection"], raw["fitted_at"])
    job = done(service, "/adapt", force=True)
    assert ("succeeded", "adapt", {"force": True}) == (job["state"], job["kind"], job["options"])
    latest, before = spaces(service)
    assert ((True, {"images": 12, "products": 3}), False) == ((latest["live"], latest["fitted_on"]), before["live"])
    assert latest == service.client.get(f"/spaces/{latest['space_id']}").json()
    assert [latest["space_id"], "cups"] == nearest(service, "cups 3")[:2]

    new = {"image": ("new.png", encoded(drawn("late"), "PNG"))}
    service.client.post("/index/bowls/images", files=new, data={"product_id": "late"}).raise_for_status()
    assert [latest["space_id"], "late", pytest.approx(1, abs=2e-3)] == nearest(service, "late")

    assert 409 == service.client.delete(f"/spaces/{latest['space_id']}").status_code
    job = done(service, f"/spaces/{raw['space_id']}/activate")
    assert ("succeeded", "activate") == (job["state"], job["kind"])
    assert [raw["space_id"], "late", pytest.approx(1, abs=2e-3)] == nearest(service, "late")
    assert 204 == service.client.delete(f"/spaces/{latest['space_id']}").status_code
    assert [raw["space_id"]] == [space["space_id"] for space in spaces(service)]


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("DELETE", ""), ("POST", "/activate")])
def test_an_unknown_space_is_not_found(service: Service, method: str, path: str) -> None:
    answer = service.client.request(method, f"/spaces/none-such{path}")
    assert (404, "space_not_found") == (answer.status_code, answer.json()["code"])


def test_products_are_listed_with_their_photos_page_by_page(service: Service) -> None:
    listed = paged(service, "/products")
    page = service.client.get("/products", params={"limit": 2}).raise_for_status().json()
    assert (listed[:2], True) == (page["items"], page["next_cursor"] is not None)
    assert LABELS.items() <= {item["product_id"]: item["image_count"] for item in listed}.items()
    first = service.client.get("/products/cups", params={"limit": 4}).json()
    rest = service.client.get("/products/cups", params={"limit": 4, "cursor": first["next_cursor"]}).json()
    assert (4, 2, None) == (len(first["images"]), len(rest["images"]), rest["next_cursor"])
    assert {"cups"} == {image["product_id"] for image in [*first["images"], *rest["images"]]}


def test_a_product_with_any_id_is_found_and_an_unknown_one_is_not(service: Service) -> None:
    product_id = "a/b?c d%20ü"
    photo = {"image": ("odd.png", encoded(drawn("odd"), "PNG"))}
    service.client.post("/index/odd/images", files=photo, data={"product_id": product_id}).raise_for_status()
    answer = service.client.get(f"/products/{quote(product_id, safe='')}").raise_for_status().json()
    assert (product_id, 1) == (answer["product_id"], len(answer["images"]))
    unknown = service.client.get("/products/none%20such")
    assert (404, "product_not_found") == (unknown.status_code, unknown.json()["code"])


def test_where_each_image_is_a_product_there_is_nothing_to_learn(tmp_path: Path) -> None:
    with running(tmp_path / "data", draw_catalogue(tmp_path / "catalogue", {"cups": 3})) as service:
        job = done(service, "/adapt")
        assert ("succeeded", True) == (job["state"], job["detail"].startswith("Nothing to learn yet"))
        service.index("cups")
        job = done(service, "/adapt", force=True)
        assert ("succeeded", True) == (job["state"], job["detail"].startswith("Nothing to learn yet"))
        assert 1 == len(spaces(service))


def test_too_little_to_calibrate_is_told_and_answers_stay_without_confidence(service: Service) -> None:
    missing = service.client.get("/calibration")
    assert (404, "not_calibrated") == (missing.status_code, missing.json()["code"])
    job = done(service, "/calibrate")
    assert ("succeeded", "calibrate", True) == (job["state"], job["kind"], job["detail"].startswith("Not calibrated: "))
    photo = {"image": ("photo.png", encoded(drawn("cups 3"), "PNG"))}
    found = service.client.post("/identify", files=photo).raise_for_status().json()
    assert {"query", "answer", "timing_ms", "warnings"} == found.keys()
    answer = found["answer"]
    assert [None, None, False] == [answer["decision"], answer["confidence"], answer["calibrated"]]
    assert service.search(encoded(drawn("cups 3"), "PNG"), k=1)["results"][0]["product_id"] == answer["product_id"]
    assert "POST /calibrate" in answer["reason"]


def test_an_answer_is_what_the_search_gives_with_one_result_too(service: Service) -> None:
    one, many = (service.search(encoded(drawn("plates 2"), "PNG"), k=k) for k in (1, 5))
    assert 1 == len(one["results"])
    assert one["answer"] == many["answer"]
    assert (one["answer"]["product_id"], one["answer"]["evidence"]) == (
        many["results"][0]["product_id"],
        [image["image_id"] for image in many["results"][0]["images"][:3]],
    )


@pytest.mark.parametrize("prior", [-0.1, 1.1, "few"])
def test_a_share_of_unknown_products_is_between_0_and_1(service: Service, prior: object) -> None:
    photo = {"image": ("photo.png", encoded(drawn("cups 3"), "PNG"))}
    answer = service.client.post("/search", files=photo, data={"prior_unknown": str(prior)})
    assert (422, "prior_unknown") == (answer.status_code, answer.json()["errors"][0]["field"])


@contextmanager
def shop(folder: Path, adapt: str) -> Iterator[Service]:
    """Products that can be told apart better, indexed by a service that learns as it is told, in 32 dimensions."""
    labels = draw_products(folder / "catalogue", products=8, photos=6)
    settings = {
        "LOOKALIKE_PRODUCT_FROM": "label",
        "LOOKALIKE_COLOUR_WEIGHT": "0",
        "LOOKALIKE_ADAPT": adapt,
        "LOOKALIKE_SPACE_DIMENSIONS": "32",
    }
    with running(folder / "data", folder / "catalogue", settings) as service:
        assert "succeeded" == service.index(*labels)["state"]
        yield service


def adapting(service: Service) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = service.client.get("/jobs").raise_for_status().json()["items"]
    return [job for job in listed if job["kind"] == "adapt"]


def test_with_auto_a_gallery_that_was_indexed_is_learned_by_itself(tmp_path: Path) -> None:
    with shop(tmp_path, "auto") as service:
        deadline = time.monotonic() + JOB_WAIT_S
        while not adapting(service) and time.monotonic() < deadline:
            time.sleep(0.1)
        (job,) = adapting(service)
        assert "succeeded" == service.wait_for(job["job_id"])["state"]
        assert (False, 48) == (job["options"]["force"], job["options"]["photos"])
        latest, _ = spaces(service)
        assert (True, {"images": 48, "products": 8}, 32) == (latest["live"], latest["fitted_on"], latest["dimensions"])
        assert [latest["space_id"], latest["dimensions"]] == [
            service.search(photo_of("p1", "a new scene"))["query"]["space"],
            service.client.get("/index/p1").json()["dimensions"],
        ]


def test_without_it_nothing_is_learned_that_nobody_asked_for(tmp_path: Path) -> None:
    with shop(tmp_path, "manual") as service:
        time.sleep(LONGER_THAN_AUTO_WAITS_S)
        assert ([], 1) == (adapting(service), len(spaces(service)))
