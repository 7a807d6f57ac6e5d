"""What looks at photos in tests of searches: a network that sees nothing but the mean colour, and workers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar, cast

import numpy as np
from PIL import Image

from app.domain.errors import BusyError
from app.domain.features import Vector, Vectors, unit
from app.domain.imaging import Limits, Prepared, Recipe
from app.domain.ports import Downloads, Embedder, Store
from app.domain.records import NewEntry
from app.domain.regions import LastMaps
from app.flows.querying import Querying
from tests.unit.domain.pictures import encoded
from tests.unit.domain.samples import entry
from tests.unit.flows.parts import FakeDownloads

P = ParamSpec("P")
T = TypeVar("T")

RED, GREEN, BLUE, YELLOW = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)


def photo(*colours: tuple[int, int, int], height: int = 64) -> bytes:
    """Squares of plain colour side by side."""
    image = Image.new("RGB", (64 * len(colours), height))
    for place, colour in enumerate(colours):
        image.paste(colour, (64 * place, 0, 64 * (place + 1), height))
    return encoded(image)


def vector(*numbers: float) -> Vector:
    """So long as one, and as the fake network's."""
    return unit(np.array(numbers, np.float32))


def coloured(image_id: str, *numbers: float, **fields: object) -> NewEntry:
    """An entry with a vector of red, green, blue."""
    return NewEntry(entry(image_id, **fields), vector(*numbers).astype(np.float16))


@dataclass(frozen=True)
class FakeCard:
    """Three numbers a photo."""

    dimensions: int = 3


@dataclass
class FakeEmbedder:
    """Sees the mean of red, green and blue; in the map, in each cell, what is there in the picture."""

    card: FakeCard = field(default_factory=FakeCard)
    recipe: Recipe = field(default_factory=lambda: Recipe(views=1, colour=False, limits=Limits()))
    mapped: int = 0

    def embed(self, prepared: Sequence[Prepared]) -> Vectors:
        """The mean of all pixels."""
        return unit(np.stack([one.pixels.mean(axis=(0, 1, 2)) for one in prepared]).astype(np.float32))

    def maps(self, prepared: Sequence[Prepared]) -> LastMaps:
        """Those of 32 by 32 pixels each."""
        self.mapped += len(prepared)
        return np.stack(
            [one.pixels[0].reshape(7, 32, 7, 32, 3).mean(axis=(1, 3)) for one in prepared], dtype=np.float32
        )


@dataclass
class FakeWorkers:
    """Calls at once, and counts; after so many calls it is busy."""

    calls: int = 0
    busy_after: int = 1000

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call it."""
        if self.calls >= self.busy_after:
            raise BusyError("busy")
        self.calls += 1
        return function(*args, **kwargs)


def querying_of(
    store: Store,
    *,
    embedder: FakeEmbedder | None = None,
    workers: FakeWorkers | None = None,
    downloads: FakeDownloads | None = None,
) -> Querying:
    eyes = cast("Embedder", embedder or FakeEmbedder())
    return Querying(eyes, workers or FakeWorkers(), store, cast("Downloads", downloads or FakeDownloads()))
