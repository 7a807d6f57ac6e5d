"""The nouns of an evaluation: who asked, what was answered, what it comes to. All are immutable values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from app.domain.answering.reliability import Reliability


@dataclass(frozen=True, slots=True)
class Question:
    """A labelled photo that asks: `product_id` is its own. `name` is the file's, `picture` finds it again."""

    name: str
    product_id: str
    picture: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A photo of the gallery in an answer, and whose it is."""

    image_id: str
    product_id: str
    score: float


@dataclass(frozen=True, slots=True)
class Reply:
    """What a question was answered.

    `photos` are the ten nearest, and behind them the nearest one of the first product if it is none of them;
    `products` are the first ten; both by falling score. `average_precision` is over the first 100 photos. `relevant`
    counts the gallery's photos of the question's own product: 0 where it is unknown. `confidence` is that the first
    product is the right one, None where nothing is calibrated. `exact_share` is how many of the ten nearest photos are
    among the first ten, as a share; None where it was not asked. `search_ms` is the product search alone.
    """

    question: Question
    photos: tuple[Shown, ...]
    products: tuple[str, ...]
    average_precision: float
    relevant: int
    confidence: float | None
    exact_share: float | None
    search_ms: float

    @property
    def is_known(self) -> bool:
        """Whether the gallery has the product."""
        return self.relevant > 0

    @property
    def is_right(self) -> bool:
        """Whether the first product is the question's own."""
        return self.is_known and self.products[:1] == (self.question.product_id,)


@dataclass(frozen=True, slots=True)
class Retrieval:
    """How well questions of known products found them, in [0, 1]; all of photos but the last two.

    `r_at_k`: the share with a photo of the own product among the first k; `mean_average_precision` over the first 100
    photos; `product_top_k`: the share whose product is among the first k. `standard_error` is that of `product_top_1`.
    """

    r_at_1: float
    r_at_5: float
    r_at_10: float
    mean_average_precision: float
    product_top_1: float
    product_top_3: float
    standard_error: float


@dataclass(frozen=True, slots=True)
class GalleryPoint:
    """What a threshold came to that was chosen for a precision on the gallery alone, as `GET /calibration` tells it.

    `coverage` is the share of the questions at or above it, and `precision` the share of these that were answered
    right; None where there are none.
    """

    wanted_precision: float
    coverage: float
    precision: float | None


@dataclass(frozen=True, slots=True)
class Trust:
    """How far confidences could be trusted: `reliability` over all questions, unknown products included.

    With several repeats `ece` and `ece_floor` are means over them, `reliability` is of all questions together.
    `match_threshold` is the service's; of the questions at or above it `match_precision` were answered right, they are
    `match_coverage` of all; the precision is None where there are none.
    """

    reliability: Reliability
    ece: float
    ece_floor: float
    match_threshold: float
    match_coverage: float
    match_precision: float | None
    prior_unknown: float
    gallery_points: tuple[GalleryPoint, ...] = ()


@dataclass(frozen=True, slots=True)
class Baseline:
    """The R@1 of something simpler on the same questions and gallery.

    `least_gain`: by how much the answers' R@1 was above it in the repeat where it was least so, below it if negative;
    None where no question's product is known.
    """

    name: str
    r_at_1: float
    least_gain: float | None = None


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of a product search, without looking at the photo."""

    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class Miss:
    """A question of a known product whose first product is another: `found` is the photo that misled."""

    question: Question
    found: Shown
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often a product was taken for another, and examples."""

    product_id: str
    taken_for: str
    count: int
    examples: tuple[Miss, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All of an evaluation. `asked` tells in words who asked what; `remarks` what must be known to read the figures.

    `gallery_*` are means over `repeats`, questions are all of them together; `failed_count` photos could not be read.
    `retrieval` is None where no question's product is known, `trust` without a calibration, `ann_recall` where it was
    not asked. `pictures` are small JPEGs by `Question.picture` and `Shown.image_id`.
    """

    evaluation_id: str
    created_at: datetime
    asked: str
    model: str
    space_ids: tuple[str, ...]
    repeats: int
    gallery_images: int
    gallery_products: int
    known_count: int
    unknown_count: int
    failed_count: int
    retrieval: Retrieval | None
    baselines: tuple[Baseline, ...]
    trust: Trust | None
    ann_recall: float | None
    latency: Latency
    confusions: tuple[Confusion, ...]
    remarks: tuple[str, ...] = ()
    pictures: Mapping[str, bytes] = field(default_factory=dict)
