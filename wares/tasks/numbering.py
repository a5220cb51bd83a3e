"""How many interests suit a shop's shoppers: as many as tell most of what they take later."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.algorithm import Clusterer
from wares.arrays import Dense, Labels
from wares.data.history import History
from wares.recommend.profile import Profile

NUMBERS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20, 25)
"""Numbers of interests that are looked at: as many as people can tell apart."""

SPLITS = 3
"""How often shoppers are drawn to learn from, the others being asked."""

FEW = 60
"""Shoppers under which nothing can be told of a number: then there are two interests."""

SURE = 1.0
"""Standard errors by which a number must tell less than the best not to be taken: people see more with more of them."""

EACH = 20
"""Shoppers of an interest on the mean, at least."""

MIXED = (0.1, 0.3, 1.0, 3.0, 10.0)
"""Votes of all shoppers mixed into those of an interest, as many times as it has on the mean, that are tried."""

SAMPLE = 4000
"""Shoppers looked at."""


def halves(history: History) -> tuple[History, History]:
    """The earlier and the later half of each shopper's events."""
    place = np.arange(history.n_events) - np.repeat(history.indptr[:-1], np.diff(history.indptr))
    first = place < np.repeat((np.diff(history.indptr) + 1) // 2, np.diff(history.indptr))
    return history.keep(first), history.keep(~first)


def choose(
    make: Callable[[int], Clusterer],
    X: Dense,
    later: History,
    *,
    k: int | None = None,
    smoothing: float | None = None,
    seed: int = 0,
) -> tuple[int, float, dict[str, Any]]:
    """The number of interests, the votes of all to mix into theirs, and why: reason, curve of (k, nats a product).

    X : (n, width) what shoppers are clustered by, read from their earlier events. later : what they took then.
    Interests are made of seven in ten of the shoppers; of the others it is asked by how much (nats a product, the
    logarithm of how many times likelier) what the shoppers of the same interest take tells more of what they took later
    than what all shoppers take. Too few interests tell little, too many tell chance. The greatest number is taken that
    does not surely tell less than the best one, shopper by shopper. k and smoothing are kept where they are given.
    """
    some = np.flatnonzero((np.diff(later.indptr) > 0) & X.any(axis=1))
    rng = np.random.default_rng(seed)
    if len(some) > SAMPLE:
        some = np.sort(rng.choice(some, SAMPLE, replace=False))
    ks = [k] if k is not None else [each for each in NUMBERS if each <= len(some) // EACH]
    if len(some) < FEW or not ks:
        reason = f"{len(some)} shoppers with enough events: too few to tell a number"
        return k or 2, 0.3 if smoothing is None else smoothing, {"reason": reason, "curve": []}
    table = Profile.of(later.take(some), later.n_products, "log").matrix(later.n_products)
    mixed = MIXED if smoothing is None else (smoothing,)
    gains = []
    for _ in range(SPLITS):
        order = rng.permutation(len(some))
        learn, ask = np.sort(order[: int(0.7 * len(some))]), np.sort(order[int(0.7 * len(some)) :])
        found = []
        for each in ks:
            model = make(each).fit(X[some[learn]])
            asked = model.predict(X[some[ask]])
            found.append([_told(table, learn, model.labels_, ask, asked, mix) for mix in mixed])
        gains.append(np.array(found))  # (ks, mixed, shoppers)
    told = np.concatenate(gains, axis=2)
    mix = told.mean(axis=2).argmax(axis=1)
    told = told[np.arange(len(ks)), mix]
    means = told.mean(axis=1)
    best = int(means.argmax())
    # A shopper may be asked in several splits: that is no more than one shopper who says something.
    errors = (told - told[best]).std(axis=1) / np.sqrt(told.shape[1] / SPLITS)
    at = int(np.flatnonzero(means >= means[best] - SURE * errors)[-1])
    reason = f"{ks[at]} interests tell {means[at]:.3f} nats more of each product that shoppers take later"
    if at != best:
        reason += f", not surely less than {ks[best]} do ({means[best]:.3f})"
    curve = [[number, float(gain)] for number, gain in zip(ks, means, strict=True)]
    return ks[at], float(mixed[mix[at]]), {"reason": reason if k is None else "as the settings say", "curve": curve}


def _told(
    table: csr_array, learn: NDArray[np.int64], own: Labels, ask: NDArray[np.int64], asked: Labels, mix: float
) -> NDArray[np.float64]:
    """(len(ask),) nats a product taken that the interest of each adds to what all shoppers tell."""
    rows = np.flatnonzero(own >= 0)
    members = csr_array((np.ones(len(rows)), (own[rows], rows)), shape=(int(own.max(initial=0)) + 1, len(learn)))
    votes = np.asarray((members @ table[learn]).todense(), np.float64)
    overall = votes.sum(axis=0) + 1e-3  # a product that nobody took before
    everybody = overall / overall.sum()
    mixed = votes + max(mix, 0.01) * votes.sum() / len(votes) * everybody
    gain = np.log(mixed / mixed.sum(axis=1, keepdims=True)) - np.log(everybody)
    part = table[ask]
    owners = np.repeat(np.arange(len(ask)), np.diff(part.indptr))
    each = np.where(asked[owners] >= 0, part.data * gain[asked[owners], part.indices], 0)
    total = np.bincount(owners, weights=part.data, minlength=len(ask))
    return np.asarray(np.bincount(owners, weights=each, minlength=len(ask)) / np.maximum(total, 1e-12))
