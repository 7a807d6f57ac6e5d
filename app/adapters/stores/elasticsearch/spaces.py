"""Learned spaces as they are kept on a cluster: a card, and the projection in parts that a document can hold."""

import asyncio
import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.adapters.stores.elasticsearch import queries
from app.adapters.stores.elasticsearch.client import Cluster
from app.adapters.stores.elasticsearch.mappings import Names
from app.adapters.stores.elasticsearch.reading import Reading
from app.adapters.stores.packing import pack, pack_report, read_card, read_report, unpack
from app.domain.answering.report import CalibrationReport
from app.domain.spaces import LearnedSpace, SpaceCard

_SPACE: Final = "space"
_PART: Final = "part"
_CALIBRATION: Final = "calibration"
_MAX_SPACES: Final = 10_000
_PART_BYTES: Final = 720_000
"""Somewhat less than a megabyte as base64."""
_PARTS_AT_ONCE: Final = 8


class KeptSpaces:
    """What was learned, by the spaces' ids. A space whose parts are not all there is not kept."""

    def __init__(self, cluster: Cluster, names: Names, reading: Reading) -> None:
        """They are documents of the state."""
        self._cluster = cluster
        self._names = names
        self._reading = reading

    async def cards(self, fingerprint: str) -> list[SpaceCard]:
        """Of all that was learned from a model's features, the latest first; as of the last refresh."""
        hits = await self._cluster.hits(self._names.state, queries.of_kind(_SPACE, _MAX_SPACES))
        cards = [read_card(hit["_source"]["card"]) for hit in hits]
        ours = sorted((card for card in cards if card.fingerprint == fingerprint), key=lambda card: card.space_id)
        return sorted(ours, key=lambda card: card.fitted_at.timestamp() if card.fitted_at else 0.0, reverse=True)

    async def card(self, space_id: str) -> SpaceCard | None:
        """What is known of a space, as it is at this moment."""
        found = await self._noted(space_id)
        return read_card(found["card"]) if found else None

    async def by_id(self, space_id: str) -> LearnedSpace | None:
        """A space with its projection, as it is at this moment."""
        found = await self._noted(space_id)
        if found is None:
            return None
        ids = _part_ids(space_id, found["parts"])
        parts: list[str] = []
        for start in range(0, len(ids), _PARTS_AT_ONCE):
            some = ids[start : start + _PARTS_AT_ONCE]
            there = await self._reading.remembered(some)
            if len(there) < len(some):
                return None
            parts += [there[part_id].source["data"] for part_id in some]
        return await asyncio.to_thread(_joined, found["card"], parts)

    async def calibration(self, space_id: str) -> CalibrationReport | None:
        """What was kept last of a space's calibration."""
        document_id = _calibration_id(space_id)
        found = (await self._reading.remembered([document_id])).get(document_id)
        return read_report(found.source["report"]) if found else None

    async def _noted(self, space_id: str) -> Mapping[str, Any] | None:
        document_id = _document_id(space_id)
        found = (await self._reading.remembered([document_id])).get(document_id)
        return found.source if found else None

    async def documents(self, learned: LearnedSpace) -> list[tuple[str, Mapping[str, Any]]]:
        """What keeps a space: document ids of the state and documents, the card last."""
        return await asyncio.to_thread(_documents, learned)

    async def document_ids(self, space_id: str) -> list[str]:
        """Of all that keeps a space and its calibration, the card first."""
        found = await self._noted(space_id)
        parts = _part_ids(space_id, found["parts"]) if found else []
        return [_document_id(space_id), *parts, _calibration_id(space_id)]


def calibration_document(report: CalibrationReport) -> tuple[str, Mapping[str, Any]]:
    """What keeps a calibration: a document id of the state and a document."""
    return _calibration_id(report.space_id), {"kind": _CALIBRATION, "report": pack_report(report)}


def _calibration_id(space_id: str) -> str:
    return f"{_CALIBRATION}:{space_id}"


def _document_id(space_id: str) -> str:
    return f"{_SPACE}:{space_id}"


def _part_ids(space_id: str, count: int) -> list[str]:
    return [f"{_PART}:{number}:{space_id}" for number in range(count)]


def _documents(learned: LearnedSpace) -> list[tuple[str, Mapping[str, Any]]]:
    card, projection = pack(learned)
    space_id = learned.space.space_id
    parts = [projection[start : start + _PART_BYTES] for start in range(0, len(projection), _PART_BYTES)]
    documents = [
        (part_id, {"kind": _PART, "data": base64.b64encode(part).decode()})
        for part_id, part in zip(_part_ids(space_id, len(parts)), parts, strict=True)
    ]
    return [*documents, (_document_id(space_id), {"kind": _SPACE, "card": card, "parts": len(parts)})]


def _joined(card: str, parts: Sequence[str]) -> LearnedSpace:
    return unpack(card, b"".join(map(base64.b64decode, parts)))
