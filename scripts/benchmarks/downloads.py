"""Ways to download a list of addresses, each run alone: `python -m benchmarks.downloads LANE ADDRESSES FOLDER`."""

import asyncio
import hashlib
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import aiohttp
import uvloop

from benchmarks.downloading_stage import download

_AT_ONCE: Final = 128

Lane = Callable[[Sequence[str], Path], Coroutine[Any, Any, None]]


async def ours(urls: Sequence[str], folder: Path) -> None:
    """The service's downloading stage with its ledger and its files, and nothing behind it."""
    await download(urls, folder)


async def plain(urls: Sequence[str], folder: Path) -> None:
    """The least that hashes and keeps the bodies: no name of a host is limited, nothing is checked or tried again."""
    slots = asyncio.Semaphore(_AT_ONCE)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_AT_ONCE)) as session:

        async def one(number: int, url: str) -> str:
            async with slots, session.get(url) as answer:
                body = await answer.read()
            folder.joinpath(f"{number}.jpg").write_bytes(body)
            return hashlib.sha256(body).hexdigest()

        digests = await asyncio.gather(*(one(number, url) for number, url in enumerate(urls)))
    folder.joinpath("sha256.txt").write_text("\n".join(digests), "ascii")


LANES: Final[Mapping[str, Lane]] = {"ours": ours, "plain": plain}


if __name__ == "__main__":
    uvloop.run(LANES[sys.argv[1]](Path(sys.argv[2]).read_text("ascii").split(), Path(sys.argv[3])))
