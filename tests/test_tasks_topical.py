import numpy as np
import polars as pl
import pytest

from wares.algorithm import Clusterer, Encoder
from wares.data.catalog import Catalog
from wares.errors import SettingError
from wares.registry import make
from wares.tasks.topical import Topical

TITLES = ["red running shoe", "blue trail running shoe", "white coffee mug", "black coffee mug", ""] * 4


def catalog(titles):
    return Catalog(pl.DataFrame({"id": [f"P{i}" for i in range(len(titles))], "title": titles}))


def two_topics():
    return Topical(clusterer=make(Clusterer, "lda", n_clusters=2)).fit(catalog(TITLES))


def test_products_of_one_topic_are_near_and_nothing_known_is_zero():
    rows = two_topics().encode(catalog(TITLES[:5]))
    assert rows[0] @ rows[1] > 0.9 > 0.7 > rows[0] @ rows[2]
    assert not rows[4].any()


def test_columns_can_be_read():
    encoder = two_topics()
    shoe = encoder.encode(catalog(TITLES[:1]))[0].argmax()
    assert {"running", "shoe"} <= set(encoder.topics_[shoe])


def test_a_question_is_read_as_a_product_is():
    encoder = two_topics()
    assert np.argmax(encoder.encode_text(["a shoe for running"])) == np.argmax(encoder.encode(catalog(TITLES[:1])))


def test_a_clusterer_of_vectors_finds_no_topics():
    with pytest.raises(SettingError, match=r"clusterer=KMeans.*lda, nmf or multinomial"):
        make(Encoder, "lda", clusterer=make(Clusterer, "kmeans")).fit(catalog(TITLES))
