"""Labelled photos -> a running service's answers over HTTP -> the evaluation."""

import asyncio
import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from app.cli.client import Json, Service
from app.cli.errors import CommandError, ProblemError
from app.config import Settings
from app.domain.answering.deciding import Thresholds
from app.domain.evaluating.baselines import chance
from app.domain.evaluating.figures import NEAREST, PHOTOS, PRODUCTS, average_precision, exact_share, kept
from app.domain.evaluating.plan import QUERIES, Plan
from app.domain.evaluating.records import Evaluation, Question, Reply, Shown
from app.domain.evaluating.summing import Judge, Part, summed
from app.domain.imaging import Limits
from app.domain.records import CatalogueImage, ProductFrom
from app.flows.photos import Photos
from app.flows.pictures import small_picture
from app.flows.questions import labelled
from app.wiring import open_queries


async def evaluated(url: str, settings: Settings, cache_folder: Path) -> Evaluation:
    """Let the catalogue of queries ask the service at an address, one photo after the other.

    Raises CommandError where no service answers or no photo could ask.
    """
    with Service(url) as service:
        async with open_queries(settings, cache_folder) as (catalogue, photos):
            asking = await asyncio.to_thread(_Asking, service)
            images = dict[str, CatalogueImage]()
            failed_count = 0
            async for question, image in labelled(catalogue, ProductFrom(settings.product_from)):
                images[question.picture] = image
                photo = await photos.read(image)
                failed_count += photo is None or not await asyncio.to_thread(asking.ask, question, photo)
            if not asking.replies:
                raise CommandError("No photo asked: there is none that the service can read.")
            judge = Judge(asking.model, Thresholds(settings.match_threshold), asking.prior_unknown)
            now = datetime.now(UTC)
            evaluation = summed("", now, Plan(QUERIES), judge, [asking.part()], failed_count=failed_count)
            return await _pictured(evaluation, service, photos, images)


class _Asking:
    """Questions that a service answers."""

    def __init__(self, service: Service) -> None:
        """What the service has is asked first."""
        self._service = service
        self._sizes = {str(one["product_id"]): int(one["image_count"]) for one in service.products()}
        self.model = str(service.model()["name"])
        self.prior_unknown = 0.0
        self.replies: list[Reply] = []
        self._space_ids: set[str] = set()

    def ask(self, question: Question, photo: bytes) -> bool:
        """Ask; whether the service could read the photo."""
        try:
            started = time.perf_counter()
            products = self._search(photo, k=PRODUCTS)
            passed_ms = (time.perf_counter() - started) * 1000
            photos = self._search(photo, k=PHOTOS, group_by="image")
        except ProblemError:
            return False
        answer, shown = products.get("answer") or {}, _shown(photos)
        self.prior_unknown = answer.get("prior_unknown") or self.prior_unknown
        self._space_ids |= {str(found["query"]["space"]) for found in (products, photos)}
        product_ids = tuple(result["product_id"] for result in products["results"])
        relevant = self._sizes.get(question.product_id, 0)
        reply = Reply(
            question=question,
            photos=kept(shown, product_ids),
            products=product_ids,
            average_precision=average_precision(shown, question.product_id, relevant),
            relevant=relevant,
            confidence=answer.get("confidence"),
            exact_share=self._exact_share(photo, shown),
            search_ms=float((products.get("timing_ms") or {}).get("search", passed_ms)),
        )
        self.replies.append(reply)
        return True

    def part(self) -> Part:
        """All of it."""
        baselines = chance([reply.question.product_id for reply in self.replies], self._sizes)
        counts = sum(self._sizes.values()), len(self._sizes)
        points = (self._service.calibration() or {}).get("operating_points", [])
        promised = {point["precision"]: point["threshold"] for point in points}
        return Part(tuple(self.replies), *counts, frozenset(self._space_ids), baselines, promised=promised)

    def _exact_share(self, photo: bytes, photos: Sequence[Shown]) -> float | None:
        """None where the service does not compare so many exactly."""
        try:
            return exact_share(photos, _shown(self._search(photo, k=NEAREST, group_by="image", exact="true")))
        except ProblemError:
            return None

    def _search(self, photo: bytes, **fields: str | int) -> Json:
        return self._service.search([io.BytesIO(photo)], {name: str(value) for name, value in fields.items()})


def _shown(found: Json) -> tuple[Shown, ...]:
    return tuple(
        Shown(result["image"]["image_id"], result["product_id"], result["score"]) for result in found["results"]
    )


async def _pictured(
    evaluation: Evaluation, service: Service, photos: Photos, images: Mapping[str, CatalogueImage]
) -> Evaluation:
    pictures = dict[str, bytes | None]()
    for miss in (miss for confusion in evaluation.confusions for miss in confusion.examples):
        name, found = miss.question.picture, miss.found.image_id
        pictures[name] = await photos.read(images[name])
        pictures[found] = await asyncio.to_thread(service.thumbnail, found)
    small = {name: small_picture(photo, Limits()) for name, photo in pictures.items() if photo}
    return replace(evaluation, pictures={name: picture for name, picture in small.items() if picture})
