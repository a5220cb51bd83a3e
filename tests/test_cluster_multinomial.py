"""Clusters of titles by their words: by eye, and where there is next to nothing."""

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_array

from wares.cluster.multinomial import Multinomial
from wares.data.catalog import Catalog
from wares.encode.bag import Bag
from wares.errors import SettingError

TITLES = [
    *(f"{brand} running shoe {colour}" for brand in ("acme", "zenith", "orbit") for colour in ("red", "blue", "grey")),
    *(f"{brand} coffee mug {colour}" for brand in ("acme", "zenith", "orbit") for colour in ("red", "blue", "grey")),
    *(f"{brand} garden hose {colour}" for brand in ("acme", "zenith", "orbit") for colour in ("red", "blue", "grey")),
]


def counted(titles: list[str]) -> csr_array:
    catalog = Catalog(pl.DataFrame({"id": [str(at) for at in range(len(titles))], "title": titles}))
    return Bag(columns=("title",)).fit(catalog).counts(catalog)


def test_words_that_tell_decide_and_colours_do_not() -> None:
    labels = Multinomial(n_clusters=3).fit(counted(TITLES)).labels_
    assert [len(set(labels[start : start + 9])) for start in (0, 9, 18)] == [1, 1, 1]
    assert len(set(labels.tolist())) == 3


def test_components_are_probabilities_and_name_their_topic() -> None:
    rows = counted(TITLES)
    model = Multinomial(n_clusters=3).fit(rows)
    np.testing.assert_allclose(model.components_.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(model.predict_proba(rows).sum(axis=1), 1, rtol=1e-5)


def test_a_row_without_words_goes_to_the_largest() -> None:
    rows = counted([*TITLES, *TITLES[:9]])
    model = Multinomial(n_clusters=3).fit(rows)
    empty = csr_array((1, rows.shape[1]), dtype=np.float32)
    assert model.predict(empty)[0] == np.bincount(model.labels_).argmax()


def test_settings_are_checked() -> None:
    with pytest.raises(SettingError, match="warmth"):
        Multinomial(warmth=0.0).fit(counted(TITLES))
