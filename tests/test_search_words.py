"""Words: postings, spelling, matching and scores, beside plain loops over the same texts."""

import math
import pickle
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from wares.data.catalog import Catalog
from wares.errors import SettingError
from wares.index import folding
from wares.index.words import Words
from wares.text.tokens import tokens

SHOP = pl.DataFrame(
    {
        "id": list("abcdefghijkl"),
        "title": [
            "Red running shoe", "Blue running shoe", "Red leather boot", "White trail shoe", "Brown leather sandal",
            "Red ballet shoe", "Red mug", "Blue mug with lid", "Glass mug", "Travel mug red lid", "绿茶 杯子",
            "Tea mug",
        ],
        "brand": ["Acme", "Acme", "Bolt", "Bolt", None, "Acme", "Kiln", "Kiln", "Kiln", "Bolt", "Kiln", "Red"],
        "description": [None, "For the red track", None, None, None, None, None, None, None, None, None, None],
    }
)  # fmt: skip


@pytest.fixture(scope="module")
def words() -> Words:
    return Words().fit(Catalog(SHOP))


def found(words: Words, query: str, k: int = 12) -> list[str]:
    rows = words.search(query, k)[0].rows[0]
    return [SHOP["id"][int(row)] for row in rows if row >= 0]


def test_one_word_finds_every_product_that_holds_it_titles_first(words: Words) -> None:
    hits, total = words.search("red", 12)
    assert total == 7
    assert set(found(words, "red")) == set("abcfgjl")
    # Row b says it only in a long description.
    assert found(words, "red")[-1] == "b"
    assert np.all(np.diff(hits.scores[0][:7]) <= 0)


def test_two_words_must_both_be_held_and_one_of_three_may_be_missing(words: Words) -> None:
    assert set(found(words, "red shoe")) == {"a", "b", "f"}
    assert set(found(words, "red running shoe")) == {"a", "b", "f"}
    assert found(words, "red running shoe")[0] == "a"


def test_where_no_product_holds_enough_those_that_hold_the_most_match(words: Words) -> None:
    assert set(found(words, "sandal lid")) == {"e", "h", "j"}
    strict = clone(words).set_params(match="all").fit(Catalog(SHOP))
    assert found(strict, "sandal lid") == []
    loose = clone(words).set_params(match="any").fit(Catalog(SHOP))
    assert set(found(loose, "leather mug")) == set("ceghijl")


def test_a_filter_does_not_change_which_products_match(words: Words) -> None:
    allowed = np.ones(12, np.bool_)
    allowed[[0, 1, 5]] = False
    assert words.search("red shoe", 5, allowed=allowed)[1] == 0


def test_misspelt_words_are_mended_towards_the_other_words(words: Words) -> None:
    query = words.understand("leathr boot")
    assert query.corrected == "leather boot"
    assert found(words, "leathr boot") == ["c"]
    assert words.understand("leather boot").corrected == ""
    silent = clone(words).set_params(correct=False).fit(Catalog(SHOP))
    assert silent.understand("leathr boot").unknown == ("leathr",)


@pytest.mark.parametrize("query", ["", "   ", "???", "🍵🍵", "xyzzy", "\x1e", "a" * 5000])
def test_what_no_product_says_finds_nothing(words: Words, query: str) -> None:
    hits, total = words.search(query, 3)
    assert total == 0
    assert (hits.rows == -1).all()


def test_a_very_long_query_asks_its_rarest_words(words: Words) -> None:
    query = words.understand("red mug " + " ".join(SHOP["title"].to_list()) * 50)
    assert len(query) <= Words.LONGEST
    assert words.matches(query).rows.size > 0


def test_chinese_is_found_by_its_words(words: Words) -> None:
    assert found(words, "绿茶") == ["k"]


def test_impacts_tell_which_word_stands_where(words: Words) -> None:
    query = words.understand("red shoe")
    impacts, where = words.impacts(query, np.array([0, 1, 6]))
    names = [words.shown(int(word)) for word in query.words]
    red, shoe = names.index("red"), names.index("shoe")
    title, description = (1 << words.columns_.index(name) for name in ("title", "description"))
    assert where[0, red] == title
    assert where[1, red] == description
    assert where[2, shoe] == 0
    assert impacts[2, shoe] == 0
    matches = words.matches(query)
    for row, score in zip(matches.rows, matches.scores, strict=True):
        assert math.isclose(words.impacts(query, np.array([row]))[0].sum(), score, rel_tol=1e-6)
    assert (matches.scores < query.bound).all()


def test_shared_words_come_rarest_first(words: Words) -> None:
    assert words.shared(0, 1) == ["running", "shoe"]
    assert words.shared(0, 1, "brand") == ["acme"]
    assert words.shared(0, 1, "seller") == []
    assert words.shared_by(0, [1, 0]) == [words.shared(0, 1), words.shared(0, 0)]


def test_saved_loaded_copied_and_asked_from_threads(words: Words, tmp_path: Path) -> None:
    words.save(tmp_path / "words")
    loaded = Words.load(tmp_path / "words")
    queries = ["red shoe", "leathr boot", "mug lid red", "绿茶"]
    expected = [found(words, query) for query in queries]
    assert [found(loaded, query) for query in queries] == expected
    assert [found(pickle.loads(pickle.dumps(words)), query) for query in queries] == expected
    wrong: list[str] = []

    def ask() -> None:
        for _ in range(50):
            wrong.extend(
                query for query, answer in zip(queries, expected, strict=True) if found(loaded, query) != answer
            )

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_no_column_to_read_is_told(words: Words) -> None:
    with pytest.raises(SettingError, match="nowhere"):
        Words(fields={"nowhere": 1.0}).fit(Catalog(SHOP))
    with pytest.raises(SettingError, match="'most', 'all', 'any'"):
        Words(match="some").fit(Catalog(SHOP))  # type: ignore[arg-type]


def test_no_product_at_all() -> None:
    words = Words().fit(Catalog(SHOP.head(0)))
    assert words.search("red", 3)[1] == 0


TEXT = st.lists(st.sampled_from(["red", "shoe", "mug", "tea", "lid", "blue"]), max_size=6).map(" ".join)


def bm25f(texts: list[tuple[str, str]], query: list[str], words: Words) -> list[tuple[int, float]]:
    """(words held, score) of each product, straight from the formula."""
    weights = [words.fields["title"], words.fields["description"]]
    split = [[tokens(text) for text in row] for row in texts]
    means = []
    for field in range(2):
        filled = [len(row[field]) for row in split if row[field]]
        means.append(sum(filled) / len(filled) if filled else 1)
    out = []
    for row in split:
        held, score = 0, 0.0
        for word in query:
            m = sum(any(word in column for column in other) for other in split)
            c = 0.0
            for field, column in enumerate(row):
                count = Counter(column)[word]
                c += weights[field] * count / (1 - words.b + words.b * len(column) / means[field]) if count else 0
            held += c > 0
            score += math.log(1 + (len(split) - m + 0.5) / (m + 0.5)) * c * (words.k1 + 1) / (c + words.k1)
        out.append((held, score))
    return out


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=12), TEXT)
def test_matches_and_scores_are_those_of_the_formula(texts: list[tuple[str, str]], query: str) -> None:
    frame = pl.DataFrame(
        {
            "id": [str(row) for row in range(len(texts))],
            "title": [a for a, _ in texts],
            "description": [b for _, b in texts],
        }
    )
    words = Words(correct=False).fit(Catalog(frame))
    said = {word for row in texts for text in row for word in tokens(text)}
    asked = sorted(set(tokens(query)) & said)
    expected = bm25f(texts, asked, words)
    most = max((held for held, _ in expected), default=0)
    need = min(len(asked) - len(asked) // 3, most)
    wanted = {row: score for row, (held, score) in enumerate(expected) if need and held >= need}
    matches = words.matches(words.understand(query))
    assert sorted(matches.rows.tolist()) == sorted(wanted)
    for row, score in zip(matches.rows.tolist(), matches.scores.tolist(), strict=True):
        assert math.isclose(score, wanted[row], rel_tol=1e-4)


def test_the_index_is_the_same_however_it_is_cut(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    said = rng.integers(60, size=(300, 7))
    frame = pl.DataFrame(
        {
            "id": [str(row) for row in range(300)],
            "title": [" ".join(f"word{each}" for each in row[:3]) for row in said],
            "description": [" ".join(f"word{each}" for each in row[3:]) if row[0] % 3 else None for row in said],
        }
    )
    whole = Words().fit(Catalog(frame))
    for name, value in {"WORDS": 50, "POSTINGS": 90, "_IN_MEMORY": 100}.items():
        monkeypatch.setattr(folding, name, value)
    monkeypatch.setattr(Catalog.pieces, "__defaults__", (None, 1_000, None))
    cut = Words().fit(Catalog(frame), tmp_path)
    for name, value in vars(whole).items():
        if name.endswith("_"):
            assert np.array_equal(np.asarray(getattr(cut, name)), np.asarray(value)), name
    assert isinstance(cut.rows_, np.memmap)
    cut.save(tmp_path / "saved")
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]
