"""Exact and HNSW, beside float64 products of the same vectors."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.algorithm import Index
from wares.arrays import unit
from wares.data.hits import Hits
from wares.errors import DataError
from wares.index.exact import Exact
from wares.index.hnsw import HNSW
from wares.kernels import nearest


def cloud(n: int, width: int, seed: int = 0) -> NDArray[np.float32]:
    """Points around thirty centres, some of them twice."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(30, width))[rng.integers(30, size=n)] + 0.5 * rng.normal(size=(n, width))
    points[n // 2 : n // 2 + 5] = points[3]
    return unit(points.astype(np.float32))


def truth(vectors: NDArray[np.float32], query: NDArray[np.float32], k: int, allowed: NDArray[np.bool_]) -> list[int]:
    scores = vectors.astype(np.float64) @ query.astype(np.float64)
    order = [row for row in np.lexsort((np.arange(len(scores)), -np.round(scores, 9))).tolist() if allowed[row]]
    return order[:k]


@pytest.mark.parametrize("width", [1, 7, 64, 130])
def test_exact_is_exact_one_by_one_and_together(width: int) -> None:
    vectors = cloud(400, width)
    queries = cloud(20, width, seed=1) if width > 1 else vectors[:20]
    index = Exact().fit(vectors)
    together = index.search(queries, 12)
    for i in range(20):
        alone = index.search(queries[i : i + 1], 12)
        assert alone.rows[0].tolist() == together.rows[i].tolist()
        # The same bits, however the rows were found.
        assert alone.scores[0].tobytes() == together.scores[i].tobytes()
        best = np.sort(vectors.astype(np.float64) @ queries[i].astype(np.float64))[::-1][:12]
        assert np.allclose(together.scores[i], best, atol=1e-6)


def test_equal_vectors_come_in_row_order() -> None:
    vectors = cloud(400, 16)
    assert Exact().fit(vectors).search(vectors[3:4], 6).rows[0].tolist() == [3, 200, 201, 202, 203, 204]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(0, 20), st.floats(0, 1))
def test_exact_keeps_to_what_is_allowed(seed: int, n: int, k: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    # Not unit rows: the bound must hold for any length.
    vectors = (rng.normal(size=(n, 5)) * rng.exponential(3, size=(n, 1))).astype(np.float32)
    query = rng.normal(size=(1, 5)).astype(np.float32) * 4
    allowed = rng.random(n) < share
    hits = Exact().fit(vectors).search(query, k, allowed=allowed)
    rows = hits.rows[0][hits.rows[0] >= 0].tolist()
    assert hits.rows.shape == (1, k)
    assert rows == truth(vectors, query[0], k, allowed)


@settings(deadline=None, max_examples=100)
@given(
    st.integers(0, 10_000), st.integers(1, 700), st.integers(1, 40), st.sampled_from([1.0, 0.3, 0.05]), st.booleans()
)
def test_a_scan_of_some_columns_answers_as_all_of_them(
    seed: int, n: int, width: int, filled: float, some: bool
) -> None:
    rng = np.random.default_rng(seed)
    # Columns of very different weight, some empty; rows of different lengths, some twice; a query of few columns.
    columns = 10.0 ** rng.uniform(-4, 1, size=width) * (rng.random(width) < 0.9)
    vectors = (rng.standard_t(2, size=(n, width)) * columns * (rng.random((n, width)) < filled)).astype(np.float32)
    vectors[n // 2 :] = vectors[: n - n // 2]
    query = (rng.normal(size=width) * 10.0 ** rng.uniform(-3, 1, size=width) * (rng.random(width) < 0.7)).astype(
        np.float32
    )
    allowed = rng.random(n) < rng.random() if some else None
    k = int(rng.integers(1, 12))
    rows = np.arange(n) if allowed is None else np.flatnonzero(allowed)
    wanted = nearest.rescored(vectors, rows, query, k)
    hits = Exact().fit(vectors).search(query[None], k, allowed=allowed)
    assert hits.rows[0].tolist() == wanted[0].tolist()
    assert hits.scores[0].tobytes() == wanted[1].tobytes()


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 300), st.integers(0, 300))
def test_the_greatest_score_is_that_of_all_rows(seed: int, n: int, out: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, query = rng.normal(size=(2, n, 24)).astype(np.float32)[0], rng.normal(size=24).astype(np.float32)
    left_out = rng.choice(n, min(out, n), replace=False)
    scores = nearest.scored(vectors, np.arange(n), query)
    scores[left_out] = -np.inf
    assert nearest.greatest(vectors, nearest.quantise(vectors), query, left_out) == scores.max()


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 10_000), st.integers(1, 400), st.integers(1, 60), st.floats(-1.2, 1.2))
def test_what_is_above_a_floor_is_not_missed(seed: int, n: int, k: int, least: float) -> None:
    rng = np.random.default_rng(seed)
    vectors = unit(rng.normal(size=(n, 24)).astype(np.float32) * rng.random(24).astype(np.float32) ** 3)
    vectors[rng.integers(n, size=n // 3)] = vectors[0]  # many alike
    index, query = Exact().fit(vectors), unit(rng.normal(size=(1, 24)).astype(np.float32))
    all_of_them, some = index.search(query, k), index.search(query, k, least=least)
    above = all_of_them.scores[0] >= least
    m = int(above.sum())
    assert some.rows[0, :m].tolist() == all_of_them.rows[0][above].tolist()
    assert some.scores[0, :m].tolist() == all_of_them.scores[0][above].tolist()
    assert (some.scores[0, m:] < least).all()


def test_codes_are_off_by_no_more_than_they_say() -> None:
    vectors = cloud(500, 24) * 10.0 ** np.linspace(-3, 1, 24, dtype=np.float32)
    vectors[:, 5] = 0
    known = nearest.quantise(vectors)
    off = vectors - (known.codes * known.scales[:, None]).T
    assert (np.linalg.norm(off.astype(np.float64), axis=1) <= known.errors).all()
    assert known.errors.max() < 0.05 * known.longest
    assert known.longest >= np.linalg.norm(vectors, axis=1).max()


def test_exact_takes_sparse_vectors() -> None:
    vectors = cloud(60, 8)
    vectors[vectors < 0.2] = 0
    queries = vectors[:3]
    dense = Exact().fit(vectors).search(queries, 5)
    for given_ in (queries, csr_array(queries)):
        sparse = Exact().fit(csr_array(vectors)).search(given_, 5)
        assert sparse.rows.tolist() == dense.rows.tolist()
        assert np.allclose(sparse.scores, dense.scores, atol=1e-6)


def recall(found: Hits, wanted: Hits) -> float:
    return float(
        np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found.rows.tolist(), wanted.rows.tolist(), strict=True)])
    )


def test_hnsw_misses_little_and_scores_exactly() -> None:
    vectors = cloud(3_000, 32)
    exact, graph = Exact().fit(vectors), HNSW().fit(vectors)
    wanted, found = exact.search(vectors[:100], 10), graph.search(vectors[:100], 10)
    assert recall(found, wanted) > 0.97
    assert (found.rows[:, 0] == wanted.rows[:, 0]).all()
    assert np.array_equal(found.scores[:, 0], wanted.scores[:, 0])
    assert np.array_equal(HNSW().fit(vectors).graph_, graph.graph_)


def test_a_narrow_filter_empties_no_answer() -> None:
    vectors = cloud(3_000, 32)
    exact = Exact().fit(vectors)
    far = vectors @ vectors[0] < np.quantile(vectors @ vectors[0], 0.02)  # what the query is not near to
    wanted = exact.search(vectors[:1], 20, allowed=far)
    assert HNSW().fit(vectors).search(vectors[:1], 20, allowed=far).rows.tolist() == wanted.rows.tolist()
    walked = HNSW(exact_below=0).fit(vectors).search(vectors[:1], 20, allowed=far)
    assert recall(walked, wanted) > 0.9
    none = np.zeros(3_000, np.bool_)
    assert (HNSW().fit(vectors).search(vectors[:1], 3, allowed=none).rows == -1).all()
    assert (exact.search(vectors[:1], 3, allowed=none).rows == -1).all()


@pytest.mark.parametrize("index", [Exact(), HNSW()])
def test_saved_loaded_and_copied(index: Index, tmp_path: Path) -> None:
    vectors = cloud(300, 16)
    index.fit(vectors)
    wanted = index.search(vectors[:9], 7)
    index.save(tmp_path / "index")
    for other in (type(index).load(tmp_path / "index"), pickle.loads(pickle.dumps(index))):
        found = other.search(vectors[:9], 7)
        assert found.rows.tobytes() == wanted.rows.tobytes()
        assert found.scores.tobytes() == wanted.scores.tobytes()


@pytest.mark.parametrize("index", [Exact(), HNSW()])
def test_odd_sizes_and_bad_input(index: Index) -> None:
    few = cloud(10, 4)[:3]
    hits = index.fit(few).search(few[:1], 5)
    assert sorted(hits.rows[0].tolist()) == [-1, -1, 0, 1, 2]
    assert index.search(few[:0], 5).rows.shape == (0, 5)
    assert (index.fit(few[:0]).search(few[:1], 2).rows == -1).all()
    index.fit(few)
    with pytest.raises(DataError, match="expected"):
        index.search(np.ones((1, 9), np.float32), 2)
    with pytest.raises(DataError):
        index.fit(np.array([[np.nan, 1.0]], np.float32))
    with pytest.raises(DataError):
        index.fit(np.ones(4, np.float32))


def test_hnsw_refuses_sparse_vectors() -> None:
    with pytest.raises(DataError, match="dense"):
        HNSW().fit(csr_array(np.eye(3, dtype=np.float32)))
