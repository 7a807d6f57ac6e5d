import base64
import hashlib
from pathlib import Path

import pytest

from tests.servers.distributions import DISTRIBUTIONS
from tests.servers.settings import Ports, Security, as_yaml, files, password_hash, settings
from tests.servers.standins import SOURCE, components, descriptor

ROOM = Path("/room")
THREE = {f"node-{number}": Ports(9200 + number, 9300 + number) for number in range(3)}


@pytest.mark.parametrize("security", [None, Security()])
def test_every_address_is_loopbacks(security: Security | None) -> None:
    said = settings("node-1", THREE, ROOM, security)
    assert "127.0.0.1" == said["network.host"]
    assert [f"127.0.0.1:{port}" for port in (9300, 9301, 9302)] == said["discovery.seed_hosts"]


def test_a_node_has_its_own_ports_and_folders() -> None:
    said = settings("node-1", THREE, ROOM, None)
    assert (9201, 9301) == (said["http.port"], said["transport.port"])
    assert ("/room/node-1/data", "/room/node-1/logs") == (said["path.data"], said["path.logs"])


def test_one_node_is_a_cluster_at_once() -> None:
    said = settings("node-1", {"node-1": Ports(1, 2)}, ROOM, None)
    assert "single-node" == said["discovery.type"]
    assert "cluster.initial_master_nodes" not in said


def test_settings_are_yaml() -> None:
    values = {"a.b": True, "port": 9200, "seeds": ["127.0.0.1:1", "127.0.0.1:2"], "path": "/with space"}
    expected = 'a.b: true\nport: 9200\nseeds: ["127.0.0.1:1", "127.0.0.1:2"]\npath: "/with space"\n'
    assert expected == as_yaml(values)


def test_only_a_secured_node_has_a_certificate_and_a_user() -> None:
    assert {"elasticsearch.yml"} == set(files({}, None))
    secured = files({}, Security("me", "a password of mine"))
    assert "superuser:me\n" == secured["users_roles"]
    assert "a password of mine" not in "".join(secured.values())


def test_a_password_is_kept_as_a_salted_hash() -> None:
    kind, salt, digest = password_hash("a password of mine").split("$")
    made = hashlib.pbkdf2_hmac("sha512", b"a password of mine", base64.b64decode(salt), 10_000, dklen=32)
    assert ("{PBKDF2}10000", made) == (kind, base64.b64decode(digest))
    assert password_hash("a password of mine") != password_hash("a password of mine")


def test_every_stand_in_is_named() -> None:
    source = SOURCE.read_text("utf-8")
    named = components(source)
    assert {"pattern_capture", "unique", "lowercase"} == set(
        named["org.elasticsearch.plugin.analysis.TokenFilterFactory"]
    )
    assert {"uax_url_email": "standins.StandIns$UaxUrlEmail"} == named[
        "org.elasticsearch.plugin.analysis.TokenizerFactory"
    ]


@pytest.mark.parametrize("version", DISTRIBUTIONS)
def test_the_plugin_is_made_for_one_version(version: str) -> None:
    assert f"elasticsearch.version={version}\n" in descriptor(DISTRIBUTIONS[version])
