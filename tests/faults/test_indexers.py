"""Three processes on one store: one makes the changes, and another goes on when that is killed or paused."""

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.faults.fleet import (
    LEASE_S,
    Fleet,
    documents,
    drawn_ids,
    ended,
    fleet,
    job_of,
    listed,
    lost_and_doubled,
    searched,
    until,
    wait_until_done,
)

LABELS = {"still": 20, **{f"{when}-{n}": 80 for when in ("killed", "paused") for n in range(3)}}
THREE = (0, 1, 2)
MET_AT = 40
"""Images of a job's 240 that have an outcome when its indexer is met."""


@pytest.fixture(scope="module")
def ships(elasticsearch_8: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    host = elasticsearch_8.partition("://")[2]
    with fleet([host], "indexers", tmp_path_factory.mktemp("fleet"), LABELS, size=3) as ships:
        ships.start(*THREE)
        indexer, job_id = ships.begin("still")
        assert "succeeded" == ended(ships[indexer], job_id)["state"]
        yield ships


def others(number: int) -> list[int]:
    return [other for other in THREE if other != number]


def labels(when: str) -> list[str]:
    return [label_id for label_id in LABELS if label_id.startswith(when)]


def indexed(ships: Fleet) -> list[str]:
    """The labels that are there by now."""
    return [one["label_id"] for one in listed(ships[ships.indexer()])]


def answers(ships: Fleet) -> list[list[tuple[str, float]]]:
    photo = (ships.catalogue / "still" / "3.jpg").read_bytes()
    found = [ships[number].search(photo, label_id="still", k=20, exact="true")["results"] for number in THREE]
    return [[(one["product_id"], one["score"]) for one in results] for results in found]


def test_all_of_them_search_with_the_same_answers(ships: Fleet) -> None:
    first, second, third = answers(ships)
    assert (20, first, first) == (len(first), second, third)


def test_a_change_is_refused_by_the_others_which_say_where_it_is_made(ships: Fleet) -> None:
    indexer = ships.indexer()
    for other in others(indexer):
        answer = ships[other].client.post("/index/still")
        assert (503, "not_the_indexer") == (answer.status_code, answer.json()["code"])
        assert ships.address(indexer) in answer.json()["detail"]
        assert "Retry-After" in answer.headers


def test_the_job_of_a_killed_indexer_ends_elsewhere_with_nothing_lost_or_doubled(ships: Fleet) -> None:
    ships.start(*THREE)
    indexer, job_id = ships.begin(*labels("killed"))
    wait_until_done(ships[indexer], job_id, MET_AT)
    ships.kill(indexer)
    job = ended(ships[others(indexer)[0]], job_id)
    successor = ships.indexer()
    assert ("succeeded", 240, 0) == (job["state"], job["progress"]["total"], job["progress"]["failed"])
    assert 240 == job["progress"]["indexed"] + job["progress"]["already_there"]
    assert {} == lost_and_doubled(ships[successor], url(ships), ships, indexed(ships))
    before = documents(url(ships), ships.namespace)
    ships.start(indexer)
    assert [job] * 3 == [job_of(ships[number], job_id) for number in THREE]
    time.sleep(2 * LEASE_S)
    assert [job] * 3 == [job_of(ships[number], job_id) for number in THREE]
    assert before == documents(url(ships), ships.namespace)


def test_a_paused_indexer_that_goes_on_after_another_took_over_changes_nothing(ships: Fleet) -> None:
    ships.start(*THREE)
    indexer, job_id = ships.begin(*labels("paused"))
    wait_until_done(ships[indexer], job_id, MET_AT)
    ships.pause(indexer)
    job = ended(ships[others(indexer)[0]], job_id)
    before = documents(url(ships), ships.namespace)
    ships.go_on(indexer)
    until(lambda: told_where(ships, indexer) in [ships.address(number) for number in others(indexer)])
    time.sleep(2 * LEASE_S)
    assert before == documents(url(ships), ships.namespace)
    assert [job] * 3 == [job_of(ships[number], job_id) for number in THREE]
    assert {} == lost_and_doubled(ships[indexer], url(ships), ships, indexed(ships))
    assert drawn_ids("paused-0", 80) == searched(ships[indexer], ships, "paused-0")


def url(ships: Fleet) -> str:
    return f"http://{ships.hosts[0]}"


def told_where(ships: Fleet, number: int) -> str | None:
    """Where a process that makes no changes says that they are made."""
    answer = ships[number].client.post("/index/still")
    if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
        return None
    return str(answer.json()["detail"]).rpartition("send this to ")[2].rstrip(".")
