"""The best products put into the order that a shop wants to show: its rules, and no ten of a kind."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wares.arrays import Mask, Vectors
from wares.data.hits import Hits, Reason
from wares.errors import SettingError

POOL = 200
"""Products that rules and variety may choose among, or ten times those asked for where that is more."""


@dataclass(frozen=True, eq=False)
class Lift:
    """A rule that moves products up or down.

    words : the reason that is told. factors : (n_products,) float32 what the score is multiplied by, 1 = untouched.
    """

    words: str
    factors: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Rules:
    """What a shop wants of its recommendations. gone : (n_products,) True where there is none left to sell."""

    gone: Mask | None = None
    lifts: Sequence[Lift] = ()


@dataclass(frozen=True, eq=False)
class Wish:
    """What is asked of one answer beside the best products.

    diverse : 0 = only how well each suits, 1 = only how unlike each is what stands above it. gone : whether what is out
    of stock may be answered.
    """

    diverse: float = 0.0
    gone: bool = False
    rules: Rules = field(default_factory=Rules)

    def __post_init__(self) -> None:
        # Written so that NaN is refused too.
        if not 0 <= self.diverse <= 1:
            raise SettingError(f"diverse={self.diverse}: from 0, only how well each suits, to 1, only how unlike")

    def allowed(self, given: Mask | None) -> Mask | None:
        """The products that may be answered."""
        if self.gone or self.rules.gone is None:
            return given
        return ~self.rules.gone if given is None else given & ~self.rules.gone

    def pool(self, k: int) -> int:
        """How many of the best products to choose among."""
        return max(POOL, 10 * k) if self.rules.lifts or self.diverse else k


def arrange(hits: Hits, k: int, wish: Wish, vectors: Vectors | None) -> Hits:
    """The k products of one answer to show, with the scores by which they were put in order.

    Scores are brought to 0..1, multiplied by what the rules say, and then what is most like the products above it loses
    by that: maximal marginal relevance. Without rules and variety the hits stay as they are.

    Source: Carbonell & Goldstein 1998, doi:10.1145/290941.291025.
    """
    rows = hits.rows[0][hits.rows[0] >= 0]
    if not len(rows) or not (wish.rules.lifts or wish.diverse):
        return hits
    scores = hits.scores[0][: len(rows)].astype(np.float64)
    low = min(scores[-1], 0.0)
    worth = (scores - low) / max(scores[0] - low, 1e-30) if scores[0] > low else np.ones(len(rows))
    for lift in wish.rules.lifts:
        worth = worth * lift.factors[rows]
    if wish.diverse and vectors is not None:
        worth = worth / max(worth.max(), 1e-30)
        places, values = _unlike(worth, _dense(vectors, rows), k, wish.diverse)
        out = Hits.none(1, k)
        out.rows[0, : len(places)], out.scores[0, : len(places)] = rows[places], values
        return out
    # Stable: what rules leave alike stays in the order of the model.
    order = np.argsort(-worth, kind="stable")[:k]
    out = Hits.none(1, k)
    out.rows[0, : len(order)], out.scores[0, : len(order)] = rows[order], worth[order]
    return out


def _unlike(
    worth: NDArray[np.float64], vectors: NDArray[np.float32], k: int, diverse: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Places and values of k of n, one after the other the best by worth less likeness to those before it."""
    likest = np.zeros(len(worth))
    left = np.ones(len(worth), bool)
    places, values = [], []
    for _ in range(min(k, len(worth))):
        value = np.where(left, (1 - diverse) * worth - diverse * likest, -np.inf)
        best = int(value.argmax())
        left[best] = False
        places.append(best)
        values.append(value[best])
        likest = np.maximum(likest, vectors @ vectors[best])
    return np.array(places, np.int64), np.array(values)


def _dense(vectors: Vectors, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    found = vectors[rows]
    return np.asarray(found if isinstance(found, np.ndarray) else found.toarray(), np.float32)


def told(reasons: Sequence[Sequence[Reason]], rows: NDArray[np.int64], wish: Wish) -> list[tuple[Reason, ...]]:
    """The reasons of an answer with those of the rules; shares still sum to 1.

    A rule that lifts takes the share that the score has by it; one that moves down, and what is out of stock, is told
    with share 0, for it speaks for nothing.
    """
    found = []
    for row, said in zip(rows.tolist(), reasons, strict=True):
        factors = [(lift.words, float(lift.factors[row])) for lift in wish.rules.lifts if lift.factors[row] != 1]
        up = [(words, factor) for words, factor in factors if factor > 1]
        whole = float(np.prod([factor for _, factor in up]))
        total = sum(np.log(factor) for _, factor in up)
        lifted = [Reason(words, round((1 - 1 / whole) * np.log(factor) / total, 6)) for words, factor in up]
        down = [Reason(words, 0.0) for words, factor in factors if factor < 1]
        if wish.rules.gone is not None and wish.rules.gone[row]:
            down.append(Reason("out of stock", 0.0))
        if not lifted and not down:
            found.append(tuple(said))
            continue
        rest = 1 - sum(each.share for each in lifted)
        scaled = [Reason(each.text, round(each.share * rest, 6), each.products) for each in said]
        ordered = sorted([*lifted, *scaled[:-1]], key=lambda each: -each.share)
        found.append((*ordered, *down, *scaled[-1:]))
    return found
