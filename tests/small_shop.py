"""A made-up shop of sixty products and forty shoppers, with names that are hard on URLs and pages."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

SHELVES = {
    # category: (brand, price of the first, titles)
    "Shoes > Running": (
        "Acme",
        50.0,
        "red running shoe;blue running shoe;light trail shoe;road racer shoe;grip trail shoe",
    ),
    "Shoes > Boots": ("Bolt", 90.0, "brown leather boot;black winter boot;rubber rain boot;hiking boot;ankle boot"),
    "Kitchen > Mugs": ("Clay", 8.0, "white coffee mug;blue coffee mug;large tea mug;steel travel mug;glass mug"),
    "Kitchen > Pans": ("Forge", 30.0, "iron frying pan;steel sauce pan;copper pan;non-stick wok pan;egg pan"),
    "Food > Tea": ("Leaf", 4.0, "green tea;black tea;mint tea;white tea;fruit tea"),
    "Food > Chocolate": ("Noir", 3.0, "dark chocolate;milk chocolate;white chocolate;nut chocolate;orange chocolate"),
    "Garden > Tools": ("Forge", 20.0, "steel spade;garden fork;hand trowel;leaf rake;pruning shears"),
    "Garden > Seeds": ("Leaf", 2.0, "tomato seeds;carrot seeds;basil seeds;sunflower seeds;lettuce seeds"),
    "Toys > Blocks": ("Kiddo", 15.0, "wooden blocks;coloured blocks;castle blocks;train blocks;number blocks"),
    "Toys > Puzzles": ("Kiddo", 10.0, "map puzzle;animal puzzle;castle puzzle;ocean puzzle;space puzzle"),
    "Books > Cooking": (
        "Press",
        25.0,
        "bread cook book;soup cook book;tea cook book;chocolate cook book;pan cook book",
    ),
}
ODD = (
    {"id": "a/b", "title": "slash mug", "brand": "Clay", "category": "Kitchen > Mugs", "price": 9.0},
    {"id": "50% off", "title": "bargain mug", "brand": "Clay", "category": "Kitchen > Mugs", "price": 1.0},
    {"id": "茶 1", "title": "龙井绿茶", "brand": "西湖", "category": "Food > Tea", "price": 12.0},
    {
        "id": "x/",
        "title": '<script>alert("x")</script> mug',
        "brand": "<b>&",
        "category": "Kitchen > Mugs",
        "price": 7.0,
    },
    {"id": "?q=#1", "title": "question mug", "brand": "Clay", "category": "Kitchen > Mugs", "price": 6.0},
)
ODD_IDS = [one["id"] for one in ODD]


def products() -> pl.DataFrame:
    """Sixty products; the third has a picture."""
    rows: list[dict[str, Any]] = []
    for category, (brand, price, titles) in SHELVES.items():
        for title in titles.split(";"):
            number = len(rows) + 1
            image = "/static/mark.svg" if number == 3 else None
            rows.append(
                {
                    "id": f"P{number}",
                    "title": title,
                    "brand": brand,
                    "category": category,
                    "price": price + number % 5,
                    "image": image,
                }
            )
    return pl.DataFrame([*rows, *({"image": None, **one} for one in ODD)])


def events() -> pl.DataFrame:
    """Forty shoppers, each loyal to two or three shelves, over sixty days; what they buy depends on no chance."""
    names = products()["id"].to_list()
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rows = []
    for shopper in range(40):
        for visit in range(6):
            shelf = (shopper + visit % 2 * 3 + visit // 5) % 12
            for step in range(1 + (shopper + visit) % 3):
                product = names[shelf * 5 + (shopper * 7 + visit * 3 + step) % 5]
                at = start + timedelta(days=10 * visit + shopper % 7, minutes=step)
                rows.append((f"U{shopper + 1}", product, "purchase", at, f"B{shopper}-{visit}", 1.0))
    return pl.DataFrame(rows, ["shopper", "product", "kind", "at", "basket", "value"], orient="row")


def shoppers() -> pl.DataFrame:
    """What is known of half of the shoppers."""
    return pl.DataFrame({"shopper": [f"U{n}" for n in range(1, 21)], "town": ["Ulm", "Bonn"] * 10})


SETTINGS = {"shop.name": "Small Shop", "encode.use": "lsa", "cluster.n_clusters": 8}
