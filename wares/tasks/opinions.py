"""What reviews say of each product and its aspects: added up review by review, drawn towards the mean where few."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.data.opinions import WHOLE
from wares.tasks.sentiment import Sentiment
from wares.text.aspects import Speaks

EVIDENCE = 300
"""Letters of a sentence that are kept as evidence."""

PULL = (1.0, 100.0)
"""The least and the most reviews that the shop's mean counts as."""

_HELD = 500_000  # rows of sums before those of one product and aspect are added up
_SUMS = ("reviews", "sum", "squares", "weight", "stars", "starred")


@dataclass(eq=False)
class Tally:
    """Takes in reviews block by block and holds a row of sums for each product and aspect that was spoken of.

    Memory: some 300 bytes for each such row, and one block.
    """

    sentiment: Sentiment
    speaks: Speaks
    reviews: int = 0
    _sums: list[pl.DataFrame] = field(default_factory=list)
    _held: int = 0

    def add(self, owners: NDArray[np.int64], texts: Sequence[str], ratings: pl.Series) -> None:
        """Reviews of the products with these numbers; ratings are stars, null for none."""
        self.reviews += len(texts)
        whole = pl.DataFrame(
            {
                "owner": owners,
                "aspect": np.full(len(texts), -1, np.int64),
                "p": self.sentiment.probability(texts),
                "clause": pl.Series(list(texts), dtype=pl.String),
                "rating": ratings,
            }
        )
        self._take(_summed(whole))
        found = self.speaks.find(texts)
        if len(found):
            said = found.select(pl.col("clause").unique(maintain_order=True))["clause"]
            heard = pl.DataFrame({"clause": said, "p": self.sentiment.probability(said.to_list())})
            found = found.join(heard, on="clause", how="left", maintain_order="left")
            found = found.with_columns(owner=pl.Series(owners).gather(found["text"]), rating=pl.lit(None, pl.Float64))
            self._take(_summed(_by_review(found)))

    def _take(self, sums: pl.DataFrame) -> None:
        self._sums.append(sums)
        self._held += len(sums)
        if self._held > 2 * _HELD:
            self._sums = [_merged(self._sums)]
            self._held = len(self._sums[0])

    def settle(self) -> pl.DataFrame:
        """A row for each product and aspect: owner, aspect, reviews, mean, sentiment, rating, praise, blame and their
        shares; those of one product together, in order."""
        sums = _merged(self._sums)
        n, total = pl.col("reviews"), pl.col("sum")
        strengths = pl.DataFrame([{"aspect": key[0], **_strength(part)} for key, part in _parts(sums)], _STRENGTHS)
        names = pl.DataFrame(
            {"aspect": range(-1, len(self.speaks.names)), "name": [WHOLE, *self.speaks.names]},
            schema={"aspect": pl.Int64, "name": pl.String},
        )
        rows = sums.join(strengths, on="aspect").join(names, on="aspect").sort("owner", "aspect")
        praise, blame = pl.col("high") > 0.5, pl.col("low") < 0.5
        return rows.select(
            "owner",
            pl.col("name").alias("aspect"),
            n.cast(pl.Int64),
            (total / n).alias("mean"),
            ((total + pl.col("pull") * pl.col("usual")) / (n + pl.col("pull"))).alias("sentiment"),
            pl.when(pl.col("starred") > 0).then(pl.col("stars") / pl.col("starred")).alias("rating"),
            pl.when(praise).then("best").alias("praise"),
            pl.when(praise).then((pl.col("high") - 0.5) / pl.col("weight")).alias("praise_share"),
            pl.when(blame).then("worst").alias("blame"),
            pl.when(blame).then((0.5 - pl.col("low")) / pl.col("weight")).alias("blame_share"),
        )


_STRENGTHS = {"aspect": pl.Int64, "usual": pl.Float64, "pull": pl.Float64}


def _by_review(found: pl.DataFrame) -> pl.DataFrame:
    """Clauses of one review about one aspect as one: their mean, and the two that say it most."""
    order = found.sort("p", pl.col("clause").str.len_chars(), maintain_order=True)
    return order.group_by("text", "aspect", maintain_order=True).agg(
        pl.col("owner").first(),
        pl.col("p").mean(),
        _far(pl.col("p")).sum().alias("weight"),
        pl.col("p").min().alias("low"),
        pl.col("p").max().alias("high"),
        pl.col("clause").first().alias("worst"),
        pl.col("clause").last().alias("best"),
        pl.col("rating").first(),
    )


def _summed(rows: pl.DataFrame) -> pl.DataFrame:
    """Sums of one block by product and aspect."""
    if "low" not in rows.columns:
        rows = rows.with_columns(weight=_far(pl.col("p")), low="p", high="p", worst="clause", best="clause")
    p = pl.col("p").cast(pl.Float64)
    made = rows.select(
        "owner",
        "aspect",
        pl.lit(1, pl.Int64).alias("reviews"),
        p.alias("sum"),
        (p * p).alias("squares"),
        pl.col("weight").cast(pl.Float64),
        pl.col("rating").fill_null(0).alias("stars"),
        pl.col("rating").is_not_null().cast(pl.Int64).alias("starred"),
        pl.col("low", "high").cast(pl.Float64),
        pl.col("worst", "best").str.slice(0, EVIDENCE),
    )
    return _merged([made])


def _far(p: pl.Expr) -> pl.Expr:
    """How far from neither."""
    return (p.cast(pl.Float64) - 0.5).abs()


def _merged(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Sums of several blocks as those of all; of sentences that say it alike, the longer one stays."""
    worst, best = (pl.col(name).str.len_chars() for name in ("worst", "best"))
    return (
        pl.concat(parts)
        .group_by("owner", "aspect", maintain_order=True)
        .agg(
            *(pl.col(name).sum() for name in _SUMS),
            pl.col("worst").sort_by("low", worst, descending=[False, True], maintain_order=True).first(),
            pl.col("best").sort_by("high", best, descending=True, maintain_order=True).first(),
            pl.col("low").min(),
            pl.col("high").max(),
        )
    )


def _parts(sums: pl.DataFrame) -> list[tuple[tuple[int, ...], pl.DataFrame]]:
    return [((int(aspect),), part) for (aspect,), part in sums.group_by("aspect", maintain_order=True)]


def _strength(part: pl.DataFrame) -> dict[str, float]:
    """The mean over all reviews, and as how many reviews it counts: the variance between reviews of one product over
    that between products. The less products differ, the more a few reviews are taken for chance."""
    n, sums = part["reviews"].to_numpy().astype(np.float64), part["sum"].to_numpy()
    total, usual = n.sum(), float(sums.sum() / n.sum())
    inside = float(part["squares"].sum() - (sums**2 / n).sum())
    free = total - len(n)
    if len(n) < 3 or free < 3:
        return {"usual": usual, "pull": 5.0}
    variance = max(inside / free, 1e-6)
    between = float((n * (sums / n - usual) ** 2).sum() - (len(n) - 1) * variance) / (total - (n**2).sum() / total)
    pull = PULL[1] if between <= 0 else variance / between
    return {"usual": usual, "pull": float(np.clip(pull, *PULL))}


# -- as columns ------------------------------------------------------------------------------------------------------


def as_columns(opinions: pl.DataFrame, n_owners: int, share: float, least: int) -> dict[str, NDArray[np.float64]]:
    """By column of the products its values by owner, NaN for not known: `sentiment`, `reviews`, and `sentiment_NAME`
    of each aspect that at least `least` products, and this share of all that have reviews, are spoken of by."""
    found = {}
    whole = opinions.filter(pl.col("aspect") == WHOLE)
    for name, column in (("sentiment", "sentiment"), ("reviews", "reviews")):
        found[name] = _spread(whole, column, n_owners)
    found["reviews"] = np.nan_to_num(found["reviews"])
    spoken = opinions.filter(pl.col("aspect") != WHOLE).group_by("aspect", maintain_order=True).len()
    enough = dict(spoken.filter(pl.col("len") >= max(least, share * len(whole))).iter_rows())
    for name in sorted(enough, key=lambda each: (-enough[each], each)):
        found[f"sentiment_{name}"] = _spread(opinions.filter(pl.col("aspect") == name), "sentiment", n_owners)
    return found


def _spread(rows: pl.DataFrame, column: str, n_owners: int) -> NDArray[np.float64]:
    out = np.full(n_owners, np.nan)
    out[rows["owner"].to_numpy()] = np.round(rows[column].cast(pl.Float64).to_numpy(), 4)
    return out


def overview(opinions: pl.DataFrame) -> list[dict[str, Any]]:
    """Of the shop: by aspect how many reviews and products speak of it, and their mean; the most spoken of first."""
    rows = opinions.group_by("aspect").agg(
        pl.col("reviews").sum(), pl.len().alias("products"), ((pl.col("mean") * pl.col("reviews")).sum()).alias("sum")
    )
    rows = rows.with_columns(mean=(pl.col("sum") / pl.col("reviews")).round(4)).drop("sum")
    return rows.sort("reviews", "aspect", descending=[True, False]).to_dicts()
