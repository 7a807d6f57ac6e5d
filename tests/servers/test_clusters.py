"""Real servers: slow to start, so that each of them proves several things."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.clusters import Cluster, Security, running_elasticsearch

pytestmark = pytest.mark.usefixtures("own_secured_elasticsearch")
NOBODY = httpx.Auth()
"""Adds nothing to a request."""


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_elasticsearch(
        "8.19.21", tmp_path_factory.mktemp("secured"), security=Security(), brief=True
    ) as cluster:
        yield cluster


def test_an_api_key_is_made_over_tls_and_outlives_a_kill(secured: Cluster) -> None:
    with secured.client() as client:
        key = client.post("/_security/api_key", json={"name": "mine"}).raise_for_status().json()["encoded"]
    secured.nodes[0].kill()
    secured.nodes[0].start()
    with secured.client() as client:
        client.get("/_cluster/health", params={"wait_for_status": "yellow"}).raise_for_status()
        asked = client.get("/_security/_authenticate", headers={"Authorization": f"ApiKey {key}"}, auth=NOBODY)
    assert "mine" == asked.raise_for_status().json()["api_key"]["name"]


def test_a_secured_cluster_answers_nobody_it_does_not_know(secured: Cluster) -> None:
    with secured.client() as client:
        stranger = httpx.BasicAuth("admin", "not the password")
        assert httpx.codes.UNAUTHORIZED == client.get("/_cluster/health", auth=stranger).status_code


def test_a_secured_cluster_is_trusted_through_its_authority_alone(secured: Cluster) -> None:
    with (
        httpx.Client(trust_env=False) as stranger,
        pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        stranger.get(secured.urls[0])


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
def test_the_server_is_not_roots(secured: Cluster) -> None:
    assert 0 != Path(f"/proc/{secured.nodes[0].pid}").stat().st_uid
