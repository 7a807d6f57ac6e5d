"""Jobs on a real cluster whose nodes and indexers are killed or paused in their middle. Run by scripts/cluster_faults.

Three services share a cluster of three nodes with one replica. In each round labels are indexed, and at a random point
of the job a node is killed with SIGKILL, or the process that is the indexer is, or that is paused until another has
taken over. A caller searches through the third process all the time. After each round everything that is indexed is
compared with what the catalogue has: in lists, in searches, and on the cluster itself.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from benchmarks.report import Goal, print_report, table

from tests.clusters import Cluster, running_elasticsearch
from tests.faults.asking import Asking
from tests.faults.fleet import WAIT_S, Fleet, ended, fleet, lost_and_doubled, until, wait_until_done

_WAYS: Final = ("node", "indexer", "pause")
_PROCESSES: Final = 3
_CALLER: Final = 2
"""The process that the caller asks: it is never killed, but may be the indexer."""
_STILL: Final = {"still": 20}
_LABELS: Final = 3
_MAX_IMAGES: Final = 300
_SHOWN: Final = 10


class Run:
    """Rounds, and what was seen."""

    def __init__(self, cluster: Cluster, ships: Fleet, chance: random.Random) -> None:
        """Start the services and index what the caller asks for."""
        self._cluster = cluster
        self._ships = ships
        self._chance = chance
        self._indexed = list(_STILL)
        self.kills: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()
        self.details: list[str] = []
        ships.start(*range(_PROCESSES))
        _, job_id = ships.begin(*_STILL)
        self._judge(ended(ships[_CALLER], job_id))

    def round(self, number: int) -> None:
        """One job, one fault in its middle, and what is there behind it."""
        self._whole()
        label_ids = [label_id for label_id in self._ships.labels if label_id.startswith(f"round-{number}-")]
        indexer, job_id = self._ships.begin(*label_ids)
        self._indexed += label_ids
        total = sum(self._ships.labels[label_id] for label_id in label_ids)
        wait_until_done(self._ships[indexer], job_id, self._chance.randrange(1, total // 2))
        way = _WAYS[number % len(_WAYS)]
        if way != "pause" and indexer == _CALLER:
            way = "node"
        began = time.monotonic()
        self._fault(way, indexer)
        job = ended(self._ships[_CALLER], job_id)
        print(f"round {number}: {way}, {job['state']} {time.monotonic() - began:.0f} s later", file=sys.stderr)
        self._whole()
        self._judge(job)

    def _fault(self, way: str, indexer: int) -> None:
        self.kills[way] += 1
        if way == "node":
            self._chance.choice(self._cluster.nodes).kill()
        elif way == "indexer":
            self._ships.kill(indexer)
        else:
            self._ships.pause(indexer)
            time.sleep(self._chance.uniform(0, 5))
            self._ships.go_on(indexer)

    def _whole(self) -> None:
        """Everything runs again, and each shard has its copy."""
        for node in self._cluster.nodes:
            if node.pid is None:
                node.start()
        until(self._is_green)
        self._ships.start(*range(_PROCESSES))

    def _is_green(self) -> bool:
        with self._cluster.client() as client:
            found = client.get(f"/_cluster/health/{self._ships.namespace}@*").raise_for_status().json()
        return bool(found["status"] == "green")

    def _judge(self, job: dict[str, Any]) -> None:
        if job["state"] != "succeeded":
            self._tell("jobs that did not succeed", str(job))
        service = self._ships[self._ships.indexer()]
        found = lost_and_doubled(service, self._cluster.urls[0], self._ships, self._indexed)
        for name, each in found.items():
            for one in each:
                kind = one.partition(" ")[0]
                self._tell(kind if kind in {"lost", "doubled"} else "miscounted", f"{name}: {one}")

    def _tell(self, kind: str, detail: str) -> None:
        self.wrong[kind] += 1
        self.details.append(f"{kind}: {detail}")


def report(run: Run, asking: Asking, images: int, kills: int) -> tuple[list[str], list[Goal]]:
    """Tables and goals."""
    rows = [
        ("images indexed", images),
        *((f"faults: {way}", count) for way, count in sorted(run.kills.items())),
        ("requests", asking.answers.total()),
        *((f"answered {status}", count) for status, count in sorted(asking.answers.items())),
    ]
    goals = [
        Goal("faults", run.kills.total(), kills, at_least=True),
        *(Goal(kind, run.wrong[kind], 0) for kind in ("lost", "doubled", "miscounted", "jobs that did not succeed")),
        Goal("answers that nobody may be given", len(asking.wrong), 0),
    ]
    shown = [*run.details, *asking.wrong][:_SHOWN]
    return [table("The jobs, and what was done to them", ("", ""), rows), *shown], goals


def measure(cluster: Cluster, folder: Path, arguments: argparse.Namespace) -> bool:
    """Run and print; whether all goals are met."""
    each = {
        f"round-{n}-{label}": arguments.images // _LABELS for n in range(arguments.kills) for label in range(_LABELS)
    }
    hosts = [url.partition("://")[2] for url in cluster.urls]
    more = {"LOOKALIKE_STORE_TIMEOUT_S": "2", "LOOKALIKE_STORE_REPLICAS": "1"}
    with fleet(hosts, "faults", folder, _STILL | each, size=_PROCESSES, more=more) as ships:
        run = Run(cluster, ships, random.Random(arguments.seed))
        with Asking(ships, _CALLER, *_STILL) as asking:
            for number in range(arguments.kills):
                run.round(number)
            if not asking.is_calm(WAIT_S):
                asking.wrong.append("searches fail although everything runs")
        tables, goals = report(run, asking, sum(each.values()), arguments.kills)
    print_report(tables, goals, {"wrong": run.details, "answers": asking.answers}, as_json=arguments.json)
    return all(goal.met for goal in goals)


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=12, help="how many rounds, each with one fault (%(default)s)")
    parser.add_argument("--images", type=int, default=240, help=f"of each round, at most {_MAX_IMAGES} (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    arguments = parser.parse_args()
    if not _LABELS * 4 <= arguments.images <= _MAX_IMAGES:
        parser.error(f"--images is from {_LABELS * 4} to {_MAX_IMAGES}")
    return arguments


def main() -> None:
    """Start everything, and end it."""
    arguments = _parsed()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cluster = stack.enter_context(running_elasticsearch("8.19.21", folder, nodes=3))
        met = measure(cluster, folder, arguments)
    sys.exit(not met)


if __name__ == "__main__":
    main()
