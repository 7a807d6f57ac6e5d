"""Replies become figures as they are defined."""

from dataclasses import replace

import pytest

from app.domain.evaluating.figures import (
    ann_recall_of,
    average_precision,
    confusions_of,
    exact_share,
    kept,
    latency_of,
    retrieval_of,
    trust_of,
)
from app.domain.evaluating.records import GalleryPoint, Question, Reply, Shown


def named(photos: str) -> list[Shown]:
    return [Shown(f"{product}{place}", product, 1 - place / 100) for place, product in enumerate(photos)]


def reply(own: str, photos: str, products: str, *, relevant: int = 1, confidence: float | None = 0.5) -> Reply:
    """Products are letters; the photos of the gallery are named after their places."""
    shown = named(photos)
    return Reply(
        question=Question(f"{own}.jpg", own, f"q-{own}"),
        photos=kept(shown, products),
        products=tuple(products),
        average_precision=average_precision(shown, own, relevant),
        relevant=relevant,
        confidence=confidence,
        exact_share=None,
        search_ms=1.0,
    )


def test_photos_and_products_are_counted_by_their_places() -> None:
    found = retrieval_of([reply("a", "abb", "ab"), reply("a", "bbbbba", "bca", relevant=2)])
    assert found is not None
    assert (0.5, 0.5, 1.0) == (found.r_at_1, found.r_at_5, found.r_at_10)
    assert (0.5, 1.0) == (found.product_top_1, found.product_top_3)
    assert pytest.approx((1 + (1 / 6) / 2) / 2) == found.mean_average_precision
    assert pytest.approx(0.5 / 2**0.5) == found.standard_error


def test_photos_that_are_not_among_the_first_hundred_cost_precision() -> None:
    assert pytest.approx((1 / 1 + 2 / 3) / 3) == average_precision(named("aba"), "a", 3)
    assert pytest.approx(100 / 100) == average_precision(named("a" * 100), "a", 250)
    assert 0 == average_precision(named("b"), "a", 0)


def test_a_reply_keeps_ten_photos_and_the_one_that_misled() -> None:
    photos = named("a" * 12 + "bcb")
    assert photos[:10] == list(kept(photos, "ab"))
    assert [*photos[:10], photos[12]] == list(kept(photos, "bc"))
    assert photos[:10] == list(kept(photos, ""))


def test_questions_of_unknown_products_do_not_count_as_found_or_missed() -> None:
    unknown = reply("z", "ab", "ab", relevant=0)
    known = reply("a", "ab", "ab")
    assert retrieval_of([known]) == retrieval_of([known, unknown])
    assert retrieval_of([unknown]) is None


def test_an_unknown_product_that_is_answered_surely_costs_trust() -> None:
    sure = [reply("a", "a", "a", confidence=1.0), reply("z", "a", "a", relevant=0, confidence=1.0)]
    trust = trust_of([(sure, {})], match_threshold=0.9, prior_unknown=0.1)
    assert trust is not None
    assert (1.0, 0.5) == (trust.match_coverage, trust.match_precision)
    assert pytest.approx(0.5) == trust.ece
    assert trust.ece_floor < 1e-9


def test_errors_of_repeats_are_averaged_and_not_mixed() -> None:
    right, wrong = reply("a", "a", "a", confidence=0.5), reply("a", "b", "b", confidence=0.5)
    apart = trust_of([([right] * 20, {}), ([wrong] * 20, {})], match_threshold=0.9, prior_unknown=0.1)
    together = trust_of([([right, wrong] * 20, {})], match_threshold=0.9, prior_unknown=0.1)
    assert apart is not None
    assert together is not None
    assert 0.5 == pytest.approx(apart.ece)
    assert 0.0 == pytest.approx(together.ece)
    assert apart.match_precision is None


def test_thresholds_that_the_gallery_chose_are_held_against_the_answers() -> None:
    right, wrong = reply("a", "a", "a", confidence=0.8), reply("a", "b", "b", confidence=0.6)
    repeats = [([right, wrong], {0.9: 0.7, 0.95: 0.8, 0.99: None}), ([right, wrong], {0.9: 0.5, 0.95: None})]
    trust = trust_of(repeats, match_threshold=0.9, prior_unknown=0.1)
    assert trust is not None
    expected = [GalleryPoint(0.9, 3 / 4, 2 / 3), GalleryPoint(0.95, 1 / 4, 1.0), GalleryPoint(0.99, 0.0, None)]
    assert expected == list(trust.gallery_points)


def test_without_a_confidence_there_is_no_trust() -> None:
    assert trust_of([([reply("a", "a", "a", confidence=None)], {})], match_threshold=0.9, prior_unknown=0.1) is None


def test_confusions_come_by_how_often_and_show_different_photos() -> None:
    often = [replace(reply("a", "bb", "ba"), question=Question(f"{n}.jpg", "a", f"q{n % 2}")) for n in range(3)]
    once = reply("c", "dd", "dc", confidence=0.9)
    found = confusions_of([once, *often, reply("a", "a", "a"), reply("z", "a", "a", relevant=0)])
    assert [("a", "b", 3), ("c", "d", 1)] == [(each.product_id, each.taken_for, each.count) for each in found]
    assert {"q0", "q1"} == {miss.question.picture for miss in found[0].examples}
    assert "d0" == found[1].examples[0].found.image_id


def test_of_equal_scores_none_counts_as_missed() -> None:
    def shown(*scores: float) -> list[Shown]:
        return [Shown(str(place), "a", score) for place, score in enumerate(scores)]

    assert 1.0 == exact_share(shown(0.9, 0.8, 0.8), shown(0.9, 0.8, 0.8))
    assert 0.5 == exact_share(shown(0.9, 0.7, 0.6), shown(0.9, 0.8))
    assert 0.5 == exact_share(shown(0.9), shown(0.9, 0.8))
    assert exact_share(shown(0.9), []) is None


def test_recall_and_latency_are_of_what_was_asked() -> None:
    replies = [replace(reply("a", "a", "a"), exact_share=share, search_ms=ms) for share, ms in ((1.0, 2), (0.5, 4))]
    assert 0.75 == ann_recall_of([*replies, reply("a", "a", "a")])
    assert ann_recall_of([reply("a", "a", "a")]) is None
    assert 3.0 == latency_of(replies).p50_ms
    assert 3.9 == pytest.approx(latency_of(replies).p95_ms)
