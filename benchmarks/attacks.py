"""Texts with mistakes: what they cost, and what being shown mistakes is worth.

python -m benchmarks.attacks --data ../shared/data --out attacks.json

Learned from clean products, and from clean ones with a copy of half of them, each with one kind of mistake; judged on
the same products held back, clean and under each attack (3 of 10 words are hit). Of shop pages the title and 400
letters of category text and description are read.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.harness import Row, command
from benchmarks.labelled import pages, titles
from wares.classify.linear import Linear
from wares.data.catalog import Catalog
from wares.encode.tfidf import TfIdf
from wares.tasks.changing import attacks
from wares.tasks.filling import filled
from wares.tasks.grading import accuracy, by_level, macro_f1, paired
from wares.tasks.holding_out import picked
from wares.tasks.views import Views

SHARE = 0.5


def run(data: Path) -> Iterator[Row]:
    """How much do mistakes in texts cost, and does learning from mistakes help?"""
    catalog, y = titles(data)
    order = np.random.default_rng(0).permutation(len(y))
    test, train = order[: len(y) // 5], order[len(y) // 5 :]
    parts = [(picked(catalog, rows), [y[row] for row in rows.tolist()]) for rows in (train, test)]
    yield from attacked("Flipkart titles, 25 classes", *parts[0], *parts[1])
    (train_pages, labels), (test_pages, truth) = pages(data, "train", 400), pages(data, "validation", 400)
    tops = [[path.split(" > ")[0] for path in each] for each in (labels, truth)]
    yield from attacked("shop pages, 37 classes", train_pages, tops[0], test_pages, tops[1])


def attacked(name: str, train: Catalog, y: list[str], test: Catalog, truth: list[str]) -> Iterator[Row]:
    """A row for each attack."""
    plain = fitted(train, y)
    more, labels = filled(train, {"label": list(y)}, hardened=SHARE)
    hard = fitted(more, [str(each) for each in labels["label"]])
    for attack, products in {"clean": test, **attacks(test)}.items():
        ours, theirs = (by_level(truth, said(model, products), 0) for model in (hard, plain))
        gap = paired(accuracy, ours, theirs)
        yield Row.compared(
            f"{name}: {attack}",
            "accuracy of what was shown mistakes",
            accuracy(ours),
            {"shown none": accuracy(theirs)},
            better="more",
            quality={
                "gain": gap.mean,
                "low": gap.low,
                "high": gap.high,
                "macro-F1": macro_f1(ours),
                "macro-F1, shown none": macro_f1(theirs),
            },
        )


def fitted(catalog: Catalog, y: list[str]) -> Views:
    """Words and letters, a line between classes."""
    model = Views(views=[TfIdf(low=3, high=5, sublinear=True)], classifier=Linear(folds=2))
    return model.fit(catalog, {"label": list(y)})


def said(model: Views, products: Catalog) -> list[str]:
    """The class of each product."""
    found: list[str] = np.asarray(model.classes_["label"])[
        model.predict_proba(products)["label"].argmax(axis=1)
    ].tolist()
    return found


if __name__ == "__main__":
    command(run)
