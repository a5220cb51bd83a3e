import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import check_estimator

from wares.algorithm import Clusterer, NotFitted
from wares.arrays import unit
from wares.cluster.kmeans import KMeans
from wares.errors import DataError, SettingError
from wares.kernels import kmeans as fast
from wares.kernels import lloyd as plain
from wares.registry import make

SHOES_AND_MUGS = np.array(
    [
        *([28, 9, 0], [30, 11, 0], [26, 8, 0], [31, 12, 0], [24, 8, 0], [29, 25, 0]),  # shoes: length, height, handle
        *([8, 10, 1], [9, 11, 1], [8, 9, 1], [10, 12, 1], [7, 8, 1], [9, 15, 1]),  # mugs
    ],
    np.float32,
)


def blobs(n=3000, k=12, width=16, seed=0):
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(k, width)) * 4
    truth = rng.integers(k, size=n)
    return (centers[truth] + rng.normal(size=(n, width))).astype(np.float32), truth


@pytest.mark.parametrize("model", [KMeans(), KMeans(spherical=True, n_clusters=3)])
def test_scikit_learns_own_checks(model):
    results = check_estimator(model, on_skip=None, on_fail=None)
    statuses = {each["check_name"]: each["status"] for each in results}
    assert [name for name, status in statuses.items() if status == "failed"] == []
    assert "xfail" not in statuses.values()
    assert sum(each["status"] == "passed" for each in results) >= 55


def test_shoes_and_mugs_are_two_clusters():
    model = KMeans(n_clusters=2).fit(SHOES_AND_MUGS)
    assert len(set(model.labels_[:6])) == len(set(model.labels_[6:])) == 1
    assert model.labels_[0] != model.labels_[6]
    assert model.labels_.dtype == np.int64
    shoes = model.labels_[0]
    np.testing.assert_allclose(model.cluster_centers_[shoes], SHOES_AND_MUGS[:6].mean(axis=0), rtol=1e-6)
    assert model.mass_.tolist() == [6, 6]
    np.testing.assert_array_equal(model.predict(np.array([[27, 10, 0], [8, 9, 1]])), [shoes, 1 - shoes])


@pytest.mark.parametrize("k", [3, 12, 150])
@pytest.mark.parametrize("spherical", [False, True])
def test_predict_on_the_fitted_rows_is_labels(k, spherical):
    X, _ = blobs()
    model = KMeans(n_clusters=k, spherical=spherical).fit(X)
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    np.testing.assert_array_equal(model.predict(X[7:9]), model.labels_[7:9])  # whatever rows stand beside it
    assert np.bincount(model.labels_, minlength=k).min() > 0
    gaps = plain.distances(unit(X) if spherical else X, model.cluster_centers_)
    np.testing.assert_allclose(model.inertia_, gaps.min(axis=1).sum(), rtol=1e-5)
    np.testing.assert_allclose(model.score(X), -model.inertia_, rtol=1e-6)
    np.testing.assert_allclose(model.transform(X[:5]), np.sqrt(gaps[:5]), rtol=1e-4, atol=1e-3)
    if spherical:
        np.testing.assert_allclose(np.linalg.norm(model.cluster_centers_, axis=1), 1, rtol=1e-5)


def test_true_groups_are_found():
    X, truth = blobs()
    assert adjusted_rand_score(truth, KMeans(n_clusters=12).fit_predict(X)) > 0.99


@pytest.mark.parametrize("k", [10, 120])
def test_near_rounds_and_splitting_are_no_worse_than_the_plain_way(k):
    X = np.random.default_rng(3).normal(size=(4000, 12)).astype(np.float32)
    quick = KMeans(n_clusters=k, near=16).fit(X)
    slow = KMeans(n_clusters=k, near=0, split_merge=0, tol=1e-4).fit(X)
    assert quick.inertia_ <= slow.inertia_ * 1.01


def test_same_seed_same_bits_on_one_thread_and_on_many(monkeypatch):
    X, _ = blobs(6000, 40)
    many = KMeans(n_clusters=100, seed=5).fit(X)
    monkeypatch.setitem(vars(fast.nb.config), "NUMBA_NUM_THREADS", 1)
    one = KMeans(n_clusters=100, seed=5).fit(X)
    assert many.cluster_centers_.tobytes() == one.cluster_centers_.tobytes()
    assert many.labels_.tobytes() == one.labels_.tobytes()
    other = KMeans(n_clusters=100, seed=6).fit(X)
    assert other.cluster_centers_.tobytes() != one.cluster_centers_.tobytes()


def test_more_clusters_than_distinct_rows_is_one_for_each():
    X = np.repeat(SHOES_AND_MUGS[:3], 5, axis=0)
    model = KMeans(n_clusters=8).fit(X)
    assert model.n_clusters_ == 3
    assert model.inertia_ == 0
    assert KMeans(n_clusters=8).fit(X[:1]).labels_.tolist() == [0]
    assert KMeans(n_clusters=8).fit(np.zeros((9, 2), np.float32)).labels_.tolist() == [0] * 9


def test_rows_that_are_zero_have_a_cluster_too():
    X = unit(SHOES_AND_MUGS.copy())
    X[4] = 0
    for spherical in (False, True):
        model = KMeans(n_clusters=2, spherical=spherical).fit(X)
        assert ((model.labels_ >= 0) & (model.labels_ < model.n_clusters_)).all()


def test_weights_pull_the_centre():
    X = np.array([[0.0], [1.0], [10.0], [11.0]], np.float32)
    model = KMeans(n_clusters=2).fit(X, sample_weight=[3, 1, 1, 1])
    assert sorted(model.cluster_centers_.ravel().tolist()) == [0.25, 10.5]
    for wrong in ([1, 2], [1, 1, 1, -1], [0, 0, 0, 0], [1, 1, 1, np.nan]):
        with pytest.raises(DataError, match="sample_weight"):
            KMeans(n_clusters=2).fit(X, sample_weight=wrong)


def test_partial_fit_follows_the_stream():
    X, truth = blobs(4000, 5)
    model = KMeans(n_clusters=5)
    for start in range(0, 4000, 500):
        model.partial_fit(X[start : start + 500])
    assert adjusted_rand_score(truth, model.predict(X)) > 0.95
    assert model.mass_.sum() == 4000
    whole = KMeans(n_clusters=5).fit(X)
    before = whole.cluster_centers_.copy()
    whole.partial_fit(X[:10] + 1)
    assert np.abs(whole.cluster_centers_ - before).max() < 0.1  # ten rows among four thousand move little


def test_partial_fit_grows_to_its_number_of_clusters():
    model = KMeans(n_clusters=3).partial_fit(SHOES_AND_MUGS[:2])
    assert model.n_clusters_ == 2
    model.partial_fit(SHOES_AND_MUGS[6:])
    assert model.n_clusters_ == 3


@pytest.mark.parametrize("limit", [0, 2**28])
@pytest.mark.parametrize("spherical", [False, True])
def test_sparse_rows(monkeypatch, limit, spherical):
    monkeypatch.setattr("wares.cluster.kmeans.SPARSE_AS_DENSE", limit)
    X, _ = blobs(600, 4, seed=1)
    X[np.abs(X) < 1] = 0
    model = KMeans(n_clusters=4, spherical=spherical).fit(csr_array(X))
    np.testing.assert_array_equal(model.predict(csr_array(X)), model.labels_)
    assert adjusted_rand_score(model.labels_, KMeans(n_clusters=4, spherical=spherical).fit(X).labels_) > 0.9
    before = model.inertia_
    assert model.partial_fit(csr_array(X[:50])).inertia_ < before
    assert KMeans(n_clusters=4, seeding="random").fit(csr_array(X)).n_clusters_ == 4


def test_sparse_rows_too_wide_for_dense_centres():
    wide = csr_array((np.ones(100, np.float32), (np.arange(100), np.arange(100) * 100_000)), shape=(100, 10_000_000))
    with pytest.raises(DataError, match="narrower"):
        KMeans(n_clusters=50).fit(wide)


def test_saved_and_loaded_it_answers_the_same(tmp_path):
    X, _ = blobs(500, 4)
    model = KMeans(n_clusters=4).fit(X)
    model.save(tmp_path / "model")
    loaded = KMeans.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(X), model.labels_)
    loaded.partial_fit(X[:20])  # what was mapped read-only is not written to
    assert clone(model).get_params() == model.get_params()


def test_what_it_cannot_do_it_says():
    with pytest.raises(SettingError, match="n_clusters"):
        KMeans(n_clusters=0).fit(SHOES_AND_MUGS)
    with pytest.raises(SettingError, match="seeding"):
        KMeans(seeding="far").fit(SHOES_AND_MUGS)
    links = np.array([[0, 1]]), np.empty((0, 2), np.int64)
    with pytest.raises(SettingError, match="must-link"):
        KMeans().fit(SHOES_AND_MUGS, links=links)
    with pytest.raises(NotFitted):
        KMeans().learned()
    assert isinstance(make(Clusterer, "kmeans", n_clusters=3), KMeans)


def test_random_seeds_work_too():
    X, truth = blobs(2000, 4)
    model = KMeans(n_clusters=4, seeding="random").fit(X)
    assert adjusted_rand_score(truth, model.labels_) > 0.9


# -- the loops and their plain twin ------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(
    arrays(np.float32, st.tuples(st.integers(1, 40), st.just(5)), elements=st.floats(-8, 8, width=16)),
    arrays(np.float32, st.tuples(st.integers(1, 70), st.just(5)), elements=st.floats(-8, 8, width=16)),
)
def test_nearest_is_that_of_float64_with_ties_to_the_lower(vectors, centers):
    labels, scores = fast.ALONE.nearest(vectors, plain.squares(vectors).astype(np.float32), centers)
    exact = ((vectors.astype(np.float64)[:, None] - centers.astype(np.float64)) ** 2).sum(axis=2)
    np.testing.assert_array_equal(labels, exact.argmin(axis=1))
    np.testing.assert_allclose(plain.squares(vectors) + 2 * scores, exact.min(axis=1), atol=1e-2)
    np.testing.assert_array_equal(plain.nearest(vectors, centers)[0], exact.argmin(axis=1))
    np.testing.assert_allclose(fast.ALONE.spread(vectors, centers, labels), exact.min(axis=1), atol=1e-9)


@settings(deadline=None, max_examples=60)
@given(
    arrays(np.float32, st.tuples(st.integers(1, 60), st.just(3)), elements=st.floats(-8, 8, width=16)),
    st.integers(1, 6),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_means_are_those_of_numpy(vectors, k, spherical, random):
    labels = np.array([random.randrange(k) for _ in vectors], np.int64)
    weights = np.array([random.choice([0.0, 0.5, 1.0, 3.0]) for _ in vectors], np.float32)
    start = np.full((k, 3), 7, np.float32)
    found, mass = fast.ALONE.means(vectors, weights, fast.group(labels, k), start, spherical)
    theirs, their_mass = plain.means(vectors, weights, labels, start, spherical)
    np.testing.assert_allclose(mass, their_mass)
    np.testing.assert_allclose(found, theirs, rtol=1e-5, atol=1e-5)


def test_nearest_among_looks_only_at_the_near():
    X, _ = blobs(700, 9)
    centers = X[:70].copy()
    labels = np.random.default_rng(0).integers(70, size=len(X))
    near = np.sort(np.random.default_rng(1).permuted(np.tile(np.arange(70), (70, 1)), axis=1)[:, :8], axis=1)
    squared = plain.squares(X).astype(np.float32)
    found, _ = fast.ALONE.nearest_among(X, squared, fast.group(labels, 70), centers, near)
    gaps = plain.distances(X, centers)
    allowed = near[labels]
    expected = allowed[np.arange(len(X)), np.take_along_axis(gaps, allowed, axis=1).argmin(axis=1)]
    np.testing.assert_array_equal(found, expected)


def test_far_from_the_origin_float32_is_not_trusted():
    X = (np.array([[0.0, 0.0], [0.5, 0.0], [4.0, 4.0], [4.5, 4.0]]) + 3000).astype(np.float32)
    model = KMeans(n_clusters=2).fit(X)
    assert model.labels_[0] == model.labels_[1] != model.labels_[2] == model.labels_[3]
