"""Several recommenders as one, with something sensible to say at every amount of data."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from wares.algorithm import Context, Explains, Recommender, context_rows, setting
from wares.arrays import Dense, Mask, Rows
from wares.data.history import History
from wares.data.hits import Hits
from wares.errors import DataError, SettingError
from wares.kernels import nearest
from wares.kernels.blend import add, greatest
from wares.kernels.topk import top
from wares.recommend.content import Content, Likeness
from wares.recommend.ease import EASE
from wares.recommend.itemknn import ItemKNN
from wares.recommend.newest import Newest
from wares.recommend.popular import Popular
from wares.recommend.profile import everything, frozen
from wares.recommend.repeat import Repeat

ROUNDING = 1e-5
"""What rounding may move a blended score."""


def default_parts() -> list[Recommender]:
    """The parts of a blend unless others are given."""
    parts: list[Recommender] = [EASE(regularisation=300.0, half_life=240.0), ItemKNN(), Content()]
    return [*parts, Popular(half_life=30.0, personal=0.3), Newest()]


DEFAULT_WEIGHTS = (1.0, 0.2, 0.1, 0.2, 0.0)
"""Of those parts, in order; chosen, as their settings, on a validation month of the demo shop (others within a factor
of two do as well), and so that a shop of few events a shopper does well too."""


LEAST = 0.05
"""Of the weight of what goes by the shopper's taste, however few the events."""


@dataclass(frozen=True, eq=False)
class Mixture:
    """How the parts of a blend were mixed for one history.

    factors : (n_parts, 2) what the scores of a part are multiplied by, and what those of the next part where it stands
    in for a product that this one does not know; 0 for a part that has nothing to say. scores : by part, (n_products,)
    what it said; zeros where it was not asked. later, likeness : the number of a part that is asked product by product,
    and what answers for it, where there is one; its `scores` are then 0 for what it knows.
    """

    factors: NDArray[np.float32]
    scores: Sequence[NDArray[np.float32]]
    later: int = -1
    likeness: Likeness | None = None

    def total(self) -> NDArray[np.float32]:
        """(n_products,) the blended scores, without what a part adds that is asked product by product."""
        out = np.full(len(self.scores[0]), -np.inf, np.float32)
        last = len(self.scores) - 1
        for number in np.flatnonzero(self.factors[:, 0]).tolist():
            factor, instead = self.factors[number]
            mine, following = self.scores[number], self.scores[number + 1 if instead > 0 else number]
            add(mine, factor, following, instead, number == last, out)
        return out

    def best(self, k: int, held: NDArray[np.integer], allowed: Mask | None, *, repeats: bool) -> Hits:
        """The k best products; with `repeats` those `held` by the history too.

        To others likeness adds no more than its greatest score: it is asked of those only that this could lift into k.
        """
        scores = self.total()
        if allowed is not None:
            scores[~allowed] = -np.inf
        if not repeats:
            scores[held] = -np.inf
        hits = Hits.top(scores[None, :], k)
        like = self.likeness
        if like is None or not self.factors[self.later, 0]:
            return hits
        rates = self._rates()

        def whole(rows: NDArray[np.int64]) -> NDArray[np.float32]:
            said = like[rows]
            if len(like.empty):
                said[np.isneginf(said)] = 0
            return np.asarray(scores[rows] + said * (rates[rows] if len(rates) > 1 else rates), np.float32)

        first = hits.rows[0][hits.rows[0] >= 0]
        least = np.float32(whole(first).min() - ROUNDING if len(first) == k > 0 else -np.inf)
        near = scores >= least - rates * np.float32(like.greatest)
        near[held] = True
        rows = np.flatnonzero(near)
        best_rows, best_scores = nearest.best(rows, whole(rows), k)
        return Hits(best_rows[None], best_scores[None])

    def _rates(self) -> NDArray[np.float32]:
        """By what likeness is multiplied: (1,) for all products, or (n_products,) where it stands in for some."""
        rates = self.factors[self.later, :1]
        if self.later > 0 and self.factors[self.later - 1, 1] > 0:
            silent = np.isneginf(self.scores[self.later - 1])
            if silent.any():
                return np.asarray(rates + self.factors[self.later - 1, 1] * silent, np.float32)
        return rates

    def share(self, products: Rows) -> Dense:
        """(n_parts, len(products)) by what each part's score is multiplied in all; 0 where it has nothing to say."""
        return self._share(np.isfinite(self.of(products)))

    def amounts(self, products: Rows) -> tuple[Dense, Dense]:
        """(n_parts, len(products)) what each part gives to the blended score of each product, and its `share`."""
        scores = self.of(products)
        there = np.isfinite(scores)
        share = self._share(there)
        return np.asarray(np.where(there, scores, 0) * share, np.float32), share

    def _share(self, there: NDArray[np.bool_]) -> Dense:
        share = np.where(there, self.factors[:, :1], 0)
        share[1:] += np.where(there[1:] & ~there[:-1], self.factors[:-1, 1:], 0)
        return np.asarray(share, np.float32)

    def of(self, products: Rows) -> Dense:
        """(n_parts, len(products)) what each part said of some products."""
        out = np.empty((len(self.scores), len(products)), np.float32)
        for line, each in zip(out, self.scores, strict=True):
            line[:] = each[products]
        if self.likeness is not None:
            out[self.later] = self.likeness[products]
        return out


@dataclass(kw_only=True, eq=False)
class Blend(Recommender):
    """The weighted mean of several recommenders, each brought to one scale for each history.

    Choose it as the recommender of a shop. A part's scores are divided by its greatest one among the products that the
    history does not hold (by its greatest one where only those it holds are above zero), which keeps their order and
    takes one pass; then the weighted mean is taken over the parts that have something to say. So a part that is silent,
    for a stranger or in an empty shop, leaves its weight to the others; for a single product that a part does not know,
    such as one beyond those of `ease`, the part after it stands in. Parts of weight 0 are asked where all others are
    silent. What `again` says of the products that the history holds is added on top, so that with `repeats` what is due
    to be bought again comes first. Cost: that of the parts together.

    Settings
    --------
    parts : the recommenders to fit; what cannot be fitted for lack of data is left out and named in `left_out_`.
    weights : one for each part, in order; 0 = only where all others are silent.
    again : ranks what the history holds; 0 for all else.
    again_weight : of it, beside a mean that is about 1 at the best new product.

    Learned
    -------
    parts_ : the fitted parts, `again` behind them. weights_ : (n_parts,) float32 of them; where hardly a product was
    taken by two shoppers, those of parts that go by the shopper's taste are smaller than in the settings. left_out_ :
    the parts that could not be fitted, with the reason. n_products_ : how many products it was fitted on.
    """

    BLOCK: ClassVar[int] = 32  # every part's scores are held at once

    parts: list[Recommender] = field(default_factory=default_parts)
    weights: list[float] = field(default_factory=lambda: list(DEFAULT_WEIGHTS))
    again: Recommender = field(default_factory=Repeat)
    again_weight: float = setting(20.0, low=0.0)

    def fit(self, history: History, context: Context = Context()) -> Self:
        """Fit a copy of each part."""
        self._check()
        if len(self.parts) != len(self.weights) or not self.parts:
            raise SettingError(f"Blend: {len(self.parts)} parts need as many weights, not {len(self.weights)}")
        if min(self.weights) < 0:
            raise SettingError(f"Blend(weights={self.weights}): a weight must be at least 0")
        self.parts_: list[Recommender] = []
        self.left_out_: list[str] = []
        weights = []
        for part, weight in zip(self.parts, self.weights, strict=True):
            try:
                self.parts_.append(clone(part).fit(history, context))
                weights.append(weight)
            except DataError as error:
                self.left_out_.append(f"{name_of(part)}: {error}")
        if not self.parts_:
            raise DataError(f"Blend: no part could be fitted ({'; '.join(self.left_out_)})")
        sure = _evidence(history)
        weights = [w * sure if _by_taste(part) else w for w, part in zip(weights, self.parts_, strict=True)]
        self.parts_.append(clone(self.again).fit(history, context))
        self.weights_ = np.array([*weights, self.again_weight], np.float32)
        self.n_products_ = history.n_products
        return self

    def names(self) -> list[str]:
        """The names of the fitted parts."""
        self._ready()
        return [name_of(part) for part in self.parts_]

    def mixture(self, history: History, *, context: Context = Context(), repeats: bool = True) -> Mixture:
        """How the parts are mixed for a one-shopper history; without `repeats` what `again` says is left out."""
        return self.mixtures(history, context=context, repeats=repeats)[0]

    def used(self, mixture: Mixture) -> list[tuple[str, float]]:
        """The parts that had something to say, with their share of the weight, the greatest first."""
        parts = zip(self.names(), self.weights_.tolist(), mixture.factors[:, 0].tolist(), strict=True)
        spoken = [(name, weight if weight > 0 else 1.0) for name, weight, factor in parts if factor > 0]
        total = sum(weight for _, weight in spoken) or 1.0
        pairs = [(name, weight / total) for name, weight in spoken]
        return sorted(pairs, key=lambda pair: -pair[1])

    def recommend(
        self,
        history: History,
        k: int,
        *,
        context: Context = Context(),
        allowed: Mask | None = None,
        repeats: bool = False,
    ) -> Hits:
        """The k best products of each history; products already in it only with `repeats`."""
        out = Hits.none(len(history), k)
        for start in range(0, len(history), self.BLOCK):
            block = history.take(slice(start, start + self.BLOCK))
            mixtures = self.mixtures(block, context=context_rows(context, start, start + self.BLOCK), repeats=repeats)
            for row, mixture in enumerate(mixtures):
                scores = mixture.total()
                if allowed is not None:
                    scores[~allowed] = -np.inf
                if not repeats:
                    scores[block.products[block.indptr[row] : block.indptr[row + 1]]] = -np.inf
                top(scores[None, :], out.rows[start + row : start + row + 1], out.scores[start + row : start + row + 1])
        return out

    def score(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """The mean of the parts, 1 where all of them agree on the best; -inf where none knows the product."""
        out = np.empty((len(history), len(products)), np.float32)
        for start in range(0, len(history), self.BLOCK):
            block = history.take(slice(start, start + self.BLOCK))
            mixtures = self.mixtures(block, context=context_rows(context, start, start + self.BLOCK))
            for row, mixture in enumerate(mixtures, start):
                out[row] = mixture.total()[products]
        return out

    def contributions(self, history: History, product: int) -> NDArray[np.float32]:
        """(n_events,) of a one-shopper history; with what everybody gets they sum to the score."""
        return np.asarray(self.contributions_to(history, np.array([product]))[0])

    def contributions_to(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """(len(products), n_events) of a one-shopper history, over all parts that can say exactly."""
        by_part = self.by_part(history, products, self.mixture(history, context=context), context=context)
        return np.asarray(sum(by_part.values(), np.zeros((len(products), len(history.products)), np.float32)))

    def by_part(
        self, history: History, products: Rows, mixture: Mixture, *, context: Context = Context()
    ) -> dict[int, Dense]:
        """By the number of the part, (len(products), n_events) what each event adds to the score of each product."""
        share = mixture.share(products)
        found: dict[int, Dense] = {}
        for number, part in enumerate(self.parts_):
            if share[number].any() and isinstance(part, Explains):
                found[number] = contributions_to(part, history, products, context) * share[number][:, None]
        return found

    def mixtures(self, history: History, *, context: Context = Context(), repeats: bool = True) -> list[Mixture]:
        """How the parts are mixed for each history; holds every part's scores of all of them."""
        return self._mixed(history, context, repeats, spare=False)

    def best(
        self,
        history: History,
        k: int,
        *,
        context: Context = Context(),
        allowed: Mask | None = None,
        repeats: bool = False,
    ) -> tuple[Hits, Mixture]:
        """What `recommend` answers to a one-shopper history, and how the parts were mixed."""
        mixture = self._mixed(history, context, repeats, spare=True)[0]
        return mixture.best(k, history.products, allowed, repeats=repeats), mixture

    def _mixed(self, history: History, context: Context, repeats: bool, *, spare: bool) -> list[Mixture]:
        """The mixtures; to `spare` reading all vectors for one history, likeness is left to be asked by product."""
        self._ready()
        n_parts, n = len(self.parts_), history.n_products
        scores = [frozen(np.broadcast_to(np.float32(0), (len(history), n)))] * n_parts
        scales = np.zeros((len(history), n_parts), np.float32)
        held = np.zeros((len(history), n), np.bool_)
        held[history.owners(), history.products] = True

        later: dict[str, Any] = {}

        def ask(number: int) -> None:
            part = self.parts_[number]
            like = part.likeness(history, context=context) if spare and isinstance(part, Content) else None
            if like is not None and not later:
                later.update(later=number, likeness=like)
                scores[number], scales[:, number] = like.blank[None], like.greatest
                return
            found = part.score(history, everything(n), context=context)
            scores[number] = frozen(np.ascontiguousarray(found, np.float32))
            for row in range(len(history)):
                scales[row, number] = greatest(scores[number][row], frozen(history.row(row)), held[row])

        # `again` adds to what the history holds only: without `repeats` it need not be asked.
        asked = [number for number in range(n_parts if repeats else n_parts - 1) if self.weights_[number] > 0]
        # Likeness reads every vector: what the others have just read would no longer be near when it is explained.
        for number in sorted(asked, key=lambda number: not isinstance(self.parts_[number], Content)):
            ask(number)
        if not scales[:, :-1].any(axis=1).all():
            # Nobody of weight has an answer to some history: the last resorts are asked too.
            for number in set(range(n_parts - 1)) - set(asked):
                ask(number)
        return [
            Mixture(self._factors(scale), [each[row] for each in scores], **later) for row, scale in enumerate(scales)
        ]

    def _factors(self, scale: NDArray[np.float32]) -> Dense:
        """(n_parts, 2) from what the scores of each part are to be divided by."""
        speaks = scale > 0
        weights = np.where(speaks, self.weights_, 0)
        if not weights[:-1].any():
            # The first of the last resorts that has an answer.
            weights[:-1][np.flatnonzero(speaks[:-1])[:1]] = 1
        weights[:-1] /= max(float(weights[:-1].sum()), 1e-9)
        factors = np.zeros((len(scale), 2), np.float32)
        np.divide(weights, scale, out=factors[:, 0], where=speaks)
        # The part after one stands in for it at its weight, but neither a last resort nor `again` does.
        instead = speaks[1:-1] & (weights[1:-1] > 0)
        np.divide(weights[:-2], scale[1:-1], out=factors[:-2, 1], where=instead)
        return factors


def _evidence(history: History) -> float:
    """How far what a shopper took tells of what comes next, up to 1: shoppers of a product beyond the first, squared.

    Where hardly a product was taken by two, what any two have in common is chance, and popularity is worth more.
    """
    pairs = sum(part.matrix().nnz for part in history.parts())
    products = len(np.unique(history.products))
    return float(np.clip((pairs / max(products, 1) - 1) ** 2, LEAST, 1))


def _by_taste(part: Recommender) -> bool:
    """Whether a part goes by what a shopper took: popularity needs fewer events to be right."""
    return not isinstance(part, (Popular, Newest, Repeat))


def contributions_to(part: Recommender, history: History, products: Rows, context: Context = Context()) -> Dense:
    """(len(products), n_events) of a one-shopper history: at once where the part can, else one by one."""
    many = getattr(part, "contributions_to", None)
    if many is not None:
        return np.asarray(many(history, products, context=context))
    if not isinstance(part, Explains):
        raise SettingError(f"{name_of(part)} cannot say what each event adds to a score")
    return np.stack([part.contributions(history, int(product)) for product in products])


def name_of(recommender: Recommender) -> str:
    """The short name of an algorithm, as in the registry."""
    return type(recommender).__name__.lower()
