"""Offers of another shop against the shop's products, over REST."""

import json

import pytest
from small_server import ask

from wares.errors import DataError
from wares.shop import Shop


def test_an_offer_finds_its_product(address: str, shop: Shop):
    card = shop.product(shop.search("mug", k=1).hits[0].id)
    offer = {"id": "x1", "title": card["title"], "price": card.get("price")}
    reply = ask(address, "/api/match?k=3", "POST", json.dumps([offer, {"title": "nothing like it at all"}]).encode())
    assert reply.status == 200, reply.text
    first, second = reply.json["offers"]
    assert first["id"] == "x1"
    best = first["matches"][0]
    assert best["their_title"] == card["title"]
    assert 0 <= best["probability"] <= 1
    assert sum(reason["share"] for reason in best["reasons"]) == pytest.approx(1, abs=1e-3)
    assert set(best["waterfall"][0]) == {"rule", "log2"}
    assert all(each["probability"] < best["probability"] for each in second["matches"])
    assert [each.theirs for each in shop.match(offer, k=3)] == [each["theirs"] for each in first["matches"]]


def test_an_offer_without_a_title_is_refused(address: str, shop: Shop):
    reply = ask(address, "/api/match", "POST", b'{"price": 3}')
    assert reply.status == 422
    assert "an offer needs a title" in reply.json["error"]["message"]
    with pytest.raises(DataError, match="an offer needs a title"):
        shop.match({"id": "1"})
