import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.naive_bayes import ComplementNB, GaussianNB, MultinomialNB

from wares.algorithm import Additive, Classifier, load
from wares.checks import check
from wares.checks.shop import SHOES, blobs, catalog
from wares.classify.boosted import Boosted
from wares.classify.forest import Forest
from wares.classify.knn import KNN
from wares.classify.linear import Linear
from wares.classify.mlp import MLP
from wares.classify.naive_bayes import NaiveBayes
from wares.classify.tree import Tree
from wares.encode.tfidf import TfIdf
from wares.errors import DataError, SettingError, UnknownName
from wares.registry import find, make

KINDS = np.array(["shoe" if row in SHOES else "mug" for row in range(12)])
COUNTS = np.array([[3, 0, 1], [2, 0, 0], [0, 2, 1], [0, 3, 0], [0, 1, 4]], np.float32)
WHAT = np.array(["shoe", "shoe", "mug", "mug", "bag"])


# -- naive Bayes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "theirs"), [("multinomial", MultinomialNB), ("complement", ComplementNB)])
def test_counts_are_those_of_scikit_learn(kind, theirs):
    ours = NaiveBayes(kind=kind, smooth=1.0).fit(COUNTS, WHAT)
    want = theirs(alpha=1.0).fit(COUNTS, WHAT).predict_proba(COUNTS)
    np.testing.assert_allclose(ours.predict_proba(COUNTS), want, atol=1e-5)


def test_gaussian_is_that_of_scikit_learn():
    X, group = blobs()
    ours = NaiveBayes(kind="gaussian", smooth=1e-6).fit(X, group)
    theirs = GaussianNB(var_smoothing=1e-6).fit(X.astype(np.float64), group)
    near = X + 2
    np.testing.assert_allclose(ours.predict_proba(near), theirs.predict_proba(near.astype(np.float64)), atol=2e-3)


@settings(deadline=None, max_examples=40)
@given(
    kind=st.sampled_from(["complement", "multinomial", "gaussian"]),
    cut=st.integers(1, 19),
    seed=st.integers(0, 1000),
)
def test_it_is_a_sum_over_rows(kind, cut, seed):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 4, (20, 3)).astype(np.float32)
    y = rng.choice(["shoe", "mug", "bag"], 20)
    whole = NaiveBayes(kind=kind).fit(X, y)
    assert isinstance(whole, Additive)
    on = NaiveBayes(kind=kind).fit(X[:cut], y[:cut]).partial_fit(X[cut:], y[cut:])
    first, second = (NaiveBayes(kind=kind).tally(part) for part in ((X[:cut], y[:cut]), (X[cut:], y[cut:])))
    summed = {
        name: first[name] + second[name] if name in first and name in second else first.get(name, second.get(name))
        for name in {*first, *second}
    }
    joined = NaiveBayes(kind=kind).settle(summed)
    for other in (on, joined):
        assert other.classes_.tolist() == whole.classes_.tolist()
        np.testing.assert_allclose(other.predict_proba(X), whole.predict_proba(X), atol=1e-6)


def test_rows_are_taken_back():
    first, more = (
        NaiveBayes(kind="multinomial").tally((COUNTS, WHAT)),
        NaiveBayes(kind="multinomial").tally((COUNTS[4:], WHAT[4:])),
    )
    left = {name: each - more[name] if name in more else each for name, each in first.items()}
    model = NaiveBayes(kind="multinomial").settle(left)
    assert model.classes_.tolist() == ["mug", "shoe"]
    want = NaiveBayes(kind="multinomial").fit(COUNTS[:4], WHAT[:4])
    np.testing.assert_allclose(model.predict_proba(COUNTS), want.predict_proba(COUNTS), atol=1e-6)


@pytest.mark.parametrize("kind", ["multinomial", "complement"])
def test_counted_contributions_sum_to_the_logit(kind):
    rows = csr_array(COUNTS)
    model = NaiveBayes(kind=kind).fit(rows, WHAT)
    parts = model.contributions(rows, np.repeat("mug", 5))
    np.testing.assert_allclose(parts.sum(axis=1) + model.intercept_[1], model.logits(rows)[:, 1], atol=1e-5)


def test_counting_refuses_what_is_no_count():
    with pytest.raises(DataError, match="-1 is below 0; take 'gaussian'"):
        NaiveBayes(kind="multinomial").fit(-COUNTS[:, :1] / 3, WHAT)
    with pytest.raises(DataError, match="reads dense rows"):
        NaiveBayes(kind="gaussian").fit(csr_array(COUNTS), WHAT)
    with pytest.raises(DataError, match="gaussian and multinomial"):
        NaiveBayes().settle(
            {
                **NaiveBayes(kind="gaussian").tally((COUNTS, WHAT)),
                **NaiveBayes(kind="multinomial").tally((COUNTS, WHAT)),
            }
        )
    with pytest.raises(DataError, match="no contributions"):
        NaiveBayes().fit(COUNTS, WHAT).contributions(COUNTS, WHAT)


# -- nearest neighbours ----------------------------------------------------------------------------------------------


def test_the_nearest_labelled_rows_are_told():
    rows = TfIdf(bits=12).fit_encode(catalog())
    model = KNN().fit(rows, KINDS)
    hits = model.neighbours(rows[[1]], 3)
    assert hits.rows[0].tolist()[0] == 1
    assert set(KINDS[hits.rows[0]]) == {"shoe"}
    np.testing.assert_allclose(hits.scores[0, 0], 1, atol=1e-5)


@pytest.mark.parametrize("sparse", [True, False])
def test_neighbours_learn_on_as_if_fitted_to_all(sparse):
    X, group = blobs()
    X = csr_array(X) if sparse else X
    whole = KNN().fit(X, group)
    parts = KNN().fit(X[:20], group[:20]).partial_fit(X[20:], group[20:])
    np.testing.assert_array_equal(whole.predict_proba(X), parts.predict_proba(X))


def test_a_row_near_to_nothing_gets_the_shares():
    X, group = blobs()
    table = KNN().fit(X, group).predict_proba(np.zeros((1, 5), np.float32))
    np.testing.assert_allclose(table[0], [30 / 60, 20 / 60, 10 / 60], atol=1e-6)


def test_more_agreement_is_more_certainty():
    X, group = blobs()
    sure = KNN(k=10).fit(X, group).predict_proba(X[group == 0]).max(axis=1)
    unsure = KNN(k=1).fit(X, group).predict_proba(X[group == 0]).max(axis=1)
    assert sure.min() > unsure.max()


# -- the network ------------------------------------------------------------------------------------------------------


def test_the_network_learns_what_no_line_can():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (600, 2)).astype(np.float32)
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    assert (MLP(hidden=32, passes=60, rate=5e-3).fit(X[:400], y[:400]).predict(X[400:]) == y[400:]).mean() > 0.9
    assert (Linear().fit(X[:400], y[:400]).predict(X[400:]) == y[400:]).mean() < 0.7


def test_the_network_learns_on_and_takes_new_classes(tmp_path):
    X, group = blobs()
    model = MLP(hidden=16).fit(X[group < 2], group[group < 2])
    model.save(tmp_path / "m")
    model = load(tmp_path / "m")
    for _ in range(150):
        model.partial_fit(X, group)
    assert model.classes_.tolist() == [0, 1, 2]
    assert (model.predict(X) == group).mean() > 0.9


# -- trees ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [Tree(), Forest(trees=10), Boosted(rounds=10)])
def test_trees_read_what_is_not_known(model):
    X, group = blobs()
    X = X.copy()
    X[::7, 3] = np.nan
    assert (model.fit(X, group).predict(X) == group).mean() > 0.95


def test_boosting_ends_where_rounds_bring_nothing():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1200, 4)).astype(np.float32)
    y = rng.integers(0, 2, 1200)  # there is nothing to find
    assert Boosted(rounds=15, leaves=4, patience=2).fit(X, y).estimator_.n_iter_ < 15
    assert Boosted(rounds=15, leaves=4, patience=0).fit(X, y).estimator_.n_iter_ == 15


@pytest.mark.parametrize(
    "model", [Tree(), Forest(trees=5), Boosted(rounds=5), NaiveBayes(), KNN(), MLP(hidden=4, passes=2)]
)
def test_one_class_alone_is_certain_everywhere(model):
    X, _ = blobs()
    assert (model.fit(X, ["mug"] * 60).predict_proba(X[:3]) == 1).all()
    assert model.predict(X[:2]).tolist() == ["mug", "mug"]


@pytest.mark.parametrize(
    "model", [Tree(), Forest(trees=30), Boosted(rounds=5, least=1), NaiveBayes(), KNN(k=1), MLP(hidden=8)]
)
def test_a_class_with_one_row_and_rows_all_alike(model):
    X, group = blobs()
    rows = np.r_[np.flatnonzero(group < 2), np.flatnonzero(group == 2)[:1]]
    assert model.fit(X[rows], group[rows]).predict_proba(X).shape == (60, 3)
    assert (model.predict(X[group < 2]) == group[group < 2]).mean() > 0.9
    table = model.fit(np.ones((6, 2), np.float32), [0, 0, 0, 0, 1, 1]).predict_proba(np.ones((2, 2), np.float32))
    assert (table[0] == table[1]).all()


# -- scikit-learn's ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["sklearn.neighbors:NearestCentroid", "sklearn.svm.LinearSVC"])
def test_scikit_learns_keep_our_contract(path):
    assert len(check(find(Classifier, path)())) >= 26


def test_scikit_learns_are_found_saved_and_refused(tmp_path):
    X, group = blobs()
    model = make(Classifier, "sklearn.linear_model:LogisticRegression", C=0.5, seed=3).fit(X, group)
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(load(tmp_path / "m").predict_proba(X), model.predict_proba(X))
    with pytest.raises(SettingError, match=r"LogisticRegression\(C=-1\)"):
        make(Classifier, "sklearn.linear_model:LogisticRegression", C=-1).fit(X, group)
    with pytest.raises(SettingError, match="is no classifier"):
        find(Classifier, "sklearn.cluster:KMeans")
    with pytest.raises(UnknownName):
        find(Classifier, "sklearn.linear_model:Logistic")
