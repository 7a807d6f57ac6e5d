"""The service as a process: settings that can be acted on, a socket, uvicorn, and a clean end."""

import asyncio
import errno
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from typing import Any, Final

import uvicorn
from asgi_correlation_id import CorrelationIdFilter
from pydantic import ValidationError

from app.cli.errors import CommandError, UsageError
from app.cli.terminal import note
from app.config import Settings
from app.domain.errors import LookalikeError
from app.main import create_app

_BACKLOG: Final = 512
_GRACE_S: Final = 10
"""How long requests under way may take to end once the service is told to."""
_STOPPING: Final = (signal.SIGINT, signal.SIGTERM)

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
_App = Callable[[_Message, _Receive, _Send], Awaitable[None]]


def settings_from(flags: Mapping[str, Any]) -> Settings:
    """Flags before variables before defaults. Raises UsageError with a line for each setting that is wrong."""
    try:
        settings = Settings(**flags)
    except ValidationError as error:
        raise UsageError("\n".join(wrong_settings(error))) from error
    if settings.needs_insecure:
        raise UsageError(
            f"{settings.host} can be reached from other machines, and no key protects the service yet: "
            "--insecure (LOOKALIKE_INSECURE=1) says that you accept that."
        )
    for name, path in (("catalog", settings.catalog), ("catalogs", settings.catalogs)):
        if path is not None and not path.exists():
            raise UsageError(f"{path} is not there: check --{name} (LOOKALIKE_{name.upper()}).")
    return settings


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM. Raises CommandError when the service cannot start."""
    _log_to_stderr(settings)
    with _listening(settings.host, settings.port) as listening:
        app = _Watched(create_app(_known_as(settings, _address(listening))), _address(listening))
        config = uvicorn.Config(
            app,
            lifespan="on",
            log_config=None,
            access_log=settings.access_log,
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=_GRACE_S,
        )
        server = _Server(config, app)
        # SystemExit is how uvicorn says that the application did not start.
        with _stopped_by_signals(server), suppress(SystemExit):
            server.run(sockets=[listening])
    if not app.started:
        raise CommandError(app.failure or "The service could not start; the lines above say why.")


def _known_as(settings: Settings, address: str) -> Settings:
    """With the address that others reach this process at: of port 0 it is known only now."""
    return settings if settings.url else settings.model_copy(update={"url": address})


def wrong_settings(error: ValidationError) -> Iterator[str]:
    """A sentence for each setting that is wrong."""
    for wrong in error.errors(include_url=False, include_input=False):
        name = "".join(f"LOOKALIKE_{part}: ".upper() for part in wrong["loc"][:1])  # none is about several
        yield f"{name}{wrong['msg'].removeprefix('Value error, ')}."


def _log_to_stderr(settings: Settings) -> None:
    handler = logging.StreamHandler()
    handler.addFilter(CorrelationIdFilter(default_value="-"))
    layout = "%(asctime)s %(levelname)s %(correlation_id)s %(name)s: %(message)s"
    logging.basicConfig(level=settings.log_level.upper(), format=layout, handlers=[handler])
    # What uvicorn tells of its own starting and ending is no news; the lines that were asked for are.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").setLevel(logging.INFO)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            why = "it is taken, perhaps by another Lookalike; give --port another, 0 for a free one"
        else:
            # create_server adds the address, which is said already.
            why = str(error.strerror).partition(" (while")[0]
        raise CommandError(f"Cannot listen on port {port} of {host}: {why}.") from error


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _stopped_by_signals(server: uvicorn.Server) -> Iterator[None]:
    """Ctrl-C and SIGTERM are a wish, not a failure.

    uvicorn handles them while it runs and, once all is closed, raises them again for whoever did so before: by then a
    default handler would end this process as if it had been killed.
    """

    def stop(*_: object) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, stop) for number in _STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Server(uvicorn.Server):
    """uvicorn, which waits for open answers before it tells the application that it ends: some have no end."""

    def __init__(self, config: uvicorn.Config, app: "_Watched") -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what has no end, then the rest."""
        self._app.end_streams()
        await super().shutdown(sockets)


def _nothing() -> None:
    """Before it has started, nothing is to be ended."""


class _Watched:
    """The application; it says when it listens, and keeps the sentence that tells why it could not start.

    `end_streams` ends the answers that go on until somebody ends them.
    """

    def __init__(self, app: _App, address: str) -> None:
        self.started = False
        self.failure: str | None = None
        self.end_streams: Callable[[], None] = _nothing
        self._app = app
        self._address = address

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        else:
            # A request that is still not done after the grace is given up; uvicorn says so in a line.
            with suppress(asyncio.CancelledError):
                await self._app(scope, receive, send)

    async def _live(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        async def watch(message: _Message) -> None:
            # Starlette's word for a failure is a stack trace; the error itself comes after it.
            if not message["type"].endswith(".failed"):
                await send(message)
            if message["type"] == "lifespan.startup.complete":
                self.started = True
                self.end_streams = scope["state"]["services"].watching.close
                note(f"Lookalike listens on {self._address} (docs at /docs)")

        try:
            await self._app(scope, receive, watch)
        except asyncio.CancelledError:
            # A second Ctrl-C: uvicorn waits for nothing any more, but what was open has been closed.
            return
        except LookalikeError as error:
            if self.started:
                raise
            self.failure = str(error)
            # uvicorn would only add that the start failed.
            logging.getLogger("uvicorn.error").disabled = True
            await send({"type": "lifespan.startup.failed"})
