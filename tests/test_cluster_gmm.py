import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from wares.cluster.gmm import GMM
from wares.errors import SettingError

THEIRS = {"diagonal": "diag", "spherical": "spherical", "tied": "tied"}


def overlapping(n=3000, seed=0):
    """A wide and a narrow group, and one beside them, in five dimensions."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(3, size=n)
    middles, widths = np.array([[0.0, 0], [3, 3], [12, 0]]), np.array([1.5, 0.4, 1])
    flat = middles[truth] + rng.normal(size=(n, 2)) * widths[truth, None]
    return np.hstack([flat, rng.normal(size=(n, 3)) * 0.1]).astype(np.float32), truth


@pytest.mark.parametrize("covariance", THEIRS)
def test_it_fits_as_well_as_scikit_learn(covariance):
    X, truth = overlapping()
    ours = GMM(n_clusters=3, covariance=covariance, tol=1e-5, max_rounds=500).fit(X)
    theirs = GaussianMixture(3, covariance_type=THEIRS[covariance], n_init=3, tol=1e-5, max_iter=500, random_state=0)
    theirs.fit(X)
    assert ours.score(X) == pytest.approx(theirs.score(X), abs=2e-3)
    assert ours.log_likelihood_ == pytest.approx(ours.score(X), abs=1e-6)
    assert ours.bic_ == pytest.approx(theirs.bic(X), rel=2e-3)
    assert adjusted_rand_score(theirs.predict(X), ours.labels_) > 0.97
    if covariance == "diagonal":
        assert adjusted_rand_score(truth, ours.labels_) > 0.85


@pytest.mark.parametrize("covariance", THEIRS)
def test_shares_sum_to_one_and_are_soft_between_groups(covariance):
    X = np.array([[x, 0.0] for x in (0, 1, 2, 3, 10, 11, 12, 13)], np.float32)
    model = GMM(n_clusters=2, covariance=covariance).fit(X)
    shares = model.predict_proba(np.array([[1.0, 0.0], [6.5, 0.0], [12.0, 0.0]], np.float32))
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
    assert shares[1].min() > 0.4  # half-way
    assert shares[0].max() > 0.999
    assert sorted(model.cluster_centers_[:, 0].round(2).tolist()) == [1.5, 11.5]
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    np.testing.assert_array_equal(model.predict_proba(X).argmax(axis=1), model.labels_)


def test_wide_rows_are_turned_to_their_principal_axes():
    flat, _ = overlapping()
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(60, 60)))[0]
    X = (np.hstack([flat, np.zeros((len(flat), 55))]) @ turn + 4).astype(np.float32)
    model = GMM(n_clusters=3, reduce=2).fit(X)
    assert model.axes_.shape == (60, 2)
    assert adjusted_rand_score(GMM(n_clusters=3).fit(flat[:, :2]).labels_, model.labels_) > 0.95
    means = np.stack([X[model.labels_ == each].mean(axis=0) for each in range(3)])
    np.testing.assert_allclose(model.cluster_centers_, means, atol=0.5)
    assert GMM(n_clusters=3, reduce=0).fit(X).axes_.shape == (60, 60)


def test_few_distinct_rows_one_row_a_constant_column_and_no_number():
    few = np.repeat(np.array([[0, 5], [9, 5], [4, 5]], np.float32), 10, axis=0)
    for covariance in THEIRS:
        model = GMM(n_clusters=8, covariance=covariance).fit(few)
        assert model.n_clusters_ == 3
        assert adjusted_rand_score(np.arange(30) // 10, model.labels_) == 1
        assert GMM(n_clusters=8, covariance=covariance).fit(few[:1]).labels_.tolist() == [0]
        assert GMM(n_clusters=8, covariance=covariance).fit(np.ones((9, 3))).n_clusters_ == 1
    few[3, 1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        GMM().fit(few)
    with pytest.raises(SettingError, match="must-link"):
        GMM().fit(few, links=(np.array([[0, 1]]), np.empty((0, 2), np.int64)))
