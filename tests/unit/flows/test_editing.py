import asyncio
from typing import cast

import pytest

from app.domain.errors import NotFoundError
from app.domain.ports import Media  # noqa: TC001 - mypy is told by it what the fake stands for
from app.flows.editing import Edit, Editing
from tests.fakes import FakeStore
from tests.unit.flows.parts import SPACE, FakeMedia, new_entry


def editing(store: FakeStore, media: FakeMedia | None = None) -> Editing:
    return Editing(store, cast("Media", media or FakeMedia()))


async def test_an_edit_changes_what_it_names_and_nothing_else() -> None:
    store = FakeStore(SPACE)
    await store.put([new_entry("7"), new_entry("8")])
    edited = await editing(store).edit("7", Edit(title="Mug", retitled=True))
    assert ("7", "Mug", "http://one/") == (edited.product_id, edited.title, edited.locator)
    other = await store.entry("8")
    assert other is not None
    assert other.title is None


async def test_of_two_edits_at_once_both_are_done() -> None:
    store = FakeStore(SPACE)
    await store.put([new_entry("7")])
    edits = editing(store)
    await asyncio.gather(
        edits.edit("7", Edit(product_id="p9")),
        edits.edit("7", Edit(attributes={"colour": "red"})),
        edits.edit("7", Edit(title="Mug", retitled=True)),
    )
    entry = await store.entry("7")
    assert entry is not None
    assert ("p9", "Mug", {"colour": "red"}) == (entry.product_id, entry.title, entry.attributes)


async def test_a_deleted_image_is_gone_with_its_files_and_stays_away() -> None:
    store, media = FakeStore(SPACE), FakeMedia()
    await store.put([new_entry("7")])
    await editing(store, media).delete("7")
    await store.put([new_entry("7")])
    assert (None, ["7"]) == (await store.entry("7"), media.discarded)


async def test_what_is_not_there_can_be_neither_edited_nor_deleted() -> None:
    edits = editing(FakeStore(SPACE))
    with pytest.raises(NotFoundError, match="'7'"):
        await edits.edit("7", Edit(title="Mug", retitled=True))
    with pytest.raises(NotFoundError, match="'7'"):
        await edits.delete("7")
