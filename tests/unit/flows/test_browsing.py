from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from app.adapters.media import Keep, MediaFolder
from app.domain.errors import MediaElsewhereError, NotFoundError, NotTheIndexerError, Reason
from app.domain.imaging import Limits
from app.domain.jobs import HostOutcomes
from app.domain.records import HostCount, Origin
from app.flows.browsing import BrowsedHost, Browsing
from tests.fakes import FakeStore
from tests.unit.domain.pictures import drawn, encoded
from tests.unit.flows.parts import SPACE, new_entry

if TYPE_CHECKING:
    from app.domain.ports import Catalogue, Ledger

PHOTO = encoded(drawn(), "JPEG")


class TwoHosts:
    """A catalogue with images at two hosts."""

    async def hosts(self, label_id: str, count: int) -> list[HostCount]:
        """Both."""
        assert "cups" == label_id
        return [HostCount("a.example", 7), HostCount("b.example", 2)][:count]


@dataclass
class OneHost:
    """A ledger that knows what became of images at one host, if it is the indexer's."""

    is_indexers: bool

    async def host_outcomes(self, _: str) -> list[HostOutcomes]:
        """It."""
        if not self.is_indexers:
            raise NotTheIndexerError("http://there.example")
        return [HostOutcomes("a.example", 4, {Reason.DNS: 1})]


async def browsing(folder: Path, *, alone: bool = True) -> Browsing:
    store = FakeStore(SPACE)
    for image_id, origin in (("kept", Origin.UPLOAD), ("missing", Origin.UPLOAD), ("downloaded", Origin.DOWNLOAD)):
        await store.put([new_entry(image_id, origin=origin)])
    media = MediaFolder(folder, Limits(), Keep.NONE, others_keep=not alone)
    await media.keep("kept", PHOTO)
    return Browsing(cast("Catalogue", TwoHosts()), store, media, cast("Ledger", OneHost(is_indexers=alone)))


async def test_a_photo_that_is_not_here_may_be_kept_by_another_process(tmp_path: Path) -> None:
    several = await browsing(tmp_path / "several", alone=False)
    for ask in (several.content, several.thumbnail):
        assert (await ask("kept")).media_type == "image/jpeg"
        with pytest.raises(MediaElsewhereError):
            await ask("missing")
        with pytest.raises(NotFoundError):
            await ask("downloaded")


async def test_a_photo_that_is_not_here_is_not_kept_where_there_is_no_other_process(tmp_path: Path) -> None:
    alone = await browsing(tmp_path)
    for ask in (alone.content, alone.thumbnail):
        with pytest.raises(NotFoundError, match="not kept"):
            await ask("missing")


async def test_hosts_are_told_with_what_became_of_them_where_that_is_known(tmp_path: Path) -> None:
    alone, several = await browsing(tmp_path / "one"), await browsing(tmp_path / "other", alone=False)
    expected = [BrowsedHost("a.example", 7, 4, {Reason.DNS: 1}), BrowsedHost("b.example", 2, 0, {})]
    assert expected == await alone.hosts("cups")
    unknown = [BrowsedHost("a.example", 7, None, None), BrowsedHost("b.example", 2, None, None)]
    assert unknown == await several.hosts("cups")
