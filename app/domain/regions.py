"""The last map of a query photo and the photo that it found -> which parts of the query look like that photo.

A diagnostic: the network was never taught to point at anything, and a cell sees far more than its own place.
"""

import numpy as np
import numpy.typing as npt

from app.domain.features import EMBEDDING_DIMENSIONS, Vector, unit
from app.domain.imaging import Box
from app.domain.pixels import CROP_SIDE
from app.domain.records import StoredFeatures

LastMap = npt.NDArray[np.float32]
"""float32 [7, 7, 1280]: the network's last map of one view, rows from the top, as it is before it is pooled."""
LastMaps = npt.NDArray[np.float32]
"""float32 [n, 7, 7, 1280]."""
Regions = npt.NDArray[np.float32]
"""float32 [7, 7]: a cosine for each cell, in [-1, 1]."""


def likeness(cells: LastMap, features: Vector | StoredFeatures) -> Regions:
    """The cosine of each cell with the pooled vector of a photo, which is the first 1280 of its features.

    A cell in which nothing is active is 0.
    """
    pooled = unit(features[:EMBEDDING_DIMENSIONS].astype(np.float32))
    return np.asarray(np.clip(unit(cells) @ pooled, -1.0, 1.0), np.float32)


def seen_box(width: int, height: int, crop: Box | None, shorter_side: int) -> Box:
    """The part of a photo, of its size in pixels, that one view shows to the network."""
    part = crop or Box(0.0, 0.0, 1.0, 1.0)
    across, down = (part.x_max - part.x_min) * width, (part.y_max - part.y_min) * height
    side = min(across, down) * CROP_SIDE / shorter_side
    x_min, y_min = part.x_min + (across - side) / 2 / width, part.y_min + (down - side) / 2 / height
    return Box(x_min, y_min, x_min + side / width, y_min + side / height)
