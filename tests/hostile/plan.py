"""So many addresses of every kind, over hundreds of hosts, with what may become of an image at each."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Final

from tests.hostile.addresses import SERVING, inside_urls
from tests.hostile.behaviours import checksum_of
from tests.hostile.kinds import BY_NAME, GOOD, KINDS, Kind, Place

_SHOPS: Final = 300
_BIG_SHARES: Final = (0.34, 0.58)
"""Two owners have this much of everything, the first 34 %: as in the real data."""
_SHARDS: Final = 5
_AT_BROKEN_HOST: Final = (9, 5, 3, 2, 1, 1, 1)
"""How many addresses a broken host has, in turn: a few have many."""
_QUICK: Final = ("404", "html", "1x1")
_NAMES: Final = (
    "photo.jpg",
    "432x324c.jpg",
    "T1sLtpFH8a.jpg_400x400.jpg",
    "800x800.jpeg",
    "picture",
    "img.php",
    "a.SS2",
)
_WRITTEN: Final = (
    "TB2chFei9YH8KJjSspdXXcRgVXa_!!3085441904.jpg",
    "TB2_%21%210-item.jpg",
    "%E6%B2%99%E5%8F%91/%e5%ae%b6%e5%85%b7.jpg",
    "two%20words,one%2Ccomma.jpg",
    "here/./there/../photo.jpg",
    "../upload//large/photo.jpg",
    "pic.php?src=http://other.example/a.jpg&w=1%2B2&sign=a/b=&&end",
    "import.jpg?1234567",
    "photo.jpg!500",
    "photo.png@!content;v=1",
    "cut.jpg@300x200?a=b?c=d:e~f'(g)*$",
    "long/" + "0123456789abcdef" * 26 + ".jpg",
)


@dataclass(frozen=True, slots=True)
class Planned:
    """An address and its kind."""

    url: str
    kind: Kind

    @property
    def outcomes(self) -> frozenset[str]:
        """What may become of an image here: `indexed`, reasons."""
        return self.kind.outcomes


def planned(count: int, port: int, seed: int = 0) -> list[Planned]:
    """`count` different addresses in chance order, every kind among them."""
    kinds = [kind for kind in KINDS for _ in range(max(1, round(kind.per_10_000 * count / 10_000)))]
    if len(kinds) > count:
        message = f"{count} addresses cannot be of {len(KINDS)} kinds"
        raise ValueError(message)
    kinds += [GOOD] * (count - len(kinds))
    chance = random.Random(seed)
    hosts = {kind.name: _broken_hosts(kind) for kind in KINDS}
    result = [
        Planned(
            _url(kind, number, _host(kind, hosts[kind.name], chance) if kind is not GOOD else _shop(chance), port), kind
        )
        for number, kind in enumerate(kinds)
    ]
    chance.shuffle(result)
    return result


def quick(count: int, port: int, seed: int = 0) -> list[Planned]:
    """`count` addresses over the shops' hosts that are asked once each: photos, and one in ten that has none."""
    chance, kinds = random.Random(seed), cycle([GOOD] * 27 + [BY_NAME[name] for name in _QUICK])
    return [
        Planned(_url(kind, number, _shop(chance), port), kind)
        for number, kind in zip(range(count), kinds, strict=False)
    ]


def by_address(count: int, port: int) -> list[str]:
    """`count` addresses of photos, without names, in turn over all that serve."""
    return [f"http://{SERVING[number % len(SERVING)]}:{port}/good/{number}/photo.jpg" for number in range(count)]


def _host(kind: Kind, broken: Iterator[str], chance: random.Random) -> str:
    if kind.place is Place.OWN:
        return next(broken)
    return _shop(chance) if kind.place is Place.SHOP else chance.choice(SERVING)


def _shop(chance: random.Random) -> str:
    share = chance.random()
    if share < _BIG_SHARES[-1]:
        return f"img1{chance.randrange(_SHARDS)}.shop-{0 if share < _BIG_SHARES[0] else 1}.example"
    return f"{chance.choice(('img', 'www', 'pic_1'))}.shop-{chance.randrange(2, _SHOPS)}.example"


def _broken_hosts(kind: Kind) -> Iterator[str]:
    for number, addresses in enumerate(cycle(_AT_BROKEN_HOST)):
        yield from [f"img.{kind.name}-{number}.example"] * addresses


def _url(kind: Kind, number: int, host: str, port: int) -> str:
    if kind.name == "inside":
        return _in_turn(inside_urls(port), number).replace("/0/", f"/{number}/")
    name = _in_turn(_NAMES, number)
    if kind.name == "as-written":
        written = _in_turn(_WRITTEN, number)
        name = f"{checksum_of(written)}/{written}"
    return f"{kind.scheme}://{host}:{port}/{kind.name}/{number}/{name}"


def _in_turn(choices: Sequence[str], number: int) -> str:
    return choices[number % len(choices)]
