"""The steps of a build, in their order: data, vectors, clusters, words, neighbours, recommender, evaluation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import clone

from wares.algorithm import Clusterer, Context, Encoder, Index, Recommender, load
from wares.arrays import Labels, Vectors
from wares.config import Config
from wares.data.catalog import Catalog
from wares.data.clean import clean_events, clean_products
from wares.data.events import Events
from wares.data.history import History
from wares.data.shelf import Shelf
from wares.data.shoppers import read_shoppers
from wares.engine import Run, Tell, read_json, write_json
from wares.errors import DataError, MissingExtra, SettingError
from wares.index.words import Words
from wares.store.log import Log
from wares.store.steps import hash_array, hashed
from wares.tasks import agreement, choosing, evaluating, naming
from wares.tasks.filtering import Filters
from wares.tasks.fusing import Fused, default_encoder, fit_cached
from wares.tasks.similar import Together


@dataclass
class Line:
    """What the steps have made so far: folders, and the keys that name their content."""

    run: Run
    folders: dict[str, Path] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def config(self) -> Config:
        """The shop's settings."""
        return self.run.config

    def step(self, name: str, title: str, reads: Any, code: list[Any], make: Any) -> Path:
        """Run one step into the build folder of its own name."""
        self.folders[name], self.keys[name] = self.run.step(name, reads, code, make, title=title, into=name)
        return self.folders[name]


def run_all(run: Run, before: Mapping[str, Any]) -> dict[str, Any]:
    """Every step of a build; returns the report. `before` is the report of the last build, or empty."""
    line = Line(run)
    shelf = _products(line)
    history, end = _events(line, shelf)
    _shoppers(line)
    vectors = _vectors(line, shelf.shown)
    labels = _clusters(line, shelf.shown, vectors)
    _words(line, shelf.shown, labels, history)
    _index(line, vectors)
    _together(line, history)
    context = Context(vectors=vectors, clusters=labels, created=_created(shelf.shown))
    _recommend(line, history, context)
    _evaluate(line, shelf.shown, history, context, before)
    line.report |= {"end": end, "search": vars(line.config.search)}
    return line.report


# -- data ------------------------------------------------------------------------------------------------------------


def _products(line: Line) -> Shelf:
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

    folder = line.step("products", "read products", reads, [clean_products], make)
    products = Catalog.of(folder / "products.arrow")
    line.step("shelf", "put variants together", line.keys["products"], [Shelf], lambda f, tell: _shelve(products, f))
    shelf = Shelf.open(products, line.folders["shelf"])
    report = read_json(folder / "report.json")
    line.run.warnings += report["notes"]
    line.report["products"] = {"n": len(products), "shown": len(shelf.shown), "cleaning": report}
    return shelf


def _shelve(products: Catalog, folder: Path) -> None:
    Shelf.make(products, folder)
    # Later steps hang on the ids alone, not on titles or prices: a change of those leaves them as they are.
    ids = products.frame(["id"])["id"]
    write_json(folder / "ids.json", {"ids": hash_array(ids.hash(seed=0).to_numpy()), "polars": pl.__version__})


def _events(line: Line, shelf: Shelf) -> tuple[History, int]:
    """What shoppers did, over shown rows, and the end of it in ns since 1970 UTC."""
    config, hash_file = line.config.events, line.run.steps.hash_file
    fresh, seq = _logged(line)
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


def _logged(line: Line) -> tuple[pl.DataFrame, int]:
    """The events of the log, and its last number."""
    path = line.run.target.parent.parent / "log.sqlite"
    if not path.exists():
        return pl.DataFrame(), 0
    with Log(path) as log:
        seq = log.last_seq()
        frame = log.events_since(0)
    return frame.filter(pl.col("seq") <= seq).drop("seq"), seq


def _shoppers(line: Line) -> None:
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


def _created(shown: Catalog) -> NDArray[np.int64] | None:
    if not shown.has("created"):
        return None
    return shown.frame(["created"])["created"].dt.timestamp("ns").fill_null(0).to_numpy()


# -- vectors and clusters --------------------------------------------------------------------------------------------


def _vectors(line: Line, shown: Catalog) -> Vectors:
    encoder = _encoder(line)
    reads = [line.keys["shelf"], _settings(encoder)]

    def make(folder: Path, tell: Tell) -> None:
        fitted = clone(encoder)
        vectors = fit_cached(fitted, shown, line.run.steps.folder / "texts")
        fitted.save(folder / "encoder")
        np.save(folder / "vectors.npy", _dense(vectors, encoder))

    folder = line.step("vectors", "encode products", reads, [Fused, type(encoder)], make)
    vectors: Vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    line.report["encoder"] = {"text": _told(encoder, vectors), "width": int(vectors.shape[1])}
    return vectors


def _dense(vectors: Vectors, encoder: Encoder) -> NDArray[np.float32]:
    if not isinstance(vectors, np.ndarray):
        name = type(encoder).__name__
        raise SettingError(f"encode.use: {name} makes sparse rows, too wide to cluster and to index; use lsa")
    return vectors


def _encoder(line: Line) -> Encoder:
    """The encoder of the settings; where ours cannot be had for lack of a package, the next best, and a warning."""
    try:
        return line.config.make(Encoder)
    except MissingExtra:
        if line.config.settings("encode") != ("fused", {}):
            raise  # somebody asked for it by name
        encoder, lost = default_encoder()
        if lost not in line.run.warnings:
            line.run.warnings.append(lost)
        return encoder


def _blinded(encoder: Encoder, columns: Sequence[str]) -> Encoder:
    """The same encoder, reading only some columns."""
    blind: Encoder = clone(encoder)
    for part in getattr(blind, "parts", [blind]):
        if "columns" in part.get_params():
            part.set_params(columns=tuple(columns))
    return blind


def _settings(algorithm: Any) -> Any:
    """Class and settings of an algorithm and its parts, as JSON knows them."""
    if isinstance(algorithm, (list, tuple)):
        return [_settings(each) for each in algorithm]
    if not hasattr(algorithm, "get_params"):
        return algorithm
    own = algorithm.get_params(deep=False)
    return {"class": type(algorithm).__qualname__, **{name: _settings(value) for name, value in own.items()}}


def _told(encoder: Encoder, vectors: Vectors) -> str:
    parts = getattr(encoder, "parts", [encoder])
    return f"{' + '.join(type(each).__name__.lower() for each in parts)}, {vectors.shape[1]} dimensions"


def _clusters(line: Line, shown: Catalog, vectors: Vectors) -> Labels:
    clusterer = line.config.make(Clusterer)
    chosen = "n_clusters" in clusterer.get_params() and not line.config.says("cluster.n_clusters")
    reads = [line.keys["vectors"], line.keys["shelf"], _settings(clusterer), chosen]

    def make(folder: Path, tell: Tell) -> None:
        choice: dict[str, Any] = {"reason": "as the settings say", "curve": []}
        model = clone(clusterer)
        if chosen:
            with_k = partial(_with_clusters, clusterer)
            found = choosing.choose(with_k, vectors, seed=line.config.shop.seed)
            choice = {"reason": found.reason, "curve": found.curve, "k": found.k, "sample": found.sample}
            model = with_k(found.k)
        tell(0.4)
        model.fit(vectors)
        tell(0.6)
        labels = np.asarray(model.labels_, np.int64)
        model.save(folder / "model")
        np.save(folder / "labels.npy", labels)
        names = naming.name_clusters(shown, labels, vectors)
        sizes = np.bincount(labels[labels >= 0], minlength=len(names))
        described = [
            {"id": n, "name": each.name, "size": int(sizes[n]), "keywords": each.keywords, "typical": each.typical}
            for n, each in enumerate(names)
        ]
        write_json(folder / "clusters.json", described)
        write_json(folder / "choice.json", choice)

    folder = line.step("clusters", "cluster products", reads, [choosing, naming, type(clusterer)], make)
    described = read_json(folder / "clusters.json")
    largest = sorted(described, key=lambda each: -each["size"])[:8]
    line.report["clusters"] = {
        "n": len(described),
        "choice": read_json(folder / "choice.json")["reason"],
        "curve": read_json(folder / "choice.json")["curve"],
        "largest": [{"id": each["id"], "name": each["name"], "size": each["size"]} for each in largest],
    }
    labels: Labels = np.load(folder / "labels.npy")
    return labels


def _with_clusters(clusterer: Clusterer, k: int) -> Clusterer:
    made: Clusterer = clone(clusterer).set_params(n_clusters=k)
    return made


# -- finding ---------------------------------------------------------------------------------------------------------


def _words(line: Line, shown: Catalog, labels: Labels, history: History) -> None:
    def make(folder: Path, tell: Tell) -> None:
        Words().fit(shown).save(folder / "words")
        tell(0.6)
        Filters().fit(shown, labels).save(folder / "filters")
        np.save(folder / "popularity.npy", _popularity(shown, history))

    reads = [line.keys["shelf"], line.keys["clusters"], line.keys.get("history")]
    line.step("search", "index words", reads, [Words, Filters, _popularity], make)


def _popularity(shown: Catalog, history: History) -> NDArray[np.float32]:
    """(n_shown,) logarithm of how often each was taken, the most popular 1."""
    times = np.bincount(history.products, weights=history.weights > 0, minlength=len(shown))
    logs = np.log1p(times)
    return (logs / max(float(logs.max(initial=0.0)), 1.0)).astype(np.float32)


def _index(line: Line, vectors: Vectors) -> None:
    index = line.config.make(Index)
    line.step(
        "index",
        "index vectors",
        [line.keys["vectors"], _settings(index)],
        [type(index)],
        lambda folder, tell: clone(index).fit(vectors).save(folder / "model"),
    )


def _together(line: Line, history: History) -> None:
    if history.n_events:
        line.step(
            "together",
            "find what is bought together",
            line.keys["history"],
            [Together],
            lambda folder, tell: Together().fit(history).save(folder / "model"),
        )


# -- recommending ----------------------------------------------------------------------------------------------------


def _recommend(line: Line, history: History, context: Context) -> None:
    model = line.config.make(Recommender)
    reads = [
        line.keys.get("history"),
        line.keys["vectors"],
        line.keys["clusters"],
        line.keys["shelf"] if context.created is not None else None,
        _settings(model),
    ]

    def make(folder: Path, tell: Tell) -> None:
        clone(model).fit(history, context).save(folder / "model")

    folder = line.step("recommend", "learn to recommend", reads, [type(model)], make)
    fitted = load(folder / "model")
    names = getattr(fitted, "names", lambda: [type(fitted).__name__.lower()])()
    line.report["recommend"] = {"text": " + ".join(names), "left_out": getattr(fitted, "left_out_", [])}


def _evaluate(line: Line, shown: Catalog, history: History, context: Context, before: Mapping[str, Any]) -> None:
    config = line.config.evaluate
    vectors, labels = context.vectors, context.clusters
    found: dict[str, Any] = (
        {} if vectors is None or labels is None else {**_judged_clusters(line, shown, vectors, labels)}
    )
    if history.n_events and history.times is not None:
        kept = _still_stands(line, before)
        if kept is not None:
            line.report["evaluation"] = {**found, "recommend": kept}
            return
        model = line.config.make(Recommender)
        until = _moment(config.until)
        reads = [line.keys["recommend"], until, config.max_shoppers]

        def make(folder: Path, tell: Tell) -> None:
            try:
                said = evaluating.evaluate(
                    model, history, context, until=until, max_shoppers=config.max_shoppers, seed=line.config.shop.seed
                )
            except DataError as error:
                said = {"protocol": f"not evaluated: {error}", "tasks": {}}
            write_json(folder / "recommend.json", said)

        folder = line.step("evaluate", "evaluate recommendations", reads, [evaluating, type(model)], make)
        found["recommend"] = {**read_json(folder / "recommend.json"), "build": line.run.target.name}
    line.report["evaluation"] = found


def _moment(day: str) -> int | None:
    """A day such as "2026-01-31" in ns since 1970 UTC. Raises SettingError."""
    if not day:
        return None
    try:
        return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 10**9
    except ValueError:
        raise SettingError(f"evaluate.until = {day!r} is not a day such as '2026-01-31'") from None


def _still_stands(line: Line, before: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The last build's evaluation, where so little has changed since that it says the same."""
    known = before.get("evaluation", {}).get("recommend")
    marks = line.report["marks"] = {
        "history": line.keys["history"],
        "settings": hashed([_settings(line.config.make(Recommender)), str(line.config.evaluate)]),
    }
    return known if known and before.get("marks") == marks else None


def _judged_clusters(line: Line, shown: Catalog, vectors: Vectors, labels: Labels) -> dict[str, Any]:
    """Clusters by themselves, and against the categories from vectors that saw neither category nor its words."""
    columns = line.config.evaluate.columns
    seed = line.config.shop.seed

    def make(folder: Path, tell: Tell) -> None:
        said: dict[str, Any] = {"quality": agreement.quality(vectors, labels, seed=seed)}
        tell(0.3)
        if shown.has("category"):
            said["agreement"] = _agreement(line, shown, labels, columns)
        write_json(folder / "clusters.json", said)

    reads = [line.keys["clusters"], line.keys["shelf"], list(columns), seed]
    folder = line.step("judge", "judge clusters", reads, [agreement], make)
    return {"clusters": {**read_json(folder / "clusters.json"), "columns": list(columns)}}


def _agreement(line: Line, shown: Catalog, labels: Labels, columns: Sequence[str]) -> dict[str, Any]:
    vectors = fit_cached(_blinded(_encoder(line), columns), shown, line.run.steps.folder / "texts-blind")
    clusterer = line.config.make(Clusterer)
    again = _with_clusters(clusterer, int(labels.max()) + 1) if "n_clusters" in clusterer.get_params() else clusterer
    found = again.fit(vectors).labels_
    categories = shown.frame(["category"])["category"].to_list()
    levels = {f"level {level}": agreement.agreement(found, categories, level) for level in (1, 2)}
    return {name: each for name, each in levels.items() if each["ami"] is not None}
