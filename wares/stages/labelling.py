"""Categories learned from labels, and found for every product that is shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.algorithm import Labeller
from wares.config import Config
from wares.data.catalog import Catalog
from wares.data.labels import Labelled, read_labels
from wares.data.outputs import Output
from wares.data.shelf import Shelf
from wares.data.tree import Tree
from wares.engine import Tell, read_json, write_json
from wares.errors import DataError
from wares.registry import make
from wares.stages.line import Line, settings_of
from wares.tasks.picturing import at_home, state
from wares.tasks.taxonomy import classify

TARGET = "category"
"""What the labeller of a shop learns."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """What is learned from. catalog : labelled products. names : their categories. rows : (n,) shown rows they are, -1
    for those that the shop does not have. said : in a sentence where from."""

    catalog: Catalog
    names: list[str]
    rows: NDArray[np.int64]
    said: str
    tree: Tree | None = None


def labeller_of(config: Config) -> Labeller:
    """The labeller of the settings; a taxonomy over the default one where they name none."""
    if config.says("label.use"):
        return at_home(config.make(Labeller), config.products.sources)
    return make(Labeller, "taxonomy", seed=config.shop.seed)


def categories_stage(line: Line, shelf: Shelf, said: Mapping[str, str]) -> None:
    """Learn categories and find them for all shown products. said : labels given one by one, id to category."""
    asked, hash_file = line.config.categories, line.run.steps.hash_file
    labeller = labeller_of(line.config)
    reads = [
        line.keys["shelf"],
        settings_of(labeller),
        state(labeller, shelf.shown),
        [None if path is None else hash_file(path) for path in (asked.source, asked.taxonomy)],
        [dict(asked.columns), asked.own, asked.accuracy],
        dict(said),
    ]

    def make(folder: Path, tell: Tell) -> None:
        lesson = lesson_of(line.config, shelf, said)
        labeller.fit(lesson.catalog, {TARGET: lesson.names})
        labeller.save(folder / "model")
        tell(0.7)
        write_answers(labeller, blind(shelf.shown, line.config), asked.accuracy or None, folder / "answers.arrow")
        pl.DataFrame({"row": lesson.rows, "label": lesson.names}).write_ipc(folder / "taught.arrow")
        write_json(
            folder / "report.json",
            {**_report(labeller, lesson), "own": asked.own, "wanted": asked.accuracy or None},
        )

    folder = line.step("categories", "learn categories", reads, [type(labeller), lesson_of, classify], make)
    line.report["categories"] = read_json(folder / "report.json")


# -- what is learned from --------------------------------------------------------------------------------------------


def lesson_of(config: Config, shelf: Shelf, said: Mapping[str, str]) -> Lesson:
    """The labelled products of a shop and of its file of labels; what people said counts most, then the file.

    Raises DataError for labels that cannot be read, are not in the taxonomy or are of no product.
    """
    asked = config.categories
    tree = None if asked.taxonomy is None else Tree.read(asked.taxonomy)
    paths: dict[str, str] = _own(shelf.products) if asked.own else {}
    notes = [f"{len(paths):,} categories of the product files"] if asked.own else []
    others: Catalog | None = None
    labelled: Labelled | None = None
    if asked.source is not None:
        labelled = read_labels(asked.source, tree, asked.columns or None)
        others = _others(labelled, shelf)
        known = {} if labelled.by_row else {id: path for id, path in labelled.paths.items() if id in shelf.ids}
        unknown = [] if others is not None else [id for id in labelled.paths if id not in known]
        if not known and others is None:
            labelled.of(shelf.ids)  # raises, with the nearest
        paths |= known
        notes.append(labelled.said(unknown))
    if said:
        paths |= {id: path for id, path in said.items() if id in shelf.ids}
        notes.append(f"{len(said):,} labels given one by one")
    catalog, names, rows = _shown(blind(shelf.shown, config), shelf, paths)
    if others is not None and labelled is not None:
        more = blind(others, config).scan.collect()
        shared = [name for name in catalog.columns if name in more.columns]
        catalog = Catalog(pl.concat([catalog.frame(shared), more.select(shared)], how="vertical_relaxed"))
        names += [labelled.paths[id] for id in more["id"].to_list()]
        rows += [-1] * len(more)
    if not names:
        raise DataError("there is no label to learn categories from: no product has one")
    return Lesson(catalog, names, np.array(rows, np.int64), "; ".join(notes), tree)


def blind(catalog: Catalog, config: Config) -> Catalog:
    """The same products without their category where that is what is learned: it would give itself away."""
    if not config.categories.own or not catalog.has("category"):
        return catalog
    return Catalog(catalog.scan.drop("category").collect())


def _own(products: Catalog) -> dict[str, str]:
    if not products.has("category"):
        raise DataError("categories.own is set, but the products have no category")
    frame = products.frame(["id", "category"]).drop_nulls()
    return dict(zip(frame["id"].to_list(), frame["category"].to_list(), strict=True))


def _others(labelled: Labelled, shelf: Shelf) -> Catalog | None:
    """Labelled rows that are no products of the shop but say themselves what they are; None where there are none."""
    try:
        products = labelled.products()
    except DataError:
        return None  # a file of ids and labels only
    frame = products.scan.collect()
    if "title" not in frame.columns:
        return None
    wanted = [id in labelled.paths and (labelled.by_row or id not in shelf.ids) for id in frame["id"].to_list()]
    kept = frame.filter(pl.Series(wanted, dtype=pl.Boolean) & frame["title"].is_not_null())
    return Catalog(kept) if len(kept) else None


def _shown(shown: Catalog, shelf: Shelf, paths: Mapping[str, str]) -> tuple[Catalog, list[str], list[int]]:
    """The shown products that have a label, the labels and the rows; of several variants the first one's counts."""
    places = shelf.place[shelf.ids.rows(paths)] if paths else np.empty(0, np.int64)
    by_row: dict[int, str] = {}
    for row, path in zip(places.tolist(), paths.values(), strict=True):
        by_row.setdefault(row, path)
    rows = sorted(by_row)
    frame = shown.scan.with_row_index("#").filter(pl.col("#").is_in(rows)).drop("#").collect()
    return Catalog(frame), [by_row[row] for row in rows], rows


# -- what is found ---------------------------------------------------------------------------------------------------


def write_answers(labeller: Labeller, shown: Catalog, accuracy: float | None, path: Path) -> None:
    """The category of every product as a table: path, probability, sure, in the order of the rows."""
    with Output(path) as out:
        for piece in shown.pieces():
            found = classify(labeller, piece, target=TARGET, accuracy=accuracy, alternatives=0)
            out.write(
                pl.DataFrame(
                    {
                        "path": [each.path for each in found],
                        "probability": [each.probability for each in found],
                        "sure": [each.sure for each in found],
                    },
                    schema={"path": pl.String, "probability": pl.Float64, "sure": pl.Boolean},
                )
            )


def _report(labeller: Any, lesson: Lesson) -> dict[str, Any]:
    classes = np.asarray(labeller.classes_[TARGET]).tolist()
    curve = np.asarray(getattr(labeller, "curve_", {}).get(TARGET, np.empty((0, 3))))
    counts = np.unique(lesson.names, return_counts=True)[1]
    return {
        "labels": len(lesson.names),
        "classes": len(classes),
        "levels": max(path.count(" > ") for path in classes) + 1,
        "rarest": int(counts.min()),
        "said": lesson.said,
        "accuracy": None if not len(curve) else float(curve[0, 2]),
        "curve": curve.tolist(),
        "taxonomy": None if lesson.tree is None else len(lesson.tree),
    }
