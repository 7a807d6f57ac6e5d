"""Who may do what: TLS by a private authority, keys and users of a real cluster, and what they lack."""

import logging
import re
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from app.adapters.stores.elasticsearch.client import ClusterOptions
from app.domain.errors import LookalikeError, SetupError, StoreUnavailableError
from tests.clusters import Cluster, Security, running_elasticsearch
from tests.contract.authority import STRANGER
from tests.contract.joining import joined, new_namespace, prefix
from tests.contract.keys import key_id, somebody, with_key
from tests.contract.spaces import learned
from tests.contract.stores import SPACE, found, new, put_all, unit_vector
from tests.servers.certificates import CERTIFICATE, KEY
from tests.unit.adapters.loopback import Call, serving

pytestmark = pytest.mark.usefixtures("own_secured_elasticsearch")

NORTH: Final = unit_vector(1)
ONE: Final = learned("one-learned", 1)
READS: Final = ("monitor", "read", "view_index_metadata")
WRITES: Final = ("manage", "read", "write")
NOT_TRUSTED: Final = (
    "Elasticsearch cannot be trusted: LOOKALIKE_STORE_CA_FILE does not vouch for its certificate, or that is for"
    " another name than the one in LOOKALIKE_STORE."
)
NOT_LET_IN: Final = (
    "Elasticsearch does not let this service in: look at LOOKALIKE_STORE_API_KEY, or at LOOKALIKE_STORE_USER and"
    " LOOKALIKE_STORE_PASSWORD."
)
README: Final = ": the README lists the privileges that LOOKALIKE_STORE_API_KEY or LOOKALIKE_STORE_USER needs."


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_elasticsearch(
        "8.19.21", tmp_path_factory.mktemp("secured"), security=Security(), brief=True
    ) as cluster:
        with_key(cluster, {})  # the first one makes the index of keys, and privileges cannot be asked for meanwhile
        settled = {"wait_for_status": "yellow", "wait_for_no_initializing_shards": "true"}
        with cluster.client() as client:
            client.get("/_cluster/health", params=settled).raise_for_status()
        yield cluster


@pytest.fixture
def admin(secured: Cluster) -> ClusterOptions:
    """Somebody who may do everything."""
    return somebody(secured, user=(Security().user, Security().password))


@pytest.fixture
async def namespace(admin: ClusterOptions) -> str:
    """One with an entry, `i1` under `shoes`."""
    namespace = new_namespace()
    async with joined(admin, namespace) as store:
        await store.found()
        await store.begin()
        await put_all(store, [new("i1", NORTH, "shoes")])
    return namespace


def reader(secured: Cluster, namespace: str) -> ClusterOptions:
    """What the README says that a process needs that searches only."""
    return with_key(secured, {f"{namespace}@*": READS})


def indexer(secured: Cluster, namespace: str) -> ClusterOptions:
    """What the README says that an indexer needs."""
    return with_key(secured, {f"{namespace}@*": WRITES, f"{prefix(namespace)}*": ["manage"]})


async def refused(options: ClusterOptions, namespace: str) -> str:
    """Why a process does not start."""
    async with joined(options, namespace) as store:
        with pytest.raises(SetupError) as caught:
            await store.check()
    return str(caught.value)


# TLS.


async def test_a_server_is_trusted_through_its_authority(admin: ClusterOptions, namespace: str) -> None:
    async with joined(admin, namespace) as store:
        await store.check()
        await store.ping()
        assert ["i1"] == await found(store, NORTH)


@pytest.mark.parametrize("of_a_stranger", [True, False])
async def test_a_server_that_nobody_vouches_for_is_told_at_the_start(
    admin: ClusterOptions, tmp_path: Path, *, of_a_stranger: bool
) -> None:
    file = tmp_path / "authority.pem"
    file.write_text(STRANGER)
    options = replace(admin, ca_file=file if of_a_stranger else None)
    assert NOT_TRUSTED == await refused(options, "somewhere")


async def test_a_server_with_the_certificate_of_another_address_is_told_at_the_start(
    admin: ClusterOptions, tmp_path: Path
) -> None:
    file = tmp_path / "node.pem"
    file.write_text(CERTIFICATE + KEY)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    async with serving(silent, tls=tls) as site:
        options = replace(admin, nodes=(f"https://{site.host}:{site.port}",))
        assert NOT_TRUSTED == await refused(options, "somewhere")
    assert not site.all_calls


async def silent(_: Call) -> None:
    """Is asked nothing."""


async def test_a_server_that_speaks_plainly_is_not_spoken_to_with_tls(
    admin: ClusterOptions, elasticsearch_8: str
) -> None:
    async with joined(replace(admin, nodes=(elasticsearch_8.replace("http:", "https:"),)), "somewhere") as store:
        with pytest.raises(StoreUnavailableError, match="look whether it speaks https at LOOKALIKE_STORE"):
            await store.check()


async def test_a_server_that_speaks_tls_is_not_spoken_to_plainly(admin: ClusterOptions) -> None:
    async with joined(replace(admin, nodes=(admin.nodes[0].replace("https:", "http:"),)), "somewhere") as store:
        with pytest.raises(StoreUnavailableError, match="Elasticsearch does not answer"):
            await store.check()


# Keys and users.


@pytest.mark.parametrize(
    "who", [{"user": ("admin", "a wrong password")}, {"user": ("nobody", "a word")}, {"api_key": "aWQ6c2VjcmV0"}, {}]
)
async def test_who_is_not_known_is_not_let_in(
    secured: Cluster, who: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert NOT_LET_IN == await refused(somebody(secured, **who), "somewhere")
    async with joined(somebody(secured, **who), "somewhere") as store:
        with pytest.raises(StoreUnavailableError) as of_search:
            await found(store, NORTH)
        with pytest.raises(StoreUnavailableError) as of_ping:
            await store.ping()
    assert {NOT_LET_IN} == {str(of_search.value), str(of_ping.value)}
    for secret in ("a wrong password", "a word", "aWQ6c2VjcmV0", "127.0.0.1", "/_nodes", "/_search", "https:"):
        assert secret not in caplog.text


async def test_a_key_that_is_taken_back_lets_nobody_in_any_more(secured: Cluster, namespace: str) -> None:
    options = reader(secured, namespace)
    async with joined(options, namespace) as store:
        assert ["i1"] == await found(store, NORTH)
        with secured.client() as client:
            client.request("DELETE", "/_security/api_key", json={"ids": [key_id(options)]}).raise_for_status()
        with pytest.raises(StoreUnavailableError) as caught:
            await found(store, NORTH)
    assert NOT_LET_IN == str(caught.value)


# Privileges.


async def test_a_key_that_may_only_read_starts_and_searches(secured: Cluster, namespace: str) -> None:
    async with joined(reader(secured, namespace), namespace) as store:
        await store.check()
        await store.ping()
        await store.refresh()
        assert ["i1"] == await found(store, NORTH)
        assert ["i1"] == await found(store, NORTH, 10, "shoes", exact=True)
        assert {"i1"} == set(await store.entries(["i1", "i2"]))
        assert await store.features("i1") is not None
        assert ["shoes"] == [label.label_id for label in await store.labels()]
        assert {"shoes": 1} == await store.counts()


async def test_a_key_that_may_only_read_does_not_begin_to_index_and_says_what_it_lacks(
    secured: Cluster, namespace: str
) -> None:
    async with joined(reader(secured, namespace), namespace) as store:
        with pytest.raises(SetupError) as caught:
            await store.found()
        for change in (store.put([new("i2", NORTH)]), store.begin()):
            with pytest.raises(LookalikeError):
                await change
        assert await store.entry("i2") is None
    lacks = f"manage, write on '{namespace}@*' and manage on '{prefix(namespace)}*'"
    assert f"The key or user for Elasticsearch lacks {lacks}{README}" == str(caught.value)


async def test_a_key_that_may_only_read_starts_before_there_is_anything(secured: Cluster) -> None:
    namespace = new_namespace()
    async with joined(reader(secured, namespace), namespace) as store:
        await store.check()
        assert not await found(store, NORTH)
        assert not await store.labels()


@pytest.mark.parametrize("lacking", READS)
async def test_what_a_reader_lacks_is_named(secured: Cluster, lacking: str) -> None:
    namespace = new_namespace()
    options = with_key(secured, {f"{namespace}@*": sorted({*READS} - {lacking})})
    assert f"The key or user for Elasticsearch lacks {lacking} on '{namespace}@*'{README}" == await refused(
        options, namespace
    )


async def test_a_privilege_on_the_cluster_that_is_missing_is_named(secured: Cluster) -> None:
    namespace = new_namespace()
    options = with_key(secured, {f"{namespace}@*": READS}, cluster=())
    assert f"The key or user for Elasticsearch lacks monitor on the cluster{README}" == await refused(
        options, namespace
    )


async def test_a_key_for_another_namespace_is_no_key_for_ours(secured: Cluster) -> None:
    namespace = new_namespace()
    said = await refused(with_key(secured, {"another@*": ["all"]}), namespace)
    assert f"The key or user for Elasticsearch lacks {', '.join(READS)} on '{namespace}@*'{README}" == said


async def test_a_key_with_the_privileges_of_the_readme_does_everything(secured: Cluster) -> None:
    namespace = new_namespace()
    async with joined(indexer(secured, namespace), namespace) as store:
        await store.found()
        await store.begin()
        await store.name_labels({"shoes": "Shoes"})
        await put_all(store, [new("i1", NORTH, "shoes"), new("i2", NORTH, "hats", "shoes"), new("i3", NORTH, "hats")])
        await store.add_label(["i1"], "hats")
        await store.delete("i3")
        await store.forgive("hats")
        await store.drop_label("shoes")
        await store.keep_space(ONE)
        for space_id in (ONE.space.space_id, SPACE.space_id):
            await store.activate(space_id)
        await store.drop_space(ONE.space.space_id)
        await store.ping()
        assert ["i1", "i2"] == await found(store, NORTH)
        assert [("hats", 2)] == [(label.label_id, label.image_count) for label in await store.labels()]
    with secured.client() as client:
        aliases = client.get(f"/{namespace}@{SPACE.space_id}/_alias").raise_for_status().json()
    expected = {f"{namespace}@all", f"{prefix(namespace)}hats"}
    assert expected == set(aliases[f"{namespace}@{SPACE.space_id}"]["aliases"])


@pytest.mark.parametrize(
    ("ours", "aliases", "lacks"),
    [
        (("read", "manage"), ("manage",), "write on '{0}@*'"),
        (("read", "write", "view_index_metadata", "monitor"), ("manage",), "manage on '{0}@*'"),
        (WRITES, ("view_index_metadata",), "manage on '{0}-*'"),
        (WRITES, (), "manage on '{0}-*'"),
    ],
)
async def test_what_an_indexer_lacks_is_named_and_nothing_is_made(
    secured: Cluster, ours: Sequence[str], aliases: Sequence[str], lacks: str
) -> None:
    namespace = new_namespace()
    options = with_key(secured, {f"{namespace}@*": ours, f"{prefix(namespace)}*": aliases})
    async with joined(options, namespace) as store:
        with pytest.raises(SetupError) as caught:
            await store.found()
    assert f"The key or user for Elasticsearch lacks {lacks.format(namespace)}{README}" == str(caught.value)
    with secured.client() as client:
        assert [] == client.get(f"/_resolve/index/{namespace}@*").raise_for_status().json()["indices"]


async def test_a_privilege_that_is_taken_away_while_a_process_runs_is_told_then(
    secured: Cluster, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    options, role = reader(secured, namespace), {"test": {"cluster": ["monitor"], "indices": []}}
    async with joined(options, namespace) as store:
        await store.check()
        with secured.client() as client:
            client.put(f"/_security/api_key/{key_id(options)}", json={"role_descriptors": role}).raise_for_status()
        with pytest.raises(StoreUnavailableError) as caught:
            await found(store, NORTH)
    assert str(caught.value) == (
        "Elasticsearch does not let this service do what it has to: the README lists the privileges that"
        " LOOKALIKE_STORE_API_KEY or LOOKALIKE_STORE_USER needs."
    )
    assert re.search(
        r"403 'security_exception: action \[indices:data/read/(search|mget)\] is unauthorized", caplog.text
    )
    assert "127.0.0.1" not in caplog.text
