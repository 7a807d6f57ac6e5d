"""Fewer photos than their features have numbers -> as many numbers as photos, and nothing between them is other.

What is learned from photos, and what they then find among themselves, takes only their products with each other. A
rotation that brings them into their own span keeps these, and a fit there takes n^3 steps in place of D^3.
"""

import numpy as np

from app.domain.learning.moments import Features


def in_their_span(features: Features) -> Features:
    """[n, D] -> float32 [n, n], with the products of any two rows as before; as they are from n = D on."""
    count, width = features.shape
    if count >= width:
        return features
    # With Q^T Q = 1 the rows of R^T have the same products; Q itself takes as long again.
    right = np.asarray(np.linalg.qr(features.T.astype(np.float64), mode="r"))
    return np.asarray(right.T, np.float32)
