"""Labels: honest paths, rare classes, planted mistakes, and no labels at all.

python -m benchmarks.labels --data ../shared/data --out labels.json

Shop pages: titles alone; learned from the 10,012 training pages, judged once on the 3,000 validation pages. Intervals
are paired over products, 95 %, 1,000 resamples.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from benchmarks.harness import Row, command, needs
from benchmarks.labelled import mapped, pages, titles
from wares.algorithm import Labeller
from wares.classify.linear import Linear
from wares.data.catalog import Catalog
from wares.data.tree import Tree
from wares.encode.sentence import Sentence
from wares.encode.tfidf import TfIdf
from wares.tasks.changing import Synonyms, near_words
from wares.tasks.doubting import doubt
from wares.tasks.filling import filled
from wares.tasks.grading import Counts, accuracy, by_level, grades, macro_f1, paired
from wares.tasks.holding_out import picked
from wares.tasks.meaning import by_meaning
from wares.tasks.taxonomy import Taxonomy
from wares.tasks.views import Views

FEW = 50
"""Rows below which a class is called rare."""

TAUGHT = 4_000
"""Pages that are learned from where rare classes are judged: of fewer, more classes are rare."""

RESAMPLES = 1000


def run(data: Path) -> Iterator[Row]:
    """How honest are paths, what helps rare classes, are planted mistakes found, and what of no labels at all?"""
    yield from meaning(data)
    yield from learned_on(data)
    yield from mistakes(data)
    yield from rare(data)
    yield from honest(data)


def words(balance: Literal["none", "root", "full"] = "none", folds: int = 3) -> Labeller:
    """What reads the products: hashed words and letters, a line between classes."""
    return Views(views=[TfIdf(low=3, high=5, sublinear=True)], classifier=Linear(balance=balance, folds=folds))


# -- no labels -------------------------------------------------------------------------------------------------------


def meaning(data: Path) -> Iterator[Row]:
    """Top level of Google's taxonomy by meaning alone, on the half of the products that nothing was chosen on."""
    tree = Tree.read(needs(data, "google_taxonomy/taxonomy-with-ids.en-US.txt"))
    names, tops, halves, left = mapped(data)
    for half, what in ((1, "reported half"), (0, "half that rules were chosen on")):
        rows = [row for row, each in enumerate(halves) if each == half]
        catalog = Catalog(pl.DataFrame({"id": list(map(str, rows)), "title": [names[row] for row in rows]}))
        said = [answer.path.split(" > ")[0] for answer in by_meaning(catalog, tree, threshold=0.0)]
        truth = [tops[row] for row in rows]
        right = np.array([a == b for a, b in zip(said, truth, strict=True)])
        recalls = {top: float(right[[each == top for each in truth]].mean()) for top in sorted(set(truth))}
        yield Row(
            work=f"zero labels: {len(rows):,} Flipkart titles to Google's {len(tree.at(1))} top categories, {what}",
            metric="accuracy",
            ours=float(right.mean()),
            peers={"always the largest": max(Counter(truth).values()) / len(truth)},
            quality={"mean recall of categories": float(np.mean(list(recalls.values()))), "left out by hand": left},
            settings={"recall": recalls},
        )


# -- learning on -----------------------------------------------------------------------------------------------------


def learned_on(data: Path) -> Iterator[Row]:
    """Five classes taken away, and brought back by `partial_fit`: beside learning all at once, and without replay."""
    catalog, y = titles(data)
    order = np.random.default_rng(0).permutation(len(y))
    test, train = order[: len(y) // 5], order[len(y) // 5 :]
    names = [name for name, _ in Counter(y).most_common()]
    new = set(names[3:23:4])
    old = np.array([row for row in train.tolist() if y[row] not in new])
    late = np.array([row for row in train.tolist() if y[row] in new])
    truth = [y[row] for row in test.tolist()]
    whole = _taught(catalog, y, train, replay=0)
    for replay in (20, 5, 0):
        model = _taught(catalog, y, old, replay=replay)
        model.partial_fit(picked(catalog, late), {"label": [y[row] for row in late.tolist()]})
        said, best = (
            [answer.path for answer in each.answers(picked(catalog, test), alternatives=0)] for each in (model, whole)
        )
        fresh = [row for row, path in enumerate(truth) if path in new]
        ours, theirs = by_level(truth, said, 0), by_level(truth, best, 0)
        yield Row.compared(
            f"learning on: {len(late):,} titles of 5 new classes after {len(old):,} of 20, replay of {replay}",
            "accuracy over all 25 classes",
            accuracy(ours),
            {"all learned at once": accuracy(theirs)},
            better="more",
            quality={
                "macro-F1": macro_f1(ours),
                "macro-F1, all at once": macro_f1(theirs),
                "new classes": float(np.mean([said[row] == truth[row] for row in fresh])),
                "new classes, all at once": float(np.mean([best[row] == truth[row] for row in fresh])),
            },
        )


def _taught(catalog: Catalog, y: Sequence[str], rows: np.ndarray, *, replay: int) -> Taxonomy:
    model = Taxonomy(part=words(folds=2), folds=0, replay=replay)
    return model.fit(picked(catalog, rows), {"label": [y[row] for row in rows.tolist()]})


# -- planted mistakes ------------------------------------------------------------------------------------------------


def mistakes(data: Path) -> Iterator[Row]:
    """Labels of 5 % of the products exchanged at random; of as many doubted first, how many are of them?"""
    sets = {"Flipkart titles, 25 classes": titles(data)}
    catalog, y = pages(data, "train")
    sets["shop pages, level 1"] = catalog, [path.split(" > ")[0] for path in y]
    for name, (catalog, truth) in sets.items():
        found = [_planted(catalog, truth, seed) for seed in range(3)]
        yield Row(
            work=f"5 % planted label errors: {name}",
            metric="precision at their number",
            ours=float(np.mean([each[0] for each in found])),
            quality={"suggested label right": float(np.mean([each[1] for each in found])), "seeds": len(found)},
            runs={"ours": [each[0] for each in found]},
        )


def _planted(catalog: Catalog, truth: Sequence[str], seed: int) -> tuple[float, float]:
    rng = np.random.default_rng(seed)
    planted = rng.choice(len(truth), round(0.05 * len(truth)), replace=False)
    classes = sorted(set(truth))
    y: list[str | None] = list(truth)
    for row in planted.tolist():
        y[row] = str(rng.choice([each for each in classes if each != truth[row]]))
    found = doubt(words(folds=2), catalog, {"label": y}, len(planted), folds=4, seed=seed)
    hit = [each for each in found if each.row in set(planted.tolist())]
    return len(hit) / len(planted), float(np.mean([each.suggested == truth[each.row] for each in hit]))


# -- rare classes ----------------------------------------------------------------------------------------------------


def rare(data: Path) -> Iterator[Row]:
    """What class weights, copies and changed copies do to macro-F1 over classes of under 50 training rows."""
    train, y = pages(data, "train")
    rows = np.random.default_rng(0).permutation(len(y))[:TAUGHT]
    train, y = picked(train, rows), [y[row] for row in rows.tolist()]
    test, truth = pages(data, "validation")
    counts = Counter(y)
    kept = {path for path in set(truth) if 0 < counts[path] < FEW}
    near = near_words(train, Sentence(columns=("title",), width=512).fit(train))
    model = words(folds=2).fit(train, {"label": list(y)})
    plain = _said(model, test)

    def taught(balance: Literal["none", "root", "full"], shown: tuple[Catalog, list[str]]) -> list[str]:
        # The likeliest class is the same with probabilities that are not honest, and learned three times as fast.
        return _said(words(balance, 0).fit(shown[0], {"label": list(shown[1])}), test)

    for name, said in {
        "class weights, root": taught("root", (train, y)),
        "class weights, full": taught("full", (train, y)),
        "copies up to 20": taught("none", _more(train, y, 20, changed=False)),
        "copies up to 20, words left out": taught("none", _more(train, y, 20)),
        "copies up to 20, synonyms": taught("none", _more(train, y, 20, synonyms=near)),
        "prior to the power of .3": _said(model, test, counts),
    }.items():
        ours, theirs = (_over(truth, each, kept) for each in (said, plain))
        gap = paired(macro_f1, ours, theirs, resamples=RESAMPLES)
        all_ = paired(macro_f1, _over(truth, said, set(truth)), _over(truth, plain, set(truth)), resamples=RESAMPLES)
        yield Row(
            work=f"rare classes: {name}, {len(kept)} classes of under {FEW} rows",
            metric="macro-F1 of the rare classes",
            ours=macro_f1(ours),
            peers={"nothing done": macro_f1(theirs)},
            quality={"gain, low": gap.low, "gain, high": gap.high, "gain in macro-F1 of all": all_.mean},
        )


def _said(fitted: Labeller, test: Catalog, counts: Counter[str] | None = None) -> list[str]:
    """The likeliest class of each product; rare classes favoured where counts are given."""
    classes = np.asarray(fitted.learned()["classes_"]["label"])
    table = fitted.predict_proba(test)["label"]
    if counts is not None:
        share = np.array([counts[path] for path in classes.tolist()], float)
        table = table * (share.max() / share) ** 0.3
    return [str(each) for each in classes[table.argmax(axis=1)]]


def _more(
    train: Catalog, y: Sequence[str], least: int, *, changed: bool = True, synonyms: Synonyms | None = None
) -> tuple[Catalog, list[str]]:
    more, named = filled(train, {"label": list(y)}, rare=least, changed=changed, synonyms=synonyms)
    return more, [str(each) for each in named["label"]]


def _over(truth: Sequence[str], said: Sequence[str], kept: set[str]) -> Counts:
    """Counts over some classes only; products of others stay, as what may be taken for one of them."""
    names = sorted(kept)
    code = {name: at for at, name in enumerate(names)}
    # Two numbers for all other classes, so that a product of one is never a hit, nor counted as a class of its own.
    right = np.array([code.get(each, len(names)) for each in truth])
    answer = np.array([code.get(each, len(names) + 1) for each in said])
    return _Known(right, answer, len(names) + 2, len(names))


class _Known(Counts):
    """Counts whose means are over the first classes only."""

    def __init__(self, truth: np.ndarray, said: np.ndarray, n_classes: int, n_known: int) -> None:
        super().__init__(truth, said, n_classes)
        object.__setattr__(self, "n_known", n_known)

    def f1(self, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        f1, true = super().f1(weights)
        return f1[: self.n_known], true[: self.n_known]  # type: ignore[attr-defined]


# -- honest paths ----------------------------------------------------------------------------------------------------


def honest(data: Path) -> Iterator[Row]:
    """Weighted F1 by level, calibration, and what is answered at 90, 95 and 98 % wanted, of paths of three levels."""
    train, y = pages(data, "train")
    test, truth = pages(data, "validation")
    model = Taxonomy(part=words(folds=2)).fit(train, {"label": y})
    table = model.predict_proba(test)["label"]
    found = grades(model.paths().classes, table, truth)
    levels = [found["levels"][level]["weighted_f1"] for level in ("1", "2", "3")]
    flat = model.part_.predict_proba(test)
    own = np.asarray(model.part_.classes_["label:path"])[flat["label:path"].argmax(axis=1)].tolist()
    lone = [
        grades(sorted(set(own)), np.eye(len(set(own)), dtype=np.float32)[np.searchsorted(sorted(set(own)), own)], truth)
    ]
    alone = [lone[0]["levels"][level]["weighted_f1"] for level in ("1", "2", "3")]
    yield Row.compared(
        "paths: 3,000 shop pages, 281 classes of 3 levels",
        "weighted F1, mean of levels",
        float(np.mean(levels)),
        {"whole paths alone": float(np.mean(alone))},
        better="more",
        quality={
            **{f"level {level}": value for level, value in zip("123", levels, strict=True)},
            "hierarchical F1": found["hierarchical"]["f1"],
            "calibration error": found["calibration_error"],
            "calibration error, level 1": found["calibration_error_top"],
        },
        settings={"reliability": found["reliability"], "coverage": found["coverage"][::4]},
    )
    for wanted in (0.9, 0.95, 0.98):
        answers = model.answers(test, accuracy=wanted)
        told = [(answer, path) for answer, path in zip(answers, truth, strict=True) if answer.level]
        right = [f"{path} > ".startswith(f"{answer.path} > ") for answer, path in told]
        yield Row(
            work=f"paths cut for {wanted:.0%} right",
            metric="share of answers that are right",
            ours=float(np.mean(right)) if right else None,
            quality={
                "answered": len(told) / len(truth),
                "whole paths": float(np.mean([answer.sure for answer in answers])),
            },
        )


if __name__ == "__main__":
    command(run)
