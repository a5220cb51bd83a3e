import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from wares.errors import DataError
from wares.kernels.layout import settle
from wares.tasks.mapping import layout

MASK = 2**64 - 1


def plain_settle(bounds, others, chances, places, rounds, pushes, seed):
    """The same steps, one idea a line."""
    places, n = places.copy(), len(places)
    state = (seed * 2654435761 + 88172645463325252) & MASK

    def draw():
        nonlocal state
        state ^= (state << 13) & MASK
        state ^= state >> 7
        state = (state ^ (state << 17)) & MASK
        return state

    for turn in range(rounds):
        step = 1 - turn / rounds
        for i in range(n):
            for e in range(bounds[i], bounds[i + 1]):
                if (draw() >> 11) * 2.0**-53 >= chances[e]:
                    continue
                gap = places[i] - places[others[e]]
                pull = step * np.clip(-2 * gap / (1 + gap @ gap), -4, 4)
                places[i] += pull
                places[others[e]] -= pull
                for _ in range(pushes):
                    gap = places[i] - places[(draw() >> 32) * n >> 32]
                    places[i] += step * np.clip(2 * gap / ((1e-3 + gap @ gap) * (1 + gap @ gap)), -4, 4)
    return places


def clouds(n=300, groups=5, width=12, seed=0):
    rng = np.random.default_rng(seed)
    group = rng.integers(groups, size=n)
    return ((rng.normal(size=(groups, width)) * 6)[group] + rng.normal(size=(n, width))).astype(np.float32), group


@pytest.mark.parametrize("seed", [0, 7])
def test_points_settle_as_in_plain_numpy(seed):
    rng = np.random.default_rng(seed)
    bounds, others = np.array([0, 2, 3, 5, 6]), np.array([1, 2, 0, 0, 3, 2], np.int32)
    chances, places = rng.random(6), rng.normal(size=(4, 2))
    plain = plain_settle(bounds, others, chances, places, 20, 3, seed)
    settle(bounds, others, chances, places, 20, 3, seed)
    np.testing.assert_allclose(places, plain, rtol=1e-9)


def test_neighbours_stay_neighbours():
    data, group = clouds()
    places = layout(data)
    assert places.shape == (300, 2)
    assert places.dtype == np.float32
    np.testing.assert_allclose(places.mean(axis=0), 0, atol=1e-4)
    assert trustworthiness(data, places, n_neighbors=10) > 0.9
    gaps = np.linalg.norm(places[:, None] - places, axis=2) + np.where(np.eye(300), np.inf, 0)
    assert (group[gaps.argmin(axis=1)] == group).mean() > 0.99


def test_the_seed_decides():
    data, _ = clouds()
    np.testing.assert_array_equal(layout(data, seed=3), layout(data, seed=3))
    assert (layout(data, seed=3) != layout(data, seed=4)).any()


def test_identical_rows_lie_in_one_place():
    data, _ = clouds(n=60)
    places = layout(np.repeat(data, 3, axis=0))
    np.testing.assert_array_equal(places[::3], places[1::3])
    assert len(np.unique(places, axis=0)) == 60


@pytest.mark.parametrize(
    "table", [np.zeros((0, 3)), np.ones((1, 3)), np.ones((5, 3)), np.eye(2), [[1.0], [2.0], [9.0]]]
)
def test_few_rows_have_places(table):
    places = layout(np.asarray(table, np.float32))
    assert places.shape == (len(table), 2)
    assert np.isfinite(places).all()


@pytest.mark.parametrize("table", [np.array([1.0, 2.0]), np.array([[np.nan, 1.0]])])
def test_what_is_no_table_of_numbers_is_refused(table):
    with pytest.raises(DataError, match="finite"):
        layout(table)
