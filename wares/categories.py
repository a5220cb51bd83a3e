"""Categories of a shop: learned from labels, found for products, asked about and doubted."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.base import clone

from wares.algorithm import Labeller
from wares.building import build
from wares.config import Config
from wares.data.answers import Classified, Guess
from wares.data.catalog import Catalog
from wares.data.changes import plain
from wares.data.hits import Reason
from wares.data.labels import read_labels
from wares.data.schema import SEPARATOR, TEXT
from wares.data.tree import Tree
from wares.engine import Observer, read_json
from wares.errors import DataError, SettingError
from wares.live import Live
from wares.opened import Opened
from wares.registry import find
from wares.stages.labelling import TARGET, labeller_of, lesson_of
from wares.stages.labels import logged
from wares.store.builds import Builds
from wares.tasks import asking, doubting, leaking, trying
from wares.tasks.accounting import account
from wares.tasks.answering import Answer
from wares.tasks.holding_out import picked
from wares.tasks.levels import level_name
from wares.tasks.meaning import by_meaning
from wares.tasks.taxonomy import Taxonomy
from wares.tasks.taxonomy import classify as answered
from wares.tasks.trying import search
from wares.tasks.views import Views

WHOLE, PART = "taxonomy", "views"
"""What makes paths of what a labeller says, and the labeller, unless the settings name others."""


def train(
    folder: Path | str,
    *,
    labels: Path | str | None = None,
    taxonomy: Path | str | None = None,
    columns: Mapping[str, str] | None = None,
    own: bool | None = None,
    accuracy: float | None = None,
    method: str | None = None,
    settings: Mapping[str, str] | None = None,
    dry_run: bool = False,
    observer: Observer | None = None,
) -> dict[str, Any]:
    """Have a shop learn categories from labels, build it, and say how well it did; all of it goes into `shop.toml`.

    labels : a file of products' ids and their categories; its rows may be products of their own, with a title.
    taxonomy : a file of all categories there are. columns : our names ("id", "label") to those of the labels. own :
    whether to learn from the categories of the product files too. accuracy : the share of answers that are to be right.
    method : a labeller by name, which reads the products; settings : of it or of the taxonomy around it, as text.
    dry_run : only read the labels and say what they are.

    Returns `labels`, `classes`, `accuracy` and `said`, the same in sentences. Raises DataError for labels that cannot
    be learned from, SettingError for settings; whatever is raised, shop and settings stay as they were.
    """
    folder = Path(folder)
    if accuracy is not None and not 0 <= accuracy <= 1:
        raise SettingError(f"accuracy={accuracy}: a share of answers, from 0 to 1")
    config = Config.read(folder).with_labels(labels, taxonomy)
    for ours, theirs in (columns or {}).items():
        config = config.with_value(f"categories.columns.{ours}", theirs)
    if own is not None:
        config = config.with_value("categories.own", str(own).lower())
    if accuracy is not None:
        config = config.with_value("categories.accuracy", str(accuracy))
    config = _by(config, method, settings or {})
    config.check()
    asked = config.categories
    if asked.source is None and not asked.own and not logged(folder / "log.sqlite"):
        raise SettingError("nothing to learn from: give --labels FILE, or --own to learn from the products' categories")
    said = []
    if asked.source is not None:  # a mistake in the labels is to be told at once
        tree = None if asked.taxonomy is None else Tree.read(asked.taxonomy)
        said.append(read_labels(asked.source, tree, asked.columns or None).said())
    if dry_run:
        return {"said": [*said, f"would be learned by {type(labeller_of(config)).__name__}"]}
    made = build(config, folder, observer)
    found = dict(read_json(made / "report.json")["categories"])
    return {**found, "said": [found["said"], _told(found)]}


def _by(config: Config, method: str | None, settings: Mapping[str, str]) -> Config:
    """With another labeller, as the part of a taxonomy; settings are the taxonomy's, or else its part's."""
    if method is None and not settings:
        return config
    if not config.says("label.use"):
        config = config.with_value("label.use", WHOLE)
    whole = find(Labeller, config.settings("label")[0])
    if method is not None and "part" in whole._get_param_names() and method != WHOLE:
        config = config.with_value("label.part.use", method)
    elif method is not None:
        config = config.with_value("label.use", method)
    own = find(Labeller, config.settings("label")[0])._get_param_names()
    for key, value in settings.items():
        inner = "label" if key.partition(".")[0] in own or "part" not in own else "label.part"
        if inner == "label.part" and not config.says("label.part.use"):
            config = config.with_value("label.part.use", PART)
        config = config.with_value(f"{inner}.{key}", value)
    return config


def _told(found: Mapping[str, Any]) -> str:
    levels = f" of {found['levels']} levels" if found["levels"] > 1 else ""
    said = f"learned {found['classes']:,} categories{levels} from {found['labels']:,} products"
    if found["accuracy"] is None:
        return f"{said}; too few to say how often it is right"
    return f"{said}; held-out products get the right one in {found['accuracy']:.1%} of the cases"


# -- asking ----------------------------------------------------------------------------------------------------------


def classify(
    now: Opened,
    products: Any,
    *,
    taxonomy: Path | str | None = None,
    columns: Mapping[str, str] | None = None,
    accuracy: float | None = None,
    alternatives: int = 3,
    why: bool = False,
) -> list[Classified]:
    """The category of each product of a file or a table, as the shop has learned it; see `Shop.classify`."""
    catalog = Catalog.of(rows(products), columns)
    if taxonomy is not None:
        return _joined(catalog, by_meaning(catalog, Tree.read(taxonomy), alternatives=alternatives))
    labeller = now.labeller
    asked = now.report["categories"]
    accuracy = asked["wanted"] if accuracy is None else accuracy
    out: list[Classified] = []
    for piece in catalog.pieces():
        shown = Catalog(_blind(piece.scan.collect(), now))
        found = answered(labeller, shown, target=TARGET, accuracy=accuracy, alternatives=alternatives)
        nothing = Answer("", 0.0, 0, sure=False)
        found = [each if there else nothing for each, there in zip(found, _known(shown.scan.collect()), strict=True)]
        out += _joined(piece, found, _reasons(labeller, shown, found) if why else None)
    return out


def _blind(frame: pl.DataFrame, now: Opened) -> pl.DataFrame:
    """Without the column of categories, where that is what was learned."""
    return frame.drop("category", strict=False) if now.report["categories"]["own"] else frame


def _known(frame: pl.DataFrame) -> list[bool]:
    """Whether anything is said of each product: a letter or digit of its text, or a photo."""
    texts = [name for name in TEXT if name in frame.columns]
    said = pl.concat_str([pl.col(name).cast(pl.String) for name in texts], ignore_nulls=True) if texts else pl.lit("")
    known = said.str.contains(r"[\p{L}\p{N}]").fill_null(False)
    return (
        frame.select(known | pl.col("image").is_not_null() if "image" in frame.columns else known).to_series().to_list()
    )


def _joined(
    catalog: Catalog, found: Sequence[Answer], reasons: Sequence[Sequence[Reason]] | None = None
) -> list[Classified]:
    names = catalog.frame([each for each in ("id", "title") if catalog.has(each)])
    titles = names["title"].fill_null("").to_list() if "title" in names.columns else [""] * len(names)
    why = [()] * len(names) if reasons is None else reasons
    return [_named(*each) for each in zip(names["id"].to_list(), titles, found, [""] * len(names), why, strict=True)]


def _reasons(labeller: Labeller, catalog: Catalog, found: Sequence[Answer]) -> list[list[Reason]]:
    """What speaks for each answer, where the labeller can tell."""
    part = labeller.part_ if isinstance(labeller, Taxonomy) else labeller
    if not isinstance(part, Views):
        return [[] for _ in found]
    frame = catalog.scan.collect()
    out = []
    for row, answer in enumerate(found):
        level = level_name(TARGET, 0 if answer.sure else answer.level) if part is not labeller else TARGET
        name = answer.path if level in part.classes_ and answer.path in part.classes_[level] else None
        try:
            told = account(part, Catalog(frame[row : row + 1]), level if level in part.classes_ else TARGET, name)
        except DataError:  # its classifier is no sum over columns, so nothing adds up to the answer
            return [[] for _ in found]
        out.append(told.reasons() if answer.path else [])
    return out


def _named(id: str, title: str, answer: Answer, given: str = "", reasons: Sequence[Reason] = ()) -> Classified:
    others = [Guess(path, round(share, 4)) for path, share in answer.alternatives]
    probability = round(answer.probability, 4)
    return Classified(id, title, answer.path, probability, answer.level, answer.sure, others, given, reasons)


def rows(products: Any) -> Any:
    """A table; one product, or a list of them, as JSON objects is one too: without ids they are called by number."""
    if isinstance(products, Mapping):
        products = [products]
    if not isinstance(products, list):
        return products
    wrong = next((each for each in products if not isinstance(each, Mapping) or not each), None)
    if wrong is not None:
        raise DataError(f'{wrong!r} is no product; a product is like {{"id": "P1", "title": "green tea"}}')
    names = list(dict.fromkeys(name for each in products for name in each))
    columns = {name: [None if each.get(name) is None else plain(each[name]) for each in products] for name in names}
    if "id" not in columns:
        columns = {"id": [str(number) for number in range(1, len(products) + 1)], **columns}
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


def summary(now: Opened) -> dict[str, Any]:
    """See `Shop.categories`."""
    if now.categories is None:
        return {}
    given = np.zeros(len(now.categories), np.bool_)
    given[list(_taught(now))] = True
    frame = now.categories.with_columns(given=pl.Series(given))
    counts = frame.group_by("path").agg(products=pl.len(), given=pl.col("given").sum())
    return {**now.report["categories"], "found": counts.sort("products", "path", descending=[True, False]).to_dicts()}


def label(now: Opened, live: Live, product: str, category: str) -> Classified:
    """Log a label; returns what is known of the product now. Raises UnknownName."""
    row = now.shelf.row(product)
    category = SEPARATOR.join(each.strip() for each in category.split(">") if each.strip())
    live.label(product, category)
    found = None if now.categories is None else now.categories.row(row, named=True)
    path = found["path"] if found else ""
    said = Answer(path, found["probability"] if found else 0.0, _levels(path), bool(found and found["sure"]))
    return _named(product, now.title(row), said, category)


def ask(now: Opened, live: Live, k: int) -> list[Classified]:
    """See `Shop.ask`."""
    labeller = now.labeller
    shown = Catalog(_blind(now.shelf.shown.scan.collect(), now))
    labelled = {*_taught(now), *(now.shelf.row(id) for id in live.labels() if id in now.shelf.ids)}
    if len(labelled) == len(shown):
        return []  # every product has a label already
    rows = asking.ask(labeller, shown, k, now.vectors, target=TARGET, labelled=np.array(sorted(labelled), np.int64))
    return _joined(some := picked(shown, rows), answered(labeller, some, target=TARGET))


def doubt(now: Opened, k: int) -> list[Classified]:
    """See `Shop.doubt`."""
    taught = _taught(now)
    labelled = picked(Catalog(_blind(now.shelf.shown.scan.collect(), now)), np.array(list(taught), np.int64))
    found = doubting.doubt(clone(now.labeller), labelled, {TARGET: list(taught.values())}, k, target=TARGET)
    names = labelled.frame(["id", "title"]) if labelled.has("title") else labelled.frame(["id"])
    ids, titles = names["id"].to_list(), names[names.columns[-1]].fill_null("").to_list()
    return [
        _named(
            ids[each.row],
            titles[each.row],
            Answer(each.suggested, each.probability, _levels(each.suggested), sure=True),
            each.label,
            [Reason(each.reason, 1.0)],
        )
        for each in found
    ]


def _taught(now: Opened) -> dict[int, str]:
    """The labels that were learned from, by shown row."""
    _ = now.labeller  # raises where nothing was learned
    frame = pl.read_ipc(now.folder / "categories" / "taught.arrow").filter(pl.col("row") >= 0)
    return dict(zip(frame["row"].to_list(), frame["label"].to_list(), strict=True))


def _levels(path: str) -> int:
    return path.count(SEPARATOR) + 1 if path else 0


# -- judging ---------------------------------------------------------------------------------------------------------

WAYS: tuple[dict[str, Any], ...] = (
    {},
    {"classifier.C": 0.3},
    {"classifier.C": 3.0},
    {"classifier.balance": "root"},
    {"classifier.balance": "full"},
    {"classifier.loss": "logistic"},
)
"""Settings of the default labeller that a search tries."""


def judge(folder: Path | str, *, folds: int = 5, budget: float | None = None) -> dict[str, Any]:
    """How well a shop's labels can be learned: cross-validated, products of one name never on both sides.

    folds : parts held out in turn. budget : seconds to look for better settings first, which are told and not taken.

    Returns what `wares.tasks.grading.grades` does, and `leaks` (what makes it look better than it is), `tried`
    (settings and their macro-F1, best first) and `said`. Raises SettingError where there are no labels, DataError for
    too few.
    """
    folder = Path(folder)
    config, now = Config.read(folder), Opened(Builds(folder).newest())
    if now.report.get("categories") is None:
        _ = now.labeller  # raises, with the way to learn
    lesson = lesson_of(config, now.shelf, logged(folder / "log.sqlite"))
    labeller = labeller_of(config)
    tried: list[dict[str, Any]] = []
    if budget is not None:
        tried = [dict(each) for each in search(_choices(labeller), lesson.catalog, lesson.names, seconds=budget).tried]
    found = trying.judge(labeller, lesson.catalog, lesson.names, folds=folds, seed=config.shop.seed)
    leaks = [each.json() for each in leaking.leaks(lesson.catalog, lesson.names) if each.kind != "same name"]
    said = [lesson.said, f"{found.report['rows']:,} products held out in {folds} parts, {found.seconds:.1f} s"]
    return {**found.report, "leaks": leaks, "tried": tried, "said": said}


def _choices(labeller: Labeller) -> list[Labeller]:
    """The labeller with other settings, as far as it has them; its own first."""
    part = labeller.part if isinstance(labeller, Taxonomy) else labeller
    if not isinstance(part, Views):
        return [clone(part)]
    known = part.get_params(deep=True)
    found: list[Labeller] = []
    for way in WAYS:
        other: Labeller = clone(part)
        inner = {key.replace(".", "__"): value for key, value in way.items()}
        if set(inner) <= set(known):
            found.append(other.set_params(**inner))
    return found
