"""Hits -> products: each product ranked by its nearest photo."""

from collections.abc import Sequence

from app.domain.records import Hit, ProductHit


def in_order(hits: Sequence[Hit]) -> list[Hit]:
    """By falling score, ties by image id."""
    return sorted(hits, key=lambda hit: (-hit.score, hit.entry.image_id))


def by_product(hits: Sequence[Hit]) -> list[ProductHit]:
    """Hits in order -> their products by falling score of their nearest photo, ties by product id."""
    groups: dict[str, list[Hit]] = {}
    for hit in hits:
        groups.setdefault(hit.entry.product_id, []).append(hit)
    ranked = sorted(groups.items(), key=lambda group: (-group[1][0].score, group[0]))
    return [_product(product_id, members) for product_id, members in ranked]


def by_image(hits: Sequence[Hit], k: int) -> list[ProductHit]:
    """Hits in order -> the first k, one result each."""
    return [_product(hit.entry.product_id, [hit]) for hit in hits[:k]]


def _product(product_id: str, hits: Sequence[Hit]) -> ProductHit:
    labels = {label for hit in hits for label in hit.entry.label_ids}
    return ProductHit(product_id, tuple(sorted(labels)), hits[0].score, tuple(hits))
