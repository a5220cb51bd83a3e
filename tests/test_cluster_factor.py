import numpy as np
import pytest
from sklearn.decomposition import FactorAnalysis
from sklearn.metrics import adjusted_rand_score

from wares.cluster import rotation
from wares.cluster.factor import Factor


def pupils(n=4000):
    """Scores of nine tests, three of each of three gifts, and the gifts."""
    rng = np.random.default_rng(2)
    gifts = rng.standard_normal((n, 3))
    loadings = np.kron(np.eye(3), [[0.9, 0.8, 0.7]]).T
    return (gifts @ loadings.T + 0.5 * rng.standard_normal((n, 9))).astype(np.float32), gifts


def test_the_gifts_are_found_counted_and_read():
    scores, gifts = pupils()
    model = Factor(logarithm=False).fit(scores)
    assert model.loadings_.shape == (9, 3)
    strong = np.abs(model.loadings_) > 0.5
    assert strong.sum(axis=1).tolist() == [1] * 9  # each test of one gift
    assert strong.sum(axis=0).tolist() == [3, 3, 3]
    found = np.abs(np.corrcoef(model.transform(scores).T, gifts.T)[:3, 3:]).max(axis=1)
    assert found.min() > 0.9
    assert model.n_clusters_ == 6  # above and below the mean of each gift
    assert model.curve_.argmin() == 3
    names = [f"{subject} {n}" for subject in ("maths", "music", "sport") for n in (1, 2, 3)]
    for words in model.describe(names, 3):
        assert len({word.split()[0] for word in words}) <= 1  # none on the side that no test loads on
    assert sum(map(bool, model.describe(names, 3))) == 3
    assert Factor(signed=False, logarithm=False).fit(scores).n_clusters_ == 3


def test_it_is_as_likely_as_scikit_learns():
    scores, _ = pupils()
    standard = (scores - scores.mean(axis=0)) / scores.std(axis=0)
    theirs = FactorAnalysis(3, tol=1e-6, max_iter=2000).fit(standard)
    loadings, unique = rotation.factors(np.corrcoef(standard.T), 3, 500, 1e-6)
    np.testing.assert_allclose(unique, theirs.noise_variance_, atol=2e-3)
    np.testing.assert_allclose(loadings @ loadings.T, theirs.components_.T @ theirs.components_, atol=3e-3)


def test_turning_keeps_what_is_explained():
    rng = np.random.default_rng(3)
    loadings = rng.uniform(-0.5, 0.5, (8, 3))
    turned = rotation.varimax(loadings)
    np.testing.assert_allclose(turned @ turned.T, loadings @ loadings.T, atol=1e-8)
    assert ((turned**2).var(axis=0).sum()) >= ((loadings**2).var(axis=0).sum())


def test_what_correlates_is_least_once_the_true_factors_are_out():
    scores, _ = pupils()
    curve = rotation.partials(np.corrcoef(scores.T), 8)
    assert curve.argmin() == 3
    assert curve[3] < curve[0]


@pytest.mark.parametrize("rows", [np.ones((6, 4)), np.ones((1, 4)), np.zeros((3, 1)), np.array([[1.0, 2.0]] * 9)])
def test_rows_alike_are_one_cluster(rows):
    model = Factor().fit(rows)
    assert model.labels_.tolist() == [0] * len(rows)
    assert model.n_clusters_ == 1


def test_columns_that_never_change_are_not_read():
    scores, _ = pupils(500)
    wide = np.column_stack([scores, np.full(500, 3.0, np.float32)])
    one, other = Factor().fit(scores), Factor().fit(wide)
    np.testing.assert_array_equal(one.labels_, other.labels_)
    assert not other.loadings_[9].any()
    assert other.unique_[9] == 1


def test_large_numbers_that_differ_little_keep_their_digits():
    scores, _ = pupils(800)
    one, other = (Factor(logarithm=False).fit(each).labels_ for each in (scores, np.round(scores * 64) + 2.0**14))
    assert adjusted_rand_score(one, other) > 0.9


def test_only_the_commonest_columns_are_read():
    rng = np.random.default_rng(4)
    counts = rng.poisson([3, 2, 1, 0.5, 0.01, 0.01], (300, 6)).astype(np.float32)
    assert Factor(width=4).fit(counts).columns_.tolist() == [0, 1, 2, 3]
