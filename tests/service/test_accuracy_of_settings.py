"""What settings of the model do to accuracy; the store has no part in it, so the embedded one is enough."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.grocery import TOLERANCE, grocery_service, learned, product_figures, recall_at_1
from tests.service.running import embedded_meanwhile

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module", autouse=True)
def store() -> Iterator[str]:
    """One is enough."""
    with embedded_meanwhile() as name:
        yield name


@pytest.mark.parametrize(
    ("settings", "expected", "tolerance"),
    [
        ({"LOOKALIKE_COLOUR_WEIGHT": "0"}, 0.76, TOLERANCE),
        # 8 bit sums saturate on processors without VNNI: what is lost depends on the machine.
        ({"LOOKALIKE_MODEL": "models/mobilenet_v2_int8.onnx"}, 0.77, 2 * TOLERANCE),
    ],
    ids=["without colour", "int8"],
)
def test_grocery_skus_are_recognised_as_designed(
    grocery: Path, tmp_path: Path, settings: dict[str, str], expected: float, tolerance: float
) -> None:
    with grocery_service(grocery, tmp_path, settings) as service:
        recall = recall_at_1(service, grocery)
    print(f"grocery {settings}: R@1 by SKU: {recall:.4f}")
    assert expected == pytest.approx(recall, abs=tolerance)


def test_two_views_recognise_more(grocery: Path, tmp_path: Path) -> None:
    with grocery_service(grocery, tmp_path, {"LOOKALIKE_VIEWS": "2"}) as service:
        learned(service)
        figures = product_figures(service, grocery)
    print(f"grocery, two views: R@1 by SKU: learned {figures.nearest:.4f}; by product: {figures}")
    assert (figures.nearest >= 0.915, figures.first >= 0.925) == (True, True)
