"""Addresses on the web, and which of them may be connected to: pure, no look-ups."""

from urllib.parse import urlsplit


def host_of(url: str) -> str:
    """The host of an address in lower case without its port; empty where there is none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
