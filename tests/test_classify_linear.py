import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.sparse import csr_array

from wares.algorithm import load
from wares.checks.shop import SHOES, blobs, catalog
from wares.classify.linear import Linear
from wares.classify.rows import folded, softmax, temperature
from wares.encode.tfidf import TfIdf
from wares.errors import DataError, UnknownName
from wares.kernels import margins
from wares.kernels.kmeans import work

KINDS = np.array(["shoe" if row in SHOES else "mug" for row in range(12)])


def text_rows():
    return TfIdf(bits=12).fit_encode(catalog())


# -- the kernel against the loss itself ------------------------------------------------------------------------------


def loss(weights, rows, sign, cost, logistic, given=0.0):
    margin = sign * (rows @ weights[:-1] + weights[-1])
    each = np.logaddexp(0, -margin) if logistic else np.square(np.maximum(0, 1 - margin))
    return 0.5 * np.square(weights - given).sum() + (cost * each).sum()


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(2, 25),
    width=st.integers(1, 6),
    logistic=st.booleans(),
    dense=st.booleans(),
    known=st.booleans(),
)
def test_descent_ends_where_the_loss_is_least(seed, n, width, logistic, dense, known):
    rng = np.random.default_rng(seed)
    rows = np.round(rng.normal(size=(n, width)) * (rng.random((n, width)) < 0.7), 2).astype(np.float32)
    positive = rng.random(n) < 0.4
    costs = np.array([0.5, 2.0])
    given_weights = rng.normal(size=width + 1).astype(np.float32) * known
    table = csr_array(rows)
    if dense:
        indptr, indices, data = np.arange(n + 1, dtype=np.int64) * width, np.empty(0, np.int32), rows.ravel()
    else:
        indptr, indices, data = table.indptr.astype(np.int64), table.indices.astype(np.int32), table.data
    weights = given_weights.copy()
    order = np.arange(n)
    kind = margins.LOGISTIC if logistic else margins.HINGE
    lengths = margins.squares(indptr, data)
    margins.descend(indptr, indices, data, lengths, order, positive, costs, kind, 3000, 1e-6, seed, weights)
    sign, cost = np.where(positive, 1.0, -1.0), costs[positive.astype(int)]
    best = minimize(loss, np.zeros(width + 1), (rows.astype(np.float64), sign, cost, logistic, given_weights)).fun
    ours = loss(weights.astype(np.float64), rows.astype(np.float64), sign, cost, logistic, given_weights)
    assert ours <= best * (1 + 1e-3) + 1e-3


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1000), n=st.integers(0, 6), width=st.integers(1, 8), n_classes=st.integers(1, 5))
def test_scores_are_products(seed, n, width, n_classes):
    rng = np.random.default_rng(seed)
    rows = (rng.normal(size=(n, width)) * (rng.random((n, width)) < 0.5)).astype(np.float32)
    places = np.where(rng.random(width) < 0.8, np.cumsum(np.ones(width, np.int32)) - 1, -1).astype(np.int32)
    table = rng.normal(size=(width, n_classes)).astype(np.float32)
    sparse = csr_array(rows)
    out = np.zeros((n, n_classes), np.float32)
    margins.scores(sparse.indptr.astype(np.int64), sparse.indices.astype(np.int32), sparse.data, places, table, out)
    np.testing.assert_allclose(out, rows[:, places >= 0] @ table[places[places >= 0]], atol=1e-5)


# -- what it learns ------------------------------------------------------------------------------------------------


def test_it_is_a_support_vector_machine():
    from sklearn.svm import LinearSVC

    rows = text_rows()
    ours = Linear(folds=0, tol=1e-6, rounds=1000).fit(rows, KINDS)
    # Our costs are for rows of mean length 1, which these are; so both have the same best weights.
    theirs = LinearSVC(tol=1e-8, max_iter=100_000).fit(rows.toarray(), KINDS)
    np.testing.assert_allclose(ours.logits(rows)[:, 1] * 2, theirs.decision_function(rows.toarray()), atol=2e-3)


@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize("loss", ["hinge", "logistic"])
def test_contributions_sum_to_the_logit(dense, loss):
    rows = blobs()[0] if dense else text_rows()
    names = np.array(["a", "b", "c"])[blobs()[1]] if dense else KINDS
    model = Linear(loss=loss).fit(rows, names)
    logits = model.logits(rows)
    for k, name in enumerate(model.classes_):
        parts = model.contributions(rows, np.repeat(name, rows.shape[0]))
        np.testing.assert_allclose(parts.sum(axis=1) + model.intercept_[k], logits[:, k], atol=1e-4)
    np.testing.assert_allclose(softmax(logits), model.predict_proba(rows))
    with pytest.raises(UnknownName, match="'hat'"):
        model.contributions(rows, ["hat"] * rows.shape[0])


def test_the_same_bits_on_one_thread_and_on_two(monkeypatch):
    X, group = blobs()
    two = Linear().fit(X, group)
    monkeypatch.setattr("wares.classify.linear.work", lambda: work(1))
    one = Linear().fit(X, group)
    assert one.coef_.tobytes() == two.coef_.tobytes()


def test_calibration_makes_probabilities_honest():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 5)).astype(np.float32)
    y = (X[:, 0] + rng.normal(size=3000) > 0).astype(int)  # right in some 75 % at best
    model = Linear().fit(X[:2000], y[:2000])
    sure = model.predict_proba(X[2000:]).max(axis=1)
    right = model.predict(X[2000:]) == y[2000:]
    assert abs(sure.mean() - right.mean()) < 0.04
    plain = Linear(folds=0).fit(X[:2000], y[:2000]).predict_proba(X[2000:]).max(axis=1)
    assert abs(plain.mean() - right.mean()) > abs(sure.mean() - right.mean())


def test_held_out_logits_are_of_weights_that_never_saw_the_row():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 200)).astype(np.float32)
    y = rng.integers(0, 2, 60)  # nothing to learn
    model = Linear()
    held = model.fit_held_out(X, y)
    assert (model.predict(X) == y).all()  # learned by heart
    assert 0.25 < (held.argmax(axis=1) == y).mean() < 0.75


def test_folds_hold_twins_together_and_spread_classes():
    rows = np.repeat(np.arange(30, dtype=np.float32)[:, None], 2, axis=0)
    codes = np.repeat([0, 0, 1], 20)
    fold = folded(rows, codes, 3, 0)
    assert (fold[::2] == fold[1::2]).all()
    for code in (0, 1):
        assert np.ptp(np.bincount(fold[codes == code], minlength=3)) <= 2
    assert folded(np.eye(3, dtype=np.float32), np.array([0, 0, 1]), 2, 0)[2] == -1  # alone in its class


def test_temperature_finds_the_factor():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 4)).astype(np.float32)
    shares = softmax(logits * 3)
    codes = np.array([rng.choice(4, p=row / row.sum()) for row in shares.astype(np.float64)])
    assert temperature(logits, codes) == pytest.approx(3, rel=0.1)
    assert temperature(logits[:0], codes[:0]) == 1.0
    assert temperature(np.array([[9.0, 0.0]], np.float32), np.array([0])) < 2  # one right answer is no certainty


# -- learning on ----------------------------------------------------------------------------------------------------


def test_new_classes_come_in_without_a_refit(tmp_path):
    X, group = blobs()
    model = Linear().fit(X[group < 2], group[group < 2])
    model.save(tmp_path / "m")
    model = load(tmp_path / "m")  # its arrays are read-only now
    model.partial_fit(X, group)
    assert model.classes_.tolist() == [0, 1, 2]
    assert (model.predict(X) == group).mean() > 0.95


def test_learning_on_meets_new_columns():
    rows = text_rows()
    model = Linear().fit(rows[:6], KINDS[:6])
    known = (model.places_ >= 0).sum()
    model.partial_fit(rows[6:], KINDS[6:])
    assert (model.places_ >= 0).sum() > known
    assert (model.predict(rows) == KINDS).all()


def test_learning_on_keeps_what_was_known():
    X, group = blobs()
    model = Linear().fit(X, group)
    few = X[group == 2][:2]
    model.partial_fit(few, [2, 2])
    assert (model.predict(X) == group).mean() > 0.95


def test_classes_to_come_can_be_named():
    X, group = blobs()
    model = Linear().partial_fit(X[group < 2], group[group < 2], classes=[0, 1, 2])
    assert model.predict_proba(X).shape == (60, 3)


# -- bad and odd input ------------------------------------------------------------------------------------------------


def test_one_class_alone_is_certain_and_can_be_joined_by_others():
    X, group = blobs()
    model = Linear().fit(X[:5], ["shoe"] * 5)
    assert (model.predict_proba(X) == 1).all()
    model.partial_fit(X, np.array(["mug", "shoe", "bag"])[group])
    assert (model.predict(X) == np.array(["mug", "shoe", "bag"])[group]).mean() > 0.95


def test_a_class_with_one_row_is_learned():
    X, group = blobs()
    rows = np.r_[np.flatnonzero(group < 2), np.flatnonzero(group == 2)[:1]]
    model = Linear().fit(X[rows], group[rows])
    assert (model.predict(X) == group).mean() > 0.95


def test_rows_that_are_all_the_same_give_shares():
    model = Linear().fit(np.ones((8, 3), np.float32), [0, 0, 0, 0, 0, 0, 1, 1])
    table = model.predict_proba(np.ones((2, 3), np.float32))
    assert (table[0] == table[1]).all()
    assert table[0, 0] > 0.5


def test_bad_input_is_named():
    X = np.ones((4, 2), np.float32)
    X[1, 1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        Linear().fit(X, [0, 1, 0, 1])
    with pytest.raises(DataError, match=r"classes of several kinds .*NoneType"):
        Linear().fit(np.ones((2, 2)), np.array(["shoe", None], object))
    with pytest.raises(ValueError, match="features"):
        Linear().fit(np.eye(3), [0, 1, 2]).predict(np.eye(4))


def test_rare_classes_can_weigh_more():
    rng = np.random.default_rng(2)
    X = np.r_[rng.normal(0, 1, (190, 2)), rng.normal(1.5, 1, (10, 2))].astype(np.float32)
    y = np.repeat([0, 1], [190, 10])
    found = [(Linear(balance=how).fit(X, y).predict(X) == 1).sum() for how in ("none", "root", "full")]
    assert found[0] < found[1] < found[2]
