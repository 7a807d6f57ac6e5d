"""The main job on real photos, through HTTP: everything is indexed, and found as well as was measured before."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.service.running import Service, running

pytestmark = pytest.mark.shared

CLIENTS = 4
TOLERANCE = 0.015


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
    assert 0.72 == pytest.approx(recall, abs=TOLERANCE)


def service_search(service: Service, photo: Path, k: int) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = service.search(photo.read_bytes(), k=k, group_by="image")["results"]
    return results


def test_grocery_skus_are_recognised_as_designed(grocery: Path, tmp_path: Path) -> None:
    recall = grocery_recall(grocery, tmp_path, {})
    print(f"grocery: R@1 by SKU: {recall:.4f}")
    assert 0.785 == pytest.approx(recall, abs=TOLERANCE)


def grocery_recall(grocery: Path, folder: Path, settings: Mapping[str, str]) -> float:
    """R@1 by SKU, with the service's settings."""
    with running(folder, grocery / "train", {"LOOKALIKE_PRODUCT_FROM": "label", **settings}) as service:
        job = service.index()
        assert ("succeeded", 776) == (job["state"], job["progress"]["indexed"])
        names = {label["name"]: label["label_id"] for label in service.client.get("/labels?limit=200").json()["items"]}

        def is_right(photo: Path) -> bool:
            (result,) = service.search(photo.read_bytes(), k=1, group_by="image")["results"]
            return bool(result["product_id"] == names[photo.parent.name])

        return share(photos_below(grocery / "test"), is_right)
