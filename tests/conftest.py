"""What every test may use: drawn photos, the shared data where it is, and the real service."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"


def pytest_configure(config: pytest.Config) -> None:
    """Register our marker."""
    config.addinivalue_line("markers", "shared: needs the folder of real photos beside the checkout")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Without the real photos: skip on a user's machine, fail where CI runs."""
    if item.get_closest_marker("shared") and not SHARED.is_dir():
        reason = "needs ../shared/data, real photos that are not part of the repository"
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
