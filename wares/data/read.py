"""Products and events out of any table that is clean already; `wares.data.clean` reads the others."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import polars as pl

from wares.data import kinds as kind_names
from wares.data import reading, schema
from wares.data.stream import Bad, Table, open_table
from wares.errors import DataError


def read_products(
    source: Any,
    columns: Mapping[str, str] | None = None,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    sheet: str | int = 0,
    day_first: bool | None = None,
) -> pl.LazyFrame:
    """Every product of a file or frame, in its order, in the columns of `wares.data.schema.PRODUCTS` and its others.

    source : a path (CSV, TSV, JSON, JSON lines, Parquet, Arrow, xlsx; text also .gz) or a polars, pandas or Arrow
    table. columns : our name -> the source's, where it is not recognised; "#2" is the second column, "#row" the line.
    header : whether the first line names the columns; by default it does unless `columns` gives numbers only.
    day_first : whether 1/2/2024 is in February; by default the file tells.

    Raises DataError: a row cannot be split into its columns, a column is missing, nothing is there.
    """
    table = open_source(source, columns, encoding, delimiter, header, sheet)
    how = reading.of_products(table, columns, day_first)
    for block in table.blocks():
        refuse(table, block.bad)
        how.look(block.frame)
        how.look_at_others(block.frame)
    types = {how.others[theirs]: dtype for theirs, dtype in how.extras.items() if dtype != pl.Null()}
    frames = []
    for block in table.blocks():
        others = [s for s in how.read_others(block.frame, _filled(how, types)) if s.name in types]
        frames.append(how.read(block).hstack(others))
    frame = _together(frames, table)
    return _ordered(frame, schema.PRODUCTS).lazy()


def read_events(
    source: Any,
    columns: Mapping[str, str] | None = None,
    *,
    kinds: Mapping[str, str] | None = None,
    weights: Mapping[str, float] = schema.WEIGHTS,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    sheet: str | int = 0,
    day_first: bool | None = None,
) -> pl.LazyFrame:
    """Every event of a file or frame, in its order, in the columns of `wares.data.schema.EVENTS`. See `read_products`.

    kinds : a name that is not known -> the kind it is, such as {"pageload": "view"}. Without a column of kinds every
    event is a purchase. A purchase of a negative quantity is a return. Raises DataError, SettingError.
    """
    table = open_source(source, columns, encoding, delimiter, header, sheet)
    how = reading.of_events(table, columns, day_first)
    for block in table.blocks():
        refuse(table, block.bad)
        how.look(block.frame)
    named = kinds_of(how.kinds, kinds, weights)
    frames = [with_kinds(how.read(block), named) for block in table.blocks()]
    return _ordered(_together(frames, table), schema.EVENTS).lazy()


def product_columns(source: Any, columns: Mapping[str, str] | None = None, **options: Any) -> dict[str, str]:
    """Our name -> the source's column, as `read_products` would take them, by the head of a file. Raises DataError."""
    return _said(reading.of_products(open_source(source, columns, **options), columns))


def event_columns(source: Any, columns: Mapping[str, str] | None = None, **options: Any) -> dict[str, str]:
    """Our name -> the source's column, as `read_events` would take them, by the head of a file. Raises DataError."""
    return _said(reading.of_events(open_source(source, columns, **options), columns))


def _said(how: reading.Reading) -> dict[str, str]:
    return {ours: schema.SEPARATOR.join(theirs) for ours, theirs in how.mapped.items()}


def open_source(
    source: Any,
    columns: Mapping[str, str] | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    sheet: str | int = 0,
) -> Table:
    """The table behind a source. Without a word about the header, columns given by number only mean there is none."""
    if header is None:
        given = [theirs for theirs in (columns or {}).values() if theirs != "#row"]
        header = not given or not all(theirs[:1] == "#" and theirs[1:].isdigit() for theirs in given)
    return open_table(source, encoding=encoding, delimiter=delimiter, header=header, sheet=sheet)


def kinds_of(counts: Counter[str], given: Mapping[str, str] | None, weights: Mapping[str, float]) -> dict[str, str]:
    """The kind behind each name that occurs. Raises DataError for unknown ones."""
    return kind_names.of(counts, given, weights)


def with_kinds(frame: pl.DataFrame, named: Mapping[str, str]) -> pl.DataFrame:
    """Events with kinds of ours; a purchase of a negative quantity becomes a return of the positive one."""
    if "kind" in frame.columns:
        kind = pl.col("kind").replace_strict(named, default=None, return_dtype=pl.String)
    else:
        kind = pl.lit("purchase")
    frame = frame.with_columns(kind.alias("kind"))
    if "value" not in frame.columns:
        return frame
    returned = (pl.col("kind") == "purchase") & (pl.col("value") < 0)
    value = pl.when(pl.col("kind").is_in(["purchase", "return"])).then(pl.col("value").abs()).otherwise(pl.col("value"))
    return frame.with_columns(kind=pl.when(returned).then(pl.lit("return")).otherwise(pl.col("kind")), value=value)


def refuse(table: Table, bad: list[Bad]) -> None:
    """Raises DataError for rows that could not be split into columns."""
    if bad:
        one = bad[0]
        raise DataError(
            f"{table.name}, line {one.line}: {one.reason}: {one.raw[:200]}; a build sets such rows aside and goes on"
        )


def _filled(how: reading.Reading, types: Mapping[str, pl.DataType]) -> dict[str, pl.DataType]:
    return {name: types.get(name, pl.String()) for name in how.others.values()}


def _together(frames: list[pl.DataFrame], table: Table) -> pl.DataFrame:
    frames = [frame for frame in frames if len(frame)]
    if not frames:
        raise DataError(f"{table.name} has a header ({', '.join(table.columns[:10])}) and no row below it")
    return pl.concat(frames, how="vertical_relaxed")


def _ordered(frame: pl.DataFrame, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    ours = [name for name in schema if name in frame.columns]
    others = [name for name in frame.columns if name not in schema]
    return frame.select(*(pl.col(name).cast(schema[name]) for name in ours), *others)
