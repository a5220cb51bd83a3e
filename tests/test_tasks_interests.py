"""Interests of shoppers: found, told from little, and recommended from; all on data made up to be judged by eye."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from wares.algorithm import Context
from wares.arrays import unit
from wares.cluster.gmm import GMM
from wares.data.history import History
from wares.errors import DataError, SettingError
from wares.recommend.clusters import Clusters
from wares.tasks.interests import Interests, beginning, piece
from wares.tasks.numbering import choose, halves
from wares.tasks.telling import Profile, phrases

KINDS = np.repeat(np.arange(4), 10)
"""Forty products of four kinds, in tens."""


def vectors() -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    table = 0.1 * rng.standard_normal((40, 8))
    table[np.arange(40), KINDS] += 1
    return np.ascontiguousarray(unit(table.astype(np.float32)))


def shoppers(n: int = 160, seed: int = 0) -> tuple[History, NDArray[np.int64]]:
    """Shoppers who take eight products of one kind in ten, a day apart; and the kind of each."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, 4, n)
    rows = []
    for kind in kinds.tolist():
        own = rng.permutation(np.flatnonzero(kind == KINDS))[:8]
        others = rng.permutation(np.flatnonzero(kind != KINDS))[:2]
        rows.append(rng.permutation(np.concatenate([own, others])))
    history = History.of(rows, 40)
    times = np.tile(np.arange(10), n) * 86_400_000_000_000 + 1_700_000_000_000_000_000
    return replace(history, times=times), kinds


CONTEXT = Context(vectors=vectors())


def of_kind(model: Interests, kinds: NDArray[np.int64], history: History) -> NDArray[np.int64]:
    """(n_interests,) the kind that most shoppers of each interest take."""
    found = model.place(history).argmax(axis=1)
    return np.array([np.bincount(kinds[found == number], minlength=4).argmax() for number in range(len(model.prior_))])


@pytest.fixture(scope="module")
def fitted() -> Interests:
    return Interests(n_interests=4).fit(shoppers()[0], CONTEXT)


def test_shoppers_not_seen_fall_into_their_interest(fitted: Interests) -> None:
    others, kinds = shoppers(60, seed=1)
    meaning = of_kind(fitted, kinds, others)
    assert sorted(meaning) == [0, 1, 2, 3]
    assert (meaning[fitted.place(others).argmax(axis=1)] == kinds).mean() >= 0.95
    assert (fitted.nearest(others) == fitted.place(others).argmax(axis=1)).mean() >= 0.95
    assert fitted.prior_.sum() == pytest.approx(1)
    assert (np.diff(fitted.prior_) <= 0).all()
    assert fitted.chosen_["agreement"] >= 0.95


def test_no_interest_mixes_kinds_where_their_number_is_chosen() -> None:
    history, kinds = shoppers()
    model = Interests().fit(history, CONTEXT)
    assert 4 <= len(model.prior_) <= 8
    assert (of_kind(model, kinds, history)[model.place(history).argmax(axis=1)] == kinds).mean() >= 0.95


def test_the_more_is_known_the_surer_the_place(fitted: Interests) -> None:
    others, _ = shoppers(60, seed=1)
    sure = [float(fitted.place(beginning(others, n)).max(axis=1).mean()) for n in (0, 1, 3, 10)]
    assert sure[0] == pytest.approx(float(fitted.prior_.max()))
    assert sure == sorted(sure)
    assert fitted.place(beginning(others, 0)) == pytest.approx(np.tile(fitted.prior_, (60, 1)))


def test_a_phrase_and_attributes_place_a_shopper_without_events() -> None:
    history, kinds = shoppers()
    who = np.eye(4, dtype=np.float32)[kinds]
    who[::3] = 0  # nothing is known of a third
    model = Interests(n_interests=4).fit(history, replace(CONTEXT, shoppers=who))
    meaning = of_kind(model, kinds, history)
    nobody = History.of([[]] * 4, 40)
    axes = np.zeros((4, 1, 8), np.float32)
    axes[np.arange(4), 0, np.arange(4)] = 1
    assert meaning[model.place(nobody, Context(told=axes)).argmax(axis=1)].tolist() == [0, 1, 2, 3]
    by_who = model.place(nobody, Context(shoppers=np.eye(4, dtype=np.float32)))
    assert meaning[by_who.argmax(axis=1)].tolist() == [0, 1, 2, 3]
    both = model.place(nobody, Context(told=axes, shoppers=np.eye(4, dtype=np.float32)))
    assert (both.max(axis=1) > by_who.max(axis=1)).all()
    with pytest.raises(DataError, match=r"attributes of shape \(4, 3\)"):
        model.place(nobody, Context(shoppers=np.ones((4, 3), np.float32)))


def test_phrases_are_heard_less_what_all_of_them_share() -> None:
    model = Interests(n_interests=4).fit(shoppers()[0], CONTEXT)
    nobody = History.of([[]], 40)
    accent = np.array([0, 0, 0, 0, 3, 0, 0, 0], np.float32)  # what every phrase has and no title
    phrases_ = unit(np.eye(4, 8, dtype=np.float32) + accent)
    model.portraits_.hear(phrases_)
    plain = model.place(nobody, Context(told=phrases_.mean(axis=0)[None, None]))
    assert plain == pytest.approx(model.prior_[None], abs=0.02)  # it says nothing but the accent


def test_strangers_get_what_is_popular_and_others_their_interest(fitted: Interests) -> None:
    stranger, one = (fitted.score(History.of([row], 40), np.arange(40))[0] for row in ([], [11, 13]))
    assert stranger.sum() == pytest.approx(1, abs=1e-5)
    assert KINDS[np.argsort(-one)[:6]].tolist() == [1] * 6
    assert KINDS[fitted.recommend(History.of([[11, 13]], 40), 3).rows[0]].tolist() == [1, 1, 1]


def test_further_shoppers_add_their_votes(fitted: Interests) -> None:
    history, _ = shoppers()
    again = Interests(n_interests=4).fit(history, CONTEXT).partial_fit(shoppers(20, seed=3)[0].widened(42))
    assert again.votes_.shape[1] == 42
    assert again.votes_.sum() == pytest.approx(fitted.votes_.sum() + 200, rel=1e-6)
    assert again.taste_.sum(axis=1) == pytest.approx(np.ones(4), abs=1e-5)


def test_another_clusterer_and_a_number_that_is_said() -> None:
    history, kinds = shoppers()
    model = Interests(clusterer=GMM(), n_interests=4).fit(history, CONTEXT)
    assert len(model.prior_) == 4
    assert model.chosen_["reason"] == "as the settings say"
    assert sorted(of_kind(model, kinds, history)) == [0, 1, 2, 3]


@pytest.mark.parametrize("rows", [[[0]], [[0], [0], [0]], [[0, 1, 2]] * 3, [list(range(40)), [], [5]]])
def test_few_shoppers_are_one_interest_that_is_popularity(rows: list[list[int]]) -> None:
    history = History.of(rows, 40)
    model = Interests().fit(history, CONTEXT)
    assert len(model.prior_) == 1
    scores = model.score(History.of([[], [3]], 40), np.arange(40))
    assert np.array_equal(scores[0], scores[1])
    assert scores[0].argmax() in history.products


def test_no_events_at_all_are_an_error() -> None:
    with pytest.raises(DataError, match="there are no events"):
        Interests().fit(History.of([[], []], 40), CONTEXT)


def test_without_vectors_behaviour_alone_finds_them() -> None:
    history, kinds = shoppers()
    model = Interests(n_interests=4).fit(history)
    assert sorted(of_kind(model, kinds, history)) == [0, 1, 2, 3]
    told = Context(told=np.ones((160, 1, 8), np.float32))
    assert np.array_equal(model.place(history, told), model.place(history))  # there is nothing to read it by


def test_times_that_are_all_equal_or_to_come_change_nothing() -> None:
    history, _ = shoppers()
    same = Interests(n_interests=4).fit(replace(history, times=np.full(1600, 4_000_000_000_000_000_000)), CONTEXT)
    none = Interests(n_interests=4).fit(replace(history, times=None), CONTEXT)
    assert np.allclose(same.place(replace(history, times=None)), none.place(replace(history, times=None)), atol=1e-4)


def test_halves_and_pieces_are_what_they_say() -> None:
    history = History.of([[1, 2, 3], [4], [], [5, 6]], 8)
    before, after = halves(history)
    assert [before.row(row).tolist() for row in range(4)] == [[1, 2], [4], [], [5]]
    assert [after.row(row).tolist() for row in range(4)] == [[3], [], [], [6]]
    cut = piece(history, 2, np.random.default_rng(0))
    assert [cut.row(row).tolist() for row in range(4)] in (
        [[1, 2], [4], [], [5, 6]],
        [[2, 3], [4], [], [5, 6]],
    )


def test_the_number_of_interests_is_what_tells_of_later_events() -> None:
    history, kinds = shoppers(300)
    X = np.eye(4, dtype=np.float32)[kinds] + 0.05 * np.random.default_rng(1).standard_normal((300, 4)).astype(
        np.float32
    )
    k, smoothing, why = choose(Interests()._make, X, history)
    curve = dict(map(tuple, why["curve"]))
    assert curve[4] == max(curve.values()) > 0.5 > curve[2]
    assert k >= 4
    assert smoothing > 0
    assert choose(Interests()._make, X, history)[0] == k
    assert choose(Interests()._make, X[:20], history.take(np.arange(20)))[0] == 2  # too few to tell


# -- clusters ----------------------------------------------------------------------------------------------------------


def test_clusters_score_is_a_sum_that_can_be_done_by_hand() -> None:
    # Cluster 0 holds products 0 and 1 with three votes and one, cluster 1 product 2 with one; product 3 is in none.
    history = History.of([[0, 1], [0], [0, 2]], 4)
    model = Clusters(strength="binary", shrink=2.0).fit(history, Context(clusters=np.array([0, 0, 1, -1])))
    asked = History.of([[1], [2, 0], []], 4)
    scores = model.score(asked, np.arange(4))
    everybody = 2.0 * np.array([3, 1, 1, 0]) / 5
    assert scores[0] == pytest.approx(everybody + np.array([0.75, 0.25, 0, 0]))
    assert scores[1] == pytest.approx(everybody + np.array([0.75, 0.25, 1, 0]))
    assert scores[2] == pytest.approx(everybody)


def test_well_rated_products_gain_and_few_ratings_count_little() -> None:
    history = History.of([[0, 1, 2]] * 4, 3)
    rated = Context(clusters=np.zeros(3, np.int64), ratings=np.array([5.0, 3.0, np.nan], np.float32))
    within = Clusters().fit(history, rated).within_
    assert within[0] > within[2] > within[1]
    assert Clusters(rated=0.0).fit(history, rated).within_ == pytest.approx([1 / 3] * 3)
    values = replace(history, values=np.tile(np.array([5.0, 1.0, 3.0], np.float32), 4))
    own = Clusters(values="ratings").fit(values, Context(clusters=np.zeros(3, np.int64))).within_
    assert own[0] > own[2] > own[1]


def test_clusters_need_clusters() -> None:
    with pytest.raises(DataError, match="needs the clusters"):
        Clusters().fit(History.of([[0]], 2))


# -- profile -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("runner, two kids, likes green tea", ["runner", "two kids", "green tea"]),
        ("I am a baker and I love wine!", ["baker", "wine"]),
        ("someone who likes tea", ["tea"]),
        ("tea; tea. tea", ["tea"]),
        ("我喜欢绿茶，有两个孩子", ["绿茶", "两个孩子"]),
        ("likes", ["likes"]),
    ],
)
def test_a_sentence_is_read_phrase_by_phrase(sentence: str, said: list[str]) -> None:
    assert phrases(sentence) == said


@pytest.mark.parametrize("sentence", ["", "  ", ",,,", "!?"])
def test_a_sentence_that_says_nothing_is_refused(sentence: str) -> None:
    with pytest.raises(SettingError, match="says nothing"):
        phrases(sentence)


def test_each_phrase_is_answered_and_the_reason_names_it(fitted: Interests) -> None:
    model = Profile.over(vectors(), fitted)
    told = np.zeros((1, 2, 8), np.float32)
    told[0, 0, 2] = told[0, 1, 3] = 1
    context, nobody = Context(told=told), History.of([[]], 40)
    hits = model.recommend(nobody, 10, context=context)
    assert set(KINDS[hits.rows[0]]) == {2, 3}
    reasons = model.reasons(
        nobody, hits.rows[0], ["lamps", "mugs"], lambda number: f"interest {number}", context=context
    )
    for row, each in zip(hits.rows[0], reasons, strict=True):
        assert each[0].text == f"you said: {'lamps' if KINDS[row] == 2 else 'mugs'}"
        assert sum(one.share for one in each) == pytest.approx(1, abs=1e-5)
    again = model.recommend(History.of([hits.rows[0][:3]], 40), 10, context=context)
    assert not set(again.rows[0]) & set(hits.rows[0][:3])
