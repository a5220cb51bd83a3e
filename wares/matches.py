"""The same product across shops, from files to files: `wares.match` and `wares.dedupe`."""

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.algorithm import Matcher
from wares.arrays import Labels
from wares.data.catalog import Catalog
from wares.data.columns import bare
from wares.data.hits import Reason
from wares.data.ids import Ids
from wares.data.imagehashes import hashes
from wares.data.read import open_source, read_products
from wares.errors import DataError, SettingError
from wares.judged import read_judged
from wares.opened import Opened
from wares.registry import find, make
from wares.store.files import write_text
from wares.tasks import weighing
from wares.tasks.matching import COLUMNS, NEAR, NEAR_WITHIN, Known, Later, Matching, compare, joins, later
from wares.tasks.offers import Offers, Read
from wares.tasks.priors import prior

ENOUGH = 150
"""Judged pairs, 30 of one product among them, from which on trees are learned; a weighted sum from fewer."""

_CLEAN = 0.02  # share of a catalog's judged offers that have two partners, up to which each has one at most


@dataclass(frozen=True)
class Match:
    """Two offers that are one product.

    reasons : what speaks for and against, the weightiest first; shares of all weight, summing to 1. waterfall : (rule,
    log2) from what every pair begins with; they sum to the odds, before those are set right to the probability.
    """

    ours: str
    theirs: str
    our_title: str
    their_title: str
    probability: float
    reasons: Sequence[Reason] = ()
    waterfall: Sequence[tuple[str, float]] = ()

    def json(self) -> dict[str, Any]:
        """Plain values, ready for any JSON writer."""
        reasons = [{"text": each.text, "share": round(each.share, 4)} for each in self.reasons]
        steps = [{"rule": rule, "log2": round(weight, 3)} for rule, weight in self.waterfall]
        return {**vars(self), "reasons": reasons, "waterfall": steps}


@dataclass(frozen=True, eq=False)
class Matches:
    """What `match` found, likeliest first. facts : what was looked at, learned and left out, and the seconds taken."""

    matches: Sequence[Match]
    facts: Mapping[str, Any]
    found: Matching
    _ours: Ids
    _theirs: Ids

    def __len__(self) -> int:
        return len(self.matches)

    def json(self) -> dict[str, Any]:
        """Plain values, ready for any JSON writer."""
        return {"matches": [each.json() for each in self.matches], **self.facts}

    def frame(self) -> pl.DataFrame:
        """A table: ours, theirs, probability, our_title, their_title, reasons."""
        return pl.DataFrame(
            [
                (
                    each.ours,
                    each.theirs,
                    round(each.probability, 4),
                    each.our_title,
                    each.their_title,
                    said(each.reasons),
                )
                for each in self.matches
            ],
            schema={
                "ours": pl.String,
                "theirs": pl.String,
                "probability": pl.Float64,
                "our_title": pl.String,
                "their_title": pl.String,
                "reasons": pl.String,
            },
            orient="row",
        )

    def write(self, path: Path | str) -> None:
        """Write them into a .csv, .jsonl or .json file at one stroke. Raises SettingError for another kind."""
        written(self.frame(), Path(path), [each.json() for each in self.matches])

    def find(self, offer: Mapping[str, Any], k: int = 5) -> list[Match]:
        """The k likeliest of the other catalog for an offer of ours that came later; nothing is compared anew."""
        return answered(self.found, offer, k, self._theirs, len(self._ours), self.found.theirs)


@dataclass(frozen=True, eq=False)
class Groups:
    """What `dedupe` found. labels : (n,) the product of each offer, from zero by first offer. See `Matches`."""

    labels: Labels
    facts: Mapping[str, Any]
    found: Matching
    ids: Ids

    def frame(self) -> pl.DataFrame:
        """A table, one row an offer in the order of the file: id, group (the id of its first offer), offers (how many
        the group has), probability (of the likeliest pair that it is in, 1 where it is alone), title, reasons."""
        first = np.unique(self.labels, return_index=True)[1]
        best = _best_pairs(self.found, self.labels)
        weights = weighing.weights_of(self.found.matcher, self.found.likeness[best[best >= 0]])
        reasons = iter(weights)
        why = [
            said(weighing.reasons(self.found.read.offers, self.found.pairs[pair], next(reasons))) if pair >= 0 else ""
            for pair in best.tolist()
        ]
        probability = np.where(best >= 0, self.found.probability[np.maximum(best, 0)] if len(best) else 1.0, 1.0)
        return pl.DataFrame(
            {
                "id": self.ids.series,
                "group": self.ids.names(first[self.labels]),
                "offers": np.bincount(self.labels)[self.labels],
                "probability": probability.round(4),
                "title": list(self.found.read.offers.titles),
                "reasons": why,
            },
            schema_overrides={"id": pl.String, "group": pl.String},
        )

    def json(self) -> dict[str, Any]:
        """Plain values, ready for any JSON writer: the groups of two offers and more, the largest first."""
        sizes = np.bincount(self.labels)
        names = self.ids.names()
        order = np.argsort(self.labels, kind="stable")
        members = np.split(order, np.cumsum(sizes)[:-1])
        shown = [
            [names[row] for row in members[label].tolist()]
            for label in np.argsort(-sizes, kind="stable")
            if sizes[label] > 1
        ]
        return {"groups": shown, **self.facts}

    def write(self, path: Path | str) -> None:
        """Write every offer with its group into a .csv, .jsonl or .json file at one stroke."""
        frame = self.frame()
        written(frame, Path(path), frame.to_dicts())

    def find(self, offer: Mapping[str, Any], seller: int = -1) -> str | None:
        """The group (the id of its first offer) that an offer which came later belongs to; None where it is new."""
        label = joins(self.found, self.labels, later(self.found, _one(offer), seller=seller), seller)
        return None if label < 0 else self.ids.name(int(np.flatnonzero(self.labels == label)[0]))


def match(
    ours: Any,
    theirs: Any,
    labels: Any = None,
    *,
    columns: Mapping[str, str] | None = None,
    their_columns: Mapping[str, str] | None = None,
    matcher: str | Matcher | None = None,
    threshold: float | None = None,
    once: bool | None = None,
    near: int = NEAR,
) -> Matches:
    """The offers of two catalogs that are one product, with probability and reasons.

    ours, theirs : a path or a table, with an id and a title, and any of brand, model, barcode, price, category,
    description and image. labels : judged pairs, columns ours, theirs and same. columns, their_columns : our names to
    those of the file. matcher : its name or itself; by default what is known of other shops' pairs, with judged pairs
    `linear` or, from 150 on, `boosted`. threshold : the least probability; by default 0.5, with judged pairs where F1
    is best. once : whether an offer has one partner at most; by default as the judged pairs are, else True.

    Raises DataError, SettingError, UnknownName.
    """
    started = time.perf_counter()
    one, other = _catalog(ours, columns, "ours"), _catalog(theirs, their_columns, "theirs")
    offers = _offers(one).followed_by(_offers(other))
    beyond = np.arange(len(offers)) >= len(one)
    known = None if labels is None else read_judged(labels, one.ids, other.ids, len(one))
    known = _with_others(known, len(one))
    chosen, learn = _matcher(matcher, known)
    found = compare(offers, chosen, theirs=beyond, known=known, near=near, learn=learn)
    found.cut = _threshold(threshold, found.cut)
    once = _once(known) if once is None else once
    taken = found.assigned(once=once)
    weights = weighing.weights_of(found.matcher, found.likeness[taken])
    base = float(getattr(found.matcher, "base_", 0.0))
    matches = [
        Match(
            one.ids.name(int(a)),
            other.ids.name(int(b) - len(one)),
            offers.titles[a],
            offers.titles[b],
            float(found.probability[pair]),
            weighing.reasons(offers, found.pairs[pair], weight),
            weighing.waterfall(weight, base),
        )
        for pair, weight, (a, b) in zip(taken.tolist(), weights, found.pairs[taken].tolist(), strict=True)
    ]
    facts = _facts(found, len(one) * len(other), known, started)
    return Matches(
        matches, {"ours": len(one), "theirs": len(other), **facts, "one_to_one": once}, found, one.ids, other.ids
    )


def dedupe(
    catalog: Any,
    labels: Any = None,
    *,
    columns: Mapping[str, str] | None = None,
    matcher: str | Matcher | None = None,
    threshold: float | None = None,
    seller: str | None = "seller",
    near: int = NEAR_WITHIN,
) -> Groups:
    """The offers of one catalog that are one product, as groups.

    seller : the column that says whose an offer is: no two offers of one seller come into one group; where there is no
    such column, or with None, any may. threshold : the least mean probability within a group. See `match`.
    """
    started = time.perf_counter()
    one = _catalog(catalog, columns, "catalog")
    if seller is not None and not one.has(seller):
        if seller != "seller":
            raise SettingError(f"there is no column {seller!r} to tell sellers by; there are {', '.join(one.columns)}")
        seller = None
    offers = _offers(one, seller)
    known = None if labels is None else read_judged(labels, one.ids, one.ids, 0)
    chosen, learn = _matcher(matcher, known)
    found = compare(offers, chosen, known=known, near=near, learn=learn)
    found.cut = _threshold(threshold, found.cut)
    grouped = found.groups()
    facts = _facts(found, len(one) * (len(one) - 1) // 2, known, started)
    return Groups(grouped, {"offers": len(one), "products": int(grouped.max()) + 1, **facts}, found, one.ids)


def standing(catalog: Catalog) -> Matching:
    """A catalog ready to be asked for single offers of another shop, by what is known of other shops' pairs."""
    read = Read.of(_offers(catalog))
    empty = np.zeros((0, 2), np.int32)
    table = np.zeros((0, len(COLUMNS)), np.float32)
    return Matching(read, empty, table, prior(), np.zeros(0, np.float32), 0.5, None, np.zeros(len(read), np.bool_))


_STANDING: WeakKeyDictionary[Opened, Matching] = WeakKeyDictionary()
_STANDING_UP = threading.Lock()


def against(now: Opened, offer: Mapping[str, Any], k: int) -> list[Match]:
    """The k likeliest products of a build for one offer of another shop. Its products are read when first asked."""
    with _STANDING_UP:
        found = _STANDING.get(now)
        if found is None:
            found = _STANDING[now] = standing(now.shelf.products)
    return answered(found, offer, k, now.shelf.ids, 0, None)


def answered(
    found: Matching, offer: Mapping[str, Any], k: int, ids: Ids, shift: int, allowed: NDArray[np.bool_] | None
) -> list[Match]:
    """The k likeliest partners of one offer, with reasons; rows count from `shift` in `ids`."""
    come: Later = later(found, _one(offer), allowed=allowed)
    weights = weighing.weights_of(found.matcher, come.likeness[:k])
    base = float(getattr(found.matcher, "base_", 0.0))
    return [
        Match(
            str(offer.get("id", "")),
            ids.name(int(row) - shift),
            come.read.offers.titles[0],
            come.read.offers.titles[int(pair[1])],
            float(probability),
            weighing.reasons(come.read.offers, pair, weight),
            weighing.waterfall(weight, base),
        )
        for row, pair, probability, weight in zip(
            come.rows[:k], come.pairs[:k], come.probability[:k], weights, strict=True
        )
    ]


def said(reasons: Sequence[Reason]) -> str:
    """Reasons as one text: "the same model number (kd43xe) 61 %; prices near each other 20 %"."""
    return "; ".join(f"{each.text} {each.share:.0%}" for each in reasons if each.text != "other")


def written(frame: pl.DataFrame, path: Path, objects: Sequence[Mapping[str, Any]]) -> None:
    """Write a table at one stroke, by the ending of its name. Raises SettingError."""
    if path.suffix == ".csv":
        write_text(path, frame.write_csv())
    elif path.suffix == ".jsonl":
        write_text(path, "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in objects))
    elif path.suffix == ".json":
        write_text(path, json.dumps(list(objects), ensure_ascii=False, indent=1) + "\n")
    else:
        raise SettingError(f"cannot write {path.name!r}: name it .csv, .jsonl or .json")


# -- how ---------------------------------------------------------------------------------------------------------------


def _catalog(source: Any, columns: Mapping[str, str] | None, which: str) -> Catalog:
    if isinstance(source, Catalog):
        return source
    if isinstance(source, (str, Path)) and not Path(source).exists():
        raise DataError(f"there is no file {source}")
    frame = read_products(source, columns).collect()
    name = Path(source).name if isinstance(source, (str, Path)) else which
    missing = frame["id"].is_null().arg_true()
    if len(missing):
        raise DataError(f"{name}: row {int(missing[0]) + 1} has no id ({len(missing):,} such rows)")
    twice = frame["id"].is_duplicated().arg_true()
    if len(twice):
        first = frame["id"][int(twice[0])]
        rows = [int(row) + 1 for row in (frame["id"] == first).arg_true()[:2]]
        raise DataError(
            f"{name}: the id {first!r} stands in rows {rows[0]} and {rows[1]} ({len(twice):,} rows share an id); ids "
            "have to be their own, or take the line numbers: --map id=#row"
        )
    return Catalog(frame)


def _offers(catalog: Catalog, seller: str | None = None) -> Offers:
    offers = Offers.of(catalog, seller=seller)
    if not catalog.has("image"):
        return offers
    paths = [Path(each) if each and Path(each).is_file() else None for each in catalog.frame(["image"])["image"]]
    there = [row for row, path in enumerate(paths) if path is not None]
    if there:
        bits = np.zeros(len(offers), np.uint64)
        bits[there] = hashes([path for path in paths if path is not None])
        return Offers(**{**vars(offers), "images": bits})
    return offers


def _one(offer: Mapping[str, Any]) -> Offers:
    """One offer as a table of one row. Raises DataError where it has no title."""
    title = offer.get("title")
    if not isinstance(title, str) or not title.strip():
        raise DataError(
            f'an offer needs a title, such as {{"title": "Sony KD-43XE", "price": 499}}; got {dict(offer)!r}'
        )
    row = {str(name): value for name, value in offer.items() if value is not None and name != "id"}
    if isinstance(row.get("price"), str):
        row["price"] = row["price"].strip()
    return Offers.of(Catalog.of([{"id": str(offer.get("id") or "offer"), **row}]))


def _with_others(known: Known | None, n: int) -> Known | None:
    """Where only pairs of one product are given: the others of their offers are two products."""
    if known is None or not known.same.all():
        return known
    rng = np.random.default_rng(0)
    ours, theirs = known.rows.T
    there = {(int(a), int(b)) for a, b in known.rows}
    others = [(int(a), int(b)) for a in ours for b in rng.choice(theirs, min(4, len(theirs)), replace=False)]
    fresh = [pair for pair in dict.fromkeys(others) if pair not in there]
    if not fresh:
        raise DataError("every judged pair is of one product; to learn, some of two products are needed too")
    rows = np.concatenate([known.rows, np.array(fresh, np.int32)])
    return Known(rows, np.arange(len(rows)) < len(known.rows))


def _matcher(given: str | Matcher | None, known: Known | None) -> tuple[Matcher, bool]:
    """The matcher, and whether it has to learn."""
    if isinstance(given, Matcher):
        return given, True
    if given is not None:
        find(Matcher, given)
        return make(Matcher, given), True
    if known is None:
        return prior(), False
    enough = len(known.same) >= ENOUGH and int(known.same.sum()) >= 30
    return make(Matcher, "boosted" if enough else "linear"), True


def _threshold(given: float | None, found: float) -> float:
    if given is None:
        return found
    if not 0 < given < 1:
        raise SettingError(f"threshold={given}: a probability, above 0 and below 1")
    return given


def _once(known: Known | None) -> bool:
    """Whether each offer has one partner at most: as far as judged pairs show; without them, a catalog is clean."""
    if known is None or not known.same.any():
        return True
    shares = [1 - len(np.unique(side)) / len(side) for side in known.rows[known.same].T]
    return max(shares) <= _CLEAN


def _facts(found: Matching, possible: int, known: Known | None, started: float) -> dict[str, Any]:
    bare_titles = sum(not title.strip() for title in found.read.offers.titles)
    return {
        "pairs": len(found.pairs),
        "pairs_an_offer": round(len(found.pairs) / max(len(found), 1), 1),
        "reduction": round(1 - len(found.pairs) / max(possible, 1), 6),
        "pair_completeness": found.complete,
        "judged": 0 if known is None else len(known.same),
        "matcher": type(found.matcher).__name__ if known is not None else "prior",
        "threshold": round(found.cut, 4),
        "without_title": bare_titles,
        "seconds": round(time.perf_counter() - started, 2),
    }


def _best_pairs(found: Matching, labels: Labels) -> NDArray[np.int64]:
    """(n,) of each offer the likeliest pair within its group, -1 where it is alone or none was looked at."""
    best = np.full(len(labels), -1, np.int64)
    inside = np.flatnonzero(labels[found.pairs[:, 0]] == labels[found.pairs[:, 1]])
    for pair in inside[np.argsort(found.probability[inside], kind="stable")].tolist():
        best[found.pairs[pair]] = pair
    return best


def mapped(given: Mapping[str, str], ours: Any, theirs: Any) -> tuple[dict[str, str], dict[str, str]]:
    """What --map says for either file: "theirs.title=Name" for one, "title=Name" for those with such a column."""
    sides: tuple[dict[str, str], dict[str, str]] = ({}, {})
    there = [{bare(name) for name in open_source(source).columns} for source in (ours, theirs)]
    for name, column in given.items():
        side, dot, rest = name.partition(".")
        if dot and side in ("ours", "theirs"):
            sides[side == "theirs"][rest] = column
            continue
        has = [bare(column) in columns or column.startswith("#") for columns in there]
        for number in (0, 1):
            if has[number] or not any(has):
                sides[number][name] = column
    return sides
