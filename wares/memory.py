"""Programs of ours and their memory: allocators that take no more than they use, and when to look for garbage."""

import ctypes
import gc
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
    look_seldom()
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    if sys.platform == "linux":
        found = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none, and needs none
        if found is not None:
            found(_ARENA_MAX, _ARENAS)


def look_seldom() -> None:
    """Look for cycles of garbage a hundred times more seldom than Python does, to be called by programs of ours only.

    Loading the libraries makes hundreds of thousands of objects that stay, and looking through them is in vain.
    """
    gc.set_threshold(70_000, 20, 50)


def settle_down() -> None:
    """Never look again at what is there now: the libraries, and what a server has made ready before it answers.

    A look at all of it took some ten milliseconds, in which nobody was answered.
    """
    gc.collect()
    gc.freeze()
    look_seldom()
