"""What is asked of a running service: searches by wrk, and an index of its whole catalogue."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.processes import ROOT, Service, pinned

_WRK_SLACK_S: Final = 90
_SEARCH_TIMEOUT_S: Final = 30
_POLL_S: Final = 0.25
_LIVE: Final = frozenset({"queued", "running"})


@dataclass(frozen=True, slots=True)
class Searched:
    """Searches of one measurement. `cpu_s`: the service's processor seconds a search."""

    concurrency: int
    searches_per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    errors: int
    cpu_s: float


def search(service: Service, photos: Path, concurrency: int, seconds: float, core: int) -> Searched:
    """Post photos over so many connections at once; SystemExit when an answer is anything but 200."""
    script = ROOT / "scripts" / "benchmark.lua"
    wrk = ["wrk", "--threads", "1", "--connections", str(concurrency), "--duration", f"{max(1, round(seconds))}s"]
    where = ["--timeout", f"{_SEARCH_TIMEOUT_S}s", "--script", str(script), f"http://127.0.0.1:{service.port}", "--"]
    before_s = service.cpu_s()
    done = subprocess.run(  # noqa: S603 - a tool that we chose, with our own arguments
        pinned(core, *wrk, *where, photos),
        capture_output=True, text=True, timeout=seconds + _WRK_SLACK_S, check=False,
    )  # fmt: skip
    after_s = service.cpu_s()
    service.settle()  # wrk leaves while its last searches are under way
    *_, last = done.stdout.splitlines() or [""]
    if done.returncode or not last.startswith("RESULT "):
        sys.exit(f"wrk failed: {done.stderr or done.stdout}")
    told = json.loads(last.removeprefix("RESULT "))
    if told["errors"] or not told["searches"]:
        sys.exit(f"{told['errors']} of {told['searches']} searches failed at concurrency {concurrency}.")
    return Searched(
        concurrency=concurrency,
        searches_per_s=told["searches"] / told["seconds"],
        p50_ms=told["p50_ms"],
        p95_ms=told["p95_ms"],
        p99_ms=told["p99_ms"],
        errors=told["errors"],
        cpu_s=(after_s - before_s) / told["searches"],
    )


def index_everything(service: Service, timeout_s: float) -> float:
    """Index the catalogue by POST /index and wait for the job; images a second. SystemExit when any fails."""
    started = time.time()
    _, job = service.request("POST", "/index", {"all": True})
    job = ended(service, job, timeout_s)
    if job.get("state") != "succeeded" or job["progress"]["indexed"] == 0:
        sys.exit(f"Indexing did not succeed: {json.dumps(job)[:2000]}")
    seconds: float = datetime.fromisoformat(job["finished_at"]).timestamp() - started
    indexed: int = job["progress"]["indexed"]
    return indexed / seconds


def ended(service: Service, job: dict[str, Any], timeout_s: float) -> dict[str, Any]:
    """A job as it is when it has ended, or after so long; what is no job as it is."""
    deadline = time.monotonic() + timeout_s
    while job.get("state") in _LIVE and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        _, job = service.request("GET", f"/jobs/{job['job_id']}")
    return job
