"""Products like one product in one respect: its text, its photo, who buys it, its attributes, its price."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.algorithm import Encoder, ReadsImages
from wares.arrays import Dense, Mask
from wares.data.hits import Hits, Reason
from wares.errors import DataError, SettingError, did_you_mean
from wares.tasks.fusing import Fused
from wares.tasks.similar import Similar

Aspect: TypeAlias = Literal["text", "image", "behaviour", "attributes", "price"]
"""What products can be compared by alone."""

NAMES: tuple[str, ...] = get_args(Aspect)
"""The aspects by name."""

PRICE = 0.9
"""What the ratio of two prices counts, beside the likeness of the products: many cost the same."""

_SAID = {"image": "looks alike", "behaviour": "bought with the same products", "attributes": "of like attributes"}
_MISSING = {
    "text": "its vectors are made of other things",
    "image": 'it has no image encoder: add [[encode.parts]] with use = "image" to its shop.toml',
    "behaviour": "it has no events",
    "attributes": 'it has no encoder of attributes: add [[encode.parts]] with use = "attributes" to its shop.toml',
    "price": "its products have no price",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Aspects:
    """The vectors of a shop, taken apart into what they show.

    Every product is looked at: O(products x width) a question, some 10 ms of one core for 32,000 products of 256
    columns.

    encoder : what made the vectors. similar : the vectors, words, filters and purchases, and the likeness in all.
    """

    encoder: Encoder
    similar: Similar

    def known(self) -> list[str]:
        """The aspects that this shop can be asked about."""
        return [name for name in NAMES if self._can(name)]

    def search(self, row: int, k: int, by: str, *, allowed: Mask | None = None) -> Hits:
        """(1, k) the products most like that of the row in this aspect, itself left out.

        Scores are cosines, for a price `PRICE` times the cheaper over the dearer and the rest likeness in all. Products
        of which nothing is known in this aspect are not among them. Raises SettingError for an aspect that is none, or
        that this shop knows nothing of.
        """
        scores = self._scores(row, by)
        return _best(scores, k, allowed, without=row)

    def photo(self, photo: Path | str | bytes, k: int, *, allowed: Mask | None = None) -> Hits:
        """(1, k) the products whose photos are most like this one, a file or its content.

        Raises DataError where it is no picture that can be read, SettingError as `search` does.
        """
        self._check("image")
        reader = next(part for part in self._parts if isinstance(part, ReadsImages))
        vector = reader.encode_images([photo])[0]
        if not np.asarray(vector).any():
            raise DataError(
                f"{'what was sent' if isinstance(photo, bytes) else photo} is not a picture that can be read"
            )
        return _best(self._cosines("image", np.asarray(vector, np.float32)), k, allowed)

    def reasons(self, row: int, hits: Hits, by: str) -> list[list[Reason]]:
        """Why each hit is there."""
        rows = hits.rows[0][hits.rows[0] >= 0].tolist()
        if by == "price":
            return [self._priced(row, other) for other in rows]
        said = [_SAID.get(by, "described alike")] * len(rows)
        if by == "text" and self.similar.words is not None:
            shared = self.similar.words.shared_by(row, rows)
            said = ["both " + ", ".join(f"“{word}”" for word in words) if words else said[0] for words in shared]
        return [[Reason(text, 1.0)] for text in said]

    # -- how -----------------------------------------------------------------------------------------------------------

    @cached_property
    def _parts(self) -> Sequence[Encoder]:
        return self.encoder.parts_ if isinstance(self.encoder, Fused) else [self.encoder]

    @cached_property
    def _spans(self) -> dict[str, list[slice]]:
        """By aspect the columns that show it; those of other encoders than ours are taken for all there are."""
        spans: Sequence[Sequence[int]] = self.encoder.spans_ if isinstance(self.encoder, Fused) else []
        found: dict[str, list[slice]] = {}
        for part, span in zip_longest(self._parts, spans, fillvalue=[0, self.similar.vectors.shape[1]]):
            assert isinstance(part, Encoder)
            found.setdefault(part.SHOWS, []).append(slice(*span))
        return found

    def _can(self, by: str) -> bool:
        if by == "price":
            return self._prices is not None
        return by in self._spans or (by == "behaviour" and self.similar.together is not None)

    def _check(self, by: str) -> None:
        if by not in NAMES:
            raise SettingError(f"by={by!r}: products are compared by {', '.join(NAMES)}{did_you_mean(by, NAMES)}")
        if not self._can(by):
            can = ", ".join(self.known())
            raise SettingError(f"this shop cannot compare by {by}: {_MISSING[by]}. It can compare by {can}")

    def _scores(self, row: int, by: str) -> NDArray[np.float32]:
        """(n_products,) 0 and less where nothing speaks for it."""
        self._check(by)
        if by == "price":
            return self._near_prices(row)
        if by in self._spans:
            return self._cosines(by, self._columns(by, slice(row, row + 1))[0])
        return self._companions(row)

    def _columns(self, by: str, rows: slice) -> Dense:
        vectors = np.asarray(self.similar.vectors)
        return np.concatenate([vectors[rows, span] for span in self._spans[by]], axis=1)

    def _cosines(self, by: str, vector: Dense) -> NDArray[np.float32]:
        vectors = np.asarray(self.similar.vectors)
        dots = np.zeros(len(vectors), np.float32)
        start = 0
        for span in self._spans[by]:
            part = vectors[:, span]
            dots += part @ vector[start : start + part.shape[1]]
            start += part.shape[1]
        lengths = self._length(by) * np.linalg.norm(vector)
        cosines: NDArray[np.float32] = np.divide(dots, lengths, out=np.zeros_like(dots), where=lengths > 0)
        return cosines

    def _length(self, by: str) -> NDArray[np.float32]:
        """(n_products,) the length of each product's columns of an aspect; worked out when it is first asked for."""
        if by not in self._lengths:
            vectors = np.asarray(self.similar.vectors)
            parts = [vectors[:, span] for span in self._spans[by]]
            squares = np.sum([np.einsum("ij,ij->i", part, part) for part in parts], axis=0, dtype=np.float32)
            self._lengths[by] = np.asarray(np.sqrt(squares))
        return self._lengths[by]

    @cached_property
    def _lengths(self) -> dict[str, NDArray[np.float32]]:
        return {}

    @cached_property
    def _shared(self) -> csr_array:
        """(n, n) what each product is bought with, as unit rows."""
        together = self.similar.together
        assert together is not None
        rows, scores = np.asarray(together.rows_), np.asarray(together.scores_)
        lengths = np.linalg.norm(np.where(rows >= 0, scores, 0), axis=1, keepdims=True)
        weights = np.divide(scores, lengths, out=np.zeros_like(scores), where=lengths > 0)
        owners, places = np.nonzero(rows >= 0)
        shape = (len(rows), len(rows))
        return csr_array((weights[owners, places], (owners, rows[owners, places])), shape=shape)

    def _companions(self, row: int) -> NDArray[np.float32]:
        """(n,) the cosine of what two products are bought with: those that take each other's place."""
        wanted = self._shared[[row]].toarray()[0]
        return np.asarray(self._shared @ wanted, np.float32)

    @cached_property
    def _prices(self) -> NDArray[np.float64] | None:
        filters = self.similar.filters
        if filters is None or filters.columns_.get("price", [""])[0] != "number":
            return None
        prices = np.asarray(filters.numbers_[filters.columns_["price"][1]])
        return prices if np.isfinite(prices).any() else None

    def _near_prices(self, row: int) -> NDArray[np.float32]:
        prices = self._prices
        assert prices is not None
        vectors = np.asarray(self.similar.vectors)
        alike = np.maximum(vectors @ vectors[row], 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            near = np.minimum(prices, prices[row]) / np.maximum(prices, prices[row])
        scores: NDArray[np.float32] = (PRICE * near + (1 - PRICE) * alike).astype(np.float32)
        return np.where(np.isfinite(near) & (near > 0), scores, 0)

    def _priced(self, row: int, other: int) -> list[Reason]:
        prices = self._prices
        assert prices is not None
        vectors = np.asarray(self.similar.vectors)
        near = PRICE * min(prices[row], prices[other]) / max(prices[row], prices[other])
        alike = (1 - PRICE) * max(float(vectors[row] @ vectors[other]), 0.0)
        said = [Reason(f"costs {prices[other]:,.2f}, and this {prices[row]:,.2f}", float(near / (near + alike)))]
        return [*said, Reason("described alike", float(alike / (near + alike)))] if alike > 0 else said


def _best(scores: NDArray[np.float32], k: int, allowed: Mask | None, without: int = -1) -> Hits:
    left = np.where(scores > 0, scores, np.float32(-np.inf))
    if without >= 0:
        left[without] = -np.inf
    if allowed is not None:
        left[~allowed] = -np.inf
    return Hits.top(left[None], k)
