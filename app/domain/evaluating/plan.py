"""What an evaluation was asked to do."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

from app.domain.jobs import Job, Option

QUERIES: Final = "queries"
"""The name of the catalogue that only asks."""
SPLIT: Final = 0.2
"""The share of indexed photos that asks, where no other is named."""
MOST_REPEATS: Final = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """Whose photos ask: a catalogue's, those under some labels or all. `split` of them do if they are indexed.

    The share `unknown` of the products leaves the gallery. The share `unseen` comes to it only once it has learned from
    the others, and photos of these products alone ask. With `by_recent_searches` confidences are fitted to how a half
    of the questions scores, whatever its answers are, and the other half is judged. `repeats` is how often it is all
    done, with other chances.
    """

    catalogue: str
    split: float | None = None
    label_ids: tuple[str, ...] | None = None
    unknown: float = 0.0
    repeats: int = 1
    unseen: float = 0.0
    by_recent_searches: bool = False

    @classmethod
    def of(cls, job: Job) -> Self:
        """What a job was asked, as `options` told it."""
        options = dict(job.options)
        label_ids = options["label_ids"]
        return cls(
            catalogue=str(options["catalogue"]),
            split=_number(options["split"]),
            label_ids=tuple(label_ids) if isinstance(label_ids, list | tuple) else None,
            unknown=_number(options["unknown"]) or 0.0,
            repeats=int(_number(options["repeats"]) or 1),
            unseen=_number(options.get("unseen")) or 0.0,
            by_recent_searches=bool(options.get("by_recent_searches")),
        )

    @property
    def options(self) -> dict[str, Option]:
        """As a job keeps them."""
        return {
            "catalogue": self.catalogue,
            "split": self.split,
            "label_ids": self.label_ids,
            "unknown": self.unknown,
            "repeats": self.repeats,
            "unseen": self.unseen,
            "by_recent_searches": self.by_recent_searches,
        }

    @property
    def asks_what_is_live(self) -> bool:
        """Whether what is indexed is asked as it is: none of it has to be left out, nothing learned anew."""
        return self.catalogue == QUERIES and not (self.unknown or self.unseen or self.by_recent_searches)

    def told(self) -> str:
        """In words."""
        under = f" under {len(self.label_ids)} labels" if self.label_ids is not None else ""
        if self.catalogue == QUERIES:
            asked = f"the photos of catalogue '{QUERIES}'{under} asked"
        else:
            asked = (
                f"of each product of catalogue '{self.catalogue}'{under} {self.split or SPLIT:.0%} of the photos asked"
            )
        if self.asks_what_is_live:
            return f"{asked} what is indexed"
        others = "a temporary store of the other photos" if self.catalogue != QUERIES else "a temporary store"
        return f"{asked} {others}, which learned from nothing else{''.join(self._conditions())}"

    def _conditions(self) -> Iterator[str]:
        if self.unknown:
            yield f", {self.unknown:.0%} of the products left out"
        if self.unseen:
            yield f", {self.unseen:.0%} of the products added after it had learned, the photos of these asking"
        if self.by_recent_searches:
            yield ", confidences fitted to the scores of a half of the questions, the other half judged"
        if self.repeats > 1:
            yield f", {self.repeats} times"


def _number(option: Option | None) -> float | None:
    return float(option) if isinstance(option, int | float) else None
