"""Products shown more than once: copies of rare classes, and copies with mistakes."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from wares.arrays import Rows
from wares.data.catalog import Catalog
from wares.data.schema import TEXT
from wares.tasks.changing import MISTAKES, Change, dropped, replaced

Named = dict[str, list[str | None]]


def filled(
    catalog: Catalog,
    y: Named,
    *,
    rare: int = 0,
    changed: bool = True,
    hardened: float = 0.0,
    synonyms: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
) -> tuple[Catalog, Named]:
    """The products and, below them, copies: of classes with fewer than `rare` products up to so many, and of a share
    `hardened` of all, each with one mistake of `changing.MISTAKES`, or, one in three, without one of its fields.

    The classes are those of the last target, the finest. Copies of rare ones are `changed` by leaving words out or,
    with `synonyms`, replacing them.
    """
    rng = np.random.default_rng(seed)
    extra = _rare(list(y.values())[-1], rare, rng)
    gentle: list[Change] = [lambda text, rng: dropped(text, rng, 0.15)]
    if synonyms:
        gentle.append(replaced(synonyms, 0.2))
    copies = [_copied(catalog, extra, gentle if changed else [], rng)]
    hard = np.flatnonzero(rng.random(len(catalog)) < hardened)
    copies.append(_lacking(_copied(catalog, hard, list(MISTAKES.values()), rng), catalog.scan.collect()[hard], rng))
    rows = np.concatenate([np.arange(len(catalog)), extra, hard])
    frame = pl.concat([catalog.scan.collect(), *copies])
    if "id" in frame.columns:
        ids = frame["id"].to_list()
        copy = [name if at < len(catalog) else f"{name}\n{at}" for at, name in enumerate(ids)]
        frame = frame.with_columns(pl.Series("id", copy, dtype=pl.String))
    return Catalog(frame), {target: [names[row] for row in rows.tolist()] for target, names in y.items()}


def _rare(names: Sequence[str | None], least: int, rng: np.random.Generator) -> Rows:
    """Rows to be copied, so that every class has `least`."""
    of: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        if name is not None:
            of.setdefault(name, []).append(row)
    more: list[int] = []
    for name in sorted(of):
        rows = of[name]
        if len(rows) < least:
            order = np.concatenate([rng.permutation(rows) for _ in range(-(-least // len(rows)))])
            more += order[: least - len(rows)].tolist()
    return np.array(more, np.int64)


def _copied(catalog: Catalog, rows: Rows, changes: Sequence[Change], rng: np.random.Generator) -> pl.DataFrame:
    """Some products, each changed by one of the changes drawn at random."""
    frame = catalog.scan.collect()[rows]
    if not changes:
        return frame
    picks = rng.integers(len(changes), size=len(rows)).tolist()
    for name in TEXT:
        if name in frame.columns and frame.schema[name] == pl.String:
            texts = [
                None if text is None else changes[pick](text, rng)
                for text, pick in zip(frame[name].to_list(), picks, strict=True)
            ]
            frame = frame.with_columns(pl.Series(name, texts, dtype=pl.String))
    return frame


def _lacking(changed: pl.DataFrame, whole: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """One in three products as it was, but without one of its texts; where it has one text only, as `changed`."""
    fields = [name for name in TEXT if name in whole.columns and whole.schema[name] == pl.String]
    if len(fields) < 2:
        return changed
    lost = np.where(rng.random(len(whole)) < 1 / 3, rng.integers(len(fields), size=len(whole)), -1)
    known = whole.select((pl.col(name).fill_null("") != "").alias(name) for name in fields).to_numpy()
    lost[(lost >= 0) & (known.sum(axis=1) - known[np.arange(len(lost)), np.maximum(lost, 0)] < 1)] = -1
    spared = pl.Series(lost >= 0)
    for number, name in enumerate(fields):
        gone = pl.Series(lost == number)
        texts = pl.select(pl.when(spared).then(whole[name]).otherwise(changed[name])).to_series()
        changed = changed.with_columns(pl.select(pl.when(~gone).then(texts)).to_series().alias(name))
    return changed
