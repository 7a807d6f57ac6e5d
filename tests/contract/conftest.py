from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings

from app.adapters.stores.embedded.store import EmbeddedStore
from tests.contract.large import copied, make_large_store, opened
from tests.contract.stores import KINDS, ClosableStore, Place, server_of

settings.register_profile("bounded", max_examples=50, deadline=None, database=None, derandomize=True)
settings.load_profile("bounded")


@pytest.fixture(params=KINDS)
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    place = Place(request.param, tmp_path / "store", server_of(request.param))
    yield place
    await place.remove()


@pytest.fixture
async def store(place: Place) -> ClosableStore:
    return await place.open()


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a closed embedded store of LARGE_COUNT entries; tests work on copies."""
    folder = tmp_path_factory.mktemp("large") / "store"
    make_large_store(folder)
    return folder


@pytest.fixture
async def large_store(large: Path, tmp_path: Path) -> AsyncIterator[EmbeddedStore]:
    """A copy of it, open."""
    async with opened(copied(large, tmp_path / "store")) as store:
        yield store
