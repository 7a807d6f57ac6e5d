"""A calibration that fits how searches of late scored, over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.service.products import draw_products, photo_of
from tests.service.running import Service, running

SEARCHES = 60
PRODUCTS = 12


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Iterator[Service]:
    """Each label is a product of five photos, enough to tell how sure answers are."""
    catalogue = tmp_path_factory.mktemp("catalogue")
    labels = draw_products(catalogue, PRODUCTS, photos=5)
    with running(data_dir, catalogue, {"LOOKALIKE_PRODUCT_FROM": "label"}) as service:
        service.index(*labels)
        yield service


def calibrate(service: Service, **body: object) -> dict[str, Any]:
    """The job, once it has ended."""
    answer = service.client.post("/calibrate", json=body or None)
    assert 202 == answer.status_code, answer.text
    return service.wait_for(answer.json()["job_id"])


def fitted_to(service: Service) -> object:
    return service.client.get("/calibration").raise_for_status().json()["recent_searches"]


def test_it_is_fitted_to_searches_once_there_are_enough(service: Service) -> None:
    early = calibrate(service, by_recent_searches=True)
    assert ("succeeded", {"by_recent_searches": True}) == (early["state"], early["options"])
    assert early["detail"].startswith("Calibrated: ECE ")
    assert "it takes 50 that had a confidence in this space, and this process had 0." in early["detail"]
    assert fitted_to(service) is None

    for number in range(SEARCHES):
        found = service.search(photo_of(f"p{number % PRODUCTS}", f"of customer {number}"), k=1)
        assert found["answer"]["calibrated"]
    service.search(photo_of("p1", "p1 1"))  # indexed itself
    service.search(photo_of("p1", "of another"), group_by="image")
    late = calibrate(service, by_recent_searches=True)
    assert late["detail"].startswith(f"Calibrated to {SEARCHES} recent searches: ECE ")
    assert SEARCHES == fitted_to(service)

    plain = calibrate(service)
    assert ({"by_recent_searches": False}, True) == (plain["options"], plain["detail"].startswith("Calibrated: ECE "))
    assert fitted_to(service) is None


@pytest.mark.parametrize("body", [{"by_recent_searches": "often"}, {"by_searches": True}, []])
def test_what_is_no_such_option_is_refused(service: Service, body: object) -> None:
    answer = service.client.post("/calibrate", json=body)
    assert 422 == answer.status_code
    assert 1 == len(answer.json()["errors"])
