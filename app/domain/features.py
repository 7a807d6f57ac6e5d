"""Pixels and the network's embedding -> a photo's features, the vector that is stored and searched.

`f = unit([g, w * h])`: g is the mean direction of the views' embeddings (1280 numbers), h the colour histogram (384), w
the weight of colour. With weight 0 the features are the 1280 alone.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from app.domain.pixels import centre_box

Vector = npt.NDArray[np.float32]
"""float32 [dimensions], unit length."""
Vectors = npt.NDArray[np.float32]
"""float32 [n, dimensions], rows of unit length."""
Colour = npt.NDArray[np.float32]
"""float32 [384], unit length."""

EMBEDDING_DIMENSIONS: Final = 1280
_BINS: Final = (12, 4, 4)  # hue, saturation, value
_BIN_COUNT: Final = 12 * 4 * 4
COLOUR_DIMENSIONS: Final = 2 * _BIN_COUNT
_SIDE: Final = 64
_INNER: Final = slice(16, 48)

_levels = np.arange(256)
_HUE, _SATURATION, _VALUE = ((_levels * bins >> 8).astype(np.uint8) for bins in _BINS)
_HUE *= _BINS[1] * _BINS[2]
_SATURATION *= _BINS[2]


def dimensions(colour_weight: float) -> int:
    """How many numbers a photo's features have."""
    return EMBEDDING_DIMENSIONS + (COLOUR_DIMENSIONS if colour_weight else 0)


def colour_histogram(image: Image.Image) -> Colour:
    """An RGB photo -> float32 [384] of unit length.

    The centre square, 64x64, in HSV, 12x4x4 bins: the square-rooted histograms of its inner 32x32 and of the whole.
    """
    square = image.resize((_SIDE, _SIDE), Image.Resampling.BOX, box=centre_box(*image.size, 1.0), reducing_gap=2.0)
    hue, saturation, value = (np.asarray(channel) for channel in square.convert("HSV").split())
    bins = _HUE[hue] + _SATURATION[saturation] + _VALUE[value]
    return np.concatenate([_rooted(bins[_INNER, _INNER]), _rooted(bins)]) * np.float32(0.5**0.5)


def _rooted(bins: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    counts = np.bincount(bins.ravel(), minlength=_BIN_COUNT)
    return np.sqrt(counts / bins.size).astype(np.float32)


def mean_direction(embeddings: npt.NDArray[np.float32]) -> Vectors:
    """float32 [n, views, 1280], unit length each -> float32 [n, 1280], unit length."""
    return unit(embeddings.mean(axis=1)) if embeddings.shape[1] > 1 else embeddings[:, 0]


def with_colour(embeddings: Vectors, colours: npt.NDArray[np.float32], weight: float) -> Vectors:
    """float32 [n, 1280] and [n, 384] -> float32 [n, 1664], unit length."""
    return unit(np.concatenate([embeddings, np.float32(weight) * colours], axis=1))


def unit(vectors: npt.NDArray[np.float32]) -> Vectors:
    """Rows scaled to length 1; a row of zeros stays one."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)
