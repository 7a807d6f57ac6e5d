"""Rows of float16 in a file: written with pwrite, so that a full disk is an error, and read through a map of it."""

import os
from pathlib import Path
from typing import Final

import numpy as np

from app.domain.records import StoredFeatures

_GROWTH_ROWS: Final = 4096


class VectorFile:
    """Rows by position. One thread writes; what it wrote before handing out a position may be read by all."""

    def __init__(self, path: Path, dimensions: int) -> None:
        """Open or make the file."""
        self.path = path
        self._row_bytes = dimensions * np.dtype(np.float16).itemsize
        self._dimensions = dimensions
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._capacity = os.fstat(self._handle).st_size // self._row_bytes
        self.rows = self._mapped()

    def write(self, position: int, rows: StoredFeatures) -> None:
        """Write rows from a position on, growing the file. Raises OSError when the disk is full."""
        self._reserve(position + len(rows))
        data = memoryview(np.ascontiguousarray(rows, np.float16).tobytes())
        offset = position * self._row_bytes
        while data:
            written = os.pwrite(self._handle, data, offset)
            data, offset = data[written:], offset + written

    def _reserve(self, count: int) -> None:
        if count <= self._capacity:
            return
        capacity = -(-count // _GROWTH_ROWS) * _GROWTH_ROWS
        os.ftruncate(self._handle, capacity * self._row_bytes)
        self._capacity = capacity
        self.rows = self._mapped()

    def _mapped(self) -> StoredFeatures:
        shape = (self._capacity, self._dimensions)
        if not self._capacity:
            return np.empty(shape, np.float16)
        return np.memmap(self.path, np.float16, mode="r", shape=shape)

    def sync(self) -> None:
        """Bring what was written to the disk."""
        os.fsync(self._handle)

    def close(self) -> None:
        """Close the file; maps of it live on while they are used."""
        os.close(self._handle)
