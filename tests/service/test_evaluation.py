"""How good it is, told over HTTP: labelled photos ask what is indexed, or a temporary store."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import ImageEnhance

from tests.service.conftest import drawn, encoded
from tests.service.running import ROOT, Service, running

PRODUCTS = [f"sku{number}" for number in range(30)]
PHOTOS = 4


def photo(product: str, number: int) -> bytes:
    """A picture of a product: each one a little turned, and in another light."""
    turned = drawn(product).rotate(number * 4 - 6, expand=False)
    return encoded(ImageEnhance.Brightness(turned).enhance(0.8 + 0.1 * number))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Iterator[Service]:
    """Everything is indexed, and calibrated; the queries are a fifth photo of each product, and two strangers."""
    catalogue, queries = (tmp_path_factory.mktemp(name) for name in ("catalogue", "queries"))
    for product in PRODUCTS:
        write(catalogue, product, range(PHOTOS))
        write(queries, product, range(PHOTOS, PHOTOS + 1))
    for stranger in ("nobody's", "else's"):
        write(queries, stranger, range(1))
    (queries / "sku0" / "broken.jpg").write_bytes(b"no photo")
    settings = {"LOOKALIKE_PRODUCT_FROM": "label", "LOOKALIKE_QUERIES": str(queries)}
    with running(data_dir, catalogue, settings) as service:
        service.index()
        service.wait_for(service.client.post("/calibrate").json()["job_id"])
        yield service


def write(root: Path, product: str, numbers: range) -> None:
    (root / product).mkdir(parents=True, exist_ok=True)
    for number in numbers:
        (root / product / f"{number}.jpg").write_bytes(photo(product, number))


def evaluated(service: Service, **body: Any) -> dict[str, Any]:
    """An evaluation, once its job has ended."""
    answer = service.client.post("/evaluate", json=body)
    assert 202 == answer.status_code, answer.text
    job = service.wait_for(answer.json()["job_id"])
    assert ("succeeded", "evaluate") == (job["state"], job["kind"]), job["detail"]
    found: dict[str, Any] = service.client.get(f"/evaluations/{job['job_id']}").raise_for_status().json()
    return found


def test_queries_ask_what_is_indexed(service: Service) -> None:
    found = evaluated(service, catalogue="queries")
    live = next(space for space in service.client.get("/spaces").json()["items"] if space["live"])
    assert [live["space_id"]] == found["space_ids"]
    assert (30, 2, 1) == (found["known_count"], found["unknown_count"], found["failed_count"])
    assert (120, 30) == (found["gallery_images"], found["gallery_products"])
    # The very figures that asking one by one comes to.
    right = sum(
        service.search(photo(product, PHOTOS), k=1)["results"][0]["product_id"] == product for product in PRODUCTS
    )
    assert right / 30 == pytest.approx(found["retrieval"]["product_top_1"])
    assert found["retrieval"]["r_at_1"] <= found["retrieval"]["r_at_5"] <= found["retrieval"]["r_at_10"]
    assert 0.9 <= found["ann_recall"] <= 1
    told = {baseline["name"]: baseline["r_at_1"] for baseline in found["baselines"]}
    assert pytest.approx(4 / 120) == told["random photo"]
    assert found["retrieval"]["r_at_1"] == pytest.approx(told["features, nothing learned"])
    assert 0 < found["trust"]["ece"] < 1
    assert any("could not be read" in remark for remark in found["remarks"])


def test_an_evaluation_is_read_as_a_page_and_as_markdown_too(service: Service) -> None:
    found = evaluated(service, catalogue="queries", label_ids=["sku1", "sku2"])
    address = f"/evaluations/{found['evaluation_id']}"
    page = service.client.get(address, headers={"accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    text = service.client.get(address, headers={"accept": "text/markdown"})
    for shown in (page.text, text.text):
        assert "under 2 labels" in shown
        assert "R@1" in shown
    assert 406 == service.client.get(address, headers={"accept": "image/png"}).status_code


def test_indexed_photos_ask_a_temporary_store_and_what_is_live_stays(service: Service) -> None:
    before = service.client.get("/spaces").json()
    found = evaluated(service, catalogue="catalogue", split=0.25, unknown=0.1, repeats=2)
    assert before == service.client.get("/spaces").json()
    assert 2 == found["repeats"]
    assert 27 == found["gallery_products"]
    assert found["gallery_images"] < 27 * PHOTOS
    assert found["known_count"] > found["unknown_count"] > 0
    assert not set(found["space_ids"]) & {space["space_id"] for space in before["items"] if not space["live"]}
    # The same chances come to the same figures.
    again = evaluated(service, catalogue="catalogue", split=0.25, unknown=0.1, repeats=2)
    assert found["retrieval"] == again["retrieval"]


def test_products_that_come_after_it_has_learned_are_asked_for_alone(service: Service) -> None:
    found = evaluated(service, catalogue="queries", unseen=0.5)
    assert (15, 0, 30) == (found["known_count"], found["unknown_count"], found["gallery_products"])
    assert "50% of the products added after it had learned" in found["asked"]


def test_confidences_are_not_fitted_to_the_scores_of_few_questions_and_that_is_said(service: Service) -> None:
    live = service.client.get("/calibration").json()
    found = evaluated(service, catalogue="queries", by_recent_searches=True)
    assert 16 == found["known_count"] + found["unknown_count"]
    assert ["Confidences are not fitted to recent searches"] == [
        remark.partition(":")[0] for remark in found["remarks"] if "recent" in remark
    ]
    assert live == service.client.get("/calibration").json()


def test_what_cannot_be_evaluated_is_told(service: Service) -> None:
    def refused(**body: Any) -> tuple[int, str]:
        answer = service.client.post("/evaluate", json=body)
        return answer.status_code, answer.json()["code"]

    assert (404, "catalogue_not_found") == refused(catalogue="nowhere")
    assert (422, "invalid_request") == refused(catalogue="queries", split=0.2)
    assert (422, "invalid_request") == refused(catalogue="catalogue", split=1.5)
    assert (404, "catalogue_not_found") == refused(catalogue="/etc")
    assert (422, "invalid_request") == refused(catalogue="catalogue", unknown=1)
    missing = service.client.get("/evaluations/0123456789abcdef")
    assert (404, "evaluation_not_found") == (missing.status_code, missing.json()["code"])


def test_the_command_line_asks_a_running_service_and_comes_to_the_same(service: Service, tmp_path: Path) -> None:
    queries = tmp_path / "queries"
    for product in PRODUCTS[:10]:
        write(queries, product, range(PHOTOS, PHOTOS + 1))
    report = tmp_path / "report.html"
    asked = command(
        "evaluate", str(queries), "--product-from", "label", "--json", "--report", str(report),
        "--against", str(service.client.base_url),
    )  # fmt: skip
    found = evaluated(service, catalogue="queries", label_ids=PRODUCTS[:10])
    for name in ("known_count", "unknown_count", "gallery_images", "gallery_products", "space_ids", "ann_recall"):
        assert found[name] == asked[name], name
    assert found["retrieval"] == pytest.approx(asked["retrieval"])
    assert found["trust"]["ece"] == pytest.approx(asked["trust"]["ece"], abs=1e-3)
    assert ["random photo"] == [baseline["name"] for baseline in asked["baselines"]]
    assert report.read_text("utf-8").startswith("<!DOCTYPE html>")


def command(*words: str) -> dict[str, Any]:
    """What a command prints as JSON."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LOOKALIKE_")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "app", *words],
        cwd=ROOT, env=environment, capture_output=True, text=True,
        timeout=240, check=False,
    )  # fmt: skip
    assert 0 == done.returncode, done.stderr
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed
