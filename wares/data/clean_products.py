"""Products from their sources to a clean file. See `wares.data.clean`."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.data import reading
from wares.data.columns import EVENT, recognise
from wares.data.outputs import Quarantine
from wares.data.passes import Marked, Places, Reason, Rule, apply, header_again, reasons
from wares.data.reading import Reading, words
from wares.data.rules import TEST
from wares.data.schema import PRODUCTS
from wares.data.stream import Block

TITLE, TEXT = 1_000, 100_000
"""Characters of a title and of another text that are kept."""

_MANY = 0.5  # share of repeated ids from which a file is one of events


def hashes(how: Reading, block: Block, test_rows: bool) -> NDArray[np.uint64]:
    """(n,) hash of the id of each row that could be a product, 0 of the others."""
    ids, titles = how.ids(block), _titles(how, block)
    usable = ids.is_not_null() & titles.is_not_null() & ~header_again(how, block)
    if test_rows:
        usable &= ~_tests(ids, titles)
    return np.where(usable.to_numpy(), ids.hash(0).to_numpy() | np.uint64(1), np.uint64(0))


def _titles(how: Reading, block: Block) -> pl.Series:
    titles = words(block.frame[how.mapped["title"][0]])
    if "description" in how.mapped and titles.null_count():
        return titles.zip_with(titles.is_not_null(), words(block.frame[how.mapped["description"][0]]))
    return titles


def _tests(ids: pl.Series, titles: pl.Series) -> pl.Series:
    return ids.str.contains(TEST).fill_null(False) | titles.str.contains(TEST).fill_null(False)


def leave_out(hows: Sequence[Reading], repeated: int, rows: int) -> list[str]:
    """Where most rows repeat an id, the file tells of events: columns about shoppers and times are no attributes."""
    notes: list[str] = []
    if repeated <= rows * _MANY:
        return notes
    for how in hows:
        others = list(how.others)
        mapped = recognise(others, EVENT, None, how.table.name)
        how.left_out |= {theirs for ours, group in mapped.items() for theirs in group if ours != "product"}
        if how.left_out:
            left = ", ".join(name for name in how.table.columns if name in how.left_out)
            notes.append(
                f"{how.table.name}: most rows repeat a product, so these tell of events and were left out: {left}"
            )
    return notes


def schema(hows: Sequence[Reading]) -> dict[str, pl.DataType]:
    """The columns of the result, ours first, the others in the types that hold every source's values."""
    types: dict[str, pl.DataType] = {}
    for how in hows:
        for theirs, name in how.others.items():
            types[name] = reading.wider(types.get(name, pl.Null()), how.extras.get(theirs, pl.Null()))
    ours = {name: dtype for name, dtype in PRODUCTS.items() if any(name in how.mapped for how in hows)}
    return {**ours, **{name: dtype for name, dtype in types.items() if dtype != pl.Null()}}


def clean_block(
    how: Reading,
    block: Block,
    columns: Mapping[str, pl.DataType],
    again: Marked,
    aside: Quarantine,
    test_rows: bool,
) -> tuple[pl.DataFrame, NDArray[np.int64]]:
    """The products of one block that are kept, with all columns, and their lines."""
    aside.unreadable(how.table.name, block.bad)
    frame = how.read(block).with_columns(title=_titles(how, block))
    no = pl.Series(np.zeros(len(frame), np.bool_))
    rules: list[Rule] = [
        ("header_again", header_again(how, block), "the names of the columns once more"),
        ("missing_id", frame["id"].is_null(), "no id"),
        ("missing_title", frame["title"].is_null(), "no title and no description"),
        ("test_row", _tests(frame["id"], frame["title"]) if test_rows else no, "the id or title says it is a test"),
        ("duplicate_id", again.of(len(frame)), ("id {} is that of an earlier row", frame["id"])),
    ]
    good = apply(rules, how, block, aside)
    others = how.read_others(block.frame, {**dict.fromkeys(how.others.values(), pl.String()), **columns})
    frame = frame.hstack([column for column in others if column.name in columns]).filter(good)
    block = Block(block.frame.filter(good), block.lines[good.to_numpy()], block.done)
    frame = _mend(how, block, frame, aside)
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in columns.items() if name not in frame.columns]
    return frame.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in columns.items()), block.lines


def _mend(how: Reading, block: Block, frame: pl.DataFrame, aside: Quarantine) -> pl.DataFrame:
    """Values that cannot be are set aside, each reported; the product stays."""

    def report(rule: str, mask: pl.Series, reason: Reason) -> None:
        if mask.any():
            lines, why = block.lines[mask.to_numpy()], reasons(reason, mask)
            aside.rows(how.table.name, block.frame.filter(mask), lines, rule, why, action="changed")

    if "description" in how.mapped:
        filled = words(block.frame[how.mapped["title"][0]]).is_null()
        report("title_from_description", filled, "no title; the description stands in")
    for ours, theirs in how.mapped.items():
        dtype = PRODUCTS.get(ours)
        if theirs[0] == "#row" or not (dtype == pl.Float64() or isinstance(dtype, pl.Datetime)):
            continue
        raw = words(block.frame[theirs[0]])
        kind = "time" if isinstance(dtype, pl.Datetime) else "number"
        unreadable = raw.is_not_null() & frame[ours].is_null()
        report(f"{ours}_unreadable", unreadable, (f"{ours} {{}} is not a {kind}", raw))
    if "price" in frame.columns:
        low = (frame["price"] <= 0).fill_null(False)
        report("price_not_positive", low, ("price {} is not above zero", frame["price"]))
        frame = frame.with_columns(frame["price"].set(low, None))
    for name in frame.columns:
        if frame[name].dtype == pl.String and name not in ("id", "group"):
            limit = TITLE if name == "title" else TEXT
            long = (frame[name].str.len_bytes() > limit).fill_null(False)
            if long.any() and (long := (frame[name].str.len_chars() > limit).fill_null(False)).any():
                report("long_text", long, f"{name} is cut to {limit:,} characters")
                frame = frame.with_columns(pl.col(name).str.slice(0, limit))
    return frame


def without_outliers(
    frame: pl.DataFrame, start: int, bounds: pl.DataFrame, places: Places, aside: Quarantine
) -> pl.DataFrame:
    """The same products without the prices that are far from their category's."""
    if "price" not in frame.columns or not len(bounds):
        return frame
    category = frame["category"] if "category" in frame.columns else pl.Series("category", [None], dtype=pl.String)
    limits = (
        frame.select(category, "price")
        if len(category) == len(frame)
        else frame.select("price", category=pl.lit(None, pl.String))
    )
    limits = limits.join(bounds, on="category", how="left", nulls_equal=True, maintain_order="left")
    far = ((limits["price"] < limits["low"]) | (limits["price"] > limits["high"])).fill_null(False)
    if not far.any():
        return frame
    found = limits.with_columns(pl.col("low", "high").round_sig_figs(3)).filter(far)
    reason = pl.format(
        "price {} is far from what is usual in {} ({} to {})",
        "price",
        pl.col("category").fill_null("this shop"),
        "low",
        "high",
    )
    files, lines = places.of(start + far.arg_true().to_numpy().astype(np.int64))
    aside.rows(files, frame.filter(far), lines, "price_outlier", found.select(reason.alias("r"))["r"], action="changed")
    return frame.with_columns(frame["price"].set(far, None))


class Groups:
    """Products alike in all but their id, by the rows of the clean file."""

    def __init__(self, rows: NDArray[np.int64], firsts: NDArray[np.int64]) -> None:
        self._rows, self._firsts = rows, firsts
        self._leaders = np.unique(firsts)
        self._names: list[pl.Series] = []
        self._examples: dict[int, list[str]] = {int(first): [] for first in self._leaders[:5]}
        self._titles: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._leaders)

    def marked(self, frame: pl.DataFrame, start: int, merge: bool) -> pl.DataFrame:
        """The rows from `start` on, in order; with `merge`, their group is the id of the first one alike."""
        stop = start + len(frame)
        low, high = np.searchsorted(self._leaders, (start, stop))
        leaders = self._leaders[low:high]
        if merge:
            self._names.append(frame["id"].gather(leaders - start))
        low, high = np.searchsorted(self._rows, (start, stop))
        rows, firsts = self._rows[low:high], self._firsts[low:high]
        self._remember(frame, start, leaders, rows, firsts)
        if not merge:
            return frame
        if len(self._names) > 1:
            self._names = [pl.concat(self._names)]
        place = np.searchsorted(self._leaders, np.concatenate([leaders, firsts]))
        where = np.concatenate([leaders, rows]) - start
        group = pl.Series("group", [None], dtype=pl.String).new_from_index(0, len(frame))
        if len(where):
            group = group.scatter(where, self._names[0].gather(place))
        if "group" in frame.columns:
            group = frame["group"].zip_with(frame["group"].is_not_null(), group)
        return frame.with_columns(group.alias("group"))

    def _remember(self, frame: pl.DataFrame, start: int, leaders: Any, rows: Any, firsts: Any) -> None:
        for leader in leaders[leaders <= max(self._examples, default=-1)].tolist():
            self._examples[leader].append(frame["id"][leader - start])
            self._titles[leader] = frame["title"][leader - start]
        for leader, ids in self._examples.items():
            if ids and len(ids) < 5:
                ids += [frame["id"][int(row) - start] for row in rows[firsts == leader][: 5 - len(ids)]]

    def report(self, merged: bool) -> dict[str, Any]:
        """How many groups, how many products in them, and the first five."""
        examples = [{"title": self._titles.get(first, ""), "ids": ids} for first, ids in self._examples.items()]
        return {"groups": len(self), "products": len(self) + len(self._rows), "merged": merged, "examples": examples}


def hash_likes(frame: pl.DataFrame) -> NDArray[np.uint64]:
    """(n,) hash of everything but the id."""
    return frame.drop("id").hash_rows(0).to_numpy() | np.uint64(1)
