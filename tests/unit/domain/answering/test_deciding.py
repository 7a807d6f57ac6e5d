import pytest

from app.domain.answering.deciding import Decision, Thresholds, decide


@pytest.mark.parametrize(
    ("probability", "expected"),
    [
        (1.0, Decision.MATCH),
        (0.9, Decision.MATCH),
        (0.8999, Decision.AMBIGUOUS),
        (0.3, Decision.AMBIGUOUS),
        (0.2999, Decision.NO_MATCH),
        (0.0, Decision.NO_MATCH),
    ],
)
def test_nine_in_ten_is_a_match_and_below_three_in_ten_is_none(probability: float, expected: Decision) -> None:
    assert expected == decide(probability, Thresholds())


def test_thresholds_are_the_callers_to_set() -> None:
    strict = Thresholds(match=0.99, no_match=0.6)
    expected = [Decision.NO_MATCH, Decision.AMBIGUOUS, Decision.MATCH]
    assert expected == [decide(probability, strict) for probability in (0.5, 0.98, 0.99)]
