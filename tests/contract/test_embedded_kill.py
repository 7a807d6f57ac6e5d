import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from app.adapters.stores.embedded.store import EmbeddedStore
from tests.contract.large import copied, everything, opened
from tests.contract.putting import ADDED, DELETED, DESCRIBED, LABELLED, TAKEN_OUT

ROOT = Path(__file__).resolve().parents[2]
KILLS = 4


def killed_while_changing(folder: Path, start: int, after_s: float) -> int:
    """Run the program, kill it so long after its first turn, and tell how far it said that it came."""
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
        reached = killed_while_changing(folder, reached, random.uniform(0.02, 0.7))
        async with opened(copied(folder, tmp_path / f"copy{kill}")) as store:
            ids = await everything(store)
            await assert_changed(store, range(0, reached, ADDED))
            counts = await store.counts()
        gone = {f"i{begin + place:06}" for begin in range(0, reached, ADDED) for place in (TAKEN_OUT, DELETED)}
        expected = [image_id for image_id in map("i{:06}".format, range(reached)) if image_id not in gone]
        assert expected == ids[: len(expected)]
        assert len(ids) == len(set(ids)) == counts["all"]
        assert len(ids) - len(expected) in {0, ADDED, ADDED - 1, ADDED - 2}


async def assert_changed(store: EmbeddedStore, begins: Sequence[int]) -> None:
    """All that was done to single images in these turns is as it was done."""
    deleted = [f"i{begin + DELETED:06}" for begin in begins]
    assert {*deleted} == {*await store.deleted(deleted)}
    described = [await store.entry(f"i{begin + DESCRIBED:06}") for begin in begins]
    assert [str(begin) for begin in begins] == [entry.title for entry in described if entry]
    labelled = [member.image_id for member in await store.members("more", "", 1_000_000)]
    assert [f"i{begin + LABELLED:06}" for begin in begins] == labelled[: len(begins)]
