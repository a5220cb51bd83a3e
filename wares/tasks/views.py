"""Products looked at in several ways, and what each says of their classes brought together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack
from sklearn.base import clone

from wares.algorithm import Classifier, Encoder, Labeller, setting
from wares.arrays import Dense, Labels, Mask, Vectors
from wares.classify.linear import Linear
from wares.classify.rows import distinct, folded, softmax
from wares.data.catalog import Catalog
from wares.encode.tfidf import TfIdf
from wares.errors import DataError, SettingError
from wares.tasks.fusing import encoded

LEAST = 1e-6
"""The least probability that one way of looking can give a class: none may rule a class out alone."""


def default_views() -> list[Encoder]:
    """Words and letters of all text."""
    return [TfIdf(low=2, high=5, sublinear=True)]


def default_classifier() -> Classifier:
    """Lines that follow the rows of text as closely as held-out ones like best."""
    return Linear(C=3.0)


@dataclass(kw_only=True, eq=False)
class Views(Labeller):
    """Classes of products from views: words and letters, meaning, attributes, photos, or whatever encoder there is.

    Choose it first. One view, the words, answers more than 20,000 titles a second; a view of sentence vectors adds what
    other words for the same say, attributes add price and brand, photos what no text tells. "joint" fusion puts the
    views side by side and learns one classifier of them; it is best for views of text. "late" fusion learns a
    classifier for each and weighs what they say by how well they said it of products held out; it is best for views as
    different as text and photos. A product is answered from the views that it has; of one that has none the answer is
    how frequent the classes are. Several targets are learned beside each other, and a column called like a target is
    not read. One class alone is answered with certainty.

    Time and memory: those of the encoders and classifiers; rows of all views are held while it learns.

    Settings
    --------
    views : encoders, sparse or dense. classifier : of each view, or of all side by side.
    fusion : "joint" or "late". weights : of the views in "joint", one each; empty for 1 each.
    folds : parts held out in turn to learn the weights of "late".

    Learned
    -------
    classes_ : by target, in order. views_ : the fitted encoders. models_ : by target, the classifiers; one where the
    fusion is joint. weights_ : by target, (n_views,) of what each says. shares_ : by target, (n_classes,) how frequent
    the classes are. spans_ : [start, stop] of the columns of each view.
    """

    views: list[Encoder] = field(default_factory=default_views)
    classifier: Classifier = field(default_factory=default_classifier)
    fusion: Literal["joint", "late"] = "joint"
    weights: list[float] = field(default_factory=list)
    folds: int = setting(3, low=2, high=100)

    def fit(self, catalog: Catalog, y: Mapping[str, Sequence[str | None]]) -> Self:
        """Learn each target's class of each product; None where it is not known.

        Raises DataError where classes are not one a product, and for a target of which no class is known.
        """
        self._judge()
        answers = _answers(catalog, y)
        for name in [name for name in vars(self) if name.endswith("_") and not name.startswith("_")]:
            delattr(self, name)
        self.views_ = [_without(view, list(y)) for view in self.views]
        tables = []
        for view in self.views_:
            fit_encode = getattr(view, "fit_encode", None)
            tables.append(fit_encode(catalog) if fit_encode else encoded(view.fit(catalog), catalog))
        ends = np.cumsum([0] + [table.shape[1] for table in tables]).tolist()
        self.spans_ = [list(span) for span in pairwise(ends)]
        self.classes_: dict[str, NDArray[Any]] = {}
        self.shares_: dict[str, Dense] = {}
        self.models_: dict[str, list[Classifier]] = {}
        self.weights_: dict[str, list[float]] = {}
        parts = [self.joined(tables)] if self._joint else tables
        for target, (rows, names) in answers.items():
            self.classes_[target], codes = distinct(names)
            self.shares_[target] = (np.bincount(codes) / len(codes)).astype(np.float32)
            self.models_[target], self.weights_[target] = self._learned([part[rows] for part in parts], codes, target)
        return self

    def partial_fit(self, catalog: Catalog, y: Mapping[str, Sequence[str | None]]) -> Self:
        """Learn on from more products; classes not seen before are welcome, encoders stay as they are. The first call
        is `fit`. Raises SettingError where the classifier cannot learn on."""
        if not hasattr(self, "models_"):
            return self.fit(catalog, y)
        self._judge()
        unknown = sorted(set(y) - set(self.models_))
        if unknown:
            raise DataError(f"target {unknown[0]!r} was not fitted; targets are {', '.join(self.models_)}")
        if not hasattr(self.classifier, "partial_fit"):
            raise SettingError(
                f"{type(self.classifier).__name__} cannot learn on; linear, naive_bayes, knn and mlp can"
            )
        tables = self._tables(catalog)
        parts = [self.joined(tables)] if self._joint else tables
        for target, (rows, names) in _answers(catalog, y).items():
            for model, part in zip(self.models_[target], parts, strict=True):
                there = _there(part[rows])
                if there.any():
                    model.partial_fit(part[rows][there], names[there])
            before, shares = self.classes_[target], self.shares_[target]
            self.classes_[target], codes = distinct(np.concatenate([np.asarray(before), names]))
            counts = np.bincount(codes[len(before) :], minlength=len(self.classes_[target])).astype(np.float64)
            counts[np.searchsorted(self.classes_[target], before)] += (
                np.asarray(shares) * 100
            )  # what was known, so sure
            self.shares_[target] = (counts / counts.sum()).astype(np.float32)
        return self

    def predict_proba(self, catalog: Catalog) -> Mapping[str, Dense]:
        """(n_products, n_classes) probabilities by target, columns in the order of `classes_`."""
        self.learned()
        found: dict[str, list[Dense]] = {target: [] for target in self.models_}
        for piece in catalog.pieces():
            for target, table in self._asked(self._tables(piece)).items():
                found[target].append(table)
        return {
            target: np.concatenate([np.zeros((0, len(self.classes_[target])), np.float32), *parts])
            for target, parts in found.items()
        }

    def rows(self, catalog: Catalog) -> list[Vectors]:
        """What each view makes of products."""
        self.learned()
        return self._tables(catalog)

    @property
    def _joint(self) -> bool:
        return self.fusion == "joint" or len(self.views) == 1

    def _judge(self) -> None:
        self._check()
        if not self.views:
            raise SettingError("Views(views=[]): at least one way of looking at a product is needed")
        if self.weights and (len(self.weights) != len(self.views) or min(self.weights) <= 0):
            raise SettingError(f"Views(weights={self.weights}): {len(self.views)} views need as many weights above 0")

    def _tables(self, catalog: Catalog) -> list[Vectors]:
        return [view.encode(catalog) for view in self.views_]

    def joined(self, tables: Sequence[Vectors]) -> Vectors:
        """What the views make of products side by side, sparse where one of them is."""
        weights = self.weights or [1.0] * len(tables)
        if len(tables) == 1:
            return tables[0]
        scaled: list[Any] = [np.float32(w) * table for w, table in zip(weights, tables, strict=True)]
        if not any(isinstance(table, csr_array) for table in tables):
            return np.concatenate(scaled, axis=1)
        joined: Any = hstack([csr_array(table) for table in scaled], format="csr")
        return csr_array(joined)

    def _learned(self, parts: list[Vectors], codes: Labels, target: str) -> tuple[list[Classifier], list[float]]:
        names = self.classes_[target][codes]
        there = [_there(part) for part in parts]
        models = [clone(self.classifier) for _ in parts]
        if len(parts) == 1:
            chosen = there[0] if there[0].any() else np.ones(len(codes), np.bool_)
            models[0].fit(parts[0][chosen], names[chosen])
            return models, [1.0]
        classes, held = self.classes_[target], []
        for model, part, mask in zip(models, parts, there, strict=True):
            table = np.full((len(codes), len(classes)), np.nan, np.float32)
            if mask.any():
                table[mask] = _aligned(_held_out(model, part[mask], names[mask], self.folds), model.classes_, classes)
            else:
                model.fit(part, names)
            held.append(table)
        return models, _weighed(held, codes)

    def _asked(self, tables: list[Vectors]) -> dict[str, Dense]:
        parts = [self.joined(tables)] if self._joint else tables
        there = [_there(part) for part in parts]
        found = {}
        for target, models in self.models_.items():
            classes = np.asarray(self.classes_[target])
            if len(models) == 1 and len(models[0].classes_) == len(classes):
                found[target] = np.where(there[0][:, None], models[0].predict_proba(parts[0]), self.shares_[target])
                continue
            tellings = [_aligned(_told(m, p), m.classes_, classes) for m, p in zip(models, parts, strict=True)]
            found[target] = _together(tellings, there, self.weights_[target], self.shares_[target])
        return found


def _answers(catalog: Catalog, y: Mapping[str, Sequence[str | None]]) -> dict[str, tuple[Labels, NDArray[Any]]]:
    """By target the rows whose class is known, and their classes."""
    if not y:
        raise DataError("no target to learn: give classes by target, such as {'category': [...]}")
    found = {}
    for target, names in y.items():
        if len(names) != len(catalog):
            raise DataError(f"target {target!r} has {len(names)} classes for {len(catalog)} products")
        rows = np.array([row for row, name in enumerate(names) if name is not None], np.int64)
        if not len(rows):
            raise DataError(f"target {target!r}: the class of no product is known")
        found[target] = rows, np.array([str(names[row]) for row in rows.tolist()])
    return found


def _without(view: Encoder, targets: Sequence[str]) -> Encoder:
    """An unfitted copy that does not read columns called like a target."""
    copy: Encoder = clone(view)
    for name in ("columns", "names", "numbers"):
        given = copy.get_params(deep=False).get(name)
        if isinstance(given, (list, tuple)) and set(given) & set(targets):
            copy.set_params(**{name: type(given)(each for each in given if each not in targets)})
    return copy


def _there(part: Vectors) -> Mask:
    """(n,) whether anything is known in that view."""
    if isinstance(part, csr_array):
        return np.asarray(np.diff(part.indptr) > 0)
    return np.asarray(part.any(axis=1), np.bool_)


def _told(model: Classifier, part: Vectors) -> Dense:
    """(n, n_classes) logarithms of what a classifier says."""
    return np.log(np.maximum(model.predict_proba(part), np.float32(LEAST)))


def _aligned(logs: Dense, own: Any, classes: NDArray[Any]) -> Dense:
    """Columns in the order of all classes; of one that the view never met, the least the view can say."""
    if len(own) == len(classes):
        return logs
    out = np.full((len(logs), len(classes)), np.float32(np.log(LEAST)), np.float32)
    out[:, np.searchsorted(classes, own)] = logs
    return out


def _held_out(model: Classifier, part: Vectors, names: NDArray[Any], folds: int) -> Dense:
    """Fit; and the logarithms of the probabilities of each row by what was learned without it, NaN where none are."""
    own = getattr(model, "fit_held_out", None)
    if own is not None and getattr(model, "folds", 0) > 1:
        table: NDArray[Any] = own(part, names)
        known = ~np.isnan(table).any(axis=1)
        table[known] = np.log(np.maximum(softmax(table[known]), LEAST))
        return table
    classes, codes = distinct(names)
    out = np.full((len(names), len(classes)), np.nan, np.float32)
    fold_of = folded(part, codes, folds, 0)
    for fold in range(folds):
        asked, taught = fold_of == fold, fold_of != fold
        if asked.any() and taught.any():
            apart = clone(model).fit(part[taught], names[taught])
            out[asked] = _aligned(_told(apart, part[asked]), apart.classes_, classes)
    model.fit(part, names)
    return out


def _weighed(held: Sequence[Dense], codes: Labels) -> list[float]:
    """(n_views,) the weights of at least 0 of the log-probabilities that say best what classes (n,) are.

    From rows that all views know; 1 / n_views each where there are none.
    """
    n_views = len(held)
    known = ~np.any([np.isnan(table).any(axis=1) for table in held], axis=0)
    if not known.any():
        return [1.0 / n_views] * n_views
    tables = np.stack([table[known] for table in held]).astype(np.float64)
    own = codes[known]
    n = len(own)
    weights = np.full(n_views, 1.0 / n_views)
    right = tables[:, np.arange(n), own]
    for _ in range(100):  # Newton with small weights kept at 0: the loss is convex
        shares = np.exp(_shifted(np.tensordot(weights, tables, 1)))
        shares /= shares.sum(axis=1, keepdims=True)
        means = np.einsum("nk,vnk->vn", shares, tables)
        slope = (means - right).mean(axis=1) + 0.01 * (weights - 1 / n_views)
        spread = np.einsum("nk,vnk,unk->vu", shares, tables, tables) / n - means @ means.T / n
        free = (weights > 0) | (slope < 0)
        if not free.any():
            break
        step = np.zeros(n_views)
        step[free] = np.linalg.solve(spread[np.ix_(free, free)] + 0.01 * np.eye(free.sum()), -slope[free])
        moved = np.maximum(weights + np.clip(step, -0.5, 0.5), 0)
        done = np.abs(moved - weights).max() < 1e-6
        weights = moved
        if done:
            break
    if not weights.any():
        return [1.0 / n_views] * n_views
    return [float(each) for each in weights]


def _shifted(table: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted: NDArray[np.float64] = table - table.max(axis=1, keepdims=True)
    return shifted


def _together(tellings: list[Dense], there: list[Mask], weights: Sequence[float], shares: Dense) -> Dense:
    """Probabilities from what the views say, each row from those that know it, which share the weight of the others."""
    counted = np.stack([np.where(mask, weight, 0.0) for mask, weight in zip(there, weights, strict=True)])
    total = counted.sum(axis=0)
    counted = np.where(total > 0, counted * (sum(weights) / np.where(total > 0, total, 1)), 0).astype(np.float32)
    out = np.zeros_like(tellings[0])
    for weight, told in zip(counted, tellings, strict=True):
        out += weight[:, None] * told
    out[total == 0] = np.log(np.maximum(shares, LEAST))
    return softmax(out)
