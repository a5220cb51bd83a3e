"""What a recommender promises."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.algorithm import Additive, Context, Explains
from wares.checks import shop
from wares.checks.common import Case, alike, expect, flat
from wares.checks.indexes import well_formed
from wares.data.history import History
from wares.data.hits import Hits

_ALL = np.arange(12)
_CLOSE = 1e-4


def _ask(case: Case, history: History, k: int = 12, **more: Any) -> Hits:
    more.setdefault("context", shop.context())
    return Hits(*flat(case.fitted.recommend(history, k, **more)))


def _score(case: Case, history: History, products: NDArray[np.int64] = _ALL) -> NDArray[np.float32]:
    return np.asarray(case.fitted.score(history, products, context=shop.context()))


def _close(one: NDArray[np.floating], other: NDArray[np.floating]) -> bool:
    return bool(np.allclose(one, other, rtol=1e-3, atol=_CLOSE))


def _strangers() -> History:
    """A shoe-buyer, a mug-buyer and one who has done nothing, none of them seen before."""
    return History.of([[1, 0], [7, 2], []], 12)


def hits_are_well_formed(case: Case) -> None:
    """Every shape of question gives an answer of the promised shape."""
    for history in (shop.history(), _strangers(), History.of([], 12)):
        for k in (1, 3, 12, 20):
            for repeats in (False, True):
                well_formed(_ask(case, history, k, repeats=repeats), len(history), k, 12)
                well_formed(_ask(case, history, k, repeats=repeats, context=Context()), len(history), k, 12)


def scores_are_numbers(case: Case) -> None:
    """Scores are float32, of the shape asked, never NaN; -inf alone stands for nothing to say."""
    for history in (shop.history(), _strangers(), History.of([], 12)):
        scores = _score(case, history, np.array([5, 0, 5]))
        expect(scores.shape == (len(history), 3), f"scores of 3 products have shape {scores.shape}")
        expect(scores.dtype == np.float32, f"scores are {scores.dtype}")
        expect(not np.isnan(scores).any() and not np.isposinf(scores).any(), "scores hold NaN or infinity")
        expect(np.array_equal(scores[:, 0], scores[:, 2]), "one product, asked twice, has two scores")
        whole = _score(case, history)
        expect(_close(scores, whole[:, [5, 0, 5]]), "the score of a product depends on what else is asked")


def seen_stays_away(case: Case) -> None:
    """What is in the history is answered only with `repeats`."""
    history = shop.history()
    hits = _ask(case, history)
    for shopper in range(8):
        again = set(hits.rows[shopper].tolist()) & set(history.row(shopper).tolist())
        expect(not again, f"shopper {shopper} has products {sorted(again)} already")
    hits, scores = _ask(case, history, repeats=True), _score(case, history)
    missing = np.isfinite(scores[0, [0, 1, 3]]).any() and not set(hits.rows[0].tolist()) & {0, 1, 3}
    expect(not missing, "with repeats, nothing of the history is answered")


def filters_are_respected(case: Case) -> None:
    """Only allowed products are answered, and the order of those stays."""
    history, allowed = shop.history(), np.isin(_ALL, [1, 5, 6, 7, 8, 11])
    before = allowed.copy()
    hits, free = _ask(case, history, allowed=allowed), _ask(case, history)
    expect(np.array_equal(allowed, before), "an answer changed the filter")
    for got, every in zip(hits.rows, free.rows, strict=True):
        wanted = [row for row in every.tolist() if row >= 0 and allowed[row]]
        expect(got[got >= 0].tolist() == wanted, f"with a filter the answer is {got.tolist()}, not {wanted}")
    expect((_ask(case, history, allowed=np.zeros(12, bool)).rows == -1).all(), "nothing is allowed, yet it answers")


def score_agrees_with_recommend(case: Case) -> None:
    """The score of a hit is the one that `score` tells, and nothing better was left out."""
    history = shop.history()
    for repeats in (False, True):
        hits, scores = _ask(case, history, 4, repeats=repeats), _score(case, history)
        for shopper in range(8):
            rows = hits.rows[shopper][hits.rows[shopper] >= 0]
            told = hits.scores[shopper, : len(rows)]
            expect(_close(told, scores[shopper, rows]), "score and recommend tell two scores")
            out = np.ones(12, bool)
            out[rows] = False
            if not repeats:
                out[history.row(shopper)] = False
            worst = scores[shopper, rows].min(initial=np.inf)
            expect((scores[shopper, out] <= worst + _CLOSE).all(), "a product that scores higher was left out")


def fewer_is_the_beginning(case: Case) -> None:
    """The best three are the beginning of the best twelve."""
    few, many = _ask(case, shop.history(), 3), _ask(case, shop.history(), 12)
    expect(np.array_equal(few.rows, many.rows[:, :3]), "the best three are not the first of the best twelve")


def one_or_many(case: Case) -> None:
    """A shopper is answered alike alone and among others."""
    history = shop.history()
    whole, scores = _ask(case, history, 5), _score(case, history)
    for shopper in range(8):
        alone = history.take(np.array([shopper]))
        expect(_close(_score(case, alone)[0], scores[shopper]), "a shopper alone scores otherwise than among others")
        # Rows are not compared one by one: rounding may swap two that are nearly tied.
        one = _ask(case, alone, 5)
        real = one.rows[0] >= 0
        expect(_close(one.scores[0], whole.scores[shopper]), "a shopper alone has other hits than among others")
        expect(_close(scores[shopper, one.rows[0][real]], one.scores[0][real]), "a shopper alone has other hits")


def bare_history_is_enough(case: Case) -> None:
    """A history without times, values, kinds and baskets is answered: an anonymous basket has none."""
    hits = _ask(case, _strangers(), 5, repeats=True)
    expect((hits.rows[:2] >= 0).any(axis=1).all(), "a basket of two products is not answered at all")


def more_products_than_fitted(case: Case) -> None:
    """A history may know more products than the model; old answers do not change."""
    history = shop.history()
    wider = history.widened(15)
    expect(_close(_score(case, wider), _score(case, history)), "with three new products the old ones score otherwise")
    scores = _score(case, wider, np.array([0, 12, 14]))
    expect(scores.shape == (8, 3) and not np.isnan(scores).any(), "new products cannot be scored")
    well_formed(_ask(case, wider, 5), 8, 5, 15)
    new = History.of([[1, 0, 13], [13]], 15)
    well_formed(_ask(case, new, 5), 2, 5, 15)
    allowed = np.ones(15, bool)
    allowed[12:] = False
    old, now = _ask(case, history, 5), _ask(case, wider, 5, allowed=allowed)
    expect(np.array_equal(old.rows, now.rows), "with three new products, not allowed, the answers change")


def _impersonal(case: Case) -> bool:
    """Whether everybody gets the same scores."""
    scores = _score(case, History.of([[1, 0], [7, 2], [9]], 12))
    shared = np.isin(_ALL, [3, 4, 5, 6, 8, 10, 11])
    return all(np.allclose(scores[0, shared], scores[row, shared]) for row in (1, 2)) and bool(scores[0, shared].any())


def shoe_buyers_get_shoes(case: Case) -> None:
    """A shoe-buyer is shown shoes first and a mug-buyer mugs; for all alike it is the most bought or the newest."""
    hits, scores = _ask(case, _strangers(), 3), _score(case, _strangers())
    if _impersonal(case):
        first = _ask(case, History.of([[]], 12), 2).rows[0].tolist()
        expect(first in ([0, 3], [11, 10]), f"{first} come first, neither the most bought, 0 and 3, nor the newest")
        return
    repeats = not (hits.rows[:2] >= 0).any()  # one that answers only what was bought before
    if repeats:
        hits = _ask(case, _strangers(), 3, repeats=True)
    for row, kind, name in ((0, shop.SHOES, "shoe"), (1, shop.MUGS, "mug")):
        got = hits.rows[row][hits.rows[row] >= 0].tolist()
        expect(got, f"a {name}-buyer is shown nothing")
        expect(got[0] in kind, f"a {name}-buyer is shown {got}, first another kind")
        known = [each for each in range(12) if np.isfinite(scores[row, each])]
        own = [scores[row, each] for each in known if each in kind and (repeats or each not in _strangers().row(row))]
        others = [scores[row, each] for each in known if each not in kind]
        better = np.mean([[(a > b) + 0.5 * (a == b) for a in own] for b in others])
        expect(better >= 0.55, f"for a {name}-buyer only {better:.0%} of the {name}s stand before the others")


def returns_do_no_harm(case: Case) -> None:
    """Weights may be below zero, where a product was sent back; scores stay numbers."""
    back = History.of([[1, 0, 1]], 12, [[5.0, 1.0, -5.0]])
    scores = _score(case, back)
    expect(not np.isnan(scores).any() and not np.isposinf(scores).any(), "a return makes scores NaN or infinite")
    well_formed(_ask(case, back, 5), 1, 5, 12)
    all_back = History.of([[1, 1], [2]], 12, [[5.0, -5.0], [-5.0]])
    expect(not np.isnan(_score(case, all_back)).any(), "a shopper who sent everything back has NaN scores")
    well_formed(_ask(case, all_back, 5), 2, 5, 12)


def sum_of_parts(case: Case) -> None:
    """What learns by a sum learns the same from the sum of parts as from the whole."""
    if not isinstance(case.algorithm, Additive):
        return
    history = shop.history()
    whole = case.fresh().tally(history)
    parts = [case.fresh().tally(history.take(slice(start, start + 3))) for start in (0, 3, 6)]
    added: Mapping[str, Any] = {name: parts[0][name] + parts[1][name] + parts[2][name] for name in whole}
    for name, value in whole.items():
        expect(_close(_dense(value), _dense(added[name])), f"the tallies of parts do not sum to {name!r} of the whole")
    first = parts[0]
    rest = {name: parts[1][name] + parts[2][name] for name in whole}
    less = case.fresh().tally(history.take(slice(3, 8)))
    for name in whole:
        expect(_close(_dense(added[name] - first[name]), _dense(rest[name])), "a tally cannot be taken away again")
        expect(_close(_dense(less[name]), _dense(rest[name])), "the tallies of parts do not agree")
    plain = case.fresh().fit(history)  # without a context: the tally has none
    settled = case.fresh().settle(added)
    one = np.asarray(plain.score(history, _ALL))
    other = np.asarray(settled.score(history, _ALL))
    expect(_close(one, other), "settled from the sum of tallies it scores otherwise than fitted")


def _dense(value: Any) -> NDArray[np.float64]:
    return np.asarray(value.toarray() if isinstance(value, csr_array) else value, np.float64)


def contributions_sum_to_the_score(case: Case) -> None:
    """What the events add, with what everybody gets, is the score."""
    if not isinstance(case.fitted, Explains):
        return
    history = shop.history()
    scores = _score(case, history)
    for product in (0, 6, 8):
        bases = []
        for shopper in range(8):
            own = history.take(np.array([shopper]))
            parts = np.asarray(case.fitted.contributions(own, product))
            expect(parts.shape == (own.n_events,), f"{own.n_events} events have {parts.shape} contributions")
            expect(np.isfinite(parts).all(), "contributions hold NaN or infinity")
            if np.isfinite(scores[shopper, product]):
                bases.append(float(scores[shopper, product] - parts.sum()))
        if case.composite:  # it brings its parts to one scale for each history, and with them what everybody gets
            expect(min(bases, default=0) > -1e-3, f"the contributions are more than the score, by {min(bases)}")
        else:
            expect(not bases or np.ptp(bases) < 1e-3, f"score less contributions differs between shoppers: {bases}")


def first_reason_counts(case: Case) -> None:
    """Without the product that adds most, the score of a hit is lower, in nine cases of ten."""
    if not isinstance(case.fitted, Explains):
        return
    history = shop.history()
    lower = []
    for shopper in range(8):
        own = history.take(np.array([shopper]))
        before = _score(case, own)[0]
        for product in _ask(case, own, 3).rows[0]:
            if product < 0:
                continue
            parts = np.asarray(case.fitted.contributions(own, int(product)))
            if parts.max(initial=0) <= 0:
                continue
            named = int(own.products[parts.argmax()])
            after = _score(case, history.without(shopper, named))[0]
            lower.append(after[product] < before[product])
    share = np.mean(lower) if lower else 1.0
    expect(share >= 0.9, f"the first reason, left out, lowers the score in {share:.0%} of the hits only")


def context_may_be_missing(case: Case) -> None:
    """A question without a context is answered like one with it, unless the model asks for it by a clear error."""
    history = shop.history()
    before = [each.copy() for each in flat(case.fitted.learned())]
    plain = np.asarray(case.fitted.score(history, _ALL))
    expect(plain.shape == (8, 12) and not np.isnan(plain).any(), "without a context there are no scores")
    expect(alike(before, flat(case.fitted.learned())), "a question without a context changed what was learned")


CHECKS: list[Callable[[Case], None]] = [
    hits_are_well_formed,
    scores_are_numbers,
    seen_stays_away,
    filters_are_respected,
    score_agrees_with_recommend,
    fewer_is_the_beginning,
    one_or_many,
    bare_history_is_enough,
    more_products_than_fitted,
    shoe_buyers_get_shoes,
    returns_do_no_harm,
    sum_of_parts,
    contributions_sum_to_the_score,
    first_reason_counts,
    context_may_be_missing,
]
