"""The main job on real photos, through HTTP: everything is indexed, and found as well as was measured before."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.service.running import Service, running

pytestmark = pytest.mark.shared

CLIENTS = 4
TOLERANCE = 0.015
BETWEEN_STORES = 0.005
FOUND: Final[dict[str, tuple[float, ...]]] = {}
"""The figures on the first of the stores."""


def photos_below(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*.jpg"))


def share(photos: Sequence[Path], is_right: Callable[[Path], bool]) -> float:
    """The share of photos of which something is right, asked side by side."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        return sum(pool.map(is_right, photos)) / len(photos)


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


def test_grocery_skus_are_recognised_as_designed_raw_and_learned(grocery: Path, tmp_path: Path) -> None:
    with grocery_service(grocery, tmp_path, {}) as service:
        raw = recall_at_1(service, grocery)
        job = learned(service)
        adapted = recall_at_1(service, grocery)
        figures = product_figures(service, grocery)
        calibration = service.client.get("/calibration").raise_for_status().json()
    print(f"grocery: R@1 by SKU: raw {raw:.4f}, learned {adapted:.4f}; by product: {figures}")
    print(job["detail"])
    assert_as_on_the_other_store("grocery", (raw, adapted, figures.first, figures.among_three, figures.coverage))
    assert 0.785 == pytest.approx(raw, abs=TOLERANCE)
    assert (adapted >= 0.9, figures.first >= 0.9, figures.among_three >= 0.985) == (True, True, True)
    assert (figures.precision >= 0.94, figures.coverage >= 0.4) == (True, True)
    assert (776, 0.1, 10) == (
        calibration["fitted_on"]["images"], calibration["prior_unknown"], len(calibration["bins"])
    )  # fmt: skip


def learned(service: Service) -> dict[str, Any]:
    """The job that learned a space, which is live now and says how much better it is."""
    job = service.wait_for(service.client.post("/adapt").raise_for_status().json()["job_id"])
    live = next(space for space in service.client.get("/spaces").json()["items"] if space["live"])
    assert ("succeeded", True) == (job["state"], live["space_id"] in job["detail"])
    assert all(live["after"][name] > live["before"][name] for name in live["before"])
    return job


@dataclass(frozen=True)
class Figures:
    """Shares of photos: whose product comes first, or among the first three; that have a match, and of those right."""

    first: float
    among_three: float
    coverage: float
    precision: float


def product_figures(service: Service, grocery: Path) -> Figures:
    """One search for each photo."""
    names, photos = names_of(service), photos_below(grocery / "test")
    own = [names[photo.parent.name] for photo in photos]
    with ThreadPoolExecutor(CLIENTS) as pool:
        found = list(pool.map(lambda photo: service.search(photo.read_bytes(), k=3), photos))
    ranked = [[result["product_id"] for result in each["results"]] for each in found]
    matched = [
        each["answer"]["product_id"] == product_id
        for product_id, each in zip(own, found, strict=True)
        if each["answer"]["decision"] == "match"
    ]
    return Figures(
        first=sum(three[0] == product_id for product_id, three in zip(own, ranked, strict=True)) / len(photos),
        among_three=sum(product_id in three for product_id, three in zip(own, ranked, strict=True)) / len(photos),
        coverage=len(matched) / len(photos),
        precision=sum(matched) / len(matched),
    )


def names_of(service: Service) -> dict[str, str]:
    """Label ids by name."""
    return {label["name"]: label["label_id"] for label in service.client.get("/labels?limit=200").json()["items"]}


@contextmanager
def grocery_service(grocery: Path, folder: Path, settings: Mapping[str, str]) -> Iterator[Service]:
    """A service that has indexed the gallery."""
    with running(folder, grocery / "train", {"LOOKALIKE_PRODUCT_FROM": "label", **settings}) as service:
        job = service.index()
        assert ("succeeded", 776) == (job["state"], job["progress"]["indexed"])
        yield service


def recall_at_1(service: Service, grocery: Path) -> float:
    """R@1 of single photos, by SKU."""
    names = names_of(service)

    def is_right(photo: Path) -> bool:
        (result,) = service.search(photo.read_bytes(), k=1, group_by="image")["results"]
        return bool(result["product_id"] == names[photo.parent.name])

    return share(photos_below(grocery / "test"), is_right)


def grocery_recall(grocery: Path, folder: Path, settings: Mapping[str, str]) -> float:
    """R@1 by SKU, with the service's settings."""
    with grocery_service(grocery, folder, settings) as service:
        return recall_at_1(service, grocery)
