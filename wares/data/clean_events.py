"""Events from their sources to a clean file. See `wares.data.clean`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.data import kinds
from wares.data.ids import Ids
from wares.data.matching import Unmatched
from wares.data.outputs import Quarantine
from wares.data.passes import Marked, Rule, apply, header_again, reasons
from wares.data.read import with_kinds
from wares.data.reading import Reading, names, plain_text, words
from wares.data.rules import TEST
from wares.data.schema import EVENTS
from wares.data.stream import Block

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""Before the first online shop."""


def hash_rows(frame: pl.DataFrame) -> NDArray[np.uint64]:
    """(n,) hash of whole rows as they stand in the source."""
    plain = [c if c.dtype.is_numeric() or c.dtype == pl.String else plain_text(c).alias(c.name) for c in frame]
    return pl.DataFrame(plain).hash_rows(0).to_numpy() | np.uint64(1)


def schema(hows: Sequence[Reading]) -> dict[str, pl.DataType]:
    """The columns of the result."""
    there = {"kind"} | {ours for how in hows for ours in how.mapped}
    return {name: dtype for name, dtype in EVENTS.items() if name in there}


class EventRules:
    """What an event must be to be kept.

    named : names of kinds -> ours. latest : the last moment that is not in the future. again : rows that repeat an
    earlier one.
    """

    def __init__(
        self,
        products: Ids,
        named: Mapping[str, str],
        again: Marked,
        latest: datetime | None,
        *,
        test_rows: bool,
        guests: bool,
    ) -> None:
        self._products, self._named, self._again = products, named, again
        self._latest = latest or datetime.now(UTC) + timedelta(days=1)
        self._test_rows, self._guests = test_rows, guests
        self.unmatched = Unmatched()
        self.asked = 0
        self.changed: Counter[str] = Counter()

    def clean(
        self, how: Reading, block: Block, types: Mapping[str, pl.DataType], aside: Quarantine
    ) -> tuple[pl.DataFrame, NDArray[np.int64]]:
        """The events of one block that are kept, and their lines."""
        aside.unreadable(how.table.name, block.bad)
        raw = how.read(block)
        if self._guests:
            raw = self._with_guests(raw)
        frame = with_kinds(raw, self._named)
        again = self._again.of(len(frame))
        good = apply(self._row_rules(how, block, raw, frame, again), how, block, aside)
        known = pl.Series(self._products.rows(frame["product"], missing=-1) >= 0)
        lost = good & ~known
        self.asked += int(good.sum())
        if lost.any():
            self.unmatched.add(frame["product"].filter(lost))
            why = reasons(("no product {}", frame["product"]), lost)
            lines = block.lines[lost.to_numpy()]
            aside.rows(how.table.name, block.frame.filter(lost), lines, "unknown_product", why)
        good = good & known
        if "value" in raw.columns:
            turned = good & (raw["value"] < 0) & (frame["kind"] == "return")
            self.changed.update({"negative_to_return": n} if (n := int(turned.sum())) else {})
        missing = [pl.lit(None, dtype).alias(name) for name, dtype in types.items() if name not in frame.columns]
        frame = frame.filter(good).with_columns(missing)
        return frame.select(pl.col(name).cast(dtype) for name, dtype in types.items()), block.lines[good.to_numpy()]

    def report(self) -> dict[str, Any]:
        """Events asked for their product, those without one, and the most frequent unknown products."""
        lost = self.unmatched
        if not lost.n:
            return {"asked": self.asked, "events": 0}
        cause, _ = lost.cause(self._products)
        examples = [{"product": name, "nearest": close} for name, close in lost.examples(self._products)]
        return {"asked": self.asked, "events": lost.n, "cause": cause, "examples": examples}

    def _with_guests(self, frame: pl.DataFrame) -> pl.DataFrame:
        stand_in = next((name for name in ("basket", "session") if name in frame.columns), None)
        if stand_in is None:
            return frame
        anonymous = frame["shopper"].is_null() & frame[stand_in].is_not_null()
        self.changed.update({"guest": n} if (n := int(anonymous.sum())) else {})
        return frame.with_columns(shopper=pl.coalesce("shopper", pl.format("guest {}", pl.col(stand_in))))

    def _row_rules(
        self, how: Reading, block: Block, raw: pl.DataFrame, frame: pl.DataFrame, again: pl.Series
    ) -> list[Rule]:
        no = pl.Series(np.zeros(len(frame), np.bool_))
        test = frame["product"].str.contains(TEST) | frame["shopper"].str.contains(TEST)
        rules: list[Rule] = [
            ("header_again", header_again(how, block), "the names of the columns once more"),
            ("missing_product", frame["product"].is_null(), "no product"),
            ("missing_shopper", frame["shopper"].is_null(), "no shopper"),
        ]
        if "kind" in raw.columns:
            reason = "no kind of event"
            rules.append(("missing_kind", names(raw["kind"]).is_null(), reason))
            rules.append(("ignored_kind", frame["kind"] == kinds.IGNORED, "a kind that is to be left out"))
        rules += self._time_rules(how, block, frame["at"])
        if "value" in frame.columns:
            said = words(block.frame[how.mapped["value"][0]])
            unreadable = said.is_not_null() & frame["value"].is_null()
            rules.append(("value_unreadable", unreadable, ("{} is not a number", said)))
            negative = (frame["value"] < 0) & ~frame["kind"].is_in(["purchase", "return"])
            rules.append(("negative_value", negative, ("{} is below zero", said)))
        rules.append(("test_row", test if self._test_rows else no, "the shopper or product says it is a test"))
        rules.append(("duplicate_event", again, "an earlier row is the same in every column"))
        return rules

    def _time_rules(self, how: Reading, block: Block, at: pl.Series) -> list[Rule]:
        theirs = how.mapped["at"][0]
        if theirs == "#row":
            return []
        said = words(block.frame[theirs])
        return [
            ("missing_time", said.is_null(), "no time"),
            ("time_unreadable", at.is_null(), ("{} is not a time", said)),
            ("before_1990", at < EARLIEST, ("{} is before 1990", said)),
            ("in_the_future", at > self._latest, ("{} is in the future", said)),
        ]
