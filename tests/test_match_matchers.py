"""Matchers beyond the contract: what their weights say, and that probabilities are ones."""

import numpy as np
import pytest

from wares.algorithm import Matcher
from wares.errors import DataError
from wares.match import answers
from wares.match.fellegi_sunter import FellegiSunter
from wares.registry import make

NAMES = ["boosted", "fellegi_sunter", "linear"]


def pairs(n: int = 600, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A telling likeness, a weak one, noise, and one that is nearly the first over again; a fifth are one product."""
    rng = np.random.default_rng(seed)
    same = rng.random(n) < 0.2
    telling = np.clip(np.where(same, 0.75, 0.35) + 0.15 * rng.standard_normal(n), 0, 1)
    weak = np.clip(np.where(same, 0.55, 0.45) + 0.2 * rng.standard_normal(n), 0, 1)
    table = np.column_stack([telling, weak, rng.random(n), np.clip(telling + 0.01 * rng.standard_normal(n), 0, 1)])
    table[rng.random(table.shape) < 0.1] = np.nan
    return table.astype(np.float32), same


@pytest.mark.parametrize("name", NAMES)
def test_contributions_make_the_odds(name: str):
    likeness, same = pairs()
    fitted = make(Matcher, name).fit(likeness, same)
    odds = (fitted.contributions(likeness).sum(axis=1) + fitted.base_) * np.log(2)
    got = answers.probability_of(answers.straightened(odds, fitted.curve_))
    np.testing.assert_allclose(got, fitted.probability(likeness), atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_of_pairs_said_to_be_likely_so_many_are(name: str):
    likeness, same = pairs(3_000)
    fitted = make(Matcher, name).fit(likeness, same)
    fresh, truth = pairs(3_000, seed=1)
    got = fitted.probability(fresh)
    for low, high in ((0, 0.1), (0.1, 0.5), (0.5, 0.9), (0.9, 1.01)):
        there = (got >= low) & (got < high)
        assert abs(truth[there].mean() - got[there].mean()) < 0.1


@pytest.mark.parametrize("name", NAMES)
def test_more_of_a_likeness_is_never_less_likely(name: str):
    likeness, same = pairs()
    fitted = make(Matcher, name).fit(likeness, same)
    table = np.tile(np.float32(0.5), (50, 4))
    for column in range(4):
        table[:, column] = np.linspace(0, 1, 50)
        assert (np.diff(fitted.probability(table)) >= -1e-6).all()
        table[:, column] = 0.5


def test_without_answers_the_mixture_finds_the_pairs():
    likeness, same = pairs(4_000)
    fitted = FellegiSunter().fit(likeness)
    got = fitted.probability(likeness) > 0.5
    assert (got == same).mean() > 0.9
    assert fitted.m_.sum(axis=1) == pytest.approx(np.ones(4))
    assert (np.diff(fitted.weights_, axis=1) >= -1e-9).all()
    assert np.abs(fitted.weights_[0]).max() > 3 * np.abs(fitted.weights_[2]).max()  # noise weighs little


def test_what_repeats_another_is_damped():
    likeness, _ = pairs(2_000)
    thrice = np.concatenate([likeness, likeness, likeness], axis=1)
    spread = [np.abs(FellegiSunter(damped=damped).fit(thrice).weights_).sum() for damped in (True, False)]
    assert spread[0] < 0.6 * spread[1]


@pytest.mark.parametrize("name", NAMES)
def test_bad_input_is_named(name: str):
    matcher = make(Matcher, name)
    likeness, same = pairs(50)
    for given, said in (
        ((likeness[0], None), "shape"),
        ((likeness, same[:-1]), "expected"),
        ((likeness, np.ones(50, bool)), "all 50 answers say one product"),
        ((likeness[:0], None), "no pairs"),
        ((np.full((3, 2), np.inf), None), "infinite"),
    ):
        with pytest.raises(DataError, match=said):
            matcher.fit(*given)
    with pytest.raises(DataError, match="2 likenesses; this matcher learned from 4"):
        matcher.fit(likeness, same).probability(likeness[:, :2])
