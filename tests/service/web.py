"""A small web on loopback for tests of the service: pages by path, that a test may change while they are asked for."""

import csv
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ALLOWED = {"LOOKALIKE_ALLOW_NETWORKS": "127.0.0.0/8"}
"""Settings of a service that may download from it."""
HOLD_S = 60.0


@dataclass
class Web:
    """`pages` are photos by path; everything else is a 404. An event in place of a photo is waited for, then a 404."""

    url: str
    pages: dict[str, bytes | threading.Event] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def answer_to(self, path: str) -> bytes | None:
        """The page, or None."""
        self.asked.append(path)
        page = self.pages.get(path)
        if isinstance(page, threading.Event):
            page.wait(HOLD_S)
            return None
        return page


@contextmanager
def web(pages: Mapping[str, bytes | threading.Event] | None = None) -> Iterator[Web]:
    """Serve pages until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = found.answer_to(self.path)
            self.send_response(404 if page is None else 200)
            self.send_header("Content-Length", str(len(page or b"")))
            self.end_headers()
            self.wfile.write(page or b"")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        found = Web(f"http://127.0.0.1:{server.server_address[1]}", dict(pages or {}))
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield found
        finally:
            for page in found.pages.values():
                if isinstance(page, threading.Event):
                    page.set()
            server.shutdown()
            thread.join(5)


def table(path: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    """A CSV catalogue."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


def shop(path: Path, web: Web, *names: str) -> Path:
    """A table of photos on the web, one label for each letter that names begin with."""
    rows = [
        {"image_id": name, "label_id": name[0], "url": f"{web.url}/{name}", "title": f"Title of {name}"}
        for name in names
    ]
    return table(path, rows)
