"""How downloads are done: every limit with its default, and what a server is told of us."""

from dataclasses import dataclass
from typing import Final

from app import __version__
from app.domain.addresses import IpNetwork
from app.domain.crawling import AGENT

_NOT_OBEYED: Final = "robots.txt and X-Robots-Tag are not obeyed: LOOKALIKE_ROBOTS turns that off."
_NO_CONTACT: Final = (
    "Servers are not told whom to write to: set LOOKALIKE_CONTACT to an address or a page about these downloads."
)


@dataclass(frozen=True, slots=True)
class DownloadOptions:
    """Limits of downloading.

    `read_timeout_s` is to the first byte and between bytes, `total_timeout_s` one request with its redirects.
    `nameservers` are "ip" or "ip:port", none for the system's. `allowed_networks` may be connected to beyond what is
    public. `memory_bytes` is for all bodies beyond 512 KiB together, and at least `max_bytes`.
    """

    at_once: int = 64
    per_owner: int = 8
    in_memory: int = 128
    """Bodies that are being read or held; with as many, nothing more is asked for."""
    attempts: int = 3
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 20.0
    total_timeout_s: float = 60.0
    max_bytes: int = 20_000_000
    memory_bytes: int = 40_000_000
    obey_robots: bool = True
    contact: str | None = None
    allowed_networks: tuple[IpNetwork, ...] = ()
    nameservers: tuple[str, ...] = ()
    names_timeout_s: float = 5.0
    """One name looked up, all servers tried."""
    names_kept_s: int = 60
    """How long a name's addresses are used again."""
    backoff_s: float = 0.5
    """At most, before the second attempt; doubled before each further one."""
    longest_backoff_s: float = 10.0
    longest_retry_after_s: float = 60.0
    """A host that asks to be left alone for longer is not waited for."""
    failures_to_open: int = 5
    """So many failed connections in a row, and a host is left alone for a while."""
    cool_downs_s: tuple[float, ...] = (5.0, 10.0, 20.0)
    """The waits before each probe of such a host; after the last one it is given up."""
    given_up_s: float = 60.0
    """How long nothing is asked of a host that was given up."""
    patience_s: float = 120.0
    """How long one fetch waits altogether for hosts that are left alone."""
    query_timeout_s: float = 5.0
    """A searcher's own address, with all that it takes."""
    queries_at_once: int = 8

    @property
    def user_agent(self) -> str:
        """Who we say we are."""
        name = f"{AGENT}/{__version__}"
        return f"{name} (+{self.contact})" if self.contact else name

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a job should say of how it downloads."""
        return (() if self.obey_robots else (_NOT_OBEYED,)) + (() if self.contact else (_NO_CONTACT,))
