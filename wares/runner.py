"""Where a loop over parts runs. The loop belongs to the algorithm, the machines to the runner.

Parts are handles (a path and a range of rows), cut by a fixed row count; results come back in part order, so that a
float64 sum over them is the same on one process and on many.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Protocol, TypeVar

S = TypeVar("S")
P = TypeVar("P")
R = TypeVar("R")


class Runner(Protocol):
    """Maps `fn(state, part)` over parts, in order; `setup` makes the state once a worker."""

    def map(self, fn: Callable[[S, P], R], parts: Iterable[P], /, *, setup: Callable[[], S]) -> Iterator[R]: ...


@dataclass(frozen=True)
class Local:
    """This process, one part after another."""

    def map(self, fn: Callable[[S, P], R], parts: Iterable[P], /, *, setup: Callable[[], S]) -> Iterator[R]:
        state = setup()
        for part in parts:
            yield fn(state, part)


_state: Any = None


def _start(setup: Callable[[], Any]) -> None:
    global _state  # one per worker process; set once by the pool's initializer
    _state = setup()


def _call(fn: Callable[[Any, Any], Any], part: Any) -> Any:
    return fn(_state, part)


@dataclass(frozen=True)
class Processes:
    """Several processes of this machine. `fn`, `setup` and parts are pickled: keep them small.

    Settings
    --------
    workers : processes at once.
    """

    workers: int = 2

    def map(self, fn: Callable[[S, P], R], parts: Iterable[P], /, *, setup: Callable[[], S]) -> Iterator[R]:
        # Threads of BLAS and numba do not survive a fork: start clean processes.
        context = get_context("spawn")
        with ProcessPoolExecutor(self.workers, mp_context=context, initializer=_start, initargs=(setup,)) as pool:
            waiting = [pool.submit(_call, fn, part) for part in parts]
            for future in waiting:
                yield future.result()
