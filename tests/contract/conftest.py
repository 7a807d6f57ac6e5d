from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.contract.stores import KINDS, ClosableStore, Place

settings.register_profile("bounded", max_examples=50, deadline=None, database=None, derandomize=True)
settings.load_profile("bounded")


@pytest.fixture(params=KINDS)
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    place = Place(request.param, tmp_path / "store")
    yield place
    await place.close()


@pytest.fixture
async def store(place: Place) -> ClosableStore:
    return await place.open()
