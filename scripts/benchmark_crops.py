"""Whether suggested crops find products that are small in a photo. Run by scripts/benchmark_crops.

Labelled photos are pasted into photos of other things, at a quarter to a half of the scene's side, and put to a real
service over HTTP that has indexed and learned other photos of the same products. Each scene is searched as a whole, by
its suggested crops, by as many crops by chance, and by the box that the product is in: of several crops the one whose
best product scores highest answers.
"""

import argparse
import io
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np
from benchmarks.bare import photos_in
from benchmarks.load import ended, index_everything
from benchmarks.processes import Service, alone, service, two_cores
from benchmarks.report import Goal, print_report, table
from PIL import Image, ImageOps

_SCENE_SIDE_PX: Final = 640
_SHARES: Final = (0.25, 0.5)
_CROPS: Final = 3
_CELLS: Final = 7
_CELLS_OF_A_CROP: Final = (2, 4)
_SEED: Final = 8
_TIMEOUT_S: Final = 1800
_REQUEST_TIMEOUT_S: Final = 60
WAYS: Final = ("the whole photo", "suggested crops", "crops by chance", "the product's own box")

Box = tuple[float, float, float, float]
"""x_min, y_min, x_max, y_max as shares of the scene."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A product's photo within another photo: JPEG bytes, whose it is, and where."""

    jpeg: bytes
    product_id: str
    box: Box


def scenes(photos: Sequence[Path], backgrounds: Sequence[Path], count: int) -> Iterator[Scene]:
    """So many of the photos, by chance, each in a background by chance."""
    chance = np.random.default_rng(_SEED)
    for place in chance.permutation(len(photos))[:count].tolist():
        background = backgrounds[int(chance.integers(len(backgrounds)))]
        scene = ImageOps.fit(_opened(background), (_SCENE_SIDE_PX, _SCENE_SIDE_PX))
        product = _opened(photos[place])
        share = chance.uniform(*_SHARES)
        product.thumbnail((round(share * _SCENE_SIDE_PX),) * 2)
        x, y = (int(chance.integers(_SCENE_SIDE_PX - side + 1)) for side in product.size)
        scene.paste(product, (x, y))
        edges = (x, y, x + product.width, y + product.height)
        data = io.BytesIO()
        scene.save(data, "JPEG", quality=92)
        x_min, y_min, x_max, y_max = (edge / _SCENE_SIDE_PX for edge in edges)
        yield Scene(data.getvalue(), photos[place].parent.name, (x_min, y_min, x_max, y_max))


def _opened(photo: Path) -> Image.Image:
    with Image.open(photo) as image:
        return ImageOps.exif_transpose(image).convert("RGB")


def by_chance() -> Iterator[Box]:
    """Crops of the sizes that are suggested, anywhere."""
    chance = np.random.default_rng(_SEED)
    while True:
        side = int(chance.integers(_CELLS_OF_A_CROP[0], _CELLS_OF_A_CROP[1] + 1)) / _CELLS
        x, y = chance.uniform(0, 1 - side, 2).tolist()
        yield x, y, x + side, y + side


class Asking:
    """Searches of a service. Labels are its products."""

    def __init__(self, client: httpx.Client) -> None:
        """Learn what the labels are called."""
        self._client = client
        self._names = {item["name"]: item["label_id"] for item in _labels(client)}

    def right(self, scene: Scene, chance: Iterator[Box]) -> dict[str, bool]:
        """Whether the scene's own product comes first, each way."""
        whole = self._search(scene, suggest_crops="true")
        suggested = [one["crop"] for one in whole["suggested_crops"]]
        anywhere = [_as_field(next(chance)) for _ in range(_CROPS)]
        found = (
            [whole],
            [self._search(scene, crop=crop) for crop in suggested],
            [self._search(scene, crop=crop) for crop in anywhere],
            [self._search(scene, crop=_as_field(scene.box))],
        )
        own = self._names[scene.product_id]
        return {way: _best(answers) == own for way, answers in zip(WAYS, found, strict=True)}

    def _search(self, scene: Scene, **fields: str) -> dict[str, Any]:
        answer = self._client.post("/search", files={"image": ("scene.jpg", scene.jpeg)}, data={**fields, "k": "3"})
        found: dict[str, Any] = answer.raise_for_status().json()
        return found


def _labels(client: httpx.Client) -> Iterator[dict[str, Any]]:
    """Of all pages."""
    cursor: dict[str, str] | None = {}
    while cursor is not None:
        page = client.get("/labels", params={"limit": "200", **cursor}).raise_for_status().json()
        yield from page["items"]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None


def _as_field(box: Box) -> str:
    return ",".join(f"{edge:.4f}" for edge in box)


def _best(answers: Sequence[Mapping[str, Any]]) -> str | None:
    """The product that scores highest in any of the answers."""
    first = [answer["results"][0] for answer in answers if answer["results"]]
    return max(first, key=lambda result: result["score"])["product_id"] if first else None


def _measure(arguments: argparse.Namespace, running: Service) -> dict[str, list[bool]]:
    index_everything(running, _TIMEOUT_S)
    learned = ended(running, running.request("POST", "/adapt")[1], _TIMEOUT_S)
    if learned.get("state") != "succeeded":
        sys.exit(f"The service did not learn: {json.dumps(learned)[:2000]}")
    photos, backgrounds = photos_in(arguments.queries), photos_in(arguments.backgrounds)
    told: dict[str, list[bool]] = {way: [] for way in WAYS}
    chance = by_chance()
    with httpx.Client(base_url=f"http://127.0.0.1:{running.port}", timeout=_REQUEST_TIMEOUT_S) as client:
        asking = Asking(client)
        for scene in scenes(photos, backgrounds, arguments.photos):
            for way, right in asking.right(scene, chance).items():
                told[way].append(right)
    return told


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Whether suggested crops find products that are small in a photo.")
    parser.add_argument("gallery", type=Path, help="folder <product>/*.jpg that is indexed")
    parser.add_argument("queries", type=Path, help="folder <product>/*.jpg of other photos of these products")
    parser.add_argument("backgrounds", type=Path, help="folder <any>/*.jpg that they are pasted into")
    parser.add_argument("--photos", type=int, default=150, help="how many of the queries (150)")
    parser.add_argument("--json", action="store_true", help="print every figure as JSON")
    return parser.parse_args()


def main() -> None:
    """Measure and print; the service is ended and what was written is removed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Ended by SIGTERM."))
    arguments = _arguments()
    for folder in (arguments.gallery, arguments.queries, arguments.backgrounds):
        if not photos_in(folder):
            sys.exit(f"There is no photo in {folder}: it takes <folder>/<product>/*.jpg.")
    os.environ["LOOKALIKE_PRODUCT_FROM"] = "label"
    with (
        alone(),
        tempfile.TemporaryDirectory(prefix="lookalike-benchmark-") as name,
        service(two_cores().measured, Path(name), arguments.gallery.resolve()) as running,
    ):
        told = _measure(arguments, running)
    shares = {way: float(np.mean(right)) for way, right in told.items()}
    errors = {way: float(np.std(right) / len(right) ** 0.5) for way, right in told.items()}
    rows = [(way, shares[way], errors[way]) for way in WAYS]
    count = len(told[WAYS[0]])
    tables = [table(f"The right product first, {count} scenes", ("", "share", "standard error"), rows)]
    whole, suggested, chance, _ = WAYS
    goals = [
        Goal("suggested crops over the whole photo", shares[suggested] - shares[whole], 0.0, at_least=True),
        Goal("suggested crops over crops by chance", shares[suggested] - shares[chance], 0.0, at_least=True),
    ]
    print_report(tables, goals, {"scenes": count, "shares": shares, "standard_errors": errors}, as_json=arguments.json)


if __name__ == "__main__":
    main()
