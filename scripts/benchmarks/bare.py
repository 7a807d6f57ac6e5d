"""The limit beside which the service is put: the same photos, the same pixels, the same network, in a plain loop.

No HTTP, no store, no second thread. `prepare` and `embed` are the service's own, with its own settings.
Run as `python -m benchmarks.bare PHOTOS --seconds N`, PHOTOS being a file with a path on each line; prints JSON.
"""

import argparse
import itertools
import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Final

from app.adapters.embedding import OnnxEmbedder
from app.config import Settings
from app.domain.imaging import Limits, prepare

_WARM_UP_PHOTOS: Final = 20
_PHOTO_TYPES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp"})


def photos_in(folder: Path) -> list[Path]:
    """Every photo below a folder, in order of its path."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in _PHOTO_TYPES)


def embedder_of(settings: Settings) -> OnnxEmbedder:
    """The service's embedder, as its wiring makes it."""
    limits = Limits(settings.max_image_bytes, settings.max_image_pixels, settings.min_image_side)
    return OnnxEmbedder(settings.model, views=settings.views, colour_weight=settings.colour_weight, limits=limits)


def photo_times_s(embedder: OnnxEmbedder, photos: Iterable[bytes]) -> Iterator[float]:
    """The seconds that each photo takes from its bytes to its features, one after the other."""
    for data in photos:
        started = time.perf_counter()
        embedder.embed([prepare(data, embedder.recipe)])
        yield time.perf_counter() - started


def _until(times_s: Iterable[float], seconds: float) -> Iterator[float]:
    started = time.perf_counter()
    for time_s in times_s:
        yield time_s
        if time.perf_counter() - started >= seconds:
            return


def main() -> None:
    """Measure and print: photos a second, processor seconds and median milliseconds a photo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--seconds", type=float, default=0, help="how long; 0: every photo once")
    arguments = parser.parse_args()
    photos = [Path(line).read_bytes() for line in arguments.photos.read_text("utf-8").splitlines()]
    embedder = embedder_of(Settings())
    for _ in photo_times_s(embedder, photos[:_WARM_UP_PHOTOS]):
        pass
    started, cpu_before_s = time.perf_counter(), time.process_time()
    if arguments.seconds:
        times_s = list(_until(photo_times_s(embedder, itertools.cycle(photos)), arguments.seconds))
    else:
        times_s = list(photo_times_s(embedder, photos))
    seconds, cpu_s = time.perf_counter() - started, time.process_time() - cpu_before_s
    measured = {
        "photos_per_s": len(times_s) / seconds,
        "cpu_s": cpu_s / len(times_s),
        "median_ms": median(times_s) * 1000,
    }
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
