"""The service itself, as it is shown."""

from typing import Literal

from pydantic import BaseModel, Field


class Model(BaseModel):
    """The network and how photos are brought before it."""

    name: str
    fingerprint: str = Field(description="Names file, pixel rule, views, colour weight and precision together.")
    dimensions: int
    file: str
    file_sha256: str
    precision: str
    views: int
    colour_weight: float
    preprocessing: str
    threads: int = Field(description="Of one inference; searches run side by side.")
    source: str
    licence: str
    space: str


class Health(BaseModel):
    """Whether the service can work."""

    status: Literal["ok", "unavailable"]
    parts: dict[str, str] = Field(default_factory=dict, description="`ok`, or what is wrong.")
