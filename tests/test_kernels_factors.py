"""The kernels of factor models, against the same in plain numpy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from wares.kernels.als import FEW, factorise, half
from wares.kernels.descent import pairwise, pointwise
from wares.kernels.kmeans import ALONE, work


def taken_of(rng, n_shoppers, n_products, most):
    """Rows of up to `most` products, some empty, with weights from a half to three."""
    rows = [np.sort(rng.choice(n_products, rng.integers(0, most + 1), replace=False)) for _ in range(n_shoppers)]
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    data = rng.uniform(0.5, 3, indptr[-1]).astype(np.float32)
    return csr_array((data, np.concatenate(rows).astype(np.int32), indptr), (n_shoppers, n_products))


def by_hand(taken, fixed, penalty, unobserved, extra):
    """The normal equations of each row, solved one by one in float64."""
    fixed = fixed.astype(np.float64)
    out = np.zeros((taken.shape[0], fixed.shape[1]))
    for row in range(taken.shape[0]):
        own = slice(taken.indptr[row], taken.indptr[row + 1])
        there, weights = fixed[taken.indices[own]], taken.data[own].astype(np.float64)
        matrix = unobserved * fixed.T @ fixed + (there.T * weights) @ there + penalty[row] * np.eye(fixed.shape[1])
        out[row] = np.linalg.solve(matrix, there.T @ (weights + extra))
    return out


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000), st.sampled_from([1, 3, 8, 17]), st.sampled_from([0.0, 1.0]), st.sampled_from([0.1, 1.0]))
def test_a_half_sweep_solves_every_row(seed, width, extra, unobserved):
    rng = np.random.default_rng(seed)
    taken = taken_of(rng, 12, 40, 35)  # rows on both sides of FEW
    fixed = rng.standard_normal((40, width)).astype(np.float32)
    penalty = rng.uniform(0.1, 2, 12).astype(np.float32)
    start = rng.standard_normal((12, width)).astype(np.float32)
    turned, found = half(ALONE, taken, fixed, start, penalty, unobserved, extra, steps=60)
    # Axes are the kernel's own: what both sides say of each other does not depend on them.
    wanted = by_hand(taken, fixed, penalty, unobserved, extra)
    assert np.allclose(found @ turned.T, wanted @ fixed.T, atol=2e-3)
    assert np.allclose(np.linalg.norm(found, axis=1), np.linalg.norm(wanted, axis=1), atol=2e-3)


def test_one_step_does_not_lead_away():
    rng = np.random.default_rng(2)
    taken = taken_of(rng, 6, 60, 55)
    taken = taken[np.flatnonzero(np.diff(taken.indptr) > FEW)]
    fixed = rng.standard_normal((60, 12)).astype(np.float32)
    penalty = np.full(taken.shape[0], 0.5, np.float32)
    wanted = by_hand(taken, fixed, penalty, 1.0, 1.0) @ fixed.T
    away = []
    for steps in (1, 2, 4, 8):
        start = np.zeros((taken.shape[0], 12), np.float32)
        turned, found = half(ALONE, taken, fixed, start, penalty, 1.0, 1.0, steps)
        away.append(np.linalg.norm(found @ turned.T - wanted))
    assert away == sorted(away, reverse=True)
    assert away[-1] < 0.05 * np.linalg.norm(wanted)


def loss(taken, shoppers, products, penalty):
    said = shoppers.astype(np.float64) @ products.T
    dense = taken.toarray()
    squares = np.where(dense > 0, (1 + dense) * (1 - said) ** 2, said**2)
    return squares.sum() + penalty * ((shoppers**2).sum() + (products**2).sum())


def test_sweeps_lower_the_loss_and_threads_change_no_bit():
    rng = np.random.default_rng(4)
    taken = taken_of(rng, 300, 80, 40)
    penalties = np.full(300, 0.3, np.float32), np.full(80, 0.3, np.float32)

    def run(sweeps):
        return factorise(taken, 8, *penalties, unobserved=1.0, extra=1.0, iterations=sweeps, steps=2, seed=1)

    losses = [loss(taken, *run(sweeps), 0.3) for sweeps in (1, 2, 4, 8)]
    assert losses == sorted(losses, reverse=True)
    fixed, start = run(2)[::-1]
    with work(3) as pool:
        many = half(pool, taken, fixed, start, penalties[0], 1.0, 1.0, 2)
    alone = half(ALONE, taken, fixed, start, penalties[0], 1.0, 1.0, 2)
    assert all(np.array_equal(one, other) for one, other in zip(many, alone, strict=True))


# -- gradient descent ------------------------------------------------------------------------------------------------


def drawn_case(seed, k):
    rng = np.random.default_rng(seed)
    taken = taken_of(rng, 6, 9, 5)
    owners = np.repeat(np.arange(6, dtype=np.int32), np.diff(taken.indptr))
    places = rng.permutation(taken.nnz).astype(np.int32)
    drawn = rng.integers(0, 9, (taken.nnz, k)).astype(np.int32)
    tables = [rng.standard_normal((n, 5)).astype(np.float32) for n in (6, 9)]
    return (
        taken,
        owners,
        places,
        drawn,
        tables,
        rng.standard_normal(6).astype("f4"),
        rng.standard_normal(9).astype("f4"),
    )


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000), st.integers(0, 3), st.booleans(), st.booleans())
def test_a_step_of_a_pair_goes_down_its_gradient(seed, k, logistic, alone):
    taken, owners, places, drawn, (shoppers, products), own, common = drawn_case(seed, k)
    wanted = np.random.default_rng(seed).uniform(0, 1, taken.nnz).astype(np.float32)
    p, q, a, b = (each.astype(np.float64) for each in (shoppers, products, own, common))
    for place, others in zip(places, drawn, strict=True):
        u = owners[place]
        held = set(taken.indices[taken.indptr[u] : taken.indptr[u + 1]].tolist())
        steps = [(taken.indices[place], wanted[place])] + [(j, 0.0) for j in others.tolist() if j not in held]
        for j, value in steps:
            said = 0.3 + a[u] + b[j] + p[u] @ q[j]
            said = sigmoid(said) if logistic else said
            rate = 0.05 * taken.data[place]
            pull = rate * (value - said)
            if not alone:
                a[u] += pull - rate * 0.02 * a[u]
            b[j] += pull - rate * 0.02 * b[j]
            p[u], q[j] = p[u] + pull * q[j] - rate * 0.1 * p[u], q[j] + pull * p[u] - rate * 0.1 * q[j]
    indices = taken.indices.astype(np.int32)
    pointwise(
        taken.indptr.astype(np.int64), indices, owners, places, drawn.reshape(taken.nnz, k), wanted, taken.data,
        np.float32(0.3), logistic, alone, np.float32(0.05), np.float32(0.1), np.float32(0.02),
        shoppers, products, own, common,
    )  # fmt: skip
    for found, hand in ((shoppers, p), (products, q), (own, a), (common, b)):
        assert np.allclose(found, hand, atol=1e-4)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000), st.integers(1, 3))
def test_a_step_lifts_what_was_taken_above_the_highest_of_the_drawn(seed, k):
    taken, owners, places, drawn, (shoppers, products), _, common = drawn_case(seed, k)
    p, q, b = (each.astype(np.float64) for each in (shoppers, products, common))
    for place, others in zip(places, drawn, strict=True):
        u, i = owners[place], taken.indices[place]
        held = set(taken.indices[taken.indptr[u] : taken.indptr[u + 1]].tolist())
        free = [j for j in others.tolist() if j not in held]
        if not free:
            continue
        j = max(free, key=lambda j: b[j] + p[u] @ q[j])
        rate = 0.05 * taken.data[place]
        pull = rate * sigmoid(-(b[i] - b[j] + p[u] @ (q[i] - q[j])))
        b[i], b[j] = b[i] + pull - rate * 0.1 * b[i], b[j] - pull - rate * 0.1 * b[j]
        mine = p[u].copy()
        p[u] += pull * (q[i] - q[j]) - rate * 0.1 * mine
        q[i], q[j] = q[i] + pull * mine - rate * 0.1 * q[i], q[j] - pull * mine - rate * 0.1 * q[j]
    pairwise(
        taken.indptr.astype(np.int64), taken.indices.astype(np.int32), owners, places, drawn, taken.data,
        np.float32(0.05), np.float32(0.1), shoppers, products, common,
    )  # fmt: skip
    for found, hand in ((shoppers, p), (products, q), (common, b)):
        assert np.allclose(found, hand, atol=1e-4)


def test_what_dies_out_becomes_nothing():
    shoppers, products = np.full((1, 3), 1e-14, np.float32), np.zeros((1, 3), np.float32)
    pointwise(
        np.array([0, 1]), np.zeros(1, np.int32), np.zeros(1, np.int32), np.zeros(40, np.int32),
        np.empty((40, 0), np.int32), np.zeros(1, np.float32), np.ones(1, np.float32), np.float32(0), False, False,
        np.float32(0.5), np.float32(1), np.float32(0), shoppers, products, np.zeros(1, "f4"), np.zeros(1, "f4"),
    )  # fmt: skip
    assert not shoppers.any()


@pytest.mark.parametrize("width", [1, 2])
def test_few_factors_are_enough_where_tastes_are_few(width):
    rows, columns = np.divmod(np.arange(100), 10)
    both = csr_array(((rows < 5) == (columns < 5)).reshape(10, 10).astype(np.float32))
    both.data[:] = 3
    penalties = np.full(10, 0.01, np.float32), np.full(10, 0.01, np.float32)
    sides = factorise(both, width, *penalties, unobserved=1.0, extra=0.0, iterations=20, steps=3, seed=0)
    said = sides[0] @ sides[1].T
    apart = said[both.toarray() > 0].mean() - said[both.toarray() == 0].mean()
    assert apart > (0.3 if width == 1 else 0.7)
