"""What a cut of learned vectors does to accuracy; the store has no part in it, so the embedded one is enough."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.grocery import PRODUCT_FROM, learned, measured_embedded, recall_at_1
from tests.service.running import Service, embedded_meanwhile, running

pytestmark = pytest.mark.shared

DIMENSIONS = 384
MOST_LOST = 0.005


@pytest.fixture(scope="module", autouse=True)
def store() -> Iterator[str]:
    """One is enough."""
    with embedded_meanwhile() as name:
        yield name


def test_a_cut_to_384_dimensions_finds_the_photos_of_known_skus_as_well(
    grocery: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, whole = measured_embedded(grocery, tmp_path_factory)
    settings = {**PRODUCT_FROM, "LOOKALIKE_SPACE_DIMENSIONS": str(DIMENSIONS)}
    with running(folder, grocery / "train", settings) as service:
        assert 1664 + 40 == live_dimensions(service)
        learned(service)
        assert DIMENSIONS == live_dimensions(service)
        cut = recall_at_1(service, grocery)
    print(f"grocery: R@1 by SKU: {whole.figures.nearest:.4f}, with {DIMENSIONS} dimensions {cut:.4f}")
    assert cut >= whole.figures.nearest - MOST_LOST


def live_dimensions(service: Service) -> int:
    """Of the space that is searched."""
    spaces = service.client.get("/spaces").raise_for_status().json()["items"]
    return int(next(space["dimensions"] for space in spaces if space["live"]))
