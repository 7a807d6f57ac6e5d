"""When a host is left alone because nobody answers there: the states of a circuit breaker, pure.

closed --failures in a row--> open --cool-down--> one probe --success--> closed
                               ^                      |
                               +--- next cool-down ---+--failed once too often--> given up --a longer time--> one probe
"""

from dataclasses import dataclass, replace
from enum import Enum, auto

from app.domain.errors import Reason


class Verdict(Enum):
    """What a caller who wants to reach the host does."""

    GO = auto()
    """Call."""
    PROBE = auto()
    """Call, as the only one: `probed` the breaker first, and report what came of it."""
    WAIT = auto()
    """Wait until `until`, or until the probe that is under way has ended."""
    REFUSE = auto()
    """Give up, for the `reason` that opened the breaker."""


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """How many failures open a breaker, how long it cools down before each probe, and how long a host is given up."""

    failures: int = 5
    cool_downs_s: tuple[float, ...] = (5.0, 10.0, 20.0)
    given_up_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Breaker:
    """One host's breaker; `reason` is what opened it, None while it is closed. Times are of any one clock."""

    failures: int = 0
    reason: Reason | None = None
    until: float = 0.0
    failed_probes: int = 0
    probing: bool = False

    def verdict(self, now: float, rules: BreakerRules) -> Verdict:
        """What a caller does now."""
        if self.reason is None:
            return Verdict.GO
        if now >= self.until and not self.probing:
            return Verdict.PROBE
        return Verdict.REFUSE if self.failed_probes >= len(rules.cool_downs_s) else Verdict.WAIT

    def probed(self) -> "Breaker":
        """A probe is under way."""
        return replace(self, probing=True)

    def abandoned(self) -> "Breaker":
        """The probe came to nothing, neither success nor failure: another one may go."""
        return replace(self, probing=False)

    def failed(self, now: float, reason: Reason, rules: BreakerRules, *, probe: bool) -> "Breaker":
        """A call failed. While the breaker is open only the probe's failure counts: others began before it opened."""
        if self.reason is None:
            return self._failed_while_closed(now, reason, rules)
        return self._cooling(now, self.reason, rules, self.failed_probes + 1) if probe else self

    def _failed_while_closed(self, now: float, reason: Reason, rules: BreakerRules) -> "Breaker":
        if self.failures + 1 < rules.failures:
            return Breaker(self.failures + 1)
        return self._cooling(now, reason, rules, 0)

    @staticmethod
    def _cooling(now: float, reason: Reason, rules: BreakerRules, failed_probes: int) -> "Breaker":
        cool_downs_s = (*rules.cool_downs_s, rules.given_up_s)
        failed_probes = min(failed_probes, len(rules.cool_downs_s))
        return Breaker(rules.failures, reason, now + cool_downs_s[failed_probes], failed_probes)


CLOSED = Breaker()
"""What every success makes of a breaker."""
