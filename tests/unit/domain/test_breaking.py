import pytest

from app.domain.breaking import CLOSED, Breaker, BreakerRules, Verdict
from app.domain.errors import Reason

RULES = BreakerRules(failures=3, cool_downs_s=(5.0, 10.0), given_up_s=60.0)


def failing(breaker: Breaker, now: float, count: int = 1, *, probe: bool = False) -> Breaker:
    for _ in range(count):
        breaker = breaker.failed(now, Reason.CONNECT, RULES, probe=probe)
    return breaker


def opened() -> Breaker:
    """Opened at 100, so cool at 105."""
    return failing(CLOSED, 100.0, 3)


def given_up() -> Breaker:
    """Probed at 105 and 115 in vain."""
    breaker = failing(opened().probed(), 105.0, probe=True)
    return failing(breaker.probed(), 115.0, probe=True)


def test_a_breaker_is_closed_until_failures_in_a_row_open_it() -> None:
    assert Verdict.GO is CLOSED.verdict(100.0, RULES)
    assert Verdict.GO is failing(CLOSED, 100.0, 2).verdict(100.0, RULES)
    assert Verdict.WAIT is opened().verdict(100.0, RULES)


def test_what_opened_it_is_the_last_failures_reason() -> None:
    breaker = failing(CLOSED, 100.0, 2).failed(100.0, Reason.DNS, RULES, probe=False)
    assert Reason.DNS is breaker.reason
    assert Reason.DNS is failing(breaker.probed(), 105.0, probe=True).reason


def test_one_probe_goes_when_it_has_cooled_down_and_others_wait_for_it() -> None:
    assert Verdict.WAIT is opened().verdict(104.9, RULES)
    assert Verdict.PROBE is opened().verdict(105.0, RULES)
    assert Verdict.WAIT is opened().probed().verdict(105.0, RULES)


def test_a_probe_that_comes_to_nothing_lets_another_one_go() -> None:
    assert Verdict.PROBE is opened().probed().abandoned().verdict(105.0, RULES)


def test_each_failed_probe_is_followed_by_the_next_longer_wait() -> None:
    breaker = failing(opened().probed(), 105.0, probe=True)
    assert (Verdict.WAIT, Verdict.PROBE) == (breaker.verdict(114.9, RULES), breaker.verdict(115.0, RULES))


def test_after_the_last_probe_the_host_is_given_up_and_later_probed_again_and_again() -> None:
    breaker = given_up()
    assert Verdict.REFUSE is breaker.verdict(174.9, RULES)
    assert Verdict.PROBE is breaker.verdict(175.0, RULES)
    assert Verdict.REFUSE is breaker.probed().verdict(175.0, RULES)
    again = failing(breaker.probed(), 175.0, probe=True)
    assert (Verdict.REFUSE, Verdict.PROBE) == (again.verdict(234.9, RULES), again.verdict(235.0, RULES))


def test_calls_that_began_before_it_opened_do_not_count_any_more() -> None:
    assert opened() == failing(opened(), 103.0, 5)
    probing = opened().probed()
    assert probing == failing(probing, 106.0, 5)


@pytest.mark.parametrize("failures", [1, 2])
def test_a_rule_of_one_failure_opens_at_once(failures: int) -> None:
    rules = BreakerRules(failures=1, cool_downs_s=(), given_up_s=7.0)
    breaker = CLOSED
    for _ in range(failures):
        breaker = breaker.failed(0.0, Reason.TLS, rules, probe=False)
    assert (Verdict.REFUSE, Verdict.PROBE) == (breaker.verdict(6.9, rules), breaker.verdict(7.0, rules))
