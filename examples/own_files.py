"""Build a shop from two tables in memory and ask it; needs `pip install 'wares[sentence]'`."""

from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

import wares

PRODUCTS = pl.DataFrame(
    {
        "id": ["S1", "S2", "S3", "M1", "M2", "M3"],
        "title": [
            "Red trail running shoe",
            "Blue road running shoe",
            "Black leather dress shoe",
            "Stoneware coffee mug",
            "Enamel camping mug",
            "Glass tea cup",
        ],
        "brand": ["Acme", "Acme", "Oxford", "Hearth", "Hearth", "Hearth"],
        "category": ["Shoes > Running", "Shoes > Running", "Shoes > Formal", *["Kitchen > Mugs"] * 3],
        "price": [79.9, 64.0, 120.0, 11.5, 9.0, 7.25],
    }
)
EVENTS = pl.DataFrame(
    {
        "shopper": ["U1", "U1", "U2", "U2", "U3", "U3", "U4", "U4", "U5"],
        "product": ["S1", "S2", "M1", "M2", "S1", "S3", "M2", "M3", "S2"],
        "at": [f"2024-05-0{1 + i}T10:00:00Z" for i in range(9)],
    }
)


def main() -> None:
    """Build, ask, print."""
    with TemporaryDirectory() as folder:
        shop = wares.build(Path(folder) / "myshop", products=PRODUCTS, events=EVENTS)
        for title, answer in {
            "search 'running shoes' under 70": shop.search("running shoes", k=3, where={"price": {"lt": 70}}),
            "similar to M1": shop.similar("M1", k=2),
            "for U1": shop.recommend(shopper="U1", k=3),
            "for a basket with M1": shop.recommend(basket=["M1"], k=3),
        }.items():
            print(f"\n{title}")
            for hit in answer.hits:
                why = "; ".join(f"{reason.text} ({reason.share:.0%})" for reason in hit.reasons)
                print(f"  {hit.score:6.3f}  {hit.id}  {hit.title}: {why}")
        shop.close()


if __name__ == "__main__":
    main()
