"""A write that is on its way when its sender is killed, and arrives after another process took over."""

from pathlib import Path

import httpx
import pytest

from tests.faults.fleet import WAIT_S, Fleet, documents, ended, fleet, searched, takes_changes, until
from tests.faults.proxy import Fault, running_proxy
from tests.service.conftest import drawn, encoded
from tests.service.running import Service

PHOTO = encoded(drawn("an upload"))
IMPATIENT_S = 1.0


def upload(service: Service, timeout_s: float) -> httpx.Response:
    files = {"image": ("upload.jpg", PHOTO)}
    return service.client.post("/index/still/images", files=files, timeout=timeout_s)


def held(url: str, namespace: str) -> dict[str, set[str]]:
    """Image ids by index."""
    found = documents(url, namespace)
    return {index: {image_id for where, image_id, _ in found if where == index} for index in ("entries", "raw")}


def test_it_reaches_both_indices_or_none_and_is_found_once_it_is_sent_again(
    elasticsearch_8: str, tmp_path: Path
) -> None:
    with (
        running_proxy(elasticsearch_8) as proxy,
        fleet([proxy.host], "late", tmp_path, {"still": 4}, size=2) as ships,
    ):
        ships.start(0)
        assert "succeeded" == ended(ships[0], ships.begin("still")[1])["state"]
        proxy.switch(Fault.HELD, "_bulk")
        with pytest.raises(httpx.ReadTimeout):
            upload(ships[0], IMPATIENT_S)
        until(lambda: proxy.held)
        ships.kill(0)
        successor = started_beside(ships, 1, elasticsearch_8)
        proxy.switch(Fault.NONE)
        until(lambda: proxy.held == 0)
        ids = held(elasticsearch_8, ships.namespace)
        assert ids["entries"] == ids["raw"]
        image_id = upload(successor, WAIT_S).raise_for_status().json()["image_id"]
        assert image_id in searched(successor, ships, "still")


def started_beside(ships: Fleet, number: int, url: str) -> Service:
    """A process that reaches the cluster without the proxy, once it makes the changes."""
    ships.hosts = [url.partition("://")[2]]
    ships.start(number)
    until(lambda: takes_changes(ships[number]))
    return ships[number]
