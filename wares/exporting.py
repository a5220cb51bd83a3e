"""What a build knows, as tables for other programs."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from wares.algorithm import Context
from wares.errors import SettingError, StoreError
from wares.opened import Opened
from wares.tasks.similar import Together

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
    return [_write(frames, folder / f"{name}.{form}", form) for name, frames in _tables(now)]


def _write(frames: Iterable[pl.DataFrame], path: Path, form: str) -> Path:
    """Write a table that comes in parts, so that it is never held whole."""
    draft = path.with_name(f".{path.name}.tmp")
    if form == "parquet":
        _write_parquet(frames, draft)
    else:
        with draft.open("wb") as file:
            for number, frame in enumerate(frames):
                lists = [name for name, kind in frame.schema.items() if isinstance(kind, (pl.List, pl.Array))]
                plain = frame.with_columns(pl.col(name).cast(pl.List(pl.String)).list.join("; ") for name in lists)
                plain.write_csv(file, include_header=number == 0)
    draft.replace(path)
    return path


def _write_parquet(frames: Iterable[pl.DataFrame], path: Path) -> None:
    writer: Any = None
    try:
        for frame in frames:
            table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
            if writer is None:
                writer = pq.ParquetWriter(path, table.schema, compression="zstd")
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()


def _tables(now: Opened) -> Iterator[tuple[str, Iterable[pl.DataFrame]]]:
    ids = now.shelf.shown.ids.series
    yield "products", _products(now, ids)
    yield "clusters", [_clusters(now)]
    yield "neighbours", _neighbours(now, ids)
    if now.together is not None:
        yield "together", _together(now.together, ids)
    yield "vectors", _vectors(now, ids)
    if len(now.shoppers):
        yield "recommendations", _recommendations(now, ids)


def _products(now: Opened, ids: pl.Series) -> Iterator[pl.DataFrame]:
    # The last is for products in no cluster.
    names = pl.Series([*(each.name for each in now.clusters), None], dtype=pl.String)
    start = 0
    for piece in now.shelf.products.pieces():
        place = np.asarray(now.shelf.place[start : start + len(piece)])
        frame = piece.scan.collect().with_columns(
            shown_as=ids.gather(place),
            cluster=pl.Series(now.cluster_ids[place]),
            cluster_name=names.gather(np.asarray(now.labels[place]) % len(names)),
        )
        if now.categories is not None:
            found = now.categories[place]
            frame = frame.with_columns(category_found=found["path"], category_probability=found["probability"])
        yield frame
        start += len(piece)


def _vectors(now: Opened, ids: pl.Series) -> Iterator[pl.DataFrame]:
    for start in range(0, len(now.vectors), _BLOCK):
        some = np.asarray(now.vectors[start : start + _BLOCK])
        yield pl.DataFrame({"id": ids[start : start + _BLOCK], "vector": some})


def _clusters(now: Opened) -> pl.DataFrame:
    """A row for each cluster; pairs of a name and a number as columns of names."""
    rows = [each.json() for each in now.clusters]
    for row in rows:
        row |= {name: [str(each[0]) for each in row[name]] for name in ("brands", "categories")}
        row["apart"] = [f"{column} {value}" for column, value, _ in row["apart"]]
        row["price_low"], row["price"], row["price_high"] = row.pop("prices") or (None, None, None)
    return pl.DataFrame(rows, infer_schema_length=None)


def _neighbours(now: Opened, ids: pl.Series) -> Iterator[pl.DataFrame]:
    """The products nearest in the vectors; itself left out."""
    n = len(now.vectors)
    k = min(_NEIGHBOURS + 1, n)
    for start in range(0, n, _BLOCK):
        found = now.index.search(np.asarray(now.vectors[start : start + _BLOCK]), k)
        itself = found.rows == np.arange(start, start + len(found))[:, None]
        yield _pairs(ids, start, np.where(itself, -1, found.rows), found.scores)


def _together(together: Together, ids: pl.Series) -> Iterator[pl.DataFrame]:
    for start in range(0, len(together.rows_), _BLOCK):
        part = slice(start, start + _BLOCK)
        yield _pairs(ids, start, np.asarray(together.rows_[part]), np.asarray(together.scores_[part]))


def _pairs(ids: pl.Series, start: int, rows: Any, scores: Any) -> pl.DataFrame:
    """One row for each product, the first of them at `start`, and its neighbour, best first."""
    owner, column = np.nonzero((rows >= 0) & (scores > 0))
    frame = pl.DataFrame(
        {
            "id": ids.gather(owner + start),
            "neighbour": ids.gather(rows[owner, column]),
            "score": scores[owner, column],
        },
        schema={"id": pl.String, "neighbour": pl.String, "score": pl.Float32},
    )
    return frame.with_columns(rank=pl.int_range(1, pl.len() + 1).over("id"))


def _recommendations(now: Opened, ids: pl.Series) -> Iterator[pl.DataFrame]:
    """The best new products of each shopper."""
    names = now.shoppers.series
    for start in range(0, len(names), _BLOCK):
        block = now.history.take(slice(start, start + _BLOCK))
        at = np.full(len(block), now.end, np.int64)
        hits = now.recommender.recommend(block, _RECOMMENDED, context=Context(at=at))
        owner, column = np.nonzero(hits.rows >= 0)
        yield pl.DataFrame(
            {
                "shopper": names.gather(owner + start),
                "rank": column + 1,
                "product": ids.gather(hits.rows[owner, column]),
                "score": hits.scores[owner, column],
            },
            schema_overrides={"product": pl.String},
        )
