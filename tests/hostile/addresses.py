"""Where everything of the web is: which loopback address serves what, and which names lead there.

127.0.1.0/24 is the network that the service is allowed; every other address is forbidden, with a witness on it that
writes down who comes. No address here is beyond loopback.
"""

import zlib
from typing import Final

ALLOWED: Final = "127.0.1.0/24"
SERVING: Final = tuple(f"127.0.1.{last}" for last in range(1, 201))
RESETTING, REFUSING, SILENT, BROKEN_TLS = "127.0.1.251", "127.0.1.252", "127.0.1.253", "127.0.1.250"
WITNESSES: Final = ("127.0.2.1", "127.0.0.1", "::1")
FORBIDDEN: Final = WITNESSES[0]

_DEAD: Final = {"connect-timeout": SILENT, "reset": RESETTING, "refused": REFUSING, "tls-eof": BROKEN_TLS}


def kind_of(host: str) -> str:
    """The kind that a host of the form `img.<kind>-<number>.example` is of."""
    parts = host.rstrip(".").split(".")
    return parts[-2].rpartition("-")[0] if len(parts) > 1 else ""


def address_of(host: str) -> str:
    """Where a host is, in the allowed network: the same each time, and shared with other hosts."""
    return _DEAD.get(kind_of(host)) or SERVING[zlib.crc32(host.encode()) % len(SERVING)]


def inside_urls(port: int) -> tuple[str, ...]:
    """Every spelling of a forbidden address."""
    hosts = (
        "127.0.2.1", "127.0.0.1", "[::1]", "2130706945", "0177.0.2.1", "0x7f000201", "127.513",
        "[::ffff:127.0.2.1]", "[::ffff:7f00:201]", "localhost", "0.0.0.0", "127.0.1.1@127.0.2.1", "127.0.2.1.",  # noqa: S104
    )  # fmt: skip
    return tuple(f"http://{host}:{port}/inside/0/photo.jpg" for host in hosts)
