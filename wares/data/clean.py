"""From source files to clean rows in bounded memory: what is kept, what is set aside, and why.

Each source is read twice. The first time tells what only the whole file can: which day-and-month order, which decimal
sign, which types, which rows repeat earlier ones. The second time writes. No row vanishes: rows = kept + rejected.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from wares.data import clean_products as products_of
from wares.data import reading
from wares.data.clean_events import EventRules, hash_rows, schema
from wares.data.ids import Ids
from wares.data.outputs import Output, Quarantine, Report, batches, workspace
from wares.data.passes import Marked, Passes, Places, Progress, notes, nothing_left, opened, scratches
from wares.data.read import kinds_of
from wares.data.reading import Reading
from wares.data.repeats import repeats
from wares.data.rules import Bots, Prices
from wares.data.schema import WEIGHTS
from wares.errors import DataError

_MATCHED = 0.9  # share of events that must find their product


def clean_products(
    sources: Any,
    folder: Path | str,
    *,
    columns: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    merge_duplicates: bool = False,
    outliers: float = 6.0,
    test_rows: bool = True,
    **options: Any,
) -> Report:
    """Write `folder/products.arrow`, in file order with unique ids, and `folder/quarantine_products.parquet`.

    sources : one or several paths or tables. columns : our name -> theirs. progress : told the share done.
    merge_duplicates : products alike in all but their id get the first one's id as `group`. outliers : robust standard
    deviations from the category's median logarithm from which a price is set aside; 0 keeps all. test_rows : set aside
    rows whose id or title says test. options : encoding, delimiter, header, sheet, day_first, see `read_products`.

    Raises DataError where a source cannot be read or nothing is left.
    """
    began, folder = time.perf_counter(), Path(folder)
    hows = [reading.of_products(*table) for table in opened(sources, columns, options)]
    if len(hows) > 1:
        for how in hows:
            how.prefix = f"{how.table.name}:"
    passes = Passes(hows, progress, (0.35, 0.5, 0.15))
    with ExitStack() as stack:
        paths = stack.enter_context(workspace(folder, "products.arrow", "quarantine_products.parquet"))
        scratch = scratches(stack, folder)
        aside = stack.enter_context(Quarantine(paths["quarantine_products.parquet"]))
        rows, ids = 0, scratch("ids", np.uint64)
        for how, block in passes.blocks():
            rows += len(block.frame) + len(block.bad)
            how.look(block.frame)
            how.look_at_others(block.frame)
            ids.append(products_of.hashes(how, block, test_rows))
        again = repeats(ids)[0]
        said = products_of.leave_out(hows, len(again), rows)
        marked, types, prices = Marked(again), products_of.schema(hows), Prices(outliers)
        likes, places = scratch("likes", np.uint64), Places(scratch("lines", np.int64))
        part = stack.enter_context(Output(folder / ".products.rows", temporary=True))
        for how, block in passes.blocks():
            frame, lines = products_of.clean_block(how, block, types, marked, aside, test_rows)
            part.write(frame)
            places.add(how.table.name, lines)
            likes.append(products_of.hash_likes(frame))
            prices.add(frame)
        part.close()
        if not part.rows:
            raise nothing_left("products", hows, rows, aside)
        groups, bounds = products_of.Groups(*repeats(likes)), prices.bounds()
        out = stack.enter_context(Output(paths["products.arrow"]))
        for start, frame in passes.parts(batches(part.path), part.rows):
            frame = products_of.without_outliers(frame, start, bounds, places, aside)
            out.write(groups.marked(frame, start, merge_duplicates))
        out.close()
        aside.close()
    passes.finish()
    return _report(
        "products", rows, out.rows, aside, hows, began, duplicates=groups.report(merge_duplicates), notes=said
    )


def clean_events(
    sources: Any,
    folder: Path | str,
    *,
    products: Ids,
    columns: Mapping[str, str] | None = None,
    kinds: Mapping[str, str] | None = None,
    weights: Mapping[str, float] = WEIGHTS,
    allow_unmatched: bool = False,
    progress: Progress | None = None,
    bots: bool = True,
    duplicates: bool = False,
    test_rows: bool = True,
    guests: bool = False,
    latest: datetime | None = None,
    **options: Any,
) -> Report:
    """Write `folder/events.arrow`, in file order, and `folder/quarantine_events.parquet`.

    products : the ids events must name. kinds : an unknown name of a kind -> a kind of `weights`, or "ignore".
    allow_unmatched : go on where fewer than 90 % of events find their product. bots : set aside shoppers faster than
    people. duplicates : keep rows that are the same in every column. guests : an event without a shopper belongs to one
    named after its basket or session. latest : the last possible moment (else tomorrow). Others as `clean_products`.

    Raises DataError where a source cannot be read, a kind is unknown, too few products are found or nothing is left.
    """
    began, folder = time.perf_counter(), Path(folder)
    hows = [reading.of_events(*table) for table in opened(sources, columns, options)]
    passes = Passes(hows, progress, (0.3, 0.6, 0.1))
    with ExitStack() as stack:
        paths = stack.enter_context(workspace(folder, "events.arrow", "quarantine_events.parquet"))
        scratch = scratches(stack, folder)
        aside = stack.enter_context(Quarantine(paths["quarantine_events.parquet"]))
        rows, seen = 0, scratch("rows", np.uint64)
        for how, block in passes.blocks(_kinds_only if duplicates else None):
            rows += len(block.frame) + len(block.bad)
            how.look(block.frame)
            if not duplicates:
                seen.append(hash_rows(block.frame))
        named = kinds_of(sum((how.kinds for how in hows), Counter()), kinds, weights)
        if not rows:  # no pass would write a thing
            raise nothing_left("events", hows, rows, aside)
        again, fast = Marked(repeats(seen)[0]), Bots()
        rules = EventRules(products, named, again, latest, test_rows=test_rows, guests=guests)
        places, types = Places(scratch("lines", np.int64)), schema(hows)
        part = stack.enter_context(Output(folder / ".events.rows", temporary=True))
        for how, block in passes.blocks():
            frame, lines = rules.clean(how, block, types, aside)
            part.write(frame)
            places.add(how.table.name, lines)
            if bots:
                fast.add(frame)
        part.close()
        if not allow_unmatched and rules.unmatched.n > (1 - _MATCHED) * rules.asked:
            raise DataError(rules.unmatched.message(products, rules.asked))
        kept = part.rows
        if fast.suspects():
            kept = _without_bots(part, paths["events.arrow"], fast, places, aside, passes)
        else:
            part.path.replace(paths["events.arrow"])
        if not kept:
            raise nothing_left("events", hows, rows, aside)
        aside.changed.update(rules.changed)
        aside.close()
    passes.finish()
    return _report("events", rows, kept, aside, hows, began, unmatched=rules.report())


def _without_bots(part: Output, path: Path, fast: Bots, places: Places, aside: Quarantine, passes: Passes) -> int:
    """Write the events that are no bot's; how many there are."""
    shown = fast.found(pl.concat([fast.suspected(frame) for frame in batches(part.path)]))
    with Output(path) as out:
        for start, frame in passes.parts(batches(part.path), part.rows):
            why = frame["shopper"].hash(0).replace_strict(shown, default=None, return_dtype=pl.String)
            robots = why.is_not_null()
            if robots.any():
                files, lines = places.of(start + robots.arg_true().to_numpy().astype(np.int64))
                aside.rows(files, frame.filter(robots), lines, "bot", _named(frame["shopper"], why, robots))
            out.write(frame.filter(~robots))
        return out.rows


def _named(shoppers: pl.Series, why: pl.Series, robots: pl.Series) -> pl.Series:
    both = pl.DataFrame({"shopper": shoppers, "why": why}).filter(robots)
    return both.select(pl.format("shopper {} {}", "shopper", "why").alias("reason"))["reason"]


def _kinds_only(how: Reading) -> list[str]:
    return reading.needed(how, ("kind", "at", "value"))


def _report(
    of: str, rows: int, kept: int, aside: Quarantine, hows: Sequence[Reading], began: float, **more: Any
) -> Report:
    return Report(
        of=of,
        rows=rows,
        kept=kept,
        rejected=dict(aside.rejected.most_common()),
        changed=dict(aside.changed.most_common()),
        sources=[how.chosen() for how in hows],
        seconds=round(time.perf_counter() - began, 3),
        **{**more, "notes": [*more.get("notes", []), *notes(hows)]},
    )
