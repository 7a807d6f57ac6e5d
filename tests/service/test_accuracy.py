"""The main job on real photos, through HTTP: everything is indexed, and found as well as was measured before."""

from pathlib import Path
from typing import Any, Final

import pytest

from tests.service.grocery import TOLERANCE, measured, measured_embedded, photos_below
from tests.service.running import Service, running

pytestmark = pytest.mark.shared

BETWEEN_STORES = 0.005
FOUND: Final[dict[str, tuple[float, ...]]] = {}
"""The figures on the first of the stores."""


def test_clothing_is_indexed_label_by_label_and_found_again(clothing: Path, tmp_path: Path) -> None:
    with running(tmp_path, clothing) as service:
        labels = [label["label_id"] for label in service.client.get("/labels").json()["items"]]
        jobs = [service.client.post(f"/index/{label_id}").json()["job_id"] for label_id in labels]
        states = [service.wait_for(job_id)["state"] for job_id in jobs]
        assert ["succeeded"] * 10 == states
        counts = [index["image_count"] for index in service.client.get("/index").json()["items"]]
        assert [60] * 10 == counts

        found = {photo: service_search(service, photo, k=2) for photo in photos_below(clothing)}
    first_is_itself = [found[photo][0]["image"]["name"] == photo.name for photo in found]
    assert all(first_is_itself)
    assert min(results[0]["score"] for results in found.values()) >= 0.999
    recall = sum(results[1]["label_ids"] == [photo.parent.name] for photo, results in found.items()) / 600
    print(f"clothing: R@1 by label, the photo itself left out: {recall:.4f}")
    assert_as_on_the_other_store("clothing", (recall,))
    assert 0.72 == pytest.approx(recall, abs=TOLERANCE)


def assert_as_on_the_other_store(name: str, figures: tuple[float, ...]) -> None:
    """The store has no say in how good the answers are."""
    assert FOUND.setdefault(name, figures) == pytest.approx(figures, abs=BETWEEN_STORES)


def service_search(service: Service, photo: Path, k: int) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = service.search(photo.read_bytes(), k=k, group_by="image")["results"]
    return results


def test_grocery_skus_are_recognised_as_designed_raw_and_learned(
    grocery: Path, tmp_path: Path, store: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if store == "embedded":
        _, found = measured_embedded(grocery, tmp_path_factory)
    else:
        found = measured(grocery, tmp_path)
    figures = found.figures
    print(f"grocery: R@1 by SKU: raw {found.raw:.4f}, learned {figures.nearest:.4f}; by product: {figures}")
    print(found.detail)
    told = (found.raw, figures.nearest, figures.first, figures.among_three, figures.coverage)
    assert_as_on_the_other_store("grocery", told)
    assert 0.785 == pytest.approx(found.raw, abs=TOLERANCE)
    assert (figures.nearest >= 0.9, figures.first >= 0.9, figures.among_three >= 0.985) == (True, True, True)
    assert (figures.precision >= 0.94, figures.coverage >= 0.4) == (True, True)
    calibration = found.calibration
    assert (776, 0.1, 10) == (
        calibration["fitted_on"]["images"], calibration["prior_unknown"], len(calibration["bins"])
    )  # fmt: skip
