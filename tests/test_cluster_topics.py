import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array, csr_matrix
from sklearn.metrics import adjusted_rand_score

from wares.algorithm import Clusterer
from wares.cluster.factor import Factor
from wares.cluster.lda import LDA
from wares.cluster.nmf import NMF
from wares.errors import DataError, SettingError
from wares.kernels import topics as fast

WORDS = ["shoe", "sole", "lace", "mug", "handle", "ceramic", "red", "blue"]
TEXTS = np.array(
    [
        *([2, 1, 1, 0, 0, 0, 1, 0], [1, 1, 0, 0, 0, 0, 0, 1], [1, 0, 1, 0, 0, 0, 0, 0], [3, 1, 2, 0, 0, 0, 1, 0]),
        *([0, 0, 0, 2, 1, 1, 0, 1], [0, 0, 0, 1, 1, 0, 1, 0], [0, 0, 0, 1, 0, 1, 0, 0]),
    ],
    np.float32,
)
"""Four texts of shoes and three of mugs."""
KINDS = [0, 0, 0, 0, 1, 1, 1]
TOPICS = [LDA(n_clusters=2), NMF(n_clusters=2)]
EVERY = [*TOPICS, Factor(n_factors=1)]


@pytest.mark.parametrize("model", EVERY)
@pytest.mark.parametrize("kind", [np.asarray, csr_array, csr_matrix])
def test_texts_of_two_kinds_part_dense_and_sparse(model, kind):
    labels = model.fit(kind(TEXTS)).labels_
    assert adjusted_rand_score(KINDS, labels) == 1
    np.testing.assert_array_equal(model.predict(kind(TEXTS)), labels)
    assert model.READS == "words"
    assert isinstance(model, Clusterer)


@pytest.mark.parametrize("model", EVERY)
def test_clusters_are_told_by_their_words(model):
    model.fit(TEXTS)
    told = model.describe(WORDS, 3)
    shoes, mugs = told[model.labels_[0]], told[model.labels_[4]]
    assert "shoe" in shoes
    assert "mug" in mugs
    assert not set(shoes) & set(mugs)
    with pytest.raises(DataError, match="7 names for 8 columns"):
        model.describe(WORDS[:7])


@pytest.mark.parametrize("model", EVERY)
def test_a_text_without_words_goes_to_the_largest_cluster(model):
    rows = np.concatenate([TEXTS, np.zeros((2, 8), np.float32)])
    model.fit(csr_array(rows))
    assert model.labels_[7] == model.labels_[8] == model.labels_[0]  # four of seven texts are of shoes
    assert model.predict(np.zeros((1, 8)))[0] == model.labels_[0]


@pytest.mark.parametrize("model", TOPICS)
def test_shares_of_topics_sum_to_one(model):
    shares = model.fit(TEXTS).predict_proba(np.concatenate([TEXTS, np.zeros((1, 8))]))
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(sorted(shares[-1]), [3 / 7, 4 / 7], rtol=1e-5)
    half = shares[0] + shares[4]  # a text of both kinds is between the two
    both = model.predict_proba(TEXTS[:1] + TEXTS[4:5])[0]
    assert both.min() > 0.2
    assert half.shape == both.shape


@pytest.mark.parametrize("model", EVERY)
def test_no_words_at_all_are_one_cluster(model):
    for rows in (np.zeros((3, 8)), csr_array((3, 8), dtype=np.float32), np.zeros((1, 2))):
        assert model.fit(rows).labels_.tolist() == [0] * rows.shape[0]
        assert model.n_clusters_ == 1


@pytest.mark.parametrize("model", [LDA(n_clusters=9), NMF(n_clusters=9), Factor(n_factors=9)])
def test_more_clusters_than_there_can_be(model):
    model.fit(np.repeat(TEXTS[[0, 4]], 10, axis=0))
    assert model.n_clusters_ == 2
    assert model.fit(np.repeat(TEXTS[:1], 10, axis=0)).n_clusters_ == 1


@pytest.mark.parametrize("model", EVERY)
def test_what_cannot_be_read_is_refused(model):
    with pytest.raises(ValueError, match="NaN"):
        model.fit(np.where(TEXTS > 2, np.nan, TEXTS))
    with pytest.raises(SettingError, match="cannot honour"):
        model.fit(TEXTS, links=(np.array([[0, 1]]), np.empty((0, 2), np.int64)))


@pytest.mark.parametrize("model", TOPICS)
def test_counts_below_zero_are_refused(model):
    with pytest.raises(ValueError, match="Negative values"):
        model.fit(-TEXTS)


def test_topics_are_distributions_and_parts_have_length_one():
    np.testing.assert_allclose(LDA(n_clusters=2).fit(TEXTS).components_.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(NMF(n_clusters=2).fit(TEXTS).components_, axis=1), 1, rtol=1e-5)


counts = st.integers(0, 2**32 - 1)


@settings(max_examples=40, deadline=None)
@given(counts, st.integers(1, 6), st.integers(0, 30), st.integers(1, 8))
def test_texts_are_read_as_the_plain_way_reads_them(seed, n, width, k):
    rng = np.random.default_rng(seed)
    rows = csr_array(rng.poisson(0.7, (n, width)).astype(np.float32))
    words = rng.dirichlet(np.ones(k) * 0.3, width).astype(np.float32).reshape(width, k)
    found = []
    for read in (fast.mixed, fast.mixed_plain):
        out, shares = np.zeros((n, k), np.float32), np.zeros(rows.nnz, np.float32)
        prior = np.full(k, 0.1, np.float32)
        read(rows.data, rows.indices, rows.indptr, words, prior, 15, np.float32(0), out, shares)
        found.append((out, shares))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-3, atol=1e-4)


@settings(max_examples=40, deadline=None)
@given(counts, st.integers(1, 6), st.integers(1, 8))
def test_parts_are_found_as_the_plain_way_finds_them(seed, n, k):
    rng = np.random.default_rng(seed)
    parts = rng.random((k, 12)).astype(np.float32) * (rng.random((k, 12)) < 0.5)
    products, gram = (rng.random((n, 12)) @ parts.T).astype(np.float32), (parts @ parts.T).astype(np.float32)
    found = []
    for solve in (fast.parts, fast.parts_plain):
        out = np.zeros((n, k), np.float32)
        solve(products, gram, 10, np.float32(0), out)
        found.append(out)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-3, atol=1e-3)
    assert found[0].min() >= 0
