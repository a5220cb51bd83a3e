"""Moments out of what people write: ISO text, dates with the day or the month first, epoch seconds to nanoseconds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl

UTC = pl.Datetime("us", "UTC")
_ISO = r"^\s*(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?"
_LOCAL = r"^\s*(\d{1,2})\s*[-/.]\s*(\d{1,2})\s*[-/.]\s*(\d{4}|\d{2})\b"
_CLOCK = r"(?:[T ,]*(\d{1,2})[:时](\d{1,2})(?:[:分](\d{1,2})(?:[.,](\d{1,9}))?)?秒?)?"
_ZONE = r"\s*([AaPp]\.?[Mm]\.?)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?(?:\[[^\]]*\])?\s*$"
_NUMBER = r"^\s*-?\d+(\.\d*)?\s*$"
_WEEKDAY = r"^\s*(?:[A-Za-z]{3,9},\s*)?"
_DAY_NAME = _WEEKDAY + r"(\d{1,2})(?:st|nd|rd|th)?[\s\-/.]*([A-Za-z]{3})[a-z]*[\s\-/.,]*(\d{4}|\d{2})\b"
_NAME_DAY = _WEEKDAY + r"([A-Za-z]{3})[a-z]*[\s\-/.]*(\d{1,2})(?:st|nd|rd|th)?[\s\-/.,]*(\d{4})\b"
_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = dict(zip(_NAMES, map(str, range(1, 13)), strict=True))
_FIRST_SERIAL, _LAST_SERIAL = 20_000, 80_000  # a workbook's days since 1899-12-30: years 1954 to 2119


@dataclass
class Order:
    """Evidence whether the day or the month stands first; filled block by block."""

    day_first: int = 0
    month_first: int = 0
    seen: int = 0
    dotted: int = 0

    def look(self, values: pl.Series) -> None:
        """Take in some values."""
        if values.dtype != pl.String or not len(values):
            return
        start = values.drop_nulls().head(1)
        if not len(start):
            return
        local = values.filter(values.str.contains(_LOCAL))
        if not len(local):
            return
        parts = local.str.extract_groups(_LOCAL).struct.unnest()
        one, two = parts["1"].cast(pl.Int32), parts["2"].cast(pl.Int32)
        self.seen += len(local)
        self.day_first += int(((one > 12) & (two <= 12)).sum())
        self.month_first += int(((two > 12) & (one <= 12)).sum())
        self.dotted += int(local.str.contains(".", literal=True).sum())

    def day(self) -> bool:
        """Whether the day stands first: by the evidence, or where there is none, when points stand between."""
        if self.day_first != self.month_first:
            return self.day_first > self.month_first
        return self.dotted * 2 > self.seen

    def mixed(self) -> bool:
        """Whether some dates need the day first and others the month."""
        return bool(self.day_first and self.month_first)

    def said(self) -> str:
        """What was chosen and why, for the report; empty where no such date was seen."""
        if not self.seen:
            return ""
        chosen = "day first" if self.day() else "month first"
        if not self.day_first and not self.month_first:
            return f"{chosen} (a guess: no date of {self.seen:,} tells)"
        evidence = f"{self.day_first:,} dates need the day first, {self.month_first:,} the month"
        return f"{chosen} ({evidence})"


def read(values: pl.Series, day_first: bool = False) -> pl.Series:
    """(n,) Datetime in microseconds UTC; null where there is no moment. Times without a zone are taken as UTC."""
    if isinstance(values.dtype, pl.Datetime):
        values = values.dt.convert_time_zone("UTC") if values.dtype.time_zone else values.dt.replace_time_zone("UTC")
        return values.cast(UTC)
    if values.dtype == pl.Date:
        return values.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    if values.dtype.is_numeric():
        return _epoch(values.cast(pl.Float64) if values.dtype.is_float() else values.cast(pl.Int64))
    if values.dtype != pl.String:
        return _none(len(values))
    first = next(iter(values.drop_nulls().head(1)), "")
    out = _none(len(values))
    for attempt in _attempts(first, day_first):
        todo = (out.is_null() & values.is_not_null()).arg_true()
        if not len(todo):
            break
        found = attempt(values if len(todo) == len(values) else values.gather(todo))
        out = found if len(todo) == len(values) else out.scatter(todo, found)
    return out.alias(values.name)


def _attempts(first: str, day_first: bool) -> Iterator[Callable[[pl.Series], pl.Series]]:
    """Ways to read, the quick one for what the first value looks like before the thorough ones."""
    quick = _quick(first)
    if quick:
        yield lambda values: _strptime(values, quick)
    yield _digits
    yield lambda values: _groups(values, _ISO, (1, 2, 3))
    yield lambda values: _groups(values, _LOCAL, (3, 2, 1) if day_first else (3, 1, 2))
    yield lambda values: _groups(values, _DAY_NAME, (3, 2, 1))
    yield lambda values: _groups(values, _NAME_DAY, (3, 1, 2))


def _none(n: int) -> pl.Series:
    return pl.Series("at", [None], dtype=UTC).new_from_index(0, n)


def _quick(first: str) -> str:
    for length, format in ((19, "%Y-%m-%d %H:%M:%S"), (10, "%Y-%m-%d")):
        if len(first) == length and first[4:5] == "-":
            return format.replace(" ", "T") if first[10:11] == "T" else format
    return ""


def _strptime(values: pl.Series, format: str) -> pl.Series:
    return values.str.to_datetime(format, time_unit="us", strict=False, exact=True).dt.replace_time_zone("UTC")


def _digits(values: pl.Series) -> pl.Series:
    numeric = values.filter(values.str.contains(_NUMBER))
    if not len(numeric):
        return _none(len(values))
    text = values.str.strip_chars()
    whole = text.cast(pl.Int64, strict=False)
    found = _epoch(whole)
    if whole.null_count() > values.null_count():
        found = found.zip_with(found.is_not_null(), _epoch(text.cast(pl.Float64, strict=False)))
    return found


def _epoch(numbers: pl.Series) -> pl.Series:
    frame = pl.DataFrame({"n": numbers})
    n = pl.col("n")
    size = n.abs()
    whole = n.cast(pl.Int64, strict=False)
    micros = whole * 1_000_000
    if numbers.dtype.is_float():
        micros = (n * 1e6).round().cast(pl.Int64, strict=False)
    scaled = (
        pl.when(size < 1e11)
        .then(micros)
        .when(size < 1e14)
        .then(whole * 1_000)
        .when(size < 1e17)
        .then(whole)
        .otherwise(whole // 1_000)
    )
    serial = (n.cast(pl.Float64) - 25_569) * 86_400_000_000
    written = whole.cast(pl.String)
    day = written.str.to_datetime("%Y%m%d", time_unit="us", strict=False).cast(pl.Int64)
    clock = written.str.to_datetime("%Y%m%d%H%M%S", time_unit="us", strict=False).cast(pl.Int64)
    out = (
        pl.when(n.is_between(_FIRST_SERIAL, _LAST_SERIAL))
        .then(serial.round().cast(pl.Int64, strict=False))
        .otherwise(scaled)
    )
    as_day = n.is_between(19_000_101, 21_001_231)
    as_clock = n.is_between(19_000_101_000_000, 21_001_231_235_959)
    if frame.select((as_day | as_clock).any()).item():
        out = pl.when(as_day).then(day).when(as_clock).then(clock).otherwise(out)
    return frame.select(out.cast(pl.Datetime("us")).dt.replace_time_zone("UTC"))[:, 0]


def _groups(values: pl.Series, date: str, order: tuple[int, int, int]) -> pl.Series:
    """Moments of a date pattern with an optional clock; order : groups of year, month, day."""
    if not values.str.contains(date).any():
        return _none(len(values))
    groups = values.str.extract_groups(date + _CLOCK + _ZONE).struct.unnest()
    year, month, day = (groups[str(i)] for i in order)
    month = month.str.slice(0, 3).str.to_lowercase().replace(_MONTHS)
    frame = pl.DataFrame(
        {
            "y": year,
            "m": month,
            "d": day,
            **{name: groups[str(i)] for name, i in zip(("h", "mi", "s", "f", "p", "z"), range(4, 10), strict=True)},
        }
    )
    y = pl.col("y").cast(pl.Int32)
    y = pl.when(y < 70).then(y + 2000).when(y < 100).then(y + 1900).otherwise(y)
    hour = pl.col("h").cast(pl.Int32).fill_null(0)
    half = pl.col("p").str.to_lowercase().str.slice(0, 1)
    hour = pl.when(half == "p").then(hour % 12 + 12).when(half == "a").then(hour % 12).otherwise(hour)

    def two(value: pl.Expr) -> pl.Expr:
        return value.cast(pl.String).str.zfill(2)

    clock = [two(hour), two(pl.col("mi").fill_null("0")), two(pl.col("s").fill_null("0"))]
    text = pl.concat_str([y.cast(pl.String), two(pl.col("m")), two(pl.col("d")), *clock], separator=" ")
    moment = text.str.to_datetime("%Y %m %d %H %M %S", time_unit="us", strict=False)
    micros = pl.col("f").fill_null("0").str.pad_end(6, "0").str.slice(0, 6).cast(pl.Int64)
    zone = pl.col("z").str.replace(":", "", literal=True)
    sign = pl.when(zone.str.starts_with("-")).then(-1).otherwise(1)
    hours = zone.str.extract(r"^[+-](\d{2})").cast(pl.Int64).fill_null(0)
    minutes = zone.str.extract(r"^[+-]\d{2}(\d{2})").cast(pl.Int64).fill_null(0)
    shift = sign * (hours * 60 + minutes) * 60_000_000
    exact = (moment.cast(pl.Int64) + micros - shift).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return frame.select(exact.alias("at"))["at"]
