"""Checks that every algorithm passes, whatever its role; and how a role is fitted and asked."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, clone

from wares.algorithm import (
    Algorithm,
    Classifier,
    Clusterer,
    Encoder,
    Index,
    Labeller,
    Matcher,
    NotFitted,
    Ranker,
    Recommender,
)
from wares.checks import shop
from wares.data.hits import Hits
from wares.errors import SettingError

Arrays = list[NDArray[Any]]


class ContractBroken(AssertionError):
    """An algorithm does not keep a promise of its role."""


def expect(holds: Any, message: str) -> None:
    """Raise ContractBroken with the message unless it holds."""
    if not holds:
        raise ContractBroken(message)


@contextmanager
def raises(kind: type[Exception], message: str) -> Iterator[None]:
    """Raise ContractBroken unless that kind of error comes."""
    try:
        yield
    except kind:
        return
    except Exception as error:
        raise ContractBroken(f"{message}; it raised {type(error).__name__}: {error}") from error
    raise ContractBroken(message)


@dataclass
class Data:
    """What an algorithm of a role is fitted on and asked, as plain arguments; made anew for each check."""

    catalog: Any = field(default_factory=shop.catalog)
    history: Any = field(default_factory=shop.history)
    context: Any = field(default_factory=shop.context)
    vectors: Any = field(default_factory=shop.vectors)
    kinds: Any = field(default_factory=shop.kinds)

    @classmethod
    def other(cls) -> "Data":
        """Other data of the same shape of things: what a refit must forget."""
        rows = np.array([11, 2, 9, 0, 5, 4, 7])
        return cls(shop.other_catalog(), shop.other_history(), shop.context(), shop.vectors()[rows], shop.kinds()[rows])

    @cached_property
    def watched(self) -> Any:
        """What shoppers did, over the rows of the catalog."""
        n = len(self.catalog)
        return self.history.keep(self.history.products < n).widened(n)

    @cached_property
    def names(self) -> dict[str, list[str | None]]:
        """Two targets for a labeller."""
        kind: list[str | None] = ["shoe" if each == 0 else "mug" for each in self.kinds]
        return {"kind": kind, "again": [*kind[:-1], None]}

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """Sizes of a ranker's groups."""
        n = len(self.vectors)
        return np.array([n // 2, n - n // 2])

    @cached_property
    def likeness(self) -> NDArray[np.float32]:
        """Two likenesses of 40 pairs, some not known; the first 15 pairs are the same product."""
        rng = np.random.default_rng(4)
        same = np.arange(40) < 15
        table = np.where(same[:, None], 0.85, 0.25) + 0.1 * rng.standard_normal((40, 2))
        table[[3, 20, 33], 1] = np.nan
        return np.clip(table, 0, 1).astype(np.float32)

    def arrays(self) -> Arrays:
        """Copies of everything in it that could be written over."""
        frame = self.catalog.scan.collect()
        history = [getattr(self.history, each.name) for each in fields(self.history)]
        return [
            *(np.array(each) for each in history if isinstance(each, np.ndarray)),
            *(np.array(each) for each in (self.context.vectors, self.context.clusters, self.vectors, self.kinds)),
            *(np.array(frame[name].to_list(), dtype=object) for name in frame.columns),
            self.likeness.copy(),
        ]


def readable(algorithm: Any, rows: NDArray[Any]) -> NDArray[Any]:
    """Rows as the algorithm reads them: what says that it takes counts is given no number below 0."""
    return np.maximum(rows, 0) if algorithm.__sklearn_tags__().input_tags.positive_only else rows


_FIT: dict[type[Algorithm], Callable[[Any, Data], Any]] = {
    Encoder: lambda it, data: it.fit(data.catalog, replace(data.context, history=data.watched)),
    Index: lambda it, data: it.fit(data.vectors),
    Clusterer: lambda it, data: it.fit(readable(it, data.vectors)),
    Classifier: lambda it, data: it.fit(data.vectors, data.kinds),
    Labeller: lambda it, data: it.fit(data.catalog, data.names),
    Matcher: lambda it, data: it.fit(data.likeness, np.arange(40) < 15),
    Recommender: lambda it, data: it.fit(data.history, data.context),
    Ranker: lambda it, data: it.fit(data.vectors, (data.kinds == 0).astype(np.float32), data.groups),
}
_ASK: dict[type[Algorithm], Callable[[Any, Data], list[Any]]] = {
    Encoder: lambda it, data: [it.encode(data.catalog)],
    Index: lambda it, data: [it.search(data.vectors, 5), it.search(data.vectors[:1], 5)],
    Clusterer: lambda it, data: [it.labels_, it.predict(readable(it, data.vectors))],
    Classifier: lambda it, data: [it.predict_proba(data.vectors)],
    Labeller: lambda it, data: list(it.predict_proba(data.catalog).values()),
    Matcher: lambda it, data: [it.probability(data.likeness)],
    Recommender: lambda it, data: [
        it.recommend(data.history, 5, context=data.context),
        it.recommend(data.history, 5, context=data.context, repeats=True),
        it.score(data.history, np.arange(12), context=data.context),
    ],
    Ranker: lambda it, data: [it.predict(data.vectors)],
}


@dataclass
class Case:
    """One algorithm under check: fresh copies of it, and one fitted on the standard data for checks that only ask."""

    role: type[Algorithm]
    algorithm: Any

    @property
    def composite(self) -> bool:
        """Whether it is made of other algorithms."""
        values = self.algorithm.get_params(deep=False).values()
        return any(
            isinstance(each, Algorithm)
            or (isinstance(each, (list, tuple)) and any(isinstance(part, Algorithm) for part in each))
            for each in values
        )

    def fresh(self) -> Any:
        """A copy that has learned nothing."""
        return clone(self.algorithm)

    def fit(self, algorithm: Any, data: Data) -> Any:
        """Fit as the role is fitted."""
        return _FIT[self.role](algorithm, data)

    def ask(self, algorithm: Any, data: Data | None = None) -> Arrays:
        """The answers to the questions of the role, as arrays."""
        return [each for answer in _ASK[self.role](algorithm, data or Data()) for each in flat(answer)]

    @cached_property
    def fitted(self) -> Any:
        """One fitted on the standard data; a check must leave it as it is."""
        return self.fit(self.fresh(), Data())


def flat(value: Any) -> Arrays:
    """An answer, or a learned value, as plain arrays."""
    if isinstance(value, Hits):
        return [value.rows, value.scores]
    if isinstance(value, csr_array):
        return [value.indptr, value.indices, value.data]
    if isinstance(value, Algorithm):
        return [each for learned in value.learned().values() for each in flat(learned)]
    if isinstance(value, BaseEstimator):  # another's: what of it are numbers
        learned = {name: each for name, each in vars(value).items() if name.endswith("_")}
        return flat({name: each for name, each in learned.items() if isinstance(each, (np.ndarray, int, float))})
    if isinstance(value, (list, tuple)) and any(isinstance(each, Algorithm) for each in value):
        return [each for part in value for each in flat(part)]
    if isinstance(value, dict):
        return [each for key in sorted(value) for each in flat(value[key])]
    return [np.asarray(value)]


def alike(one: Arrays, other: Arrays) -> bool:
    """Whether two answers are the same to the bit."""
    if len(one) != len(other):
        return False
    pairs = zip(one, other, strict=True)
    return all(a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)


# -- the checks ----------------------------------------------------------------------------------------------------


def constructor_only_keeps(case: Case) -> None:
    """The constructor keeps its settings as they are given and does nothing else."""
    made = type(case.algorithm)()
    expect(not [name for name in vars(made) if name.endswith("_")], "the constructor has learned something")
    for name in made.get_params(deep=False):
        expect(hasattr(made, name), f"the constructor did not keep {name!r}")
    copy = clone(case.algorithm)
    for name, value in case.algorithm.get_params(deep=False).items():
        got = getattr(copy, name)
        expect(got is value or repr(got) == repr(value), f"clone lost the setting {name!r}: {got!r} for {value!r}")


def fit_returns_itself(case: Case) -> None:
    """`fit` returns the algorithm, so that calls can be chained."""
    algorithm = case.fresh()
    expect(case.fit(algorithm, Data()) is algorithm, "fit does not return the algorithm itself")


def asked_before_fit(case: Case) -> None:
    """What only `fit` can know raises NotFitted before it."""
    with raises(NotFitted, "learned() before fit must raise NotFitted"):
        case.fresh().learned()
    try:
        case.ask(case.fresh())
    except (NotFitted, AttributeError) as error:
        expect(
            isinstance(error, NotFitted) or "labels_" in str(error),
            f"asked before fit, it must raise NotFitted; it raised {type(error).__name__}: {error}",
        )
        return
    except Exception as error:
        from sklearn.exceptions import NotFittedError  # scikit-learn's own validation raises its own

        expect(isinstance(error, NotFittedError), f"asked before fit, it raised {type(error).__name__}: {error}")
        return
    raise ContractBroken("asked before fit, it answered")


def fit_changes_no_setting(case: Case) -> None:
    """Neither fitting nor asking changes a setting."""
    algorithm = case.fresh()
    before = {name: repr(value) for name, value in algorithm.get_params(deep=False).items()}
    case.ask(case.fit(algorithm, Data()))
    for name, value in algorithm.get_params(deep=False).items():
        expect(repr(value) == before[name], f"the setting {name!r} changed from {before[name]} to {value!r}")


def fit_changes_no_input(case: Case) -> None:
    """Neither fitting nor asking writes into what it is given."""
    data = Data()
    before = data.arrays()
    algorithm = case.fit(case.fresh(), data)
    expect(alike(before, data.arrays()), "fit changed its input")
    case.ask(algorithm, data)
    expect(alike(before, data.arrays()), "an answer changed its input")


def asking_learns_nothing(case: Case) -> None:
    """The same question twice gives the same answer to the bit, and leaves what was learned as it was."""
    before = [each.copy() for each in flat(case.fitted.learned())]
    first = [each.copy() for each in case.ask(case.fitted)]
    expect(alike(first, case.ask(case.fitted)), "the same question twice gives two answers")
    expect(alike(before, flat(case.fitted.learned())), "an answer changed what was learned")


def same_seed_same_bits(case: Case) -> None:
    """The same seed and data learn the same to the bit."""
    again = case.fit(case.fresh(), Data())
    expect(alike(flat(case.fitted.learned()), flat(again.learned())), "two fits of the same data learned differently")
    expect(alike(case.ask(case.fitted), case.ask(again)), "two fits of the same data answer differently")


def refit_forgets(case: Case) -> None:
    """Fitted again, it is as if it had never seen the first data."""
    again = case.fit(case.fit(case.fresh(), Data.other()), Data())
    expect(set(again.learned()) == set(case.fitted.learned()), "a refit leaves names of the fit before")
    expect(alike(case.ask(case.fitted), case.ask(again)), "a refit answers differently from a first fit")


def saved_and_loaded(case: Case) -> None:
    """What was saved and loaded answers the same to the bit, and can be saved and fitted again."""
    with tempfile.TemporaryDirectory() as folder:
        case.fitted.save(Path(folder) / "one")
        loaded = type(case.fitted).load(Path(folder) / "one")
        expect(alike(case.ask(case.fitted), case.ask(loaded)), "loaded, it answers differently")
        expect(set(loaded.learned()) == set(case.fitted.learned()), "not everything learned was loaded")
        settings = repr(case.fitted.get_params(deep=False))
        expect(repr(loaded.get_params(deep=False)) == settings, "loaded, it has other settings")
        loaded.save(Path(folder) / "two")
        again = type(case.fitted).load(Path(folder) / "two")
        expect(alike(case.ask(case.fitted), case.ask(again)), "saved, loaded and saved again, it answers differently")
        expect(alike(case.ask(case.fitted), case.ask(case.fit(loaded, Data()))), "loaded, it cannot be fitted again")


def cloned(case: Case) -> None:
    """A clone has the settings and nothing learned; fitted, it answers the same to the bit."""
    copy = clone(case.fitted)
    with raises(NotFitted, "a clone must have learned nothing"):
        copy.learned()
    expect(alike(case.ask(case.fitted), case.ask(case.fit(copy, Data()))), "a clone answers differently")


def settings_are_judged_by_fit(case: Case) -> None:
    """A setting outside its range is an error of `fit` that names it, also where `set_params` put it there."""
    for each in fields(case.algorithm):
        low, high = each.metadata.get("low"), each.metadata.get("high")
        for wrong in ([] if low is None else [low - 1]) + ([] if high is None else [high + 1]):
            with raises(SettingError, f"fit with {each.name}={wrong} must raise SettingError"):
                case.fit(case.fresh().set_params(**{each.name: wrong}), Data())


CHECKS: list[Callable[[Case], None]] = [
    constructor_only_keeps,
    fit_returns_itself,
    asked_before_fit,
    fit_changes_no_setting,
    fit_changes_no_input,
    asking_learns_nothing,
    same_seed_same_bits,
    refit_forgets,
    saved_and_loaded,
    cloned,
    settings_are_judged_by_fit,
]
