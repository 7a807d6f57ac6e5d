"""Drawn products of several photos: the same thing on scenes of all kinds, so that there is something to learn."""

import random
from pathlib import Path

from tests.service.conftest import drawn, encoded

_SIDE = 50


def photo_of(product: str, scene: str) -> bytes:
    """A PNG of 120x90 with the product somewhere on it."""
    picture = drawn(f"scene {scene}")
    chance = random.Random(scene)
    place = chance.randrange(picture.width - _SIDE), chance.randrange(picture.height - _SIDE)
    picture.paste(drawn(f"product {product}", (_SIDE, _SIDE)), place)
    return encoded(picture, "PNG")


def draw_products(root: Path, products: int, photos: int) -> list[str]:
    """`<root>/p<n>/<n>.png`, a label for each product; the labels."""
    labels = [f"p{number}" for number in range(products)]
    for label in labels:
        (root / label).mkdir(parents=True)
        for number in range(photos):
            (root / label / f"{number}.png").write_bytes(photo_of(label, f"{label} {number}"))
    return labels
