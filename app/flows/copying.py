"""From one store to another: labels' names, deletions, and entries with their features. No photo is looked at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from app.domain.ports import CopySource, CopyTarget
from app.domain.records import KeptEntry

_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Copied:
    """What became of a source's entries, `deleted` being what it remembers as deleted; `refused` are image ids."""

    copied: int = 0
    already_there: int = 0
    refused: tuple[str, ...] = ()
    deleted: int = 0
    labels: int = 0

    @property
    def seen(self) -> int:
        """How many entries were dealt with."""
        return self.copied + self.already_there + len(self.refused)


Progress = Callable[[Copied, int], None]
"""Is told how far it is, and how many entries there are in all."""


async def copy_store(source: CopySource, target: CopyTarget, progress: Progress) -> Copied:
    """Make the target hold all that the source holds; a page is in memory at a time.

    What the target has under other image ids stays. A call that ended early is made again: entries that are there
    already are passed over. Raises what the ports do.
    """
    names = await source.names()
    await target.name_labels(names)
    deleted = await _copy_deletions(source, target)
    total = await source.count()
    done = Copied(deleted=deleted, labels=len(names))
    after = ""
    while page := await source.entries(after, _PAGE):
        done = await _copy_page(page, target, done)
        after = page[-1].entry.image_id
        progress(done, total)
    await target.refresh()
    return done


async def _copy_deletions(source: CopySource, target: CopyTarget) -> int:
    total, after = 0, ""
    while deletions := await source.deletions(after, _PAGE):
        await target.restore_deletions(deletions)
        total, after = total + len(deletions), max(deletions)
    return total


async def _copy_page(page: Sequence[KeptEntry], target: CopyTarget, before: Copied) -> Copied:
    wanted = await _wanted(page, target)
    refused = tuple(await target.restore(wanted)) if wanted else ()
    return Copied(
        copied=before.copied + len(wanted) - len(refused),
        already_there=before.already_there + len(page) - len(wanted),
        refused=before.refused + refused,
        deleted=before.deleted,
        labels=before.labels,
    )


async def _wanted(page: Sequence[KeptEntry], target: CopyTarget) -> list[KeptEntry]:
    """Those that are not in the target as they are here; the same bytes in the same space have the same features."""
    image_ids = [kept.entry.image_id for kept in page]
    there = await target.entries(image_ids)
    live = await target.existing(image_ids)
    return [
        kept
        for kept in page
        if there.get(kept.entry.image_id) != kept.entry
        or (kept.entry.image_id in live) != (kept.fingerprint == target.space.fingerprint)
    ]
