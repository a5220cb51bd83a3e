"""Products that came in since the build: placed in a cluster, logged before the answer, and watched for drift."""

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.data.answers import GOES, NEXT_BUILD, Placed
from wares.data.changes import Change, read_changes, table
from wares.errors import DataError
from wares.live import Live
from wares.opened import Opened
from wares.placement import Clusters
from wares.tasks.drifting import Drift

_AT_ONCE = 1024  # products encoded at once while the log is replayed
_KEPT = 20_000  # vectors of products placed here, kept until drift is asked for: 40 MB


class Arrivals:
    """What the log says of products since a build; safe to use from several threads, and from several processes."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._lock = threading.Lock()
        self._replaying = threading.Lock()
        self._since: _Since | None = None

    def place(self, products: Any, now: Opened) -> list[Placed]:
        """Where products would go. Raises DataError."""
        return self._place(products, now)[0]

    def add(self, products: Any, now: Opened) -> list[Placed]:
        """Log new and changed products and say where they go. Raises DataError, and then nothing was logged."""
        placed, rows, vectors = self._place(products, now)
        self._live.log().append("product", rows, [each.id for each in placed])
        self._refreshed(now).remember({each.id: row for each, row in zip(placed, vectors, strict=True) if each.new})
        return placed

    def delete(self, ids: Sequence[str], now: Opened) -> int:
        """Log that products are gone; returns how many. Raises UnknownName, and then nothing was logged."""
        for id in ids:
            if not self.knows(id, now):
                now.shelf.ids.row(id)  # raises, with the nearest
        self._live.log().append_products(pl.DataFrame(), deleted=list(ids))
        return len(ids)

    def knows(self, id: str, now: Opened) -> bool:
        """Whether such a product came in since the build, and did not go again."""
        change = self._refreshed(now).changes.get(id)
        return change is not None and not change.gone

    def card(self, id: str, now: Opened) -> dict[str, Any] | None:
        """What is known of a product that was added or changed since the build; None for one that was not.

        Of a product that is gone: what the build still answers, and that it goes.
        """
        since = self._refreshed(now)
        change = since.changes.get(id)
        if change is None:
            return None
        if change.gone:
            return {**now.cards([id])[0], "deleted": True, "searchable": GOES}
        fields = since.fields(id, {})
        cluster = since.clusters.of([fields])[0].cluster
        known = id in now.shelf.ids
        variants = now.cards([id])[0]["variants"] if known else 1
        return {**fields, "cluster": cluster, "variants": variants, "new": not known, "searchable": NEXT_BUILD}

    def drift(self, now: Opened) -> dict[str, Any]:
        """Whether what came in since the build still suits its clusters: `Drift.json()`, in one sentence too."""
        since = self._refreshed(now)
        with self._replaying:  # a lock of its own: thousands of products take seconds, in which others are answered
            since.replay()
            found = since.drift.json()
        moved = found["most_moved"]
        if moved is not None:
            cluster = now.clusters[moved["cluster"]]
            found["most_moved"] = {"cluster": {"id": cluster.id, "name": cluster.name}, "by": moved["by"]}
        return {**found, "said": _sentence(found)}

    # -- how -------------------------------------------------------------------------------------------------------

    def _place(self, products: Any, now: Opened) -> tuple[list[Placed], list[dict[str, Any]], NDArray[np.float32]]:
        since = self._refreshed(now)
        changes = read_changes(products, since.columns, since.levels)
        ids = [row.pop("id") for row in changes]
        whole = [since.fields(id, row) for id, row in zip(ids, changes, strict=True)]
        known = [id in now.shelf.ids for id in ids]
        for id, fields, row in zip(ids, whole, changes, strict=True):
            if not fields.get("title"):
                raise DataError(f"product {id!r} is new and has no title; nothing was taken in")
            since.check(id, row)
        found = since.clusters.of(whole)
        placed = [
            Placed(
                id, str(fields["title"]), each.cluster, each.distance, each.far, not there and not self.knows(id, now)
            )
            for id, fields, each, there in zip(ids, whole, found, known, strict=True)
        ]
        return placed, changes, np.stack([each.vector for each in found])

    def _refreshed(self, now: Opened) -> "_Since":
        with self._lock:
            if self._since is None or self._since.now is not now:
                self._since = _Since(now)
            if self._live.exists():
                self._since.read(self._live)
            return self._since


class _Since:
    """The log's changes of products since one build."""

    def __init__(self, now: Opened) -> None:
        self.now = now
        self.changes: dict[str, Change] = {}
        self.clusters = Clusters(now)
        self._seq = int(now.report["log_seq"])
        self._marks: Any = None
        self._counted: set[str] = set()
        self._waiting: deque[tuple[str, dict[str, Any]]] = deque()
        self._vectors: dict[str, NDArray[np.float32]] = {}
        source: Mapping[str, Any] = next(iter(now.report["products"]["cleaning"]["sources"]), {})
        self.columns: Mapping[str, str] = source.get("columns", {})
        self.levels = str(source.get("levels", "")) if "category" in self.columns else None

    @cached_property
    def drift(self) -> Drift:
        return Drift(self.clusters.centers, self.clusters.limit)

    def read(self, live: Live) -> None:
        """Take in what was logged since the last look."""
        marks = live.marks()
        if marks == self._marks:
            return
        for seq, id, fields in live.log().products_since(self._seq):
            self.changes.setdefault(id, Change()).take(fields)
            if fields is not None and id not in self._counted and id not in self.now.shelf.ids:
                self._counted.add(id)
                self._waiting.append((id, fields))
            self._seq = seq
        self._marks = marks

    def fields(self, id: str, row: Mapping[str, Any]) -> dict[str, Any]:
        """All that is known of a product: in the build, by later changes, and by this one."""
        change = self.changes.get(id)
        before: Mapping[str, Any] = {}
        if id in self.now.shelf.ids and (change is None or not change.anew):
            before = self.now.fields(id)
        return {**before, **(change.fields if change else {}), **row, "id": id}

    def check(self, id: str, row: Mapping[str, Any]) -> None:
        """Raises DataError for a value that its column, as the build has it, cannot hold."""
        schema = self.now.shelf.products.schema
        there = {name: dtype for name, dtype in schema.items() if name in row and dtype != pl.String}
        for column in table([row], there) if there else []:
            if column[0] is None:
                said = f"{column.name} {row[column.name]!r} is not a value of a column of {column.dtype}"
                raise DataError(f"product {id!r}: {said}; nothing was taken in")

    def remember(self, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Keep vectors of new products, so that drift need not make them again."""
        if len(self._vectors) + len(vectors) <= _KEPT:
            self._vectors |= vectors

    def replay(self) -> None:
        """Measure the drift of what has come in, in the order of the log."""
        while self._waiting:
            some = [self._waiting.popleft() for _ in range(min(len(self._waiting), _AT_ONCE))]
            ready = [self._vectors.pop(id, None) for id, _ in some]
            missing = [{**fields, "id": id} for (id, fields), made in zip(some, ready, strict=True) if made is None]
            made = iter(self.clusters.encode(missing)) if missing else iter(())
            self.drift.observe(np.stack([next(made) if each is None else each for each in ready]))


def _sentence(found: Mapping[str, Any]) -> str:
    n = found["products"]
    if not n:
        return "no product has come in since the build"
    came = f"{n:,} new {'products have' if n != 1 else 'product has'} come in since the build"
    far = f"{found['far_share']:.0%} of them lie far from every cluster, {found['expected_far_share']:.0%} is usual"
    if found["due"]:
        return f"the clusters do not suit what comes in any more ({came}; {far}): cluster again with `wares build`"
    return f"{came}; {far}: the clusters still suit"
