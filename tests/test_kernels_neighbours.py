import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wares.errors import SettingError
from wares.kernels import cells, neighbours
from wares.kernels.kmeans import work

SMALL_NUMBERS = st.sampled_from([-3.0, -1.5, -0.0, 0.0, 0.25, 1.0, 2.0])
TABLES = st.tuples(st.integers(0, 40), st.integers(1, 4)).flatmap(
    lambda shape: arrays(np.float32, shape, elements=SMALL_NUMBERS)
)


def clouds(n=3000, width=8, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(60, width)) * 3)[rng.integers(60, size=n)].astype(np.float32) + rng.normal(
        size=(n, width)
    ).astype(np.float32)


def found(rows, truth):
    return (rows[:, :, None] == truth[:, None, :]).any(axis=2).mean()


@pytest.fixture
def many(monkeypatch):
    """A few hundred rows are many: they go into cells."""
    monkeypatch.setattr(neighbours, "SMALL", 50)


@settings(deadline=None, max_examples=60)
@given(vectors=TABLES, k=st.integers(0, 9))
def test_every_row_is_compared_with_every_other_as_in_plain_numpy(vectors, k):
    rows, distances = neighbours.neighbours(vectors, k)
    same_rows, same_distances = neighbours.exact(vectors, k)
    assert rows.dtype == np.int32
    assert distances.dtype == np.float32
    np.testing.assert_allclose(distances, same_distances, rtol=1e-6)
    # Among rows at the distance of the last place, either may stand there.
    inner = distances < distances[:, -1:] if k else distances > 0
    np.testing.assert_array_equal(rows[inner], same_rows[inner])


@pytest.mark.usefixtures("many")
def test_most_neighbours_are_found_among_many():
    vectors = clouds()
    truth, gaps = neighbours.exact(vectors, 10)
    for recall in (0.9, 0.99):
        rows, distances = neighbours.neighbours(vectors, 10, recall=recall)
        assert found(rows, truth) >= recall - neighbours.SLACK
        assert (rows != np.arange(len(rows))[:, None]).all()
        assert all(len(set(row)) == 10 for row in rows.tolist())
        assert (np.diff(distances, axis=1) >= 0).all()
        assert (distances >= gaps - 1e-5).all()
    rows, distances = neighbours.neighbours(vectors, 10, recall=1)
    np.testing.assert_allclose(distances, gaps, rtol=1e-5)


@pytest.mark.usefixtures("many")
def test_where_cells_say_little_it_looks_into_more():
    """Noise in 30 dimensions: the preset finds far too few."""
    noise = np.random.default_rng(0).normal(size=(2000, 30)).astype(np.float32)
    rows, _ = neighbours.neighbours(noise, 10)
    assert found(rows, neighbours.exact(noise, 10)[0]) >= 0.95 - 2 * neighbours.SLACK


@pytest.mark.usefixtures("many")
def test_where_cells_say_nothing_every_row_is_compared_with_every_other(monkeypatch):
    monkeypatch.setattr(neighbours, "MOST", 4)
    noise = np.random.default_rng(0).normal(size=(500, 60)).astype(np.float32)
    np.testing.assert_array_equal(neighbours.neighbours(noise, 10)[0], neighbours.exact(noise, 10)[0])


@pytest.mark.usefixtures("many")
def test_copies_come_first_and_count():
    vectors = np.repeat(clouds(n=200), 6, axis=0)
    rows, distances = neighbours.neighbours(vectors, 8, recall=0.99)
    assert (distances[:, :5] == 0).all()
    assert (distances[:, 5:] > 0).all()
    np.testing.assert_array_equal(rows[:, :5] // 6, np.repeat(np.arange(len(rows)) // 6, 5).reshape(-1, 5))
    assert (np.diff(rows[:, :5], axis=1) > 0).all()  # ties go to the lower row


@pytest.mark.usefixtures("many")
def test_the_answer_depends_on_the_seed_and_not_on_the_threads(monkeypatch):
    vectors = clouds()
    one = neighbours.neighbours(vectors, 5, seed=3)
    monkeypatch.setattr(neighbours, "work", lambda: work(4))
    np.testing.assert_array_equal(one, neighbours.neighbours(vectors, 5, seed=3))
    np.testing.assert_array_equal(one[0], neighbours.neighbours(np.asfortranarray(vectors), 5, seed=3)[0])
    assert (one[0] != neighbours.neighbours(vectors, 5, seed=4)[0]).any()


@pytest.mark.usefixtures("many")
def test_far_from_the_origin_close_points_are_told_apart():
    vectors = clouds(n=400, width=3)
    far = (np.round(vectors, 3) + 4096).astype(np.float32)
    distances = neighbours.neighbours(far, 4, recall=1)[1]
    np.testing.assert_allclose(distances, neighbours.exact(far, 4)[1], rtol=1e-5)


@pytest.mark.parametrize("recall", [0, -1, 1.1, float("nan")])
def test_a_share_is_asked_for(recall):
    with pytest.raises(SettingError, match="recall"):
        neighbours.neighbours(np.eye(3, dtype=np.float32), 1, recall=recall)


def test_one_column_two_rows_and_rows_all_alike():
    rows, distances = neighbours.neighbours(np.array([[5.0], [1.0], [2.0]], np.float32), 2)
    assert rows.tolist() == [[2, 1], [2, 0], [1, 0]]
    assert distances.tolist() == [[3, 4], [1, 4], [1, 3]]
    rows, distances = neighbours.neighbours(np.zeros((4, 2), np.float32), 2)
    assert rows.tolist() == [[1, 2], [0, 2], [0, 1], [0, 1]]
    assert not distances.any()
    rows, distances = neighbours.neighbours(np.zeros((2, 2), np.float32), 3)
    assert rows.tolist() == [[1, -1, -1], [0, -1, -1]]
    assert distances.tolist() == [[0, np.inf, np.inf]] * 2


def test_who_has_me_for_a_neighbour():
    graph = np.array([[1, 2], [2, 3], [1, 0], [2, 1]], np.int32)
    assert cells.turned(graph, 2).tolist() == [[2, -1], [0, 2], [1, 3], [1, -1]]
