"""An open shop: it answers in names. Each method is a few lines around one task."""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from wares import exporting, groups
from wares.algorithm import Context
from wares.arrays import Mask
from wares.arrivals import Arrivals
from wares.data.answers import Answer, Classified, Cluster, Found, Interest, Placed
from wares.data.history import History
from wares.data.hits import Reason
from wares.data.opinions import Reviewed
from wares.errors import SettingError, WaresError
from wares.live import Live
from wares.opened import Opened
from wares.store.builds import Builds
from wares.tasks.arranging import Wish
from wares.tasks.aspects import Aspect

if TYPE_CHECKING:
    from wares.algorithm import Recommender
    from wares.engine import Observer
    from wares.matches import Match
    from wares.shoppers import Shoppers
    from wares.tasks.splitting import Kind

_log = logging.getLogger("wares.shop")

_LOOK = 1.0  # seconds between looks for a newer build: listing a folder is cheap, but not free


class Shop:
    """The newest build of a shop folder, and what came in since.

    A build published while the shop is open is taken up by itself within a second. Safe to use from several threads.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self._builds = Builds(self.folder)
        self._held = self._builds.hold(self._builds.newest())
        self._opened = Opened(self._held.path)
        self._looked = time.monotonic()
        self._watcher: threading.Thread | None = None
        self._closed = threading.Event()
        self._models: dict[tuple[str, str], Recommender] = {}

    def __repr__(self) -> str:
        return f"Shop({str(self.folder)!r}, build {self._held.path.name})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the build go; the shop answers no more."""
        self._closed.set()
        if self._watcher is not None:
            self._watcher.join()
        self._held.close()
        self._live.close()

    @property
    def now(self) -> Opened:
        """The newest build, opened."""
        if self._watcher is None and time.monotonic() - self._looked > _LOOK:
            self._looked = time.monotonic()
            self._look()
        now = self._opened
        self._live.names(now)
        return now

    def watch(self) -> None:
        """From now on a thread looks for newer builds and has them ready before they answer: for servers.

        No asking waits for a build to be opened, neither the first nor one after a newer build was published.
        """
        self._opened.warm()
        self._watcher = threading.Thread(target=self._watch, name="newest-build", daemon=True)
        self._watcher.start()

    def _watch(self) -> None:
        while not self._closed.wait(_LOOK):
            try:
                self._look(warm=True)
            except WaresError as error:  # the build that answers is sound: it goes on, and the next look tries again
                _log.error("%s: its newest build cannot be opened, the one before it serves on: %s", self.folder, error)

    def _look(self, *, warm: bool = False) -> None:
        newest = self._builds.all()[-1:]
        if not newest or newest[0] == self._held.path:
            return
        held = self._builds.hold(newest[0])
        opened = Opened(held.path)
        if warm:
            opened.warm()
        self._opened, before, self._held = opened, self._held, held
        before.close()

    @cached_property
    def _live(self) -> Live:
        return Live(self.folder / "log.sqlite")

    @cached_property
    def _arrivals(self) -> Arrivals:
        return Arrivals(self._live)

    # -- finding ---------------------------------------------------------------------------------------------------

    def search(
        self,
        query: str,
        k: int = 10,
        where: Mapping[str, Any] | None = None,
        offset: int = 0,
    ) -> Found:
        """The k best products for a query by words and meaning, after the first `offset`.

        where : filters, such as `{"price": {"lt": 50}, "brand": ["Acme"], "category": "Food > Tea"}`; all must hold.
        Raises UnknownName for a column that is not there, SettingError for a filter that makes no sense.
        """
        started = time.perf_counter()
        now = self.now
        found = now.searcher.search(query, _positive(k), where=where, offset=offset)
        hits = now.hits(found.hits, now.searcher.reasons(found))
        return Found(hits, _since(started), "words + meaning", found.total, found.facets, found.corrected)

    def similar(
        self, product: str, k: int = 10, where: Mapping[str, Any] | None = None, by: Aspect | None = None
    ) -> Answer:
        """Products like this one, in content and in who buys them; or `by` one of these, or its price, alone.

        by : text, image, behaviour (bought with the same products: what may take its place), attributes or price.
        Raises UnknownName, and SettingError for what this shop cannot compare by.
        """
        started = time.perf_counter()
        now = self.now
        row = now.shelf.row(product)
        allowed = now.filters.mask(where)
        if by is not None:
            found = now.aspects.search(row, _positive(k), by, allowed=allowed)
            return Answer(now.hits(found, now.aspects.reasons(row, found, by)), _since(started), by)
        found = now.similar.search(row, _positive(k), allowed=allowed)
        return Answer(
            now.hits(found, now.similar.reasons(row, found)),
            _since(started),
            "content + bought together" if now.together else "content",
        )

    def similar_to_photo(
        self, photo: Path | str | bytes, k: int = 10, where: Mapping[str, Any] | None = None
    ) -> Answer:
        """Products whose photos are like this one, a file or its content.

        Raises DataError for one that is no picture, SettingError where the shop's vectors know no photos.
        """
        started = time.perf_counter()
        now = self.now
        found = now.aspects.photo(photo, _positive(k), allowed=now.filters.mask(where))
        return Answer(now.hits(found, [[Reason("looks alike", 1.0)]] * k), _since(started), "image")

    def bought_together(self, product: str, k: int = 10) -> Answer:
        """Products bought in the same basket (or by the same shoppers, where there are no baskets)."""
        started = time.perf_counter()
        now = self.now
        row = now.shelf.row(product)
        if now.together is None:
            return Answer([], _since(started), "no events yet")
        found = now.together.search(row, _positive(k))
        return Answer(now.hits(found, now.together.reasons(row, found)), _since(started), now.together.unit_)

    def recommend(
        self,
        shopper: str | None = None,
        basket: Sequence[str] | None = None,
        k: int = 10,
        where: Mapping[str, Any] | None = None,
        repeats: bool = False,
        profile: str | None = None,
        *,
        model: str | None = None,
        diverse: float = 0.0,
        out_of_stock: bool = False,
        learn: bool = True,
        observer: "Observer | None" = None,
    ) -> Answer:
        """Products for a known shopper, for a basket of products, or (with neither) for a stranger.

        The rules of `[recommend.rules]` in shop.toml, as they were at the build, hold for every answer. model : a part
        of the shop's recommender, or any other by name, learned when it is first asked unless `learn` is False, which
        raises SettingError then; `observer` is told. diverse : from 0 to 1, how much products unlike each other are
        preferred. out_of_stock : what is sold out may be answered.

        repeats : products that the history holds may be answered too. profile : what the shopper says of themselves,
        such as "runner, two kids, likes green tea"; alone, or beside a shopper or a basket. Raises UnknownName, and
        SettingError where both a shopper and a basket are given, or a profile in a shop without interests.
        """
        started = time.perf_counter()
        now = self.now
        history = self._history(now, shopper, basket)
        asked = None
        if model is not None:
            asked = self._model(now, model, learn=learn, observer=observer)
            started = time.perf_counter()  # learning is no part of an answer
        allowed = Wish(gone=out_of_stock, rules=now.rules).allowed(now.filters.mask(where))
        if profile is not None:
            if model is not None or diverse:
                raise SettingError(
                    "what shoppers say of themselves is answered by interests: leave model and diverse out"
                )
            return self._for_profile(now, history, profile, _positive(k), allowed, repeats, started)
        context = Context(at=np.array([self._moment(now, history)]))
        found = now.recommend(
            history,
            _positive(k),
            context=context,
            allowed=allowed,
            repeats=repeats,
            model=asked,
            diverse=diverse,
            gone=out_of_stock,
        )
        return Answer(now.hits(found.hits, found.reasons), _since(started), found.used)

    def _model(self, now: Opened, name: str, *, learn: bool, observer: "Observer | None" = None) -> "Recommender":
        """A recommender by name, kept for the build that it answers for."""
        key = (now.folder.name, name)
        if key not in self._models:
            from wares.config import Config
            from wares.models import asked_for  # imports more than most processes need

            found = asked_for(now, Config.read(self.folder), self.folder, name, learn=learn, observer=observer)
            self._models = {k: each for k, each in self._models.items() if k[0] == key[0]} | {key: found}
        return self._models[key]

    def _for_profile(
        self, now: Opened, history: History, profile: str, k: int, allowed: Mask | None, repeats: bool, started: float
    ) -> Answer:
        hits, reasons = self._shoppers(now).recommend(
            history, k, profile, at=self._moment(now, history), allowed=allowed, repeats=repeats
        )
        return Answer(now.hits(hits, reasons), _since(started), "profile: what is said + interests")

    def _shoppers(self, now: Opened) -> "Shoppers":
        """The interests of a build. Raises SettingError where it has none."""
        from wares.shoppers import of  # imports more than most processes need

        return of(now)

    def _history(self, now: Opened, shopper: str | None, basket: Sequence[str] | None) -> History:
        n = len(now.shelf.shown)
        if shopper is not None and basket is not None:
            raise SettingError("give a shopper or a basket, not both")
        if basket is not None:
            return History.of([[now.shelf.row(each) for each in basket]], n)
        if shopper is None:
            return History.of([[]], n)
        fresh = self._live.history(shopper, now)
        if fresh is not None and shopper not in now.shoppers:
            return fresh
        known = now.history.one(now.shoppers.row(shopper))
        return known if fresh is None else known.followed_by(fresh)

    def _moment(self, now: Opened, history: History) -> int:
        """The moment asked about: the end of the log, so that an old log is not all stale; later for newer events."""
        last = int(history.times[-1]) if history.times is not None and history.n_events else 0
        return max(last, now.end)

    def match(self, offer: Mapping[str, Any], k: int = 5) -> "list[Match]":
        """The products that an offer of another shop may be, the likeliest first, with probability and reasons.

        offer : its title, and any of brand, model, barcode, price, category and description. Raises DataError.
        """
        from wares.matches import against  # imports more than most processes need

        return against(self.now, offer, _positive(k))

    # -- looking ---------------------------------------------------------------------------------------------------

    def product(self, id: str) -> dict[str, Any]:
        """What is known of a product: its fields, its cluster and how many variants it is shown with.

        A product added or changed since the build is here at once, and says so ("searchable"); search, similar products
        and recommendations know it after the next build. Raises UnknownName.
        """
        now = self.now
        return self._arrivals.card(id, now) or now.cards([id])[0]

    def products(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """What is known of several products, in their order. Raises UnknownName."""
        return self.now.cards(ids)

    def reviews(self, product: str) -> Reviewed:
        """What reviews say of a product: how much they praise it, and each of its aspects, with the sentences that do.

        Raises UnknownName, and SettingError where the shop has no reviews.
        """
        now = self.now
        return now.opinions.of(now.shelf.ids.row(product), product)

    def clusters(self) -> list[Cluster]:
        """The groups of products, with names."""
        return self.now.clusters

    def cluster(self, id: int, k: int = 24, offset: int = 0) -> tuple[Cluster, Answer]:
        """One cluster and its products, the most typical first. Raises UnknownName."""
        started = time.perf_counter()
        now = self.now
        cluster, found = now.members(now.number(id), _positive(k), offset)
        return cluster, Answer(
            now.hits(found, [()] * int((found.rows[0] >= 0).sum())), _since(started), "nearest to the centre"
        )

    def departments(self) -> list[dict[str, Any]]:
        """The clusters as a tree: departments, the largest first, each with its clusters."""
        now = self.now
        return [{**each, "clusters": [now.clusters[number] for number in each["clusters"]]} for each in now.departments]

    def map(self) -> dict[str, Any]:
        """The catalog as points on a plane, like products near each other: see `wares.groups.map_of`."""
        return groups.map_of(self.now, self.folder / "cache")

    def cluster_pictures(self) -> dict[str, Any]:
        """What the pictures of the clusters are drawn from: the choice of their number, and their tree."""
        return groups.picture(self.now)

    def why_cluster(self, product: str) -> dict[str, Any]:
        """Why a product is in its cluster, and what would move it elsewhere. Raises UnknownName."""
        return groups.why(self.now, product)

    def rename_cluster(self, id: int, name: str) -> Cluster:
        """Call a cluster by a name of yours; it keeps it from build to build, as long as it is the same cluster.

        An empty name gives back, with the next build, the one from its products' words. Raises UnknownName, and
        SettingError for a name that another cluster has.
        """
        now = self.now
        number = now.number(id)
        groups.check_name(now, number, name)
        self._live.rename(id, name.strip())
        return self.now.clusters[number]

    # -- categories ------------------------------------------------------------------------------------------------

    def classify(
        self,
        products: Any,
        *,
        taxonomy: Path | str | None = None,
        columns: Mapping[str, str] | None = None,
        accuracy: float | None = None,
        why: bool = False,
    ) -> list[Classified]:
        """The category of each product of a file, a table or a list of dicts, as this shop has learned it.

        taxonomy : a file of categories, to go by meaning alone, without any label. columns : our names to the file's.
        accuracy : the share of answers that shall be right; paths are cut for it. why : with reasons.

        Raises SettingError where nothing was learned and no taxonomy is given, DataError for products that cannot be
        read.
        """
        from wares import categories  # imports more than most processes need

        return categories.classify(self.now, products, taxonomy=taxonomy, columns=columns, accuracy=accuracy, why=why)

    def categories(self) -> dict[str, Any]:
        """What was learned and found: labels, classes, accuracy, curve, and by path how many products; {} if nothing.

        curve : (threshold, share of held-out products with an answer, share of these that is right). found : path,
        products, and how many of these are labelled, the largest first; "" is what it is not sure of.
        """
        from wares import categories  # imports more than most processes need

        return categories.summary(self.now)

    def label(self, product: str, category: str) -> Classified:
        """Say which category a product is in; learned from in the next build, and kept in every later one.

        An empty category takes it back. Raises UnknownName.
        """
        from wares import categories  # imports more than most processes need

        return categories.label(self.now, self._live, product, category)

    def ask(self, k: int = 10) -> list[Classified]:
        """The k products whose label would teach most. Raises SettingError where no categories were learned."""
        from wares import categories  # imports more than most processes need

        return categories.ask(self.now, self._live, _positive(k))

    def doubt(self, k: int = 10) -> list[Classified]:
        """The k labels that are most likely wrong, and what they should be. Raises SettingError as `ask` does."""
        from wares import categories  # imports more than most processes need

        return categories.doubt(self.now, _positive(k))

    def shoppers(self, prefix: str = "", limit: int = 20) -> list[str]:
        """Ids of shoppers that start so, in alphabetical order."""
        series = self.now.shoppers.series
        return series.filter(series.str.starts_with(prefix)).head(limit).to_list()

    def interests(self) -> list[Interest]:
        """The groups of shoppers by what they want, the largest first. Raises SettingError where there are none."""
        return sorted(self._shoppers(self.now).interests, key=lambda each: (-each.size, each.id))

    def segments(self) -> list[dict[str, Any]]:
        """How many shoppers came lately, come often, are at risk …, by recency, frequency and money: docs/shoppers.md.

        Raises SettingError where the shop has no interests.
        """
        return self._shoppers(self.now).segments

    def questions(self) -> list[dict[str, Any]]:
        """A few questions for a new shopper, each with its options, chosen so that the answers part the interests.

        `tells` is how much the answer says (nats) beside those before. Raises SettingError as `interests` does.
        """
        return [
            {name: each[name] for name in ("id", "text", "options", "tells")}
            for each in self._shoppers(self.now).questions
        ]

    def place_shopper(
        self,
        *,
        profile: str | None = None,
        answers: Mapping[str, str] | None = None,
        attributes: Mapping[str, Any] | None = None,
        shopper: str | None = None,
        basket: Sequence[str] | None = None,
    ) -> list[dict[str, Any]]:
        """The interests of a shopper, known or new, each with its probability (`id`, `name`, `probability`).

        What is given is taken together: a sentence, answers to `questions` by their id, attributes as the shop knows
        them (such as age), what a shopper did, or a basket. Nothing at all is the shares of the shop. Raises
        UnknownName and SettingError for what is not known.
        """
        now = self.now
        known = self._shoppers(now)
        history = self._history(now, shopper, basket)
        told = None if profile is None else known.told(profile)[1]
        given = {**(known.known(shopper) if shopper is not None else {}), **(attributes or {})}
        context = known.context(told=told, attributes=given, at=self._moment(now, history))
        return known.placed(known.place(history, context, answers))

    def shopper(self, id: str) -> dict[str, Any]:
        """A shopper's attributes, products, the most often bought first, and profile. Raises UnknownName.

        profile : interests with their shares over time, segment, rhythm, prices, brands, what is due again, who is
        alike, and `sentences` that say it with the products they rest on; None where the shop has no interests.
        """
        now = self.now
        history = self._history(now, id, None)
        rows, counts = np.unique(history.products, return_counts=True)
        last = np.zeros(len(rows), np.int64)
        if history.times is not None:
            np.maximum.at(last, np.searchsorted(rows, history.products), history.times)
        order = np.lexsort((rows, -last, -counts))
        products = zip(now.shown_ids(rows[order]), now.titles(rows[order]), counts[order], last[order], strict=True)
        profile = None
        if now.report.get("interests") and history.n_events:
            profile = self._shoppers(now).profile(id, history, self._moment(now, history))
        return {
            "id": id,
            "events": history.n_events,
            "attributes": now.attributes_of(id),
            "profile": profile,
            "products": [
                {
                    "id": name,
                    "title": title,
                    "times": int(n),
                    "last": str(np.datetime64(int(at), "ns"))[:10] if at else None,
                }
                for name, title, n, at in products
            ],
        }

    def evaluate(
        self,
        models: str | Sequence[str] | None = None,
        split: "Kind | None" = None,
        *,
        observer: "Observer | None" = None,
    ) -> dict[str, Any]:
        """How good the answers are: as measured when the build was made, or of these models on this split, now.

        models : "all", or names of recommenders, in a list or with commas between them; they are learned and judged on
        one split, with what each costs. split : "time" (all before a moment to learn, all from then on to test),
        "last" (each shopper's last event to test) or "random" (a fifth of each shopper's events). Raises UnknownName,
        SettingError, MissingExtra and DataError.
        """
        if models is None and split is None:
            return dict(self.now.report.get("evaluation") or {})
        from wares.config import Config
        from wares.models import judge  # imports more than most processes need

        return judge(self.now, Config.read(self.folder), models, split or "time", observer)

    def tune(
        self,
        budget: float | str = "10m",
        models: str | Sequence[str] = "all",
        *,
        dry_run: bool = False,
        observer: "Observer | None" = None,
    ) -> dict[str, Any]:
        """Try recommenders and their settings on the shop's own events; what is better goes into shop.toml and a build.

        budget : seconds, or a time such as "10m". models : "all" that are installed, or names. dry_run : change
        nothing. Returns what was tried and found, and `said`, the same in sentences. Raises DataError for too few
        events, SettingError, UnknownName and MissingExtra.
        """
        from wares.measure import seconds_of
        from wares.tuning import tune_shop  # imports more than most processes need

        seconds = seconds_of(budget) if isinstance(budget, str) else budget
        return tune_shop(self.folder, budget=seconds, models=models, dry_run=dry_run, observer=observer)

    def info(self) -> dict[str, Any]:
        """What the build holds: data and its cleaning, models, quality, seconds and memory of each step."""
        return {**self.now.report, "folder": str(self.folder), "build": self._held.path.name}

    def export(self, folder: Path | str, format: Literal["parquet", "csv"] = "parquet") -> list[Path]:
        """Write products (with cluster and category), clusters, neighbours … into a folder; returns the files."""
        return exporting.export(self.now, Path(folder), format)

    # -- learning on -----------------------------------------------------------------------------------------------

    def add_events(self, events: Any) -> int:
        """Log what shoppers did now; on the disk before it returns, and in their next answer. Returns how many.

        events : a table with shopper, product, and any of kind (purchase), at (now), value, query, session, basket.
        Raises DataError; then nothing was logged.
        """
        now = self.now
        return self._live.add(events, now, lambda id: self._arrivals.knows(id, now))

    def add_products(self, products: Any) -> list[Placed]:
        """Take in new and changed products now: each is in its cluster, and on the disk, before this returns.

        products : a table, a list of dicts, or the path of a file, with `id` and what there is to say; new ones need a
        title. An id that is there already is a change: what is said replaces what was, what is left out or empty stays.
        Every later build has them too. `product` knows them at once; search, similar products and recommendations
        after the next build. Raises DataError; then nothing was taken in.
        """
        return self._arrivals.add(products, self.now)

    def place(self, products: Any) -> list[Placed]:
        """What `add_products` would answer; nothing is kept."""
        return self._arrivals.place(products, self.now)

    def delete_products(self, ids: Sequence[str]) -> int:
        """Have products gone from the next build on, and from every later one; returns how many.

        Raises UnknownName; then nothing was changed.
        """
        return self._arrivals.delete(ids, self.now)

    def drift(self) -> dict[str, Any]:
        """Whether the products that came in since the build still suit its clusters, and if not, that it is time.

        products, far_share, expected_far_share, score, alarm, due, most_moved, and all of it in one sentence, `said`.
        """
        return self._arrivals.drift(self.now)


def open_shop(folder: Path | str) -> Shop:
    """Open the newest build of a shop folder. Raises StoreError saying what is wrong and how to mend it."""
    return Shop(folder)


def _positive(k: int) -> int:
    if not isinstance(k, int) or isinstance(k, bool) or k < 1:
        raise SettingError(f"k={k!r}: how many products to answer, 1 or more")
    return k


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)
