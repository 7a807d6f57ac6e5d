"""Learned spaces as text and bytes, the same for every store."""

import io
from typing import Final

import numpy as np
from pydantic import TypeAdapter

from app.domain.answering.report import CalibrationReport
from app.domain.learning.projection import projection_of
from app.domain.spaces import LearnedSpace, Space, SpaceCard

_CARD: Final = TypeAdapter(SpaceCard)
_REPORT: Final = TypeAdapter(CalibrationReport)


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
