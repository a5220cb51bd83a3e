"""Popularity by the age of votes, by their first date, and by the time of the year."""

import numpy as np
import pytest
from test_recommend_models import timed

from wares.algorithm import Context
from wares.data.history import History
from wares.recommend.popular import Popular
from wares.recommend.profile import DAY

STRANGER = History.of([[]], 4)
JANUARY, JULY = 10, 10 + 181


def asked(day: int) -> Context:
    return Context(at=np.array([day * DAY]))


def test_votes_by_their_first_date_lift_what_is_taken_up_now():
    # Product 0 is bought again and again, 1 was taken up by both shoppers just now; days count from 1970.
    now = 17_000
    history = timed([[0, 1, 0], [0, 1, 0]], [[now, now + 98, now + 100], [now, now + 99, now + 100]], n=4)
    last = Popular(half_life=14.0, personal=0.0).fit(history).score(STRANGER, np.arange(2))[0]
    first = Popular(half_life=14.0, personal=0.0, dated="first").fit(history).score(STRANGER, np.arange(2))[0]
    assert last[0] > last[1]
    assert first[0] < first[1]


def test_what_is_taken_at_this_time_of_the_year_comes_first():
    year = 365
    rows = [[0, 1], [0, 1], [0, 2], [2, 1]]
    days = [[JULY, JANUARY + year], [JULY, JANUARY + year], [JULY + 5, JULY + 6], [JULY, JANUARY + year]]
    history = timed([[r[i] for i in np.argsort(d)] for r, d in zip(rows, days, strict=True)], [sorted(d) for d in days])
    model = Popular(personal=0.0, season=0.8).fit(history)
    winter, summer = (
        model.recommend(STRANGER, 1, context=asked(day)).rows[0, 0] for day in (5 + 3 * year, 3 * year + 190)
    )
    assert (winter, summer) == (1, 0)
    plain = Popular(personal=0.0).fit(history)
    assert model.score(STRANGER, np.arange(4)).tolist() == plain.score(STRANGER, np.arange(4)).tolist()
    assert model.months_.sum(axis=1).astype(int).tolist() == [3, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0]
    assert plain.months_.shape == (0, 12)


def test_many_are_answered_by_their_own_months():
    history = timed([[0], [1], [1]], [[JULY], [JANUARY], [JANUARY]], n=4)
    model = Popular(personal=0.0, season=1.0).fit(history)
    both = model.score(History.of([[], []], 4), np.arange(2), context=Context(at=np.array([JULY, JANUARY]) * DAY))
    assert both.tolist() == [[1, 0], [0, 1]]


def test_seasons_add_up_and_learn_on():
    one = timed([[0, 1]], [[JULY, JULY + 3]], n=4)
    two = timed([[1], [2]], [[JANUARY], [JULY]], n=4)
    whole = timed([[0, 1], [1], [2]], [[JULY, JULY + 3], [JANUARY], [JULY]], n=4)
    model = Popular(season=0.5)
    tallies = [model.tally(each) for each in (one, two)]
    settled = Popular(season=0.5).settle({name: tallies[0][name] + tallies[1][name] for name in tallies[0]})
    learned = Popular(season=0.5).fit(one).partial_fit(two)
    for each in (settled, learned):
        assert each.months_.tolist() == Popular(season=0.5).fit(whole).months_.tolist()


@pytest.mark.parametrize("settings", [{"dated": "first", "half_life": 14.0}, {"season": 0.5}])
def test_one_event_or_none_is_enough(settings):
    for history in (timed([[2]], [[3]], n=4), History.of([[]], 4), History.of([[1]], 4)):
        scores = Popular(**settings).fit(history).score(STRANGER, np.arange(4), context=asked(JULY))
        assert not np.isnan(scores).any()
