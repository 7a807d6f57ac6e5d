import random
import subprocess
import sys
import time
from pathlib import Path

from tests.contract.large import copied, everything, opened
from tests.contract.putting import ADDED

ROOT = Path(__file__).resolve().parents[2]
KILLS = 3


def killed_while_putting(folder: Path, start: int, after_s: float) -> int:
    """Run the program, kill it so long after its first put returned, and tell how far it said that it came."""
    command = [sys.executable, "-m", "tests.contract.putting", str(folder), str(start)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        time.sleep(after_s)
        process.kill()
        said += process.stdout.read()
    return int(said.split("\n")[:-1][-1])


async def test_whatever_was_acknowledged_before_a_kill_is_there_exactly_once_after_it(tmp_path: Path) -> None:
    folder, reached = tmp_path / "store", 0
    for kill in range(KILLS):
        reached = killed_while_putting(folder, reached, random.uniform(0.02, 0.7))
        async with opened(copied(folder, tmp_path / f"copy{kill}")) as store:
            ids = await everything(store)
            label = await store.label("all")
        expected = [f"i{number:06}" for number in range(reached)]
        assert label is not None
        assert expected == ids[:reached]
        assert len(ids) == len(set(ids)) == label.image_count
        assert len(ids) in {reached, reached + ADDED}
