"""A change that is sent in parts: side by side, and all at rest before it is told how it went."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

import pytest

from app.adapters.stores.elasticsearch.changing import Changing, Write
from app.adapters.stores.elasticsearch.fence import Fence
from app.adapters.stores.elasticsearch.live import LiveSpace
from app.adapters.stores.elasticsearch.mappings import Names
from app.domain.errors import NotTheIndexerError, StoreUnavailableError
from app.domain.spaces import Space

if TYPE_CHECKING:
    from app.adapters.stores.elasticsearch.client import Cluster
    from app.adapters.stores.elasticsearch.reading import Reading

PARTS, EACH = 5, 3
IDS = [f"i{number}" for number in range(PARTS * EACH)]


class FakeCluster:
    """Takes bulk requests, several at once, and answers for each document what a test says."""

    def __init__(self, status_of: Callable[[str], int]) -> None:
        self._status_of = status_of
        self.taken: set[str] = set()
        self.noted: list[list[str]] = []
        self.now = self.most = 0

    async def request(self, method: str, path: str, body: Mapping[str, Any], params: Mapping[str, str]) -> Any:
        """The journal's note."""
        assert (method, path, "external_gte") == ("PUT", "/t@state/_doc/journal", params["version_type"])
        self.noted.append(body["image_ids"])

    async def lines(self, path: str, lines: Iterable[bytes]) -> Any:
        """A bulk request, which takes a moment."""
        assert path == "/_bulk"
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.02)
        ids = [json.loads(line)["index"]["_id"] for line in list(lines)[::2]]
        statuses = {one: self._status_of(one) for one in ids}
        self.now -= 1
        if 503 in statuses.values():
            raise StoreUnavailableError("away")
        self.taken |= {one for one, status in statuses.items() if status == 200}
        return {"items": [{"index": {"_id": one, "status": status}} for one, status in statuses.items()]}


class NothingRemembered:
    """A state without documents."""

    async def remembered(self, _: Iterable[str]) -> dict[str, Any]:
        """Nothing."""
        return {}


def changing(cluster: FakeCluster) -> Changing:
    fence = Fence()
    fence.raise_to(1)
    live = LiveSpace(Space.raw("one", 8))
    return Changing(cast("Cluster", cluster), Names("t"), live, fence, cast("Reading", NothingRemembered()))


async def changed(cluster: FakeCluster) -> tuple[str, ...]:
    """Send all ids in their parts."""
    one = changing(cluster)
    parts = ([Write("t@entries", image_id, {"n": 1}) for image_id in IDS[n : n + EACH]] for n in range(0, 15, EACH))
    return await one.finish(await one.begin(IDS), parts)


async def test_two_parts_are_under_way_at_once_and_all_is_sent() -> None:
    cluster = FakeCluster(lambda _: 200)
    assert () == await changed(cluster)
    assert (set(IDS), 2, [sorted(IDS)]) == (cluster.taken, cluster.most, cluster.noted)


async def test_what_is_refused_in_any_part_is_told_and_the_rest_is_taken() -> None:
    refused = ("i0", "i14", "i7")
    cluster = FakeCluster(lambda image_id: 400 if image_id in refused else 200)
    assert refused == await changed(cluster)
    assert set(IDS) - set(refused) == cluster.taken


@pytest.mark.parametrize("failing", ["i0", "i7", "i14"])
@pytest.mark.parametrize(("status", "error"), [(503, StoreUnavailableError), (409, NotTheIndexerError)])
async def test_when_a_part_fails_nothing_is_on_its_way_any_more(
    failing: str, status: int, error: type[Exception]
) -> None:
    cluster = FakeCluster(lambda image_id: status if image_id == failing else 200)
    with pytest.raises(error):
        await changed(cluster)
    assert 0 == cluster.now
    assert failing not in cluster.taken
