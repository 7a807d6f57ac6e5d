"""How many photos products have -> whether learning again may tell more than it did the last time."""

from collections.abc import Mapping


def has_grown(sizes: Mapping[str, int], before: int) -> bool:
    """The products' photos, and how many photos there were the last time (0: never) -> whether to learn again.

    There must be a tenth more, and something to learn from: two products of two photos.
    """
    photos = sum(sizes.values())
    teaching = sum(count > 1 for count in sizes.values())
    return teaching > 1 and photos > before and 10 * photos >= 11 * before
