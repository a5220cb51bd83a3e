"""A re-fit from the last centres: as good as a fresh one, and nearly every product where it was."""

import numpy as np
import pytest

from wares.arrays import unit
from wares.cluster.kmeans import KMeans
from wares.tasks.following import follow
from wares.tasks.holding import departments, hold

K, WIDTH = 12, 20


def products(seed: int, n: int, kinds: range = range(K)) -> np.ndarray:
    """Unit rows about points of which there are K, and one more of a kind that is not there at first."""
    points = unit(np.random.default_rng(3).normal(size=(K + 1, WIDTH)))
    rng = np.random.default_rng(seed)
    return unit(
        (points[rng.integers(kinds.start, kinds.stop, n)] + rng.normal(scale=0.25, size=(n, WIDTH))).astype("f4")
    )


@pytest.fixture(scope="module")
def last() -> KMeans:
    return KMeans(n_clusters=K, seed=1).fit(products(0, 3000))


def rebuilt(last: KMeans, new: np.ndarray):
    X = np.concatenate([products(0, 3000), new])
    before = np.concatenate([last.labels_, np.full(len(new), -1)])
    fresh = KMeans(n_clusters=K, seed=2).fit(X)
    held = hold(fresh, X, before, np.asarray(last.cluster_centers_))
    return fresh, held, follow(before, np.asarray(held.model.labels_), list(range(K)), K)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_five_percent_more_of_the_same_leave_nearly_all_where_they_were(last: KMeans, seed: int):
    fresh, held, found = rebuilt(last, products(seed, 150))
    assert held.held
    assert held.model.inertia_ <= 1.01 * fresh.inertia_
    assert found.kept >= 0.95
    assert found.changes == []


def test_a_new_department_gets_a_cluster_of_its_own_and_nothing_else_is_told(last: KMeans):
    _, held, found = rebuilt(last, products(4, 150, range(K, K + 1)))
    assert held.held
    assert [(each.kind, each.now) for each in found.changes] == [("birth", (K,))]
    assert found.changes[0].products >= 140
    assert found.kept >= 0.95


def test_more_of_the_same_is_no_department(last: KMeans):
    X = np.concatenate([products(0, 3000), products(5, 150)])
    before = np.concatenate([last.labels_, np.full(150, -1)])
    assert departments(last, X, before, np.asarray(last.cluster_centers_)).shape == (0, WIDTH)


def test_centres_that_do_not_suit_any_more_are_given_up(last: KMeans):
    X = products(0, 3000)
    fresh = KMeans(n_clusters=K, seed=2).fit(X)
    nonsense = np.asarray(last.cluster_centers_)[[0] * K] + np.eye(K, WIDTH, dtype=np.float32) * 1e-4
    held = hold(fresh, X, np.asarray(last.labels_), nonsense)
    assert held.model.inertia_ <= 1.01 * fresh.inertia_


def test_another_number_of_clusters_is_a_new_start(last: KMeans):
    X = products(0, 3000)
    fresh = KMeans(n_clusters=40, seed=2).fit(X)
    held = hold(fresh, X, np.asarray(last.labels_), np.asarray(last.cluster_centers_))
    assert not held.held
    assert "40 clusters suit it now" in held.reason


def test_a_number_asked_for_is_kept_to(last: KMeans):
    X = products(0, 3000)
    fresh = KMeans(n_clusters=10, seed=2).fit(X)
    held = hold(fresh, X, np.asarray(last.labels_), np.asarray(last.cluster_centers_), k=10)
    assert not held.held
    assert "10 clusters are asked for, there were 12" in held.reason


def test_an_exchanged_catalog_is_a_new_start(last: KMeans):
    X = products(9, 500)
    fresh = KMeans(n_clusters=K, seed=2).fit(X)
    held = hold(fresh, X, np.full(500, -1), np.asarray(last.cluster_centers_))
    assert not held.held
    assert follow(np.full(500, -1), np.asarray(fresh.labels_), list(range(K)), K).kept == 0
