"""Simpler means are given the same questions and the same gallery."""

import numpy as np
import pytest

from app.domain.evaluating.baselines import CHANCE, COLOUR, NETWORK, RAW, Baselines
from app.domain.features import COLOUR_DIMENSIONS, EMBEDDING_DIMENSIONS, Vectors, unit


def features(network: int, colour: int, colour_weight: float = 0.25) -> Vectors:
    """A photo whose network and colour parts each point along one axis."""
    row = np.zeros(EMBEDDING_DIMENSIONS + COLOUR_DIMENSIONS, np.float32)
    row[network], row[EMBEDDING_DIMENSIONS + colour] = 1.0, colour_weight
    return unit(row)


def test_each_part_of_the_features_finds_what_it_sees() -> None:
    baselines = Baselines(np.stack([features(0, 5)]), ["shoe"])
    baselines.add(np.stack([features(0, 7)]), ["shoe"])  # the same thing in another colour
    baselines.add(np.stack([features(3, 5)]), ["cup"])  # another thing in the same colour
    told = {baseline.name: baseline.r_at_1 for baseline in baselines.told()}
    assert {RAW: 1.0, NETWORK: 1.0, COLOUR: 0.0, CHANCE: 0.5} == told


def test_blocks_of_any_size_come_to_the_same() -> None:
    chance = np.random.default_rng(3)
    gallery = unit(chance.normal(size=(60, EMBEDDING_DIMENSIONS)).astype(np.float32))
    owners = [f"p{place % 7}" for place in range(60)]
    questions = unit(gallery[:9] + 0.5 * unit(chance.normal(size=(9, EMBEDDING_DIMENSIONS)).astype(np.float32)))
    told = []
    for size in (60, 7):
        baselines = Baselines(questions, owners[:9])
        for first in range(0, 60, size):
            baselines.add(gallery[first : first + size], owners[first : first + size])
        told.append(baselines.told())
    assert told[0] == told[1]
    assert [RAW, CHANCE] == [baseline.name for baseline in told[0]]


def test_questions_of_unknown_products_do_not_count() -> None:
    baselines = Baselines(np.stack([features(0, 5), features(3, 5)]), ["shoe", "hat"])
    assert [] == baselines.told()
    baselines.add(np.stack([features(0, 5), features(0, 5), features(9, 5)]), ["shoe", "shoe", "cup"])
    assert pytest.approx(2 / 3) == baselines.told()[-1].r_at_1
    assert 1.0 == baselines.told()[0].r_at_1
