"""Why a model that is no sum gave a class: by asking it again about changed products, through SHAP and LIME."""

from collections.abc import Sequence
from typing import Any

import lime.lime_text
import numpy as np
import polars as pl
import shap

from wares.algorithm import Classifier, Labeller
from wares.arrays import Dense
from wares.classify.estimated import Estimated
from wares.data.catalog import Catalog
from wares.data.hits import Reason
from wares.errors import DataError, UnknownName


def shapley(model: Classifier, X: Dense, background: Dense, name: Any, *, seed: int = 0) -> tuple[Dense, float]:
    """(n, width) what each column adds to the probability of one class, and the base: they sum to the probability.

    background : rows that stand for what is usual; a column is taken out by putting theirs in. Exact for `tree`,
    `forest` and `boosted` of two classes; for others by leaving columns out, in all ways up to some ten columns and in
    a draw of ways beyond, which asks (2 x width + 2,048) x rows of background times for each row. Raises UnknownName
    for a class that was not fitted.
    """
    classes = np.asarray(model.learned()["classes_"])
    if name not in classes.tolist():
        raise UnknownName.among("class", str(name), [str(each) for each in classes.tolist()])
    if not len(background):
        raise DataError("no background rows: SHAP needs some that stand for what is usual")
    k = int(np.flatnonzero(classes == name)[0])
    # SHAP cannot take boosted trees of more than two classes apart in probabilities.
    trees = isinstance(model, Estimated) and getattr(model.estimator_, "n_trees_per_iteration_", 1) == 1
    if isinstance(model, Estimated) and trees and model.estimator_ is not None:
        explainer: Any = shap.TreeExplainer(model.estimator_, np.asarray(background), model_output="probability")
        values = np.asarray(explainer(np.asarray(X), check_additivity=False).values)
        base = float(np.ravel(explainer.expected_value)[-1 if values.ndim == 2 else k])
        if values.ndim == 2:  # of two classes some estimators tell only the second
            values, base = (values, base) if k == 1 else (-values, 1 - base)
            return values.astype(np.float32), base
        return values[:, :, k].astype(np.float32), base
    explainer = shap.KernelExplainer(lambda rows: model.predict_proba(rows)[:, k], np.asarray(background))
    before = np.random.get_state()  # noqa: NPY002 - the library draws from the global one
    try:
        np.random.seed(seed)  # noqa: NPY002
        found = explainer.shap_values(np.asarray(X), silent=True)
    finally:
        np.random.set_state(before)  # noqa: NPY002
    return np.asarray(found, np.float32), float(np.ravel(explainer.expected_value)[0])


def perturbed(
    labeller: Labeller,
    catalog: Catalog,
    target: str,
    name: str | None = None,
    *,
    columns: Sequence[str] = ("title", "description"),
    k: int = 5,
    samples: int = 500,
    seed: int = 0,
) -> list[Reason]:
    """Which words of the first product of a catalog speak for a class (the likeliest by default), for any labeller.

    Words are left out of the columns at random `samples` times and a line is fitted to the answers; a share is a weight
    of that line among those that speak for the class. Raises UnknownName for a target or class that was not fitted.
    """
    known = labeller.learned()["classes_"]
    if target not in known:
        raise UnknownName.among("target", target, known)
    classes = np.asarray(known[target]).tolist()
    product = catalog.frame(catalog.columns, slice(0, 1))
    if not len(product):
        raise DataError("there is no product to explain")
    shares = labeller.predict_proba(Catalog(product))[target][0]
    if name is not None and name not in classes:
        raise UnknownName.among(f"class of {target!r}", name, classes)
    place = int(shares.argmax()) if name is None else classes.index(name)
    present = [column for column in columns if column in product.columns]
    words = [(column, word) for column in present for word in (product[column][0] or "").split()]
    if not words:
        return [Reason("it has no words to leave out", 1.0)]

    def asked(texts: Sequence[str]) -> Dense:
        # LIME knows texts only: each word stands in one as its number.
        kept = [{int(each) for each in text.split() if each.isdigit()} for text in texts]
        frame = pl.concat([product] * len(texts)).with_columns(id=pl.Series([str(i) for i in range(len(texts))]))
        for column in present:
            lines = [
                " ".join(word for i, (of, word) in enumerate(words) if of == column and i in left) for left in kept
            ]
            frame = frame.with_columns(pl.Series(column, lines))
        return labeller.predict_proba(Catalog(frame))[target]

    explainer = lime.lime_text.LimeTextExplainer(split_expression=r"\s+", bow=False, random_state=seed)
    text = " ".join(str(i) for i in range(len(words)))
    found = explainer.explain_instance(text, asked, labels=(place,), num_features=len(words), num_samples=samples)
    weights: dict[str, float] = {}
    for number, weight in found.as_map()[place]:
        word = words[int(number)][1]
        weights[word] = weights.get(word, 0.0) + float(weight)
    best = sorted(((word, weight) for word, weight in weights.items() if weight > 0), key=lambda each: -each[1])
    total = sum(weight for _, weight in best)
    if not total:
        return [Reason("no word of it speaks for this class", 1.0)]
    reasons = [Reason(f"the word “{word}”", weight / total) for word, weight in best[:k]]
    left = 1 - sum(reason.share for reason in reasons)
    return [*reasons, Reason("other", left)] if left > 1e-6 else reasons
