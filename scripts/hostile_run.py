"""The real service indexes everything of a hostile web. Run by scripts/hostile_run.

tests/hostile is the web: real photos where ../shared/data is, under catalogues of every edition, over hundreds of host
names, and among them every failure that was seen with the real data. A stall is how late GET /health/live is answered,
asked twenty times a second from another process: it holds the event loop's, and the processor's queue on top, which the
same question to the web shows alone.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from benchmarks.processes import Memory, alone, memory_of
from benchmarks.report import Goal, print_report, table
from benchmarks.watching import Watch, quantile, watching

from tests.hostile.addresses import SERVING
from tests.hostile.catalogues import Written, write_catalogues
from tests.hostile.judging import Judgement, judge, settings
from tests.hostile.plan import planned
from tests.hostile.web import Web, running_web
from tests.service.running import Service, start

_MB_OVER_IDLE: Final = 200
_GROWTH: Final = 1.1
_STALL_MS: Final = 50
_SHARES: Final = (0.5, 0.99, 0.999)
_SETTLE_S: Final = 5
_SHOWN: Final = 10
_LIVE: Final = {"queued", "running"}


@contextmanager
def served(folder: Path, web: Web, written: Written) -> Iterator[Service]:
    """The service on this web."""
    service = start(folder / "data", None, settings(web, written))
    try:
        yield service
    finally:
        service.kill()


def run_job(service: Service, web: Web, timeout_s: float) -> tuple[dict[str, Any], Watch, float]:
    """Index everything, watched: the ended job, what was seen, and how many seconds it took."""
    started = time.monotonic()
    live, control = service.client.base_url.join("/health/live"), f"http://{SERVING[0]}:{web.port}/robots.txt"
    with watching(service.process.pid, str(live), control) as watch:
        answer = service.client.post("/index", json={"all": True}).raise_for_status()
        job: dict[str, Any] = answer.json()
        while job["state"] in _LIVE:
            if time.monotonic() - started > timeout_s:
                sys.exit(f"The job did not end within {timeout_s:.0f} s: {job}")
            time.sleep(1)
            job = service.client.get(f"/jobs/{job['job_id']}").raise_for_status().json()
            print(f"\r{job['progress']}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return job, watch, time.monotonic() - started


def goals_of(judgement: Judgement, watch: Watch, idle: Memory) -> list[Goal]:
    """What must hold. What is flat is the service's own memory: the map of the vectors' file grows with the index."""
    first, second = watch.most_in_halves()
    return [
        *(Goal(f"exceptions to: {name}", len(wrong), 0) for name, wrong in judgement.wrong.items()),
        Goal("memory over idle, MB", max(first.resident_mb, second.resident_mb) - idle.resident_mb, _MB_OVER_IDLE),
        Goal("own memory of the second half / the first", second.anonymous_mb / first.anonymous_mb, _GROWTH),
        Goal("stalls p99.9, ms", quantile(watch.answer_ms, _SHARES[-1]), _STALL_MS),
    ]


def tables_of(job: Mapping[str, Any], watch: Watch, idle: Memory, took_s: float, judgement: Judgement) -> Iterator[str]:
    """What is printed."""
    progress = job["progress"]
    rows: list[tuple[str, object]] = [*progress.items(), ("seconds", took_s), ("images/s", progress["total"] / took_s)]
    yield table("The job", ("", ""), rows)
    yield table("Failures", ("reason", "images"), judgement.failures.most_common())
    first, second = watch.most_in_halves()
    named = {"idle": idle, "most, first half": first, "most, second half": second}
    memory = [(name, one.resident_mb, one.anonymous_mb) for name, one in named.items()]
    yield table("Memory", ("", "MB", "its own"), memory)
    both = (watch.answer_ms, watch.control_ms)
    stalls = [(f"p{share * 100:g}", *(quantile(times_ms, share) for times_ms in both)) for share in _SHARES]
    most = ("most", *map(max, both))
    yield table(f"Stalls, {len(watch.answer_ms):,} questions", ("", "service ms", "web ms"), [*stalls, most])
    for name, wrong in judgement.wrong.items():
        if wrong:
            yield "\n  ".join([f"{len(wrong)} exceptions to: {name}", *wrong[:_SHOWN], ""])


def measure(web: Web, folder: Path, arguments: argparse.Namespace) -> bool:
    """Run, judge and print; whether all goals are met."""
    written = write_catalogues(folder / "catalogues", planned(arguments.urls, web.port, arguments.seed))
    with served(folder, web, written) as service:
        time.sleep(_SETTLE_S)
        idle = memory_of(service.process.pid)
        job, watch, took_s = run_job(service, web, arguments.timeout)
        judgement = judge(service, web, written, job)
    goals = goals_of(judgement, watch, idle)
    memory = [asdict(one) for one in (idle, *watch.memory)]
    figures = {"job": job, "memory": memory, "took_s": took_s, "wrong": judgement.wrong}
    print_report(list(tables_of(job, watch, idle, took_s, judgement)), goals, figures, as_json=arguments.json)
    return all(goal.met for goal in goals)


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--urls", type=int, default=10_000, help="how many addresses the web has (%(default)s)")
    parser.add_argument("--distinct", type=int, default=4000, help="how many different photos it has (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the order in which everything comes (%(default)s)")
    parser.add_argument("--timeout", type=float, default=3600, help="seconds until the run is given up (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    return parser.parse_args()


def main() -> None:
    """Start everything, and end it."""
    arguments = _parsed()
    with ExitStack() as stack:
        stack.enter_context(alone())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        web = stack.enter_context(running_web(folder / "requests.jsonl", distinct=arguments.distinct))
        met = measure(web, folder, arguments)
    sys.exit(not met)


if __name__ == "__main__":
    main()
