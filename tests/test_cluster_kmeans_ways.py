"""The ways that k-means can be told to go: seeds, gradient, anchors, radius; and what must not matter to it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score

from wares.arrays import unit
from wares.cluster.kmeans import KMeans
from wares.errors import DataError, SettingError
from wares.kernels.distinct import _digests, digests_plain, distinct, factors
from wares.kernels.kmeans import ALONE

FIVE = np.outer(np.arange(1, 6), np.arange(1, 6)).astype(np.float32)
"""The five vectors [1, 2, 3, 4, 5] times 1 to 5."""

STREET = np.array([[0.0], [1.0], [2.0], [20.0], [21.0], [22.0]], np.float32)


def digits():
    return load_digits().data.astype(np.float32)


# -- the worked example of docs/clusters/kmeans.md -----------------------------------------------------------------


def test_the_worked_example():
    squared = ((FIVE[:, None] - FIVE) ** 2).sum(axis=2)
    steps = np.subtract.outer(np.arange(5), np.arange(5))
    np.testing.assert_array_equal(squared, 55 * steps**2)  # 1 + 4 + 9 + 16 + 25 = 55
    bad = np.array([2, 4, 5])[:, None] * np.arange(1, 6)  # {1, 2, 3}, {4}, {5}: where plain rounds can stay
    gaps = ((FIVE[:, None] - bad) ** 2).sum(axis=2).min(axis=1)
    assert gaps.tolist() == [55, 0, 55, 0, 0]
    for seed in range(20):
        model = KMeans(n_clusters=3, seed=seed).fit(FIVE)
        assert model.inertia_ == 55
        assert sorted(np.bincount(model.labels_).tolist()) == [1, 2, 2]
        assert np.count_nonzero(np.diff(model.labels_)) == 2  # neighbours stay together
    model = KMeans(n_clusters=3, seed=0).fit(FIVE)
    assert model.labels_.tolist() == [0, 0, 2, 1, 1]
    np.testing.assert_array_equal(model.cluster_centers_, np.outer([1.5, 4.5, 3], np.arange(1, 6)))
    assert model.radius_ == pytest.approx(np.sqrt(55 / 4))  # 3.708: half a step, a step being the root of 55
    assert model.predict([[3, 6, 10, 12, 15]]).tolist() == [2]  # most like the third
    one_way = KMeans(n_clusters=3, spherical=True).fit(FIVE)
    assert one_way.n_clusters_ == 1  # all five point the same way


# -- seeds and gradient ----------------------------------------------------------------------------------------------


def test_seeds_of_k_means_parallel_are_as_good():
    X = digits()
    best = KMeans(n_clusters=100).fit(X).inertia_
    for seed in range(3):
        model = KMeans(n_clusters=100, seeding="k-means||", seed=seed).fit(X)
        assert model.n_clusters_ == 100
        assert model.inertia_ < 1.01 * best
    few = np.repeat(STREET, 7, axis=0)
    assert KMeans(n_clusters=9, seeding="k-means||").fit(few).n_clusters_ == 6
    assert KMeans(n_clusters=2, seeding="k-means||").fit(few[:7]).n_clusters_ == 1


@pytest.mark.parametrize("batch_size", [64, 4096])
def test_down_the_gradient_it_comes_to_the_same_centres(batch_size):
    rng = np.random.default_rng(0)
    truth = rng.integers(8, size=4000)
    X = (rng.normal(size=(8, 6)) * 8)[truth] + rng.normal(size=(4000, 6))
    rounds = KMeans(n_clusters=8).fit(X)
    slid = KMeans(n_clusters=8, solver="gradient", batch_size=batch_size).fit(X)
    assert adjusted_rand_score(rounds.labels_, slid.labels_) > 0.999
    assert slid.inertia_ == pytest.approx(rounds.inertia_, rel=1e-4)
    matched = rounds.predict(slid.cluster_centers_)
    np.testing.assert_allclose(slid.cluster_centers_, rounds.cluster_centers_[matched], atol=0.02)


@pytest.mark.parametrize("spherical", [False, True])
def test_down_the_gradient_the_inertia_is_as_low(spherical):
    X = digits()
    ways: dict[str, list[float]] = {"rounds": [], "gradient": []}
    for solver, found in ways.items():
        for seed in range(5):
            found.append(KMeans(n_clusters=20, solver=solver, seed=seed, spherical=spherical, tol=1e-4).fit(X).inertia_)
    assert np.mean(ways["gradient"]) < 1.005 * np.mean(ways["rounds"])


def test_a_rate_too_high_still_ends_well():
    X = digits()
    wild = KMeans(n_clusters=20, solver="gradient", learning_rate=50, batch_size=64).fit(X)
    assert wild.inertia_ < 1.05 * KMeans(n_clusters=20).fit(X).inertia_


# -- anchors ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["rounds", "gradient"])
def test_an_anchor_counts_as_so_many_rows(solver):
    anchors = np.array([[21.0], [3.0]], np.float32)
    free = KMeans(n_clusters=2, solver=solver).fit(STREET, anchors=anchors)
    assert free.cluster_centers_.ravel().tolist() == pytest.approx([21, 1], abs=1e-5)  # in the order of the anchors
    held = KMeans(n_clusters=2, anchor=3, solver=solver).fit(STREET, anchors=anchors)
    assert held.cluster_centers_.ravel().tolist() == pytest.approx([21, (0 + 1 + 2 + 3 * 3) / 6])
    assert held.labels_.tolist() == [1, 1, 1, 0, 0, 0]
    heavy = KMeans(n_clusters=2, anchor=1e9, solver=solver).fit(STREET, anchors=anchors)
    np.testing.assert_allclose(heavy.cluster_centers_, anchors, rtol=1e-6)


def test_beside_the_anchors_further_clusters_are_found():
    model = KMeans(n_clusters=3, anchor=5).fit(np.vstack([STREET, [[90], [91]]]), anchors=[[1], [21]])
    assert model.cluster_centers_.ravel().tolist() == [1, 21, 90.5]
    assert model.labels_.tolist() == [0, 0, 0, 1, 1, 1, 2, 2]


def test_an_anchor_whose_rows_are_gone_is_let_go():
    model = KMeans(n_clusters=3, anchor=1).fit(STREET, anchors=[[1], [500], [21]])
    assert model.n_clusters_ == 3
    assert np.bincount(model.labels_).min() >= 1
    assert model.cluster_centers_.max() < 30


def test_a_rebuild_with_anchors_keeps_the_clusters():
    X = digits()
    first = KMeans(n_clusters=30).fit(X[:1700])
    fresh = KMeans(n_clusters=30).fit(X)
    again = KMeans(n_clusters=30, anchor=5, split_merge=0).fit(X, anchors=first.cluster_centers_)
    assert np.mean(again.labels_[:1700] == first.labels_) > 0.95
    assert again.inertia_ < 1.02 * fresh.inertia_


def test_anchors_of_unit_length_when_spherical():
    X = unit(digits())
    first = KMeans(n_clusters=10, spherical=True).fit(X)
    again = KMeans(n_clusters=10, spherical=True, anchor=9).fit(X, anchors=7 * first.cluster_centers_)
    np.testing.assert_allclose(np.linalg.norm(again.cluster_centers_, axis=1), 1, rtol=1e-5)


def test_wrong_anchors_are_named():
    for wrong, said in (
        (np.zeros((2, 2)), r"shape \(2, 2\), expected \(at least 1, 1\)"),
        (np.zeros((0, 1)), "expected"),
        (np.zeros((3, 1)), "more than n_clusters=2"),
        ([[np.nan]], "finite"),
    ):
        with pytest.raises(DataError, match=said):
            KMeans(n_clusters=2).fit(STREET, anchors=wrong)


# -- radius ----------------------------------------------------------------------------------------------------------


def test_rows_beyond_the_radius_are_borderline():
    X = np.vstack([STREET, [[26]]]).astype(np.float32)
    model = KMeans(n_clusters=2, radius=2.5).fit(X)  # centres 1 and 22.25
    assert model.radius_ == 2.5
    assert model.borderline_.tolist() == [False] * 6 + [True]
    np.testing.assert_array_equal(model.borderline(X), model.borderline_)
    assert model.borderline(np.array([[3.4], [3.6]])).tolist() == [False, True]
    by_share = KMeans(n_clusters=10, inside=0.9).fit(digits())
    assert np.mean(by_share.borderline_) == pytest.approx(0.1, abs=0.002)
    assert not KMeans(n_clusters=10, inside=1.0).fit(digits()).borderline_.any()


# -- what must not matter --------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(
    arrays(np.float32, st.tuples(st.integers(1, 30), st.just(3)), elements=st.integers(-2, 2).map(float)),
    st.sampled_from(["k-means++", "k-means||", "random"]),
    st.sampled_from(["rounds", "gradient"]),
    st.randoms(use_true_random=False),
)
def test_a_weight_is_a_row_repeated_and_order_does_not_matter(X, seeding, solver, random):
    times = np.array([random.randrange(4) for _ in X])
    times[0] += not times.any()
    order = np.array(random.sample(range(len(X)), len(X)))
    model = KMeans(n_clusters=4, seeding=seeding, solver=solver, batch_size=5)
    weighted = model.fit(X[order], sample_weight=times[order]).cluster_centers_
    repeated = KMeans(**model.get_params()).fit(np.repeat(X, times, axis=0)).cluster_centers_
    assert weighted.tobytes() == repeated.tobytes()


@settings(deadline=None, max_examples=60)
@given(
    arrays(
        np.float32, st.tuples(st.integers(1, 40), st.integers(1, 4)), elements=st.sampled_from([-1.5, -0.0, 0.0, 2])
    ),
    st.randoms(use_true_random=False),
)
def test_distinct_rows_are_those_of_numpy(X, random):
    weights = np.array([random.randrange(3) for _ in X], np.float32)
    rows, sums = distinct(ALONE, X, weights)
    kinds, inverse = np.unique(X[weights > 0], axis=0, return_inverse=True)
    expected = np.bincount(inverse, weights[weights > 0], len(kinds)) if len(kinds) else np.empty(0)
    assert sorted(map(tuple, X[rows].tolist())) == sorted(map(tuple, kinds.tolist()))
    by_row = dict(zip(map(tuple, kinds.tolist()), expected.tolist(), strict=True))
    assert [by_row[tuple(row)] for row in X[rows].tolist()] == sums.tolist()
    found = np.empty(len(X), np.uint64)
    _digests(X.view(np.uint32), factors(X.shape[1]), 0, len(X), found)
    np.testing.assert_array_equal(found, digests_plain(X))


def test_rows_whose_digests_agree_are_still_compared(monkeypatch):
    monkeypatch.setattr("wares.kernels.distinct.factors", lambda width: np.zeros(width, np.uint64))
    rows, weights = distinct(ALONE, np.array([[1.0], [2.0], [2.0]], np.float32), np.ones(3, np.float32))
    assert sorted(rows.tolist()) == [0, 1]
    assert sorted(weights.tolist()) == [1, 2]


def test_a_constant_column_changes_nothing_and_no_number_is_an_error():
    X = digits()[:300]
    with_constant = np.hstack([X, np.full((300, 1), 3, np.float32)])
    one, other = KMeans(n_clusters=5).fit(X), KMeans(n_clusters=5).fit(with_constant)
    assert other.inertia_ == pytest.approx(one.inertia_, rel=0.02)
    np.testing.assert_allclose(other.cluster_centers_[:, -1], 3, rtol=1e-6)
    X[7, 7] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        KMeans().fit(X)


def test_a_mapped_file_is_not_copied_whole(tmp_path):
    np.save(tmp_path / "x.npy", digits())
    X = np.load(tmp_path / "x.npy", mmap_mode="r")
    model = KMeans(n_clusters=10).fit(X)
    assert np.shares_memory(model._rows(X, reset=False), X)
    unit_rows = unit(digits())
    assert np.shares_memory(KMeans(spherical=True).fit(unit_rows)._rows(unit_rows, reset=False), unit_rows)
    np.testing.assert_array_equal(model.labels_, KMeans(n_clusters=10).fit(digits()).labels_)


def test_a_number_that_is_nothing_is_refused():
    with pytest.raises(SettingError, match=r"n_clusters=None.*has to have a value"):
        KMeans(n_clusters=None).fit(np.eye(4, dtype=np.float32))
