import numpy as np
import pytest

from app.domain.answering.calibration import Example, Signals, fit_calibration, weights_of
from app.domain.answering.tilting import MIN_ASKED, tilted
from tests.unit.domain.answering.worlds import known_of, queries, right_of, signals_of

PRIOR = 0.1


def farther(examples: list[Example], by: float) -> list[Example]:
    """The same asked with photos that are less like the gallery's."""
    return [
        Example(Signals(each.signals.score - by, each.signals.lead, each.signals.raw), each.right, each.known)
        for each in examples
    ]


def scores_of(examples: list[Example]) -> list[float]:
    return [each.signals.score for each in examples]


def weighed(examples: list[Example], asked: list[float]) -> np.ndarray:
    known = known_of(examples)
    return tilted(weights_of(known, PRIOR), np.array(scores_of(examples)), known, asked)


def test_examples_score_on_average_what_is_asked_and_either_kind_keeps_its_share() -> None:
    examples, asked = queries(1000, 0.5, seed=1), scores_of(farther(queries(500, PRIOR, seed=2), 0.06))
    weights = weighed(examples, asked)
    assert np.mean(asked) == pytest.approx(np.average(scores_of(examples), weights=weights), abs=1e-4)
    assert pytest.approx(PRIOR) == weights[~known_of(examples)].sum() / weights.sum()
    assert pytest.approx(1) == weights.mean()


def test_what_is_asked_as_it_was_held_out_changes_next_to_nothing() -> None:
    examples = queries(4000, 0.5, seed=1)
    weights = weighed(examples, scores_of(queries(4000, PRIOR, seed=2)))
    assert np.abs(weights / weights_of(known_of(examples), PRIOR) - 1).max() < 0.2


def test_too_few_that_were_asked_change_nothing() -> None:
    examples = queries(200, 0.5, seed=1)
    expected = weights_of(known_of(examples), PRIOR)
    assert expected.tolist() == weighed(examples, [0.1] * (MIN_ASKED - 1)).tolist()


@pytest.mark.parametrize("score", [-5.0, 5.0])
def test_scores_beyond_all_examples_tilt_within_bounds(score: float) -> None:
    weights = weighed(queries(200, 0.5, seed=1), [score] * MIN_ASKED)
    assert np.isfinite(weights).all()
    assert pytest.approx(1) == weights.mean()


def test_answers_to_photos_from_farther_away_are_less_off_after_the_tilt() -> None:
    examples, asked, judged = queries(4000, 0.5, seed=1), queries(500, PRIOR, seed=2), queries(4000, PRIOR, seed=3)
    away, new = farther(asked, 0.06), farther(judged, 0.06)
    plain, moved = fit_calibration(examples, PRIOR), fit_calibration(examples, PRIOR, scores_of(away))
    assert plain is not None
    assert moved is not None
    biases = [float(each.probabilities(signals_of(new)).mean() - right_of(new).mean()) for each in (plain, moved)]
    assert biases[0] < -0.03
    assert abs(biases[1]) < 0.7 * abs(biases[0])
