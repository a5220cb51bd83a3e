"""Do reviews praise or blame, and how fast is that told? Beside character n-grams and scikit-learn's LinearSVC.

62,774 Chinese reviews of ten kinds of things, half of them praise. 80 % teach, 20 % are asked, five splits by chance,
the same for all; settings of ours were chosen on a part of the training rows of the first split. The floor counts its
n-grams over all reviews once, and weighs them by those that teach. Then, on the first split, what few ratings are
worth, and how many reviews a second are read.
"""

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.svm import LinearSVC

from benchmarks.harness import Row, command, interleave, needs
from wares.tasks.sentiment import Sentiment
from wares.text import opinions
from wares.text.aspects import Speaks

SEEDS = 5
FEW = (50, 200, 1000, 5000)

Names = NDArray[Any]


def run(data: Path) -> Iterator[Row]:
    """Do reviews praise or blame, and how fast is that told?"""
    texts, praise = reviews(data)
    words = np.asarray(opinions.scores(texts) > 0) == praise
    counted = CountVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2).fit_transform(texts)
    ours: list[float] = []
    floor: list[float] = []
    lexicon: list[float] = []
    errors: list[float] = []
    for seed in range(SEEDS):
        taught, asked = split(len(texts), seed)
        told = Sentiment(seed=seed).fit(texts[taught], praise[taught]).probability(texts[asked])
        ours.append(right(told, praise[asked]))
        errors.append(calibration(told, praise[asked]))
        lexicon.append(float(words[asked].mean()))
        floor.append(_floor(counted, praise, taught, asked))
        print(f"seed {seed}: ours {ours[-1]:.4f}, floor {floor[-1]:.4f}, lexicon {lexicon[-1]:.4f}", flush=True)
    gains = np.array(ours) - np.array(floor)
    yield Row.compared(
        f"praise or blame of {len(texts):,} Chinese reviews, 80/20, {SEEDS} seeds",
        "accuracy, mean",
        float(np.mean(ours)),
        {"characters 1-3 + LinearSVC": float(np.mean(floor)), "the lexicon alone": float(np.mean(lexicon))},
        better="more",
        runs={"ours": ours, "characters 1-3 + LinearSVC": floor, "the lexicon alone": lexicon},
        quality={
            "spread of ours": float(np.std(ours, ddof=1)),
            "paired gain": float(gains.mean()),
            "least gain": float(gains.min()),
            "calibration error": float(np.mean(errors)),
        },
        settings={"ours": str(Sentiment())},
    )
    taught, asked = split(len(texts), 0)
    for n in FEW:
        some = Sentiment().fit(texts[taught[:n]], praise[taught[:n]])
        yield Row(
            work=f"the same, learned from {n:,} rated reviews, 1 seed",
            metric="accuracy",
            ours=right(some.probability(texts[asked]), praise[asked]),
            peers={"the lexicon alone": lexicon[0]},
        )
    yield _speed(texts, praise)


def reviews(data: Path) -> tuple[Names, NDArray[np.bool_]]:
    """Texts, and whether each praises."""
    with zipfile.ZipFile(needs(data, "zh_online_shopping_10cats/online_shopping_10_cats.zip")) as archive:
        text = archive.read("online_shopping_10_cats.csv").decode("utf-8-sig")
    rows = [row for row in csv.reader(io.StringIO(text)) if len(row) == 3][1:]
    return np.array([row[2] for row in rows], object), np.array([row[1] == "1" for row in rows])


def split(n: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = np.random.default_rng(seed).permutation(n)
    return order[: int(0.8 * n)], order[int(0.8 * n) :]


def right(told: NDArray[np.float32], answers: NDArray[np.bool_]) -> float:
    return float(((told > 0.5) == answers).mean())


def calibration(told: NDArray[np.float32], answers: NDArray[np.bool_]) -> float:
    """Mean distance between what is said and what is so, in ten bins of equal width."""
    bins = np.clip((told * 10).astype(int), 0, 9)
    parts = [np.flatnonzero(bins == each) for each in range(10)]
    return float(
        sum(abs(told[rows].mean() - answers[rows].mean()) * len(rows) for rows in parts if len(rows)) / len(told)
    )


def _floor(counted: Any, praise: NDArray[np.bool_], taught: NDArray[np.int64], asked: NDArray[np.int64]) -> float:
    weigh = TfidfTransformer(sublinear_tf=True)
    svm = LinearSVC().fit(weigh.fit_transform(counted[taught]), praise[taught])
    return float(svm.score(weigh.transform(counted[asked]), praise[asked]))


def _speed(texts: Names, praise: NDArray[np.bool_]) -> Row:
    """Reviews a second, from text to probability; the aspects beside."""
    some, rows = texts[:10_000], slice(0, None, 5)
    ours = Sentiment().fit(texts[rows], praise[rows])
    vectors = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2, sublinear_tf=True)
    svm = LinearSVC().fit(vectors.fit_transform(texts[rows]), praise[rows])
    speaks = Speaks.of()
    spent: dict[str, list[float]] = {}

    def timed(name: str, work: Any) -> Any:
        def go() -> None:
            start = process_time()
            work()
            spent.setdefault(name, []).append(process_time() - start)

        return go

    work = {
        "ours": lambda: ours.probability(some),
        "characters 1-3 + LinearSVC": lambda: svm.decision_function(vectors.transform(some)),
        "the lexicon alone": lambda: opinions.probability(some),
        "finding aspects": lambda: speaks.find(some),
    }
    interleave({name: timed(name, each) for name, each in work.items()}, runs=3)
    speeds = {name: len(some) / float(np.median(each)) for name, each in spent.items()}
    return Row(
        work="reviews of 58 letters to probabilities",
        metric="reviews a second of CPU time, median of 3",
        ours=speeds.pop("ours"),
        peers=speeds,
        runs=spent,
    )


if __name__ == "__main__":
    command(run)
