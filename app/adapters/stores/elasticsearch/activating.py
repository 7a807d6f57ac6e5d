"""Learned spaces come and go: kept, brought to where the truth is beside the live one, switched to, forgotten.

The order of a switch lets a kill at any point leave either space live and whole: the new index is complete before the
pointer leads to it, and the old one is removed after. Whoever begins next moves the aliases and clears the rest away.
"""

import asyncio
from typing import Final

from app.adapters.stores.elasticsearch.aliases import Aliases
from app.adapters.stores.elasticsearch.changing import Changing, Write
from app.adapters.stores.elasticsearch.live import LiveSpace
from app.adapters.stores.elasticsearch.mappings import Names
from app.adapters.stores.elasticsearch.searching import Searching
from app.adapters.stores.elasticsearch.space_indices import SpaceIndices
from app.adapters.stores.elasticsearch.spaces import KeptSpaces, calibration_document
from app.adapters.stores.elasticsearch.turns import Turns
from app.adapters.stores.elasticsearch.writing import Writing
from app.domain.answering.report import CalibrationReport
from app.domain.errors import ConflictError, NotFoundError
from app.domain.spaces import LearnedSpace, Space

_PAGE: Final = 200
_FEW: Final = 500
"""So many changes are caught up with while all others wait; of more, most are caught up with before."""
_ROUNDS: Final = 5
_NOT_DROPPED: Final = "The live space and the raw one stay: POST /spaces/{space_id}/activate another first."


class Activating:
    """One at a time. Other changes go on meanwhile, but for the last step."""

    def __init__(
        self, names: Names, live: LiveSpace, turns: Turns, *, kept: KeptSpaces, indices: SpaceIndices,
        searching: Searching, changing: Changing, writing: Writing, aliases: Aliases,
    ) -> None:  # fmt: skip
        """`live` is what is switched."""
        self._names = names
        self._live = live
        self._turns = turns
        self._kept = kept
        self._indices = indices
        self._searching = searching
        self._changing = changing
        self._writing = writing
        self._aliases = aliases
        self._one = asyncio.Lock()

    async def begin(self) -> None:
        """Of a new indexer: the live space's index is there and whole, and no other's is."""
        async with self._turns.lock:
            if not await self._indices.has_live():
                await self._changing.point_to(self._live.space, behind=True)
                await self._indices.make(self._live.space)
            await self._aliases.load()
            await self._changing.settle()
            await self._writing.refresh()
            await self._changing.catch_up()
            await self._writing.begin()
            await self._indices.clear()

    async def keep(self, learned: LearnedSpace) -> None:
        """Keep a space. One that is kept already stays as it is."""
        await self._turns.take(lambda: self._keep(learned))

    async def _keep(self, learned: LearnedSpace) -> None:
        if await self._kept.card(learned.space.space_id) is None:
            for document in await self._kept.documents(learned):  # large ones; the card, which makes it whole, is last
                await self._changing.apply([], [Write(self._names.state, *document)])
            await self._writing.refresh()

    async def keep_calibration(self, report: CalibrationReport) -> None:
        """Keep how sure answers in a space are, in place of what was kept."""
        write = Write(self._names.state, *calibration_document(report))
        await self._turns.take(lambda: self._changing.apply([], [write]))

    async def activate(self, space_id: str) -> None:
        """Build a space from the truth beside the live one, and switch."""
        async with self._one:
            space = await self._turns.take(lambda: self._space(space_id))
            changed = self._changing.watch()
            try:
                if not self._is_live(space):
                    await self._build(space, changed)
            except BaseException:
                self._changing.unwatch()
                raise
            await self._turns.take(lambda: self._switch(space, changed))

    def _is_live(self, space: Space) -> bool:
        return space.space_id == self._live.space.space_id

    async def _space(self, space_id: str) -> Space:
        for known in (self._live.space, self._live.raw):
            if known.space_id == space_id:
                return known
        learned = await self._kept.by_id(space_id)
        if learned is None or learned.space.fingerprint != self._live.fingerprint:
            raise _unknown(space_id)
        return learned.space

    async def _build(self, space: Space, changed: set[str]) -> None:
        await self._indices.make_anew(space)
        await self._writing.refresh()  # what was put before anybody watched is found below
        after = ""
        while page := await self._searching.of_model(space, after, _PAGE):
            await self._changing.fill(space, page)
            after = page[-1].source["image_id"]
        for _ in range(_ROUNDS):
            if len(changed) > _FEW:
                await self._changing.align(_taken(changed), space)

    async def _switch(self, space: Space, changed: set[str]) -> None:
        try:
            if not self._is_live(space):
                await self._changing.settle_failed()
                await self._changing.align(_taken(changed), space)
                await self._writing.refresh(space)
                await self._indices.unlock(space)
                await self._changing.point_to(space)
        finally:
            self._changing.unwatch()
        await self._aliases.load()
        await self._indices.clear()

    async def drop(self, space_id: str) -> None:
        """Forget a space. Raises NotFoundError space_not_found, ConflictError space_live."""
        async with self._one:
            await self._turns.take(lambda: self._drop(space_id))

    async def _drop(self, space_id: str) -> None:
        if space_id in {self._live.raw.space_id, self._live.space.space_id}:
            raise ConflictError("space_live", _NOT_DROPPED)
        card = await self._kept.card(space_id)
        if card is None or card.fingerprint != self._live.fingerprint:
            raise _unknown(space_id)
        documents = await self._kept.document_ids(space_id)
        await self._changing.apply([], [Write(self._names.state, document_id, None) for document_id in documents])
        await self._writing.refresh()


def _taken(changed: set[str]) -> list[str]:
    taken = sorted(changed)
    changed.clear()
    return taken


def _unknown(space_id: str) -> NotFoundError:
    return NotFoundError("space_not_found", f"There is no space '{space_id}': GET /spaces lists them.")
