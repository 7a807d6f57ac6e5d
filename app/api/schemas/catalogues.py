"""Catalogues and their reports as they are shown."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from app.api.schemas.common import Page
from app.domain.records import BadRecord, CatalogueReport


class Catalogue(BaseModel):
    """A catalogue and what reading it found."""

    name: str
    kind: str = Field(description="What its files are.", examples=["imaterialist-product-2019"])
    files: list[str] = Field(description="Their names.")
    label_count: int
    image_count: int
    unlabelled_count: int = Field(description="Images that no record puts under a label.")
    rejected_by_reason: Mapping[str, int] = Field(description="Records that were left out.")
    remarks_by_reason: Mapping[str, int] = Field(description="Records that were taken without a part of them.")
    read_at: datetime | None

    @classmethod
    def of(cls, report: CatalogueReport) -> Self:
        """Show a report."""
        return cls(
            name=report.name,
            kind=report.kind,
            files=list(report.files),
            label_count=report.label_count,
            image_count=report.image_count,
            unlabelled_count=report.unlabelled_count,
            rejected_by_reason=report.rejected_by_reason,
            remarks_by_reason=report.remarks_by_reason,
            read_at=report.read_at,
        )


class CataloguePage(Page):
    """Catalogues."""

    items: list[Catalogue]


class BadRecordOut(BaseModel):
    """A record that could not be taken as it is."""

    model_config = ConfigDict(title="BadRecord")

    file: str
    section: str = Field(description="The array that the record is an element of; empty for a table.")
    position: int = Field(
        description="From 1: the row of a table, its header being row 1, or the element of the array."
    )
    reason: str
    detail: str
    left_out: bool = Field(description="Whether the whole record was left out.")

    @classmethod
    def of(cls, record: BadRecord) -> Self:
        """Show a record."""
        return cls(
            file=record.file,
            section=record.section,
            position=record.position,
            reason=record.reason,
            detail=record.detail,
            left_out=record.left_out,
        )


class BadRecordPage(Page):
    """Bad records, in the order in which they were met."""

    items: list[BadRecordOut]
