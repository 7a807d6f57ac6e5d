"""/adapt, /spaces and /calibrate: learning from the gallery's own products, what is live, and how sure it is."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Response, status

from app.api.deps import CHANGES, PAGE, Cursor, Limit, Using, decode_cursor, encode_cursor
from app.api.jobs import begun
from app.api.problems import changing, responses
from app.api.schemas.jobs import JobOut
from app.api.schemas.spaces import AdaptOptions, CalibrateOptions, CalibrationOut, SpaceOut, SpacePage
from app.domain.spaces import SpaceCard
from app.flows.services import Services

router = APIRouter(tags=["Learning"])

SpacePath = Annotated[
    str,
    Path(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$", description="A space's id.", examples=["raw-0f3a9c1b2d4e"]),
]


@router.post(
    "/adapt",
    summary="Learn from the indexed products",
    status_code=status.HTTP_202_ACCEPTED,
    responses={200: {"model": JobOut, "description": "Learning is under way already"}, **changing(422)},
    dependencies=CHANGES,
)
async def adapt(services: Using, response: Response, options: Annotated[AdaptOptions | None, Body()] = None) -> JobOut:
    """Start a job that learns, from which photos show one product, what tells this gallery's products apart.

    It needs no photo again. What was learned is checked on photos and on products that were held out; it becomes the
    live space, at once, if it finds held-out photos better and does held-out products no harm. Otherwise the job's
    `detail` says by how much it is not, and `force` makes it live all the same. Searches go on meanwhile.
    """
    return begun(services, response, *await services.spaces.adapt(force=(options or AdaptOptions()).force))


@router.get("/spaces", summary="The spaces that there are", responses=responses(422, 503))
async def list_spaces(services: Using, limit: Limit = PAGE, cursor: Cursor = None) -> SpacePage:
    """What was learned, the latest first, and the raw space."""
    after = decode_cursor(cursor, [str])
    cards = list(await services.spaces.all())
    first = next((place + 1 for place, card in enumerate(cards) if after and card.space_id == after[0]), 0)
    shown = cards[first : first + limit]
    more = encode_cursor((shown[-1].space_id,)) if len(cards) > first + limit else None
    return SpacePage(items=[_shown(services, card) for card in shown], next_cursor=more)


@router.get("/spaces/{space_id}", summary="One space", responses=responses(404, 422, 503))
async def get_space(services: Using, space_id: SpacePath) -> SpaceOut:
    """What it was learned from, when, and what its self-check found."""
    return _shown(services, await services.spaces.one(space_id))


@router.post(
    "/spaces/{space_id}/activate",
    summary="Make a space the live one",
    status_code=status.HTTP_202_ACCEPTED,
    responses={200: {"model": JobOut, "description": "A space is being activated already"}, **changing(404, 422)},
    dependencies=CHANGES,
)
async def activate_space(services: Using, response: Response, space_id: SpacePath) -> JobOut:
    """Start a job that brings a space, the raw one included, to what is indexed now, and then switches to it."""
    return begun(services, response, *await services.spaces.activate(space_id))


@router.delete(
    "/spaces/{space_id}",
    summary="Forget a space",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=changing(404, 409, 422),
    dependencies=CHANGES,
)
async def delete_space(services: Using, space_id: SpacePath) -> None:
    """Forget what was learned. The live space and the raw one stay: 409 `space_live`."""
    await services.spaces.drop(space_id)


@router.post(
    "/calibrate",
    summary="Learn how sure answers are",
    status_code=status.HTTP_202_ACCEPTED,
    responses={200: {"model": JobOut, "description": "A calibration is under way already"}, **changing(422)},
    dependencies=CHANGES,
)
async def calibrate(
    services: Using, response: Response, options: Annotated[CalibrateOptions | None, Body()] = None
) -> JobOut:
    """Start a job that fits the confidence of answers in the live space, to indexed photos that are held out.

    `POST /adapt` does so, too, for what it learned. Where there is too little data, the job's `detail` says of what.
    Customers' photos are often less like the indexed ones than those are like each other, and score lower: with
    `by_recent_searches` held-out photos that score as recent searches did count for more. No label is needed for
    that, and no photo of a search is kept, only its score, in memory.
    """
    wanted = options or CalibrateOptions()
    job, new = await services.spaces.calibrate(by_recent_searches=wanted.by_recent_searches)
    return begun(services, response, job, new)


@router.get("/calibration", summary="How far answers can be trusted", responses=responses(404, 503))
async def get_calibration(services: Using) -> CalibrationOut:
    """What the live space's calibration shows on photos and products of the gallery that were held out.

    A threshold of `operating_points` may be set as LOOKALIKE_MATCH_THRESHOLD.
    """
    return CalibrationOut.of(await services.spaces.calibration())


def _shown(services: Services, card: SpaceCard) -> SpaceOut:
    return SpaceOut.of(card, live=card.space_id == services.store.space.space_id, model=services.embedder.card)
