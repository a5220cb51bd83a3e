"""The tables of `shop.toml` that are not an algorithm's, as dataclasses, and the text that a new shop starts with."""

import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wares.data.schema import EVENTS as EVENT_COLUMNS
from wares.data.schema import PRODUCTS as PRODUCT_COLUMNS
from wares.errors import SettingError, did_you_mean
from wares.typed import Mistake, check_known, check_value

TEMPLATE = """\
# The settings of this shop. Edit them and run `wares build` again; only what they change is computed anew.

[shop]
name = ""
seed = 0

[products]
sources = []              # .csv .tsv .jsonl .parquet .xlsx .arrow, any of them .gz too
merge_duplicates = false  # show products that are the same as one

[products.columns]        # our name = "name in the file", where it is not recognised by itself

[events]
sources = []
allow_unmatched = false   # go on where under 90 % of events find their product

[events.columns]

[events.kinds]            # "kind in the file" = "view", "cart", "favourite", "purchase" or "return"

[events.weights]          # what one event counts; the default: view 1, cart 3, favourite 3, purchase 5, return -5

[shoppers]
source = ""               # one row a shopper; its other columns are attributes

[shoppers.columns]

[encode]                  # products to vectors
use = "fused"

# [index]                 # nearest vectors; "exact" for up to 50,000 products and "hnsw" beyond, unless said here
# use = "hnsw"

[cluster]                 # vectors to groups
use = "kmeans"

[grouping]
steady = true             # hold clusters near those of the last build, so that ids and names stay

[names]                   # what clusters are called, by a model of your own; without an address, by their words
# url = "http://localhost:11434/v1"  # of a server that speaks OpenAI's protocol; keywords and titles go there
# model = "qwen3:8b"
# key_env = "WARES_NAMES_KEY"        # the environment variable that holds its key, if it needs one

[categories]              # learned from labels, and found for products that have none; `wares classify train` sets them
# source = "labels.csv"   # products' ids and their categories
# taxonomy = "tree.csv"   # all categories there are
# own = true              # learn from the categories of the product files too

[reviews]                 # what people wrote of the products; its sentiment becomes columns, to filter and compare by
# source = "reviews.csv"  # products' ids and texts, and ratings where there are any

[recommend]               # histories to products
use = "blend"

[interests]               # shoppers in groups by what they want, where there are enough of them
# n = 8                   # so many; by default as many as tell most of what shoppers take later

[search]

[evaluate]
"""
"""What a new shop starts with."""


@dataclass(frozen=True)
class ShopSettings:
    """[shop]. name : shown to people; the folder's name where empty. seed : of everything that draws by chance."""

    name: str = ""
    seed: int = 0


@dataclass(frozen=True)
class ProductSettings:
    """[products]. columns : our names to those of the files. merge_duplicates : show the same product once."""

    sources: tuple[Path, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    merge_duplicates: bool = False


@dataclass(frozen=True)
class EventSettings:
    """[events]. kinds : kinds of the files to ours. weights : what an event of a kind counts, complete."""

    sources: tuple[Path, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    allow_unmatched: bool = False


@dataclass(frozen=True)
class ShopperSettings:
    """[shoppers]. source : a file with one row a shopper, or None. columns : our names to those of the file."""

    source: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SearchSettings:
    """[search]. What `wares.tasks.searching.Searcher` takes.

    meaning_floor : least cosine of a product found by meaning. nearest : such products at most. meaning_weight,
    popularity_weight : what meaning counts against the words (0..1), and popularity beside both.
    """

    meaning_floor: float = 0.3
    nearest: int = 200
    meaning_weight: float = 0.5
    popularity_weight: float = 0.05


@dataclass(frozen=True)
class CategorySettings:
    """[categories]. Categories that are learned from labels, and found for products that have none.

    source : a file of products' ids and their categories, or None. taxonomy : a file of all categories there are, or
    None. columns : our names ("id", "label") to those of the file. own : learn from the categories of the product files
    too. accuracy : share of answers that are to be right; a path ends where less would be. 0 = no path is cut.
    """

    source: Path | None = None
    taxonomy: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    own: bool = False
    accuracy: float = 0.0


@dataclass(frozen=True)
class ReviewSettings:
    """[reviews]. What people wrote of the products.

    source : a file of products' ids and texts, or None. columns : our names ("product", "text", "title", "rating",
    "at", "shopper") to those of the file. aspects : more of what reviews may speak of, each with its words after
    commas, such as zipper = "zipper, zip, 拉链". found : so many more are found in the reviews themselves, as far as
    they speak of that many things.
    """

    source: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    aspects: Mapping[str, str] = field(default_factory=dict)
    found: int = 12


MOST_LIFTED = 1_000.0
"""What a rule may multiply scores by at most: a thousand puts anything first, and keeps the shares of reasons."""


@dataclass(frozen=True)
class RuleSettings:
    """[recommend.rules]. What the shop wants of its recommendations; told in the reasons.

    stock : leave out what is out of stock, unless it is asked for. fresh : by what share a product of today is lifted;
    it falls to nothing in `fresh_days`. margin : by what share the product of the greatest margin is lifted, others by
    as much less as theirs is, by the column `margin`. boost, bury : tables of `where`, a filter, `by`, what scores are
    multiplied (boost) or divided (bury) by, and `say`, the reason that is told.
    """

    stock: bool = True
    fresh: float = 0.0
    fresh_days: float = 30.0
    margin: float = 0.0
    boost: tuple[Mapping[str, Any], ...] = ()
    bury: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> tuple["RuleSettings", Mapping[str, Any]]:
        """The rules of a document, and the document without them. Raises the mistake that is in them."""
        recommend = document.get("recommend", {})
        table, place = recommend.get("rules", {}), ("recommend", "rules")
        if not isinstance(table, Mapping):
            raise Mistake(place, "recommend.rules must be a table: [recommend.rules]")
        for key, value in table.items():
            if key in ("boost", "bury") and not (
                isinstance(value, list) and all(isinstance(v, Mapping) for v in value)
            ):
                wanted = f"must be tables, each with where and by: [[recommend.rules.{key}]]"
                raise Mistake((*place, key), f"recommend.rules.{key} = {value!r}: {wanted}")
            check_value(value, cls.hint(key), (*place, key))
        values: dict[str, Any] = {k: tuple(each) if isinstance(each, list) else each for k, each in table.items()}
        found = cls(**values)
        try:
            found._check()
        except SettingError as error:
            raise Mistake(place, str(error)) from None
        rest = {key: value for key, value in recommend.items() if key != "rules"}
        return found, {**document, "recommend": rest} if "rules" in recommend else document

    @classmethod
    def hint(cls, key: str) -> Any:
        """The type of one of them. Raises the mistake of an unknown one."""
        hints = typing.get_type_hints(cls)
        check_known(key, ("recommend", "rules", key), hints, "key in [recommend.rules]")
        return hints[key]

    def _check(self) -> None:
        """Raises SettingError for a number or a rule that makes no sense."""
        for name in ("fresh", "margin"):
            if not 0 <= getattr(self, name) <= MOST_LIFTED:
                raise SettingError(f"recommend.rules.{name} = {getattr(self, name)}: must be from 0 to {MOST_LIFTED:g}")
        if not 0 < self.fresh_days < float("inf"):
            raise SettingError(f"recommend.rules.fresh_days = {self.fresh_days}: must be a number of more than 0")
        for kind in ("boost", "bury"):
            for number, rule in enumerate(getattr(self, kind)):
                _check_rule(rule, f"recommend.rules.{kind} {number + 1}")


def _check_rule(rule: Mapping[str, Any], place: str) -> None:
    for key in rule:
        if key not in ("where", "by", "say"):
            raise SettingError(f"{place}: unknown key {key!r}{did_you_mean(key, ('where', 'by', 'say'))}")
    if not isinstance(rule.get("where"), Mapping) or not rule["where"]:
        raise SettingError(f'{place} needs a filter, such as where = {{brand = ["Acme"]}}')
    by = rule.get("by", 2.0)
    if isinstance(by, bool) or not isinstance(by, (int, float)) or not 1 <= by <= MOST_LIFTED:
        raise SettingError(f"{place}: by = {by!r}; it must be a number from 1 to {MOST_LIFTED:g}")
    if not isinstance(rule.get("say", ""), str):
        raise SettingError(f"{place}: say = {rule['say']!r}; it must be text")


@dataclass(frozen=True)
class EvaluateSettings:
    """[evaluate]. until : the date before which events are learned from, such as "2026-01-31"; "" = 80 % of them.

    max_shoppers : asked at most. columns : what vectors may see that are held against the categories.
    """

    until: str = ""
    max_shoppers: int = 1500
    columns: tuple[str, ...] = ("title", "description", "brand")

    def moment(self) -> int | None:
        """`until` in ns since 1970 UTC. Raises SettingError where it is no day."""
        if not self.until:
            return None
        try:
            return int(datetime.fromisoformat(self.until).replace(tzinfo=UTC).timestamp()) * 10**9
        except ValueError:
            raise SettingError(f"evaluate.until = {self.until!r} is not a day such as '2026-01-31'") from None


@dataclass(frozen=True)
class InterestSettings:
    """[interests]. Groups of shoppers by what they want.

    on : make them, where `least` shoppers or more did anything. n : how many; 0 = as many as tell most of what shoppers
    take later. method : a clusterer by its name. lately : days that count as lately, for what an interest begins to
    want.
    """

    on: bool = True
    n: int = 0
    method: str = "kmeans"
    least: int = 30
    lately: float = 30.0

    def check(self) -> None:
        """Raises the mistake of a number that makes no sense."""
        for name, low in (("n", 0), ("least", 2)):
            if getattr(self, name) < low:
                said = f"interests.{name} = {getattr(self, name)}: must be at least {low}"
                raise Mistake(("interests", name), said)
        if not 0 < self.lately <= 36_500:
            raise Mistake(("interests", "lately"), f"interests.lately = {self.lately}: must be days, from 0 to 36,500")


@dataclass(frozen=True)
class GroupingSettings:
    """[grouping]. steady : begin at the last build's clusters and keep their ids, while they suit the products."""

    steady: bool = True


@dataclass(frozen=True)
class NameSettings:
    """[names]. A model that names clusters (`wares.tasks.renaming`); off where `url` is empty.

    url : where the paths of OpenAI's protocol begin. model : its name there. key_env : the environment variable with
    its key; "" = none is needed. timeout : seconds that one answer may take.
    """

    url: str = ""
    model: str = ""
    key_env: str = ""
    timeout: float = 60.0


TABLES: dict[str, type] = {
    "shop": ShopSettings,
    "products": ProductSettings,
    "events": EventSettings,
    "shoppers": ShopperSettings,
    "search": SearchSettings,
    "grouping": GroupingSettings,
    "names": NameSettings,
    "categories": CategorySettings,
    "reviews": ReviewSettings,
    "interests": InterestSettings,
    "evaluate": EvaluateSettings,
}
COLUMNS: dict[tuple[str, str], Iterable[str]] = {
    ("products", "columns"): PRODUCT_COLUMNS,
    ("events", "columns"): EVENT_COLUMNS,
    ("shoppers", "columns"): ("shopper",),
    ("categories", "columns"): ("id", "label"),
    ("reviews", "columns"): ("product", "text", "title", "rating", "at", "shopper"),
}
"""Tables inside tables whose keys are known."""
