"""The name server of the web: hundreds of names without a list of them, each told by its form."""

import asyncio
import struct
from collections import Counter
from ipaddress import IPv6Address
from typing import Any, Final, cast

from dnslib import AAAA, QTYPE, RCODE, RR, A, DNSRecord

from tests.hostile.addresses import FORBIDDEN, address_of, kind_of

_TTL_S: Final = 60
_LENGTH: Final = struct.Struct("!H")
# dnslib reads no IPv4 address at the end of one.
_MAPPED: Final = IPv6Address(f"::ffff:{FORBIDDEN}").exploded


class Zone:
    """What is answered, whatever way the question came."""

    def __init__(self) -> None:
        """No name was asked for yet."""
        self.asked: Counter[str] = Counter()

    def reply(self, packet: bytes) -> bytes | None:
        """The answer to a question; None is silence."""
        question = DNSRecord.parse(packet)
        name, wanted = str(question.q.qname).rstrip(".").lower(), QTYPE[question.q.qtype]
        self.asked[f"{name} {wanted}"] += 1
        kind, reply = kind_of(name), question.reply()
        if kind == "silent-name":
            return None
        if kind == "servfail":
            reply.header.rcode = RCODE.SERVFAIL
        elif kind == "dead-name" or not name.endswith(".example"):
            reply.header.rcode = RCODE.NXDOMAIN
        else:
            ttl = 0 if kind == "rebinding" else _TTL_S
            for address in self._addresses(name, kind, wanted):
                reply.add_answer(_record(question.q.qname, address, ttl))
        packed: bytes = reply.pack()
        return packed

    def _addresses(self, name: str, kind: str, wanted: str) -> list[str]:
        if kind == "inside-v6-name":
            return {"AAAA": ["::1", _MAPPED]}.get(wanted, [])
        if wanted != "A":
            return []
        if kind == "inside-name":
            return [FORBIDDEN]
        if kind == "half-inside":
            return [FORBIDDEN, address_of(name)]
        if kind == "rebinding" and not self.asked[f"{name} A"] % 2:
            return [FORBIDDEN]
        return [address_of(name)]


def _record(name: Any, address: str, ttl: int) -> Any:
    six = ":" in address
    return RR(name, QTYPE.AAAA if six else QTYPE.A, rdata=AAAA(address) if six else A(address), ttl=ttl)


class OverUdp(asyncio.DatagramProtocol):
    """Questions in datagrams."""

    def __init__(self, zone: Zone) -> None:
        """Answer from a zone."""
        self._zone = zone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the way back."""
        # uvloop's transport is one in all but name.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """Answer at once, or never."""
        reply = self._zone.reply(data)
        if reply:
            self._transport.sendto(reply, addr)


class OverTcp(asyncio.Protocol):
    """Questions behind their length (RFC 1035, 4.2.2)."""

    def __init__(self, zone: Zone) -> None:
        """Answer from a zone."""
        self._zone = zone
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the way back."""
        # uvloop's transport is one in all but name.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer each question that is whole."""
        self._received += data
        while len(self._received) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._received)[0]
            if len(self._received) < end:
                return
            reply = self._zone.reply(self._received[_LENGTH.size : end])
            self._received = self._received[end:]
            if reply:
                self._transport.write(_LENGTH.pack(len(reply)) + reply)
