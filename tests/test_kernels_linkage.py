import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.metrics import adjusted_rand_score

from wares.errors import DataError
from wares.kernels.constraints import parts
from wares.kernels.linkage import average_linkage


def plain(table, threshold, apart, roots):
    """Greedy average linkage, every pair of clusters measured again each time."""
    clusters = [list(np.flatnonzero(roots == root)) for root in np.unique(roots)]
    while True:
        best = (threshold, -1, -1)
        for j in range(len(clusters)):
            for i in range(j):
                block = np.ix_(clusters[i], clusters[j])
                if not apart[block].any() and table[block].mean() >= best[0]:
                    best = (table[block].mean(), i, j)
        if best[1] < 0:
            break
        clusters[best[1]] += clusters.pop(best[2])
    labels = np.empty(len(table), int)
    for number, rows in enumerate(clusters):
        labels[rows] = number
    return labels


@st.composite
def problems(draw):
    n = draw(st.integers(2, 18))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    table = np.triu(rng.random((n, n)) * (rng.random((n, n)) < draw(st.sampled_from([0.2, 0.6, 1.0]))), 1)
    links = [rng.integers(n, size=(draw(st.integers(0, most)), 2)) for most in (3, 6)]
    groups = rng.integers(-1, n // 2 + 1, n) if draw(st.booleans()) else None
    return table + table.T, draw(st.sampled_from([0.05, 0.2, 0.5])), links[0], links[1], groups


@given(problems())
@settings(deadline=None, max_examples=100)
def test_it_is_greedy_average_linkage(problem):
    table, threshold, must, cannot, groups = problem
    n = len(table)
    edges = np.argwhere(table > 0)  # both ways
    apart = np.zeros((n, n), bool)
    apart[cannot[:, 0], cannot[:, 1]] = apart[cannot[:, 1], cannot[:, 0]] = True
    if groups is not None:
        apart |= (groups[:, None] == groups) & (groups[:, None] >= 0) & ~np.eye(n, dtype=bool)
    roots = parts(n, must)
    rules = {"must": must, "cannot": cannot, "groups": groups}
    if (apart & (roots[:, None] == roots)).any():
        with pytest.raises(DataError, match="must"):
            average_linkage(edges, table[tuple(edges.T)], n, threshold=threshold, **rules)
        return
    got = average_linkage(edges, table[tuple(edges.T)], n, threshold=threshold, **rules)
    assert adjusted_rand_score(plain(table, threshold, apart, roots), got) == 1
    assert not apart[got[:, None] == got].any()
    assert (got == got[roots]).all()
    firsts = [int(np.flatnonzero(got == each)[0]) for each in range(got.max() + 1)]
    assert firsts == sorted(firsts)


def test_without_rules_it_is_scipys():
    rng = np.random.default_rng(3)
    table = np.triu(rng.random((60, 60)), 1)
    edges = np.argwhere(np.triu(np.ones((60, 60)), 1))
    got = average_linkage(edges, table[tuple(edges.T)], 60, threshold=0.55)
    tree = linkage(squareform(1 - table - table.T - np.eye(60), checks=False), "average")
    assert adjusted_rand_score(fcluster(tree, 0.45, "distance"), got) == 1


OFFERS = np.array([(0, 1), (2, 3), (0, 2), (1, 3), (0, 3)])  # rows 0 and 1 of shop 7, 2 and 3 of shop 8; 4 alone
ALIKE = np.array([0.95, 0.9, 0.8, 0.7, 0.3], np.float32)


def test_no_two_offers_of_one_shop_in_one_product():
    assert average_linkage(OFFERS, ALIKE, 5, threshold=0.2).tolist() == [0, 0, 0, 0, 1]
    shops = np.array([7, 7, 8, 8, -1])
    assert average_linkage(OFFERS, ALIKE, 5, threshold=0.2, groups=shops).tolist() == [0, 1, 0, 1, 2]


def test_a_pair_that_is_not_there_counts_as_missing():
    edges, likeness = np.array([[0, 1], [1, 2]]), np.array([0.9, 0.8])
    assert average_linkage(edges, likeness, 3, threshold=0.45).tolist() == [0, 0, 1]  # (0.8 + 0) / 2 = 0.4
    assert average_linkage(edges, likeness, 3, threshold=0.45, missing=0.2).tolist() == [0, 0, 0]


def test_new_rows_join_what_stands():
    stands = np.array([5, 5, 9, -1, -1])
    edges, likeness = np.array([[0, 2], [2, 3], [1, 3], [3, 4]]), np.array([0.99, 0.8, 0.7, 0.1])
    assert average_linkage(edges, likeness, 5, threshold=0.3, established=stands).tolist() == [0, 0, 1, 1, 2]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"must": [(0, 1), (1, 2)], "cannot": [(0, 2)]}, r"cannot-link \(0, 2\).*must-link \(0, 1\), \(1, 2\)"),
        ({"cannot": [(2, 2)]}, r"cannot-link \(2, 2\).*row 2 is itself"),
        ({"must": [(0, 3)], "groups": [4, 1, 1, 4, 4]}, "rows 0 and 3 must be together, but are of one group, 4"),
        ({"must": [(0, 1)], "established": [1, 2, -1, -1, -1]}, r"row 0 .* 1 and row 1 of 2: must-link \(0, 1\)"),
        ({"established": [1, 1, -1, -1, -1], "cannot": [(1, 0)]}, "in one established cluster"),
        ({"must": [(0, 5)]}, "must names row 5; rows are 0 to 4"),
        ({"groups": [1, 2]}, "groups must be"),
        ({"threshold": 0.0}, "threshold 0.0 must be above"),
    ],
)
def test_what_cannot_be_is_named(rules, said):
    with pytest.raises(DataError, match=said):
        average_linkage(
            OFFERS,
            ALIKE,
            5,
            **{"threshold": 0.2, **{k: v if k == "threshold" else np.array(v) for k, v in rules.items()}},
        )


def test_likeness_that_is_not_known():
    with pytest.raises(DataError, match="NaN"):
        average_linkage(OFFERS, np.full(5, np.nan), 5, threshold=0.2)
    with pytest.raises(DataError, match="one for each edge"):
        average_linkage(OFFERS, ALIKE[:3], 5, threshold=0.2)
