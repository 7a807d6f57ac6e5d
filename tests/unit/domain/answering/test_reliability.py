import numpy as np
import pytest

from app.domain.answering.calibration import fit_calibration
from app.domain.answering.reliability import (
    BINS,
    OperatingPoint,
    Reliability,
    area_under_curve,
    reliability_of,
    reliability_of_examples,
)
from tests.unit.domain.answering.worlds import Bools, Floats, known_of, queries, right_of, signals_of


def drawn(count: int, seed: int) -> tuple[Floats, Bools]:
    """Probabilities, and outcomes that follow them."""
    chance = np.random.default_rng(seed)
    probabilities = chance.beta(4, 1, count)
    return probabilities, chance.random(count) < probabilities


def seen(probabilities: Floats, right: Bools, weights: Floats | None = None) -> Reliability:
    return reliability_of(probabilities, right, right, seed=1, weights=weights)


def test_ten_bins_hold_as_many_queries_each_and_rise() -> None:
    found = seen(*drawn(1000, seed=1)).bins
    assert [100] * BINS == [each.count for each in found]
    means = [each.mean_probability for each in found]
    assert sorted(means) == means


def test_a_bin_shows_the_mean_probability_and_the_share_that_was_right() -> None:
    probabilities = np.repeat([0.2, 0.9], [10, 10])
    right = np.array([True] * 3 + [False] * 7 + [True] * 8 + [False] * 2)
    found = seen(probabilities, right)
    expected = 0.5 * 0.2 + 0.5 * 0.9
    assert expected == pytest.approx(np.mean([each.mean_probability for each in found.bins]))
    assert pytest.approx(11 / 20) == np.mean([each.share_right for each in found.bins])


def test_the_error_is_the_mean_gap_between_both() -> None:
    probabilities = np.linspace(0.6, 0.7, 1000)
    right = np.arange(1000) % 2 == 0
    assert pytest.approx(0.15) == seen(probabilities, right).ece


@pytest.mark.parametrize("count", [50, 400, 3000])
def test_the_floor_is_what_outcomes_that_follow_their_probabilities_show(count: int) -> None:
    shown = [seen(*drawn(count, seed)) for seed in range(30)]
    errors, floors = [each.ece for each in shown], [each.ece_floor for each in shown]
    assert pytest.approx(np.mean(errors), rel=0.2) == np.mean(floors)


def test_with_more_queries_the_floor_falls() -> None:
    floors = [seen(*drawn(count, seed=1)).ece_floor for count in (50, 500, 5000)]
    assert sorted(floors, reverse=True) == floors
    assert floors[2] < floors[0] / 5


def test_who_is_too_sure_is_far_over_the_floor() -> None:
    probabilities, right = drawn(1000, seed=1)
    shown = seen(probabilities**0.3, right)
    assert shown.ece > 4 * shown.ece_floor


def test_the_same_seed_shows_the_same() -> None:
    assert seen(*drawn(200, seed=1)) == seen(*drawn(200, seed=1))


def test_a_weight_counts_as_that_many_queries() -> None:
    probabilities, right = drawn(300, seed=1)
    times = np.random.default_rng(2).integers(1, 4, 300)
    weighed = seen(probabilities, right, times.astype(np.float64))
    repeated = seen(np.repeat(probabilities, times), np.repeat(right, times))
    assert repeated.auroc_right == pytest.approx(weighed.auroc_right)
    assert repeated.ece == pytest.approx(weighed.ece, abs=0.02)
    assert repeated.operating_points[0].coverage == pytest.approx(weighed.operating_points[0].coverage)


def test_areas_tell_right_from_wrong_and_known_from_unknown() -> None:
    probabilities = np.array([0.1, 0.2, 0.3, 0.4])
    right, known = np.array([False, False, True, True]), np.array([True, False, False, True])
    found = reliability_of(probabilities, right, known, seed=1)
    assert (1.0, 0.5) == (found.auroc_right, found.auroc_known)


def test_an_area_counts_pairs_in_order_and_half_of_the_ties() -> None:
    chance = np.random.default_rng(1)
    values, positive = chance.integers(0, 5, 40) / 4, chance.random(40) < 0.4
    pairs = [(one, other) for one in values[positive] for other in values[~positive]]
    expected = np.mean([1.0 if one > other else 0.5 if one == other else 0.0 for one, other in pairs])
    assert pytest.approx(expected) == area_under_curve(values, positive, np.ones(40))


@pytest.mark.parametrize("right", [True, False])
def test_one_sort_alone_has_no_area(right: bool) -> None:  # noqa: FBT001
    assert seen(np.linspace(0, 1, 20), np.full(20, right)).auroc_right is None


def test_an_operating_point_is_the_lowest_threshold_that_keeps_the_precision() -> None:
    probabilities = np.arange(200) / 200
    right = np.arange(200) >= 60
    at_90, at_95, at_99 = seen(probabilities, right).operating_points
    assert OperatingPoint(0.9, 45 / 200, 155 / 200, 140 / 155) == at_90
    assert OperatingPoint(0.95, 53 / 200, 147 / 200, 140 / 147) == at_95
    assert OperatingPoint(0.99, 59 / 200, 141 / 200, 140 / 141) == at_99


def test_a_precision_that_too_few_queries_can_show_is_not_claimed() -> None:
    found = seen(np.linspace(0.5, 1, 50), np.full(50, fill_value=True)).operating_points
    assert [0.5, 0.5, None] == [each.threshold for each in found]
    assert OperatingPoint(0.99, None, None, None) == found[2]


def test_a_precision_that_is_never_kept_has_no_threshold() -> None:
    found = seen(np.linspace(0, 1, 300), np.arange(300) % 2 == 0).operating_points
    assert [OperatingPoint(wanted, None, None, None) for wanted in (0.9, 0.95, 0.99)] == list(found)


def test_queries_of_one_probability_are_all_answered_or_none() -> None:
    probabilities = np.repeat([0.5, 0.8], [100, 100])
    right = np.concatenate([np.arange(100) < 50, np.arange(100) < 93])
    found = seen(probabilities, right).operating_points[0]
    assert OperatingPoint(0.9, 0.8, 0.5, 0.93) == found


def test_a_single_query_is_shown_as_it_is() -> None:
    found = seen(np.array([0.7]), np.array([True]))
    assert [(0.7, 1.0, 1)] == [(each.mean_probability, each.share_right, each.count) for each in found.bins]
    assert pytest.approx(0.3) == found.ece


def test_examples_are_judged_as_they_were_tilted() -> None:
    examples = queries(2000, 0.5, seed=1)
    asked = [each.score - 0.06 for each in signals_of(queries(500, 0.1, seed=2))]
    calibration = fit_calibration(examples, 0.1, asked)
    assert calibration is not None
    tilted, plain = (reliability_of_examples(calibration, examples, scores, seed=1) for scores in (asked, ()))
    surenesses = [np.mean([each.mean_probability for each in told.bins]) for told in (tilted, plain)]
    assert surenesses[0] < surenesses[1] - 0.02
    assert tilted.ece < plain.ece


def test_examples_show_what_queries_of_the_assumed_share_of_unknown_ones_will() -> None:
    examples, asked = queries(4000, 0.5, seed=1), queries(4000, 0.1, seed=2)
    calibration = fit_calibration(examples, 0.1)
    assert calibration is not None
    told = reliability_of_examples(calibration, examples, seed=1)
    right, known = right_of(asked), known_of(asked)
    came = reliability_of(calibration.probabilities(signals_of(asked)), right, known, seed=1)
    assert came.auroc_right == pytest.approx(told.auroc_right, abs=0.03)
    assert came.auroc_known == pytest.approx(told.auroc_known, abs=0.03)
    assert came.ece < 2 * came.ece_floor
    assert [each.coverage for each in came.operating_points] == pytest.approx(
        [each.coverage for each in told.operating_points], abs=0.06
    )
