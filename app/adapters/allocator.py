"""The C library's memory allocator, told to give back what photos took.

By itself glibc keeps a heap for each thread, and after the first few large photos it takes all but the largest from
these heaps, where a small thing that lives on keeps megabytes: a service that downloads grows by a hundred of them.
"""

import ctypes
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_LARGE_BYTES: Final = 4 * 1024 * 1024
_KEPT_BYTES: Final = 16 * 1024 * 1024
"""Of each heap, free at its end. Once the threshold above is set it is 128 kB, and every search faults its pages in."""
_HEAPS: Final = 2


def give_memory_back() -> None:
    """Large pieces of memory are given back at once, and few heaps are kept. Other C libraries do so by themselves."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_M_ARENA_MAX, _HEAPS)
