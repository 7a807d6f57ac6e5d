from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.adapters.stores.embedded.store import EmbeddedStore
from tests.contract.large import copied, make_large_store, opened
from tests.contract.stores import CLUSTERS, KINDS, ClosableStore, Home, Place


def _home(kind: str, request: pytest.FixtureRequest) -> Home:
    return Home(kind, request.getfixturevalue(kind.replace("-", "_")) if kind in CLUSTERS else None)


@pytest.fixture(scope="session", params=KINDS)
def home(request: pytest.FixtureRequest) -> Home:
    return _home(request.param, request)


@pytest.fixture(scope="session", params=CLUSTERS)
def cluster_home(request: pytest.FixtureRequest) -> Home:
    return _home(request.param, request)


@pytest.fixture
async def place(home: Home, tmp_path: Path) -> AsyncIterator[Place]:
    place = Place(home, tmp_path / "store")
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
