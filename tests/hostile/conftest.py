"""Hostile webs are met on the embedded store: what is downloaded does not depend on the store."""

from collections.abc import Iterator

import pytest

from tests.service.running import embedded_meanwhile


@pytest.fixture(scope="module", autouse=True)
def store() -> Iterator[str]:
    """Whatever the service's own tests left."""
    with embedded_meanwhile() as name:
        yield name
