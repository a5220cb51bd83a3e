"""What a shop says of its clusters beyond their list: why a product is in one, and what they may be called."""

from typing import Any

import numpy as np

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
            {"text": each.text, "share": each.share, "products": list(each.products)} for each in found.reasons
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


def check_name(now: Opened, number: int, name: str) -> None:
    """Raises SettingError for a name that would not do."""
    if len(name.strip()) > LONGEST:
        raise SettingError(f"a cluster's name of {len(name.strip())} characters: at most {LONGEST}")
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
