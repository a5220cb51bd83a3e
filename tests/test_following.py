"""Clusters keep their ids from build to build, and what happened to them is told."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wares.errors import DataError
from wares.tasks.following import first, follow


def labels(*sizes: int) -> np.ndarray:
    return np.repeat(np.arange(len(sizes)), sizes)


def told(found) -> list[tuple]:
    return [(each.kind, each.before, each.now) for each in found.changes]


def test_the_same_clusters_in_another_order_keep_their_ids():
    before = labels(30, 20, 10)
    now = np.array([2, 0, 1])[before]
    found = follow(before, now, ids=[7, 4, 9], next_id=12)
    assert found.ids == [4, 9, 7]
    assert (found.kept, found.next_id, found.changes) == (1.0, 12, [])


def test_a_split_keeps_the_id_with_the_larger_part():
    before = labels(100, 50)
    now = before.copy()
    now[:40] = 2
    found = follow(before, now, [0, 1], 2)
    assert found.ids == [0, 1, 2]
    assert told(found) == [("split", (0,), (0, 2))]
    assert found.kept == pytest.approx(110 / 150)


def test_what_splits_off_is_told_however_small():
    before = labels(200, 50)
    now = before.copy()
    now[:9] = 2
    assert told(follow(before, now, [0, 1], 2)) == [("split", (0,), (0, 2))]
    assert told(follow(now, before, [0, 1, 2], 3)) == [("merge", (0, 2), (0,))]


def test_a_merge_keeps_the_id_of_the_larger():
    before = labels(100, 60, 50)
    now = np.array([0, 0, 1])[before]
    found = follow(before, now, [5, 6, 8], 9)
    assert found.ids == [5, 8]
    assert told(found) == [("merge", (5, 6), (5,))]


def test_new_products_of_a_kind_are_born_and_what_left_has_died():
    before = np.concatenate([labels(100, 60), np.full(30, -1)])
    now = np.concatenate([labels(100, 60), np.full(30, 2)])
    found = follow(before, now, [0, 1, 2], 3, sizes_before=[100, 60, 45])
    assert found.ids == [0, 1, 3]
    assert told(found) == [("death", (2,), ()), ("birth", (), (3,))]
    assert [each.products for each in found.changes] == [45, 30]


def test_a_cluster_of_mostly_new_products_is_born_not_split_off():
    before = np.concatenate([labels(100, 100), np.full(60, -1)])
    now = np.concatenate([labels(100, 100), np.full(60, 2)])
    now[:25] = 2
    assert told(follow(before, now, [0, 1], 2)) == [("birth", (), (2,))]


def test_a_cluster_scattered_over_the_others_has_died_and_nothing_else_happened():
    before = labels(100, 100, 100, 20)
    now = before.copy()
    now[300:] = np.arange(20) % 3
    assert told(follow(before, now, [0, 1, 2, 3], 4)) == [("death", (3,), ())]


def test_a_few_products_that_move_are_no_change():
    before = labels(100, 100)
    now = before.copy()
    now[:8] = 1
    found = follow(before, now, [0, 1], 2)
    assert found.changes == []
    assert found.kept == pytest.approx(192 / 200)


def test_first_ids_count_from_zero():
    assert first(3).ids == [0, 1, 2]
    assert first(3).next_id == 3


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(DataError, match="one of each"):
        follow(labels(3), labels(2), [0], 1)
    with pytest.raises(DataError, match="2 ids"):
        follow(labels(1, 1, 1), labels(3), [0, 1], 2)


def test_nothing_before_gives_births():
    found = follow(np.full(5, -1), labels(5), [], 0)
    assert found.ids == [0]
    assert told(found) == [("birth", (), (0,))]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(-1, 4), st.integers(-1, 5)), max_size=60))
def test_ids_are_distinct_and_none_is_given_twice(rows):
    before = np.array([each[0] for each in rows], np.int64)
    now = np.array([each[1] for each in rows], np.int64)
    found = follow(before, now, [3, 1, 4, 8, 5], 9)
    assert len(found.ids) == now.max(initial=-1) + 1
    assert len(set(found.ids)) == len(found.ids)
    fresh = [each for each in found.ids if each >= 9]
    assert fresh == list(range(9, found.next_id))
    assert 0 <= found.kept <= 1
