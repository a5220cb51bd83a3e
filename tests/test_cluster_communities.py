import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from sklearn.metrics import adjusted_mutual_info_score

from wares.algorithm import load
from wares.cluster import communities
from wares.cluster.graph import Graph, graph
from wares.cluster.leiden import Leiden
from wares.cluster.louvain import Louvain
from wares.errors import SettingError
from wares.kernels import communities as loops
from wares.kernels.neighbours import neighbours


@st.composite
def graphs(draw):
    """A small weighted graph, dense and as its rows: integers, so that sums are exact."""
    n = draw(st.integers(1, 9))
    table = np.zeros((n, n))
    for a in range(n):
        for b in range(a, n):
            table[a, b] = table[b, a] = draw(st.sampled_from([0, 0, 1, 2, 5]))
    return table, rows_of(table)


def rows_of(table):
    csr = csr_array(table)
    return Graph(csr.indptr.astype(np.int64), csr.indices.astype(np.int32), csr.data.astype(np.float64))


def plain_modularity(table, labels, resolution):
    if not table.sum():
        return 0.0
    chance = np.outer(table.sum(1), table.sum(0)) / table.sum()
    return float(((table - resolution * chance) * (labels[:, None] == labels)).sum() / table.sum())


def two_rings():
    """Two rings of six, and one edge between."""
    table = np.zeros((12, 12))
    for start in (0, 6):
        for i in range(6):
            for step in (1, 2):
                a, b = start + i, start + (i + step) % 6
                table[a, b] = table[b, a] = 1
    table[0, 6] = table[6, 0] = 1
    return table


def plain_move(table, resolution, order):
    """Each node to where it gains most, the neighbours of a node that moved once more: in plain numpy."""
    n, mass = len(table), table.sum(axis=1)
    pull = resolution / (mass.sum() or 1)
    labels, queue = np.arange(n), order.tolist()
    while queue:
        node = queue.pop(0)
        others = np.arange(n) != node
        gains = {}
        for label in dict.fromkeys([labels[node], *labels[(table[node] > 0) & others]]):
            inside = (labels == label) & others
            gains[label] = table[node, inside].sum() - pull * mass[node] * mass[inside].sum()
        best = max(gains, key=lambda label: (gains[label] > gains[labels[node]] + 1e-9, gains[label]))
        best = best if gains[best] > gains[labels[node]] + 1e-9 else labels[node]
        if gains[best] < -1e-9 and (labels == labels[node]).sum() > 1:
            best = min(set(range(n)) - set(labels.tolist()))
        if best != labels[node]:
            labels[node] = best
            queue += [each for each in np.flatnonzero((table[node] > 0) & (labels != best)) if each not in queue]
    return labels


@settings(deadline=None, max_examples=100)
@given(graphs(), st.sampled_from([0.5, 1.0, 2.0]), st.integers(0, 5))
def test_nodes_move_as_in_plain_numpy(both, resolution, seed):
    table, ties = both
    n = len(table)
    mass, order = loops.masses(ties.bounds, ties.weights), np.random.default_rng(seed).permutation(n)
    np.testing.assert_array_equal(mass, table.sum(axis=1))
    labels = np.arange(n)
    moved = loops.move(*ties, mass, resolution / (mass.sum() or 1), order, labels)
    plain = plain_move(table, resolution, order)
    np.testing.assert_array_equal(labels[:, None] == labels, plain[:, None] == plain)
    assert moved == (len(set(labels.tolist())) < n)
    value = plain_modularity(table, labels, resolution)
    assert loops.modularity(*ties, labels, n, resolution) == pytest.approx(value)
    assert value >= plain_modularity(table, np.arange(n), resolution) - 1e-9


@settings(deadline=None, max_examples=100)
@given(graphs(), st.lists(st.integers(0, 2), min_size=9, max_size=9), st.sampled_from([0.5, 1.0, 2.0]))
def test_parts_are_connected_and_inside_their_communities(both, given_labels, resolution):
    table, ties = both
    n = len(table)
    labels = np.array(given_labels[:n])
    mass = loops.masses(ties.bounds, ties.weights)
    for parts in (
        loops.refine(*ties, mass, resolution / (mass.sum() or 1), np.arange(n), labels),
        loops.connected(ties.bounds, ties.others, labels),
    ):
        for part in set(parts.tolist()):
            inside = np.flatnonzero(parts == part)
            assert len(set(labels[inside].tolist())) == 1
            assert connected_components(table[np.ix_(inside, inside)])[0] == 1
    found = connected_components(table * (labels[:, None] == labels))[1]
    np.testing.assert_array_equal(parts[:, None] == parts, found[:, None] == found)
    assert plain_modularity(table, parts, resolution) >= plain_modularity(table, labels, resolution) - 1e-9


@settings(deadline=None, max_examples=100)
@given(graphs(), st.lists(st.integers(0, 3), min_size=9, max_size=9))
def test_communities_become_nodes(both, given_labels):
    table, ties = both
    kept, labels = np.unique(given_labels[: len(table)], return_inverse=True)
    made = Graph(*loops.merge(*ties, labels, len(kept)))
    member = np.eye(len(kept))[labels]
    dense = csr_array((made.weights, made.others, made.bounds), shape=(len(kept), len(kept))).toarray()
    np.testing.assert_array_equal(dense, member.T @ table @ member)


def test_neighbourhoods_overlap():
    rows = np.array([[1, 2], [0, 2], [0, 1], [2, -1]], np.int32)
    out = np.empty(rows.shape)
    loops.shared(rows, 0, 4, out)
    assert out.tolist() == [[1, 1], [1, 1], [1, 1], [1 / 4, 0]]  # {3, 2} and {2, 0, 1} share the one of four


@pytest.mark.parametrize("method", [Louvain(), Leiden()])
def test_two_rings_are_two_communities(method):
    labels = method._levels(rows_of(two_rings()), 1.0)[-1]
    assert len(set(labels[:6])) == len(set(labels[6:])) == 1
    assert labels[0] != labels[6]


def clouds(n=900, groups=9, width=6, seed=0, spread=5):
    rng = np.random.default_rng(seed)
    group = np.sort(rng.integers(groups, size=n))
    centers = rng.normal(size=(groups, width)) * spread
    return (centers[group] + rng.normal(size=(n, width))).astype(np.float32), group


@pytest.mark.parametrize("cls", [Louvain, Leiden])
def test_levels_lie_inside_one_another(cls):
    data, group = clouds()
    model = cls(levels=5).fit(data)
    np.testing.assert_array_equal(model.levels_[0], model.labels_)
    counts = [int(level.max()) + 1 for level in model.levels_]
    assert counts == sorted(counts)
    assert len(model.parents_) == sum(counts)
    assert (model.parents_[: counts[0]] == -1).all()
    for level in range(1, len(counts)):
        here, above = sum(counts[:level]), sum(counts[: level - 1])
        np.testing.assert_array_equal(model.parents_[here + model.levels_[level]], above + model.levels_[level - 1])
    assert len(cls(levels=1).fit(data).levels_) == 1
    assert adjusted_mutual_info_score(group, model.labels_) > 0.8


def test_communities_of_leiden_are_connected():
    data, _ = clouds(spread=1)
    ties = graph(data, 4, "equal", 0)
    table = csr_array((ties.weights, ties.others, ties.bounds), shape=(ties.n, ties.n))
    for resolution in (0.2, 1, 5):
        model = Leiden(n_neighbours=4, weights="equal", resolution=resolution).fit(data)
        for level in model.levels_:
            for label in range(level.max() + 1):
                inside = np.flatnonzero(level == label)
                assert connected_components(table[inside][:, inside])[0] == 1


@pytest.mark.parametrize("cls", [Louvain, Leiden])
def test_more_resolution_more_communities_and_a_number_can_be_asked_for(cls):
    data, _ = clouds(spread=1)
    few, many = (cls(resolution=each).fit(data) for each in (0.3, 4.0))
    assert few.n_clusters_ < many.n_clusters_
    for wanted in (1, 4, 13, 60):
        model = cls(n_clusters=wanted).fit(data)
        assert model.n_clusters_ == wanted
        assert model.resolution_ > 0
    data, _ = clouds(groups=6, spread=40)  # no edge between
    assert cls(resolution=0.01).fit(data).n_clusters_ == 6
    assert cls(n_clusters=4).fit(data).n_clusters_ == 4


def test_of_too_many_communities_the_smallest_go_to_the_nearest_at_once(monkeypatch):
    monkeypatch.setattr(communities, "MOST", 8)
    data, _ = clouds(n=300, groups=6, spread=40)
    for wanted in (3, 40):
        model = Leiden(n_clusters=wanted).fit(data)
        assert model.n_clusters_ == wanted
    points = np.array([[0], [1], [10], [12], [30]], np.float32)
    sizes = np.array([5, 1, 4, 1, 9])
    monkeypatch.setattr(communities, "MOST", 3)
    assert communities._merged(points, sizes, np.arange(5), 3).tolist() == [0, 0, 1, 1, 2]
    assert communities._merged(points, sizes, np.arange(5), 2).tolist() == [0, 0, 0, 0, 1]


@pytest.mark.parametrize("cls", [Louvain, Leiden])
def test_few_rows_rows_alike_and_a_row_far_away(cls):
    assert cls().fit([[1.0, 2.0]]).labels_.tolist() == [0]
    assert cls().fit([[1.0], [1.0]]).labels_.tolist() == [0, 0]
    alike = cls(n_clusters=5).fit(np.ones((40, 3)))
    assert alike.n_clusters_ == 1
    assert alike.modularity_ == 0
    two = cls(n_clusters=5).fit(np.repeat(np.eye(2), 20, axis=0))
    assert two.labels_.tolist() == [0] * 20 + [1] * 20
    data, _ = clouds(n=60, groups=1)
    model = cls().fit(np.vstack([data, [[1e6] * 6]]))
    assert (model.labels_ >= 0).all()


@pytest.mark.parametrize("weights", ["near", "shared", "equal"])
def test_the_graph_is_symmetric_and_has_no_loops(weights):
    data, _ = clouds(n=200)
    ties = graph(data, 5, weights, 0)
    table = csr_array((ties.weights, ties.others, ties.bounds), shape=(200, 200)).toarray()
    np.testing.assert_array_equal(table, table.T)
    assert not table.diagonal().any()
    rows, _ = neighbours(data, 5)
    np.testing.assert_array_equal(np.flatnonzero(table[7] > 0), np.union1d(rows[7], np.flatnonzero((rows == 7).any(1))))
    if weights == "equal":
        assert set(table.ravel().tolist()) == {0, 1, 2}


def test_leiden_is_no_worse_than_louvain():
    data, _ = clouds(n=2000, groups=40, spread=1.5)
    assert Leiden().fit(data).modularity_ >= Louvain().fit(data).modularity_


def test_what_is_saved_has_the_levels(tmp_path):
    data, _ = clouds(n=120)
    model = Leiden().fit(data)
    model.save(tmp_path / "leiden")
    np.testing.assert_array_equal(load(tmp_path / "leiden").levels_, model.levels_)


def test_links_are_refused():
    pairs = np.zeros((1, 2), np.int64)
    with pytest.raises(SettingError, match="must-link"):
        Leiden().fit(np.eye(4), links=(pairs, pairs))


@pytest.mark.parametrize("method", [Leiden, Louvain])
def test_average_joining_keeps_what_lies_apart_small(method):
    """A department of 300 along an arc, and two of 12 far off: Ward's rule would part the large one."""
    rng = np.random.default_rng(0)
    angles = np.concatenate([rng.uniform(0, 1.0, 300), rng.normal(3, 0.02, 12), rng.normal(4.5, 0.02, 12)])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    truth = np.repeat([0, 1, 2], [300, 12, 12])
    found = method(n_clusters=3, joining="average", resolution=5.0, n_neighbours=6).fit(rows)
    assert adjusted_mutual_info_score(truth, found.labels_) == 1
    assert found.resolution_ >= 5
    assert (found.predict(rows) == found.labels_).all()


def test_average_joining_makes_as_many_as_asked_for():
    rows = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    for wanted in (1, 7, 60, 90):
        found = Leiden(n_clusters=wanted, joining="average", resolution=0.01).fit(rows)
        assert found.n_clusters_ == min(wanted, 60)
