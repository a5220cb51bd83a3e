"""Which words a cluster is called by: most members have one, few others do, and they read as a phrase."""

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from wares.data.catalog import Catalog
from wares.tasks.naming import name_clusters
from wares.tasks.phrasing import MOST_GROUPS, MOST_WORDS, Candidates, phrases
from wares.tasks.wording import Wording


def shop(titles):
    return Catalog(pl.DataFrame({"id": [str(row) for row in range(len(titles))], "title": titles}))


def named(*clusters):
    labels = np.repeat(np.arange(len(clusters)), [len(each) for each in clusters])
    return name_clusters(shop([title for each in clusters for title in each]), labels)


BRAS = ["Enamor Women Black Bra", "Amante Women Padded Bra", "Enamor Women White Bra", "Women Padded Bra"]
TOPS = ["Elle Women Pink Top", "Women Black Top", "Women Striped Top", "Elle Women Top"]
SHIRTS = ["Arrow Men Blue Shirt", "Men Slim Shirt", "Arrow Men White Shirt", "Men Checked Shirt"]


def test_a_word_that_others_share_is_in_no_name():
    for each in named(BRAS, TOPS, SHIRTS):
        assert each.coverage >= 0.6
        assert each.foreign <= 0.15
        assert "Women" not in each.name


def test_what_a_comma_parts_is_no_phrase():
    parted = [f"Milk, Whole, Brand {row}, Dairy" for row in range(5)]
    beside = [f"Rye Bread, Sliced, Brand {row}" for row in range(5)]
    milk, bread = named(parted, beside)
    assert "Milk Whole" not in milk.name
    assert bread.name == "Rye Bread"


def test_a_cluster_of_two_kinds_is_called_by_both():
    kinds = ["Hiking Boots brown", "Hiking Boots black", "Hiking Boots", "Wool Socks", "Wool Socks grey", "Wool Socks"]
    both, _ = named(kinds, [f"Garden Chair {colour}" for colour in ("red", "green", "blue", "white")])
    assert both.name in ("Hiking Boots & Wool Socks", "Wool Socks & Hiking Boots")
    assert both.coverage == 1.0


def test_chinese_words_are_whole():
    phones = ["全新液晶电视智能款", "液晶电视高清", "液晶电视家用挂墙", "大屏液晶电视客厅"]
    chairs = ["电动轮椅 老人", "折叠电动轮椅", "电动轮椅 轻便", "电动轮椅车"]
    screens, chairs = named(phones, chairs)
    assert "液晶电视" in screens.name
    assert "智" not in screens.name.replace("智能", "")
    assert "轮椅" in chairs.name


def test_words_by_how_often_they_end_what_they_stand_in():
    wording = Wording.of(shop(["Frozen Pizza, large", "Frozen Peas", "Pizza, frozen peas 500 g"]), ["title"])
    last = dict(zip(wording.words, wording.last.tolist(), strict=False))
    assert last["frozen"] == 0
    assert last["pizza"] == last["pea"] == 1
    everyone = wording.having(np.arange(3), np.array([wording.words.index("frozen")]))
    assert everyone.tolist() == [[1], [1], [1]]
    assert wording.having_any([wording.words.index("pea")]).tolist() == [False, True, True]


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_names_keep_their_bounds_of_words_and_are_the_best_of_one_term(data):
    n = data.draw(st.integers(1, 8))
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    parts = [(row,) if rng.random() < 0.5 else (row, 20 + row) for row in range(n)]
    candidates = Candidates(
        parts,
        rng.random(n) + 0.01,
        whole=rng.random(n) < 0.3,
        inside=(rng.random((12, n)) < 0.5).astype(np.float32),
        outside=(rng.random((30, n)) < 0.1).astype(np.float32),
        repeats=lambda at: np.arange(n) == at,
    )
    found = phrases(candidates)
    values = [each.value for each in found]
    assert values == sorted(values, reverse=True)
    assert {(at,) for at in range(n)} <= {each.terms for each in found}
    for each in found:
        assert len(each.words) <= MOST_WORDS
        assert len(set(each.terms)) == len(each.terms) <= MOST_GROUPS
        assert each.words == {word for at in each.terms for word in parts[at]}
        np.testing.assert_array_equal(each.inside, candidates.inside[:, list(each.terms)].max(axis=1))
        np.testing.assert_array_equal(each.outside, candidates.outside[:, list(each.terms)].max(axis=1))
