"""One process whose store is away, hangs, or answers badly, at the start and while it works: jobs wait, and go on."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.fleet import (
    LEASE_S,
    WAIT_S,
    Fleet,
    drawn_ids,
    ended,
    fleet,
    is_ready,
    listed,
    lost_and_doubled,
    searched,
    takes_changes,
    until,
    wait_until_done,
)
from tests.faults.proxy import WORDS, Fault, Proxy, running_proxy
from tests.service.running import Service

FAULTS = [fault for fault in Fault if fault not in {Fault.NONE, Fault.LATE, Fault.HELD}]
COUNT = 60
MET_AT = 6
TIMEOUT_S = "1.5"
LONG_LEASE_S = "60"
"""Longer than any fault here: the job waits in this process, and no other would take it."""


@pytest.fixture(scope="module")
def proxy(elasticsearch_8: str) -> Iterator[Proxy]:
    with running_proxy(elasticsearch_8) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def ships(proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    labels = {"still": 10, **{fault.name.lower(): COUNT for fault in FAULTS}, "bulk": COUNT}
    more = {"LOOKALIKE_STORE_TIMEOUT_S": TIMEOUT_S, "LOOKALIKE_STORE_LEASE_S": LONG_LEASE_S}
    with fleet([proxy.host], "answers", tmp_path_factory.mktemp("answers"), labels, more=more) as ships:
        ships.start(0)
        assert "succeeded" == ended(ships[0], ships.begin("still")[1])["state"]
        yield ships


def search(service: Service, ships: Fleet) -> httpx.Response:
    photo = (ships.catalogue / "still" / "0.jpg").read_bytes()
    return service.client.post("/search", files={"image": ("photo.jpg", photo)}, timeout=WAIT_S)


def is_waiting(service: Service, job_id: str) -> bool:
    return bool(service.client.get(f"/jobs/{job_id}").raise_for_status().json()["waiting_for"] == "store")


def ready(service: Service) -> tuple[int, Mapping[str, Any]]:
    answer = service.client.get("/health/ready", timeout=WAIT_S)
    assert WORDS not in answer.text
    return answer.status_code, answer.json()["parts"]


def assert_store_is_away(answer: httpx.Response) -> None:
    assert (503, "store_unavailable") == (answer.status_code, answer.json()["code"])
    assert "Retry-After" in answer.headers
    assert WORDS not in answer.text


@pytest.mark.parametrize("fault", FAULTS)
def test_the_job_waits_for_the_store_searches_are_told_so_and_all_goes_on(
    ships: Fleet, proxy: Proxy, fault: Fault
) -> None:
    service, label_id = ships[0], fault.name.lower()
    _, job_id = ships.begin(label_id)
    wait_until_done(service, job_id, MET_AT)
    proxy.switch(fault)
    try:
        until(lambda: is_waiting(service, job_id))
        assert_store_is_away(search(service, ships))
        status, parts = ready(service)
    finally:
        proxy.switch(Fault.NONE)
    assert 503 == status
    assert ["store"] == [part for part, state in parts.items() if state != "ok"]
    assert ("succeeded", COUNT) == (ended(service, job_id)["state"], len(searched(service, ships, label_id)))
    assert 200 == search(service, ships).status_code
    until(lambda: is_ready(service))


def test_while_changes_alone_are_refused_searches_are_answered(ships: Fleet, proxy: Proxy) -> None:
    service = ships[0]
    _, job_id = ships.begin("bulk")
    wait_until_done(service, job_id, MET_AT)
    proxy.switch(Fault.BUSY, "_bulk")
    try:
        until(lambda: is_waiting(service, job_id))
        answer = search(service, ships)
    finally:
        proxy.switch(Fault.NONE)
    assert 200 == answer.status_code
    assert "succeeded" == ended(service, job_id)["state"]


def test_behind_all_faults_nothing_is_lost_or_doubled(ships: Fleet, elasticsearch_8: str) -> None:
    indexed = [one["label_id"] for one in listed(ships[0])]
    assert {} == lost_and_doubled(ships[0], elasticsearch_8, ships, indexed)


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.HANGING])
def test_a_store_that_is_away_at_the_start_and_once_more_for_longer_than_a_lease(
    proxy: Proxy, elasticsearch_8: str, tmp_path: Path, fault: Fault
) -> None:
    more = {"LOOKALIKE_STORE_TIMEOUT_S": TIMEOUT_S}
    with fleet([proxy.host], f"later-{fault.name.lower()}", tmp_path, {"still": COUNT}, more=more) as ships:
        proxy.switch(fault)
        ships.start(0, ready=False)
        service = ships[0]
        status, parts = ready(service)
        assert (503, ["store"]) == (status, [part for part, state in parts.items() if state != "ok"])
        assert_store_is_away(search(service, ships))
        assert (503, "not_the_indexer") == problem(service.client.post("/index/still"))
        proxy.switch(Fault.NONE)
        until(lambda: is_ready(service) and takes_changes(service))
        _, job_id = ships.begin("still")
        wait_until_done(service, job_id, MET_AT)
        proxy.switch(fault)
        until(lambda: problem(service.client.post("/jobs/0/cancel")) == (503, "not_the_indexer"))
        time.sleep(LEASE_S)
        proxy.switch(Fault.NONE)
        job = ended(service, job_id)
        assert ("succeeded", COUNT, 0) == (job["state"], job["progress"]["total"], job["progress"]["failed"])
        assert drawn_ids("still", COUNT) == searched(service, ships, "still")
        assert {} == lost_and_doubled(service, elasticsearch_8, ships, ["still"])


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json()["code"])
