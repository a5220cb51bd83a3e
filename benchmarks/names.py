"""What clusters are called: how many names reach most of their products and few others, fifty names of a language.

Clusters of the default encoder and k-means, K chosen; names from titles, brands and categories, as the set has them.
`docs/clusters/names.md` is written from what was found.
"""

import csv
import gzip
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from benchmarks.harness import Row, command, needs
from wares.cluster.kmeans import KMeans
from wares.data.catalog import Catalog
from wares.data.clean import clean_products
from wares.data.shelf import Shelf
from wares.tasks.choosing import choose
from wares.tasks.fusing import Fused
from wares.tasks.naming import ClusterName, name_clusters
from wares.tasks.phrasing import ENOUGH, FOREIGN

PAGE = Path(__file__).parent.parent / "docs" / "clusters" / "names.md"
MARK = "<!-- below: written by benchmarks/names.py -->"
SHOWN, FINE = 50, 40
"""Names listed of each language, and clusters that a catalog is parted into besides where fewer are chosen."""


def run(data: Path) -> Iterator[Row]:
    """Of the names of clusters, how many reach 60 % of the members and at most 15 % of the others?"""
    found: dict[str, list[tuple[str, ClusterName]]] = {"English": [], "Chinese": []}
    lines: list[str] = []
    for title, language, read in SETS:
        catalog = Catalog(read(data))
        vectors = Fused().fit(catalog).encode(catalog)
        chosen = choose(lambda k: KMeans(n_clusters=k), vectors).k
        for k in dict.fromkeys((chosen, max(chosen, FINE))):
            names = name_clusters(catalog, KMeans(n_clusters=k).fit(vectors).labels_, vectors)
            yield _row(title, len(catalog), k, names, lines)
        found[language] += [(title, each) for each in names]
    _page(lines, found)


def _row(title: str, n: int, k: int, names: Sequence[ClusterName], lines: list[str]) -> Row:
    """What was measured of one clustering; adds its line to the page."""
    enough = np.array([each.coverage >= ENOUGH for each in names])
    few = np.array([each.foreign <= FOREIGN for each in names])
    share = float((enough & few).mean())
    lines.append(f"| {title} | {n:,} | {k} | {share:.0%} | {enough.mean():.0%} | {few.mean():.0%} |")
    return Row(
        work=f"names of {k} clusters of {n:,} products: {title}",
        metric="share within both bounds",
        ours=share,
        quality={
            "60 % of the members": float(enough.mean()),
            "at most 15 % of the others": float(few.mean()),
            "distinct": len({each.name.casefold() for each in names}) == k,
            "two words or more": float(np.mean([_long(each.name) for each in names])),
        },
        settings={"k": k, "seed": 0, "names": [each.name for each in names]},
    )


def _long(name: str) -> bool:
    return len(name.replace("&", " ").split()) > 1 or sum("\u4e00" <= letter <= "\u9fff" for letter in name) > 2


def _page(lines: Sequence[str], found: dict[str, list[tuple[str, ClusterName]]]) -> None:
    """Write the tables of the page; what stands above the mark stays."""
    out = [
        *(
            "",
            "| products | | clusters | within both | 60 % of members | 15 % of others |",
            "|---|---|---|---|---|---|",
        ),
        *lines,
    ]
    for language, names in found.items():
        chosen = [names[at] for at in np.linspace(0, len(names) - 1, min(SHOWN, len(names))).round().astype(int)]
        out += [
            "",
            f"## Fifty {language} names",
            "",
            "| name | of | members | others | keywords |",
            "|---|---|---|---|---|",
        ]
        out += [
            f"| {each.name} | {title} | {each.coverage:.0%} | {each.foreign:.0%} | {', '.join(each.keywords[:4])} |"
            for title, each in chosen
        ]
    above = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    PAGE.write_text(f"{above}{MARK}\n" + "\n".join(out) + "\n", encoding="utf-8")


# -- the sets ----------------------------------------------------------------------------------------------------------


def _demo(data: Path) -> pl.DataFrame:
    from wares.demo import prepare  # the extra `demo`

    with TemporaryDirectory(prefix="wares-names-") as name:
        folder = Path(name)
        prepare(folder / "files")
        (folder / "shop").mkdir()
        clean_products([folder / "files" / "products.parquet"], folder / "shop")
        shelf = Shelf.make(Catalog.of(folder / "shop" / "products.arrow"), folder / "shop")
        return shelf.shown.frame(["id", "title", "brand", "category"])


def _flipkart(data: Path) -> pl.DataFrame:
    path = needs(data, "flipkart_taxonomy/flipkart_com-ecommerce_sample.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return _titles([row[1] for row in csv.reader(file)])


def _fashion(data: Path) -> pl.DataFrame:
    path = needs(data, "fashion_product_images/all_44446_products_no_images.csv.gz")
    table = pl.read_csv(gzip.decompress(path.read_bytes()), infer_schema=False, truncate_ragged_lines=True)
    levels = pl.concat_str("masterCategory", "subCategory", "articleType", separator=" > ")
    return table.select("id", title="productDisplayName", category=levels).drop_nulls()


def _cosmetics(data: Path) -> pl.DataFrame:
    path = next(needs(data, "zh_taobao_cosmetics").glob("*.csv"))
    table = pl.read_csv(io.BytesIO(path.read_bytes().decode("gb18030").encode()), infer_schema=False)
    return table.unique("id", maintain_order=True).select("id", "title", brand="店名").drop_nulls("title")


def _chinese(data: Path) -> pl.DataFrame:
    titles = []
    for path in sorted(needs(data, "zh_product_titles").glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            titles += [row["title"] for row in csv.DictReader(file)]
    return _titles(titles)


def _titles(titles: Sequence[str]) -> pl.DataFrame:
    distinct = [title for title in dict.fromkeys(titles) if title]
    return pl.DataFrame({"id": [str(row) for row in range(len(distinct))], "title": distinct})


SETS: list[tuple[str, str, Callable[[Path], pl.DataFrame]]] = [
    ("demo shop", "English", _demo),
    ("flipkart, titles alone", "English", _flipkart),
    ("fashion", "English", _fashion),
    ("taobao cosmetics", "Chinese", _cosmetics),
    ("Chinese titles alone", "Chinese", _chinese),
]

if __name__ == "__main__":
    command(run)
