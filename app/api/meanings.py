"""What each figure of an evaluation is, in a line: the same words in the API's description and in reports."""

from typing import Final

R_AT_1: Final = "Share of the photos whose nearest photo shows their own product."
R_AT_5: Final = "Share with a photo of their own product among the nearest five."
R_AT_10: Final = "Share with a photo of their own product among the nearest ten."
MEAN_AVERAGE_PRECISION: Final = (
    "Mean of the precision at each photo of the own product among the nearest 100: 1 where all of them stand first."
)
PRODUCT_TOP_1: Final = "Share whose best product is their own."
PRODUCT_TOP_3: Final = "Share whose own product is among the best three."
STANDARD_ERROR: Final = "By about so much product top-1 would differ with as many other photos, by chance alone."
BASELINE: Final = "R@1 of something simpler, on the same questions and the same gallery."
LEAST_GAIN: Final = "How far the answers' R@1 was above it, in the repeat where it was least so."

ECE: Final = "Expected calibration error: how far confidence and share of right answers are apart, in ten equal bins."
ECE_FLOOR: Final = "The ECE that perfect confidences would show with as many questions."
AUROC_RIGHT: Final = "How often a right answer is surer than a wrong one (0.5: by chance, 1: always)."
AUROC_KNOWN: Final = "How often a known product's photo is answered surer than an unknown one's."
MATCH_THRESHOLD: Final = "The confidence from which an answer is a match."
MATCH_COVERAGE: Final = "Share of all questions that were answered with a match."
MATCH_PRECISION: Final = "Share of the matches that were right."
GALLERY_POINT: Final = (
    "What the threshold came to that keeps this precision on the gallery, chosen before anybody asked."
)
PRIOR_UNKNOWN: Final = "The share of unknown products that confidences assume."
MEAN_PROBABILITY: Final = "The bin's mean confidence."
SHARE_RIGHT: Final = "The share of its answers that were right."
WANTED_PRECISION: Final = "The share of right answers that is wanted."
THRESHOLD: Final = "The lowest confidence from which so many are right; none where no threshold keeps it."
COVERAGE: Final = "The share of all questions at or above it."
PRECISION: Final = "The share of these that were right here."

ANN_RECALL: Final = "Share of the ten truly nearest photos that the search has among its first ten."
P50: Final = "Half of the product searches took no longer, without looking at the photo."
P95: Final = "95 of 100 product searches took no longer."
CONFUSIONS: Final = "What known products were taken for, the most frequent first, with the surest examples."
SCORE: Final = "Cosine of the two photos, in [-1, 1]."
CONFIDENCE: Final = "The estimated probability that the first product was the right one."
