"""/products: what was indexed, by what it shows."""

from typing import Annotated

from fastapi import APIRouter, Path

from app.api.deps import PAGE, Cursor, Limit, Using, decode_cursor, encode_cursor
from app.api.problems import responses
from app.api.schemas.images import Image
from app.api.schemas.products import ProductOut, ProductPage, ProductSize

router = APIRouter(tags=["Index"])

ProductPath = Annotated[
    str,
    Path(min_length=1, max_length=200, description="A product's id, percent-encoded.", examples=["shoes:red one"]),
]


@router.get("/products", summary="Products by id", responses=responses(422, 503))
async def list_products(services: Using, limit: Limit = PAGE, cursor: Cursor = None) -> ProductPage:
    """Every product with indexed photos, and how many it has."""
    after = decode_cursor(cursor, [str])
    sizes = await services.browsing.products(after[0] if after else "", limit + 1)
    items = [ProductSize(product_id=product_id, image_count=count) for product_id, count in sizes.items()]
    more = encode_cursor((items[limit - 1].product_id,)) if len(items) > limit else None
    return ProductPage(items=items[:limit], next_cursor=more)


@router.get("/products/{product_id:path}", summary="One product and its photos", responses=responses(404, 422, 503))
async def get_product(
    services: Using, product_id: ProductPath, limit: Limit = PAGE, cursor: Cursor = None
) -> ProductOut:
    """Its photos by image id, a page at a time."""
    after = decode_cursor(cursor, [str])
    photos = await services.browsing.photos_of_product(product_id, after[0] if after else "", limit + 1)
    more = encode_cursor((photos[limit - 1].image_id,)) if len(photos) > limit else None
    return ProductOut(product_id=product_id, images=[Image.of(entry) for entry in photos[:limit]], next_cursor=more)
