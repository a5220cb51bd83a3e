"""Allocators that take no more address space than they use, for builds under a limit (`ulimit -v`)."""

import ctypes
import os
import sys

_ARENA_MAX = -8  # of glibc's malloc.h
_ARENAS = 2


def be_sparing() -> None:
    """To be called before the libraries are loaded, by a program of ours and never by an import.

    glibc sets aside 64 MB for every thread that asks for memory, and Arrow's own allocator as much again; a build has
    a dozen threads, of which few work at a time. Measured: 1.07 instead of 1.80 GB of address space
    once everything is loaded; what it does to the speed of a build was not measured by itself.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    if sys.platform == "linux":
        found = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none, and needs none
        if found is not None:
            found(_ARENA_MAX, _ARENAS)
