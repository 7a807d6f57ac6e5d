"""How well a service recognises the grocery SKUs, through HTTP: what the tests of accuracy share."""

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.service.running import Service, embedded_meanwhile, running

CLIENTS: Final = 4
TOLERANCE: Final = 0.015
PRODUCT_FROM: Final = {"LOOKALIKE_PRODUCT_FROM": "label"}


def photos_below(folder: Path) -> list[Path]:
    """All, in order."""
    return sorted(folder.glob("*/*.jpg"))


def share(photos: Sequence[Path], is_right: Callable[[Path], bool]) -> float:
    """The share of photos of which something is right, asked side by side."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        return sum(pool.map(is_right, photos)) / len(photos)


def learned(service: Service) -> dict[str, Any]:
    """The job that learned a space, which is live now and says how much better it is."""
    job = service.wait_for(service.client.post("/adapt").raise_for_status().json()["job_id"])
    live = next(space for space in service.client.get("/spaces").json()["items"] if space["live"])
    assert ("succeeded", True) == (job["state"], live["space_id"] in job["detail"])
    assert all(live["after"][name] > live["before"][name] for name in live["before"])
    return job


@dataclass(frozen=True)
class Figures:
    """Shares of photos: whose nearest photo is of their product; whose product comes first, or among the first three.

    `coverage` is of those that have a match, `precision` of these that are right.
    """

    nearest: float
    first: float
    among_three: float
    coverage: float
    precision: float


def product_figures(service: Service, grocery: Path) -> Figures:
    """One search for each photo: among the ten best products is the one of the nearest photo."""
    names, photos = names_of(service), photos_below(grocery / "test")
    own = [names[photo.parent.name] for photo in photos]
    with ThreadPoolExecutor(CLIENTS) as pool:
        found = list(pool.map(lambda photo: service.search(photo.read_bytes(), k=10), photos))
    ranked = [[result["product_id"] for result in each["results"]] for each in found]
    nearest = [max(each["results"], key=lambda result: result["image"]["score"])["product_id"] for each in found]
    matched = [
        each["answer"]["product_id"] == product_id
        for product_id, each in zip(own, found, strict=True)
        if each["answer"]["decision"] == "match"
    ]
    return Figures(
        nearest=sum(map(operator.eq, nearest, own)) / len(photos),
        first=sum(ten[0] == product_id for product_id, ten in zip(own, ranked, strict=True)) / len(photos),
        among_three=sum(product_id in ten[:3] for product_id, ten in zip(own, ranked, strict=True)) / len(photos),
        coverage=len(matched) / len(photos),
        precision=sum(matched) / len(matched),
    )


def names_of(service: Service) -> dict[str, str]:
    """Label ids by name."""
    return {label["name"]: label["label_id"] for label in service.client.get("/labels?limit=200").json()["items"]}


@contextmanager
def grocery_service(grocery: Path, folder: Path, settings: Mapping[str, str]) -> Iterator[Service]:
    """A service that has indexed the gallery."""
    with running(folder, grocery / "train", {**PRODUCT_FROM, **settings}) as service:
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


@dataclass(frozen=True)
class Measured:
    """R@1 of single photos before learning, all figures after it, and what learning said of itself."""

    raw: float
    figures: Figures
    detail: str
    calibration: dict[str, Any]


def measured(grocery: Path, folder: Path) -> Measured:
    """With the default settings; the data folder is left with what was learned."""
    with grocery_service(grocery, folder, {}) as service:
        raw = recall_at_1(service, grocery)
        job = learned(service)
        return Measured(
            raw=raw,
            figures=product_figures(service, grocery),
            detail=job["detail"],
            calibration=service.client.get("/calibration").raise_for_status().json(),
        )


_EMBEDDED: Final[dict[Path, Measured]] = {}
"""By data folder: what takes a minute is done once."""


def measured_embedded(grocery: Path, factory: pytest.TempPathFactory) -> tuple[Path, Measured]:
    """On the embedded store, once in a session; with the data folder, for who goes on from there."""
    if not _EMBEDDED:
        folder = factory.mktemp("grocery")
        with embedded_meanwhile():
            _EMBEDDED[folder] = measured(grocery, folder)
    return next(iter(_EMBEDDED.items()))
