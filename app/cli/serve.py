"""`lookalike serve`: run the service until it is interrupted."""

import logging
import socket

import uvicorn

from app.config import Settings
from app.main import create_app

_BACKLOG = 512


def serve(settings: Settings) -> None:
    """Serve until interrupted. Raises OSError when the address is taken."""
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    listening = socket.create_server((settings.host, settings.port), family=_family(settings.host), backlog=_BACKLOG)
    config = uvicorn.Config(
        create_app(settings),
        log_config=None,
        access_log=settings.access_log,
        server_header=False,
        timeout_keep_alive=75,
    )
    uvicorn.Server(config).run(sockets=[listening])


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
