"""Somebody at a secured cluster: with a key, with none."""

import base64
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from app.adapters.stores.elasticsearch.client import ClusterOptions
from tests.clusters import Cluster


def somebody(secured: Cluster, **options: Any) -> ClusterOptions:
    """Who has what the options say, and trusts the authority."""
    return ClusterOptions(tuple(secured.urls), ca_file=secured.ca_file, **options)


def with_key(
    secured: Cluster, privileges: Mapping[str, Collection[str]], cluster: Sequence[str] = ("monitor",)
) -> ClusterOptions:
    """Somebody with a new key, with these privileges on indices and aliases by name."""
    indices = [{"names": [name], "privileges": [*each]} for name, each in privileges.items() if each]
    role = {"cluster": list(cluster), "indices": indices}
    with secured.client() as client:
        answer = client.post("/_security/api_key", json={"name": "test", "role_descriptors": {"test": role}})
        return somebody(secured, api_key=answer.raise_for_status().json()["encoded"])


def key_id(options: ClusterOptions) -> str:
    """By which the cluster knows a key."""
    return base64.b64decode(options.api_key or "").decode().partition(":")[0]
