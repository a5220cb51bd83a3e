"""The metrics, against their definitions written out by brute force."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wares.data.history import History
from wares.data.hits import Hits
from wares.tasks import metrics
from wares.tasks.standing import LISTS

N = 8
lists = st.lists(st.integers(0, N - 1), unique=True, max_size=5)
levels = st.lists(st.integers(0, 3), min_size=5, max_size=5)
wanted = st.lists(st.integers(0, N - 1), max_size=6)


def judged(rows, scores, relevant):
    """One shopper's list of five places, its scores descending."""
    hits = Hits.none(1, 5)
    hits.rows[0, : len(rows)] = rows
    hits.scores[0, : len(rows)] = sorted(scores, reverse=True)[: len(rows)]
    return metrics.Judged.of(hits, History.of([relevant], N)), hits


def against(rows, scores, right):
    """The order of the list in which, of tied hits, the wrong ones come first."""
    return [row for _, row in sorted(zip(scores, rows, strict=False), key=lambda p: (-p[0], p[1] in right))]


def dcg(order, relevant):
    return sum(1 / math.log2(place + 2) for place, row in enumerate(order) if row in relevant)


@settings(deadline=None, max_examples=100)
@given(lists, levels, wanted)
def test_lists_are_counted_as_defined(rows, scores, relevant):
    found, _ = judged(rows, scores, relevant)
    right = set(relevant)
    if not right:
        for count in LISTS.values():
            assert np.isnan(count(found)).all()
        return
    there = [row for row in rows if row in right]
    assert metrics.recall(found)[0] == pytest.approx(len(there) / len(right))
    assert metrics.precision(found)[0] == pytest.approx(len(there) / 5)
    assert metrics.hit_rate(found)[0] == float(bool(there))
    ordered = sorted(scores, reverse=True)[: len(rows)]
    order = against(rows, ordered, right)
    best = sum(1 / math.log2(place + 2) for place in range(min(5, len(right))))
    assert metrics.ndcg(found)[0] == pytest.approx(dcg(order, right) / best)
    first = next((1 / (place + 1) for place, row in enumerate(order) if row in right), 0.0)
    assert metrics.mrr(found)[0] == pytest.approx(first)
    upto = [sum(each in right for each in order[: place + 1]) / (place + 1) for place in range(len(order))]
    precise = sum(part for part, row in zip(upto, order, strict=True) if row in right)
    assert metrics.average_precision(found)[0] == pytest.approx(precise / min(5, len(right)))


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(-2, 2), min_size=N, max_size=N), wanted, st.lists(st.integers(0, N - 1), max_size=4))
def test_places_are_those_of_the_whole_order_with_ties_against(scores, relevant, left_out):
    line = np.array(scores, np.float32)
    line[line == -2] = -np.inf
    right = sorted(set(relevant))
    order = sorted(set(range(N)) - (set(left_out) - set(right)), key=lambda row: (-line[row], row in right))
    found = metrics.places(line, np.array(right, int), np.array(left_out, int))
    for row, place in zip(right, found.tolist(), strict=True):
        if np.isneginf(line[row]):
            assert place == N + 1
        else:
            tied = [at for at, other in enumerate(order, 1) if line[other] == line[row] and other in right]
            assert place in tied
    assert len(set(found[found <= N].tolist())) == (found <= N).sum()


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(-2, 2), min_size=N, max_size=N), wanted, st.lists(st.integers(0, N - 1), max_size=4))
def test_auc_is_the_share_of_pairs_in_order(scores, relevant, left_out):
    line = np.array(scores, np.float32)
    line[line == -2] = -np.inf
    right = sorted(set(relevant))
    wrong = [row for row in range(N) if row not in right and row not in left_out]
    wins = [(line[r] > line[w]) + (line[r] == line[w]) / 2 for r in right for w in wrong]
    found = metrics.auc(line, np.array(relevant, int), np.array(left_out, int))
    assert found == pytest.approx(np.mean(wins)) if wins else math.isnan(found)


def test_repeated_events_of_a_product_count_once():
    found, _ = judged([3, 4], [2, 1, 0, 0, 0], [3, 3, 3, 5])
    assert metrics.recall(found).tolist() == [0.5]


def test_all_tied_is_worth_nothing_but_by_places_at_the_end():
    judged = metrics.Judged.of(Hits(np.array([[4, 5, 6]]), np.ones((1, 3), np.float32)), History.of([[4]], N))
    assert judged.right.tolist() == [[False, False, True]]
    assert metrics.places(np.ones(N, np.float32), np.array([4]), np.array([0])).tolist() == [N - 1]


def test_a_list_of_the_same_clusters_is_calibrated():
    clusters = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    history = History.of([[0, 4], [0, 1], []], N)
    hits = Hits(np.array([[2, 5], [4, 5], [1, 2]]), np.ones((3, 2), np.float32))
    same, other, nobody = metrics.calibration(hits, history, clusters)
    assert same == pytest.approx(0)
    assert other == pytest.approx(math.log(1 / 0.01))
    assert np.isnan(nobody)


def test_coverage_and_gini_and_novelty():
    hits = Hits(np.array([[0, 1], [0, -1]]), np.array([[2, 1], [1, -np.inf]], np.float32))
    assert metrics.coverage(hits, 4) == 0.5
    assert metrics.gini(hits, 4) == pytest.approx((1 * 1 + 3 * 2) / (4 * 3))  # counts 0 0 1 2, weights -3 -1 1 3
    assert metrics.gini(Hits(np.arange(4)[None, :], np.zeros((1, 4), np.float32)), 4) == 0
    shares = np.array([0.5, 0.25, 0, 0])
    assert metrics.novelty(hits, shares).tolist() == [1.5, 1.0]
    assert metrics.novelty(Hits(np.array([[2]]), np.zeros((1, 1), np.float32)), shares).tolist() == [3.0]


def test_the_interval_holds_the_mean_and_narrows():
    rng = np.random.default_rng(1)
    few, many = rng.normal(5, 1, 30), rng.normal(5, 1, 3000)
    one, two = metrics.estimate(few), metrics.estimate(many)
    assert one.low < one.mean < one.high
    assert two.high - two.low < one.high - one.low
    assert two.high - two.low == pytest.approx(2 * 1.96 / math.sqrt(3000), rel=0.15)
    assert metrics.estimate(few) == one
    assert metrics.estimate(np.array([np.nan, 2.0, 2.0])) == metrics.Estimate(2.0, 2.0, 2.0, 2)
    assert metrics.estimate(np.array([np.nan])).n == 0


def test_a_paired_difference_is_surer_than_two_means():
    rng = np.random.default_rng(2)
    base = rng.normal(0, 10, 400)
    better = base + rng.normal(0.5, 1, 400)
    gap = metrics.difference(better, base)
    assert gap.low > 0
    apart = metrics.estimate(better).low - metrics.estimate(base).high
    assert apart < 0
