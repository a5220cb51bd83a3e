"""Some texts of a catalog to learn from, whatever its size; not an algorithm itself."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.data.catalog import Catalog


def sampled(
    catalog: Catalog, columns: Sequence[str], n: int, rng: np.random.Generator, longest: int | None = None
) -> list[str]:
    """At most n of the distinct texts of a catalog that are not blank, in the order in which they first stand there.

    The catalog is read twice, piece by piece. Memory 8 bytes a product and the texts that are picked.
    """
    rows = distinct(catalog, columns, longest)
    if len(rows) > n:
        rows = rows[np.sort(rng.choice(len(rows), n, replace=False))]
    found: list[str] = []
    start = 0
    for piece in catalog.pieces(columns):
        low, high = np.searchsorted(rows, (start, start + len(piece)))
        if low < high:
            texts = piece.text(columns, longest)
            found += [texts[row] for row in (rows[low:high] - start).tolist()]
        start += len(piece)
    return found


def distinct(catalog: Catalog, columns: Sequence[str], longest: int | None = None) -> NDArray[np.int64]:
    """The rows, in order, where a text that is not blank first stands; texts are told apart by 64-bit hashes."""
    hashes = [np.empty(0, np.uint64)]
    for texts in catalog.texts(columns, longest):
        found = pl.Series(texts, dtype=pl.String).hash(0).to_numpy() | np.uint64(1)
        hashes.append(np.where([bool(text) and not text.isspace() for text in texts], found, np.uint64(0)))
    values, first = np.unique(np.concatenate(hashes), return_index=True)
    return np.sort(first[values > 0])


def shortened(texts: list[str], letters: int) -> list[str]:
    """Texts of so many letters together at most: where there are more, the longest are cut, all to one length."""
    lengths = np.sort(np.fromiter(map(len, texts), np.int64, len(texts)))
    if lengths.sum() <= letters:
        return texts
    # With the first i texts whole, the others share what is left.
    left = letters - np.concatenate([[0], np.cumsum(lengths)[:-1]])
    share = left // np.arange(len(lengths), 0, -1)
    longest = int(share[np.argmax(share < lengths)])
    return [text[:longest] for text in texts]
