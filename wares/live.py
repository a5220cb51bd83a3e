"""What came in since the build was made: logged before it is answered, and part of the next answer."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from os import stat
from os.path import exists
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from wares.data.clean_events import EARLIEST
from wares.data.history import History
from wares.data.read import read_events
from wares.errors import DataError
from wares.opened import Opened
from wares.stages.clustering import NAMED
from wares.stages.labels import LABEL, logged

if TYPE_CHECKING:
    from wares.store.log import Log


class Live:
    """The log's events since a build, by shopper; made when the first is written or read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files = (str(path), f"{path}-wal")  # every question looks at them: as plain text that is quicker
        self._log: Log | None = None
        self._seen: tuple[Any, ...] = ()
        self._build: Opened | None = None
        self._fresh: dict[str, pl.DataFrame] = {}
        self._named: tuple[Any, Opened | None] = ((), None)
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the log."""
        if self._log is not None:
            self._log.close()

    def add(self, events: Any, now: Opened, also: Callable[[str], bool]) -> int:
        """Log a table of events; returns how many. Raises DataError or UnknownName, and then nothing was logged.

        also : whether a product that the build does not have came in since.
        """
        frame = _with_time(_table(events))
        read = read_events(frame, kinds=now.report["events_settings"]["kinds"]).collect()
        _check_times(read["at"])
        for name in read["product"].filter(pl.Series(now.shelf.ids.rows(read["product"], missing=-1) < 0)):
            if not also(name):
                now.shelf.ids.row(name)  # raises, with the nearest
        self.log().append_events(read)
        return len(read)

    def history(self, shopper: str, now: Opened) -> History | None:
        """One row: what a shopper did since the build, in time order; None where nothing."""
        if not self.exists():
            return None
        with self._lock:
            self._refresh(now)
            found = self._fresh.get(shopper)
        if found is None:
            return None
        found = found.sort("at", "seq")
        rows = now.shelf.ids.rows(found["product"], missing=-1)
        weights = now.report["events_settings"]["weights"]
        places = now.shelf.place[rows[rows >= 0]].astype(np.int32)
        known = found.filter(pl.Series(rows >= 0))
        if not len(known):
            return None
        return History(
            indptr=np.array([0, len(known)], np.int64),
            products=places,
            weights=np.array([weights.get(kind, 0.0) for kind in known["kind"]], np.float32),
            n_products=len(now.shelf.shown),
            times=known["at"].dt.timestamp("ns").to_numpy(),
        )

    def rename(self, cluster: int, name: str) -> None:
        """Say how a cluster is to be called; an empty name takes that back (from the next build on)."""
        self.log().append(NAMED, [{"cluster": cluster, "name": name}], [str(cluster)])

    def label(self, product: str, path: str) -> None:
        """Say which category a product is in; an empty one takes that back."""
        self.log().append(LABEL, [{"product": product, "path": path}], [product])

    def labels(self) -> dict[str, str]:
        """What was said of products, id to category."""
        return logged(self._path)

    def names(self, now: Opened) -> None:
        """Call the clusters of a build as the log says, if that may have changed."""
        if not self.exists():
            return
        marks = self.marks()
        if (marks, now) == self._named:
            return
        now.rename({str(row["cluster"]): str(row["name"]) for _, row in self.log().since(NAMED)})
        self._named = (marks, now)

    def exists(self) -> bool:
        """Whether there is a log yet."""
        return self._log is not None or exists(self._files[0])

    def marks(self) -> tuple[Any, ...]:
        """Differs from before whenever anything was logged, by any process."""
        # The write-ahead file changes with every commit, of any process: looking costs microseconds, a query more.
        return tuple(map(_mark, self._files))

    def log(self) -> "Log":
        """The log, made where there is none."""
        if self._log is None:
            from wares.store.log import Log  # SQLAlchemy is long to import, and most shops have no log

            self._log = Log(self._path)
        return self._log

    def _refresh(self, now: Opened) -> None:
        marks = self.marks()
        if marks == self._seen and self._build is now:
            return
        frame = self.log().events_since(int(now.report["log_seq"]))
        self._fresh = {str(key[0]): part for key, part in frame.partition_by("shopper", as_dict=True).items()}
        self._seen, self._build = marks, now


def _check_times(at: pl.Series) -> None:
    """Raises DataError for a time that no build would keep."""
    latest = datetime.now(UTC) + timedelta(days=1)
    wrong = at.filter((at < EARLIEST) | (at > latest))
    if len(wrong):
        raise DataError(f"an event at {wrong[0]:%Y-%m-%d %H:%M}: times run from {EARLIEST:%Y} to tomorrow")


def _mark(path: str) -> tuple[int, int]:
    try:
        found = stat(path)
    except FileNotFoundError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


def _table(events: Any) -> Any:
    """A table; a list of JSON objects is one too."""
    if isinstance(events, dict):
        events = [events]
    return pl.DataFrame(events, infer_schema_length=None) if isinstance(events, list) else events


def _with_time(frame: Any) -> Any:
    """What happens is happening now unless it says when."""
    if isinstance(frame, pl.DataFrame) and "at" not in frame.columns:
        return frame.with_columns(at=pl.lit(datetime.now(UTC)))
    return frame
