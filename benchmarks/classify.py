"""How right, how fast and how small are the classes of products? Beside scikit-learn, in the same process.

    python -m benchmarks.classify --data ../shared/data --out classify.json [--only mwpd flipkart chinese speed small]

The peer and floor is `TfidfVectorizer` and `LinearSVC` as they come, reading the same columns unless a row says
otherwise. Settings of ours were chosen on parts of the training rows.
"""

import csv
import io
import json
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import StratifiedGroupKFold, train_test_split
from sklearn.svm import LinearSVC

from benchmarks.harness import Row, command, interleave, needs
from wares.algorithm import Encoder, Labeller
from wares.classify.linear import Linear
from wares.data.catalog import Catalog
from wares.encode.tfidf import TfIdf
from wares.registry import make
from wares.tasks.shrinking import export, measured, pruned
from wares.tasks.views import Views

Names = Sequence[str]


def catalog(**columns: Names) -> Catalog:
    n = len(next(iter(columns.values())))
    return Catalog(pl.DataFrame({"id": [str(row) for row in range(n)], **{k: list(v) for k, v in columns.items()}}))


def words(columns: Sequence[str], **settings: Any) -> TfIdf:
    return TfIdf(columns=tuple(columns), sublinear=True, **settings)


def told(labeller: Labeller, products: Catalog, target: str) -> Any:
    return labeller.classes_[target][labeller.predict_proba(products)[target].argmax(axis=1)]


def peer(train: Names, labels: Any, test: Names) -> Any:
    vectors = TfidfVectorizer()
    return LinearSVC().fit(vectors.fit_transform(train), labels).predict(vectors.transform(test))


def calibration(table: Any, right: Any, bins: int = 15) -> float:
    """The expected calibration error of the likeliest class, in bins of equally many rows."""
    sure = table.max(axis=1)
    parts = np.array_split(np.argsort(sure), bins)
    return float(sum(len(part) * abs(sure[part].mean() - right[part].mean()) for part in parts) / len(sure))


# -- the tasks ------------------------------------------------------------------------------------------------------

LEVELS = ("lvl1", "lvl2", "lvl3")


def _mwpd(data: Path, part: str) -> tuple[Catalog, dict[str, list[str]]]:
    with zipfile.ZipFile(needs(data, "mwpd2020/task2_train_val_with_labels.zip")) as archive:
        rows = [json.loads(line) for line in io.TextIOWrapper(archive.open(f"{part}.json"), "utf-8")]
    columns = {"title": "Name", "description": "Description", "category": "CategoryText", "url": "URL"}
    given = {ours: [row[theirs] or "" for row in rows] for ours, theirs in columns.items()}
    return catalog(**given), {level: [row[level] for row in rows] for level in LEVELS}


def mwpd(data: Path) -> Iterator[Row]:
    """Shop pages to GS1 categories: learned on train alone, judged once on validation."""
    train, taught = _mwpd(data, "train")
    test, answers = _mwpd(data, "validation")
    given = ("title", "category", "description")
    floor = [f1(answers[level], peer(train.text(given), taught[level], test.text(given))) for level in LEVELS]
    same = [
        f1(answers[level], peer(train.text((*given, "url")), taught[level], test.text((*given, "url"))))
        for level in LEVELS
    ]
    views = [words(("title",), low=3), words(("category", "url"), low=3), words(("description",), low=3)]
    model = Views(views=views, classifier=Linear(C=3.0, folds=0))
    start = time.process_time()
    model.fit(train, taught)
    seconds = time.process_time() - start
    tables = model.predict_proba(test)
    ours = [f1(answers[level], model.classes_[level][tables[level].argmax(axis=1)]) for level in LEVELS]
    yield Row.compared(
        f"MWPD task 2, {len(taught['lvl1']):,} pages learned, {len(test):,} judged",
        "weighted F1, mean of 3 levels",
        float(np.mean(ours)),
        {
            "TfidfVectorizer + LinearSVC": float(np.mean(floor)),
            "the same, with the URL as ours": float(np.mean(same)),
        },
        better="more",
        quality={"ours by level": ours, "floor by level": floor, "with URL by level": same},
        settings={"reads": "title; shop's category text and URL; description", "fit cpu seconds": seconds},
    )


def f1(right: Any, got: Any) -> float:
    return float(f1_score(right, got, average="weighted", zero_division=0))


def _flipkart(data: Path) -> tuple[Any, Any]:
    with needs(data, "flipkart_taxonomy/flipkart_com-ecommerce_sample.csv").open(
        encoding="utf-8", errors="replace"
    ) as f:
        rows = list(csv.reader(f))
    # The last node of a path is often the product's own name: a path of that alone has no level.
    paths = [[node.strip() for node in tree.strip('[]"').split(">>")][:-1] for _, _, tree in rows]
    names = np.array([name for (_, name, _), path in zip(rows, paths, strict=True) if path], object)
    labels = np.array([path[0] for path in paths if path])
    kinds, counts = np.unique(labels, return_counts=True)
    kept = np.isin(labels, kinds[counts >= 80])
    return names[kept], labels[kept]


def flipkart(data: Path) -> Iterator[Row]:
    """Product names to 20 departments: 5 x 2 cross-validation, the same name never on both sides."""
    names, labels = _flipkart(data)
    groups = np.unique(names.astype(str), return_inverse=True)[1]
    variants: dict[str, Callable[[], Views]] = {
        "words": lambda: Views(views=[words(("title",), low=2, pairs=True)], classifier=Linear(C=3.0, balance="root")),
        "words and sentence": lambda: Views(
            views=[words(("title",), low=2, pairs=True), make(Encoder, "sentence")],
            weights=[1.0, 0.6],
            classifier=Linear(C=3.0, balance="root"),
        ),
    }
    found: dict[str, list[float]] = {name: [] for name in ("floor", *variants)}
    errors: list[float] = []
    for repeat in range(5):
        folds = StratifiedGroupKFold(2, shuffle=True, random_state=repeat).split(names, labels, groups)
        for taught, asked in folds:
            got = peer(names[taught], labels[taught], names[asked])
            found["floor"].append(float(f1_score(labels[asked], got, average="macro")))
            for name, made in variants.items():
                model = made().fit(catalog(title=names[taught]), {"department": labels[taught].tolist()})
                table = model.predict_proba(catalog(title=names[asked]))["department"]
                got = model.classes_["department"][table.argmax(axis=1)]
                found[name].append(float(f1_score(labels[asked], got, average="macro")))
                errors += [calibration(table, got == labels[asked])] if name == "words" else []
    for name in variants:
        gain = np.array(found[name]) - np.array(found["floor"])
        # Of ten gains that share rows; 2.26 is Student's t at 95 % and 9 degrees.
        wide = 2.26 * gain.std(ddof=1) / np.sqrt(len(gain))
        yield Row.compared(
            f"Flipkart names to {len(np.unique(labels))} departments, 5 x 2 grouped: {name}",
            "macro-F1",
            float(np.mean(found[name])),
            {"TfidfVectorizer + LinearSVC": float(np.mean(found["floor"]))},
            better="more",
            runs=found,
            quality={
                "gain": float(gain.mean()),
                "gain, 95 %": [float(gain.mean() - wide), float(gain.mean() + wide)],
                "spread over splits": float(np.std(found[name])),
                "calibration error of words": float(np.mean(errors)),
            },
        )


def chinese(data: Path) -> Iterator[Row]:
    """Chinese reviews: what they think of it, and of which category it is; 80/20, drawn once a seed."""
    with zipfile.ZipFile(needs(data, "zh_online_shopping_10cats/online_shopping_10_cats.zip")) as archive:
        text = archive.read("online_shopping_10_cats.csv").decode("utf-8-sig")
    rows = [row for row in csv.reader(io.StringIO(text)) if len(row) == 3 and row[2].strip()][1:]
    reviews = np.array([row[2] for row in rows], object)
    for target, column in (("sentiment", 1), ("category", 0)):
        labels = np.array([row[column] for row in rows])
        ours, floor = [], []
        for seed in range(1):
            taught, asked = train_test_split(np.arange(len(rows)), test_size=0.2, random_state=seed, stratify=labels)
            letters = words(("title",), words=False, low=1, high=4, across=True)
            model = Views(views=[words(("title",), low=1, high=4, pairs=True), letters], classifier=Linear(folds=0))
            model.fit(catalog(title=reviews[taught]), {target: labels[taught].tolist()})
            got = told(model, catalog(title=reviews[asked]), target)
            ours.append(float(accuracy_score(labels[asked], got)))
            if seed == 0:
                vectors = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, min_df=2)
                svm = LinearSVC().fit(vectors.fit_transform(reviews[taught]), labels[taught])
                floor.append(float(svm.score(vectors.transform(reviews[asked]), labels[asked])))
        yield Row.compared(
            f"Chinese reviews to {target}, {len(rows):,} reviews, 80/20, 1 seed",
            "accuracy",
            float(np.mean(ours)),
            {"characters 1-3 + LinearSVC (1 seed)": floor[0]},
            better="more",
            runs={"ours": ours, "characters 1-3 + LinearSVC": floor},
        )


def speed(data: Path) -> Iterator[Row]:
    """Titles a second from text to class, and the time to learn."""
    names, labels = _flipkart(data)
    taught, asked = np.arange(0, len(names), 2), np.arange(1, len(names), 2)
    train, test = catalog(title=names[taught]), catalog(title=names[asked])
    target = {"department": labels[taught].tolist()}
    ours = Views(views=[words(("title",), low=2)]).fit(train, target)
    meaning = Views(views=[words(("title",), low=2, pairs=True), make(Encoder, "sentence")]).fit(train, target)
    vectors = TfidfVectorizer()
    svm = LinearSVC().fit(vectors.fit_transform(names[taught]), labels[taught])
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    other = LinearSVC().fit(letters.fit_transform(names[taught]), labels[taught])
    times = interleave(
        {
            "ours": lambda: ours.predict_proba(test),
            "ours with sentence": lambda: meaning.predict_proba(test),
            "words + LinearSVC": lambda: svm.predict(vectors.transform(names[asked])),
            "letters 2-5 + LinearSVC": lambda: other.predict(letters.transform(names[asked])),
        }
    )
    rates = {name: [len(asked) / each for each in seconds] for name, seconds in times.items()}
    yield Row.timed(
        f"class of {len(asked):,} titles, 20 classes, encoding included",
        times,
        quality={f"{name}, titles a second": float(np.median(each)) for name, each in rates.items()},
    )
    rows = letters.transform(names[taught])
    yield Row.timed(
        f"learning 20 classes of {len(taught):,} rows of letters 2-5, vectors given, no calibration",
        interleave(
            {
                "ours": lambda: Linear(folds=0).fit(rows, labels[taught]),
                "LinearSVC": lambda: LinearSVC().fit(rows, labels[taught]),
            },
            runs=3,
        ),
    )


def small(data: Path) -> Iterator[Row]:
    """What pruning and bytes cost."""
    names, labels = _flipkart(data)
    taught, asked = np.arange(0, len(names), 2), np.arange(1, len(names), 2)
    model = Views(views=[words(("title",), low=2, pairs=True)]).fit(
        catalog(title=names[taught]), {"department": labels[taught].tolist()}
    )
    rows = model.rows(catalog(title=names[asked]))[0]
    whole = model.models_["department"][0]
    with TemporaryDirectory() as folder:
        for number, (share, int8) in enumerate(((0.0, False), (0.0, True), (0.02, False), (0.02, True), (0.1, True))):
            cut = pruned(whole, share) if share else whole
            size = measured(whole, export(cut, Path(folder) / f"{number}.onnx", int8=int8), rows, labels[asked])
            yield Row(
                work=f"ONNX, {'bytes' if int8 else 'floats'}, {share:.0%} of the squared weights pruned",
                metric="megabytes",
                ours=size.megabytes,
                quality={"accuracy": size.accuracy, "loss": size.loss, "rows a second": size.per_second},
                settings={"weights": int(np.count_nonzero(cut.coef_)), "columns": len(cut.coef_)},
            )


TASKS = {"flipkart": flipkart, "chinese": chinese, "speed": speed, "small": small, "mwpd": mwpd}


def run(data: Path, only: Sequence[str] = tuple(TASKS)) -> Iterator[Row]:
    """How right, how fast and how small are the classes of products?"""
    for name in only:
        yield from TASKS[name](data)


if __name__ == "__main__":
    chosen = tuple(name for name in TASKS if name in sys.argv)
    sys.argv = [each for each in sys.argv if each not in TASKS and each != "--only"]
    command(lambda data: run(data, chosen or tuple(TASKS)))
