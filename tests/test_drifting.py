"""Drift is told for a new department and not for more of the same."""

import numpy as np
import pytest

from wares.arrays import unit
from wares.errors import DataError
from wares.tasks.drifting import Drift, limit_of, means

N_CENTERS, WIDTH = 8, 24


def catalog(seed: int, n: int, centers: range = range(N_CENTERS)) -> tuple[np.ndarray, np.ndarray]:
    points = unit(np.random.default_rng(7).normal(size=(N_CENTERS + 1, WIDTH)))
    rng = np.random.default_rng(seed)
    labels = rng.integers(centers.start, centers.stop, n)
    return unit((points[labels] + rng.normal(scale=0.12, size=(n, WIDTH))).astype(np.float32)), labels


@pytest.fixture(scope="module")
def fitted() -> tuple[np.ndarray, float]:
    vectors, labels = catalog(0, 3000)
    centers = means(vectors, labels)
    return centers, limit_of(vectors, labels, centers)


def test_means_are_of_the_members():
    found = means(np.array([[1, 0], [3, 0], [0, 5], [9, 9]], np.float32), np.array([0, 0, 1, -1]))
    assert found.tolist() == [[2, 0], [0, 5]]


@pytest.mark.parametrize("seed", range(1, 21))
def test_five_thousand_of_the_same_mix_are_no_drift(fitted, seed):
    drift = Drift(*fitted)
    drift.observe(catalog(seed, 5000)[0])
    assert not drift.due
    assert drift.json()["far_share"] == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize("seed", range(1, 21))
def test_a_new_department_is_told_within_500(fitted, seed):
    drift = Drift(*fitted)
    drift.observe(catalog(seed, 1000)[0])
    drift.observe(catalog(seed, 500, range(N_CENTERS, N_CENTERS + 1))[0])
    assert drift.due


def test_what_came_is_placed_and_its_centre_seen_to_move(fitted):
    drift = Drift(*fitted)
    vectors, labels = catalog(3, 400)
    found, gaps = drift.observe(vectors)
    assert (found == labels).mean() > 0.99
    assert gaps == pytest.approx(((vectors - fitted[0][found]) ** 2).sum(axis=1), rel=1e-5)
    same = drift.movement().max()
    drift.observe(unit(fitted[0][2] + np.eye(WIDTH, dtype=np.float32)[:1] * 0.3).repeat(60, axis=0))
    assert drift.json()["most_moved"]["cluster"] == 2
    assert drift.movement()[2] > 2 * same


def test_one_by_one_is_as_all_at_once(fitted):
    vectors, _ = catalog(5, 300)
    whole, single = Drift(*fitted), Drift(*fitted)
    whole.observe(vectors)
    for row in range(300):
        single.observe(vectors[row : row + 1])
    assert (single.n, single.far, single.score) == (300, whole.far, pytest.approx(whole.score))
    assert single.movement() == pytest.approx(whole.movement())


def test_another_width_and_no_clusters_are_refused(fitted):
    with pytest.raises(DataError, match="width 3"):
        Drift(*fitted).observe(np.ones((1, 3), np.float32))
    with pytest.raises(DataError, match="no product is in a cluster"):
        limit_of(np.ones((2, 2), np.float32), np.array([-1, -1]), np.ones((1, 2), np.float32))
