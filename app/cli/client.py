"""The service's HTTP API as the verbs use it: JSON in and out, and each failure a CommandError."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, Final, Self
from urllib.parse import quote

import httpx

from app.cli.errors import ProblemError, UnreachableError, UsageError

Json = dict[str, Any]
_Wanted = Mapping[str, str | list[str]]

DEFAULT_URL: Final = "http://127.0.0.1:8000"
_TIMEOUT: Final = httpx.Timeout(120, connect=5)
"""Seconds. To list a large catalogue the service looks at each of its folders."""
_MAX_PAGE: Final = 200
_CSV: Final = "text/csv"
_JOB: Final = {"job_id": str, "state": str}
_LIVE: Final = frozenset({"queued", "running"})


def is_live(job: Mapping[str, Any]) -> bool:
    """Whether a job is still to be watched."""
    return job.get("state") in _LIVE


class Service:
    """A running service at a URL. Every call may raise ProblemError and UnreachableError."""

    def __init__(self, url: str) -> None:
        """Nothing is called yet. Raises UsageError for what is no http address."""
        base = _base_url(url)
        self._shown_url = str(base.copy_with(userinfo=b"")).rstrip("/")
        # A proxy that is set for the web does not know this machine's own addresses.
        local = base.host in {"localhost", "::1"} or base.host.startswith("127.")
        # Reading the certificates of the world takes longer than most answers: only where they are used.
        secured = base.scheme == "https"
        self._http = httpx.Client(base_url=base, timeout=_TIMEOUT, trust_env=not local, verify=secured)

    def __enter__(self) -> Self:
        """Close the connections on leaving."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close them."""
        self._http.close()

    # The catalogue and the index.

    def labels(self, q: str | None = None, *, indexed: bool | None = None) -> list[Json]:
        """Every label of the catalogue that matches."""
        wanted = {"q": q, "indexed": None if indexed is None else str(indexed).lower()}
        return list(self._items("/labels", {name: value for name, value in wanted.items() if value is not None}))

    def label(self, label_id: str) -> Json:
        """One label of the catalogue."""
        return self._call("GET", f"/labels/{_segment(label_id)}", {"label_id": str})

    def indexes(self) -> list[Json]:
        """Every indexed label."""
        return list(self._items("/index", {}))

    def index(self, label_id: str, limit: int | None = None, mode: str | None = None) -> Json:
        """Start a label's job, or have its live one."""
        return self._call("POST", f"/index/{_segment(label_id)}", _JOB, json=_given(limit=limit, mode=mode))

    def index_all(self, mode: str | None = None) -> Json:
        """Start a job for each label; the answer is their parent."""
        return self._call("POST", "/index", _JOB, json=_given(all=True, mode=mode))

    def catalogues(self) -> list[Json]:
        """What reading each catalogue found."""
        return list(self._items("/catalogues", {}))

    def bad_records(self, name: str, limit: int) -> Json:
        """A catalogue's first records that could not be taken as they are."""
        return self._first(f"/catalogues/{_segment(name)}/bad-records", {}, limit)

    # Searching.

    def search(self, photos: Sequence[BinaryIO], fields: Mapping[str, str | list[str]]) -> Json:
        """What looks like the object in the photos; `fields` are the form's others."""
        # A file's own name stays here: the service has no use for it.
        files = [("image", ("photo", photo)) for photo in photos]
        return self._call("POST", "/search", {"results": list}, files=files, data=fields)

    def products(self) -> list[Json]:
        """Every product, and how many photos each has."""
        return list(self._items("/products", {}))

    def thumbnail(self, image_id: str) -> bytes | None:
        """A small picture of an indexed image; None where the service has none."""
        answer = self._send("GET", f"/images/{_segment(image_id)}/thumbnail")
        return answer.content if answer.is_success else None

    # Jobs.

    def jobs(self, limit: int) -> Json:
        """The newest jobs, at most `limit`: `items` and the `next_cursor` behind them."""
        return self._first("/jobs", {}, limit)

    def live_jobs(self) -> list[Json]:
        """Jobs that are queued or running."""
        live: list[Json] = []
        for page in self._pages("/jobs", {}):
            found = [job for job in page["items"] if is_live(job)]
            live += found
            # Jobs are taken in turn: behind a page of ended ones there is none.
            if not found:
                break
        return live

    def job(self, job_id: str) -> Json:
        """One job."""
        return self._call("GET", f"/jobs/{_segment(job_id)}", _JOB)

    def cancel(self, job_id: str) -> Json:
        """End a job."""
        return self._call("POST", f"/jobs/{_segment(job_id)}/cancel", _JOB)

    def retry(self, job_id: str, reasons: Sequence[str] = ()) -> Json:
        """Start a job of a job's failed images, or have the label's live one."""
        return self._call("POST", f"/jobs/{_segment(job_id)}/retry", _JOB, json=_given(reasons=list(reasons) or None))

    def failures(self, job_id: str, reasons: Sequence[str], limit: int) -> Json:
        """A job's first failures, at most `limit`: `items` and the `next_cursor` behind them."""
        return self._first(f"/jobs/{_segment(job_id)}/failures", {"reason": list(reasons)}, limit)

    def failures_csv(self, job_id: str, reasons: Sequence[str]) -> Iterator[bytes]:
        """All of a job's failures as the service writes them, piece by piece."""
        path, asked = f"/jobs/{_segment(job_id)}/failures", {"accept": _CSV}
        with (
            self._reached(),
            self._http.stream("GET", path, params={"reason": list(reasons)}, headers=asked) as answer,
        ):
            if not answer.is_success or not answer.headers.get("content-type", "").startswith(_CSV):
                answer.read()
                raise self._refusal(answer)
            yield from answer.iter_bytes()

    # The service itself.

    def readiness(self) -> Json:
        """`status` and `parts`, also when a part is away."""
        answer = self._send("GET", "/health/ready")
        found = _object(answer)
        if found is None or not _has(found, {"parts": dict}):
            raise self._refusal(answer)
        return found

    def model(self) -> Json:
        """The model."""
        return self._call("GET", "/model", {"name": str})

    def calibration(self) -> Json | None:
        """How far its answers can be trusted; None where nothing is calibrated."""
        answer = self._send("GET", "/calibration")
        found = _object(answer) if answer.is_success else None
        return found if found and _has(found, {"operating_points": list}) else None

    # How it is called.

    def _first(self, path: str, wanted: _Wanted, limit: int) -> Json:
        """A list's first items, at most `limit`, and the cursor behind them."""
        items: list[Json] = []
        cursor: str | None = None
        while len(items) < limit:
            page = self._page(path, wanted, limit - len(items), cursor)
            items += page["items"]
            cursor = page.get("next_cursor")
            if not cursor:
                break
        return {"items": items, "next_cursor": cursor}

    def _items(self, path: str, wanted: _Wanted) -> Iterator[Json]:
        for page in self._pages(path, wanted):
            yield from page["items"]

    def _pages(self, path: str, wanted: _Wanted) -> Iterator[Json]:
        cursor: str | None = None
        while True:
            page = self._page(path, wanted, _MAX_PAGE, cursor)
            yield page
            cursor = page.get("next_cursor")
            if not cursor:
                return

    def _page(self, path: str, wanted: _Wanted, count: int, cursor: str | None) -> Json:
        behind = {"cursor": cursor} if cursor else {}
        query = {**wanted, "limit": str(min(count, _MAX_PAGE)), **behind}
        return self._call("GET", path, {"items": list}, params=query)

    def _call(self, method: str, path: str, expected: Mapping[str, type], **request: Any) -> Json:
        """The answer, if it is a success and an object with the expected members."""
        answer = self._send(method, path, **request)
        found = _object(answer)
        if not answer.is_success or found is None or not _has(found, expected):
            raise self._refusal(answer)
        return found

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        with self._reached():
            return self._http.request(method, path, **request)

    def _refusal(self, answer: httpx.Response) -> ProblemError | UnreachableError:
        """Why an answer is none: the service's problem, or that it is another server's."""
        problem = _object(answer) or {}
        if answer.headers.get("content-type", "").startswith("application/problem+json") and "code" in problem:
            return ProblemError(f"{problem.get('detail')} ({_code(answer, problem)})")
        return UnreachableError(
            f"What answers at {self._shown_url} is no Lookalike service (HTTP {answer.status_code}): check --url."
        )

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """Name what went wrong on the way."""
        try:
            yield
        except httpx.ConnectError as error:
            sentence = f"Nothing answers at {self._shown_url}. Is it running? Start it with `lookalike serve`."
            raise UnreachableError(sentence) from error
        except httpx.TimeoutException as error:
            raise UnreachableError(f"{self._shown_url} does not answer in time.") from error
        except httpx.HTTPError as error:
            raise UnreachableError(
                f"The connection to {self._shown_url} broke off: {str(error).rstrip('.')}."
            ) from error


def _base_url(url: str) -> httpx.URL:
    try:
        base = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise UsageError(f"--url {url}: {error}.") from error
    if base.scheme not in {"http", "https"} or not base.host:
        raise UsageError(f"--url {url}: an address such as {DEFAULT_URL} is wanted.")
    return base


def _given(**fields: Any) -> Json:
    """A body's fields, without those that nothing was said of."""
    return {name: value for name, value in fields.items() if value is not None}


def _segment(part: str) -> str:
    """One part of a path, whatever it holds. Raises UsageError where there is nothing."""
    if not part:
        raise UsageError("An id is empty.")
    return quote(part, safe="").replace(".", "%2E") if part in {".", ".."} else quote(part, safe="")


def _has(found: Json, expected: Mapping[str, type]) -> bool:
    return all(isinstance(found.get(name), kind) for name, kind in expected.items())


def _code(answer: httpx.Response, problem: Json) -> str:
    """The code; of an error of the service's own also the id under which its log tells more."""
    request = (
        f", request {problem.get('request_id')}" if answer.status_code == httpx.codes.INTERNAL_SERVER_ERROR else ""
    )
    return f"{problem['code']}{request}"


def _object(answer: httpx.Response) -> Json | None:
    try:
        found = json.loads(answer.content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
