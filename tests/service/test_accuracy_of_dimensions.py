"""What a cut of learned vectors does to accuracy; the store has no part in it, so the embedded one is enough."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.service.running import Service, embedded_meanwhile, running
from tests.service.test_accuracy import grocery_service, learned, recall_at_1

pytestmark = pytest.mark.shared

SETTINGS = {"LOOKALIKE_PRODUCT_FROM": "label"}
DIMENSIONS = 384
MOST_LOST = 0.005


@pytest.fixture(scope="module", autouse=True)
def store() -> Iterator[str]:
    """One is enough."""
    with embedded_meanwhile() as name:
        yield name


def adapted(service: Service, grocery: Path) -> tuple[float, dict[str, Any]]:
    """R@1 of the test photos in the space that the service learns, and its card."""
    learned(service)
    card = service.client.get("/spaces").json()["items"][0]
    recall = recall_at_1(service, grocery)
    print(f"grocery, {card['dimensions']} dimensions: R@1 by SKU {recall:.4f}, self-check {card['after']}")
    return recall, card


def test_a_cut_to_384_dimensions_finds_the_photos_of_known_skus_as_well(grocery: Path, tmp_path: Path) -> None:
    with grocery_service(grocery, tmp_path, {}) as service:
        whole, card = adapted(service, grocery)
        assert 1664 + 40 == card["dimensions"]
    with running(tmp_path, grocery / "train", {**SETTINGS, "LOOKALIKE_SPACE_DIMENSIONS": str(DIMENSIONS)}) as service:
        cut, card = adapted(service, grocery)
        assert DIMENSIONS == card["dimensions"]
    assert cut >= whole - MOST_LOST
