"""What came of each repeat -> the figures, and what must be known to read them."""

from datetime import UTC, datetime

import pytest

from app.domain.answering.deciding import Thresholds
from app.domain.evaluating.plan import Plan
from app.domain.evaluating.records import Baseline, Evaluation, Question, Reply, Shown
from app.domain.evaluating.summing import Judge, Part, summed


def reply(*, known: bool = True, score: float = 0.8, confidence: float | None = 0.7, product_id: str = "own") -> Reply:
    """A question that is answered with product `own`, of which it is by default, if it can be."""
    photos = (Shown("i1", "own", score),)
    question = Question("1.jpg", product_id if known else "nobody's", "queries/1")
    return Reply(question, photos, ("own",), float(known), int(known), confidence, None, 2.0)


def part(*replies: Reply, heard_count: int | None = None, images: int = 10, raw: float = 0.5) -> Part:
    return Part(replies, images, 5, frozenset({f"space-{images}"}), (Baseline("raw", raw),), heard_count)


def told(*parts: Part, failed_count: int = 0) -> Evaluation:
    now, judge = datetime(2026, 1, 1, tzinfo=UTC), Judge("a model", Thresholds(0.9), 0.1)
    return summed("e", now, Plan("queries"), judge, parts, failed_count=failed_count)


def test_questions_of_all_repeats_count_and_galleries_are_means() -> None:
    found = told(part(reply(), reply(known=False), images=10, raw=0.4), part(reply(), images=20, raw=0.6))
    assert (2, 1, 2, 15) == (found.known_count, found.unknown_count, found.repeats, found.gallery_images)
    assert ("space-10", "space-20") == found.space_ids
    assert {"raw": 0.5} == pytest.approx({one.name: one.r_at_1 for one in found.baselines})
    assert () == found.remarks


@pytest.mark.parametrize(
    ("of", "failed_count", "said"),
    [
        (part(reply(known=False)), 0, "No question's product is in the gallery"),
        (part(reply(score=1.0)), 0, "1 questions found the very same photo"),
        (part(reply()), 3, "3 photos could not be read"),
        (part(reply(confidence=None)), 0, "No answer had a confidence"),
        (part(reply(), heard_count=12), 0, "it takes 50 questions that have one in the half that is listened to"),
    ],
)
def test_what_must_be_known_is_said(of: Part, failed_count: int, said: str) -> None:
    (remark,) = told(of, failed_count=failed_count).remarks
    assert said in remark


def test_a_baseline_is_beaten_by_what_was_least_in_any_repeat() -> None:
    wrong = reply(product_id="another")
    parts = part(reply(), raw=0.9), part(reply(), wrong, raw=0.3), part(reply(known=False), raw=0.1)
    (raw,) = told(*parts).baselines
    assert 0.1 == pytest.approx(raw.least_gain)
    assert -0.4 == pytest.approx(told(part(wrong, raw=0.4)).baselines[0].least_gain)
    assert told(part(reply(known=False))).baselines[0].least_gain is None


def test_of_several_repeats_that_listened_the_one_with_the_fewest_counts() -> None:
    assert () == told(part(reply(), heard_count=50)).remarks
    (remark,) = told(part(reply(), heard_count=60), part(reply(), heard_count=7)).remarks
    assert "and there were 7" in remark
