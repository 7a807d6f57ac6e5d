from app.api.rendering.diagram import SIDE, Point, points
from app.domain.answering.reliability import Bin


def test_confidence_goes_to_the_right_and_what_came_true_upwards() -> None:
    assert [Point(0, SIDE, 4.5), Point(SIDE / 2, SIDE / 4, 9), Point(SIDE, 0, 2.5)] == points(
        [Bin(0, 0, 25), Bin(0.5, 0.75, 100), Bin(1, 1, 1)]
    )


def test_without_bins_there_are_no_points() -> None:
    assert [] == points([])
