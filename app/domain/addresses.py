"""Addresses on the web, and which of them may be connected to: pure, no look-ups."""

import re
from collections.abc import Collection
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from yarl import URL

from app.domain.errors import Reason

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network

_MAX_URL_CHARS: Final = 16_384
_MAX_HOST_CHARS: Final = 253
_MAX_PORT: Final = 65_535
_SITES_KEPT: Final = 4096
_PORT_OF_SCHEME: Final = {"http": 80, "https": 443}

# A name before an "@" fits no group: whoever reads such an address differently reads another host.
_URL = re.compile(
    r"(https?)://(\[[0-9a-f:.]+\]|[^/?#\\@:\[\]\x00-\x20\x7f]+)(?::([0-9]*))?([/?][^#\x00-\x1f\x7f]*)?(?:#.*)?",
    re.IGNORECASE,
)
_HOST = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}")
_NUMBER_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_SENT_AS_IT_IS: Final = "".join(map(chr, range(0x21, 0x7F)))

# The special-purpose registries of IANA (RFC 6890 and its updates), and what was never given out or was taken back.
_FORBIDDEN_V4: Final = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # shared behind a carrier's NAT
            "127.0.0.0/8",  # loopback
            "169.254.0.0/16",  # link-local, and the metadata services of clouds
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # relays of 6to4
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
        ),
    )
)
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_FORBIDDEN_IN_GLOBAL_UNICAST: Final = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4, which wraps any IPv4 address
            "3ffe::/16",  # the 6bone, given back
            "3fff::/20",  # documentation
        ),
    )
)


class Site(NamedTuple):
    """Where an address is asked for.

    `host` is lower-case ASCII without brackets or a dot at the end; `ip` where it is an address. `origin` is an address
    without a path, the scheme's own port left out; `endpoint` is host and port, as a key.
    """

    scheme: str
    host: str
    port: int
    ip: IpAddress | None
    origin: str
    endpoint: str


class WebAddress(NamedTuple):
    """An http or https address that can be asked for.

    `url` is what was given, as it goes on the wire: without a fragment, its path and query unchanged but for what is
    illegal there.
    """

    url: str
    site: Site


def host_of(url: str) -> str:
    """The host of an address in lower case without its port; empty where there is none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def parse_address(url: str) -> WebAddress | Reason:
    """Read an address, or say why it cannot be asked for: bad_url or blocked_address.

    Blocked are numbers that only some readers take for an IPv4 address (decimal, octal, hexadecimal, too few parts);
    whether an address itself may be connected to is for `is_allowed`. User info, control characters, a backslash in
    front of the path and every scheme but http and https are a bad URL. White space around the address is dropped.
    """
    found = _URL.fullmatch(url.strip(" \t\r\n\f")) if len(url) <= _MAX_URL_CHARS else None
    if found is None:
        return Reason.BAD_URL
    scheme, host, port, target = found.groups()
    site = _read_site(scheme, host, port)
    if isinstance(site, Reason):
        return site
    path = _on_the_wire(target or "/")
    return Reason.BAD_URL if path is None else WebAddress(f"{site.origin}{path}", site)


def redirect_target(base: WebAddress, location: str) -> WebAddress | Reason:
    """Where a Location header leads from an address; what is absolute is taken as it is."""
    location = location.strip()
    if _SCHEME.match(location):
        return parse_address(location)
    if location.startswith("//"):
        return parse_address(f"{base.site.scheme}:{location}")
    if location.startswith("/"):
        return parse_address(f"{base.site.origin}{location}")
    try:
        return parse_address(urljoin(base.url, location))
    except ValueError:
        return Reason.BAD_URL


def is_allowed(address: IpAddress, allowed_networks: Collection[IpNetwork] = ()) -> bool:
    """Whether an address may be connected to: it is globally routable, or in a network that is allowed by name.

    IPv6 addresses that wrap IPv4 ones (mapped, compatible, 6to4, Teredo, local NAT64) are not, but for the well-known
    prefix of NAT64, where the wrapped address decides; nor are those with a scope.
    """
    if isinstance(address, IPv4Address):
        return any(address in network for network in allowed_networks) or not _is_in(address, _FORBIDDEN_V4)
    if address.scope_id is not None:
        return False
    if any(address in network for network in allowed_networks):
        return True
    if address in _NAT64:
        return not _is_in(IPv4Address(int(address) & 0xFFFF_FFFF), _FORBIDDEN_V4)
    return address in _GLOBAL_UNICAST and not _is_in(address, _FORBIDDEN_IN_GLOBAL_UNICAST)


def _is_in(address: IpAddress, networks: Collection[IpNetwork]) -> bool:
    return any(address in network for network in networks)


@lru_cache(_SITES_KEPT)
def _read_site(scheme: str, host_text: str, port_text: str | None) -> Site | Reason:
    scheme = scheme.lower()
    own_port = _PORT_OF_SCHEME[scheme]
    port = int(port_text[:6]) if port_text else own_port
    if not 0 < port <= _MAX_PORT:
        return Reason.BAD_URL
    read = _read_host(host_text)
    if isinstance(read, Reason):
        return read
    host, ip = read
    netloc = f"[{host}]" if ":" in host else host
    if port != own_port:
        netloc = f"{netloc}:{port}"
    return Site(scheme, host, port, ip, f"{scheme}://{netloc}", f"{host}:{port}")


def _read_host(text: str) -> tuple[str, IpAddress | None] | Reason:
    if text.startswith("["):
        return _read_ipv6(text[1:-1])
    if not text.isascii():
        text = _idna(text)
    host = text.lower().removesuffix(".")
    if len(host) > _MAX_HOST_CHARS or not _HOST.fullmatch(host):
        return Reason.BAD_URL
    if not _NUMBER_LABEL.fullmatch(host[host.rfind(".") + 1 :]):
        return host, None
    try:
        return host, IPv4Address(host)
    except ValueError:
        return Reason.BLOCKED_ADDRESS


def _read_ipv6(text: str) -> tuple[str, IpAddress] | Reason:
    try:
        ip = IPv6Address(text)
    except ValueError:
        return Reason.BAD_URL
    return str(ip), ip


def _idna(host: str) -> str:
    """A name in ASCII; empty where there is no such name."""
    try:
        return URL.build(scheme="http", host=host).raw_host or ""
    except ValueError:
        return ""


def _on_the_wire(target: str) -> str | None:
    if target[0] == "?":
        target = f"/{target}"
    if target.isascii() and " " not in target:
        return target
    try:
        # Bytes of a header that were no UTF-8 are surrogates here, and go back as they came.
        return quote(target, safe=_SENT_AS_IT_IS, errors="surrogateescape")
    except UnicodeEncodeError:
        return None
