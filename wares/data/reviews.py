"""What people wrote of products: texts with ratings where there are any, out of any table, block by block."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from wares.data import columns
from wares.data.ids import Ids
from wares.data.read import open_source
from wares.data.reading import Reading, plain_text, words
from wares.data.stream import Bad, Block, Table
from wares.errors import DataError, SettingError, did_you_mean

REVIEW: dict[str, str] = {
    "product": f"{columns.EVENT['product']}, product name, 商品名称, 商品名",
    "text": """text, review, review text, review body, review content, comment, comments, content, body, feedback,
        reviews text, message, opinion, 评论, 评价, 评论内容, 评价内容, 内容, 点评, 留言, 评语, 正文""",
    "title": "title, summary, headline, review title, review headline, review summary, 标题, 评论标题, 评价标题",
    "rating": """rating, stars, star rating, star, score, overall, review rating, review score, reviews rating, grade,
        label, sentiment, polarity, 评分, 打分, 星级, 得分, 分数, 评级, 评价等级, 标签, 情感, 情感倾向""",
    "at": f"""review date, review time, reviewed at, reviews date, {columns.EVENT["at"]}, 评论时间, 评价时间, 评论日期,
        评价日期""",
    "shopper": f"{columns.EVENT['shopper']}, author, user name, username, nickname, 评论人, 评价人, 作者, 昵称",
}
"""Names that the columns of reviews have."""

SCHEMA: dict[str, pl.DataType] = {
    "line": pl.Int64(),
    "product": pl.String(),
    "text": pl.String(),
    "rating": pl.Float64(),
    "good": pl.Float64(),
    "at": pl.Datetime("us", "UTC"),
    "shopper": pl.String(),
}
"""The columns of a block of reviews. rating : stars, 1 to 5. good : 1 for praise, 0 for blame, None for neither known;
a review of 3 stars is neither."""

LETTERS = 5_000
"""Of a text that are kept."""

NAMED = 5
"""Rows that a message names."""

_SAID = {
    **dict.fromkeys(("positive", "pos", "good", "好评", "正面", "正向", "积极", "好"), "p"),
    **dict.fromkeys(("negative", "neg", "bad", "差评", "负面", "负向", "消极", "差"), "n"),
    **dict.fromkeys(("neutral", "中评", "中性", "中"), "0.5"),
}
_NUMBER = r"^\s*(-?\d+(?:[.,]\d+)?)"
_TO_TEN = 1 / 3
"""Share of ratings above 5 from which they are out of 10."""


@dataclass(frozen=True, eq=False)
class Reviews:
    """Reviews of a source that was looked through once; `blocks` reads it again.

    name : of the file. n : reviews that can be used. rated : those of them with praise or blame. scale : what the
    ratings are, "stars", "stars to 10", "labels" or "" for none. left_out : by reason, how many rows were left out (or
    read without their rating). examples : the first of them, by file and line. facts : how it was read.
    """

    name: str
    n: int
    rated: int
    scale: str
    left_out: Mapping[str, int]
    examples: list[str]
    facts: Mapping[str, Any]
    _how: Reading = field(repr=False)
    _top: float = field(default=5.0, repr=False)

    def __len__(self) -> int:
        return self.n

    def blocks(self) -> Iterator[pl.DataFrame]:
        """The reviews in the columns of `SCHEMA`, in order, some thousands at once."""
        for block in self._how.table.blocks():
            frame = _read(self._how, block)
            frame = frame.filter(pl.col("product").is_not_null() & pl.col("text").is_not_null())
            if len(frame):
                yield _graded(frame, self.scale, self._top)

    def frame(self) -> pl.DataFrame:
        """All of them; for files that are known to be small."""
        return pl.concat([pl.DataFrame(schema=SCHEMA), *self.blocks()])

    def said(self) -> str:
        """In a sentence what was read and what was left out."""
        rated = f"{self.rated:,} of them rated by {self.scale}" if self.scale else "none of them rated"
        parts = [f"{self.n:,} reviews from {self.name}, {rated}"]
        parts += [f"{reason}: {count:,}" for reason, count in self.left_out.items()]
        if self.examples:
            parts.append(f"such as {', '.join(self.examples)}")
        return "; ".join(parts)


def read_reviews(source: Any, columns: Mapping[str, str] | None = None) -> Reviews:
    """Reviews out of a table (CSV, JSON lines, Parquet, xlsx, a frame …): product, text, and any of rating, title, time
    and shopper.

    columns : our name -> the source's, where it is not recognised. Ratings are stars from 1 to 5 (or to 10), 0 and 1,
    or words such as "positive" and "差评". Rows that cannot be used are left out and told of by line. The file is read
    block by block; memory does not grow with it. Raises DataError where columns are missing or no row can be used.
    """
    how = _how(open_source(source, columns), columns)
    left_out: Counter[str] = Counter()
    examples: list[str] = []
    values: Counter[float] = Counter()
    first: dict[float, int] = {}
    n = 0

    def told(reason: str, rows: list[tuple[int, str]]) -> None:
        left_out[reason] += len(rows)
        examples.extend(f"line {line}: {why}" for line, why in rows[: NAMED - len(examples)])

    for block in how.table.blocks():
        how.look(block.frame)
        if block.bad:
            told("rows that cannot be read", [_bad(each) for each in block.bad])
        frame = _read(how, block)
        for name, reason in (("product", "rows without a product"), ("text", "rows without a text")):
            lines = frame.filter(pl.col(name).is_null())["line"].to_list()
            if lines:
                told(reason, [(line, f"no {name}") for line in lines])
            frame = frame.filter(pl.col(name).is_not_null())
        n += len(frame)
        numbers = frame.drop_nulls("number").group_by("number", maintain_order=True)
        for value, count, line in numbers.agg(pl.len(), pl.col("line").first()).iter_rows():
            values[value] += count
            first.setdefault(value, line)
        if "rating" in how.mapped:
            wrong = frame.filter(pl.col("number").is_null() & pl.col("raw").is_not_null())
            if len(wrong):
                rows = zip(wrong["line"].to_list(), wrong["raw"].to_list(), strict=True)
                told("ratings that are none", [(line, f"rating {raw[:40]!r}") for line, raw in rows])
    if not n:
        why = f": {', '.join(examples)}" if examples else ""
        raise DataError(f"{how.table.name} holds no review that can be used{why}")
    scale, top = _scale(values)
    outside = [value for value in values if not _inside(value, scale, top)]
    if outside:
        left_out["ratings outside the scale"] += sum(values[value] for value in outside)
        some = sorted(outside, key=first.__getitem__)[: NAMED - len(examples)]
        examples += [f"line {first[value]}: rating {value:g} is none of {scale} from 1 to {top:g}" for value in some]
    rated = sum(count for value, count in values.items() if _good(value, scale, top) is not None)
    return Reviews(how.table.name, n, rated, scale, dict(left_out), examples, how.chosen(), how, top)


def check_reviews(source: Any, columns: Mapping[str, str] | None = None) -> None:
    """Look at the head of a source. Raises DataError where it has no column of products or texts."""
    _how(open_source(source, columns), columns)


def matched(frame: pl.DataFrame, ids: Ids) -> tuple[pl.DataFrame, list[str]]:
    """The reviews of known products, with the column `row`; and the ids of the others, one for each of their rows."""
    rows = ids.rows(frame["product"], missing=-1)
    frame = frame.with_columns(row=pl.Series(rows))
    unknown = frame.filter(pl.col("row") < 0)["product"].to_list()
    return frame.filter(pl.col("row") >= 0), unknown


def unknown_said(unknown: Mapping[str, int], ids: Ids, name: str) -> str:
    """In a sentence which products are not known, the most often reviewed with what may be meant."""
    most = sorted(unknown, key=lambda id: (-unknown[id], id))[:NAMED]
    hint = did_you_mean(most[0], ids.names(slice(0, 20_000)))
    named = ", ".join(map(repr, most)) + (" …" if len(unknown) > len(most) else "")
    return f"{name}: reviews of products that are not known: {sum(unknown.values()):,}, of {named}{hint}"


# -- columns ---------------------------------------------------------------------------------------------------------


def _how(table: Table, given: Mapping[str, str] | None) -> Reading:
    for ours in given or {}:
        if ours not in REVIEW:
            raise SettingError(f"a review has no {ours!r}{did_you_mean(ours, REVIEW)} (there are {', '.join(REVIEW)})")
    mapped = columns.recognise(table.columns, REVIEW, given, table.name)
    if "text" not in mapped and "title" in mapped:
        mapped["text"] = mapped.pop("title")
    for ours in ("product", "text"):
        if ours not in mapped:
            there = ", ".join(map(repr, table.columns[:20]))
            raise DataError(
                f"{table.name} has no column for the {ours} of a review; its columns: {there}. Name the right one: "
                f"--map reviews.{ours}=COLUMN"
            )
    schema = {name: SCHEMA.get(name, pl.String()) for name in mapped} | {"rating": pl.String()}
    return Reading(table, mapped, schema)


def _read(how: Reading, block: Block) -> pl.DataFrame:
    """A block with line, product, text, at and shopper, and the rating as written (`raw`) and as a `number`."""
    frame = how.read(block).with_columns(line=pl.Series(block.lines, dtype=pl.Int64))
    text = pl.col("text")
    if "title" in how.mapped:
        # A title is a sentence of its own.
        text = pl.concat_str("title", "text", separator="\n", ignore_nulls=True)
        text = pl.when(pl.col("title").is_null() & pl.col("text").is_null()).then(None).otherwise(text)
    raw = words(plain_text(block.frame[how.mapped["rating"][0]])) if "rating" in how.mapped else None
    missing = pl.lit(None, pl.String)
    frame = frame.with_columns(
        text=text.str.slice(0, LETTERS),
        raw=missing if raw is None else raw,
        at=pl.col("at") if "at" in frame.columns else pl.lit(None, SCHEMA["at"]),
        shopper=pl.col("shopper") if "shopper" in frame.columns else missing,
    )
    return frame.with_columns(number=_numbers(frame["raw"])).drop("title", "rating", strict=False)


def _numbers(raw: pl.Series) -> pl.Series:
    """Ratings as numbers; praise in words is 1, blame 0."""
    text = raw.str.to_lowercase().str.strip_chars()
    plain = text.replace(_SAID).replace({"p": "1", "n": "0", "true": "1", "false": "0"})
    return plain.str.extract(_NUMBER, 1).str.replace(",", ".", literal=True).cast(pl.Float64, strict=False).round(2)


def _bad(row: Bad) -> tuple[int, str]:
    return row.line, row.reason


# -- ratings ---------------------------------------------------------------------------------------------------------


def _scale(values: Mapping[float, int]) -> tuple[str, float]:
    """What the ratings are, and the best of them."""
    if not values:
        return "", 5.0
    if set(values) <= {-1.0, 0.0, 0.5, 1.0} and min(values) <= 0:
        return "labels", 1.0
    total = sum(values.values())
    beyond = sum(count for value, count in values.items() if 5 < value <= 10)
    return ("stars to 10", 10.0) if beyond > _TO_TEN * total else ("stars", 5.0)


def _inside(value: float, scale: str, top: float) -> bool:
    return scale == "labels" or 1 <= value <= top


def _good(value: float, scale: str, top: float) -> float | None:
    """1 for praise, 0 for blame, None for neither."""
    if scale == "labels":
        return 1.0 if value == 1 else None if value == 0.5 else 0.0
    if not _inside(value, scale, top):
        return None
    return 1.0 if value >= 0.8 * top else 0.0 if value <= 0.4 * top else None


def _graded(frame: pl.DataFrame, scale: str, top: float) -> pl.DataFrame:
    number = pl.col("number")
    if scale == "labels":
        good = pl.when(number == 1).then(1.0).when(number <= 0).then(0.0)
        stars = pl.lit(None, pl.Float64)
    else:
        known = number.is_between(1, top)
        good = pl.when(known & (number >= 0.8 * top)).then(1.0).when(known & (number <= 0.4 * top)).then(0.0)
        stars = pl.when(known).then(number * 5 / top)
    return frame.with_columns(good=good, rating=stars).select(
        pl.col(name).cast(dtype) for name, dtype in SCHEMA.items()
    )
