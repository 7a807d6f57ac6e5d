"""A job over a web on loopback whose service is killed with SIGKILL again and again. Run by scripts/kill_run.

Each address is asked once where all goes well: photos, and one in ten that serves none. Kills come at random points of
the job's progress and up to a fifth of a second later. After each the ledger is read as the dead service left it; at
the end the ledgers are compared with the web's log of requests.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from benchmarks.processes import alone
from benchmarks.report import Goal, print_report, table

from tests.hostile.catalogues import write_catalogues
from tests.hostile.killing import Run, wrong_of
from tests.hostile.plan import quick
from tests.hostile.web import Web, running_web

_DISTINCT: Final = 1000
_LATER_S: Final = 0.2
_SHOWN: Final = 10


def report(
    run: Run, web: Web, job: Mapping[str, Any], wrong: Mapping[str, Sequence[str]], kills: int
) -> tuple[list[str], list[Goal]]:
    """Tables and goals."""
    photos = sum(one.answered != "page" for one in web.seen())
    rows = [
        ("images", job["progress"]["total"]), ("kills", len(run.kills)), ("requests for photos", photos),
        *((f"after kill {number}", kill.committed.total()) for number, kill in enumerate(run.kills, 1)),
    ]  # fmt: skip
    exceptions = [
        "\n  ".join([f"{len(each)} exceptions to: {name}", *each[:_SHOWN], ""]) for name, each in wrong.items() if each
    ]
    goals = [
        Goal("kills", len(run.kills), kills, at_least=True),
        *(Goal(f"exceptions to: {name}", len(each), 0) for name, each in wrong.items()),
    ]
    return [table("The job, and what was committed", ("", ""), rows), *exceptions], goals


def measure(web: Web, folder: Path, arguments: argparse.Namespace) -> bool:
    """Run, compare and print; whether all goals are met."""
    written = write_catalogues(folder / "catalogues", quick(arguments.images, web.port, arguments.seed))
    chance = random.Random(arguments.seed)
    points = sorted(chance.randrange(written.total * 95 // 100) for _ in range(arguments.kills))
    run = Run(web, written, folder / "data", arguments.timeout)
    try:
        run.begin()
        for point in points:
            if not run.kill_at(point, chance.uniform(0, _LATER_S)):
                break
        job = run.end()
        wrong = wrong_of(run, web, written, job)
    finally:
        run.service.kill()
    tables, goals = report(run, web, job, wrong, arguments.kills)
    print_report(tables, goals, {"job": job, "wrong": wrong}, as_json=arguments.json)
    return all(goal.met for goal in goals)


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=5000, help="how many addresses there are (%(default)s)")
    parser.add_argument("--kills", type=int, default=20, help="how often the service is killed (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (%(default)s)")
    parser.add_argument("--timeout", type=float, default=3600, help="seconds until the run is given up (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    return parser.parse_args()


def main() -> None:
    """Start everything, and end it."""
    arguments = _parsed()
    with ExitStack() as stack:
        stack.enter_context(alone())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        web = stack.enter_context(running_web(folder / "requests.jsonl", distinct=_DISTINCT))
        met = measure(web, folder, arguments)
    sys.exit(not met)


if __name__ == "__main__":
    main()
