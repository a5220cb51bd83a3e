"""Why a product is in its cluster: the words and attributes it shares with it, and what would move it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.algorithm import Encoder
from wares.arrays import Labels, Vectors
from wares.data.catalog import Catalog
from wares.data.hits import Reason
from wares.tasks.agreement import dense
from wares.tasks.organising import Names, why_cluster
from wares.text.tokens import forms

SAMPLE = 2000
"""Products of the cluster, and as many of the others, that words are counted in."""

MOST_WORDS = 16
"""Words of the title that are left out in turn to see what would move the product."""

COLUMNS = ("title", "brand", "category", "price", "rating", "description")
"""What the encoders read; left out in turn too."""


@dataclass(frozen=True)
class Belonging:
    """Why a product is in its cluster.

    cluster, rival : numbers of its cluster and of the next nearest. gap : how much farther the rival's centre is, as a
    share of the distance to its own. reasons : exact shares of that difference by part of the vectors. terms : its
    words with the shares of the cluster's and of the others' products that have them, the most telling first.
    attributes : column, value and the same two shares. moves : what, left out, puts it elsewhere, and where.
    """

    cluster: int
    rival: int | None
    gap: float
    reasons: Sequence[Reason]
    terms: Sequence[tuple[str, float, float]]
    attributes: Sequence[tuple[str, str, float, float]]
    moves: Sequence[tuple[str, int]]


def belonging(
    catalog: Catalog,
    row: int,
    *,
    vectors: Vectors,
    labels: Labels,
    centers: NDArray[np.float32],
    encoder: Encoder,
    names: Names,
    spans: Mapping[str, tuple[int, int]] | None = None,
    seed: int = 0,
) -> Belonging:
    """Explain the cluster of a row. names : of the rows, such as ids. Takes some ten milliseconds for 30,000 products.

    What would move it is found by trial: each word of the title and each column is left out in turn, what remains is
    encoded, and the nearest centre looked up.
    """
    own = int(labels[row])
    rival, gap = _rival(dense(vectors[[row]])[0], own, centers)
    members, others = _samples(labels, own, seed)
    fields = catalog.frame([name for name in COLUMNS if catalog.has(name)], slice(row, row + 1))
    reasons = why_cluster(vectors, centers, row, labels=labels, names=names, spans=spans)
    return Belonging(
        cluster=own,
        rival=rival,
        gap=gap,
        reasons=reasons,
        terms=_terms(catalog, fields, members, others),
        attributes=_attributes(catalog, fields, members, others),
        moves=_moves(fields, own, centers, encoder),
    )


def _rival(vector: NDArray[np.float32], own: int, centers: NDArray[np.float32]) -> tuple[int | None, float]:
    if len(centers) < 2 or own < 0:
        return None, 0.0
    gaps = np.linalg.norm(centers.astype(np.float64) - vector, axis=1)
    mine = gaps[own]
    gaps[own] = np.inf
    rival = int(gaps.argmin())
    return rival, float(gaps[rival] / mine - 1) if mine > 0 else float("inf")


def _samples(labels: Labels, own: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    both = np.flatnonzero(labels == own), np.flatnonzero(labels != own)
    members, others = (np.sort(rng.choice(rows, min(SAMPLE, len(rows)), replace=False)) for rows in both)
    return members, others


def _values(catalog: Catalog, columns: Sequence[str], rows: NDArray[np.int64]) -> pl.DataFrame:
    return catalog.scan.select(columns).select(pl.all().gather(rows)).collect()


def _terms(
    catalog: Catalog, fields: pl.DataFrame, members: NDArray[np.int64], others: NDArray[np.int64]
) -> list[tuple[str, float, float]]:
    if "title" not in fields.columns or not fields["title"][0]:
        return []
    words = dict(_words(str(fields["title"][0])))
    counts = []
    for rows in (members, others):
        held = [{form for form, _ in _words(str(title or ""))} for title in _values(catalog, ["title"], rows)["title"]]
        counts.append({form: sum(form in each for each in held) / max(len(held), 1) for form in words})
    inside, outside = counts
    told = [(shown, inside[form], outside[form]) for form, shown in words.items() if inside[form] > outside[form]]
    return sorted(told, key=lambda each: -each[1] * np.log((each[1] + 1e-3) / (each[2] + 1e-3)))[:8]


def _words(text: str) -> list[tuple[str, str]]:
    """Its words as they are compared, with how they are written."""
    return [(form, form if _all_in(parts, written) else written) for written, parts in forms(text) for form in parts]


def _attributes(
    catalog: Catalog, fields: pl.DataFrame, members: NDArray[np.int64], others: NDArray[np.int64]
) -> list[tuple[str, str, float, float]]:
    out: list[tuple[str, str, float, float]] = []
    for column in ("category", "brand"):
        if column not in fields.columns or fields[column][0] is None:
            continue
        value = str(fields[column][0])
        inside, outside = (
            float((_values(catalog, [column], rows)[column] == value).fill_null(False).mean() or 0.0)  # type: ignore[arg-type]
            for rows in (members, others)
        )
        if inside > outside:
            out.append((column, value, inside, outside))
    return out


def _moves(fields: pl.DataFrame, own: int, centers: NDArray[np.float32], encoder: Encoder) -> list[tuple[str, int]]:
    without = list(_without(fields))
    if not without or own < 0:
        return []
    rows = pl.concat([frame for _, frame in without]).with_columns(id=pl.int_range(pl.len()).cast(pl.String))
    found = dense(encoder.encode(Catalog.of(rows)))
    known = np.asarray(found.any(axis=1))
    near = (np.einsum("ij,ij->i", centers, centers) - 2 * (found @ centers.T)).argmin(axis=1)
    told = [(name, int(to)) for (name, _), to, some in zip(without, near, known, strict=True) if some and to != own]
    return told[:8]


def _without(fields: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    """The product without each word of its title, and without each other column that says something."""
    out = []
    title = str(fields["title"][0] or "") if "title" in fields.columns else ""
    # Chinese is written without spaces: each part of what stands together is a word.
    words = [word for written, parts in forms(title) for word in (parts if _all_in(parts, written) else (written,))]
    if len(words) > 1:
        picked = dict.fromkeys(words[:MOST_WORDS])
        out += [(word, fields.with_columns(title=pl.lit(_cut(title, word)))) for word in picked]
    said = [column for column in fields.columns if column != "title" and fields[column][0] is not None]
    return out + [(f"its {c}", fields.with_columns(pl.lit(None, fields.schema[c]).alias(c))) for c in said]


def _all_in(parts: Sequence[str], written: str) -> bool:
    return len(parts) > 1 and all(part in written for part in parts)


def _cut(text: str, word: str) -> str:
    at = text.lower().find(word.lower())
    return text if at < 0 else (text[:at] + text[at + len(word) :]).strip()
