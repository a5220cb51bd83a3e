"""Why events do not find their products."""

from collections import Counter
from collections.abc import Callable

import polars as pl
from rapidfuzz import fuzz, process

from wares.data.ids import Ids

_DISTINCT = 100_000  # unmatched ids remembered
_AMONG = 200_000  # product ids looked through for the nearest name

_CAUSES: tuple[tuple[str, Callable[[pl.Series], pl.Series], str], ...] = (
    ("spaces around the id", lambda s: s.str.strip_chars(), "strip them in one of the files"),
    ("upper and lower case", lambda s: s.str.to_lowercase(), "write both alike"),
    ("leading zeros", lambda s: s.str.strip_chars_start("0"), "export the id columns as text, not as numbers"),
    ("a trailing .0", lambda s: s.str.replace(r"\.0+$", ""), "export the id columns as text, not as decimal numbers"),
)


def _bare(ids: pl.Series) -> pl.Series:
    for _, change, _ in _CAUSES:
        ids = change(ids)
    return ids


def _nearest(name: str, among: list[str]) -> list[str]:
    # A plain edit distance: ids are codes, and there may be many.
    found = process.extract(name, among, scorer=fuzz.ratio, limit=3, score_cutoff=60)
    return [near for near, _, _ in found]


class Unmatched:
    """Counts the ids that events name and no product has."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.n = 0

    def add(self, ids: pl.Series) -> None:
        """Take in unmatched ids, one an event."""
        self.n += len(ids)
        counts = ids.value_counts(name="n")
        for name, n in zip(counts[ids.name].to_list(), counts["n"].to_list(), strict=True):
            if name in self.counts or len(self.counts) < _DISTINCT:
                self.counts[name] += n

    def cause(self, products: Ids) -> tuple[str, str]:
        """(what differs, how to mend it), where one difference explains at least a tenth of the unmatched ids."""
        given = pl.Series("id", [name for name, _ in self.counts.most_common(2_000)], dtype=pl.String)
        if not len(given):
            return "", ""
        best, mend, most = "", "", 0.1
        for name, change, hint in (
            *_CAUSES,
            ("several of: spaces, case, leading zeros, .0", _bare, "write both alike"),
        ):
            share = float(change(given).is_in(change(products.series).implode()).mean() or 0)  # type: ignore[arg-type]
            if share > most * 1.05:
                best, mend, most = name, hint, share
        return best, mend

    def examples(self, products: Ids, n: int = 5) -> list[tuple[str, list[str]]]:
        """The most frequent unmatched ids, each beside the product ids most like it."""
        names = [name for name, _ in self.counts.most_common(n)]
        bare = pl.DataFrame({"id": products.series, "bare": _bare(products.series)})
        few = products.series.head(_AMONG).to_list()
        out = []
        for name in names:
            same = _bare(pl.Series([name]))[0]
            close = bare.filter(pl.col("bare") == same)["id"].head(3).to_list() if same else []
            out.append((name, close or _nearest(name, few)))
        return out

    def message(self, products: Ids, n_events: int) -> str:
        """What a person needs to mend it."""
        found = n_events - self.n
        lines = [
            f"only {found:,} of {n_events:,} events ({found / max(n_events, 1):.0%}) name a product that is known:"
        ]
        for name, close in self.examples(products):
            beside = (
                " or ".join(map(repr, close))
                if close
                else f"nothing like it; products are named as {products.name(0)!r}"
            )
            lines.append(f"  event {name!r}: nearest {beside}")
        cause, mend = self.cause(products)
        if cause:
            lines.append(f"Likely cause: {cause} ({mend}).")
        else:
            lines.append("Likely cause: the files are not of the same shop, or another column holds the product id.")
        lines.append("To go on without these events: --allow-unmatched")
        return "\n".join(lines)
