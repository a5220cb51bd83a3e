"""Products like one product in one respect, on data checked by eye."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import polars as pl
import pytest

from wares.algorithm import Context, Encoder
from wares.arrays import Dense
from wares.data.catalog import Catalog
from wares.data.history import History
from wares.encode.attributes import Attributes
from wares.encode.hashing import Hashing
from wares.errors import DataError, SettingError
from wares.index.exact import Exact
from wares.index.words import Words
from wares.tasks.aspects import Aspects
from wares.tasks.filtering import Filters
from wares.tasks.fusing import Fused
from wares.tasks.similar import Similar, Together

PRODUCTS = pl.DataFrame(
    {
        "id": list("ABCDEF"),
        "title": ["red mug", "blue mug", "red shoe", "blue shoe", "steel lid", "glass lid"],
        "brand": ["Acme", "Bolt", "Acme", "Bolt", "Acme", "Bolt"],
        "price": [4.0, 40.0, 42.0, 4.5, 4.1, None],
    }
)
# The mugs go with lids, and shoes with shoes.
BASKETS = [[0, 4], [0, 4], [0, 5], [0, 5], [1, 4], [1, 4], [1, 5], [1, 5], [2, 3], [2, 3]]


@dataclass(kw_only=True, eq=False)
class Photo(Encoder):
    """Looks at the colour that a file's name says."""

    SHOWS: ClassVar[Literal["text", "image", "behaviour", "attributes"]] = "image"

    def fit(self, catalog: Catalog, context: Context = Context(), *, same: object = None) -> "Photo":
        self.seen_ = 1
        return self

    def encode(self, catalog: Catalog) -> Dense:
        return self.encode_images([Path(title.split()[0]) for title in catalog.text(["title"])])

    def encode_images(self, paths: Sequence[Path]) -> Dense:
        return np.array([[path.stem == "red", Path(path).stem == "blue"] for path in paths], np.float32).reshape(-1, 2)


def aspects(*parts: Encoder) -> Aspects:
    catalog = Catalog(PRODUCTS)
    encoder = Fused(parts=list(parts), weights=[1.0] * len(parts)).fit(catalog)
    vectors = encoder.encode(catalog)
    together = Together(least=1, shrink=0.0).fit(History.of(BASKETS, 6))
    similar = Similar(
        index=Exact().fit(vectors),
        vectors=vectors,
        together=together,
        filters=Filters().fit(catalog),
        words=Words().fit(catalog),
    )
    return Aspects(encoder=encoder, similar=similar)


@pytest.fixture(scope="module")
def all_four() -> Aspects:
    return aspects(Hashing(width=256), Attributes(numbers=(), names=("brand",), least=1), Photo())


@pytest.mark.parametrize(
    ("by", "best"),
    [("text", {"B", "C"}), ("attributes", {"C", "E"}), ("image", {"C"}), ("price", {"E", "D"}), ("behaviour", {"B"})],
)
def test_each_aspect_has_its_own_nearest(all_four: Aspects, by: str, best: set[str]) -> None:
    hits = all_four.search(0, len(best), by)
    assert {"ABCDEF"[row] for row in hits.rows[0]} == best
    reasons = all_four.reasons(0, hits, by)
    assert all(abs(sum(each.share for each in hit) - 1) < 1e-6 for hit in reasons)


def test_the_product_itself_and_what_is_not_known_or_not_allowed_are_left_out(all_four: Aspects) -> None:
    assert 0 not in all_four.search(0, 6, "text").rows
    assert sorted(all_four.search(0, 6, "price").rows[0].tolist()) == [-1, -1, 1, 2, 3, 4]  # F has no price
    allowed = np.array([True, True, False, True, True, True])
    assert all_four.search(0, 6, "image", allowed=allowed).rows[0].tolist() == [-1] * 6


def test_a_photo_finds_products_and_a_thing_that_is_none_is_told(all_four: Aspects) -> None:
    assert all_four.photo(Path("blue.jpg"), 3).rows[0].tolist() == [1, 3, -1]
    with pytest.raises(DataError, match="not a picture"):
        all_four.photo(Path("green.jpg"), 3)


def test_cosines_are_those_of_the_parts(all_four: Aspects) -> None:
    alone = Hashing(width=256).fit(Catalog(PRODUCTS)).encode(Catalog(PRODUCTS))
    hits = all_four.search(0, 2, "text")
    assert np.allclose(hits.scores[0], alone[hits.rows[0]] @ alone[0], atol=1e-5)


def test_what_a_shop_does_not_know_is_said() -> None:
    only_text = aspects(Hashing(width=256))
    assert only_text.known() == ["text", "behaviour", "price"]
    with pytest.raises(SettingError, match=r"no image encoder.*It can compare by text, behaviour, price"):
        only_text.search(0, 3, "image")
    with pytest.raises(SettingError, match="did you mean 'image'"):
        only_text.search(0, 3, "imag")
