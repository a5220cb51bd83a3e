"""Clusterers that read their rows in parts: minibatch and bisecting."""

from pathlib import Path

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, is_monotonic, is_valid_linkage
from sklearn.metrics import adjusted_rand_score

from wares.cluster import minibatch, parts
from wares.cluster.bisecting import Bisecting, Tearing
from wares.cluster.kmeans import KMeans
from wares.cluster.minibatch import MiniBatch
from wares.errors import SettingError
from wares.kernels.kmeans import ALONE

BOTH = (MiniBatch, Bisecting)


def shelves(n=6000, seed=0):
    """Three departments far apart, of four shelves each; and the shelf of each row."""
    rng = np.random.default_rng(seed)
    departments = np.repeat(np.eye(3) * 40, 4, axis=0)
    centers = np.hstack([departments, np.tile(np.eye(4) * 12, (3, 1))])
    shelf = rng.integers(12, size=n)
    return (centers[shelf] + rng.normal(size=(n, 7))).astype(np.float32), shelf


@pytest.fixture
def mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The shelves as a file that is read in many parts, of which the sample is a small one; and their numbers."""
    monkeypatch.setattr(parts, "NUMBERS", 7 * 500)
    monkeypatch.setattr(minibatch, "LEAST", 600)
    X, shelf = shelves()
    np.save(tmp_path / "x.npy", X)
    return np.load(tmp_path / "x.npy", mmap_mode="r"), shelf


@pytest.mark.parametrize("cls", BOTH)
def test_a_mapped_file_is_read_in_parts_and_clustered_as_well_as_by_kmeans(cls, mapped):
    X, shelf = mapped
    model = cls(n_clusters=12, sample=50).fit(X)
    assert adjusted_rand_score(shelf, model.labels_) > 0.99
    assert model.inertia_ < 1.01 * KMeans(n_clusters=12).fit(np.array(X)).inertia_
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    np.testing.assert_array_equal(model.predict(X[5:6]), model.labels_[5:6])
    np.testing.assert_allclose(
        model.transform(X[:9]).min(axis=1) ** 2, -np.array([model.score(X[i : i + 1]) for i in range(9)]), rtol=1e-3
    )
    again = cls(n_clusters=12, sample=50).fit(np.array(X, np.float64))  # memory or file, wide or narrow: the same
    assert again.cluster_centers_.tobytes() == model.cluster_centers_.tobytes()


@pytest.mark.parametrize("cls", BOTH)
def test_no_part_is_larger_than_it_should_be(cls, mapped, monkeypatch):
    X, _ = mapped
    seen = []
    read = parts.Parts._read
    monkeypatch.setattr(parts.Parts, "_read", lambda self, rows: seen.append(len(rows)) or read(self, rows))
    cls(n_clusters=12, sample=50).fit(X)
    assert max(seen) <= 600
    assert sum(seen) >= 2 * len(X)


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1e300])
def test_what_is_no_number_is_told_when_its_part_is_read(cls, wrong, mapped):
    X = np.array(mapped[0], np.float64)
    X[-1, 3] = wrong
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        cls(n_clusters=3).fit(X)


@pytest.mark.parametrize("cls", BOTH)
def test_few_distinct_rows_one_row_and_a_constant_column(cls):
    few = np.repeat(np.array([[0, 5, 1], [9, 5, 1], [0, 5, 8]], np.float32), 40, axis=0)
    model = cls(n_clusters=8).fit(few)
    assert (model.n_clusters_, model.inertia_) == (3, 0)
    assert not model.borderline_.any()
    assert cls(n_clusters=8).fit(np.full((50, 2), 0.1, np.float32)).labels_.tolist() == [0] * 50
    assert cls(n_clusters=8).fit(few[:1]).labels_.tolist() == [0]
    with pytest.raises(SettingError, match="must-link"):
        cls().fit(few, links=(np.array([[0, 1]]), np.empty((0, 2), np.int64)))


def test_one_row_apart_from_thousands_alike_is_found_though_no_sample_holds_it():
    X = np.zeros((5000, 2), np.float32)
    X[4321] = 7
    model = Bisecting(n_clusters=2, sample=10).fit(X)
    assert np.flatnonzero(model.labels_ == model.labels_[4321]).tolist() == [4321]


def test_the_tree_of_bisecting_parts_departments_first():
    X, shelf = shelves()
    model = Bisecting(n_clusters=12).fit(X)
    assert is_valid_linkage(model.tree_)
    assert is_monotonic(model.tree_)
    assert model.tree_[-1, 3] == 12
    departments = fcluster(model.tree_, 3, criterion="maxclust")[model.labels_]
    assert adjusted_rand_score(shelf // 4, departments) > 0.99
    whole = ((X - X.mean(axis=0, dtype=np.float64)) ** 2).sum()
    np.testing.assert_allclose(model.tree_[-1, 2], np.sqrt(whole), rtol=1e-5)


def test_the_tree_leaves_out_a_cluster_that_has_no_rows():
    X, _ = shelves(600)
    assert Bisecting(n_clusters=1).fit(X).tree_.shape == (0, 4)
    tearing = Tearing(ALONE, parts.Parts(X), 100, np.random.default_rng(0))
    tearing.tear(5)
    for gone in range(5):
        tree = tearing.tree([leaf for place, leaf in enumerate(tearing.leaves) if place != gone])
        assert tree.shape == (3, 4)
        assert is_valid_linkage(tree)
        assert tree[-1, 3] == 4


def test_a_dead_centre_is_moved_to_rows_that_are_far(mapped, monkeypatch):
    X, shelf = mapped
    model = MiniBatch(n_clusters=12, sample=50, seed=2)
    run = minibatch.Descent.run

    def lost(self):
        run(self)
        if len(self.centers) == 12:  # of the sample: one centre nobody wants
            self.centers[0] = 500

    monkeypatch.setattr(minibatch.Descent, "run", lost)
    model.fit(X)
    assert model.n_reassigned_ == 1
    assert model.n_clusters_ == 12
    assert adjusted_rand_score(shelf, model.labels_) > 0.99


def test_drawn_rows_follow_their_weights():
    rng = np.random.default_rng(0)
    counts = np.zeros(40)
    for _ in range(300):
        drawn = minibatch.Drawn(5, 1, rng)
        for start in (0, 10, 20, 30):
            rows = np.arange(start, start + 10, dtype=np.float32)[:, None]
            drawn.offer(rows, np.where(rows.ravel() < 30, 1.0, 9.0) * (rows.ravel() > 0))
        assert len(drawn.rows) == 5
        counts[drawn.rows.ravel().astype(int)] += 1
    assert counts[0] == 0
    assert counts[30:].sum() > 3 * counts[:30].sum() / 2
    assert counts[1:30].min() > 0
