"""What the other pairs of two offers say of a pair: whether anything else fits either of them better."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wares.arrays import Labels
from wares.tasks.likening import RIVALS, Pairs, Rule, Scores

RIVALRY: dict[str, Rule] = dict.fromkeys(("lesser rank", "greater rank", "lesser lead", "greater lead"), RIVALS)
"""The columns that `rivalry` gives: of the two sides the lesser and the greater."""

KEPT = 10
"""Best scores of each offer that are kept, for offers that come later."""


def rivalry(pairs: Pairs, scores: Scores, sellers: Labels | None) -> NDArray[np.float32]:
    """(m, 4) float32, 0..1: 1 / (1 + how many fit an offer better than this one does), and by how much this one leads
    those of the same seller, 0.5 being a draw.

    pairs : (m, 2) rows, each pair once. scores : (m,) 0..1. sellers : (n,) whose each is, -1 where it is not known; a
    seller offers a product once, so another offer of the same seller is a rival. None where nothing is known of
    sellers: then any number may be one product, and none is a rival of another.
    """
    one, other = side(pairs[:, 0], pairs[:, 1], scores, sellers), side(pairs[:, 1], pairs[:, 0], scores, sellers)
    return both_sides(one, other)


def both_sides(one: Scores, other: Scores) -> NDArray[np.float32]:
    """(m, 4) of the (m, 2) rank and lead that a pair has on either side."""
    low, high = np.minimum(one, other), np.maximum(one, other)
    return np.column_stack([low[:, 0], high[:, 0], low[:, 1], high[:, 1]]).astype(np.float32)


def side(own: NDArray[np.int32], rest: NDArray[np.int32], scores: Scores, sellers: Labels | None) -> Scores:
    """(m, 2) rank and lead of each pair among those of its `own` offer."""
    m = len(own)
    order = np.lexsort((rest, -scores, own))
    place = np.arange(m)
    begins = _begins(own[order])
    first = place[begins][np.cumsum(begins) - 1]
    level = begins | _begins(scores[order])  # what fits as well is not before it: offers may be alike in every word
    out = np.empty((m, 2))
    out[order, 0] = 1 / (1 + place[level][np.cumsum(level) - 1] - first)
    sold = np.full(m, -1) if sellers is None else sellers[rest]
    order = np.lexsort((rest, -scores, sold, own))
    begins = _begins(own[order]) | _begins(sold[order])
    first = place[begins][np.cumsum(begins) - 1]
    sorted_scores = scores[order]
    second = np.append(np.where(begins[1:], 0.0, sorted_scores[1:]), 0.0)
    best = np.where(place == first, second, sorted_scores[first])
    best[sold[order] < 0] = 0.0  # of those whose seller is not known, no two need be of the same
    out[order, 1] = np.clip((1 + sorted_scores - best) / 2, 0, 1)
    return out


def against(scores: Scores, standing: Scores, *, once: bool) -> Scores:
    """(m, 2) rank and lead of scores that come later, among the best (m, kept) that each offer had before.

    once : whether those are rivals, being of the same seller as what comes later.
    """
    better = (standing > scores[:, None]).sum(axis=1)
    best = standing[:, 0] if once else np.zeros(len(scores))
    return np.column_stack([1 / (1 + better), np.clip((1 + scores - best) / 2, 0, 1)])


def _begins(values: NDArray[Any]) -> NDArray[np.bool_]:
    return np.concatenate([[True], values[1:] != values[:-1]]) if len(values) else np.empty(0, np.bool_)


def tops(pairs: Pairs, scores: Scores, n: int, kept: int = KEPT) -> NDArray[np.float32]:
    """(n, kept) the best scores of each offer, best first, 0 where it has fewer."""
    own = np.concatenate([pairs[:, 0], pairs[:, 1]]).astype(np.int64)
    both = np.concatenate([scores, scores])
    order = np.lexsort((-both, own))
    own, both = own[order], both[order]
    begins = _begins(own)
    rank = np.arange(len(own)) - np.flatnonzero(begins)[np.cumsum(begins) - 1]
    out = np.zeros((n, kept), np.float32)
    out[own[rank < kept], rank[rank < kept]] = both[rank < kept]
    return out
