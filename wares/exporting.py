"""What a build knows, as tables for other programs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from wares.algorithm import Context
from wares.errors import SettingError, StoreError
from wares.opened import Opened

_NEIGHBOURS = 20
_RECOMMENDED = 20
_BLOCK = 1000  # rows asked at once


def export(now: Opened, folder: Path, form: Literal["parquet", "csv"] = "parquet") -> list[Path]:
    """Write products, clusters, neighbours, together, vectors and recommendations; returns the files.

    Each file is written beside its name and renamed, so none is ever half there. Raises StoreError where the folder is
    a file, SettingError for another form.
    """
    if form not in ("parquet", "csv"):
        raise SettingError(f"format {form!r}: allowed are 'parquet' and 'csv'")
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"{folder} is a file, not a folder to export into")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make the folder {folder}: {error.strerror}; name another place") from error
    return [_write(frame, folder / f"{name}.{form}", form) for name, frame in _tables(now)]


def _write(frame: pl.DataFrame, path: Path, form: str) -> Path:
    draft = path.with_name(f".{path.name}.tmp")
    if form == "parquet":
        frame.write_parquet(draft)
    else:
        lists = [name for name, kind in frame.schema.items() if isinstance(kind, (pl.List, pl.Array))]
        frame.with_columns(pl.col(name).cast(pl.List(pl.String)).list.join("; ") for name in lists).write_csv(draft)
    draft.replace(path)
    return path


def _tables(now: Opened) -> Iterator[tuple[str, pl.DataFrame]]:
    ids = now.shelf.shown.ids.series.to_numpy()
    place = np.asarray(now.shelf.place)
    labels = now.labels[place]
    # The last is for products in no cluster.
    names = np.array([*(each.name for each in now.clusters), None], object)
    products = now.shelf.products.scan.collect()
    yield (
        "products",
        products.with_columns(
            shown_as=pl.Series(ids[place], dtype=pl.String),
            cluster=pl.Series(now.cluster_ids[place]),
            cluster_name=pl.Series(names[labels].tolist(), dtype=pl.String),
        ),
    )
    yield "clusters", _clusters(now)
    yield "neighbours", _pairs(ids, *_neighbours(now))
    if now.together is not None:
        yield "together", _pairs(ids, np.asarray(now.together.rows_), np.asarray(now.together.scores_))
    yield "vectors", pl.DataFrame({"id": ids, "vector": np.asarray(now.vectors)})
    if len(now.shoppers):
        yield "recommendations", _recommendations(now, ids)


def _clusters(now: Opened) -> pl.DataFrame:
    """A row for each cluster; pairs of a name and a number as columns of names."""
    rows = [each.json() for each in now.clusters]
    for row in rows:
        row |= {name: [str(each[0]) for each in row[name]] for name in ("brands", "categories")}
        row["apart"] = [f"{column} {value}" for column, value, _ in row["apart"]]
        row["price_low"], row["price"], row["price_high"] = row.pop("prices") or (None, None, None)
    return pl.DataFrame(rows, infer_schema_length=None)


def _neighbours(now: Opened) -> tuple[Any, Any]:
    """Rows and scores, (n_shown, k) each, of the products nearest in the vectors; itself left out."""
    n = len(now.vectors)
    k = min(_NEIGHBOURS + 1, n)
    rows, scores = [], []
    for start in range(0, n, _BLOCK):
        found = now.index.search(np.asarray(now.vectors[start : start + _BLOCK]), k)
        itself = found.rows == np.arange(start, start + len(found))[:, None]
        rows.append(np.where(itself, -1, found.rows))
        scores.append(found.scores)
    return np.concatenate(rows), np.concatenate(scores)


def _pairs(ids: Any, rows: Any, scores: Any) -> pl.DataFrame:
    """One row for each product and its neighbour, best first."""
    owner, column = np.nonzero((rows >= 0) & (scores > 0))
    frame = pl.DataFrame(
        {"id": ids[owner], "neighbour": ids[rows[owner, column]], "score": scores[owner, column]},
        schema={"id": pl.String, "neighbour": pl.String, "score": pl.Float32},
    )
    return frame.with_columns(rank=pl.int_range(1, pl.len() + 1).over("id"))


def _recommendations(now: Opened, ids: Any) -> pl.DataFrame:
    """The best new products of each shopper."""
    parts = []
    names = now.shoppers.series
    for start in range(0, len(names), _BLOCK):
        block = now.history.take(slice(start, start + _BLOCK))
        at = np.full(len(block), now.end, np.int64)
        hits = now.recommender.recommend(block, _RECOMMENDED, context=Context(at=at))
        owner, column = np.nonzero(hits.rows >= 0)
        parts.append(
            pl.DataFrame(
                {
                    "shopper": names.gather(owner + start),
                    "rank": column + 1,
                    "product": ids[hits.rows[owner, column]],
                    "score": hits.scores[owner, column],
                },
                schema_overrides={"product": pl.String},
            )
        )
    return pl.concat(parts)
