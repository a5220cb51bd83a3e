"""Words of texts: what meets, what stays apart."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wares.text import reader
from wares.text.plurals import singular
from wares.text.reader import Reader
from wares.text.tokens import forms, normal, tokens, tokens_of
from wares.text.units import number


@pytest.mark.parametrize(
    "text", ["12oz", "12 OZ", "12.0 fl. oz.", "12 fl.oz.", "12-ounce", "12 Fl Oz", "１２ｏｚ", "12盎司"]
)
def test_one_size_however_written(text):
    assert tokens(text) == ["12oz"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1.5L", ["1.5l"]),
        ("1,500 ml", ["1500ml"]),
        ("2 in 1 shampoo", ["2", "in", "1", "shampoo"]),
        ("12oz2", ["12oz2"]),
        ("WH-1000XM4", ["wh", "1000xm4"]),
        ("Men's T-Shirts", ["man", "tshirt"]),
        ("rock'n'roll", ["rocknroll"]),
        ("Café ﬁsh", ["cafe", "fish"]),
        ("red_mug, blue/mug", ["red", "mug", "blue", "mug"]),
        ("绿茶饮料 500毫升×6", ["绿茶", "饮料", "500ml", "6"]),
        ("Nike耐克男鞋", ["nike", "耐克", "男鞋"]),
        ("हिन्दी สวัสดี", ["हिन्दी", "สวัสดี"]),
        ("  \n\t", []),
        ("", []),
    ],
)
def test_words(text, words):
    assert tokens(text) == words


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        ("mugs", "mug"), ("glasses", "glass"), ("berries", "berry"), ("cookies", "cookie"), ("watches", "watch"),
        ("shoes", "shoe"), ("tomatoes", "tomato"), ("buses", "bus"), ("houses", "house"), ("women", "woman"),
        ("peaches", "peach"), ("sizes", "size"), ("knives", "knife"), ("gloves", "glove"), ("lenses", "lens"),
    ],
)  # fmt: skip
def test_plural_finds_singular(plural, one):
    assert singular(plural) == singular(one) == one


@pytest.mark.parametrize("word", ["dress", "bus", "tennis", "series", "gas", "ps5", "was", "plus", "Straßes"])
def test_what_only_looks_like_a_plural_stays(word):
    assert singular(word) == word


@pytest.mark.parametrize(("text", "same"), [("1,000", "1000"), ("1,5", "1.5"), ("2.50", "2.5"), ("1.2.3", "1.2.3")])
def test_number(text, same):
    assert number(text) == same


TEXTS = st.lists(
    st.text(st.one_of(st.sampled_from("ab s'5.,oz绿茶饮\x1e\nİéß-"), st.characters(codec="utf-8")), max_size=30),
    max_size=6,
)


@given(TEXTS)
@settings(deadline=None, max_examples=100)
def test_a_batch_gives_each_text_the_words_it_has_alone(texts):
    batch = tokens_of(texts)
    assert len(batch) == len(texts)
    assert [batch.text(row) for row in range(len(texts))] == [tokens(text) for text in texts]
    assert len(set(batch.words)) == len(batch.words)
    assert batch.codes.dtype == np.int32


SPOKEN = "12 1.5 1,000 oz oz. fl fl. fl.oz. in 1 t shirt x-large a-b 's ’ mugs Men's L lb g. ML feet w/ _ / - . ,"
SPOKEN += " 绿茶 12克 盎司 中 𠮷 é ß 😀 ١٢ м ा क ㎏ m² \u0301 \xa0"
PARTS = st.lists(
    st.one_of(st.sampled_from([*SPOKEN.split(" "), " ", "  ", "\t", "\n", "\x1e"]), st.text(max_size=3)), max_size=12
)


@given(st.lists(PARTS.map("".join), max_size=4))
@settings(deadline=None, max_examples=100)
def test_the_kernel_cuts_where_no_word_reaches_across(texts):
    batch = tokens_of(texts)
    assert [batch.text(row) for row in range(len(texts))] == [tokens(text) for text in texts]
    written = [form for text in texts for form, words in forms(text) if len(words) == 1]
    assert dict(zip(batch.forms, batch.form_counts.tolist(), strict=True)) == dict(Counter(written))
    assert batch.forms == list(dict.fromkeys(written))
    assert batch.words == list(dict.fromkeys(word for text in texts for word in tokens(text)))


def test_a_reader_goes_on_from_batch_to_batch_and_may_forget(monkeypatch):
    texts = [f"mug {number} with {number % 7} fl oz of 绿茶 for T-shirts" for number in range(5_000)]
    one, batch = Reader(), tokens_of(texts)
    monkeypatch.setattr(reader, "MOST", 100)
    codes = [one.read(texts[start : start + 700])[0] for start in range(0, len(texts), 700)]
    assert np.concatenate(codes).tolist() == batch.codes.tolist()
    assert list(one.words) == batch.words
    assert one.form_counts[one.single() >= 0].tolist() == batch.form_counts.tolist()


@given(st.text(max_size=30))
@settings(deadline=None, max_examples=100)
def test_normal_is_settled(text):
    assert normal(normal(text)) == normal(text)


def test_shown_is_the_form_written_most():
    batch = tokens_of(["cookies", "Cookies and a cookie", "mug"])
    shown = dict(zip(batch.words, batch.shown(), strict=True))
    assert shown == {"cookie": "cookies", "and": "and", "a": "a", "mug": "mug"}
    assert dict(zip(batch.forms, batch.form_counts.tolist(), strict=True))["cookies"] == 2


def test_forms_keep_what_was_written():
    assert forms("Red mugs") == [("red", ("red",)), ("mugs", ("mug",))]
