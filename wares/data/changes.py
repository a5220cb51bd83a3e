"""Products that came in after the file: read, folded into what each is now, and laid over the cleaned products."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from wares.data import reading
from wares.data.clean_products import TEXT, TITLE
from wares.data.mapped import read_batches
from wares.data.outputs import Output
from wares.data.read import open_source, refuse
from wares.data.schema import PRODUCTS
from wares.data.stream import Block
from wares.errors import DataError

# -- reading ---------------------------------------------------------------------------------------------------------


def read_changes(
    source: Any, columns: Mapping[str, str] | None = None, levels: str | None = None
) -> list[dict[str, Any]]:
    """New and changed products of a file, a table or a list of dicts, each as what it says; what is empty says nothing.

    columns : our name -> the source's, as far as the source has that column. levels : the pattern between the levels of
    a category; seen by itself unless given. Only `id` is needed: a change may be of the price alone.

    Raises DataError for a row without an id, an id that stands twice, a number or time that is none and a price that is
    not above zero. A build sets such things aside and goes on; here somebody waits who can mend them.
    """
    if isinstance(source, Mapping):
        source = [source]
    table = open_source(_frame(source) if isinstance(source, list) else source)
    there = set(table.columns)
    given = {ours: theirs for ours, theirs in (columns or {}).items() if theirs in there and ours not in there}
    how = reading.of_changes(table, given)
    how.separator = levels
    for block in table.blocks():
        refuse(table, block.bad)
        how.look(block.frame)
        how.look_at_others(block.frame)
    found: list[dict[str, Any]] = []
    for block in table.blocks():
        frame = how.read(block)
        _check(how, block, frame)
        types = {name: how.extras.get(theirs, pl.String()) for theirs, name in how.others.items()}
        others = [each for each in how.read_others(block.frame, types) if each.dtype != pl.Null()]
        found += [_said(row) for row in frame.hstack(others).to_dicts()]
    twice = [id for id, count in Counter(row["id"] for row in found).items() if count > 1]
    if twice:
        raise DataError(f"{table.name}: id {twice[0]!r} stands more than once; say each product once")
    if not found:
        raise DataError(f"{table.name} has no product in it")
    return found


def _frame(rows: Sequence[Any]) -> pl.DataFrame:
    """A table of JSON objects; a column in which numbers and text meet is text."""
    if not rows:
        raise DataError("there is no product in an empty list")
    wrong = next((row for row in rows if not isinstance(row, Mapping)), None)
    if wrong is not None:
        raise DataError(f'{wrong!r} is no product; a product is like {{"id": "P1", "title": "green tea"}}')
    names = dict.fromkeys(name for row in rows for name in row)
    if len(names) < 2:
        raise DataError(f"a product needs its id and what there is to say of it; said was only {', '.join(names)!r}")
    return pl.DataFrame([_column(str(name), [row.get(name) for row in rows]) for name in names])


def _column(name: str, values: list[Any]) -> pl.Series:
    try:
        return pl.Series(name, values, strict=True)
    except (TypeError, pl.exceptions.PolarsError):
        return pl.Series(name, [None if each is None else plain(each) for each in values], dtype=pl.String)


def plain(value: Any) -> str:
    """A value as text, a truth as JSON writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check(how: reading.Reading, block: Block, frame: pl.DataFrame) -> None:
    def refused(mask: pl.Series, reason: str, values: pl.Series | None = None) -> None:
        if mask.any():
            row = int(mask.arg_true()[0])
            shown = "" if values is None else f" {str(values[row])[:80]!r}"
            raise DataError(
                f"{how.table.name}, row {int(block.lines[row])}: {reason.format(shown)}; nothing was taken in"
            )

    refused(frame["id"].is_null(), "no id")
    for ours, theirs in how.mapped.items():
        dtype = PRODUCTS.get(ours)
        if dtype == pl.Float64() or isinstance(dtype, pl.Datetime):
            raw = reading.words(block.frame[theirs[0]])
            kind = "time" if isinstance(dtype, pl.Datetime) else "number"
            refused(raw.is_not_null() & frame[ours].is_null(), f"{ours}{{}} is not a {kind}", raw)
    if "price" in frame.columns:
        refused((frame["price"] <= 0).fill_null(False), "price{} is not above zero", frame["price"])


def _said(row: Mapping[str, Any]) -> dict[str, Any]:
    said = {name: value for name, value in row.items() if value is not None and value == value}  # NaN says nothing
    for name, value in said.items():
        if isinstance(value, str) and name not in ("id", "group"):
            said[name] = value[: TITLE if name == "title" else TEXT]
    return said


# -- folding ---------------------------------------------------------------------------------------------------------


@dataclass
class Change:
    """What is known of a product beside the file.

    fields : what its changes said, the last word counting. anew : whether it was deleted, so that what the file says
    counts no more. gone : whether that is the last that was said.
    """

    fields: dict[str, Any] = field(default_factory=dict)
    anew: bool = False
    gone: bool = False

    def take(self, fields: Mapping[str, Any] | None) -> None:
        """One more change; None is a deletion."""
        if fields is None:
            self.fields, self.anew, self.gone = {}, True, True
        else:
            self.fields |= {name: value for name, value in fields.items() if value is not None}
            self.gone = False


def folded(entries: Iterable[tuple[str, Mapping[str, Any] | None]]) -> dict[str, Change]:
    """What each product is in the end, by id, in the order in which they first came."""
    found: dict[str, Change] = {}
    for id, fields in entries:
        found.setdefault(id, Change()).take(fields)
    return found


def table(rows: Sequence[Mapping[str, Any]], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Fields as a table of just these columns and types; a value that a type cannot hold is null."""
    return pl.DataFrame([typed(name, [row.get(name) for row in rows], dtype) for name, dtype in schema.items()])


def typed(name: str, values: Sequence[Any], dtype: pl.DataType) -> pl.Series:
    """Values in one type; null where it cannot hold them."""
    if dtype == pl.String():
        return pl.Series(name, [None if each is None else plain(each) for each in values], dtype=pl.String)
    return _column(name, list(values)).cast(dtype, strict=False)


# -- applying --------------------------------------------------------------------------------------------------------


def apply_changes(source: Path, target: Path, changes: Mapping[str, Change]) -> dict[str, Any]:
    """Write the products of one Arrow file with their changes into another; returns what was done, in numbers.

    A changed product keeps its row and replaces what it says; a deleted one is gone; new ones stand at the end, in the
    order in which they came. "passed_over" are changes of products that neither the file nor a title makes known. Read
    and written batch by batch; the changes themselves are held.
    """
    schema = dict(pl.scan_ipc(source).collect_schema())
    types = {**schema, **_new_columns(changes, schema)}
    done: Counter[str] = Counter(dict.fromkeys(("changed", "added", "deleted", "passed_over"), 0))
    edits = {id: change for id, change in changes.items() if not change.anew}
    told = table([{**each.fields, "id": id} for id, each in edits.items()], types)
    dropped = pl.Series([id for id, each in changes.items() if each.anew], dtype=pl.String)
    met: set[str] = set()
    with Output(target) as out:
        out.write(pl.DataFrame(schema=types))
        for batch in read_batches(source):
            known = batch["id"].filter(batch["id"].is_in([*changes])).to_list() if changes else []
            met.update(known)
            if known:
                batch = batch.filter(~batch["id"].is_in(dropped.implode()))
            out.write(_changed(batch, told.filter(told["id"].is_in(known)), types))
        new = [(id, each) for id, each in changes.items() if not each.gone and (each.anew or id not in met)]
        ready = [{**each.fields, "id": id} for id, each in new if each.fields.get("title")]
        if ready:
            out.write(table(ready, types))
    done["added"] = sum(row["id"] not in met for row in ready)
    done["deleted"] = sum(each.gone and id in met for id, each in changes.items())
    done["changed"] = sum(not each.gone and id in met for id, each in changes.items())
    done["passed_over"] = len(changes) - done["added"] - done["deleted"] - done["changed"]
    return {**done, "columns": [name for name in types if name not in schema]}


def _changed(batch: pl.DataFrame, told: pl.DataFrame, types: Mapping[str, pl.DataType]) -> pl.DataFrame:
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in types.items() if name not in batch.columns]
    batch = batch.with_columns(missing).select(*types)
    if not len(told):
        return batch
    both = batch.join(told, on="id", how="left", suffix=" told", maintain_order="left")
    return both.select("id" if name == "id" else pl.coalesce(f"{name} told", name).alias(name) for name in types)


def _new_columns(changes: Mapping[str, Change], schema: Mapping[str, pl.DataType]) -> dict[str, pl.DataType]:
    """The types of the columns that only changes have."""
    values: dict[str, list[Any]] = {}
    for each in changes.values():
        for name, value in each.fields.items():
            if name not in schema:
                values.setdefault(name, []).append(value)
    found = {name: PRODUCTS.get(name, _column(name, said).dtype) for name, said in values.items()}
    return {name: dtype for name, dtype in found.items() if dtype != pl.Null()}
