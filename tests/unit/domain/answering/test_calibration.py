import numpy as np
import pytest

from app.domain.answering.calibration import (
    Calibration,
    Example,
    Lack,
    Signals,
    fit_calibration,
    lack,
    weights_of,
)
from tests.unit.domain.answering.worlds import (
    known_of,
    queries,
    right_of,
    signals_of,
    true_probabilities,
)


def fitted(examples: list[Example], prior_unknown: float) -> Calibration:
    calibration = fit_calibration(examples, prior_unknown)
    assert calibration is not None
    return calibration


def error(calibration: Calibration, share: float, told: float | None) -> float:
    """How far probabilities are from the true ones, on average, where this share is unknown and `told` is."""
    asked = queries(4000, share, seed=5)
    found = calibration.probabilities(signals_of(asked), told)
    return float(np.abs(found - true_probabilities(asked, share)).mean())


def bias(calibration: Calibration, share: float, told: float | None) -> float:
    asked = queries(4000, share, seed=5)
    return float((calibration.probabilities(signals_of(asked), told) - right_of(asked)).mean())


def test_probabilities_are_the_true_ones_of_the_world_where_examples_come_with_its_shares() -> None:
    assert error(fitted(queries(4000, 0.1, seed=1), 0.1), 0.1, None) < 0.012


def test_half_of_the_examples_may_be_unknown_where_a_tenth_of_the_queries_is() -> None:
    calibration = fitted(queries(4000, 0.5, seed=1), 0.1)
    assert error(calibration, 0.1, None) < 0.012
    assert abs(bias(calibration, 0.1, None)) < 0.02


@pytest.mark.parametrize("share", [0.02, 0.25, 0.5, 0.8])
def test_a_wrong_prior_biases_and_the_right_one_mends_it(share: float) -> None:
    calibration = fitted(queries(4000, 0.5, seed=1), 0.1)
    wrong, mended = bias(calibration, share, None), bias(calibration, share, share)
    assert (share > 0.1) == (wrong > 0)
    assert abs(mended) < 0.025
    assert abs(mended) < abs(wrong)
    assert error(calibration, share, share) < 0.013


def test_the_prior_it_was_fitted_with_changes_nothing() -> None:
    calibration, asked = fitted(queries(1000, 0.5, seed=1), 0.1), signals_of(queries(50, 0.3, seed=2))
    expected = calibration.probabilities(asked)
    assert expected == pytest.approx(calibration.probabilities(asked, 0.1))


def test_the_more_are_unknown_the_less_sure_it_is() -> None:
    calibration = fitted(queries(1000, 0.5, seed=1), 0.1)
    found = [calibration.probability(Signals(0.55, 0.1, 0.75), prior) for prior in (0.0, 0.1, 0.3, 0.6, 0.9, 1.0)]
    assert sorted(found, reverse=True) == found
    assert found[-1] == 0 < found[-2]
    assert found[0] < 1


def test_one_is_answered_as_many_are() -> None:
    calibration, asked = fitted(queries(1000, 0.5, seed=1), 0.1), signals_of(queries(20, 0.3, seed=2))
    expected = calibration.probabilities(asked, 0.2).tolist()
    assert expected == pytest.approx([calibration.probability(each, 0.2) for each in asked])


@pytest.mark.parametrize("prior", [0.0, 1.0])
def test_a_prior_of_none_or_all_is_fitted_a_little_off_and_told_exactly(prior: float) -> None:
    calibration = fitted(queries(1000, 0.5, seed=1), prior)
    assert {0.0: 0.01, 1.0: 0.99}[prior] == calibration.fitted_prior
    asked = queries(1000, 0.3, seed=2)
    found = calibration.probabilities(signals_of(asked), prior)
    assert np.isfinite(found).all()
    assert (prior == 1.0) == (not found.any())


def test_it_counts_what_it_was_fitted_to() -> None:
    examples = queries(1000, 0.5, seed=1)
    right, known = right_of(examples), known_of(examples)
    calibration = fitted(examples, 0.1)
    expected = (int(right.sum()), int((known & ~right).sum()), int((~known).sum()))
    assert expected == (calibration.right_count, calibration.wrong_count, calibration.unknown_count)


@pytest.mark.parametrize(
    ("right", "unknown", "expected"),
    [(30, 30, None), (29, 400, Lack.RIGHT), (400, 29, Lack.UNKNOWN), (0, 0, Lack.RIGHT)],
)
def test_too_little_data_is_no_calibration_and_says_why(right: int, unknown: int, expected: Lack | None) -> None:
    examples = queries(2000, 0.5, seed=1)
    kept = [each for each in examples if each.right][:right] + [each for each in examples if not each.known][:unknown]
    assert expected == lack(kept)
    assert (expected is not None) == (fit_calibration(kept, 0.1) is None)


def test_what_can_be_told_apart_without_fault_is_still_never_certain() -> None:
    right = [Example(Signals(0.9, 0.3, 0.9), right=True, known=True)] * 40
    unknown = [Example(Signals(0.1, 0.0, 0.5), right=False, known=False)] * 40
    calibration = fitted([*right, *unknown], 0.1)
    high, low = calibration.probability(right[0].signals), calibration.probability(unknown[0].signals)
    assert 0 < low < 0.3
    assert 0.9 < high < 1


def test_a_lone_product_leads_by_nothing_and_a_cosine_may_be_negative() -> None:
    calibration = fitted(queries(1000, 0.5, seed=1), 0.1)
    for signals in (Signals(-0.2, 0.0, -0.1), Signals(0.9, 0.0, 1.0)):
        assert 0 < calibration.probability(signals) < 1


@pytest.mark.parametrize("prior", [0.1, 0.5, 0.9])
def test_weights_give_unknown_examples_their_share(prior: float) -> None:
    known = np.arange(100) < 70
    weights = weights_of(known, prior)
    assert pytest.approx(prior) == weights[~known].sum() / weights.sum()
    assert pytest.approx(1) == weights.mean()
