"""/model and /health: the service itself."""

from collections.abc import Awaitable

from fastapi import APIRouter, Response, status

from app.api.deps import Using
from app.api.schemas.service import Health, Model
from app.domain.errors import LookalikeError

router = APIRouter(tags=["Service"])


@router.get("/model", summary="The model")
async def get_model(services: Using) -> Model:
    """The network, and how photos are brought before it. Vectors of different fingerprints are never compared."""
    card = services.embedder.card
    return Model(
        name=card.name,
        fingerprint=card.fingerprint,
        dimensions=card.dimensions,
        file=card.file_name,
        file_sha256=card.file_sha256,
        precision=card.precision,
        views=card.views,
        colour_weight=card.colour_weight,
        preprocessing=card.pixel_rule,
        threads=card.threads,
        source=card.source,
        licence=card.licence,
        space=services.store.space.space_id,
    )


@router.get("/health/live", summary="Whether the process answers")
async def get_liveness() -> Health:
    """Always `ok`: for what restarts a process that hangs."""
    return Health(status="ok")


@router.get(
    "/health/ready",
    summary="Whether the service can work",
    responses={503: {"model": Health, "description": "A part is away"}},
)
async def get_readiness(services: Using, response: Response) -> Health:
    """Each part's own answer: for what sends requests here."""
    pings = {
        "store": services.store.ping(),
        "ledger": services.ledger.ping(),
        "catalogue": services.browsing.ping(),
    }
    parts = {"model": "ok", **{part: await _state(ping) for part, ping in pings.items()}}
    ready = set(parts.values()) == {"ok"}
    if not ready:
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return Health(status="ok" if ready else "unavailable", parts=parts)


async def _state(ping: Awaitable[None]) -> str:
    try:
        await ping
    except LookalikeError as error:
        return str(error)
    return "ok"
