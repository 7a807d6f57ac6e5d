"""The commands as programs of their own, against the real service."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.service.conftest import draw_catalogue
from tests.service.running import ROOT, Service, embedded_meanwhile, running
from tests.unit.cli.fake_service import fake_service, job, label

WAIT_S = 90.0
Done = subprocess.CompletedProcess[str]


def environment(url: str = "") -> dict[str, str]:
    """No setting of the caller's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOOKALIKE_")}
    return kept | {"LOOKALIKE_URL": url}


def program(*words: str) -> list[str]:
    return [sys.executable, "-W", "error", "-m", "app", *words]


def lookalike(*words: str, url: str = "") -> Done:
    """Run a command to its end."""
    return subprocess.run(
        program(*words), cwd=ROOT, env=environment(url), capture_output=True, text=True, timeout=WAIT_S, check=False
    )


@contextmanager
def started(*words: str, url: str = "") -> Iterator["subprocess.Popen[str]"]:
    """A command that runs until the test ends it."""
    with subprocess.Popen(
        program(*words), cwd=ROOT, env=environment(url), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        watchdog = threading.Timer(WAIT_S, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


@pytest.fixture(scope="module", autouse=True)
def store() -> Iterator[str]:
    """One is enough: commands know the service's answers alone, which other tests compare."""
    with embedded_meanwhile() as name:
        yield name


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = draw_catalogue(tmp_path_factory.mktemp("catalogue"), {"cups": 4, "mugs": 4})
    (root / "cups" / "notes.jpg").write_text("no picture at all")
    return root


@pytest.fixture(scope="module")
def service(catalogue: Path, data_dir: Path) -> Iterator[Service]:
    with running(data_dir, catalogue) as service:
        yield service
        assert [] == [line for line in service.log if "Traceback" in line]


@pytest.fixture(scope="module")
def url(service: Service) -> str:
    return str(service.client.base_url).rstrip("/")


@pytest.fixture(scope="module")
def indexed(url: str) -> Done:
    """Everything is indexed, by the command itself."""
    return lookalike("index", "--all", url=url)


def test_index_all_waits_for_the_end_and_counts_failures_by_reason(indexed: Done) -> None:
    assert (0, "") == (indexed.returncode, indexed.stderr)
    lines = [line.split() for line in indexed.stdout.splitlines()]
    assert "9 images: 8 indexed, 0 there already, 1 failed." == " ".join(lines[0])
    assert ["not_an_image", "1"] in lines
    assert ["cups", "partially", "succeeded", "5", "1"] in [line[:5] for line in lines]


@pytest.mark.usefixtures("indexed")
def test_failures_are_listed_as_a_table_and_as_csv_and_tried_again(service: Service, url: str) -> None:
    parent = next(job for job in service.client.get("/jobs").json()["items"] if job["children"])["job_id"]
    lines = lookalike("jobs", "failures", parent, url=url).stdout.splitlines()
    assert ["not_an_image", "0", "notes.jpg"] == lines[2].split()[1:]
    answer = service.client.get(f"/jobs/{parent}/failures", headers={"accept": "text/csv"})
    printed = subprocess.run(
        program("jobs", "failures", parent, "--csv"), cwd=ROOT, env=environment(url), capture_output=True,
        timeout=WAIT_S, check=True,
    )  # fmt: skip
    assert answer.content == printed.stdout
    again = lookalike("jobs", "retry", parent, "--reason", "not_an_image", url=url)
    assert (1, "") == (again.returncode, again.stderr)
    assert "1 images: 0 indexed, 0 there already, 1 failed." == again.stdout.splitlines()[0].rstrip()
    nothing = lookalike("jobs", "retry", parent, "--reason", "dns", url=url)
    assert (1, True) == (nothing.returncode, nothing.stderr.endswith(" (nothing_to_retry)\n"))


@pytest.mark.usefixtures("service")
def test_a_catalogue_tells_what_reading_it_found(url: str) -> None:
    lines = [line.split() for line in lookalike("catalogue", url=url).stdout.splitlines()]
    assert ["labels", "2"] in lines
    assert "No bad records.\n" == lookalike("catalogue", "--bad", url=url).stdout


@pytest.mark.usefixtures("indexed")
def test_labels_and_status_show_what_is_indexed(service: Service, url: str) -> None:
    lines = [line.split() for line in lookalike("labels", url=url).stdout.splitlines()]
    assert [["cups", "cups", "5", "4"], ["mugs", "mugs", "4", "4"]] == lines[2:]
    assert service.client.get("/labels").json() == json.loads(lookalike("labels", "--json", url=url).stdout)
    status = lookalike("status", url=url)
    assert 0 == status.returncode
    assert ["indexed", "2", "labels,", "8", "images"] in [line.split() for line in status.stdout.splitlines()]


@pytest.mark.usefixtures("indexed")
def test_a_search_ranks_the_photo_itself_first(catalogue: Path, url: str) -> None:
    photo = str(catalogue / "cups" / "2.jpg")
    _, _, first, *_, timing = lookalike("search", photo, url=url).stdout.splitlines()
    assert ["1", "1.0000", "cups", "2.jpg"] == [word for at, word in enumerate(first.split()) if at != 2]
    assert timing.startswith("120 x 90 pixels: decode ")
    words = ["--label", "mugs", "--k", "2", "--group-by", "image", "--min-score", "-1", "--exact", "--json"]
    results = json.loads(lookalike("search", photo, *words, url=url).stdout)["results"]
    assert [(1, ["mugs"]), (2, ["mugs"])] == [(result["rank"], result["label_ids"]) for result in results]


@pytest.mark.usefixtures("indexed")
def test_jobs_are_listed_shown_and_cancelled(service: Service, url: str) -> None:
    begun = json.loads(lookalike("index", "mugs", "--limit", "2", "--no-follow", "--json", url=url).stdout)
    job_id = begun["items"][0]["job_id"]
    ended = service.wait_for(job_id)
    assert ended == json.loads(lookalike("jobs", "show", job_id, "--json", url=url).stdout)
    assert lookalike("jobs", url=url).stdout.splitlines()[2].startswith(job_id)
    cancelled = lookalike("jobs", "cancel", job_id, url=url)
    assert (0, True) == (cancelled.returncode, "succeeded" in cancelled.stdout)


@pytest.mark.usefixtures("indexed")
def test_a_problem_of_the_service_is_exit_code_1_and_a_line(catalogue: Path, url: str) -> None:
    notes = lookalike("search", str(catalogue / "cups" / "notes.jpg"), url=url)
    assert (1, "") == (notes.returncode, notes.stdout)
    assert notes.stderr.startswith("error: ")
    assert notes.stderr.endswith(" (unsupported_image_type)\n")


def test_where_nothing_listens_it_is_exit_code_3() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    status = lookalike("status", url=f"http://127.0.0.1:{port}")
    assert 3 == status.returncode
    assert "Start it with `lookalike serve`." in status.stderr


def test_ctrl_c_ends_the_watching_and_says_that_the_job_goes_on() -> None:
    with fake_service() as fake:
        fake.answers("GET", "/labels/cups", label("cups"))
        fake.answers("POST", "/index/cups", job("a1", "running"))
        fake.answers("GET", "/jobs/a1", job("a1", "running"))
        with started("index", "cups", url=fake.url) as process:
            deadline = time.monotonic() + WAIT_S
            while len(fake.asked) < 3 and time.monotonic() < deadline:
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=WAIT_S)
    assert (130, "") == (process.returncode, out)
    assert err.startswith("a1 goes on. ")
    assert "Traceback" not in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_service_well(tmp_path: Path, number: signal.Signals) -> None:
    with started("serve", "--port", "0", "--data-dir", str(tmp_path)) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        port = int(line.removeprefix("Lookalike listens on http://127.0.0.1:").removesuffix(" (docs at /docs)\n"))
        socket.create_connection(("127.0.0.1", port), timeout=WAIT_S).close()
        process.send_signal(number)
        rest = process.communicate(timeout=WAIT_S)
    assert (0, ("", "")) == (process.returncode, rest)


@pytest.mark.usefixtures("service")
def test_a_second_service_on_one_data_folder_is_refused(data_dir: Path) -> None:
    second = lookalike("serve", "--port", "0", "--data-dir", str(data_dir))
    assert (1, 1) == (second.returncode, second.stderr.count("\n"))
    assert second.stderr.startswith("error: Another process uses this data folder")


def test_a_port_that_is_taken_is_told(service: Service, tmp_path: Path) -> None:
    port = str(service.client.base_url.port)
    second = lookalike("serve", "--port", port, "--data-dir", str(tmp_path))
    assert (1, 1) == (second.returncode, second.stderr.count("\n"))
    assert second.stderr.startswith(f"error: Cannot listen on port {port} of 127.0.0.1: it is taken")


def test_a_model_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    refused = lookalike("serve", "--port", "0", "--data-dir", str(tmp_path), "--model", str(tmp_path / "none.onnx"))
    assert (1, 1) == (refused.returncode, refused.stderr.count("\n"))
    assert refused.stderr.startswith("error: The model file none.onnx cannot be read")


def test_wrong_settings_are_exit_code_2_and_a_line_each(tmp_path: Path) -> None:
    refused = lookalike("serve", "--port", "70000", "--views", "3", "--data-dir", str(tmp_path))
    assert 2 == refused.returncode
    names = ["error: LOOKALIKE_PORT: ", "error: LOOKALIKE_VIEWS: "]
    assert names == [line[: len(name)] for line, name in zip(refused.stderr.splitlines(), names, strict=True)]
