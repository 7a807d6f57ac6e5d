"""A SQLite file behind threads of its own: one that writes, some that read, never the event loop's."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from app.domain.errors import DataFolderError, StoreUnavailableError

P = ParamSpec("P")
T = TypeVar("T")

Connection = sqlite3.Connection


class SqliteFile:
    """One database: `write` runs functions in turn, each in a transaction; `read` runs many at once.

    WAL and synchronous=FULL: a committed transaction survives a kill and a loss of power.
    """

    def __init__(
        self, path: Path, schema: str, *, readers: int, prepare_thread: Callable[[], None] | None = None
    ) -> None:
        """Open or make the file. `prepare_thread` is run once on each thread. Raises DataFolderError."""
        self._path = path
        self._local = threading.local()
        self._connections: list[Connection] = []
        prepare = prepare_thread or _nothing
        self._writer = ThreadPoolExecutor(1, f"write-{path.stem}", prepare)
        self._readers = ThreadPoolExecutor(readers, f"read-{path.stem}", prepare)
        try:
            with self._connection() as connection:
                connection.executescript(schema)
        except sqlite3.Error as error:
            raise DataFolderError(f"{path.name} in the data folder cannot be opened: {error}.") from error

    async def write(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function(connection, ...)` in a transaction: all of it or nothing."""
        return await self._on(self._writer, lambda: self._in_transaction(lambda db: function(db, *args, **kwargs)))

    async def read(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function(connection, ...)`, which only reads."""
        return await self._on(self._readers, lambda: function(self._connection(), *args, **kwargs))

    async def _on(self, pool: ThreadPoolExecutor, function: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(pool, function)
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise  # a bug of ours: it would not go away by waiting
        except sqlite3.Error as error:
            detail = "The data folder's database does not answer; see the service's log and the free disk space."
            raise StoreUnavailableError(detail) from error

    def _in_transaction(self, function: Callable[[Connection], T]) -> T:
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        with connection:  # commits, or rolls back when the function raises
            return function(connection)

    def _connection(self) -> Connection:
        """This thread's own connection."""
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # check_same_thread is off for closing alone: each connection is used by the thread that made it.
            connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=10)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            self._local.connection = connection
            self._connections.append(connection)
        return connection

    def close(self) -> None:
        """Finish what is under way and close the file."""
        for pool in (self._readers, self._writer):
            pool.shutdown(wait=True)
        for connection in self._connections:
            connection.close()


def _nothing() -> None:
    """Prepare nothing."""
