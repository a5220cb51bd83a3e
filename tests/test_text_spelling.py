"""Misspelt words to what was meant."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from wares.text.spelling import Spelling

WORDS = [
    "chocolate",
    "chocolates",
    "coffee",
    "toffee",
    "mug",
    "mugs",
    "64gb",
    "32gbx",
    "kettle",
    "kettles",
    "绿茶饮料礼盒",
]
COUNTS = np.array([50, 5, 30, 10, 9, 9, 3, 3, 8, 4, 1])
KNOWN = Spelling.of(WORDS, COUNTS)


def meant(word):
    return [KNOWN.word(row) for row, _ in KNOWN.suggest(word)]


@pytest.mark.parametrize("word", ["chocolat", "chocolqte", "choccolate", "chcoolate", "hocolate"])
def test_each_kind_of_edit(word):
    assert meant(word)[0] == "chocolate"


def test_the_most_used_comes_first_and_weights_sum_to_one():
    found = KNOWN.suggest("boffee")
    assert [KNOWN.word(row) for row, _ in found] == ["coffee", "toffee"]
    assert [weight for _, weight in found] == pytest.approx([0.75, 0.25])


def test_a_known_word_is_its_own_only_suggestion():
    assert KNOWN.suggest("chocolates") == [(1, 1.0)]


@pytest.mark.parametrize("word", ["mog", "zzzzzz", "", "chqcolqte", "33gbx", "x" * 50])
def test_no_guess(word):
    assert meant(word) == []


def test_targets_answer_for_the_words():
    spelling = Spelling.of(["cookies", "cookie"], np.array([5, 2]), np.array([7, 7]))
    assert spelling.suggest("cooies") == [(7, 1.0)]


def test_arrays_are_all_there_is():
    again = Spelling.from_arrays(KNOWN.arrays())
    assert again.suggest("cofee") == KNOWN.suggest("cofee") != []


def test_no_words_at_all():
    assert Spelling.of([], np.array([], np.int64)).suggest("coffee") == []


@given(st.text("abcdefgé绿", min_size=5, max_size=9), st.integers(0, 3), st.integers(0, 8), st.sampled_from("abcz绿"))
@settings(deadline=None, max_examples=100)
def test_any_one_edit_of_five_letters_is_undone(word, kind, place, letter):
    place = min(place, len(word) - 1)
    swapped = word[: place - 1] + word[place] + word[place - 1] + word[place + 1 :] if place else word
    typed = [
        word[:place] + letter + word[place:],
        word[:place] + word[place + 1 :],
        word[:place] + letter + word[place + 1 :],
        swapped,
    ][kind]
    words = ["kettle", word]
    assume(typed != "kettle")
    found = Spelling.of(words, np.array([1, 1])).suggest(typed)
    assert [row for row, _ in found] == [1]
