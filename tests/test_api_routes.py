"""REST over a real small shop, through a real server."""

from typing import Any
from urllib.parse import quote, urlencode

import pytest
from small_server import Reply, ask, serving
from small_shop import ODD_IDS

from wares.api import create
from wares.api.errors import STATUS, status_of
from wares.errors import DataError, MissingExtra, SettingError, StoreError, UnknownName, WaresError
from wares.shop import Shop


def ids(answer: Any) -> list[str]:
    """The ids of an answer, of the shop's or of JSON."""
    return [hit["id"] for hit in answer["hits"]] if isinstance(answer, dict) else [hit.id for hit in answer.hits]


def good(reply: Reply) -> Any:
    assert reply.status == 200, reply.text
    assert reply.headers["content-type"] == "application/json"
    return reply.json


def bad(reply: Reply, status: int, kind: str) -> str:
    """The message of an error."""
    assert reply.status == status, reply.text
    assert list(reply.json) == ["error"]
    assert reply.json["error"]["kind"] == kind
    return str(reply.json["error"]["message"])


# -- answers ---------------------------------------------------------------------------------------------------------


def test_search_answers_as_the_shop_does(address: str, shop: Shop) -> None:
    got = good(ask(address, "/api/search?q=coffee+mug&k=3&price_lt=10&category=Kitchen"))
    expected = shop.search("coffee mug", k=3, where={"price": {"lt": 10}, "category": ["Kitchen"]})
    assert ids(got) == ids(expected)
    assert set(got) == {"hits", "took_ms", "used", "total", "facets", "corrected"}
    assert got["total"] == expected.total
    assert got["facets"] == expected.facets
    assert set(got["hits"][0]) == {"id", "title", "score", "reasons", "variants"}
    assert set(got["hits"][0]["reasons"][0]) == {"text", "share", "products"}
    assert sum(reason["share"] for reason in got["hits"][0]["reasons"]) == pytest.approx(1, abs=1e-3)


def test_pages_of_a_search_follow_each_other(address: str) -> None:
    whole = ids(good(ask(address, "/api/search?q=mug&k=8")))
    assert ids(good(ask(address, "/api/search?q=mug&k=4"))) == whole[:4]
    assert ids(good(ask(address, "/api/search?q=mug&k=4&offset=4"))) == whole[4:]


def test_where_as_json(address: str, shop: Shop) -> None:
    where = urlencode({"q": "mug", "where": '{"brand": "Clay", "price": {"gte": 9}}'})
    got = good(ask(address, f"/api/search?{where}"))
    assert ids(got) == ids(shop.search("mug", where={"brand": "Clay", "price": {"gte": 9}}))


def test_similar_and_bought_together(address: str, shop: Shop) -> None:
    assert ids(good(ask(address, "/api/similar/P1?k=5"))) == ids(shop.similar("P1", k=5))
    assert ids(good(ask(address, "/api/similar/P1?k=5&by=price"))) == ids(shop.similar("P1", k=5, by="price"))
    assert ids(good(ask(address, "/api/bought-together/P1?k=5"))) == ids(shop.bought_together("P1", k=5))


def test_recommendations(address: str, shop: Shop) -> None:
    assert ids(good(ask(address, "/api/recommend?shopper=U7&k=5"))) == ids(shop.recommend("U7", k=5))
    assert ids(good(ask(address, "/api/recommend?basket=P1,P2"))) == ids(shop.recommend(basket=["P1", "P2"]))
    assert ids(good(ask(address, "/api/recommend"))) == ids(shop.recommend())
    one = good(ask(address, "/api/recommend?shopper=U7&model=itemknn&diverse=0.2&out_of_stock=true"))
    assert one["used"] == "itemknn"
    assert ids(one) == ids(shop.recommend("U7", model="itemknn", diverse=0.2, out_of_stock=True))
    again = good(ask(address, "/api/recommend?shopper=U7&repeats=true"))
    assert ids(again) == ids(shop.recommend("U7", repeats=True))


@pytest.mark.parametrize("id", ODD_IDS)
def test_any_id_works_in_a_url(address: str, id: str) -> None:
    assert good(ask(address, f"/api/products/{quote(id, safe='')}"))["id"] == id
    assert id not in ids(good(ask(address, f"/api/similar/{quote(id, safe='')}")))
    good(ask(address, f"/api/bought-together/{quote(id, safe='')}"))
    good(ask(address, "/api/recommend?" + urlencode({"basket": id})))


def test_clusters(address: str, shop: Shop) -> None:
    clusters = good(ask(address, "/api/clusters"))["clusters"]
    assert [one["name"] for one in clusters] == [one.name for one in shop.clusters()]
    one = good(ask(address, "/api/clusters/0?k=3&offset=1"))
    assert one["cluster"]["id"] == 0
    assert ids(one) == ids(shop.cluster(0, k=3, offset=1)[1])


def test_shoppers(address: str) -> None:
    assert good(ask(address, "/api/shoppers?prefix=U3&limit=3"))["shoppers"] == ["U3", "U30", "U31"]
    shopper = good(ask(address, "/api/shoppers/U7"))
    assert shopper["id"] == "U7"
    assert shopper["attributes"]["town"] == "Ulm"
    assert {"id", "title", "times", "last"} <= set(shopper["products"][0])


def test_the_shop_itself(address: str) -> None:
    assert good(ask(address, "/api/info"))["shop"] == "Small Shop"
    assert isinstance(good(ask(address, "/api/evaluate")), dict)
    assert good(ask(address, "/health"))["status"] == "ok"


# -- events ----------------------------------------------------------------------------------------------------------


def test_events_are_recorded_and_answered_from(own_shop: Shop) -> None:
    with serving(create(own_shop)) as address:
        events = [{"shopper": "newcomer", "product": "P1"}, {"shopper": "newcomer", "product": "P2", "kind": "view"}]
        reply = ask(address, "/api/events", "POST", events)
        assert (reply.status, reply.json) == (202, {"recorded": 2})
        reply = ask(address, "/api/events", "POST", {"shopper": "newcomer", "product": "P3", "value": 2})
        assert (reply.status, reply.json) == (202, {"recorded": 1})
        had = good(ask(address, "/api/shoppers/newcomer"))["products"]
        assert {one["id"] for one in had} == {"P1", "P2", "P3"}
        assert not {"P1", "P2", "P3"} & set(ids(good(ask(address, "/api/recommend?shopper=newcomer"))))


@pytest.mark.parametrize(
    ("body", "status", "kind", "says"),
    [
        (b"{", 422, "DataError", "not JSON"),
        (b"", 422, "DataError", "not JSON"),
        ([1], 422, "DataError", "an event or a list"),
        ([], 422, "SettingError", "1 to 1,000 events"),
        ({"shopper": "U1", "product": 7}, 422, "DataError", "product of an event must be text, not 7"),
        ({"shopper": "U1", "product": "P1", "value": "much"}, 422, "DataError", "must be a number"),
        ({"shopper": "U1"}, 422, "DataError", "event 1 names no product"),
        ({"shopper": "U1", "product": "P1", "at": "2999-01-01"}, 422, "DataError", "to tomorrow"),
        ({"shopper": "U1", "prodcut": "P1"}, 404, "UnknownName", "did you mean 'product'"),
        ({"shopper": "U1", "product": "P1x"}, 404, "UnknownName", "did you mean"),
        (b" " * ((1 << 20) + 1), 422, "SettingError", "larger than"),
    ],
)
def test_events_that_cannot_be(address: str, body: Any, status: int, kind: str, says: str) -> None:
    assert says in bad(ask(address, "/api/events", "POST", body), status, kind)


# -- products that come in ---------------------------------------------------------------------------------------------


def test_products_are_taken_in_and_in_their_cluster_at_once(own_shop: Shop) -> None:
    with serving(create(own_shop)) as address:
        product = {"id": "N1", "title": "green coffee mug", "brand": "Clay", "category": "Kitchen > Mugs"}
        (placed,) = good(ask(address, "/api/products", "POST", product))["products"]
        assert set(placed) == {"id", "title", "cluster", "distance", "far", "new", "searchable"}
        assert placed["new"]
        assert good(ask(address, "/api/products/N1"))["cluster"] == placed["cluster"]
        many = good(ask(address, "/api/products", "POST", [{"id": "N1", "price": 3}, {**product, "id": "a/b"}]))
        assert [each["new"] for each in many["products"]] == [False, False]
        drift = good(ask(address, "/api/drift"))
        assert (drift["products"], drift["due"]) == (1, False)
        assert ask(address, "/product/N1").status == 200
        assert "came in since the build" in ask(address, "/product/N1").text
        assert good(ask(address, "/api/products/N1", "DELETE")) == {"deleted": 1}
        bad(ask(address, "/api/products/N1"), 404, "UnknownName")
        assert good(ask(address, "/api/products/P1", "DELETE")) == {"deleted": 1}
        assert "gone from the next build" in ask(address, "/product/P1").text


def test_a_drift_that_is_due_stands_above_the_clusters(own_shop: Shop) -> None:
    with serving(create(own_shop)) as address:
        assert 'id="drift"' not in ask(address, "/clusters").text
        odd = [{"id": f"O{n}", "title": f"piston gasket {n}"} for n in range(60)]
        good(ask(address, "/api/products", "POST", odd))
        assert good(ask(address, "/api/drift"))["due"]
        assert f"wares build {own_shop.folder.name}" in ask(address, "/clusters").text


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        (b"{", "DataError", "not JSON"),
        ([1], "DataError", "a product or a list of products"),
        ([], "SettingError", "1 to 1,000 products"),
        (b" " * ((1 << 20) + 1), "SettingError", "larger than"),
        ({"id": "N1"}, "DataError", "only 'id'"),
        ({"id": "N1", "price": 2}, "DataError", "has no title"),
        ({"id": "P1", "price": "much"}, "DataError", "is not a number"),
    ],
)
def test_products_that_cannot_be(address: str, body: Any, kind: str, says: str) -> None:
    assert says in bad(ask(address, "/api/products", "POST", body), 422, kind)


# -- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "kind", "says"),
    [
        ("/api/similar/P1x", 404, "UnknownName", "no product 'P1x'; did you mean"),
        ("/api/products/nothing-like-it", 404, "UnknownName", "nothing-like-it"),
        ("/api/shoppers/U999", 404, "UnknownName", "U999"),
        ("/api/recommend?shopper=U999", 404, "UnknownName", "U999"),
        ("/api/recommend?model=rp3beta", 422, "SettingError", "has not been learned"),
        ("/api/recommend?model=eaze", 404, "UnknownName", "did you mean 'ease'"),
        ("/api/recommend?diverse=2", 422, "SettingError", "from 0 to 1"),
        ("/api/clusters/999", 404, "UnknownName", "999"),
        ("/api/clusters/first", 422, "SettingError", "id"),
        ("/api/clusters/1?k=1000", 422, "SettingError", "k"),
        ("/api/clusters/1?kk=10", 404, "UnknownName", "did you mean 'k'"),
        ("/api/info?q=1", 404, "UnknownName", "no query parameter 'q'"),
        ("/api/search?q=a&k=1000", 422, "SettingError", "k must be"),
        ("/api/search?q=a&limit=10", 404, "UnknownName", "no query parameter 'limit'"),
        ("/api/search", 422, "SettingError", "'q' is missing"),
        ("/api/search?q=a&where=%7B%22prize%22%3A1%7D", 404, "UnknownName", "did you mean 'price'"),
        ("/api/search?q=a&where=%7B%22price%22%3A%7B%22under%22%3A1%7D%7D", 422, "SettingError", "under"),
        ("/api/nowhere", 404, "NotFound", "/docs"),
    ],
)
def test_errors_say_what_is_wrong(address: str, path: str, status: int, kind: str, says: str) -> None:
    assert says in bad(ask(address, path), status, kind)


def test_a_method_a_route_does_not_take(address: str) -> None:
    assert "does not take DELETE" in bad(ask(address, "/api/search?q=a", "DELETE"), 405, "MethodNotAllowed")
    assert "does not take GET" in bad(ask(address, "/api/events"), 405, "MethodNotAllowed")


def test_the_table_of_errors() -> None:
    kinds = {UnknownName: 404, DataError: 422, SettingError: 422, StoreError: 503, MissingExtra: 501}
    assert kinds == STATUS
    assert status_of(type("Below", (StoreError,), {})("x")) == 503
    assert status_of(WaresError("x")) == 500


# -- the document ----------------------------------------------------------------------------------------------------


def test_the_document_holds_every_route(address: str) -> None:
    document = good(ask(address, "/openapi.json"))
    assert set(document["paths"]) == {
        "/api/search",
        "/api/similar",
        "/api/similar/{id}",
        "/api/classify",
        "/api/labels/{id}",
        "/api/ask",
        "/api/doubt",
        "/api/reviews/{id}",
        "/api/match",
        "/api/recommend",
        "/api/bought-together/{id}",
        "/api/events",
        "/api/products",
        "/api/products/{id}",
        "/api/drift",
        "/api/clusters",
        "/api/clusters/{id}",
        "/api/departments",
        "/api/map",
        "/api/why/{id}",
        "/api/shoppers",
        "/api/shoppers/{id}",
        "/api/interests",
        "/api/segments",
        "/api/questions",
        "/api/info",
        "/api/evaluate",
        "/health",
    }
    search = document["paths"]["/api/search"]["get"]
    assert {one["name"] for one in search["parameters"]} >= {"q", "k", "offset", "where", "brand", "price_lt"}
    operations = [one["operationId"] for methods in document["paths"].values() for one in methods.values()]
    assert len(set(operations)) == len(operations)


def test_every_reference_of_the_document_is_there(address: str) -> None:
    document = good(ask(address, "/openapi.json"))

    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return own.union(*map(references, value.values()))
        return set().union(*map(references, value)) if isinstance(value, list) else set()

    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) <= known


def test_answers_have_the_shape_the_document_tells(address: str) -> None:
    schemas = good(ask(address, "/openapi.json"))["components"]["schemas"]
    found = good(ask(address, "/api/search?q=tea"))
    assert set(found) == set(schemas["Found"]["properties"])
    assert set(found["hits"][0]) == set(schemas["Hit"]["properties"])
    assert set(found["hits"][0]["reasons"][0]) == set(schemas["Reason"]["properties"])


def test_departments_map_and_why_answer(address: str) -> None:
    departments = good(ask(address, "/api/departments"))["departments"]
    assert sum(len(each["clusters"]) for each in departments) == 8
    points = good(ask(address, "/api/map"))
    assert len(points["x"]) == len(points["ids"]) == len(points["cluster"]) == 60
    assert 0 <= min(points["x"]) <= max(points["x"]) <= 65535
    assert good(ask(address, "/api/why/P3"))["cluster"]["name"]
    assert "nothing" in bad(ask(address, "/api/why/nothing"), 404, "UnknownName")
