"""Failed images of jobs as they are shown."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from app.api.schemas.common import Page
from app.domain.errors import Reason
from app.domain.jobs import FailedImage, Tried


class TriedAddress(BaseModel):
    """An address that did not serve its image."""

    url: str
    host: str
    reason: Reason
    attempts: int = Field(description="Requests that were made; 0 where a dead host was not asked again.")

    @classmethod
    def of(cls, tried: Tried) -> Self:
        """Show an address."""
        return cls(url=tried.url, host=tried.host, reason=tried.reason, attempts=tried.attempts)


class Failure(BaseModel):
    """An image that a job did not get into the index, and why."""

    image_id: str
    name: str
    job_id: str = Field(description="The label's own job.")
    url: str | None = Field(description="The last address that was tried; null for a file, and where none was tried.")
    host: str | None = Field(description="That address's host.")
    reason: Reason
    attempts: int = Field(description="Requests for that address.")
    alternates: list[TriedAddress] = Field(
        description="Every address that was tried, in order, where there was more than one."
    )

    @classmethod
    def of(cls, failed: FailedImage) -> Self:
        """Show a failure."""
        last = failed.tried[-1] if failed.tried else None
        return cls(
            image_id=failed.image_id,
            name=failed.name,
            job_id=failed.job_id,
            url=last.url if last else None,
            host=last.host if last else None,
            reason=failed.reason,
            attempts=last.attempts if last else 0,
            alternates=[TriedAddress.of(tried) for tried in failed.tried] if len(failed.tried) > 1 else [],
        )


class FailurePage(Page):
    """Failures in the order in which they happened."""

    items: list[Failure]


class RetryOptions(BaseModel):
    """Which of a job's failed images are tried again."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reasons": ["timeout", "http_5xx"]}]})

    reasons: list[Reason] | None = Field(
        None, min_length=1, description="Those that failed for one of these reasons; all of them by default."
    )
