"""What an index promises; an approximate one is compared with the plain answer."""

from collections.abc import Callable

import numpy as np

from wares.arrays import Dense, unit
from wares.checks import shop
from wares.checks.common import Case, alike, expect, flat
from wares.data.hits import Hits


def well_formed(hits: Hits, n_queries: int, k: int, n: int) -> None:
    """Shapes and types as promised; scores descend, ties go up by row, none twice, -1 and -inf where there is none."""
    rows, scores = hits.rows, hits.scores
    shapes = rows.shape == (n_queries, k) == scores.shape
    expect(shapes, f"hits are {rows.shape} and {scores.shape}, not {(n_queries, k)}")
    expect(rows.dtype == np.int64 and scores.dtype == np.float32, f"hits are {rows.dtype} and {scores.dtype}")
    expect(((rows >= -1) & (rows < n)).all(), f"rows outside 0..{n - 1}: {rows[(rows < -1) | (rows >= n)][:3]}")
    expect(((rows == -1) == np.isneginf(scores)).all(), "an empty place is row -1 with score -inf, and no other is")
    expect(not np.isnan(scores).any(), "scores hold NaN")
    later, earlier = scores[:, 1:], scores[:, :-1]
    expect((later <= earlier).all(), "scores do not descend")
    tie = (later == earlier) & (rows[:, 1:] >= 0)
    expect((rows[:, 1:] > rows[:, :-1])[tie].all(), "ties do not go to the lower row")
    for each in rows:
        real = each[each >= 0]
        expect(len(set(real.tolist())) == len(real), "a row is answered twice")


def _many() -> tuple[Dense, Dense]:
    rng = np.random.default_rng(11)
    table = unit(rng.standard_normal((400, 16)).astype(np.float32))
    return np.ascontiguousarray(table), np.ascontiguousarray(unit(rng.standard_normal((20, 16)).astype(np.float32)))


def hits_are_well_formed(case: Case) -> None:
    """Every shape of question gives an answer of the promised shape."""
    vectors = shop.vectors()
    for n_queries in (0, 1, 12):
        for k in (1, 5, 12, 20):
            well_formed(case.fitted.search(vectors[:n_queries], k), n_queries, k, 12)
    expect((case.fitted.search(vectors, 20).rows[:, :12] >= 0).all(), "asked for more than there are, some are missing")


def each_finds_itself(case: Case) -> None:
    """The nearest of a unit vector that was fitted is itself, with its dot product."""
    hits = case.fitted.search(shop.vectors(), 1)
    expect((hits.rows[:, 0] == np.arange(12)).all(), f"the nearest to themselves are {hits.rows[:, 0].tolist()}")
    expect(np.abs(hits.scores[:, 0] - 1).max() < 1e-2, f"a vector's score with itself is {hits.scores[:, 0]}, not 1")


def as_the_plain_one(case: Case) -> None:
    """Of the ten truly nearest at least eight are found, with their dot products."""
    table, queries = _many()
    hits = case.fresh().fit(table).search(queries, 10)
    well_formed(hits, len(queries), 10, len(table))
    truth = queries @ table.T
    plain = Hits.top(truth, 10)
    found = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(hits.rows.tolist(), plain.rows.tolist(), strict=True)])
    expect(found >= 0.8, f"only {found:.0%} of the ten nearest are found")
    told = np.take_along_axis(truth, np.maximum(hits.rows, 0), 1)
    expect(np.abs(told - hits.scores).max() < 1e-2, "scores are not the dot products")


def filters_are_respected(case: Case) -> None:
    """Only allowed rows are answered, all of them where there are fewer than k, however few they are."""
    table, queries = _many()
    index = case.fresh().fit(table)
    rng = np.random.default_rng(2)
    for n in (0, 1, 8, 200):
        allowed = np.zeros(400, bool)
        allowed[rng.permutation(400)[:n]] = True
        hits = index.search(queries, 10, allowed=allowed)
        well_formed(hits, len(queries), 10, 400)
        real = hits.rows[hits.rows >= 0]
        expect(allowed[real].all(), "a row that is not allowed was answered")
        expect(len(real) == min(n, 10) * len(queries), f"{n} rows are allowed, but answers have {len(real)} of them")
        plain = Hits.top(np.where(allowed, queries @ table.T, -np.inf), 10)
        pairs = zip(hits.rows.tolist(), plain.rows.tolist(), strict=True)
        share = np.mean([len(set(a) & set(b)) / len(set(a) | set(b)) for a, b in pairs])
        expect(share >= 0.8, f"with {n} rows allowed, answers agree with the plain ones on {share:.0%}")


def ties_go_to_the_lower_row(case: Case) -> None:
    """Of rows that are alike the lower ones are answered."""
    vectors = shop.vectors()[[4, 7, 4, 1, 4, 9, 4]]
    hits = case.fresh().fit(vectors).search(shop.vectors()[[4]], 3)

    expect(hits.rows[0].tolist() == [0, 2, 4], f"rows 0, 2, 4, 6 are alike; the best three are {hits.rows[0]}")


def one_or_many(case: Case) -> None:
    """A query is answered alike alone and among others."""
    table, queries = _many()
    index = case.fresh().fit(table)
    whole = index.search(queries, 7)
    for row in range(len(queries)):
        one = index.search(queries[row : row + 1], 7)
        gap = np.abs(one.scores[0] - whole.scores[row])
        expect(gap.max() < 1e-4, "a query alone has other scores than among others")
        moved = one.rows[0] != whole.rows[row]
        expect(gap[moved].max(initial=0) < 1e-5, "a query alone has other hits")  # but for two that are nearly tied


def zero_rows_do_no_harm(case: Case) -> None:
    """A product of which nothing is known stands in the way of nobody, and a query of nothing is answered."""
    vectors = shop.vectors()
    vectors[3] = 0
    index = case.fresh().fit(vectors)
    hits = index.search(vectors[[0]], 1)
    expect(hits.rows[0, 0] == 0, "beside a zero row, a vector does not find itself")
    well_formed(index.search(np.zeros((1, 6), np.float32), 5), 1, 5, 12)


def few_rows(case: Case) -> None:
    """One row, and none, are an index too."""
    one = case.fresh().fit(shop.vectors()[:1])
    expect(one.search(shop.vectors()[:2], 2).rows.tolist() == [[0, -1], [0, -1]], "an index of one row misses it")
    none = case.fresh().fit(np.zeros((0, 6), np.float32))
    expect((none.search(shop.vectors()[:2], 2).rows == -1).all(), "an index of no rows answers something")


def never_changes(case: Case) -> None:
    """Searching, with filters or without, changes nothing that was learned."""
    before = [each.copy() for each in flat(case.fitted.learned())]
    case.fitted.search(shop.vectors(), 5, allowed=np.arange(12) < 4)
    case.fitted.search(shop.vectors(), 50)
    expect(alike(before, flat(case.fitted.learned())), "a search changed the index")


CHECKS: list[Callable[[Case], None]] = [
    hits_are_well_formed,
    each_finds_itself,
    as_the_plain_one,
    filters_are_respected,
    ties_go_to_the_lower_row,
    one_or_many,
    zero_rows_do_no_harm,
    few_rows,
    never_changes,
]
