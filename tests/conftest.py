"""What every test may use: drawn photos, the shared data where it is, and real servers."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

from tests.clusters import NoServerError, prepared, running_elasticsearch

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"

settings.register_profile("bounded", max_examples=50, deadline=None, database=None, derandomize=True)
settings.load_profile("bounded")


def pytest_configure(config: pytest.Config) -> None:
    """Register our marker."""
    config.addinivalue_line("markers", "shared: needs the folder of real photos beside the checkout")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Without the real photos: skip on a user's machine, fail where CI runs."""
    if item.get_closest_marker("shared") and not SHARED.is_dir():
        _do_without("needs ../shared/data, real photos that are not part of the repository")


def _do_without(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def clothing() -> Path:
    """600 real photos of clothes, ten labels."""
    return SHARED / "clothing"


@pytest.fixture(scope="session")
def grocery() -> Path:
    """Real photos of 41 grocery SKUs, train and test."""
    return SHARED / "grocery"


@pytest.fixture(scope="session")
def elasticsearch_8(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an Elasticsearch 8 that all tests of the session share: each uses names of its own."""
    yield from _address("8.19.21", "LOOKALIKE_TEST_ELASTICSEARCH_URL", tmp_path_factory, brief=True)


@pytest.fixture(scope="session")
def searched_elasticsearch_8(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Another one, for thousands of searches among long vectors: Java's better compiler is worth its time there."""
    yield from _address("8.19.21", "LOOKALIKE_TEST_ELASTICSEARCH_URL", tmp_path_factory, brief=False)


@pytest.fixture(scope="session")
def elasticsearch_9(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an Elasticsearch 9, shared likewise."""
    yield from _address("9.5.3", "LOOKALIKE_TEST_ELASTICSEARCH_9_URL", tmp_path_factory, brief=True)


def _address(version: str, variable: str, folders: pytest.TempPathFactory, *, brief: bool) -> Iterator[str]:
    """The user's own server, if one is named; else one of ours, started now and stopped with the session."""
    if named := os.environ.get(variable):
        yield named.rstrip("/")
        return
    _require(version)
    with running_elasticsearch(version, folders.mktemp("elasticsearch"), brief=brief) as cluster:
        yield cluster.urls[0]


@pytest.fixture(scope="session")
def own_elasticsearch() -> None:
    """For tests that start clusters of their own: skipped (in CI failed) with the reason where that cannot be done."""
    _require("8.19.21")


@pytest.fixture(scope="session")
def own_secured_elasticsearch() -> None:
    """Likewise, with API keys."""
    _require("8.19.21", secured=True)


def _require(version: str, *, secured: bool = False) -> None:
    try:
        prepared(version, secured=secured)
    except NoServerError as error:
        _do_without(str(error))
