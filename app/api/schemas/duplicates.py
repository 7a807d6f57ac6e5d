"""Photos that are in the index more than once, as they are shown."""

from pydantic import BaseModel, Field

from app.api.schemas.common import Page
from app.api.schemas.images import Image
from app.domain.duplicates import Duplicate, Likeness
from app.flows.duplicates import Repeated


class DuplicateOut(BaseModel):
    """The same photo once more."""

    image: Image
    likeness: Likeness = Field(
        description="`same_bytes`: one file, by its sha256. `near_identical`: encoded again, resized or cut a little."
    )
    cosine: float = Field(description="Of the two photos' features, in [-1, 1].")
    hash_distance: int = Field(description="Bits, of 64, in which their perceptual hashes (pHash) differ.")
    across_products: bool = Field(
        description="They are said to be of different products. An image that is a product of its own says nothing."
    )
    across_labels: bool = Field(description="They have no label in common.")
    label_noise: bool = Field(description="Across products or across labels: one of the two is filed wrong.")

    @classmethod
    def of(cls, found: Duplicate) -> "DuplicateOut":
        """Show a duplicate."""
        return cls(
            image=Image.of(found.entry),
            likeness=found.likeness,
            cosine=found.cosine,
            hash_distance=found.hash_distance,
            across_products=found.across_products,
            across_labels=found.across_labels,
            label_noise=found.label_noise,
        )


class DuplicatesOfImage(BaseModel):
    """An image and the same photo elsewhere."""

    image: Image
    duplicates: list[DuplicateOut] = Field(description="Nearest first, under any label, at most 50.")

    @classmethod
    def of(cls, repeated: Repeated) -> "DuplicatesOfImage":
        """Show an image with its duplicates."""
        return cls(image=Image.of(repeated.entry), duplicates=[DuplicateOut.of(each) for each in repeated.duplicates])


class DuplicatePage(Page):
    """Images that have duplicates."""

    items: list[DuplicatesOfImage]
