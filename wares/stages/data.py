"""Products, events and shoppers: read, cleaned, put on the shelf and into histories."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from wares.data.catalog import Catalog
from wares.data.changes import Change, apply_changes, folded
from wares.data.clean import clean_events, clean_products
from wares.data.events import Events
from wares.data.history import History
from wares.data.shelf import Shelf
from wares.data.shoppers import read_shoppers
from wares.engine import Tell, read_json, write_json
from wares.stages.line import Line
from wares.store.steps import hash_array


def products_stage(line: Line) -> Shelf:
    """Read and clean the products, and put variants together."""
    config, hash_file = line.config.products, line.run.steps.hash_file
    reads = {
        "files": [[path.name, hash_file(path)] for path in config.sources],
        "columns": dict(config.columns),
        "merge": config.merge_duplicates,
    }

    def make(folder: Path, tell: Tell) -> None:
        report = clean_products(
            config.sources,
            folder,
            columns=config.columns or None,
            progress=tell,
            merge_duplicates=config.merge_duplicates,
        )
        write_json(folder / "report.json", report.json())

    changes, reviewed = _changes(line), line.config.reviews.source is not None
    into = None if changes or reviewed else "products"
    read, key = line.run.step("products", reads, [clean_products], make, title="read products", into=into)
    line.folders["products"], line.keys["products"] = read, key
    if changes:
        said = [key, [[id, repr(each)] for id, each in changes.items()]]
        apply, title = partial(_apply, read, changes), "take in changes"
        into = None if reviewed else "products"
        read, key = line.run.step("products", said, [apply_changes], apply, title=title, into=into)
        line.folders["products"], line.keys["products"] = read, key
    line.report["reviews"] = None
    if reviewed:
        from wares.stages.reviewing import give, reviews_stage  # imports what most builds do without

        key = reviews_stage(line, read)
        given = partial(give, read, line.folders["reviews"])
        line.step("products", "take in reviews", [line.keys["products"], key], [give], given)
    folder = line.folders["products"]
    products = Catalog.of(folder / "products.arrow")
    line.step("shelf", "put variants together", line.keys["products"], [Shelf], lambda f, tell: _shelve(products, f))
    shelf = Shelf.open(products, line.folders["shelf"])
    report = read_json(folder / "report.json")
    line.run.warnings += report["notes"]
    line.report["products"] = {"n": len(products), "shown": len(shelf.shown), "cleaning": report, "changes": None}
    if changes:
        line.report["products"]["changes"] = read_json(folder / "changes.json")
    return shelf


def _apply(read: Path, changes: Mapping[str, Change], folder: Path, tell: Tell) -> None:
    """The products as they were read, with what the log says of them."""
    for path in read.iterdir():
        if path.name != "products.arrow":
            shutil.copy(path, folder)
    write_json(folder / "changes.json", apply_changes(read / "products.arrow", folder / "products.arrow", changes))


def _changes(line: Line) -> dict[str, Change]:
    """What the log says of products; fixes up to where this build reads it."""
    path = _log_path(line)
    if not path.exists():
        return {}
    from wares.store.log import Log  # SQLAlchemy is long to import, and most builds have no log

    with Log(path) as log:
        line.seq = log.last_seq()
        return folded((id, fields) for seq, id, fields in log.products_since(0) if seq <= line.seq)


def _log_path(line: Line) -> Path:
    return line.run.target.parent.parent / "log.sqlite"


def _shelve(products: Catalog, folder: Path) -> None:
    Shelf.make(products, folder)
    # Later steps hang on the ids alone, not on titles or prices: a change of those leaves them as they are.
    ids = products.frame(["id"])["id"]
    write_json(folder / "ids.json", {"ids": hash_array(ids.hash(seed=0).to_numpy()), "polars": pl.__version__})


def events_stage(line: Line, shelf: Shelf) -> tuple[History, int]:
    """What shoppers did, over shown rows, and the end of it in ns since 1970 UTC."""
    config, hash_file = line.config.events, line.run.steps.hash_file
    fresh, seq = _logged(line), line.seq
    line.report |= {"log_seq": seq, "events_settings": {"kinds": dict(config.kinds), "weights": dict(config.weights)}}
    sources: list[Any] = [*config.sources, *([fresh] if len(fresh) else [])]
    n_shown = len(shelf.shown)
    if not sources:
        line.report["events"] = None
        return History.of([], n_shown), 0
    reads = {
        "files": [[path.name, hash_file(path)] for path in config.sources],
        "log": seq if len(fresh) else 0,
        "products": read_json(line.folders["shelf"] / "ids.json"),
        "columns": dict(config.columns),
        "kinds": dict(config.kinds),
        "weights": dict(config.weights),
        "allow": config.allow_unmatched,
    }

    def make(folder: Path, tell: Tell) -> None:
        report = clean_events(
            sources,
            folder,
            products=shelf.ids,
            columns=config.columns or None,
            kinds=config.kinds or None,
            weights=config.weights,
            allow_unmatched=config.allow_unmatched,
            progress=tell,
        )
        write_json(folder / "report.json", report.json())

    folder = line.step("events", "read events", reads, [clean_events], make)
    events = Events.of(folder / "events.arrow")
    place = hash_array(np.asarray(shelf.place))
    line.step(
        "history",
        "follow shoppers",
        [line.keys["events"], place, dict(config.weights)],
        [Events, History],
        lambda f, tell: _follow(events, shelf, config.weights, f),
    )
    history = History.open(line.folders["history"])
    report = read_json(folder / "report.json")
    line.run.warnings += report["notes"]
    line.report["events"] = {"n": report["kept"], "shoppers": len(history), "cleaning": report}
    end = int(np.max(history.times)) if history.times is not None and history.n_events else 0
    return history, end


def _follow(events: Events, shelf: Shelf, weights: Mapping[str, float], folder: Path) -> None:
    history = events.history(shelf.ids, weights)
    shown = replace(
        history, products=np.asarray(shelf.place)[history.products].astype(np.int32), n_products=len(shelf.shown)
    )
    shown.save(folder)
    events.shoppers.series.alias("shopper").to_frame().write_ipc(folder / "shoppers.arrow", compression="uncompressed")


def _logged(line: Line) -> pl.DataFrame:
    """The events of the log, as far as this build reads it."""
    path = _log_path(line)
    if not path.exists():
        return pl.DataFrame()
    from wares.store.log import Log

    with Log(path) as log:
        frame = log.events_since(0)
    return frame.filter(pl.col("seq") <= line.seq).drop("seq")


def shoppers_stage(line: Line) -> None:
    """Read what is known of the shoppers beside their events."""
    source = line.config.shoppers.source
    line.report["shoppers"] = None
    if source is None:
        return
    columns = dict(line.config.shoppers.columns)

    def make(folder: Path, tell: Tell) -> None:
        read_shoppers(source, columns or None).write_ipc(folder / "shoppers.arrow", compression="uncompressed")

    reads = [line.run.steps.hash_file(source), columns]
    folder = line.step("shoppers", "read shoppers", reads, [read_shoppers], make)
    frame = pl.read_ipc(folder / "shoppers.arrow")
    line.report["shoppers"] = {"n": len(frame), "attributes": [each for each in frame.columns if each != "shopper"]}
