import numpy as np
import pytest
from scipy.cluster.hierarchy import dendrogram, fcluster, is_valid_linkage, linkage
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import adjusted_rand_score

from wares.algorithm import load
from wares.checks.shop import blobs
from wares.cluster.agglomerative import Agglomerative
from wares.errors import SettingError

LINKAGES = ["ward", "average", "complete", "single"]


def clumps(seed, n=150):
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(rng.integers(1, 6), 3)) * 4
    return (centers[rng.integers(len(centers), size=n)] + rng.normal(size=(n, 3))).astype(np.float32)


@pytest.mark.parametrize("name", LINKAGES)
@pytest.mark.parametrize("seed", range(4))
def test_the_tree_is_scipys_and_the_clusters_scikit_learns(name, seed):
    X = clumps(seed, [2, 3, 80, 150][seed])
    k = min(len(X), 2 + seed)
    model = Agglomerative(n_clusters=k, linkage=name).fit(X)
    tree = linkage(X.astype(float), name)
    np.testing.assert_allclose(model.tree_[:, 2], tree[:, 2], rtol=1e-4, atol=1e-5)
    theirs = AgglomerativeClustering(n_clusters=k, linkage=name).fit(X.astype(float))
    assert adjusted_rand_score(theirs.labels_, model.labels_) == 1
    height = float(tree[len(tree) // 2, 2] * 1.0001)
    cut = AgglomerativeClustering(n_clusters=None, distance_threshold=height, linkage=name).fit(X.astype(float))
    assert adjusted_rand_score(cut.labels_, model.cut(distance_threshold=height)) == 1


@pytest.mark.parametrize("name", ["ward", "complete", "single"])
@pytest.mark.parametrize("seed", range(3))
def test_along_a_graph_with_every_edge_it_is_the_same_tree(name, seed):
    X = clumps(seed, 60)
    graph = Agglomerative(linkage=name, exact=2, neighbours=59).fit(X)
    plain = Agglomerative(linkage=name).fit(X)
    np.testing.assert_allclose(graph.tree_[:, 2], plain.tree_[:, 2], rtol=1e-4)
    np.testing.assert_array_equal(graph.labels_, plain.labels_)


def test_average_along_a_graph_is_the_root_of_the_mean_square():
    model = Agglomerative(linkage="average", exact=2, neighbours=2).fit(np.array([[0.0], [1.0], [5.0]]))
    np.testing.assert_allclose(model.tree_[:, 2], [1, np.sqrt((25 + 16) / 2)], rtol=1e-6)


@pytest.mark.parametrize("name", LINKAGES)
def test_a_thin_graph_is_nearly_as_good(name):
    X, group = blobs()
    X = np.r_[X, X[:20]]  # rows that are there twice
    model = Agglomerative(n_clusters=3, linkage=name, exact=2, neighbours=3).fit(X)
    assert adjusted_rand_score(np.r_[group, group[:20]], model.labels_) == 1
    assert is_valid_linkage(model.tree_)
    assert (np.diff(model.tree_[:, 2]) >= 0).all()
    assert (model.tree_[:20, 2] == 0).all()
    np.testing.assert_array_equal(model.labels_[60:], model.labels_[:20])


def test_another_cut_needs_no_fit(tmp_path):
    X, group = blobs()
    Agglomerative(n_clusters=5).fit(X).save(tmp_path / "one")
    loaded = load(tmp_path / "one")
    np.testing.assert_array_equal(loaded.cut(3), Agglomerative(n_clusters=3).fit(X).labels_)
    assert adjusted_rand_score(group, loaded.cut(3)) == 1
    assert adjusted_rand_score(fcluster(loaded.tree_, 7, "maxclust"), loaded.cut(7)) == 1
    assert len(dendrogram(loaded.tree_, no_plot=True)["leaves"]) == 60
    assert Agglomerative(distance_threshold=3.0).fit(X).n_clusters_ == loaded.cut(distance_threshold=3.0).max() + 1
    for wrong in (0, None):
        with pytest.raises(SettingError, match="at least 1"):
            loaded.cut(wrong)


@pytest.mark.parametrize("exact", [2, 20_000])
@pytest.mark.parametrize("name", LINKAGES)
def test_rows_that_are_hardly_there(name, exact):
    model = Agglomerative(linkage=name, exact=exact)
    assert model.fit(np.ones((1, 3))).labels_.tolist() == [0]
    assert model.tree_.shape == (0, 4)
    assert model.fit(np.eye(3)).labels_.tolist() == [0, 1, 2]  # eight clusters of three rows
    alike = model.fit(np.ones((20, 3)))
    assert alike.n_clusters_ == 8
    assert (alike.tree_[:, 2] == 0).all()
    X, group = blobs()
    constant = model.set_params(n_clusters=3).fit(np.c_[X, np.full(60, 7)])
    assert adjusted_rand_score(group, constant.labels_) == 1
    with pytest.raises(ValueError, match="NaN"):
        model.fit(np.full((5, 2), np.nan))
    with pytest.raises(SettingError, match="`constrained` can"):
        model.fit(X, links=(np.array([[0, 1]]), np.empty((0, 2), int)))
