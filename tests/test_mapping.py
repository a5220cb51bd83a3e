"""The map puts like products near each other, and the kernel does what plain numpy does."""

import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from wares.arrays import unit
from wares.kernels.layout import plain, spread
from wares.tasks.mapping import layout


def blobs(n: int = 600, width: int = 16, groups: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    centers = unit(rng.normal(size=(groups, width)))
    labels = np.arange(n) % groups
    return unit((centers[labels] + rng.normal(scale=0.12, size=(n, width))).astype(np.float32)), labels


def test_kernel_is_what_plain_numpy_does():
    rng = np.random.default_rng(1)
    places = rng.normal(size=(12, 2)).astype(np.float32)
    rows = np.array([[(i + 1) % 12, (i + 5) % 12, -1 if i % 3 == 0 else (i + 7) % 12] for i in range(12)], np.int32)
    weights = rng.random((12, 3)).astype(np.float32)
    expected = plain(places, rows, weights, 3, 88172645463325252)
    spread(places, rows, weights, 3, np.uint64(88172645463325252))
    assert places == pytest.approx(expected, abs=1e-4)


def test_neighbours_stay_neighbours():
    vectors, labels = blobs()
    found = layout(vectors)
    assert found.shape == (600, 2)
    assert np.isfinite(found).all()
    assert trustworthiness(vectors, found, n_neighbors=10) > 0.9
    near = np.argsort(((found[:, None] - found) ** 2).sum(axis=2), axis=1)[:, 1:6]
    assert (labels[near] == labels[:, None]).mean() > 0.95


def test_the_same_rows_lie_the_same_way():
    vectors, _ = blobs(120)
    assert np.array_equal(layout(vectors, seed=3), layout(vectors, seed=3))
    assert not np.array_equal(layout(vectors, seed=3), layout(vectors, seed=4))


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5])
def test_few_products_have_places(n: int):
    found = layout(blobs(8)[0][:n])
    assert found.shape == (n, 2)
    assert np.isfinite(found).all()


def test_equal_and_empty_rows_have_places():
    assert np.isfinite(layout(np.ones((30, 4), np.float32))).all()
    assert np.isfinite(layout(np.zeros((30, 4), np.float32))).all()
    assert np.isfinite(layout(np.ones((30, 1), np.float32))).all()
