"""The metrics, against their definitions written out by brute force."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wares.data.history import History
from wares.data.hits import Hits
from wares.tasks import metrics

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


def orders(rows, scores):
    """Every order of the list in which only tied hits change places."""
    groups = [[r for r, _ in g] for _, g in itertools.groupby(zip(rows, scores, strict=False), key=lambda p: p[1])]
    for parts in itertools.product(*(itertools.permutations(g) for g in groups)):
        yield [row for part in parts for row in part]


def dcg(order, relevant):
    return sum(1 / math.log2(place + 2) for place, row in enumerate(order) if row in relevant)


@settings(deadline=None, max_examples=100)
@given(lists, levels, wanted)
def test_lists_are_counted_as_defined(rows, scores, relevant):
    found, _ = judged(rows, scores, relevant)
    right = set(relevant)
    if not right:
        for count in (metrics.ndcg, metrics.recall, metrics.precision, metrics.mrr, metrics.hit_rate):
            assert np.isnan(count(found)).all()
        return
    there = [row for row in rows if row in right]
    assert metrics.recall(found)[0] == pytest.approx(len(there) / len(right))
    assert metrics.precision(found)[0] == pytest.approx(len(there) / 5)
    assert metrics.hit_rate(found)[0] == float(bool(there))
    ordered = sorted(scores, reverse=True)[: len(rows)]
    every = list(orders(rows, ordered))
    best = sum(1 / math.log2(place + 2) for place in range(min(5, len(right))))
    assert metrics.ndcg(found)[0] == pytest.approx(np.mean([dcg(order, right) for order in every]) / best)
    first = [next((1 / (i + 1) for i, row in enumerate(order) if row in right), 0.0) for order in every]
    assert metrics.mrr(found)[0] == pytest.approx(np.mean(first))


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
