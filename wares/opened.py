"""One published build, opened: everything mapped from disk when it is first asked for, shared by all processes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.algorithm import Context, Index, Labeller, ReadsText, Recommender, load
from wares.arrays import Mask
from wares.data.answers import Cluster, Hit
from wares.data.catalog import Catalog
from wares.data.history import History
from wares.data.hits import Hits, Reason
from wares.data.ids import Ids
from wares.data.mapped import Mapped
from wares.data.opinions import Opinions
from wares.data.shelf import Shelf
from wares.engine import read_json
from wares.errors import SettingError, UnknownName
from wares.index.words import Words
from wares.tasks import recommending
from wares.tasks.arranging import Rules, Wish
from wares.tasks.aspects import Aspects
from wares.tasks.filtering import Filters
from wares.tasks.recommending import Recommended
from wares.tasks.ruling import rules_of
from wares.tasks.searching import Searcher
from wares.tasks.similar import Similar, Together

_REMEMBERED = 100_000  # titles: some 10 MB


class Opened:
    """What the shop answers from, in rows; every part is read-only and made once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.report: dict[str, Any] = read_json(folder / "report.json")

    # -- products --------------------------------------------------------------------------------------------------

    @cached_property
    def shelf(self) -> Shelf:
        """All products, and those shown."""
        return Shelf.open(Catalog.of(self.folder / "products" / "products.arrow"), self.folder / "shelf")

    @cached_property
    def _shown(self) -> Mapped:
        return Mapped(self.folder / "shelf" / "shelf.arrow")

    @cached_property
    def _products(self) -> Mapped:
        return Mapped(self.folder / "products" / "products.arrow")

    def titles(self, rows: Sequence[int] | NDArray[np.integer]) -> list[str]:
        """The titles of shown rows; the id where there is none."""
        return [self.title(int(row)) for row in rows]

    @cached_property
    def title(self) -> Callable[[int], str]:
        """The title of a shown row; the id where there is none. The last 100,000 asked for are remembered."""
        return lru_cache(_REMEMBERED)(self._title)

    def _title(self, row: int) -> str:
        found = self._shown.column("title", [row])[0] if "title" in self._shown.columns else None
        return str(found or self.shown_ids([row])[0])

    def shown_ids(self, rows: Sequence[int] | NDArray[np.integer]) -> list[str]:
        """The ids under which rows are shown."""
        return self._shown.column("id", rows)

    def hits(self, found: Hits, reasons: Sequence[Sequence[Reason]]) -> list[Hit]:
        """The first query's hits in names; `reasons` in the order of its rows."""
        rows = found.rows[0][found.rows[0] >= 0]
        ids, titles, variants = self.shown_ids(rows), self.titles(rows), self.shelf.variants[rows].tolist()
        scores = found.scores[0][: len(rows)].tolist()
        return [Hit(*each) for each in zip(ids, titles, scores, map(tuple, reasons), variants, strict=True)]

    def cards(self, products: Sequence[str]) -> list[dict[str, Any]]:
        """The known fields of products by id, with cluster and variants. Raises UnknownName."""
        rows = self.shelf.ids.rows(products)
        cards = []
        for row, fields in zip(rows.tolist(), self._products.rows(rows), strict=True):
            place = int(self.shelf.place[row])
            cluster = self.cluster_of(place)
            card = {name: value for name, value in fields.items() if value is not None}
            card["cluster"] = None if cluster is None else {"id": cluster.id, "name": cluster.name}
            card["variants"] = int(self.shelf.variants[place])
            cards.append(card)
        return cards

    def fields(self, product: str) -> dict[str, Any]:
        """What the product file says of a product by id. Raises UnknownName."""
        found = self._products.rows([self.shelf.ids.row(product)])[0]
        return {name: value for name, value in found.items() if value is not None}

    # -- clusters --------------------------------------------------------------------------------------------------

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """(n_shown,) cluster of each shown row."""
        return np.asarray(np.load(self.folder / "groups" / "labels.npy", mmap_mode="r"))

    @cached_property
    def clusters(self) -> list[Cluster]:
        """The clusters by number, which is their place in the arrays of this build; their ids outlive it."""
        found = []
        for each in read_json(self.folder / "groups" / "clusters.json"):
            products = {name: self.shown_ids(each[name]) for name in ("typical", "borderline")}
            found.append(Cluster(**{**each, **products}))
        return found

    @cached_property
    def cluster_numbers(self) -> dict[int, int]:
        """Cluster ids to numbers."""
        return {each.id: number for number, each in enumerate(self.clusters)}

    @cached_property
    def cluster_ids(self) -> NDArray[np.int64]:
        """(n_shown,) id of the cluster of each shown row, -1 for none."""
        found: NDArray[np.int64] = np.array([*(each.id for each in self.clusters), -1], np.int64)[self.labels]
        return found

    def rename(self, names: Mapping[str, str]) -> None:
        """Call clusters (ids, as text) by other names, as from now on."""
        self.clusters = [
            replace(each, name=names[str(each.id)], curated=True) if names.get(str(each.id)) else each
            for each in self.clusters
        ]

    @cached_property
    def departments(self) -> list[dict[str, Any]]:
        """The departments, the largest first, with the numbers of their clusters."""
        return list(read_json(self.folder / "groups" / "tree.json"))

    def number(self, id: int) -> int:
        """The number of a cluster. Raises UnknownName."""
        if id not in self.cluster_numbers:
            raise UnknownName.among("cluster", str(id), [str(each) for each in sorted(self.cluster_numbers)])
        return self.cluster_numbers[id]

    def cluster_of(self, row: int) -> Cluster | None:
        """The cluster of a shown row."""
        number = int(self.labels[row])
        return self.clusters[number] if number >= 0 else None

    def members(self, number: int, k: int, offset: int) -> tuple[Cluster, Hits]:
        """A cluster and a page of its rows, the nearest to their common mean first."""
        rows = np.flatnonzero(self.labels == number)
        vectors = self.vectors[rows]
        hits = Hits.ordered(rows[None], (vectors @ vectors.mean(axis=0))[None], offset + k)
        return self.clusters[number], Hits(hits.rows[:, offset:], hits.scores[:, offset:])

    # -- shoppers --------------------------------------------------------------------------------------------------

    @cached_property
    def history(self) -> History:
        """What each shopper did, over shown rows; nobody where there were no events."""
        path = self.folder / "history"
        return History.open(path) if path.exists() else History.of([], len(self.shelf.shown))

    @cached_property
    def shoppers(self) -> Ids:
        """The rows of `history`."""
        path = self.folder / "history" / "shoppers.arrow"
        return Ids(pl.read_ipc(path)["shopper"] if path.exists() else [], "shopper")

    @cached_property
    def attributes(self) -> pl.DataFrame | None:
        """What the shop knows of its shoppers beside their events."""
        path = self.folder / "shoppers" / "shoppers.arrow"
        return pl.read_ipc(path) if path.exists() else None

    @property
    def end(self) -> int:
        """The time of the last event, ns since 1970 UTC."""
        return int(self.report["end"])

    def attributes_of(self, shopper: str) -> dict[str, Any]:
        """What the shop knows of a shopper beside the events."""
        if self.attributes is None:
            return {}
        found = self.attributes.filter(pl.col("shopper") == shopper).head(1).to_dicts()
        return {
            name: value for each in found for name, value in each.items() if name != "shopper" and value is not None
        }

    # -- models ----------------------------------------------------------------------------------------------------

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """(n_shown, width) what the encoder makes of the shown products."""
        return np.asarray(np.load(self.folder / "vectors" / "vectors.npy", mmap_mode="r"))

    @cached_property
    def filters(self) -> Filters:
        """Which products a filter leaves."""
        return Filters.load(self.folder / "search" / "filters")

    @cached_property
    def words(self) -> Words:
        """Products by their words."""
        return Words.load(self.folder / "search" / "words")

    @cached_property
    def encoder(self) -> Any:
        """What made the vectors."""
        return load(self.folder / "vectors" / "encoder")

    @cached_property
    def index(self) -> Index:
        """The nearest of the vectors."""
        return Index.load(self.folder / "index" / "model")

    @cached_property
    def searcher(self) -> Searcher:
        """Words and meaning together."""
        reads = isinstance(self.encoder, ReadsText)
        return Searcher(
            words=self.words,
            filters=self.filters,
            index=self.index if reads else None,
            encoder=self.encoder if reads else None,
            popularity=np.asarray(np.load(self.folder / "search" / "popularity.npy", mmap_mode="r")),
            **self.report["search"],
        )

    @cached_property
    def together(self) -> Together | None:
        """What is bought with each product; None where there were no events."""
        path = self.folder / "together" / "model"
        return Together.load(path) if path.exists() else None

    @cached_property
    def similar(self) -> Similar:
        """Products like a product."""
        return Similar(
            index=self.index, vectors=self.vectors, together=self.together, filters=self.filters, words=self.words
        )

    @cached_property
    def labeller(self) -> Labeller:
        """What has learned categories. Raises SettingError where nothing has."""
        path = self.folder / "categories" / "model"
        if not path.exists():
            raise SettingError(
                "this shop has learned no categories yet: wares classify train SHOP --labels FILE; or give a taxonomy, "
                "to go by meaning alone"
            )
        return Labeller.load(path)

    @cached_property
    def categories(self) -> pl.DataFrame | None:
        """What was found for each shown row, path, probability and sure; None where nothing was learned."""
        path = self.folder / "categories" / "answers.arrow"
        return pl.read_ipc(path) if path.exists() else None

    @cached_property
    def opinions(self) -> Opinions:
        """What reviews say of the products. Raises SettingError where there are none."""
        told = self.report.get("reviews")
        if not told:
            raise SettingError("this shop has no reviews yet: wares build SHOP --reviews FILE")
        return Opinions(self.folder / "reviews", told["usual"], told["by"])

    @cached_property
    def aspects(self) -> Aspects:
        """Products like a product in one respect."""
        return Aspects(encoder=self.encoder, similar=self.similar)

    @cached_property
    def recommender(self) -> Recommender:
        """Histories to products."""
        return Recommender.load(self.folder / "recommend" / "model")

    @cached_property
    def rules(self) -> Rules:
        """What the shop wants of its recommendations."""
        asked = self.report.get("rules")  # a build made before there were rules has none
        return rules_of(asked, self.shelf, self.filters, self._created(asked), self.end) if asked else Rules()

    def _created(self, asked: Mapping[str, Any]) -> NDArray[np.int64] | None:
        return self.context.created if asked["fresh"] else None

    def recommend(
        self,
        history: History,
        k: int,
        *,
        context: Context,
        allowed: Mask | None,
        repeats: bool,
        model: Recommender | None = None,
        diverse: float = 0.0,
        gone: bool = False,
    ) -> Recommended:
        """The k best products of a one-shopper history, with reasons.

        model : another than the shop's. diverse, gone : see `wares.tasks.arranging.Wish`.
        """
        return recommending.recommend(
            self.recommender if model is None else model,
            history,
            k,
            self.shelf.shown.ids,
            _Titles(self),
            context=context,
            allowed=allowed,
            repeats=repeats,
            clusters=self.labels,
            cluster_names=[each.name for each in self.clusters],
            wish=Wish(diverse, gone, self.rules),
            vectors=self.vectors if diverse else None,
        )

    @cached_property
    def context(self) -> Context:
        """What recommenders learned from beside the history."""
        from wares.stages.recommending import known_of  # imports what answering does without

        clusters = np.asarray(np.load(self.folder / "clusters" / "labels.npy", mmap_mode="r"))
        return known_of(self.shelf.shown, self.vectors, clusters)

    def warm(self) -> None:
        """Use every part once: what is mapped, loaded or compiled at first use is then ready."""
        title = self.titles([0])[0]
        for query in (title, f"{title[:3]}x{title[3:]}"):  # the second for the spelling
            self.searcher.reasons(self.searcher.search(query, 1))
        self.similar.reasons(0, self.similar.search(0, 1))
        if self.together is not None:
            self.together.reasons(0, self.together.search(0, 1))
        context = Context(at=np.array([self.end]))
        for rows in ([], [0]):
            self.recommend(History.of([rows], len(self.shelf.shown)), 1, context=context, allowed=None, repeats=False)
        self.cards(self.shown_ids(np.array([0])))
        self.members(0, 1, 0)
        _ = self.shoppers, self.history, self.attributes


class _Titles:
    """Titles of shown rows, one at a time."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    def __getitem__(self, row: int) -> str:
        return self._opened.title(row)
