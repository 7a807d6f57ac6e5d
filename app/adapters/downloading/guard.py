"""Names to addresses, and none that is forbidden: checked when a name is looked up and again when a socket is made.

The first check leaves out a name's forbidden addresses; the second sees every address right before it is connected to,
also where no name was looked up.
"""

import asyncio
import socket
from collections.abc import Collection
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

import aiodns
import pycares
from aiohttp.abc import AbstractResolver, ResolveResult

from app.domain.addresses import IpNetwork, is_allowed

AddressInfo = tuple[
    int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[str, int] | tuple[str, int, int, int]
]

_ADDRESSES_KEPT: Final = 10_000
# A try waits up to twice as long as the one before. At first two fit into the time that there is; but once a name
# server has answered quickly the first one waits for a quarter of a second, too short for a name that it has to ask
# others for. Six of them take five seconds at the least.
_SHARE_OF_FIRST_TRY: Final = 1 / 3
_TRIES: Final = 6
# There is no such name, or it cannot be one: asking again does not help. A name without an address is asked for again:
# it is also told of one whose IPv4 address came too late and that has none of IPv6.
_FINAL: Final = frozenset({pycares.errno.ARES_ENOTFOUND, pycares.errno.ARES_EBADNAME})


class BlockedError(OSError):
    """An address that must not be connected to."""


class NameLookupError(OSError):
    """A name without an address; `again` where another look may find one."""

    def __init__(self, name: str, *, again: bool) -> None:
        """Keep whether to look again."""
        super().__init__(f"No address of {name}.")
        self.again = again


class Guard:
    """Makes sockets to addresses that are globally routable or in an allowed network; BlockedError for others."""

    def __init__(self, allowed_networks: Collection[IpNetwork]) -> None:
        """Keep what is allowed beyond what is public."""
        self._allowed_networks = tuple(allowed_networks)
        self._known = lru_cache(_ADDRESSES_KEPT)(self._judge)

    def allows(self, address: str) -> bool:
        """Whether an address in its usual notation may be connected to."""
        return self._known(address)

    def _judge(self, address: str) -> bool:
        try:
            return is_allowed(ip_address(address), self._allowed_networks)
        except ValueError:
            return False

    def make_socket(self, info: AddressInfo) -> socket.socket:
        """A socket for the address, the last thing before it is connected."""
        family, kind, protocol, _, address = info
        if not self.allows(address[0]):
            raise BlockedError("This address must not be connected to.")
        return socket.socket(family, kind, protocol)


class GuardedResolver(AbstractResolver):
    """Looks names up beside the event loop, as many at once as are asked for."""

    def __init__(self, guard: Guard, nameservers: Collection[str], timeout_s: float) -> None:
        """Name servers of our own replace the system's; its file of hosts comes before either."""
        self._guard = guard
        self._timeout_s = timeout_s
        # No option that is a text: pycares 5 frees such a one before it is read, and with other threads at work every
        # lookup of some resolvers then fails ("Could not contact DNS servers").
        self._names = aiodns.DNSResolver(
            nameservers=list(nameservers) or None,
            timeout=timeout_s * _SHARE_OF_FIRST_TRY,
            tries=_TRIES,
            flags=pycares.ARES_FLAG_NOSEARCH,
        )

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """A name's addresses but for forbidden ones. Raises BlockedError if none is left, NameLookupError."""
        found = await self._look_up(host, family)
        allowed = [address for address in found if self._guard.allows(address)]
        if not allowed:
            raise BlockedError(f"No address of {host} may be connected to.")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in allowed
        ]

    async def _look_up(self, host: str, family: socket.AddressFamily) -> list[str]:
        try:
            async with asyncio.timeout(self._timeout_s):
                found = await self._names.getaddrinfo(host, family=family, type=socket.SOCK_STREAM)
        except TimeoutError as error:
            raise NameLookupError(host, again=True) from error
        except aiodns.error.DNSError as error:
            raise NameLookupError(host, again=error.args[0] not in _FINAL) from error
        addresses = [node.addr[0].decode("ascii") for node in found.nodes]
        if not addresses:
            raise NameLookupError(host, again=True)
        return addresses

    async def close(self) -> None:
        """End what is being looked up."""
        await self._names.close()
