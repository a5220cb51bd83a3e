"""Products into a taxonomy: consistent paths over any labeller, cut where it is no longer sure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import clone

from wares.algorithm import Labeller, setting
from wares.arrays import Dense
from wares.data.catalog import Catalog
from wares.errors import DataError, SettingError, UnknownName
from wares.registry import make
from wares.tasks.answering import Answer, Paths
from wares.tasks.filling import filled
from wares.tasks.holding_out import HeldOut, Names, folds_of, held_out, picked, same_names
from wares.tasks.levels import head, joined, level_name, level_weights, levels_of, named, sureness
from wares.tasks.replaying import remembered, together

FLOOR = 1e-6
"""The least probability whose logarithm is taken."""

PART = 4_096
"""Products answered at once: probabilities take 4 bytes x classes each, for every level."""


def default_part() -> Labeller:
    """What reads the products unless told otherwise."""
    return make(Labeller, "views")


@dataclass(kw_only=True, eq=False)
class Taxonomy(Labeller):
    """A path of any depth for each product, from a labeller that is asked for every level at once.

    Choose it for categories that stand in a taxonomy. What the part says of each level is multiplied along a path, each
    level by its own weight; the weights, which also make the probabilities honest, are learned from products held out
    in turn. The probability of a node is the sum of what is below it, so a parent is never less likely than its child.
    An answer ends where the next level is not sure enough: `accuracy` says how often answers shall be right, and held
    out products tell where that is. Labels that are not paths are a taxonomy of one level.
    A column called like a target that holds just the labels is not read, since it would give the answers away.
    Time: that of the part for all levels, `folds` + 1 times; memory 4 bytes x `sample` x classes x levels while it
    learns.

    Settings
    --------
    part : the labeller that reads the products.
    folds : parts held out in turn to learn weights and sureness; 0 takes every level alike and learns neither. sample :
    products held out in all, at most.
    accuracy : the share of answers that shall be right, 0..1, as far as held out products tell; None = whole paths.
    rare : classes with fewer products get copies up to so many; 0 = none. copies : "same" as they are, "changed" with
    words left out.
    hardened : the share of products that are shown a second time with mistakes in their text.
    replay : products of each class that are kept to be shown again by `partial_fit`, which would forget them; 0 = none.
    prior : how far rare classes are favoured when a path is chosen: its probability is divided by the share of the
    class to the power of this. Probabilities stay what they are.

    Learned
    -------
    classes_ : by target, paths in order. part_ : the fitted labeller. levels_ : by target, the levels it was asked
    for, 0 being whole paths. weights_ : by target, of each level. shares_ : by target, (n_classes,) of the products.
    curve_ : by target, (m, 3): for the threshold in the first column, the share of products with an answer, and the
    share of these that is right, of products held out. memory_ : the products kept, by column. blind_ : columns that
    hold the labels and are not read.

    Source: Guo et al. 2017, arXiv:1706.04599 (honest probabilities); Menon et al. 2021, arXiv:2007.07314 (prior).
    """

    part: Labeller = field(default_factory=default_part)
    folds: int = setting(3, low=0, high=50)
    sample: int = setting(10_000, low=2)
    accuracy: float | None = setting(None, low=0.0, high=1.0)
    rare: int = setting(0, low=0)
    copies: Literal["same", "changed"] = "same"
    hardened: float = setting(0.0, low=0.0, high=1.0)
    replay: int = setting(20, low=0)
    prior: float = setting(0.0, low=0.0, high=2.0)
    seed: int = setting(0, low=0)

    def __post_init__(self) -> None:
        self._by_target: dict[str, _Known] = {}

    def fit(self, catalog: Catalog, y: Mapping[str, Names]) -> Self:
        """Learn the path of each product, by target; None where it is not known. Raises DataError for no label."""
        self._check()
        if self.folds == 1:
            raise SettingError("Taxonomy(folds=1): one part cannot be held out; 0 or at least 2")
        y = _labelled(y, len(catalog))
        self.blind_ = [target for target, names in y.items() if _gives_away(catalog, target, names)]
        catalog = _without(catalog, self.blind_)
        self.classes_ = {target: _classes(names) for target, names in y.items()}
        self.shares_ = {target: _shares(names, self.classes_[target]) for target, names in y.items()}
        self.levels_ = {target: levels_of(self.classes_[target]) for target in y}
        wanted = named(y, self.levels_)
        self.weights_, self.curve_ = {}, {}
        said = self._held_out(catalog, y, wanted) if self.folds else None
        for target in y:
            self.weights_[target], self.curve_[target] = self._tuned(target, y[target], said)
        known = np.flatnonzero([any(names[row] is not None for names in y.values()) for row in range(len(catalog))])
        some = {target: [names[row] for row in known.tolist()] for target, names in wanted.items()}
        self.part_ = clone(self.part).fit(*self._shown(picked(catalog, known), some))
        self.memory_ = remembered(catalog, y, self.replay, self.seed)
        return self

    def partial_fit(self, catalog: Catalog, y: Mapping[str, Names]) -> Self:
        """Learn on from more labels, new classes among them; weights and sureness stay as they were.

        Raises SettingError where the part cannot learn on.
        """
        if not hasattr(self, "part_"):
            return self.fit(catalog, y)
        if not hasattr(self.part_, "partial_fit"):
            raise SettingError(f"Taxonomy: {type(self.part_).__name__} cannot learn on; fit it to all labels anew")
        y = _labelled(y, len(catalog))
        if strange := sorted(set(y) - set(self.classes_)):
            raise UnknownName.among("target", strange[0], self.classes_)
        catalog = _without(catalog, self.blind_)
        for target, names in y.items():
            self._extend(target, names)
        catalog, y = together(self.memory_, catalog, {**dict.fromkeys(self.classes_, [None] * len(catalog)), **y})
        known = np.flatnonzero([any(names[row] is not None for names in y.values()) for row in range(len(catalog))])
        wanted = named(y, self.levels_)
        some = {name: [labels[row] for row in known.tolist()] for name, labels in wanted.items()}
        self.part_.partial_fit(picked(catalog, known), some)
        self.memory_ = remembered(catalog, y, self.replay, self.seed)
        return self

    def _extend(self, target: str, names: Names) -> None:
        """Take in classes that are new."""
        before = np.asarray(self.classes_[target])
        classes = _classes([*before.tolist(), *names])
        shares = _shares(names, classes)
        shares[np.searchsorted(classes, before)] = self.shares_[target]
        self.classes_[target], self.shares_[target] = classes, shares

    def predict_proba(self, catalog: Catalog) -> Mapping[str, Dense]:
        """(n_products, n_classes) probabilities of whole paths by target."""
        self._ready()
        said = self.part_.predict_proba(_without(catalog, self.blind_))
        return {target: self._together(target, said, self.part_.classes_) for target in self.classes_}

    def answers(
        self, catalog: Catalog, target: str | None = None, *, accuracy: float | None = None, alternatives: int = 3
    ) -> list[Answer]:
        """The path of each product, with what else it may be. accuracy : instead of the setting. Raises UnknownName."""
        self._ready()
        target = self._target(target)
        prior = None
        if self.prior:
            shares = np.maximum(np.asarray(self.shares_[target], np.float64), 1e-9)
            prior = np.asarray((shares.max() / shares) ** self.prior, np.float32)
        threshold = self.threshold(target, self.accuracy if accuracy is None else accuracy)
        out: list[Answer] = []
        for part in catalog.parts(PART):
            table = self.predict_proba(part)[target]
            out += self.paths(target).answers(table, threshold=threshold, alternatives=alternatives, prior=prior)
        return out

    def paths(self, target: str | None = None) -> Paths:
        """The classes of a target as paths with their nodes."""
        return self._known(self._target(target)).paths

    def _known(self, target: str) -> "_Known":
        """What follows from the classes of a target alone; made once, since a question has no time for it."""
        classes = self.classes_[target]
        found = self._by_target.get(target)
        if found is None or found.classes is not classes:
            paths = np.asarray(classes).tolist()
            heads = [np.array([head(path, level) for path in paths]) for level in self.levels_[target]]
            found = self._by_target[target] = _Known(classes, Paths(paths), heads)
        return found

    def threshold(self, target: str | None = None, accuracy: float | None = None) -> float:
        """The probability from which on answers are right as often as asked; more than 1 where that was never so.

        Where nothing was held out, or too little was there for it, probabilities are taken at their word.
        """
        curve = np.asarray(self.curve_[self._target(target)])
        if accuracy is None or not len(curve):
            return accuracy or 0.0
        # The least that does: of all that do it is known best, since most products were answered there.
        enough = np.flatnonzero(curve[:, 2] >= accuracy)
        return float(curve[enough[0], 0]) if len(enough) else 1.1

    def _target(self, target: str | None) -> str:
        if target is None:
            return next(iter(self.classes_))
        if target not in self.classes_:
            raise UnknownName.among("target", target, self.classes_)
        return target

    # -- learning ------------------------------------------------------------------------------------------------------

    def _shown(self, catalog: Catalog, y: dict[str, list[str | None]]) -> tuple[Catalog, dict[str, list[str | None]]]:
        if not self.rare and not self.hardened:
            return catalog, y
        return filled(
            catalog, y, rare=self.rare, changed=self.copies == "changed", hardened=self.hardened, seed=self.seed
        )

    def _held_out(
        self, catalog: Catalog, y: Mapping[str, Names], wanted: dict[str, list[str | None]]
    ) -> HeldOut | None:
        first = next(iter(y.values()))
        any_ = [next((names[row] for names in y.values() if names[row] is not None), None) for row in range(len(first))]
        folds = folds_of(any_, same_names(catalog), self.folds, self.seed)
        held = np.flatnonzero(folds >= 0)
        if len(held) > self.sample:
            folds[np.random.default_rng(self.seed).permutation(held)[self.sample :]] = -1
        if len(np.unique(folds[folds >= 0])) < 2:
            return None
        return held_out(self.part, catalog, wanted, folds, shown=self._shown)

    def _tuned(
        self, target: str, names: Names, said: HeldOut | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The weight of each level, and the curve of sureness."""
        classes = self.classes_[target]
        n_levels = len(self.levels_[target])
        weights = np.full(n_levels, 1 / n_levels)
        if said is None or len(classes) < 2:
            return weights, np.empty((0, 3))
        rows = np.array([row for row in said.rows if names[row] is not None], np.int64)
        truth = np.searchsorted(classes, np.array([names[row] for row in rows]))
        logs = self._logs(target, {name: table[rows] for name, table in said.tables.items()}, said.classes)
        weights = level_weights(logs, truth)
        table = joined(logs, weights)
        return weights, sureness(Paths(classes.tolist()), table, truth)

    def _together(self, target: str, said: Mapping[str, Dense], classes: Mapping[str, Any]) -> Dense:
        return joined(self._logs(target, said, classes), np.asarray(self.weights_[target]))

    def _logs(self, target: str, said: Mapping[str, Dense], classes: Mapping[str, Any]) -> list[Dense]:
        """By level (n, n_classes) the logarithm of the probability of what each class is below."""
        found = []
        for level, heads in zip(self.levels_[target], self._known(target).heads, strict=True):
            name = level_name(target, level)
            table, known = said[name], np.asarray(classes[name])
            place = np.minimum(np.searchsorted(known, heads), len(known) - 1)
            share = np.where(known[place] == heads, table[:, place], 0)
            found.append(np.log(np.maximum(share, FLOOR)).astype(np.float32))
        return found


@dataclass(frozen=True, eq=False)
class _Known:
    """Of the classes of a target their paths, and by level the beginning of each."""

    classes: Any
    paths: Paths
    heads: list[NDArray[Any]]


# -- labels ------------------------------------------------------------------------------------------------------------


def _labelled(y: Mapping[str, Names], n: int) -> dict[str, list[str | None]]:
    """Labels by target, checked. Raises DataError where there are none, or not one for each product."""
    if not y:
        raise DataError("no target: a labeller learns from one column of labels at least")
    for target, names in y.items():
        if len(names) != n:
            raise DataError(f"{len(names)} labels of {target!r} for {n} products; one each, None where it is not known")
        if all(each is None for each in names):
            raise DataError(f"no product has a label of {target!r}")
    return {target: list(names) for target, names in y.items()}


def _gives_away(catalog: Catalog, target: str, names: Names) -> bool:
    """Whether a column called like the target holds its labels, nine of ten at least."""
    if not catalog.has(target):
        return False
    said = catalog.frame([target])[target].cast(pl.String, strict=False).to_list()
    pairs = [(a, b) for a, b in zip(said, names, strict=True) if b is not None]
    return len([1 for a, b in pairs if a == b]) >= 0.9 * len(pairs)


def _without(catalog: Catalog, columns: Sequence[str]) -> Catalog:
    there = [name for name in columns if catalog.has(name)]
    return Catalog(catalog.scan.drop(there).collect()) if there else catalog


def _classes(names: Sequence[str | None]) -> NDArray[Any]:
    return np.array(sorted({str(each) for each in names if each is not None}))


def _shares(names: Names, classes: NDArray[Any]) -> NDArray[np.float32]:
    rows = np.searchsorted(classes, np.array([each for each in names if each is not None]))
    return np.asarray(np.bincount(rows, minlength=len(classes)) / max(len(rows), 1), np.float32)


# -- the question ----------------------------------------------------------------------------------------------------


def classify(
    labeller: Labeller,
    catalog: Catalog,
    *,
    target: str | None = None,
    accuracy: float | None = None,
    alternatives: int = 3,
) -> list[Answer]:
    """An answer for each product, from any fitted labeller; one that is no `Taxonomy` is taken for one of whole paths.

    accuracy : the share of answers that shall be right; paths are cut for it. Raises UnknownName for a target,
    SettingError where the labeller has not learned how sure it is.
    """
    if isinstance(labeller, Taxonomy):
        return labeller.answers(catalog, target, accuracy=accuracy, alternatives=alternatives)
    if accuracy is not None:
        raise SettingError(
            f"{type(labeller).__name__} has not learned how sure it is; put it into a taxonomy as its part"
        )
    classes = labeller.learned()["classes_"]
    name = next(iter(classes)) if target is None else target
    if name not in classes:
        raise UnknownName.among("target", name, classes)
    table = labeller.predict_proba(catalog)[name]
    return Paths(np.asarray(classes[name]).tolist()).answers(table, alternatives=alternatives)
