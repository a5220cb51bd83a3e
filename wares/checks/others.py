"""What classifiers, labellers, matchers and rankers promise."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from wares.checks import shop
from wares.checks.common import Case, Data, expect


def _probabilities(table: NDArray[np.float32], n: int, n_classes: int) -> None:
    expect(table.shape == (n, n_classes), f"probabilities have shape {table.shape}, not {(n, n_classes)}")
    expect(np.isfinite(table).all() and (table >= 0).all() and (table <= 1 + 1e-5).all(), "probabilities leave 0..1")
    expect(np.abs(table.sum(axis=1) - 1).max(initial=0) < 1e-3, "probabilities of a row do not sum to 1")


# -- classifiers ---------------------------------------------------------------------------------------------------


def blobs_are_told_apart(case: Case) -> None:
    """Three groups far apart are learned, by names as by numbers; columns stand in the order of `classes_`."""
    data, group = shop.blobs()
    names = np.array(["mug", "shoe", "bag"])[group]
    for target in (group, names):
        fitted = case.fresh().fit(data, target)
        table = fitted.predict_proba(data)
        _probabilities(table, len(data), 3)
        expect(list(fitted.classes_) == sorted(set(target.tolist())), f"classes_ is {fitted.classes_}, not in order")
        right = np.mean(fitted.classes_[table.argmax(axis=1)] == target)
        expect(right > 0.95, f"three groups far apart are told apart in {right:.0%} of the rows")
        expect(np.mean(fitted.predict(data) == target) > 0.95, "predict disagrees with predict_proba")


def shoes_are_told_from_mugs(case: Case) -> None:
    """Fitted on ten products, it knows the other two."""
    rows = np.arange(12)
    hidden = np.isin(rows, [4, 8])
    fitted = case.fresh().fit(shop.vectors()[~hidden], shop.kinds()[~hidden])
    got = fitted.predict(shop.vectors()[hidden])
    expect(np.array_equal(got, [0, 1]), f"a shoe and a mug are taken for {got}")


def one_class_is_certain(case: Case) -> None:
    """Where there is one class, every row is of it."""
    data, _ = shop.blobs()
    fitted = case.fresh().fit(data, np.full(len(data), "mug"))
    table = fitted.predict_proba(data[:3])
    _probabilities(table, 3, 1)
    expect(fitted.predict(data[:3]).tolist() == ["mug"] * 3, "of one class, another was answered")


def a_lonely_row_is_a_class(case: Case) -> None:
    """A class with one row is learned beside the others, and has its column."""
    data, group = shop.blobs()
    rows = np.concatenate([np.flatnonzero(group < 2), np.flatnonzero(group == 2)[:1]])
    fitted = case.fresh().fit(data[rows], group[rows])
    _probabilities(fitted.predict_proba(data), 60, 3)
    right = np.mean(fitted.predict(data[group < 2]) == group[group < 2])
    expect(right > 0.9, f"beside a class with one row, others are told apart in {right:.0%} of the rows")


def a_row_is_answered_alone_as_beside_others(case: Case) -> None:
    """An answer does not depend on what is asked at the same time."""
    data, group = shop.blobs()
    fitted = case.fresh().fit(data, group)
    whole = fitted.predict_proba(data)
    alone = np.concatenate([fitted.predict_proba(data[row : row + 1]) for row in range(0, 60, 7)])
    expect(np.abs(alone - whole[::7]).max() < 1e-6, "a row asked alone is answered differently")


CLASSIFIER: list[Callable[[Case], None]] = [
    blobs_are_told_apart,
    shoes_are_told_from_mugs,
    one_class_is_certain,
    a_lonely_row_is_a_class,
    a_row_is_answered_alone_as_beside_others,
]


# -- labellers -----------------------------------------------------------------------------------------------------


def every_target_is_learned(case: Case) -> None:
    """Each target has its classes and its probabilities; a class that is not known for a product is no class."""
    fitted = case.fitted
    table = fitted.predict_proba(shop.catalog())
    for target in ("kind", "again"):
        expect(list(fitted.classes_[target]) == ["mug", "shoe"], f"{target!r} has other classes_")
        _probabilities(table[target], 12, 2)
        got = fitted.classes_[target][table[target].argmax(axis=1)]
        right = np.mean(got == np.array(["shoe", "mug"])[shop.kinds()])
        expect(right >= 0.9, f"shoes and mugs are told apart in {right:.0%} of the products")


def bare_products_are_labelled(case: Case) -> None:
    """Products of which nothing is known, and no products at all, get probabilities too."""
    _probabilities(case.fitted.predict_proba(shop.bare_catalog())["kind"], 3, 2)


LABELLER: list[Callable[[Case], None]] = [every_target_is_learned, bare_products_are_labelled]


# -- matchers ------------------------------------------------------------------------------------------------------


def alike_is_likelier(case: Case) -> None:
    """Pairs that are alike are likelier the same product; what is not known does no harm."""
    got = case.fitted.probability(Data().likeness)
    expect(got.shape == (40,) and got.dtype == np.float32, f"40 pairs gave {got.dtype} of shape {got.shape}")
    expect(np.isfinite(got).all() and (got >= 0).all() and (got <= 1).all(), "probabilities leave 0..1")
    expect(got[:15].min() > got[15:].max(), "pairs that are not alike are likelier than pairs that are")
    nothing = case.fitted.probability(np.full((1, 2), np.nan, np.float32))
    expect(np.isfinite(nothing).all(), "a pair of which nothing is known has no probability")


def what_nobody_knows_does_no_harm(case: Case) -> None:
    """A likeness that is known of no pair leaves the others to tell, with answers and without."""
    table = np.column_stack([Data().likeness, np.full(40, np.nan, np.float32)])
    for same in (np.arange(40) < 15, None):
        got = case.fresh().fit(table, same).probability(table)
        expect(np.isfinite(got).all(), "a likeness known of no pair leaves pairs without a probability")
        expect(got[:15].mean() > got[15:].mean(), "a likeness known of no pair turns the others about")


def learns_without_answers(case: Case) -> None:
    """Where it learns without answers at all, alike is likelier still."""
    got = case.fresh().fit(Data().likeness).probability(Data().likeness)
    expect(got[:15].mean() > got[15:].mean(), "without answers, pairs that are not alike are the likelier ones")


MATCHER: list[Callable[[Case], None]] = [
    alike_is_likelier,
    what_nobody_knows_does_no_harm,
    learns_without_answers,
]


# -- rankers -------------------------------------------------------------------------------------------------------


def relevant_comes_first(case: Case) -> None:
    """In the groups it was fitted on, what is relevant stands before what is not."""
    data = Data()
    got = case.fitted.predict(data.vectors)
    expect(got.shape == (12,) and got.dtype == np.float32, f"12 candidates gave {got.dtype} of shape {got.shape}")
    expect(np.isfinite(got).all(), "scores hold NaN or infinity")
    relevant = data.kinds == 0
    expect(got[relevant].mean() > got[~relevant].mean(), "what is not relevant scores higher")


RANKER: list[Callable[[Case], None]] = [relevant_comes_first]
