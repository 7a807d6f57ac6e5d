"""Catalogues in each edition's own schema over the web's addresses, and what must become of each of their images."""

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, Final

from tests.hostile.kinds import INDEXED
from tests.hostile.plan import Planned

_LABELS: Final = 8
"""Of each catalogue."""
_ALTERNATES: Final = (3, 1, 2, 1)
"""How many addresses an image of FGVC 2017 has, in turn."""
_TWO_LABELS_EACH: Final = 10
"""Every such image of Fashion 2018 is under two labels."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An image as the service names it: its addresses in order, its labels, and what may become of it."""

    image_id: str
    urls: tuple[str, ...]
    label_count: int
    outcomes: frozenset[str]

    @property
    def good(self) -> bool:
        """Whether it must be indexed."""
        return self.outcomes == {INDEXED}


@dataclass(frozen=True, slots=True)
class Written:
    """The file for LOOKALIKE_CATALOGS, the catalogues' paths by name, and their images by id."""

    toml: Path
    paths: Mapping[str, Path]
    images: Mapping[str, Wanted]

    @property
    def total(self) -> int:
        """Images of all labels: one under two counts twice."""
        return sum(image.label_count for image in self.images.values())


def write_catalogues(folder: Path, addresses: Sequence[Planned]) -> Written:
    """One catalogue of each edition in `folder`; every address is used once."""
    paths, images, start = {}, list[Wanted](), 0
    for name, (share, write) in _EDITIONS.items():
        end = start + round(share * len(addresses))
        path = folder / name
        path.mkdir(parents=True)
        images += write(name, path, addresses[start : None if name == _LAST else end])
        paths[name], start = path, end
    toml = folder / "catalogues.toml"
    # JSON's strings are TOML's too.
    toml.write_text("".join(f"[catalogues.{name}]\npath = {json.dumps(str(path))}\n" for name, path in paths.items()))
    return Written(toml, paths, {image.image_id: image for image in images})


def outcomes_of(alternates: Sequence[Planned]) -> frozenset[str]:
    """What may become of an image with several addresses: the first that serves wins, the last one's reason counts."""
    if any(one.kind.good for one in alternates):
        return frozenset({INDEXED})
    may_serve = {INDEXED} if any(not one.kind.sure for one in alternates) else set()
    return alternates[-1].outcomes | may_serve


def _wanted(image_id: str, alternates: Sequence[Planned], label_count: int = 1) -> Wanted:
    return Wanted(image_id, tuple(one.url for one in alternates), label_count, outcomes_of(alternates))


def _save(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content), "utf-8")


def _furniture(name: str, folder: Path, addresses: Sequence[Planned]) -> Iterable[Wanted]:
    """Two files whose ids both count from 1."""
    half = len(addresses) * 2 // 3
    for split, part in {"train": addresses[:half], "validation": addresses[half:]}.items():
        images = [{"url": [one.url], "image_id": number} for number, one in enumerate(part, 1)]
        labels = [{"image_id": number, "label_id": 1 + number % _LABELS} for number, _ in enumerate(part, 1)]
        text = json.dumps({"images": images, "annotations": labels}, indent=2)
        folder.joinpath(f"{split}.json").write_text(text.replace("},\n", "}, \n"), "utf-8")
        yield from (_wanted(f"{name}:{split}:{number}", [one]) for number, one in enumerate(part, 1))


def _fashion_2018(name: str, folder: Path, addresses: Sequence[Planned]) -> Iterable[Wanted]:
    """Everything a string; ids out of order; some images under two labels."""
    ids = [str(35 + number * 7919 % 1_000_003) for number, _ in enumerate(addresses)]
    labels = [
        [str(1 + number % _LABELS), *([str(1 + (number + 1) % _LABELS)] if number % _TWO_LABELS_EACH == 0 else [])]
        for number, _ in enumerate(addresses)
    ]
    images = [{"url": one.url, "imageId": own_id} for own_id, one in zip(ids, addresses, strict=True)]
    annotations = [{"labelId": each, "imageId": own_id} for own_id, each in zip(ids, labels, strict=True)]
    _save(folder / "train.json", {"annotations": annotations, "images": images})
    for own_id, one, each in zip(ids, addresses, labels, strict=True):
        yield _wanted(f"{name}:{own_id}", [one], len(each))


def _fgvc_2017(name: str, folder: Path, addresses: Sequence[Planned]) -> Iterable[Wanted]:
    """Annotations first, several addresses of one picture: the worst of each image are in front."""
    groups, rest = list[list[Planned]](), list(addresses)
    for count in cycle(_ALTERNATES):
        groups.append(sorted(rest[:count], key=lambda one: one.kind.good))
        rest = rest[count:]
        if not rest:
            break
    images = [{"imageId": str(number), "url": [one.url for one in each]} for number, each in enumerate(groups, 1)]
    annotations = [
        {"imageId": str(number), "taskId": "1", "labelId": str(1 + number % _LABELS)}
        for number, _ in enumerate(groups, 1)
    ]
    licence = {"name": "CC BY-NC 4.0", "id": 1, "url": ""}
    content = {"license": licence, "annotations": annotations, "images": images, "info": {"year": 2017}}
    _save(folder / "fgvc4_iMat.train.data.json", content)
    names = [{"labelId": str(label), "labelName": f"kind {label}"} for label in range(1, _LABELS + 1)]
    _save(folder / "fgvc4_iMat.label_map.json", {"labelInfo": names})
    _save(folder / "fgvc4_iMat.task_map.json", {"taskInfo": [{"taskId": "1", "taskName": "shoe:type"}]})
    return [_wanted(f"{name}:{number}", each) for number, each in enumerate(groups, 1)]


def _product_2019(name: str, folder: Path, addresses: Sequence[Planned]) -> Iterable[Wanted]:
    """The class in the image, the id a file's name."""
    ids = [hashlib.md5(one.url.encode(), usedforsecurity=False).hexdigest() + ".jpg" for one in addresses]
    images = [
        {"id": own_id, "url": one.url, "class": number % _LABELS}
        for number, (own_id, one) in enumerate(zip(ids, addresses, strict=True))
    ]
    _save(folder / "train.json", {"images": images})
    leaves = {"level1_node1": {"level2_node1": {"level3_node1": [str(label) for label in range(_LABELS)]}}}
    _save(folder / "product_tree.json", leaves)
    return [_wanted(f"{name}:{own_id}", [one]) for own_id, one in zip(ids, addresses, strict=True)]


def _fashion_2020(name: str, folder: Path, addresses: Sequence[Planned]) -> Iterable[Wanted]:
    """As COCO has it, with the address beside a file's name."""
    images = [
        {"id": number, "kaggle_id": f"{number:032x}", "width": 400, "height": 533, "file_name": f"{number:032x}.jpg",
         "license": 1, "time_captured": "", "original_url": one.url, "isstatic": 1}
        for number, one in enumerate(addresses, 1)
    ]  # fmt: skip
    annotations = [
        {"id": number, "image_id": number, "category_id": number % _LABELS, "attribute_ids": [], "bbox": [0, 0, 9, 9],
         "segmentation": [[0, 0, 9, 0, 9, 9]], "area": 81, "iscrowd": 0}
        for number, _ in enumerate(addresses, 1)
    ]  # fmt: skip
    categories = [
        {"id": label, "name": f"garment {label}", "supercategory": "all", "level": 2} for label in range(_LABELS)
    ]
    content = {"info": {}, "categories": categories, "attributes": [], "images": images, "annotations": annotations}
    _save(folder / "instances_attributes_train2020.json", content)
    return [_wanted(f"{name}:{number}", [one]) for number, one in enumerate(addresses, 1)]


def _table(name: str, folder: Path, addresses: Sequence[Planned]) -> Iterable[Wanted]:
    """A shop's own list."""
    with folder.joinpath("products.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image_id", "label_id", "product_id", "url", "title"])
        for number, one in enumerate(addresses):
            rows.writerow(
                [f"p{number}", f"Rack {number % _LABELS}", f"sku-{number // 3}", one.url, f"No. {number}, new"]
            )
    return [_wanted(f"{name}:p{number}", [one]) for number, one in enumerate(addresses)]


_LAST: Final = "shop"
_EDITIONS: Final[Mapping[str, tuple[float, Callable[[str, Path, Sequence[Planned]], Iterable[Wanted]]]]] = {
    "furniture": (0.3, _furniture),
    "fashion": (0.2, _fashion_2018),
    "fgvc": (0.15, _fgvc_2017),
    "product": (0.2, _product_2019),
    "fashion2020": (0.05, _fashion_2020),
    _LAST: (0.1, _table),
}
"""Each edition's share of the addresses, and who writes it."""
