import numpy as np
import pytest
from scipy.cluster.hierarchy import is_valid_linkage
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import cdist
from sklearn import cluster as theirs
from sklearn.metrics import adjusted_rand_score

from wares.checks.shop import blobs
from wares.cluster.dbscan import DBSCAN
from wares.cluster.hdbscan import HDBSCAN
from wares.cluster.reach import knee
from wares.errors import SettingError
from wares.kernels.neighbours import neighbours
from wares.kernels.spanning import cut, merges_of, spanning_tree

LINE = np.array([[0], [1], [2], [10], [11], [12], [13], [17]], np.float32)
"""Two groups on a line and, 4 from the second, a loner."""


def clumps(seed, n=200, width=3):
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(rng.integers(1, 6), width)) * 4
    return (centers[rng.integers(len(centers), size=n)] + rng.normal(size=(n, width))).astype(np.float32)


# -- DBSCAN --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_dbscan_is_scikit_learns_but_for_the_border(seed):
    X = clumps(seed)
    eps, least = [0.3, 0.6, 1.0, 1.5][seed % 4], 1 + seed % 7
    ours = DBSCAN(eps=eps, min_samples=least, noise="keep").fit(X)
    other = theirs.DBSCAN(eps=eps, min_samples=least).fit(X.astype(float))
    core = np.zeros(len(X), bool)
    core[other.core_sample_indices_] = True
    np.testing.assert_array_equal(ours.core_, core)
    np.testing.assert_array_equal(ours.labels_ < 0, other.labels_ < 0)
    assert adjusted_rand_score(other.labels_[core], ours.labels_[core]) == 1
    border = np.flatnonzero(~core & (ours.labels_ >= 0))
    if not len(border):
        return
    gaps = cdist(X.astype(float), X[core].astype(float))
    np.testing.assert_array_equal(ours.labels_[border], ours.labels_[core][gaps[border].argmin(axis=1)])


def test_dbscan_counts_a_row_exactly_at_its_reach():
    grid = np.array([[x, y] for x in range(20) for y in range(20)], np.float32) + np.float32(1000)
    ours = DBSCAN(eps=1.0, min_samples=5, noise="keep").fit(grid)  # four neighbours at exactly 1, far from the origin
    assert ours.core_.sum() == 18 * 18
    assert (ours.labels_ < 0).sum() == 4  # the corners touch no inner row


def test_noise_is_kept_or_given_away_with_its_distance():
    kept = DBSCAN(eps=1.5, min_samples=3, noise="keep").fit(LINE)
    given = DBSCAN(eps=1.5, min_samples=3, noise="nearest").fit(LINE)
    assert kept.labels_.tolist() == [0, 0, 0, 1, 1, 1, 1, -1]
    assert given.labels_.tolist() == [0, 0, 0, 1, 1, 1, 1, 1]
    assert kept.noise_distance_.tolist() == given.noise_distance_.tolist() == [0, 0, 0, 0, 0, 0, 0, 4]
    assert kept.core_.tolist() == [False, True, False, False, True, True, False, False]
    assert kept.predict([[17], [18], [-5]]).tolist() == [1, 1, 0]


def test_where_nothing_is_dense():
    kept = DBSCAN(eps=0.1, min_samples=2, noise="keep").fit(LINE)
    assert (kept.n_clusters_, set(kept.labels_.tolist())) == (0, {-1})
    assert np.isinf(kept.noise_distance_).all()
    assert kept.predict(LINE[:2] + 1).tolist() == [-1, -1]
    assert DBSCAN(eps=0.1, min_samples=2, noise="nearest").fit(LINE).labels_.tolist() == [0] * 8


def test_reach_and_count_are_chosen():
    X, group = blobs()
    model = DBSCAN().fit(X)
    assert adjusted_rand_score(group, model.labels_) == 1
    best = model.grid_[model.grid_[:, 4].argmax()]
    assert (model.eps_, model.min_samples_) == (best[0], best[1])
    assert (np.diff(model.k_distances_) >= 0).all()
    assert len(DBSCAN(eps=1.0).fit(X).grid_) == 3
    assert len(DBSCAN(eps=1.0, min_samples=4).fit(X).grid_) == 0


def test_the_knee_is_where_the_curve_bends():
    assert knee(np.r_[np.linspace(1, 2, 100), np.linspace(2.5, 9, 10)]) == 2
    assert knee(np.array([3.0, 3.0, 3.0, np.inf])) == 3
    assert knee(np.array([np.inf])) == 0


@pytest.mark.parametrize("model", [DBSCAN(), HDBSCAN(), DBSCAN(noise="keep"), HDBSCAN(noise="keep")])
def test_rows_that_are_hardly_there(model):
    assert len(model.fit(np.ones((1, 3))).labels_) == 1
    alike = model.fit(np.ones((30, 3)))
    assert len(set(alike.labels_.tolist())) == 1
    constant = np.c_[blobs()[0], np.full(60, 7)]
    assert model.fit(constant).n_clusters_ == 3
    twice = model.fit(np.repeat(blobs()[0], 2, axis=0))
    np.testing.assert_array_equal(twice.labels_[::2], twice.labels_[1::2])
    with pytest.raises(ValueError, match="NaN"):
        model.fit(np.full((5, 2), np.nan))
    with pytest.raises(SettingError, match="`constrained` can"):
        model.fit(LINE, links=(np.array([[0, 1]]), np.empty((0, 2), int)))


# -- HDBSCAN -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("selection", "method"), [("stability", "eom"), ("leaf", "leaf")])
def test_hdbscan_is_scikit_learns_where_no_two_merges_are_of_one_height(seed, selection, method):
    X = clumps(seed)
    ours = HDBSCAN(min_samples=1, selection=selection, noise="keep").fit(X)
    other = theirs.HDBSCAN(min_samples=1, min_cluster_size=5, cluster_selection_method=method, copy=True)
    other.fit(X.astype(float))
    assert adjusted_rand_score(other.labels_, ours.labels_) == 1
    np.testing.assert_allclose(ours.probabilities_, other.probabilities_, atol=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_hdbscan_does_not_depend_on_the_order_of_rows(seed):
    """Merges of one height are one split: scikit-learn's depend on how the sort leaves them."""
    X = clumps(seed)
    order = np.random.default_rng(seed).permutation(len(X))
    for selection in ("stability", "leaf"):
        model = HDBSCAN(min_samples=4, selection=selection, noise="keep")
        one, other = model.fit(X).labels_, model.fit(X[order]).labels_
        assert adjusted_rand_score(one[order], other) == 1


def test_hdbscan_tells_how_deep_a_row_lies():
    X, group = blobs()
    model = HDBSCAN().fit(np.r_[X, [[20, 20, 20, 0, 0]]])
    assert adjusted_rand_score(group, model.labels_[:60]) == 1
    assert is_valid_linkage(model.tree_)
    assert model.probabilities_[60] == 0 < model.probabilities_[:60].max() == 1
    assert model.noise_distance_[60] > 15
    assert HDBSCAN(min_cluster_size=15).fit(X).n_clusters_ == 2


@pytest.mark.parametrize("exact", [4, 10_000])
def test_fewer_rows_than_a_cluster_needs(exact):
    assert HDBSCAN(noise="keep", exact=exact).fit(LINE[:4]).labels_.tolist() == [-1] * 4
    assert HDBSCAN(exact=exact).fit(LINE[:4]).labels_.tolist() == [0] * 4
    assert HDBSCAN(min_cluster_size=3, min_samples=50, exact=exact).fit(LINE).n_clusters_ <= 2


# -- the spanning tree ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_the_tree_is_the_shortest(seed):
    X = clumps(seed, n=[2, 30, 150, 400][seed % 4])
    near, lengths = neighbours(X, 1 + seed % 5, recall=1)  # short lists: the others have to be looked for
    core = lengths[:, -1].astype(float) if seed % 2 else np.zeros(len(X))
    pairs, long = spanning_tree(X, near, lengths, core)
    table = np.maximum(cdist(X.astype(float), X.astype(float)), np.maximum(core[:, None], core))
    assert long.sum() == pytest.approx(minimum_spanning_tree(table).sum(), rel=1e-5)
    assert (np.diff(long) >= 0).all()
    tree = merges_of(pairs, long)
    assert is_valid_linkage(tree)
    assert cut(tree, 1).max() == 0
    assert cut(tree, len(X)).tolist() == list(range(len(X)))
