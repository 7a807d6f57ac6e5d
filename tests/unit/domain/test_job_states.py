from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import Reason
from app.domain.jobs import (
    AlreadyThere,
    Failed,
    Indexed,
    JobState,
    Outcome,
    Progress,
    final_state,
    parent_state,
    tally,
)

QUEUED, RUNNING, SUCCEEDED = JobState.QUEUED, JobState.RUNNING, JobState.SUCCEEDED
PARTIALLY, FAILED, CANCELLED, INTERRUPTED = (
    JobState.PARTIALLY_SUCCEEDED,
    JobState.FAILED,
    JobState.CANCELLED,
    JobState.INTERRUPTED,
)

outcomes = st.lists(
    st.builds(Indexed, st.integers(0, 99), embedded=st.booleans())
    | st.builds(AlreadyThere, st.integers(0, 99))
    | st.builds(Failed, st.integers(0, 99), st.sampled_from(Reason), st.booleans()),
    max_size=12,
)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Indexed(0), Progress(downloaded=1, embedded=1, indexed=1)),
        (Indexed(0, embedded=False), Progress(downloaded=1, indexed=1)),
        (AlreadyThere(0), Progress(already_there=1)),
        (Failed(0, Reason.UNDECODABLE, fetched=True), Progress(downloaded=1, failed=1)),
        (Failed(0, Reason.FILE_MISSING, fetched=False), Progress(failed=1)),
    ],
)
def test_an_outcome_counts_for_what_was_done(outcome: Outcome, expected: Progress) -> None:
    assert expected == tally([outcome])


def test_no_outcome_counts_nothing() -> None:
    assert Progress() == tally([])


@given(outcomes, outcomes)
def test_outcomes_count_the_same_together_and_apart(some: list[Outcome], more: list[Outcome]) -> None:
    assert tally(some + more) == tally(some).plus(tally(more))


@given(outcomes)
def test_every_outcome_is_done_exactly_once(some: list[Outcome]) -> None:
    assert len(some) == tally(some).done


def test_progress_adds_up_field_by_field() -> None:
    expected = Progress(11, 22, 33, 44, 55, 66)
    assert expected == Progress(1, 2, 3, 4, 5, 6).plus(Progress(10, 20, 30, 40, 50, 60))


@pytest.mark.parametrize(
    ("progress", "expected"),
    [
        (Progress(), SUCCEEDED),
        (Progress(total=2, indexed=2), SUCCEEDED),
        (Progress(total=2, already_there=2), SUCCEEDED),
        (Progress(total=2, already_there=1, indexed=1), SUCCEEDED),
        (Progress(total=2, indexed=1, failed=1), PARTIALLY),
        (Progress(total=2, already_there=1, failed=1), PARTIALLY),
        (Progress(total=2, downloaded=2, failed=2), FAILED),
    ],
)
def test_the_end_of_a_job_is_told_by_its_images(progress: Progress, expected: JobState) -> None:
    assert expected == final_state(progress)


@pytest.mark.parametrize(
    ("children", "expected"),
    [
        ((), SUCCEEDED),
        ((QUEUED,), QUEUED),
        ((QUEUED, QUEUED), QUEUED),
        ((QUEUED, RUNNING), RUNNING),
        ((QUEUED, SUCCEEDED), RUNNING),
        ((RUNNING, FAILED), RUNNING),
        ((QUEUED, CANCELLED), RUNNING),
        ((SUCCEEDED, SUCCEEDED), SUCCEEDED),
        ((FAILED, FAILED), FAILED),
        ((CANCELLED, CANCELLED), CANCELLED),
        ((INTERRUPTED,), INTERRUPTED),
        ((PARTIALLY, PARTIALLY), PARTIALLY),
        ((SUCCEEDED, FAILED), PARTIALLY),
        ((SUCCEEDED, CANCELLED), PARTIALLY),
        ((FAILED, CANCELLED, INTERRUPTED), PARTIALLY),
    ],
)
def test_the_state_of_a_parent_is_told_by_its_children(children: tuple[JobState, ...], expected: JobState) -> None:
    assert expected == parent_state(children)


def test_a_parent_is_live_exactly_while_a_child_is_and_order_does_not_matter() -> None:
    for one, other in product(JobState, JobState):
        state = parent_state([one, other])
        assert state == parent_state([other, one])
        assert bool({one, other} & {QUEUED, RUNNING}) == (state in {QUEUED, RUNNING})
