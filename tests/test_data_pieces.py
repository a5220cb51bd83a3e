"""A catalog cut into pieces of bounded text, and what is learned from the pieces."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wares.data.catalog import Catalog
from wares.data.mapped import Mapped
from wares.data.outputs import Output
from wares.data.shelf import Shelf
from wares.encode.attributes import Attributes
from wares.encode.hashing import Hashing
from wares.encode.lsa import LSA
from wares.encode.memory import Memory
from wares.encode.sampling import distinct, sampled, shortened
from wares.encode.tfidf import TfIdf
from wares.tasks.fusing import encoded
from wares.tasks.sparing import some


def shop(n: int = 60) -> pl.DataFrame:
    rng = np.random.default_rng(4)
    return pl.DataFrame(
        {
            "id": [f"p{row}" for row in range(n)],
            "title": [f"mug {row % 25} 绿茶" for row in range(n)],
            "brand": [None if row % 3 else f"brand {row % 5}" for row in range(n)],
            "category": [f"Kitchen > {row % 4}" for row in range(n)],
            "price": rng.lognormal(2, 1, n),
            "description": ["long " * int(rng.integers(0, 60)) or None for _ in range(n)],
            "group": [None if row % 2 else f"g{row % 14}" for row in range(n)],
        }
    )


def in_a_file(frame: pl.DataFrame, path: Path, rows: int = 7) -> Catalog:
    with Output(path) as out:
        for start in range(0, len(frame), rows):
            out.write(frame[start : start + rows])
    return Catalog.of(path)


@pytest.mark.parametrize("form", ["frame", "file", "views"])
def test_pieces_are_all_rows_in_order_and_bounded(form, tmp_path):
    frame = shop()
    catalog = Catalog(frame) if form == "frame" else in_a_file(frame, tmp_path / "p.arrow")
    if form == "views":
        frame.write_ipc(tmp_path / "v.arrow", compression="uncompressed")
        catalog = Catalog.of(tmp_path / "v.arrow")
    pieces = list(catalog.pieces(["title", "description"], size=300))
    assert [row for piece in pieces for row in piece.ids.names()] == frame["id"].to_list()
    assert len(pieces) > 10
    for piece in pieces:
        assert len(piece) == 1 or len("".join(piece.text(["title", "description"])).encode()) <= 300 + len(piece)
    assert [text for part in catalog.texts() for text in part] == catalog.text()
    part = list(catalog.parts(25))[1]
    assert [row for piece in part.pieces(size=100) for row in piece.ids.names()] == frame["id"][25:50].to_list()


def test_text_is_cut_where_it_is_asked_to_be():
    catalog = Catalog(shop())
    assert catalog.text(["title", "description"], 9) == [text[:9] for text in catalog.text(["title", "description"])]


def test_rows_are_taken_from_a_mapped_file(tmp_path):
    frame = shop()
    in_a_file(frame, tmp_path / "p.arrow")
    mapped, rows = Mapped(tmp_path / "p.arrow"), np.array([59, 0, 7, 7, 33, 6])
    for name in frame.columns:
        assert mapped.take(name, rows).equals(frame[name].gather(rows), null_equal=True)
    assert mapped.take("title", rows[:0]).to_list() == []


@pytest.mark.parametrize("filed", [False, True])
def test_a_shelf_is_the_same_however_it_is_cut(filed, tmp_path, monkeypatch):
    monkeypatch.setattr(Catalog.pieces, "__defaults__", (None, 200, None))
    frame = shop()
    shelf = Shelf.make(in_a_file(frame, tmp_path / "p.arrow") if filed else Catalog(frame), tmp_path)
    wanted = frame.with_columns(_place=pl.Series(np.asarray(shelf.place))).group_by("_place", maintain_order=True)
    assert shelf.shown.scan.collect().equals(wanted.agg(pl.all().drop_nulls().first()).drop("_place"))
    alone = Shelf.make(Catalog(frame.drop("group")), tmp_path)
    assert alone.shown.scan.collect().equals(frame.drop("group"))


@pytest.mark.parametrize(
    "encoder",
    [
        TfIdf(),
        Hashing(width=32),
        LSA(width=4, bits=10, sample=15),
        Attributes(),
        Attributes(select="mutual_info", width=4),
    ],
    ids=lambda each: type(each).__name__,
)
def test_encoders_learn_and_say_the_same_piece_by_piece(encoder, tmp_path, monkeypatch):
    catalog = in_a_file(shop(), tmp_path / "p.arrow")
    whole = encoder.fit(catalog).encode(catalog)
    monkeypatch.setattr(Catalog.pieces, "__defaults__", (None, 250, None))
    monkeypatch.setattr("wares.tasks.fusing._PIECE", 400)
    parts = encoded(encoder.fit(catalog), catalog, tmp_path / "rows.npy")
    if isinstance(whole, np.ndarray):
        assert isinstance(parts, np.memmap)
        assert np.array_equal(np.load(tmp_path / "rows.npy"), whole)
        assert np.array_equal(encoded(encoder, catalog), whole)
    else:
        assert np.array_equal(parts.toarray(), whole.toarray())


def test_a_sample_is_of_distinct_texts_in_order():
    catalog = Catalog(pl.DataFrame({"id": list("abcdef"), "title": ["b", " ", "a", "b", None, "c"]}))
    assert distinct(catalog, ["title"]).tolist() == [0, 2, 5]
    assert sampled(catalog, ["title"], 9, np.random.default_rng(0)) == ["b", "a", "c"]
    assert len(sampled(catalog, ["title"], 2, np.random.default_rng(0))) == 2


@given(st.lists(st.text(max_size=20), max_size=12), st.integers(0, 150))
@settings(deadline=None, max_examples=100)
def test_the_longest_texts_are_shortened_to_one_length(texts, letters):
    cut = shortened(texts, letters)
    assert all(text.startswith(each) for text, each in zip(texts, cut, strict=True))
    assert sum(map(len, cut)) <= letters or cut == texts
    if cut != texts:
        longest = max(map(len, cut))
        assert all(len(each) == min(len(text), longest) for text, each in zip(texts, cut, strict=True))
        assert sum(min(len(text), longest + 1) for text in texts) > letters


def test_a_memory_keeps_what_was_used_and_only_that(tmp_path):
    asked: list[str] = []

    def read(texts):
        asked.extend(texts)
        return np.array([[len(text), ord(text[0])] for text in texts], np.float32).reshape(-1, 2)

    def build(blocks):
        asked.clear()
        memory = Memory(tmp_path)
        rows = [memory.read("key", block, read) for block in blocks]
        memory.keep()
        assert np.array_equal(np.concatenate(rows), read([text for block in blocks for text in block]))
        return len(asked) - sum(map(len, blocks))

    words = [f"{chr(97 + number % 26)}{number}" for number in range(300)]
    assert build([words[:100], words[50:200], words[150:]]) == 300
    assert build([words]) == 0
    assert build([words[::-1][:120], ["new", "newer"]]) == 2
    assert build([words[:200], ["newer"]]) == 180
    assert [path.name for path in (tmp_path / "key").iterdir()] == ["3"]  # the second build had nothing new to keep


def test_of_many_products_each_cluster_gives_its_share(monkeypatch):
    monkeypatch.setattr("wares.tasks.sparing.MOST", 500)
    labels = np.repeat([0, 1, 2, -1], [20, 3_000, 900, 80])[np.random.default_rng(0).permutation(4_000)]
    rows = some(labels)
    assert (np.diff(rows) > 0).all()
    assert np.bincount(labels[rows] + 1).tolist() == [80, 20, 375, 112]
    assert some(labels[:500]).tolist() == list(range(500))
