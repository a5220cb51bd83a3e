"""What a shop says of its clusters beyond their list: why a product is in one, and what they may be called."""

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.errors import DataError, SettingError
from wares.opened import Opened
from wares.tasks.belonging import belonging

LONGEST = 80
"""Characters of a cluster's name."""

_SPANS = {"sentence": "meaning", "static": "meaning", "lsa": "words", "tfidf": "words", "hashing": "letters"}
"""What people call the parts of the vectors."""


def why(now: Opened, product: str) -> dict[str, Any]:
    """Why a product is in its cluster, as plain values. Raises UnknownName, and DataError for one in no cluster."""
    row = now.shelf.row(product)
    own = now.cluster_of(row)
    if own is None:
        raise DataError(f"product {product!r} is in no cluster: nothing is near enough to it")
    encoder = now.encoder
    names = [_SPANS.get(name, name) for name in getattr(encoder, "names_", [])]
    found = belonging(
        now.shelf.shown,
        row,
        vectors=now.vectors,
        labels=now.labels,
        centers=np.load(now.folder / "groups" / "centers.npy", mmap_mode="r"),
        encoder=encoder,
        names=_Ids(now),
        spans={name: (span[0], span[1]) for name, span in zip(names, getattr(encoder, "spans_", []), strict=True)},
    )
    return {
        "product": product,
        "title": now.title(row),
        "cluster": _short(now, found.cluster),
        "runner_up": None if found.rival is None else {**_short(now, found.rival), "farther": found.gap},
        "reasons": [
            {"text": each.text, "share": each.share, "products": list(each.products)}
            for each in found.reasons
            if each.share > 0
        ],
        "terms": [{"word": word, "here": here, "elsewhere": there} for word, here, there in found.terms],
        "attributes": [
            {"column": column, "value": value, "here": here, "elsewhere": there}
            for column, value, here, there in found.attributes
        ],
        "would_move": [{"without": what, "to": _short(now, to)} for what, to in found.moves],
    }


def _short(now: Opened, number: int) -> dict[str, Any]:
    return {"id": now.clusters[number].id, "name": now.clusters[number].name}


def map_of(now: Opened, cache: Path) -> dict[str, Any]:
    """The catalog as points on a plane, in columns, one entry a shown product.

    x, y : 0 to 65535. cluster : number of its cluster in `clusters`, -1 for none. price : None where it is not known.
    brand : number in `brands`, -1 for none. ids, titles. Made when first asked for (a second or two for 30,000
    products), then read from `cache`.
    """
    positions = _positions(now, cache)
    shown = now.shelf.shown
    frame = shown.frame([name for name in ("id", "title", "brand", "price") if shown.has(name)])
    low, high = positions.min(axis=0, initial=np.inf), positions.max(axis=0, initial=-np.inf)
    # One scale for both axes: distances on the map must mean the same in each direction.
    span = float(np.max(high - low, initial=1e-9))
    x, y = np.round((positions - (low + high - span) / 2) / span * 65535).astype(int).T.tolist()
    brands = frame["brand"].unique().drop_nulls().sort() if "brand" in frame.columns else pl.Series([], dtype=pl.String)
    codes = {name: number for number, name in enumerate(brands)}
    n = len(positions)
    known = frame["price"].to_list() if "price" in frame.columns else [None] * n
    return {
        "x": x,
        "y": y,
        "cluster": now.labels.tolist(),
        "clusters": [{"id": each.id, "name": each.name, "size": each.size} for each in now.clusters],
        "price": [None if value is None or not np.isfinite(value) else round(value, 2) for value in known],
        "brand": [codes.get(name, -1) for name in frame["brand"]] if codes else [-1] * n,
        "brands": list(codes),
        "ids": frame["id"].to_list(),
        "titles": frame["title"].to_list() if "title" in frame.columns else [None] * n,
    }


def _positions(now: Opened, cache: Path) -> NDArray[np.float32]:
    path = cache / "maps" / f"{now.folder.name}.npy"
    if path.exists():
        found: NDArray[np.float32] = np.load(path)
        return found
    from wares.tasks.mapping import layout  # its kernels are loaded only by who looks at a map

    found = layout(now.vectors, seed=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.stem}-{os.getpid()}.npy")
    np.save(draft, found)
    draft.replace(path)
    for old in path.parent.glob("*.npy"):
        if not (now.folder.parent / old.stem).exists():
            old.unlink(missing_ok=True)  # of a build that is gone
    return found


def picture(now: Opened) -> dict[str, Any]:
    """What the plots of the clusters are drawn from: `curve` of the choice of K, `chosen`, `tree` and `departments`."""
    report = now.report["clusters"]
    of = np.zeros(len(now.clusters), np.int64)
    for number, each in enumerate(now.departments):
        of[each["clusters"]] = number
    return {
        "curve": report["curve"],
        "chosen": report["n"],
        "reason": report["choice"],
        "tree": np.load(now.folder / "groups" / "tree.npy"),
        "departments": of,
    }


_UNSEEN = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff]")
"""Line breaks, control characters, what turns the direction of writing, and halves of characters."""


def check_name(now: Opened, number: int, name: str) -> None:
    """Raises SettingError for a name that would not do."""
    if len(name.strip()) > LONGEST:
        raise SettingError(f"a cluster's name of {len(name.strip())} characters: at most {LONGEST}")
    if _UNSEEN.search(name.strip()):
        raise SettingError(f"a cluster's name of one line and of visible characters is needed, not {name!r}")
    same = [each.id for each in now.clusters if each.name == name.strip() and each.id != now.clusters[number].id]
    if same:
        raise SettingError(f"cluster {same[0]} is called {name.strip()!r} already; names must differ")


class _Ids:
    """Ids of shown rows, looked up one at a time."""

    def __init__(self, now: Opened) -> None:
        self._now = now

    def __getitem__(self, row: int) -> str:
        return self._now.shown_ids([row])[0]

    def __len__(self) -> int:
        return len(self._now.labels)
