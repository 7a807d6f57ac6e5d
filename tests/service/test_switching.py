"""Searches go on while the service learns, and while it switches between what it learned: no answer mixes spaces.

Every answer that was given meanwhile is compared with one to the same photo in the space that it names, when that space
is live and nothing else happens.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.service.products import draw_products, photo_of
from tests.service.running import Service, running

PRODUCTS, PHOTOS = 8, 6
SWITCHES = 50
SWITCHES_ON_CLUSTER = 20
"""Each takes seconds there, with the searches and the learning beside it."""
MOST_LEARNED = 6
CLIENTS = 2
TOLERANCE = 1e-3
QUERIES = [photo_of(product, "a new scene") for product in ("p1", "p5", "unknown")]
FORMS = {
    "image": {"group_by": "image", "k": str(PRODUCTS * PHOTOS)},
    "product": {"group_by": "product", "k": str(PRODUCTS)},
}
PLACES = [(query, form) for query in range(len(QUERIES)) for form in FORMS]

Seen = dict[str, float | None]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Iterator[Service]:
    """Each label is a product; answers have a confidence. Without colour a fit takes half the time."""
    catalogue = tmp_path_factory.mktemp("catalogue")
    labels = draw_products(catalogue, PRODUCTS, PHOTOS)
    settings = {"LOOKALIKE_PRODUCT_FROM": "label", "LOOKALIKE_COLOUR_WEIGHT": "0"}
    with running(data_dir, catalogue, settings) as service:
        service.index(*labels)
        done(service, "/calibrate")
        yield service
        assert [] == [line for line in service.log if "Traceback" in line]


def asked(client: httpx.Client, query: int, form: str) -> tuple[str, Seen]:
    """The space that an answer names, and all its scores and its confidence."""
    answer = client.post("/search", files={"image": ("photo.png", QUERIES[query])}, data=FORMS[form])
    assert 200 == answer.status_code, answer.text
    found = answer.json()
    results = found["results"]
    names = [one["image"]["image_id"] if form == "image" else one["product_id"] for one in results]
    scores = dict(zip(names, (one["score"] for one in results), strict=True))
    return found["query"]["space"], {**scores, "confidence": found["answer"]["confidence"]}


def done(service: Service, path: str, **body: object) -> None:
    """A job, begun and ended."""
    answer = service.client.post(path, json=body or None).raise_for_status()
    assert "succeeded" == service.wait_for(answer.json()["job_id"])["state"]


def live(service: Service) -> str:
    listed = service.client.get("/spaces").raise_for_status().json()["items"]
    return str(next(space["space_id"] for space in listed if space["live"]))


Answers = dict[tuple[str, int, str], list[Seen]]


@contextmanager
def searching(service: Service) -> Iterator[Answers]:
    """Several clients ask for all photos in all forms, until this is left: what they were answered."""
    answers: Answers = defaultdict(list)
    stop = threading.Event()

    def ask(number: int) -> int:
        turn = number
        with httpx.Client(base_url=service.client.base_url, timeout=60) as client:
            while not stop.is_set():
                query, form = PLACES[turn % len(PLACES)]
                space_id, seen = asked(client, query, form)
                answers[space_id, query, form].append(seen)
                turn += 1
        return turn - number

    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(ask, number) for number in range(CLIENTS)]
        try:
            yield answers
        finally:
            stop.set()
        assert all(client.result() for client in clients)


@contextmanager
def learning_again(service: Service) -> Iterator[list[str]]:
    """One job after the other learns, and makes live what it learned, until this is left or there are several."""
    learned: list[str] = []
    stop = threading.Event()

    def learn() -> None:
        while not stop.is_set() and len(learned) < MOST_LEARNED:
            done(service, "/adapt", force=True)
            learned.append("")

    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(learn)
        try:
            yield learned
        finally:
            stop.set()
        job.result()


def test_no_answer_fails_or_mixes_spaces_while_it_learns_and_switches(service: Service, store: str) -> None:
    raw = live(service)
    done(service, "/adapt", force=True)
    learned = live(service)
    started = time.monotonic()
    with searching(service) as answers, learning_again(service) as again:
        for number in range(SWITCHES if store == "embedded" else SWITCHES_ON_CLUSTER):
            done(service, f"/spaces/{(raw, learned)[number % 2]}/activate")
    print(
        f"{sum(map(len, answers.values()))} searches in {time.monotonic() - started:.0f} s, learned {len(again)} times"
    )
    spaces = sorted({space_id for space_id, _, _ in answers})
    assert {raw, learned} <= set(spaces)
    assert again
    quiet = {space_id: in_quiet(service, space_id) for space_id in spaces}
    for (space_id, query, form), every in answers.items():
        expected = quiet[space_id][query, form]
        for seen in every:
            assert pytest.approx(expected, abs=TOLERANCE) == seen
    assert_told_apart(quiet[raw], quiet[learned])


def in_quiet(service: Service, space_id: str) -> dict[tuple[int, str], Seen]:
    """What is answered in a space while nothing else happens."""
    done(service, f"/spaces/{space_id}/activate")
    found = {}
    for query, form in PLACES:
        named, found[query, form] = asked(service.client, query, form)
        assert space_id == named
    return found


def assert_told_apart(one: dict[tuple[int, str], Seen], other: dict[tuple[int, str], Seen]) -> None:
    """Scores of either space would not pass as the other's."""
    for place, scores in one.items():
        apart = [abs((score or 0) - (other[place][name] or 0)) for name, score in scores.items()]
        assert sorted(apart)[len(apart) // 2] > 10 * TOLERANCE
