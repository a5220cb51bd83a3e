import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from wares.checks.shop import blobs
from wares.cluster.constrained import Constrained
from wares.errors import DataError

NONE = np.empty((0, 2), int)
LINE = np.array([[0], [1], [2], [10], [11], [12]], np.float32)


@given(st.integers(0, 10**6), st.sampled_from(["kmeans", "average"]))
@settings(deadline=None, max_examples=60)
def test_every_rule_holds_or_the_rows_are_named(seed, method):
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(4, 60)), int(rng.integers(2, 7))
    X = rng.normal(size=(n, 2)).astype(np.float32)
    must, cannot = rng.integers(n, size=(rng.integers(4), 2)), rng.integers(n, size=(rng.integers(12), 2))
    groups = rng.integers(-1, n // 2 + 1, n) if seed % 2 else None
    y = np.where(rng.random(n) < 0.2, rng.integers(3, size=n), -1) if seed % 3 == 0 else None
    model = Constrained(n_clusters=k, method=method)
    said = ""
    try:
        labels = model.fit(X, y, links=(must, cannot), groups=groups).labels_
    except DataError as error:
        said = str(error)
    if said:
        assert "may not" in said or "contradicts" in said or "must-link pairs join" in said
        assert any(character.isdigit() for character in said)
        return
    assert (labels[must[:, 0]] == labels[must[:, 1]]).all()
    assert (labels[cannot[:, 0]] != labels[cannot[:, 1]]).all()
    if groups is not None:
        both = np.stack([groups, labels], axis=1)[groups >= 0]
        assert len(np.unique(both, axis=0)) == len(both)
    if y is not None and (y >= 0).any():
        assert (model.established_[labels[y >= 0]] == y[y >= 0]).all()
    elif method == "kmeans":
        assert model.n_clusters_ <= k


@pytest.mark.parametrize("method", ["kmeans", "average"])
def test_a_curator_is_heard(method):
    plain = Constrained(n_clusters=2, method=method).fit(LINE)
    assert plain.labels_.tolist() == [0, 0, 0, 1, 1, 1]
    moved = Constrained(n_clusters=2, method=method).fit(LINE, links=(np.array([[2, 3]]), np.array([[1, 2]])))
    assert moved.labels_.tolist() == [0, 0, 1, 1, 1, 1]
    assert moved.predict(LINE).tolist() == moved.labels_.tolist()


def test_without_rules_it_is_k_means():
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(5, 4))[rng.integers(5, size=400)] * 9 + rng.normal(size=(400, 4))).astype(np.float32)
    model = Constrained(n_clusters=5).fit(X)
    theirs = KMeans(n_clusters=5, n_init=5, random_state=0).fit(X)
    inertia = ((X - model.cluster_centers_[model.labels_]) ** 2).sum()
    assert inertia <= theirs.inertia_ * 1.0001


def test_no_two_offers_of_a_vendor_in_one_product():
    X, product = blobs()
    vendors = np.full(60, -1)
    vendors[[np.flatnonzero(product == 0)[0], np.flatnonzero(product == 0)[1]]] = 7
    for method in ("kmeans", "average"):
        labels = Constrained(n_clusters=4, method=method).fit(X, groups=vendors).labels_
        assert labels[vendors == 7][0] != labels[vendors == 7][1]
    free = Constrained(method="average", threshold=-1).fit(X / 8, groups=np.arange(60) // 30).n_clusters_
    assert free == 30  # two groups of thirty: one of each at most in a cluster


@pytest.mark.parametrize("method", ["kmeans", "average"])
def test_new_rows_join_what_stands_softly(method):
    y = np.array([5, -1, 5, 3, -1, -1])
    model = Constrained(method=method, threshold=None).fit(np.r_[LINE, [[6.2]]], np.r_[y, -1])
    assert model.established_.tolist() == [3, 5]
    assert model.labels_[:6].tolist() == [1, 1, 1, 0, 0, 0]
    assert model.probabilities_[[0, 2, 3]].tolist() == [1, 1, 1]
    assert model.probabilities_[1] > model.probabilities_[6] > 0.5
    soft = model.predict_proba([[1.0], [6.5]])
    np.testing.assert_allclose(soft.sum(axis=1), 1, rtol=1e-6)
    assert soft[0, 1] > 0.99 > soft[1].max()


def test_new_rows_far_from_all_make_clusters_of_their_own():
    X = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1], [-1, 0.02], [-1, 0]], np.float32)
    y = np.array([0, -1, 1, -1, -1, -1])
    model = Constrained(method="average", threshold=0.8).fit(X, y)
    assert model.labels_.tolist() == [0, 0, 1, 1, 2, 2]
    assert model.established_.tolist() == [0, 1, -1]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"links": ([(0, 1), (1, 2)], [(2, 0)])}, r"cannot-link \(2, 0\) contradicts .* \(2, 1\), \(1, 0\)"),
        ({"links": (NONE, [(0, 1), (1, 2), (2, 0)])}, r"rows 0, 1, 2 \(3 of them\) may not be together.* 2 clusters"),
        ({"groups": [1, 1, 1, -1, -1, -1]}, r"rows 0, 1, 2 \(3 of them\)"),
        ({"links": ([(0, 1)], NONE), "groups": [1, 1, 2, 2, 3, 3]}, "rows 0 and 1 must be together"),
        ({"y": [0, 1, -1, -1, -1, -1], "links": ([(0, 1)], NONE)}, "row 0 of the established cluster 0 and row 1 of 1"),
        ({"links": (NONE, [(0, 9)])}, "cannot-link names row 9; rows are 0 to 5"),
        ({"links": (NONE,)}, "links must be two tables"),
        ({"y": ["a"] * 6}, "Unknown label type"),
        ({"y": [0, 0.5, -1, -1, -1, -1]}, "must be .* integers"),
    ],
)
def test_contradictions_name_the_rows(rules, said):
    given_rules = {key: tuple(map(np.array, each)) if key == "links" else np.array(each) for key, each in rules.items()}
    with pytest.raises(DataError, match=said):
        Constrained(n_clusters=2).fit(LINE, **given_rules)


@pytest.mark.parametrize("method", ["kmeans", "average"])
def test_rows_that_are_hardly_there(method):
    model = Constrained(method=method)
    assert model.fit(np.ones((1, 2))).labels_.tolist() == [0]
    assert model.fit(np.eye(3)).n_clusters_ == 3
    same = Constrained(n_clusters=2, method=method).fit(np.ones((6, 2)), links=(NONE, np.array([[0, 5]])))
    assert same.labels_[0] != same.labels_[5]  # identical rows, parted by a rule alone
    with pytest.raises(ValueError, match="NaN"):
        model.fit(np.full((5, 2), np.nan))


def test_beyond_every_pair_only_near_rows_are_compared():
    rng = np.random.default_rng(0)
    true = rng.integers(300, size=1500)
    X = rng.normal(size=(300, 16))[true] + 0.05 * rng.normal(size=(1500, 16))
    X = (X / np.linalg.norm(X, axis=1, keepdims=True)).astype(np.float32)
    model = Constrained(method="average", threshold=0.8).fit(X)
    assert adjusted_rand_score(true, model.labels_) > 0.95
