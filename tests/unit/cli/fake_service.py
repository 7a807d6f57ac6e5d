"""FakeService: a server on loopback that gives canned answers and keeps what it was asked."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

JSON = "application/json"
PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Asked:
    """A request as it came; `query` holds the last value of each parameter."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes


@dataclass
class FakeService:
    """Answers of one path are given in turn, the last again and again; a path without one is a 404 problem."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    _answers: dict[tuple[str, str], list[tuple[int, str, bytes]]] = field(default_factory=dict)

    def answers(self, method: str, path: str, body: Any, *, status: int = 200, kind: str = JSON) -> None:
        """Add an answer; `body` is sent as JSON, bytes as they are."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._answers.setdefault((method, path), []).append((status, kind, data))

    def refuses(self, method: str, path: str, status: int, code: str, detail: str) -> None:
        """Add a problem."""
        problem = {"status": status, "code": code, "detail": detail, "request_id": "r-1"}
        self.answers(method, path, problem, status=status, kind=PROBLEM)

    def answer_to(self, asked: Asked) -> tuple[int, str, bytes]:
        """What the server sends."""
        self.asked.append(asked)
        waiting = self._answers.get((asked.method, asked.path))
        if not waiting:
            return 404, PROBLEM, json.dumps({"code": "not_found", "detail": f"No answer to {asked.path}"}).encode()
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]


@contextmanager
def fake_service() -> Iterator[FakeService]:
    """A fake that listens until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, kind, data = fake.answer_to(Asked(self.command, parts.path, query, body))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_GET  # noqa: N815 - as http.server calls it

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        fake = FakeService(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join(5)


def job(job_id: str = "a1", state: str = "succeeded", label_id: str | None = "cups", **progress: int) -> dict[str, Any]:
    """A job as the service shows it."""
    counts = {"total": 0, "downloaded": 0, "already_there": 0, "failed": 0, "embedded": 0, "indexed": 0}
    return {
        "job_id": job_id,
        "kind": "index",
        "label_id": label_id,
        "parent_id": None,
        "children": [],
        "state": state,
        "detail": None,
        "limit": None,
        "progress": counts | progress,
        "mode": "resume",
        "retry_of": None,
        "remarks": [],
        "rate_images_per_s": None,
        "eta_s": None,
        "waiting_for": None,
        "failures_by_reason": {},
        "created_at": "2024-05-06T07:08:09.123456Z",
        "started_at": None,
        "finished_at": None,
    }


def label(label_id: str, image_count: int = 4, indexed_count: int = 0) -> dict[str, Any]:
    """A label as the service shows it."""
    return {"label_id": label_id, "name": label_id, "image_count": image_count, "indexed_count": indexed_count}
