"""Photo -> the pixels that the network sees: the rule that serving, indexing and the model's export share.

ImageNet's own evaluation crop: the shorter side goes to 256 keeping the shape, and the centre 224 is cut out. Both
steps are one bicubic resize of the box that ends up in the crop, so that no pixel outside it is computed.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]

CROP_SIDE: Final = 224
SHORTER_SIDES: Final = {1: (256,), 2: (224, 320)}
"""The shorter sides a photo is resized to, by number of views: each view is the centre 224 of one of them."""

PIXEL_RULE: Final = "rgb; shorter side to S, centre 224; bicubic; reducing gap 3; S by views: 1: 256, 2: 224 and 320"
"""Names everything in this module that changes a vector; part of the model's fingerprint."""

_REDUCING_GAP: Final = 3.0


def centre_box(width: int, height: int, share: float) -> tuple[float, float, float, float]:
    """The centred square that measures `share` of the shorter side, as (left, upper, right, lower) in pixels."""
    side = min(width, height) * share
    left, upper = (width - side) / 2, (height - side) / 2
    return left, upper, left + side, upper + side


def centre_crop(image: Image.Image, shorter_side: int) -> Pixels:
    """An RGB photo of any size -> uint8 [224, 224, 3]."""
    box = centre_box(*image.size, CROP_SIDE / shorter_side)
    crop = image.resize((CROP_SIDE, CROP_SIDE), Image.Resampling.BICUBIC, box=box, reducing_gap=_REDUCING_GAP)
    return np.asarray(crop)


def views_of(image: Image.Image, shorter_sides: Sequence[int]) -> Pixels:
    """An RGB photo -> uint8 [len(shorter_sides), 224, 224, 3]."""
    return np.stack([centre_crop(image, side) for side in shorter_sides])
