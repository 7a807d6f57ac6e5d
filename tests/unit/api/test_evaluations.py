"""Evaluations over HTTP: what is begun, and in which form one is shown."""

import json
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from app.api import evaluations, problems
from app.api.rendering.reports import CONTENT_SECURITY_POLICY, html, markdown
from app.domain.errors import NotFoundError
from app.domain.evaluating.plan import Plan
from app.domain.evaluating.records import Evaluation
from app.domain.jobs import Job, JobKind, JobState
from app.flows.running import Pace
from tests.evaluations import evaluation

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@dataclass
class FakeEvaluations:
    """Begins one job, which every later call finds under way; has one evaluation."""

    asked: list[Plan] = field(default_factory=list)

    async def start(self, plan: Plan) -> tuple[Job, bool]:
        """Remember what was asked."""
        self.asked.append(plan)
        job = Job("a1b2", JobKind.EVALUATE, JobState.QUEUED, None, datetime(2026, 1, 1, tzinfo=UTC))
        return job, len(self.asked) == 1

    async def one(self, evaluation_id: str) -> Evaluation:
        """The one."""
        if evaluation_id != "a1b2":
            raise NotFoundError("evaluation_not_found", f"Evaluation '{evaluation_id}' is not done yet.")
        return evaluation()


@pytest.fixture
def fake() -> FakeEvaluations:
    return FakeEvaluations()


@pytest.fixture
async def client(fake: FakeEvaluations) -> AsyncIterator[httpx.AsyncClient]:
    services = SimpleNamespace(
        evaluations=fake,
        leading=SimpleNamespace(require=lambda: None),
        jobs=SimpleNamespace(pace=lambda _: Pace()),
    )
    app = FastAPI()
    app.include_router(evaluations.router)
    problems.install(app)

    async def with_services(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "state": {"services": services}}, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(with_services), base_url="http://test") as client:
        yield client


async def test_an_evaluation_is_begun_as_a_job_and_found_while_it_is_under_way(
    client: httpx.AsyncClient, fake: FakeEvaluations
) -> None:
    plan = Plan("shop", 0.25, ("shoes", "cups"), 0.1, 5, unseen=0.5, by_recent_searches=True)
    whole = asdict(plan)
    for status, body in ((202, whole), (200, {"catalogue": "queries"})):
        answer = await client.post("/evaluate", json=body)
        assert (status, "/jobs/a1b2", "evaluate") == (
            answer.status_code, answer.headers["location"], answer.json()["kind"],
        )  # fmt: skip
    assert [plan, Plan("queries")] == fake.asked


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("catalogue", None),
        ("catalogue", ""),
        ("catalogue", "x" * 201),
        ("catalogue", "a\nb"),
        ("catalogue", "\ud800"),
        ("split", 0),
        ("split", 1),
        ("split", "half"),
        ("split", float("nan")),
        ("label_ids", "shoes"),
        ("label_ids", ["shoes"] * 1001),
        ("label_ids.0", ["No Label"]),
        ("unknown", -0.1),
        ("unknown", 0.95),
        ("unknown", float("nan")),
        ("unseen", 0.95),
        ("by_recent_searches", 2),
        ("repeats", 0),
        ("repeats", 101),
        ("repeats", 1.5),
        ("other", 1),
    ],
)
async def test_what_cannot_be_asked_is_refused(
    client: httpx.AsyncClient, fake: FakeEvaluations, place: str, value: object
) -> None:
    body = json.dumps({"catalogue": "shop", place.partition(".")[0]: value})  # NaN too, as any caller may
    answer = await client.post("/evaluate", content=body, headers={"content-type": "application/json"})
    assert (422, "invalid_request") == (answer.status_code, answer.json()["code"])
    assert place == answer.json()["errors"][0]["field"]
    assert [] == fake.asked


async def test_without_a_body_it_is_said_what_is_missing(client: httpx.AsyncClient) -> None:
    answer = await client.post("/evaluate")
    assert (422, "body") == (answer.status_code, answer.json()["errors"][0]["field"])


@pytest.mark.parametrize("accepted", ["application/json", "*/*", "", "application/*;q=0.5"])
async def test_a_program_is_given_every_field_but_the_pictures(client: httpx.AsyncClient, accepted: str) -> None:
    answer = await client.get("/evaluations/a1b2", headers={"accept": accepted})
    shown = answer.json()
    expected: dict[str, Any] = asdict(evaluation())
    del expected["pictures"]
    expected["created_at"] = "2026-11-23T09:45:07.123456Z"
    for confusion in expected["confusions"]:
        for miss in confusion["examples"]:
            del miss["question"]["picture"]
    assert json.loads(json.dumps(expected)) == shown
    assert ("application/json", "Accept") == (answer.headers["content-type"], answer.headers["vary"])


@pytest.mark.parametrize(
    ("accepted", "kind", "report"),
    [
        (BROWSER, "text/html; charset=utf-8", html),
        ("text/markdown", "text/markdown; charset=utf-8", markdown),
    ],
)
async def test_a_person_is_given_a_report_that_can_do_nothing(
    client: httpx.AsyncClient, accepted: str, kind: str, report: Any
) -> None:
    answer = await client.get("/evaluations/a1b2", headers={"accept": accepted})
    assert (200, kind, report(evaluation())) == (answer.status_code, answer.headers["content-type"], answer.text)
    assert [CONTENT_SECURITY_POLICY, "nosniff", "Accept"] == [
        answer.headers[name] for name in ("content-security-policy", "x-content-type-options", "vary")
    ]


@pytest.mark.parametrize(
    ("evaluation_id", "accepted", "status", "code"),
    [
        ("a1b3", "*/*", 404, "evaluation_not_found"),
        ("a1b3", "text/html", 404, "evaluation_not_found"),
        ("A1", "*/*", 422, "invalid_request"),
        ("a1b2", "image/png", 406, "not_acceptable"),
    ],
)
async def test_what_cannot_be_shown_is_a_problem(
    client: httpx.AsyncClient, evaluation_id: str, accepted: str, status: int, code: str
) -> None:
    answer = await client.get(f"/evaluations/{evaluation_id}", headers={"accept": accepted})
    assert (status, code, problems.MEDIA_TYPE) == (
        answer.status_code, answer.json()["code"], answer.headers["content-type"],
    )  # fmt: skip
