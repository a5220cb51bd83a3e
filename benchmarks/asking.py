"""Which labels teach most: 500 asked against 500 drawn at random.

python -m benchmarks.asking --data ../shared/data --out asking.json

A quarter of the products is held back to judge. 200 drawn at random are labelled; then five times 100 are asked, the
model being fitted anew each time; beside it, as many more are drawn at random. Titles only, 5 seeds.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.harness import Row, command
from benchmarks.labelled import pages, titles
from wares.classify.linear import Linear
from wares.data.catalog import Catalog
from wares.encode.sentence import Sentence
from wares.encode.tfidf import TfIdf
from wares.tasks.asking import ask
from wares.tasks.grading import by_level, macro_f1
from wares.tasks.holding_out import picked
from wares.tasks.views import Views

SEEDS, START, ROUNDS, EACH = 5, 200, 5, 100


def run(data: Path) -> Iterator[Row]:
    """Do 500 labels that were asked for teach more than 500 at random?"""
    catalog, y = pages(data, "train")
    sets = {
        "shop pages, 37 classes": (catalog, [path.split(" > ")[0] for path in y]),
        "shop pages, 281 classes": (catalog, y),
        "Flipkart titles, 25 classes": titles(data),
    }
    for name, (products, labels) in sets.items():
        vectors = Sentence(columns=("title",), width=128).fit(products).encode(products)
        curves = [curve(products, labels, vectors, seed) for seed in range(SEEDS)]
        asked, drawn = (np.array([each[way] for each in curves]) for way in ("asked", "random"))
        gaps = asked[:, -1] - drawn[:, -1]
        yield Row.compared(
            f"{START} labels and {ROUNDS * EACH} more, asked: {name}",
            "macro-F1, mean of 5 seeds",
            float(asked[:, -1].mean()),
            {"at random": float(drawn[:, -1].mean())},
            better="more",
            quality={"gain": float(gaps.mean()), "least gain": float(gaps.min()), "most gain": float(gaps.max())},
            runs={"ours": asked[:, -1].tolist(), "at random": drawn[:, -1].tolist()},
            settings={
                "labels": [START + EACH * turn for turn in range(ROUNDS + 1)],
                "asked": asked.mean(axis=0).tolist(),
                "random": drawn.mean(axis=0).tolist(),
            },
        )


def curve(catalog: Catalog, y: list[str], vectors: np.ndarray, seed: int) -> dict[str, list[float]]:
    """Macro-F1 by number of labels, asked and at random."""
    order = np.random.default_rng(seed).permutation(len(y))
    test, pool = order[: len(y) // 4], np.sort(order[len(y) // 4 :])
    start = order[len(y) // 4 :][: START + ROUNDS * EACH]
    place = {row: at for at, row in enumerate(pool.tolist())}
    free, known = picked(catalog, pool), start[:START].tolist()
    judged = picked(catalog, test), [y[row] for row in test.tolist()]
    model = fitted(catalog, y, known)
    asked, drawn = [score(model, *judged)], []
    drawn.append(asked[0])
    for turn in range(1, ROUNDS + 1):
        labelled = np.array([place[row] for row in known])
        known += pool[ask(model, free, EACH, vectors[pool], labelled=labelled, seed=seed)].tolist()
        model = fitted(catalog, y, known)
        asked.append(score(model, *judged))
        drawn.append(score(fitted(catalog, y, start[: START + turn * EACH].tolist()), *judged))
    return {"asked": asked, "random": drawn}


def fitted(catalog: Catalog, y: list[str], rows: list[int]) -> Views:
    """The default labeller, letters of 3 to 5, learned from some rows."""
    model = Views(views=[TfIdf(low=3, high=5, bits=18, sublinear=True)], classifier=Linear(folds=2))
    return model.fit(picked(catalog, np.array(rows)), {"label": [y[row] for row in rows]})


def score(model: Views, test: Catalog, truth: list[str]) -> float:
    """Macro-F1 over the classes of the test."""
    said = np.asarray(model.classes_["label"])[model.predict_proba(test)["label"].argmax(axis=1)].tolist()
    return macro_f1(by_level(truth, said, 0))


if __name__ == "__main__":
    command(run)
