"""A small drawn catalogue and one running service for the tests that do not change it."""

import io
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from PIL import Image, ImageDraw

from tests.service.running import CLUSTERS, Service, running

_MANY_SHARDS: Final = {"persistent": {"cluster.max_shards_per_node": 5000}}


@pytest.fixture(scope="session")
def elasticsearch_8(searched_elasticsearch_8: str) -> str:
    """Accuracy takes thousands of searches."""
    return searched_elasticsearch_8


@pytest.fixture(scope="session", params=["embedded", "elasticsearch-8"], autouse=True)
def store(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each test of the service is done on each store, all of them on one before the next."""
    if request.param == "embedded":
        yield request.param
        return
    url = request.getfixturevalue("elasticsearch_8")
    # Each data folder has indices of its own.
    httpx.put(f"{url}/_cluster/settings", json=_MANY_SHARDS, trust_env=False).raise_for_status()
    CLUSTERS.append(url)
    yield request.param
    CLUSTERS.remove(url)


def drawn(seed: str, size: tuple[int, int] = (120, 90)) -> Image.Image:
    """A picture like no other: ellipses of chance colours."""
    chance = random.Random(seed)
    image = Image.new("RGB", size, tuple(chance.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        x, y, r = chance.randrange(size[0]), chance.randrange(size[1]), chance.randrange(5, 40)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=tuple(chance.randrange(256) for _ in range(3)))
    return image


def encoded(image: Image.Image, kind: str = "JPEG") -> bytes:
    """A picture as a file's bytes."""
    data = io.BytesIO()
    image.save(data, kind)
    return data.getvalue()


def draw_catalogue(root: Path, labels: dict[str, int]) -> Path:
    """`<root>/<label>/<n>.jpg`, so many for each label."""
    for label, count in labels.items():
        (root / label).mkdir(parents=True)
        for number in range(count):
            (root / label / f"{number}.jpg").write_bytes(encoded(drawn(f"{label} {number}")))
    return root


@pytest.fixture(scope="module")
def data_dir(store: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the module's own on each store; a service in it is so, too."""
    return tmp_path_factory.mktemp(f"data-{store}")


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two plain labels, one with product folders and odd names, one never indexed."""
    root = draw_catalogue(tmp_path_factory.mktemp("catalogue"), {"cups": 6, "Big Plates": 4, "never": 2})
    for product in ("red one", "blue|one"):
        (root / "shoes" / product / "worn").mkdir(parents=True)
        for path in (f"{product}/1.JPG", f"{product}/2 ü.png", f"{product}/worn/3.jpg"):
            (root / "shoes" / path).write_bytes(encoded(drawn(product + path)))
    (root / "cups" / "notes.jpg").write_text("no picture at all")
    (root / "cups" / "half.jpg").write_bytes(encoded(drawn("half"))[:900])
    (root / "cups" / ".hidden.jpg").write_bytes(b"")
    return root


@pytest.fixture(scope="module")
def service(catalogue: Path, data_dir: Path) -> Iterator[Service]:
    """A service with everything indexed but one label."""
    with running(data_dir / "service", catalogue) as service:
        service.index("cups", "big-plates", "shoes")
        yield service
        assert not [line for line in service.log if "Traceback" in line]
