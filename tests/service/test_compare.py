"""How likely two photos show one product, over HTTP, once the index is calibrated."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import ImageEnhance

from tests.service.conftest import drawn, encoded
from tests.service.running import Service, embedded_meanwhile, running

PRODUCTS, PHOTOS = 14, 6


def taken(product: int, number: int) -> bytes:
    """A product's photo, cut, turned and lit in its own way: photos that are too alike count as one."""
    left, top = 25 * (number % 3), 20 * (number % 2)
    part = drawn(f"product {product}", (200, 150)).crop((left, top, left + 150 - 12 * number, top + 130 - 10 * number))
    turned = part.rotate(90 * (number % 4), expand=True)
    return encoded(ImageEnhance.Brightness(turned).enhance(0.6 + 0.14 * number))


@pytest.fixture(scope="module", autouse=True)
def store() -> Iterator[str]:
    """One is enough: that calibrations are kept is every store's own test."""
    with embedded_meanwhile() as name:
        yield name


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Iterator[Service]:
    """One label a product; the last photo of each is not indexed."""
    folder = tmp_path_factory.mktemp("shop")
    for product in range(PRODUCTS):
        (folder / f"p{product}").mkdir()
        for number in range(PHOTOS - 1):
            (folder / f"p{product}" / f"{number}.jpg").write_bytes(taken(product, number))
    with running(data_dir, folder, {"LOOKALIKE_PRODUCT_FROM": "label"}) as service:
        assert "succeeded" == service.index()["state"]
        yield service


def compared(shop: Service, *photos: bytes) -> dict[str, Any]:
    files = [("image", ("photo.jpg", data)) for data in photos]
    body: dict[str, Any] = shop.client.post("/compare", files=files).raise_for_status().json()
    return body


@pytest.mark.parametrize("learn", ["calibrate", "adapt"])
def test_two_new_photos_of_one_product_are_likelier_of_one_than_two_of_two(shop: Service, learn: str) -> None:
    body = {"force": True} if learn == "adapt" else None
    job = shop.wait_for(shop.client.post(f"/{learn}", json=body).raise_for_status().json()["job_id"])
    assert ("succeeded", True) == (job["state"], "Calibrated: " in job["detail"]), job["detail"]
    new = [taken(product, PHOTOS - 1) for product in range(PRODUCTS)]
    same = [compared(shop, photo, taken(product, 1)) for product, photo in enumerate(new)]
    other = [compared(shop, photo, taken((product + 1) % PRODUCTS, 1)) for product, photo in enumerate(new)]
    assert {None} == {each["reason"] for each in same + other}
    told = [(each["cosine"], each["same_product_probability"]) for each in same + other]
    assert sorted(told) == sorted(told, key=lambda pair: pair[1])
    assert all(0 < probability < 1 for _, probability in told)
    gaps = [
        one["same_product_probability"] - two["same_product_probability"] for one, two in zip(same, other, strict=True)
    ]
    assert sum(gaps) / PRODUCTS > 0.05
