import numpy as np
import pytest

from app.domain.answering.calibration import Example, Signals, fit_calibration
from app.domain.answering.examples import cross_fitted
from app.domain.answering.ranking import Gallery
from app.domain.features import unit
from app.domain.learning.fitting import fit, spread_of
from app.domain.learning.moments import Moments
from tests.unit.domain.answering.worlds import Floats32, known_of, photos, right_of

SPACES = pytest.mark.parametrize("adapted", [True, False])


def examples_of(features: Floats32, ids: list[str], *, adapted: bool, seed: int = 1) -> list[Example]:
    return [each for fold in cross_fitted(features, ids, seed, adapted=adapted) for each in fold]


def asked(gallery: Floats32, ids: list[str], queries: Floats32) -> tuple[list[str], list[Signals]]:
    """What a search in an adapted gallery would see: the best product of each query, and its signals."""
    moments = Moments(gallery.shape[1])
    moments.add(gallery, ids)
    projection = fit(moments, spread_of(gallery, ids, moments))
    assert projection is not None
    names, products = np.unique(ids, return_inverse=True)
    found = Gallery.of(projection.apply(gallery), gallery, products).rank(projection.apply(queries), queries)
    rows = zip(found.scores.tolist(), found.leads.tolist(), found.raws.tolist(), strict=True)
    return names[found.products].tolist(), [Signals(*row) for row in rows]


@SPACES
def test_every_photo_asks_once_as_known_and_once_as_unknown(adapted: bool) -> None:  # noqa: FBT001
    features, ids = photos(products=30, each=6, seed=1)
    known = known_of(examples_of(features, ids, adapted=adapted))
    assert 180 == int((~known).sum())
    assert 0.8 * 180 < known.sum() <= 180


@SPACES
def test_known_photos_find_their_product_and_unknown_ones_are_never_right(adapted: bool) -> None:  # noqa: FBT001
    examples = examples_of(*photos(products=30, each=6, seed=1, noise=0.3), adapted=adapted)
    known, right = known_of(examples), right_of(examples)
    scores = np.array([each.signals.score for each in examples])
    assert right[known].mean() > 0.9
    assert not right[~known].any()
    assert scores[known].mean() > scores[~known].mean() + 0.2


def test_nothing_is_learned_from_what_is_held_out() -> None:
    """Where products mean nothing, a fit that has seen a photo finds its product, and one that has not guesses."""
    features = unit(np.random.default_rng(1).normal(size=(240, 300)).astype(np.float32))
    ids = [f"p{number % 40:02}" for number in range(240)]
    examples = examples_of(features, ids, adapted=True)
    known = known_of(examples)
    scores = np.array([each.signals.score for each in examples])
    assert right_of(examples)[known].mean() < 0.1
    assert scores[known].mean() == pytest.approx(scores[~known].mean(), abs=0.02)


@SPACES
def test_a_photo_is_never_found_by_its_double(adapted: bool) -> None:  # noqa: FBT001
    features, ids = photos(products=20, each=5, seed=1)
    doubled = examples_of(np.repeat(features, 2, axis=0), np.repeat(ids, 2).tolist(), adapted=adapted)
    assert max(each.signals.raw for each in doubled) < 0.999


def test_the_same_seed_gives_the_same_examples_and_another_one_others() -> None:
    features, ids = photos(products=20, each=5, seed=1)
    one = examples_of(features, ids, adapted=True)
    assert one == examples_of(features, ids, adapted=True)
    assert one != examples_of(features, ids, adapted=True, seed=2)


@SPACES
def test_photos_kept_in_half_precision_serve_as_well(adapted: bool) -> None:  # noqa: FBT001
    features, ids = photos(products=20, each=5, seed=1)
    whole = examples_of(features, ids, adapted=adapted)
    half = examples_of(features.astype(np.float16), ids, adapted=adapted)
    assert right_of(whole).mean() == pytest.approx(right_of(half).mean(), abs=0.03)


@SPACES
@pytest.mark.parametrize(("products", "each", "known"), [(1, 5, 5), (2, 1, 0), (1, 1, 0), (12, 1, 0)])
def test_a_gallery_of_next_to_nothing_gives_few_examples(products: int, each: int, known: int, adapted: bool) -> None:  # noqa: FBT001
    features, ids = photos(products, each, seed=1)
    examples = examples_of(features, ids, adapted=adapted)
    assert known >= sum(example.known for example in examples)
    assert (0 if products == 1 else products * each) == sum(not example.known for example in examples)


def test_of_a_large_gallery_enough_photos_ask() -> None:
    features, ids = photos(products=600, each=10, seed=1)
    known = known_of(examples_of(features, ids, adapted=False))
    assert (5000, 5000) == (int(known.sum()), int((~known).sum()))


def test_what_a_gallery_tells_of_itself_holds_for_new_photos() -> None:
    features, ids = photos(products=90, each=16, seed=3, noise=0.8)
    rows = np.arange(len(ids))
    there = (rows % 16 < 8) & (rows < 80 * 16)
    asking = rows % 16 >= 8
    calibration = fit_calibration(examples_of(features[there], ids[: 80 * 16][0::2], adapted=True), 10 / 90)
    best, signals = asked(features[there], ids[: 80 * 16][0::2], features[asking])
    right = np.array(best) == np.array(ids)[asking]
    assert calibration is not None
    found = calibration.probabilities(signals)
    sure = found >= 0.8
    assert 0.5 < right.mean() < 0.9
    assert right.mean() == pytest.approx(found.mean(), abs=0.04)
    assert right[sure].mean() == pytest.approx(found[sure].mean(), abs=0.04)
