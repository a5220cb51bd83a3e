"""Which offers are one product: F1 beside simple peers, what blocking keeps, and 20,000 offers matched with 20,000."""

import re
import resource
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rapidfuzz import fuzz
from rapidfuzz.distance import JaroWinkler
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer

from benchmarks.harness import Row, command, needs
from wares.match.boosted import Boosted
from wares.match.fellegi_sunter import FellegiSunter
from wares.matches import match
from wares.tasks.blocking import candidates
from wares.tasks.matching import NEAR, best_cut, likened, title_score
from wares.tasks.offers import Offers, Read
from wares.tasks.rivals import rivalry
from wares.tasks.transferring import alone, evidence, grouped, pairwise_f1, taught

SEEDS = range(5)
FOLDER = "er_magellan_products"
SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class Pairs:
    """A set of judged pairs: offers of both tables one after the other, ours before `shift`; split 0, 1, 2."""

    name: str
    offers: Offers
    shift: int
    rows: NDArray[np.int32]
    split: NDArray[np.int64]
    same: NDArray[np.bool_]

    @property
    def theirs(self) -> NDArray[np.bool_] | None:
        return np.arange(len(self.offers)) >= self.shift if self.shift else None


def read(name: str, files: Sequence[Path]) -> Pairs:
    """Pairs written as `COL a VAL b ... TAB COL a VAL b ... TAB 0/1`; equal texts are one offer."""
    one_table = "cameras" in name
    ours: dict[str, int] = {}
    theirs = ours if one_table else {}
    rows, split, same = [], [], []
    for number, path in enumerate(files):
        for line in path.read_text(encoding="utf-8").splitlines():
            a, b, answer = line.split("\t")
            rows.append((ours.setdefault(a.strip(), len(ours)), theirs.setdefault(b.strip(), len(theirs))))
            split.append(number)
            same.append(answer == "1")
    offers, shift = table(list(ours)), 0
    pairs = np.array(rows, np.int32)
    if not one_table:
        offers, shift = offers.followed_by(table(list(theirs))), len(ours)
        pairs[:, 1] += shift
    return Pairs(name, offers, shift, pairs, np.array(split), np.array(same))


def table(records: Sequence[str]) -> Offers:
    fields = [
        {
            part.partition(" VAL")[0].strip(): part.partition(" VAL")[2].strip()
            for part in re.split(r"(?:^|\s)COL ", record)[1:]
        }
        for record in records
    ]

    def column(*names: str) -> list[str] | None:
        values = [next((each[name] for name in names if name in each), "") for each in fields]
        return [re.sub(r'"@[\w-]+|"', " ", value) for value in values] if any(values) else None

    prices = column("price")
    return Offers(
        column("title", "name") or [],
        descriptions=column("description"),
        brands=column("brand"),
        models=column("modelno"),
        categories=column("category"),
        prices=np.array([float(each) if each else np.nan for each in prices]) if prices else None,
    )


def sets(data: Path) -> Iterator[Pairs]:
    folder = needs(data, FOLDER)
    yield read("Abt-Buy", [folder / "Textual/Abt-Buy" / f"{each}.txt" for each in SPLITS])
    yield read("Walmart-Amazon", [folder / "Structured/Walmart-Amazon" / f"{each}.txt" for each in SPLITS])
    files = [f"{each}.txt.medium" if each != "test" else "test.txt" for each in SPLITS]
    yield read("WDC cameras, medium", [folder / "wdc/cameras" / each for each in files])


def f1(same: NDArray[np.bool_], taken: NDArray[np.bool_]) -> float:
    return float(2 * (same & taken).sum() / max(same.sum() + taken.sum(), 1))


def judged(pairs: Pairs, scores: NDArray[np.floating]) -> tuple[float, float]:
    """F1 on validation and on test, cut where it is best on validation."""
    valid, test = pairs.split == 1, pairs.split == 2
    cut = best_cut(scores[valid], pairs.same[valid])
    return f1(pairs.same[valid], scores[valid] >= cut), f1(pairs.same[test], scores[test] >= cut)


def ours(pairs: Pairs) -> tuple[dict[str, list[tuple[float, float]]], NDArray[np.float32]]:
    """By what is looked at, F1 on validation and test of each seed; and probabilities of one seed, for pictures."""
    seen = Read.of(pairs.offers)
    plain = likened(seen, pairs.rows)
    sellers = None if pairs.theirs is None else pairs.theirs.astype(np.int64)
    beside = np.column_stack([plain, rivalry(pairs.rows, title_score(plain), sellers)])
    train = pairs.split == 0
    found: dict[str, list[tuple[float, float]]] = {}
    kept = np.empty(0, np.float32)
    for name, likeness in (("pairs alone", plain), ("with rivals", beside)):
        found[name] = []
        for seed in SEEDS:
            model = Boosted(seed=100 * seed).fit(likeness[train], pairs.same[train])
            kept = model.probability(likeness)
            found[name].append(judged(pairs, kept))
    mixture = FellegiSunter().fit(beside).probability(beside)
    test = pairs.split == 2
    found["no label"] = [(0.0, f1(pairs.same[test], mixture[test] > 0.5))]
    return found, kept


def peers(pairs: Pairs) -> dict[str, float]:
    """TF-IDF cosine; and eight likenesses of strings with boosted trees: mean of five seeds."""
    titles = [*pairs.offers.titles]
    texts = [" ".join(each) for each in zip(titles, *_beside(pairs.offers), strict=True)]
    one, other = pairs.rows.T
    vectors = TfidfVectorizer(sublinear_tf=True).fit_transform(texts)
    cosine = np.asarray(vectors[one].multiply(vectors[other]).sum(axis=1)).ravel()
    names = TfidfVectorizer().fit_transform(titles)
    measures = (fuzz.ratio, fuzz.partial_ratio, fuzz.token_sort_ratio, fuzz.token_set_ratio, JaroWinkler.similarity)
    strings = [[measure(titles[a], titles[b]) for a, b in pairs.rows] for measure in measures]
    lengths = np.array([len(each) for each in titles])[pairs.rows]
    rest = [np.asarray(names[one].multiply(names[other]).sum(axis=1)).ravel(), lengths.min(1) / lengths.max(1)]
    features = np.column_stack([*strings, *rest, cosine])
    train = pairs.split == 0
    boosted = []
    for seed in SEEDS:
        model = HistGradientBoostingClassifier(random_state=seed).fit(features[train], pairs.same[train])
        boosted.append(judged(pairs, model.predict_proba(features)[:, 1])[1])
    return {"cosine": judged(pairs, cosine)[1], "8 string features + boosting": mean(boosted)}


def _beside(offers: Offers) -> list[Sequence[str]]:
    return [each for each in (offers.brands, offers.models, offers.descriptions) if each is not None]


def f1_rows(data: Path) -> Iterator[Row]:
    for pairs in sets(data):
        found, _ = ours(pairs)
        chosen = max(("pairs alone", "with rivals"), key=lambda name: mean(valid for valid, _ in found[name]))
        tests = {name: [test for _, test in each] for name, each in found.items()}
        yield Row.compared(
            f"{pairs.name}: {len(pairs.rows):,} judged pairs, official split",
            "F1 of matches on test, mean of 5 seeds",
            mean(tests[chosen]),
            peers(pairs),
            better="more",
            quality={
                "chosen on validation": chosen,
                **{f"{name}, test": mean(values) for name, values in tests.items()},
                **{f"{name}, spread": stdev(values) for name, values in tests.items() if len(values) > 1},
                **{f"{name}, valid": mean(v for v, _ in found[name]) for name in ("pairs alone", "with rivals")},
            },
            settings={
                "cut": "best F1 on validation",
                "pairs alone": "a pair is judged by its two offers; how telling words are is counted in both tables",
                "with rivals": "and by what else fits the two better, among the pairs of all three splits, no labels",
                "no label": "Fellegi-Sunter on all pairs, probability above 0.5, cut by nothing",
            },
        )


def blocking_rows(data: Path) -> Iterator[Row]:
    for pairs in sets(data):
        n = len(pairs.offers)
        seen = Read.of(pairs.offers)
        gold = np.unique(np.sort(pairs.rows[pairs.same], axis=1).astype(np.int64) @ np.array([n, 1]))
        sizes = (pairs.shift, n - pairs.shift) if pairs.shift else (n, n)
        for near in (NEAR, 25, 40):
            found = candidates(seen, near, pairs.theirs)
            kept = np.isin(gold, found.astype(np.int64) @ np.array([n, 1])).mean()
            an_offer = len(found) * (1 if pairs.shift else 2) / max(sizes)
            possible = sizes[0] * sizes[1] if pairs.shift else n * (n - 1) / 2
            quality = {"candidates an offer": an_offer, "reduction": 1 - len(found) / possible, "near": near}
            yield Row(work=f"{pairs.name}: blocking", metric="pair completeness", ours=float(kept), quality=quality)


def group_rows(data: Path, most: int | None = None) -> Iterator[Row]:
    """Offers to products: each list of PriceRunner teaches, the other five are judged. most : offers of a list."""
    frame = pl.read_csv(needs(data, "pricerunner/offers.csv"))
    lists = []
    for (name,), part in sorted(frame.group_by("category_label"), key=lambda each: str(each[0])):
        part = part.head(most or len(part))
        sellers, products = (
            (part[column].rank("dense").cast(pl.Int64) - 1).to_numpy() for column in ("vendor_id", "cluster_id")
        )
        offers = Offers(part["product_title"].fill_null("").to_list(), sellers=sellers)
        lists.append((str(name), evidence(offers), products, pairwise_f1(alone(offers), products)))
    means = []
    for name, learned, products, _ in lists:
        matcher, cut = taught(learned, products)
        others = {
            other: pairwise_f1(grouped(found, matcher.probability(found.table), cut), truth)
            for other, found, truth, _ in lists
            if other != name
        }
        means.append(mean(others.values()))
        yield Row(
            work=f"PriceRunner: learned from {name}", metric="pairwise F1, mean of five", ours=means[-1], quality=others
        )
    yield Row.compared(
        "PriceRunner: all six in turn",
        "pairwise F1, mean",
        mean(means),
        {"without labels": mean(each[3] for each in lists)},
        better="more",
    )


def speed_rows(data: Path) -> Iterator[Row]:
    titles = pl.read_csv(needs(data, "pricerunner/offers.csv"))["product_title"].fill_null("").to_list()
    rng = np.random.default_rng(0)
    theirs = [" ".join(word for word in rng.permutation(each.split()) if rng.random() < 0.85) for each in titles]
    tables = [
        pl.DataFrame({"id": [f"{side}{row}" for row in range(len(each))], "title": each})
        for side, each in (("a", titles), ("b", theirs))
    ]
    start, cpu = time.perf_counter(), time.process_time()
    found = match(*tables)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    right = np.mean([each.ours[1:] == each.theirs[1:] for each in found.matches])
    yield Row(
        work=f"match {len(titles):,} x {len(titles):,} titles, from tables to matches with reasons",
        metric="seconds",
        ours=seconds,
        quality={
            "processor seconds": cpu,
            "peak GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
            "pairs": found.facts["pairs"],
            "matches": len(found),
            "of them right": float(right),
        },
        settings={"theirs": "ours in another order of words, one word in seven left out"},
    )


def run(data: Path) -> Iterator[Row]:
    """Which offers are one product?"""
    yield from blocking_rows(data)
    yield from f1_rows(data)
    yield from speed_rows(data)
    yield from group_rows(data)


if __name__ == "__main__":
    command(run)
