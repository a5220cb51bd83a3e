import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from wares.data.hits import Hits
from wares.data.ids import Ids

FEW = st.sampled_from([-np.inf, -1.0, 0.0, -0.0, 0.5, 1.0, np.inf, np.nan])
"""Few values, so that ties are many."""
TABLES = arrays(np.float32, array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=12), elements=FEW)


def plain(scores, k):
    """The k best of a row by sorting: the oracle."""
    real = [(-score, row) for row, score in enumerate(scores) if not np.isnan(score) and score != -np.inf]
    return [row for _, row in sorted(real)[:k]]


@given(TABLES, st.integers(0, 15))
@settings(deadline=None, max_examples=100)
def test_top_is_what_sorting_gives(scores, k):
    hits = Hits.top(scores, k)
    assert hits.rows.shape == hits.scores.shape == (len(scores), k)
    assert hits.rows.dtype == np.int64
    assert hits.scores.dtype == np.float32
    for row, found, told in zip(scores, hits.rows, hits.scores, strict=True):
        best = plain(row, k)
        assert found.tolist() == best + [-1] * (k - len(best))
        assert told[: len(best)].tolist() == row[best].tolist()
        assert np.isneginf(told[len(best) :]).all()


@given(TABLES, st.integers(1, 6))
@settings(deadline=None, max_examples=100)
def test_merging_parts_is_as_having_asked_the_whole(scores, k):
    half = scores.shape[1] // 2
    left, right = Hits.top(scores[:, :half], k), Hits.top(scores[:, half:], k)
    moved = Hits(np.where(right.rows >= 0, right.rows + half, -1), right.scores)
    for parts in ([left, moved], [moved, left]):
        merged, whole = Hits.merge(parts, k), Hits.top(scores, k)
        assert np.array_equal(merged.rows, whole.rows)
        assert np.array_equal(merged.scores, whole.scores)


@given(TABLES, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=100)
def test_ordered_does_not_mind_the_order_of_candidates(scores, rng):
    columns = list(range(scores.shape[1]))
    rng.shuffle(columns)
    rows = np.tile(np.array(columns, np.int64), (len(scores), 1)).reshape(scores.shape)
    got, want = Hits.ordered(rows, scores[:, columns], 4), Hits.top(scores, 4)
    assert np.array_equal(got.rows, want.rows)
    assert np.array_equal(got.scores, want.scores)


def test_ties_go_to_the_lower_row_and_nothing_is_minus_one():
    scores = np.array([[1, 3, 3, 2, 3], [-np.inf, np.nan, -np.inf, 0, -np.inf]], np.float32)
    hits = Hits.top(scores, 3)
    assert hits.rows.tolist() == [[1, 2, 4], [3, -1, -1]]
    assert hits.k == 3
    assert len(hits) == 2


def test_doubles_and_views_are_read():
    scores = np.asfortranarray(np.array([[1.0, 5.0, 3.0], [9.0, 2.0, 4.0]]))
    assert Hits.top(scores, 2).rows.tolist() == [[1, 2], [0, 2]]
    assert Hits.top(scores[:, ::-1], 1).rows.tolist() == [[1], [2]]


def test_rows_of_minus_one_are_ignored():
    hits = Hits.ordered(np.array([[4, -1, 2]]), np.array([[1.0, 9.0, 3.0]]), 3)
    assert hits.rows.tolist() == [[2, 4, -1]]
    assert hits.scores.tolist() == [[3.0, 1.0, -np.inf]]


def test_named_leaves_empty_places_out():
    hits = Hits(np.array([[1, 0, -1]]), np.array([[0.5, 0.25, -np.inf]], np.float32))
    assert hits.named(Ids(["shoe", "mug"])) == [[("mug", 0.5), ("shoe", 0.25)]]
    assert Hits.none(2, 3).named(Ids(["shoe"])) == [[], []]


@pytest.mark.parametrize("k", [0, 1, 5])
def test_no_queries_and_no_rows(k):
    assert Hits.top(np.zeros((0, 4), np.float32), k).rows.shape == (0, k)
    assert (Hits.top(np.zeros((3, 0), np.float32), k).rows == -1).all()
