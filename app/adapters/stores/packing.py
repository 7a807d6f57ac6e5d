"""Learned spaces, calibrations and evaluations as text and bytes, the same for every store."""

import io
from datetime import UTC
from typing import Final

import numpy as np
from pydantic import ConfigDict, TypeAdapter

from app.domain.answering.report import CalibrationReport
from app.domain.evaluating.records import Evaluation
from app.domain.learning.projection import projection_of
from app.domain.spaces import LearnedSpace, Space, SpaceCard

_CARD: Final = TypeAdapter(SpaceCard)
_REPORT: Final = TypeAdapter(CalibrationReport)
# A record by itself takes no configuration, in a tuple it does.
_EVALUATION: Final = TypeAdapter(tuple[Evaluation], config=ConfigDict(ser_json_bytes="base64", val_json_bytes="base64"))


def pack(learned: LearnedSpace) -> tuple[str, bytes]:
    """A space's card as JSON, and its projection. Raises ValueError for a space with nothing learned."""
    if learned.space.projection is None:
        raise ValueError(learned.space)
    arrays = learned.space.projection.arrays()
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, **arrays)
    return _CARD.dump_json(learned.card).decode("utf-8"), packed.getvalue()


def unpack(card: str, projection: bytes) -> LearnedSpace:
    """What `pack` made."""
    known = read_card(card)
    with np.load(io.BytesIO(projection), allow_pickle=False) as arrays:
        learned = projection_of(dict(arrays))
    return LearnedSpace(Space(known.space_id, known.fingerprint, learned.dimensions, learned), known)


def read_card(card: str) -> SpaceCard:
    """The card alone."""
    return _CARD.validate_json(card)


def pack_report(report: CalibrationReport) -> str:
    """A calibration and its proof as JSON."""
    return _REPORT.dump_json(report).decode("utf-8")


def read_report(text: str) -> CalibrationReport:
    """What `pack_report` made."""
    return _REPORT.validate_json(text)


def pack_evaluation(evaluation: Evaluation) -> str:
    """An evaluation and its pictures as JSON."""
    return _EVALUATION.dump_json((evaluation,)).decode("utf-8")


def read_evaluation(text: str) -> Evaluation:
    """What `pack_evaluation` made."""
    return _EVALUATION.validate_json(text)[0]


def made_at(evaluation: Evaluation) -> str:
    """When it was made, as words of one length whose order is that of time."""
    return evaluation.created_at.astimezone(UTC).isoformat(timespec="microseconds")
