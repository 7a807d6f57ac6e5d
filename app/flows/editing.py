"""Single images change without a look at their photo, or go."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.attributes import AttributeValue
from app.domain.errors import NotFoundError
from app.domain.ports import Media, Store
from app.domain.records import Description, Entry


@dataclass(frozen=True, slots=True)
class Edit:
    """What is to change of an image: None leaves a thing as it is, but a `title` that is `retitled` goes."""

    product_id: str | None = None
    title: str | None = None
    retitled: bool = False
    attributes: Mapping[str, AttributeValue] | None = None

    def of(self, entry: Entry) -> Description:
        """What is said of the image then."""
        return Description(
            product_id=entry.product_id if self.product_id is None else self.product_id,
            title=self.title if self.retitled else entry.title,
            attributes=entry.attributes if self.attributes is None else self.attributes,
        )


class Editing:
    """Changes and deletes single images."""

    def __init__(self, store: Store, media: Media) -> None:
        """Over the entries and the files that belong to them."""
        self._store = store
        self._media = media
        self._one_at_a_time = asyncio.Lock()

    async def edit(self, image_id: str, edit: Edit) -> Entry:
        """The image as it is then; nothing is embedded. Raises NotFoundError."""
        # A description is written whole: of two edits at once, none may undo the other.
        async with self._one_at_a_time:
            described = edit.of(_found(image_id, await self._store.entry(image_id)))
            await self._store.describe({image_id: described})
            await self._store.refresh()
        return _found(image_id, await self._store.entry(image_id))

    async def delete(self, image_id: str) -> None:
        """Take an image from the index for good: jobs pass over it from now on. Raises NotFoundError."""
        entry = _found(image_id, await self._store.delete(image_id))
        await self._media.discard([entry])


def _found(image_id: str, entry: Entry | None) -> Entry:
    if entry is None:
        raise NotFoundError("image_not_found", f"No indexed image has the id '{image_id}'.")
    return entry
