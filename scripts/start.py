"""Starts the service; without a catalogue, on drawings made for the purpose. Run through `scripts/start`."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parent.parent
DEMO = Path("data", "demo")
READY_WAIT_S = 60
INDEX_WAIT_S = 300
"""A demo that is not indexed by then is something to look into, not to wait for."""


def main() -> int:
    """Serve until interrupted; the service's own exit code."""
    options, passed_on = _options()
    named = options.catalog or options.catalogs
    if named or os.environ.get("LOOKALIKE_CATALOG") or os.environ.get("LOOKALIKE_CATALOGS"):
        return _serve([*_flags(options), *passed_on])
    return _demonstrate(options, passed_on)


def _options() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        prog="scripts/start",
        description="Starts the service. Without a catalogue: a demo of drawings, indexed, with one search shown.",
        epilog="Other flags are passed on to `lookalike serve`.",
    )
    parser.add_argument(
        "--catalog", type=Path, help="a folder of photos (<root>/<label>/[<product>/]*.jpg), a data set or a table"
    )
    parser.add_argument("--catalogs", type=Path, help="a TOML file that names several")
    parser.add_argument(
        "--data-dir", type=Path, help="where everything is kept (default: data; for the demo data/demo)"
    )
    parser.add_argument("--port", type=int, help="port to listen on (default 8000)")
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    return parser.parse_known_args()


def _flags(options: argparse.Namespace) -> list[str]:
    given = {
        "--catalog": options.catalog,
        "--catalogs": options.catalogs,
        "--data-dir": options.data_dir,
        "--port": options.port,
        "--host": options.host,
    }
    return [str(word) for flag, value in given.items() if value is not None for word in (flag, value)]


def _serve(flags: Sequence[str]) -> int:
    with _service(flags) as service:
        return service.wait()


def _service(flags: Sequence[str]) -> "subprocess.Popen[bytes]":
    """The service as a child that gets the signals this process gets."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *_python_path()])}
    service = subprocess.Popen([sys.executable, "-m", "app", "serve", *flags], env=environment)  # noqa: S603

    def pass_on(number: int, _: FrameType | None) -> None:
        service.send_signal(number)

    signal.signal(signal.SIGINT, signal.SIG_IGN if sys.stdin.isatty() else pass_on)  # a terminal signals both itself
    signal.signal(signal.SIGTERM, pass_on)
    return service


def _python_path() -> list[str]:
    return [path for path in [os.environ.get("PYTHONPATH")] if path]


def _demonstrate(options: argparse.Namespace, passed_on: Sequence[str]) -> int:
    folder = (options.data_dir or ROOT / DEMO).resolve()
    options.data_dir, options.catalog = folder / "data", folder / "catalogue"
    options.port = options.port or 8000
    _draw(options.catalog, folder / "queries")
    address = _address(options.host or "127.0.0.1", options.port)
    with _service([*_flags(options), *passed_on]) as service:
        try:
            _present(service, address, folder / "queries")
        except (httpx.HTTPError, TimeoutError, KeyError) as error:
            if service.poll() is None:
                print(f"The demo could not be shown: {error}", file=sys.stderr)
        return service.wait()


def _address(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - read, not bound
    return f"http://{shown}:{port}"


def _draw(catalogue: Path, queries: Path) -> None:
    if not catalogue.exists():
        catalogue.parent.mkdir(parents=True, exist_ok=True)
        print("Drawing a demo catalogue (drawings, not photos)...", flush=True)
        command = [
            sys.executable,
            str(ROOT / "scripts" / "demo_catalogue.py"),
            str(catalogue),
            "--queries",
            str(queries),
        ]
        subprocess.run(command, check=True)  # noqa: S603


def _present(service: "subprocess.Popen[bytes]", address: str, queries: Path) -> None:
    """Index what is missing and show one search."""
    with httpx.Client(base_url=address, timeout=30, trust_env=False) as client:
        _wait_until_ready(service, client)
        labels = client.get("/labels").raise_for_status().json()["items"]
        if any(label["indexed_count"] < label["image_count"] for label in labels):
            _index_all(service, client)
        _show_search(client, min(queries.iterdir()))
    print(
        f"\nThe service runs at {address} until you press Ctrl-C:\n"
        f"  {address}/docs     try every operation\n"
        f"  {address}/redoc    read about them\n"
        f"  {address}/labels   what is in the demo catalogue\n"
        "Your own photos: ./scripts/start --catalog FOLDER, with FOLDER/<label>/[<product>/]*.jpg",
        flush=True,
    )


def _wait_until_ready(service: "subprocess.Popen[bytes]", client: httpx.Client) -> None:
    deadline = time.monotonic() + READY_WAIT_S
    while time.monotonic() < deadline:
        if service.poll() is not None:
            raise TimeoutError("the service ended at once")
        try:
            if client.get("/health/ready").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise TimeoutError("the service is not ready")


def _index_all(service: "subprocess.Popen[bytes]", client: httpx.Client) -> None:
    print("Indexing the demo catalogue...", flush=True)
    job = client.post("/index", json={"all": True}).raise_for_status().json()
    deadline = time.monotonic() + INDEX_WAIT_S
    while job["state"] in {"queued", "running"}:
        if time.monotonic() > deadline or service.poll() is not None:
            raise TimeoutError("indexing did not end")
        time.sleep(0.3)
        job = client.get(job["links"]["self"]).raise_for_status().json()
    progress = job["progress"]
    print(f"{progress['indexed']} drawings indexed, {progress['failed']} failed.", flush=True)


def _show_search(client: httpx.Client, photo: Path) -> None:
    answer: dict[str, Any] = (
        client.post("/search", files={"image": photo.read_bytes()}, data={"k": "3"}).raise_for_status().json()
    )
    print(f"\nA search:  curl -F image=@'{photo}' -F k=3 {client.base_url}/search")
    for result in answer["results"]:
        print(f"  {result['rank']}. {result['product_id']:45} score {result['score']:.3f}")
    print(f"  timing in ms: {json.dumps(answer['timing_ms'])}")


if __name__ == "__main__":
    raise SystemExit(main())
