"""Questions -> what a store answers them, as `/search` would."""

import asyncio
import time
from collections.abc import Mapping, Sequence

from app.domain.errors import InvalidRequestError
from app.domain.evaluating.figures import NEAREST, PHOTOS, PRODUCTS, average_precision, exact_share, kept
from app.domain.evaluating.records import Reply, Shown
from app.domain.features import Vector
from app.domain.ports import Store
from app.flows.answering import Answering
from app.flows.finding import Finding, Nearest, Wanted
from app.flows.questions import Asked


class Asking:
    """Asks one question after the other, so that the times are those of a store with nothing else to do."""

    def __init__(self, store: Store, answering: Answering) -> None:
        """`answering` is over the same store."""
        self._finding = Finding(store)
        self._answering = answering
        self.space_ids: set[str] = set()

    async def ask(self, asked: Sequence[Asked], sizes: Mapping[str, int], stop: asyncio.Event) -> list[Reply]:
        """The replies in order, fewer when `stop` is set; `sizes` tells how many photos each product has."""
        replies = []
        for one in asked:
            if stop.is_set():
                break
            replies.append(await self._reply(one, sizes.get(one.question.product_id, 0)))
        return replies

    async def listen(self, asked: Sequence[Asked], stop: asyncio.Event) -> None:
        """Let them ask, so that whoever listens to answers has heard how they score; what they are told is let go."""
        for one in asked:
            if stop.is_set():
                break
            await self._answering.answer(await self._products(one.vector), one.vector, None)

    async def _products(self, vector: Vector) -> Nearest:
        return await self._finding.find(vector, Wanted(PRODUCTS, "product"))

    async def _reply(self, asked: Asked, relevant: int) -> Reply:
        vector = asked.vector
        started = time.perf_counter()
        products = await self._products(vector)
        search_ms = (time.perf_counter() - started) * 1000
        answer = await self._answering.answer(products, vector, None)
        photos = await self._finding.find(vector, Wanted(PHOTOS, "image"))
        self.space_ids |= {products.space.space_id, photos.space.space_id}
        shown = _shown(photos)
        product_ids = tuple(product.product_id for product in products.results)
        return Reply(
            question=asked.question,
            photos=kept(shown, product_ids),
            products=product_ids,
            average_precision=average_precision(shown, asked.question.product_id, relevant),
            relevant=relevant,
            confidence=answer.confidence,
            exact_share=await self._exact_share(vector, shown),
            search_ms=search_ms,
        )

    async def _exact_share(self, vector: Vector, photos: Sequence[Shown]) -> float | None:
        """None where nobody compares so many exactly."""
        try:
            return exact_share(photos, _shown(await self._finding.find(vector, Wanted(NEAREST, "image", exact=True))))
        except InvalidRequestError:
            return None


def _shown(nearest: Nearest) -> tuple[Shown, ...]:
    return tuple(
        Shown(hit.entry.image_id, hit.entry.product_id, hit.score) for result in nearest.results for hit in result.hits
    )
