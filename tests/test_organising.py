import numpy as np
import polars as pl
import pytest

from wares.arrays import unit
from wares.cluster.kmeans import KMeans
from wares.data.catalog import Catalog
from wares.errors import DataError, SettingError
from wares.tasks.agreement import agreement, quality
from wares.tasks.organising import choose, name_clusters, profile, typical_rows, why_cluster

TITLES = [
    "Acme Running Shoes red",
    "Acme Running Shoes blue",
    "Trail Running Shoes",
    "Swift Running Shoes size 42",
    "Leather Dress Shoes",
    "Swift RUNNING SHOES black",
    "Coffee Mugs blue",
    "Large Coffee Mugs",
    "Coffee mugs, set of 4",
    "Travel Coffee Mugs 0.4 l",
    "Tea Mug with lid",
    "USB Coffee Mugs warmer",
]
LABELS = np.array([0] * 6 + [1] * 6, np.int64)


def catalog(**columns):
    return Catalog(pl.DataFrame({"id": [f"p{row}" for row in range(len(TITLES))], "title": TITLES, **columns}))


def vectors():
    rng = np.random.default_rng(0)
    centers = np.eye(8, dtype=np.float32)[[0] * 6 + [1] * 6]
    return unit((centers + 0.1 * rng.normal(size=(12, 8))).astype(np.float32))


def test_names_are_natural_phrases():
    shoes, mugs = name_clusters(catalog(), LABELS, vectors())
    assert shoes.name == "Running Shoes"
    assert mugs.name == "Coffee Mugs"
    assert shoes.coverage == 1.0
    assert shoes.foreign == 0.0
    assert "Swift" in shoes.keywords
    assert len(shoes.typical) == 6
    assert set(shoes.typical) <= set(range(6))


def test_names_use_brand_and_the_last_level_of_the_category():
    blank = Catalog(
        pl.DataFrame(
            {
                "id": [str(row) for row in range(8)],
                "title": [f"A{row}" for row in range(8)],
                "brand": ["Acme"] * 4 + [None] * 4,
                "category": ["Home > Kitchen > Bread Knives"] * 4 + ["Home > Garden > Lawn Mowers"] * 4,
            }
        )
    )
    first, second = name_clusters(blank, np.array([0] * 4 + [1] * 4, np.int64))
    assert "Bread Knives" in first.name
    assert second.name == "Lawn Mowers"
    assert "Kitchen" not in first.name


def test_names_in_chinese_grow_to_whole_words():
    titles = [
        *("自然堂保湿面霜50g", "自然堂雪域面霜", "自然堂滋润面霜 30g", "自然堂修护面霜"),
        *("佰草集洗面奶", "佰草集男士洗面奶", "佰草集清爽洗面奶", "佰草集洁面 洗面奶"),
    ]
    shop = Catalog(pl.DataFrame({"id": [str(row) for row in range(8)], "title": titles}))
    first, second = name_clusters(shop, np.array([0] * 4 + [1] * 4, np.int64))
    assert "面霜" in first.name
    assert "自然堂" in first.name
    assert "洗面奶" in second.name
    assert {"佰草集", "洗面奶"} <= set(second.keywords)


def test_names_are_all_different():
    labels = np.array([0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5], np.int64)
    names = [each.name.casefold() for each in name_clusters(catalog(), labels)]
    assert len(set(names)) == 6


def test_without_words_a_cluster_has_a_name_too():
    shop = Catalog(pl.DataFrame({"id": ["a", "b"], "title": ["123", ""]}))
    assert [each.name for each in name_clusters(shop, np.array([0, 1], np.int64))] == ["Cluster 1", "Cluster 2"]
    assert name_clusters(Catalog(shop.frame(["id", "title"]).head(0)), np.empty(0, np.int64)) == []
    with pytest.raises(DataError, match="one of each"):
        name_clusters(shop, np.array([0], np.int64))


def test_typical_rows_are_the_most_central_and_no_title_twice():
    X = np.array([[1, 0], [1, 0.1], [1, 0.1], [0, 1], [1, 0.2]], np.float32)
    labels = np.array([0, 0, 0, 1, 0], np.int64)
    found = typical_rows(X, labels, n_clusters=2, n=2, titles=["a", "b", "b", "c", "d"])
    assert found == [[1, 4], [3]]
    assert typical_rows(None, labels, n_clusters=2, n=2) == [[0, 1], [3]]


def blobs(n, k, seed=0):
    rng = np.random.default_rng(seed)
    return unit((np.eye(16)[rng.integers(k, size=n)] + 0.1 * rng.normal(size=(n, 16))).astype(np.float32))


def test_the_number_of_clusters_is_that_of_clear_groups():
    X = blobs(800, 12)
    choice = choose(lambda k: KMeans(n_clusters=k), X)
    assert choice.k == 12
    assert "silhouette" in choice.reason
    assert [trial["k"] for trial in choice.curve] == sorted(trial["k"] for trial in choice.curve)
    inertia = [trial["inertia"] for trial in choice.curve]
    assert inertia[0] > inertia[-1]
    again = choose(lambda k: KMeans(n_clusters=k), X)
    assert [(t["k"], t["silhouette"]) for t in again.curve] == [(t["k"], t["silhouette"]) for t in choice.curve]


def test_without_clear_groups_the_elbow_decides():
    X = unit(np.random.default_rng(0).normal(size=(900, 8)).astype(np.float32))
    choice = choose(lambda k: KMeans(n_clusters=k), X, sample=600)
    assert 8 <= choice.k <= 36
    assert choice.sample == 600
    assert "bends" in choice.reason


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 30])
def test_a_tiny_shop_gets_some_number(n):
    X = blobs(max(n, 1), 3)[:n]
    choice = choose(lambda k: KMeans(n_clusters=k), X)
    assert 1 <= choice.k <= max(n, 1)
    assert choose(lambda k: KMeans(n_clusters=k), np.zeros((5, 3), np.float32)).k == 1


def test_a_grid_that_is_none_is_an_error():
    with pytest.raises(SettingError, match="grid"):
        choose(lambda k: KMeans(n_clusters=k), blobs(50, 3), grid=[0, 3])


def test_a_profile_says_what_sets_a_cluster_apart():
    price = [50.0, 60, 70, 80, 90, None, 5, 6, 7, 8, 9, 10]
    brand = ["Acme"] * 4 + ["Swift"] * 2 + ["Potts"] * 5 + [None]
    shoes, mugs = profile(catalog(price=price, brand=brand), LABELS)
    assert (shoes.size, shoes.share) == (6, 0.5)
    assert shoes.prices == (54.0, 70.0, 86.0)
    assert mugs.brands == [("Potts", pytest.approx(5 / 6))]
    assert shoes.brands[0] == ("Acme", pytest.approx(4 / 6))
    assert mugs.apart == [("brand", "Potts", pytest.approx(2.0))]
    assert profile(catalog(), LABELS)[0].prices is None


def test_products_in_no_cluster_are_of_the_whole_catalog_too():
    labels = np.where(np.arange(12) < 3, 0, -1)
    (only,) = profile(catalog(brand=["Acme"] * 12), labels)
    assert only.apart == []  # all of the catalog is of this brand: it tells nothing
    (only,) = profile(catalog(brand=["Acme"] * 6 + ["Potts"] * 6), labels)
    assert only.apart == [("brand", "Acme", pytest.approx(2.0))]


def test_why_a_product_is_where_it_is():
    X = vectors()
    model = KMeans(n_clusters=2).fit(X)
    ids = [f"p{row}" for row in range(12)]
    spans = {"words": (0, 1), "pictures": (1, 8)}
    reasons = why_cluster(X, model.cluster_centers_, 0, labels=model.labels_, names=ids, spans=spans)
    assert sum(reason.share for reason in reasons) == pytest.approx(1)
    assert set(reasons[0].products) <= set(ids[1:6])
    near, far = (model.cluster_centers_[c].astype(float) for c in (model.labels_[0], 1 - model.labels_[0]))
    gap = (X[0].astype(float) - far) ** 2 - (X[0].astype(float) - near) ** 2
    exact = {"words": gap[:1].sum(), "pictures": gap[1:].sum()}
    total = sum(exact.values())
    for reason in reasons[:-1]:
        name = next(name for name in exact if name in reason.text)
        assert reason.share == pytest.approx(exact[name] / total, rel=1e-4)
    alone = why_cluster(X, np.array(model.cluster_centers_[:1]), 0, labels=np.zeros(12, np.int64), names=ids)
    assert [(reason.text, reason.share) for reason in alone] == [("there is no other cluster", 1.0)]


def test_quality_is_that_of_scikit_learn():
    from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score

    X = blobs(300, 4)
    labels = KMeans(n_clusters=4).fit(X).labels_
    found = quality(X, labels)
    assert found["silhouette"] == pytest.approx(silhouette_score(X, labels), abs=1e-4)
    assert found["calinski_harabasz"] == pytest.approx(calinski_harabasz_score(X, labels), rel=1e-4)
    assert found["davies_bouldin"] == pytest.approx(davies_bouldin_score(X, labels), rel=1e-4)
    assert (found["sample"], found["clusters"]) == (300, 4)
    assert quality(X, labels, sample=100)["sample"] == 100
    assert quality(X, labels, sample=100) == quality(X, labels, sample=100)
    assert quality(X, np.zeros(300, np.int64))["silhouette"] is None


def test_agreement_with_a_level_of_the_categories():
    labels = np.array([0, 0, 1, 1, -1, 0], np.int64)
    paths = ["Shoes > Men", "Shoes > Women", "Mugs > Tea", "Mugs > Tea", "Mugs > Tea", None]
    top = agreement(labels, paths, level=1)
    assert (top["ami"], top["ari"], top["rows"], top["categories"]) == (pytest.approx(1), 1, 4, 2)
    assert agreement(labels, paths)["categories"] == 3
    assert agreement(labels, [None] * 6)["ami"] is None
    with pytest.raises(DataError, match="level 0"):
        agreement(labels, paths, level=0)
    with pytest.raises(DataError, match="5 categories"):
        agreement(labels, paths[:5])
