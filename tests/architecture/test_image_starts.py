"""What the Dockerfile puts into an image is a service that runs: started here from a copy of just these files.

As in its container: the files cannot be written, the process may do nothing that a plain user may not, and there is no
home. Only the address, the ports, the store and the folders are other ones.
"""

import io
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sysconfig
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from PIL import Image

from tests.architecture.compose import read
from tests.architecture.dockerfile import staged, stages
from tests.service.running import Service

ROOT = Path(__file__).resolve().parents[2]
IMAGE = stages(ROOT / "Dockerfile")[-1]
PLACE = IMAGE.last("WORKDIR").lstrip("/")
LISTENS: Final = re.compile(r"http://127\.0\.0\.1:(\d+)")
START_WAIT_S: Final = 60
CLOSED_PORT: Final = "1"


@pytest.fixture(scope="module")
def unprivileged() -> tuple[str, ...]:
    """What stands before a command so that it runs as in the container: root without rights is as bound as others."""
    if os.geteuid():
        return ()
    if not shutil.which("setpriv"):
        pytest.skip("runs as root, and there is no setpriv to give its rights away")
    return ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the image that the service starts in; nobody may write in it."""
    root = staged(ROOT / "Dockerfile", ROOT, tmp_path_factory.mktemp("stages")) / PLACE
    everything = [root, *root.rglob("*")]
    for path in everything:
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    yield root
    for path in everything:
        path.chmod(path.stat().st_mode | stat.S_IWUSR)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the image and the compose file set, with places of this machine."""
    folder = tmp_path_factory.mktemp("container")
    for label, colour in (("cups", "red"), ("plates", "blue")):
        (folder / "catalog" / label).mkdir(parents=True)
        Image.new("RGB", (64, 48), colour).save(folder / "catalog" / label / "1.jpg")
    told = read(ROOT / "docker-compose.yml", {"CATALOG_DIR": "catalog"})["services"]["lookalike"]["environment"]
    return {
        **IMAGE.environment,
        **told,
        "PATH": f"{sysconfig.get_path('scripts')}:{os.defpath}",
        "HOME": "/nonexistent",
        "LOOKALIKE_HOST": "127.0.0.1",
        "LOOKALIKE_PORT": "0",
        "LOOKALIKE_STORE": "embedded",
        "LOOKALIKE_DATA_DIR": str(folder / "data"),
        "LOOKALIKE_MEDIA": str(folder / "media"),
        "LOOKALIKE_CATALOG": str(folder / "catalog"),
    }


@pytest.fixture(scope="module")
def service(unprivileged: tuple[str, ...], source: Path, environment: dict[str, str]) -> Iterator[Service]:
    """The image's own command, started in its folder."""
    command = (*unprivileged, *IMAGE.array("ENTRYPOINT"), *IMAGE.array("CMD"))
    process = subprocess.Popen(
        command, cwd=source, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    log: list[str] = []
    listening = threading.Event()
    reader = threading.Thread(target=_read, args=(process, log, listening), daemon=True)
    reader.start()
    try:
        assert listening.wait(START_WAIT_S)
        port = next((match[1] for line in log if (match := LISTENS.search(line))), None)
        assert port, "".join(log)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
            yield Service(process, client, log)
    finally:
        process.kill()
        process.wait(timeout=10)
        reader.join(timeout=10)


def _read(process: "subprocess.Popen[str]", log: list[str], listening: threading.Event) -> None:
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            log.append(line)
            if LISTENS.search(line):
                listening.set()
    listening.set()


def _answer_once(server: socket.socket, status: bytes, asked: list[bytes]) -> None:
    connection, _ = server.accept()
    with connection:
        asked.append(connection.recv(4096))
        connection.sendall(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")


def health(environment: dict[str, str], port: str) -> int:
    """The exit code of the image's health check."""
    environment = environment | {"LOOKALIKE_PORT": port, "http_proxy": f"http://127.0.0.1:{CLOSED_PORT}"}
    return subprocess.run(
        IMAGE.health_command, env=environment, stderr=subprocess.DEVNULL, check=False, timeout=30
    ).returncode


def test_the_source_tree_cannot_be_written(unprivileged: tuple[str, ...], source: Path) -> None:
    attempt = "import pathlib, sys; pathlib.Path('app', 'new').write_text('')"
    command = (*unprivileged, shutil.which("python3") or "python3", "-c", attempt)
    result = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False, timeout=30)
    assert "PermissionError" in result.stderr


def test_the_image_indexes_and_finds_with_what_is_in_it(
    service: Service, source: Path, environment: dict[str, str]
) -> None:
    before = sorted(source.rglob("*"))
    assert "succeeded" == service.index()["state"]
    photo = io.BytesIO()
    Image.open(Path(environment["LOOKALIKE_CATALOG"], "cups", "1.jpg")).save(photo, "PNG")
    best = service.search(photo.getvalue(), k=1)["results"][0]
    assert ["cups"] == best["label_ids"]
    assert before == sorted(source.rglob("*"))


def test_the_health_check_is_content_with_a_service_that_is_ready(
    service: Service, environment: dict[str, str]
) -> None:
    assert 0 == health(environment, str(service.client.base_url.port))


def test_the_health_check_fails_where_nothing_listens(environment: dict[str, str]) -> None:
    assert 0 != health(environment, CLOSED_PORT)


@pytest.mark.parametrize(("status", "healthy"), [(b"200 OK", True), (b"503 Service Unavailable", False)])
def test_the_health_check_asks_whether_every_part_is_there(
    environment: dict[str, str], status: bytes, *, healthy: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        asked: list[bytes] = []
        answering = threading.Thread(target=_answer_once, args=(server, status, asked), daemon=True)
        answering.start()
        assert healthy is (health(environment, str(server.getsockname()[1])) == 0)
        answering.join(timeout=30)
    assert asked[0].startswith(b"GET /health/ready ")


def test_the_image_refuses_to_serve_everybody_until_it_is_told_to(
    unprivileged: tuple[str, ...], source: Path, environment: dict[str, str]
) -> None:
    bare = IMAGE.environment | {name: environment[name] for name in ("PATH", "LOOKALIKE_DATA_DIR")}
    command = (*unprivileged, *IMAGE.array("ENTRYPOINT"), *IMAGE.array("CMD"))
    result = subprocess.run(command, cwd=source, env=bare, capture_output=True, text=True, check=False, timeout=60)
    assert 2 == result.returncode
    assert "LOOKALIKE_INSECURE=1" in result.stderr


def test_the_signal_that_stops_the_container_ends_the_service(service: Service) -> None:
    service.process.send_signal(signal.Signals[IMAGE.last("STOPSIGNAL")])
    assert 0 == service.process.wait(timeout=20)
    assert [] == [line for line in service.log if "Traceback" in line]
