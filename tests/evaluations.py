"""Evaluations as tests need them: every field filled, those that matter given."""

import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from PIL import Image

from app.domain.answering.reliability import Bin, OperatingPoint, Reliability
from app.domain.evaluating.records import (
    Baseline,
    Confusion,
    Evaluation,
    GalleryPoint,
    Latency,
    Miss,
    Question,
    Retrieval,
    Shown,
    Trust,
)


def jpeg(red: int = 200) -> bytes:
    """A small picture of one colour."""
    data = io.BytesIO()
    Image.new("RGB", (12, 9), (red, 90, 40)).save(data, "JPEG")
    return data.getvalue()


def miss(own: str = "gala", taken_for: str = "pink-lady", number: int = 1) -> Miss:
    """A photo of one product that was taken for another."""
    question = Question(f"{own} {number}.jpg", own, f"asked-{own}-{number}")
    return Miss(question, Shown(f"found-{taken_for}-{number}", taken_for, 0.8125), 0.625)


def trust() -> Trust:
    """Confidences that could be trusted, in three bins."""
    points = (OperatingPoint(0.9, 0.71, 0.62, 0.904), OperatingPoint(0.95, 0.83, 0.482, 0.951))
    bins = (Bin(0.21, 0.1, 40), Bin(0.62, 0.75, 40), Bin(0.94, 1.0, 10))
    reliability = Reliability(bins, 0.061, 0.031, 0.875, 0.5, (*points, OperatingPoint(0.99, None, None, None)))
    return Trust(reliability, 0.0584, 0.0252, 0.9, 0.481, 0.948, 0.1, (GalleryPoint(0.95, 0.721, 0.942),))


def evaluation(evaluation_id: str = "a1b2", **fields: Any) -> Evaluation:
    """An evaluation of 90 questions, with a picture of the first asked photo and none of what it was taken for."""
    plain = Evaluation(
        evaluation_id=evaluation_id,
        created_at=datetime(2026, 11, 23, 9, 45, 7, 123456, UTC),
        asked="the photos of catalogue 'queries' asked what is indexed",
        model="mobilenet_v2_1.00_224",
        space_ids=("learned-1",),
        repeats=1,
        gallery_images=2640,
        gallery_products=41,
        known_count=81,
        unknown_count=9,
        failed_count=2,
        retrieval=Retrieval(0.9111, 0.9722, 0.9861, 0.7234, 0.9120, 0.9931, 0.0081),
        baselines=(Baseline("colour alone", 0.5012), Baseline("random photo", 0.0251)),
        trust=trust(),
        ann_recall=0.9965,
        latency=Latency(3.24, 5.06),
        confusions=(Confusion("gala", "pink-lady", 3, (miss(), miss(number=2))),),
        remarks=("2 photos could not be read, and did not ask.",),
        pictures={"asked-gala-1": jpeg()},
    )
    return replace(plain, **fields)
