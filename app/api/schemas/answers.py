"""Answers on the wire: which product it is."""

from pydantic import BaseModel, Field

from app.domain.answering.deciding import Decision
from app.flows.answering import Answer as Answered


class Answer(BaseModel):
    """Which product it is, and how sure that is."""

    decision: Decision | None = Field(
        description="`match`: it is `product_id`. `ambiguous`: it may be, look at the first results. `no_match`: the"
        " product is probably not in the catalogue, `product_id` is only the nearest. null: see `reason`."
    )
    product_id: str | None = Field(description="The best product.")
    label_ids: list[str]
    confidence: float | None = Field(description="The estimated probability that it is the right one.")
    lead: float | None = Field(description="How much higher it scores than the second; null without a second.")
    runner_up: str | None = Field(description="The second product.")
    evidence: list[str] = Field(description="Image ids of the best product's nearest photos.")
    calibrated: bool = Field(description="Whether POST /calibrate, or POST /adapt, fitted the confidence.")
    prior_unknown: float | None = Field(description="The share of unknown products that the confidence assumes.")
    reason: str | None = Field(description="Why there is no decision.")

    @classmethod
    def of(cls, answer: Answered) -> "Answer":
        """Show an answer."""
        return cls(
            decision=answer.decision,
            product_id=answer.product_id,
            label_ids=list(answer.label_ids),
            confidence=answer.confidence,
            lead=answer.lead,
            runner_up=answer.runner_up,
            evidence=list(answer.evidence),
            calibrated=answer.calibrated,
            prior_unknown=answer.prior_unknown,
            reason=answer.reason,
        )
