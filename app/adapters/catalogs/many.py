"""Several catalogues as one: image ids begin with their catalogue's name, and labels too where two have the same."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from app.domain.attributes import Attributes, united
from app.domain.naming import fitting_image_id, shown_label_ids
from app.domain.ports import Catalogue
from app.domain.records import BadRecord, CatalogueImage, CatalogueLabel, CatalogueReport, HostCount


class Member(Catalogue, Protocol):
    """A catalogue that can be one of several."""

    def images(self, label_id: str, shown_as: str | None = None) -> AsyncGenerator[Sequence[CatalogueImage], None]:
        """As the port says; the images, and products named after their label, have `shown_as` for its id."""


class ManyCatalogues:
    """See the port. A locator begins with its catalogue's name and a colon."""

    def __init__(self, members: Mapping[str, Member]) -> None:
        """By their names, which have no colon in them."""
        self._members = members
        self._seen: list[Sequence[CatalogueLabel]] = []
        self._labels: dict[str, CatalogueLabel] = {}
        self._own: dict[str, tuple[str, str]] = {}

    async def labels(self) -> Sequence[CatalogueLabel]:
        """All labels, ordered by id."""
        await self._look()
        return list(self._labels.values())

    async def label(self, label_id: str) -> CatalogueLabel | None:
        """One label, or None."""
        await self._look()
        return self._labels.get(label_id)

    async def images(self, label_id: str) -> AsyncGenerator[Sequence[CatalogueImage], None]:
        """A label's images in its catalogue's order."""
        await self._look()
        if label_id not in self._own:
            return
        name, own_label_id = self._own[label_id]
        async with aclosing(self._members[name].images(own_label_id, label_id)) as blocks:
            async for block in blocks:
                yield [_named(name, image) for image in block]

    async def attributes(self) -> Attributes:
        """Of all, where they agree."""
        return united(await asyncio.gather(*(member.attributes() for member in self._members.values())))

    async def hosts(self, label_id: str, count: int) -> Sequence[HostCount]:
        """The busiest hosts of a label."""
        await self._look()
        if label_id not in self._own:
            return []
        name, own_label_id = self._own[label_id]
        return await self._members[name].hosts(own_label_id, count)

    async def reports(self) -> Sequence[CatalogueReport]:
        """One for each."""
        found = await asyncio.gather(*(member.reports() for member in self._members.values()))
        return [report for reports in found for report in reports]

    async def bad_records(self, name: str, after: int, count: int) -> Sequence[BadRecord]:
        """Of the catalogue of that name."""
        return await self._members[name].bad_records(name, after, count) if name in self._members else []

    def read(self, locator: str, max_bytes: int) -> bytes:
        """An image's bytes, cut at `max_bytes + 1`."""
        name, _, inner = locator.partition(":")
        if name not in self._members:
            raise FileNotFoundError(locator)
        return self._members[name].read(inner, max_bytes)

    def file(self, locator: str) -> Path | None:
        """The image's file."""
        name, _, inner = locator.partition(":")
        return self._members[name].file(inner) if name in self._members else None

    async def _look(self) -> None:
        """Learn the labels of all, and what they are called here, if they are others than before."""
        found = await asyncio.gather(*(member.labels() for member in self._members.values()))
        if len(found) == len(self._seen) and all(map(_is_same, found, self._seen)):
            return
        by_name = dict(zip(self._members, found, strict=True))
        shown = shown_label_ids({name: [label.label_id for label in labels] for name, labels in by_name.items()})
        renamed = [
            replace(label, label_id=shown[name, label.label_id]) for name, labels in by_name.items() for label in labels
        ]
        self._labels = {label.label_id: label for label in sorted(renamed, key=lambda label: label.label_id)}
        self._own = {label_id: own for own, label_id in shown.items()}
        self._seen = list(found)


def _is_same(labels: Sequence[CatalogueLabel], before: Sequence[CatalogueLabel]) -> bool:
    return labels is before or labels == before


def _named(catalogue: str, image: CatalogueImage) -> CatalogueImage:
    image_id = fitting_image_id(f"{catalogue}:{image.image_id}")
    return replace(
        image,
        image_id=image_id,
        name=image.name if image.locator else image_id,
        locator=f"{catalogue}:{image.locator}" if image.locator else "",
    )
