"""What a node is told: its settings and files, as functions of values."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.servers.certificates import AUTHORITY, CERTIFICATE, KEY

ADDRESS: Final = "127.0.0.1"
_ROUNDS: Final = 10_000
_SALT_BYTES: Final = 32
_SECURED: Final[Mapping[str, object]] = {
    "xpack.security.enabled": True,
    **{
        f"xpack.security.{layer}.ssl.{name}": value
        for layer in ("http", "transport")
        for name, value in {
            "enabled": True,
            "certificate": "node.pem",
            "key": "node.key",
            "certificate_authorities": "authority.pem",
        }.items()
    },
}


@dataclass(frozen=True, slots=True)
class Ports:
    """Of one node."""

    http: int
    transport: int


@dataclass(frozen=True, slots=True)
class Security:
    """TLS by a private authority, and one user who may do everything, API keys included."""

    user: str = "admin"
    password: str = "for tests alone"  # noqa: S105 - protects nothing


def settings(name: str, all_ports: Mapping[str, Ports], room: Path, security: Security | None) -> dict[str, object]:
    """What `elasticsearch.yml` says to a node. Settings of modules that are not there would stop the start."""
    seeds = [f"{ADDRESS}:{ports.transport}" for ports in all_ports.values()]
    formed = {"cluster.initial_master_nodes": list(all_ports), "discovery.seed_hosts": seeds}
    return {
        "cluster.name": room.name,
        "node.name": name,
        "network.host": ADDRESS,
        "http.port": all_ports[name].http,
        "transport.port": all_ports[name].transport,
        "path.data": str(room / name / "data"),
        "path.logs": str(room / name / "logs"),
        # A disk that is nearly full is no reason to refuse the few documents of a test.
        "cluster.routing.allocation.disk.threshold_enabled": False,
        **({"discovery.type": "single-node"} if len(all_ports) == 1 else formed),
        **(_SECURED if security else {"xpack.security.enabled": False}),
    }


def files(values: Mapping[str, object], security: Security | None) -> dict[str, str]:
    """The files of a node's configuration that are ours, by name."""
    plain = {"elasticsearch.yml": as_yaml(values)}
    if security is None:
        return plain
    return plain | {
        "node.pem": CERTIFICATE,
        "node.key": KEY,
        "authority.pem": AUTHORITY,
        "users": f"{security.user}:{password_hash(security.password)}\n",
        "users_roles": f"superuser:{security.user}\n",
    }


def as_yaml(values: Mapping[str, object]) -> str:
    """Flat settings, one on a line."""
    return "".join(f"{name}: {_scalar(value)}\n" for name, value in values.items())


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(_scalar(one) for one in value)}]"
    return str(value) if isinstance(value, int) else f'"{value}"'


def password_hash(password: str) -> str:
    """As the file `users` holds it (Elasticsearch's `Hasher.PBKDF2`); any of its tools would cost a start of Java."""
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ROUNDS, dklen=32)
    return f"{{PBKDF2}}{_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"
