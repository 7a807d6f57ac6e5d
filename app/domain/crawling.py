"""What a server's X-Robots-Tag forbids: pure."""

from collections.abc import Iterable
from typing import Final

AGENT: Final = "Lookalike"
"""Our name in robots.txt and in X-Robots-Tag."""

_FORBIDDING: Final = frozenset({"noindex", "noimageindex", "none", "noai", "noimageai"})
# Rules that have a value behind a colon, where others have an agent in front of it.
_WITH_VALUE: Final = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})


def forbids_indexing(tags: Iterable[str]) -> bool:
    """Whether X-Robots-Tag headers, each as it came, forbid to keep the answer's image: said to all or to us.

    In `googlebot: noindex, none` both rules are for that agent alone.
    """
    return any(_forbids(tag.lower()) for tag in tags)


def _forbids(tag: str) -> bool:
    for_us = True
    for part in tag.split(","):
        name, colon, rule = part.partition(":")
        if not colon:
            rule = name
        elif name.strip() in _WITH_VALUE:
            continue
        else:
            for_us = name.strip() == AGENT.lower()
        if for_us and rule.strip() in _FORBIDDING:
            return True
    return False
