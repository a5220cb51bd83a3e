"""What a shop says of its shoppers: their interests, one shopper's profile, and where a new one belongs."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.algorithm import Context, ReadsText
from wares.arrays import Dense
from wares.data.answers import Interest
from wares.data.history import History
from wares.data.hits import Hits, Reason
from wares.engine import read_json
from wares.errors import SettingError
from wares.opened import Opened
from wares.stages.interests import buys_of, prices_of
from wares.tasks import interviewing, personas, segments, telling
from wares.tasks.demographics import Traits
from wares.tasks.interests import Interests

NONE = (
    "this shop has no interests of shoppers: it needs events of 30 shoppers (interests.least) and interests.on = true; "
    "then wares build SHOP"
)


def of(now: Opened) -> "Shoppers":
    """The interests of a build, opened once. Raises SettingError where there are none."""
    found: Shoppers | None = now.__dict__.get("shoppers_of")
    if found is None:
        found = now.__dict__.setdefault("shoppers_of", Shoppers(now))
    return found


class Shoppers:
    """The interests of one build, opened when they are first asked for."""

    def __init__(self, now: Opened) -> None:
        self.now = now
        self.folder = now.folder / "interests"
        if not (self.folder / "interests.json").exists():
            raise SettingError(NONE)

    # -- what there is ---------------------------------------------------------------------------------------------

    @cached_property
    def model(self) -> Interests:
        """What places shoppers."""
        return Interests.load(self.folder / "model")

    @cached_property
    def interests(self) -> list[Interest]:
        """The interests by number, which is their place in the arrays; their ids outlive the build."""
        return [self._interest(each) for each in read_json(self.folder / "interests.json")]

    def _interest(self, found: Mapping[str, Any]) -> Interest:
        products = {name: self._products(found[name]) for name in ("wants", "will_want")}
        groups = {name: self._groups(found[name]) for name in ("groups", "rising")}
        return Interest(**{"attributes": [], **found, **products, **groups})

    def _products(self, found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        rows = [each["row"] for each in found]
        named = zip(self.now.shown_ids(rows), self.now.titles(rows), found, strict=True)
        return [{"id": id, "title": title, "share": each["share"], "times": each["times"]} for id, title, each in named]

    def _groups(self, found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        clusters = self.now.clusters
        return [
            {"id": clusters[g].id, "name": clusters[g].name, "share": each["share"], "times": each["times"]}
            for each in found
            if (g := each["group"]) < len(clusters)
        ]

    @cached_property
    def traits(self) -> Traits | None:
        """What the shop may know of shoppers beside events."""
        path = self.folder / "traits.json"
        return Traits.read(read_json(path)) if path.exists() else None

    @cached_property
    def questions(self) -> list[dict[str, Any]]:
        """The questions whose answers part the interests."""
        return list(read_json(self.folder / "questions.json"))

    @cached_property
    def standing(self) -> segments.Standing:
        """Recency, frequency and money of all shoppers."""
        told = read_json(self.folder / "segments.json")
        values = np.load(self.folder / "rfm.npy", mmap_mode="r")
        return segments.Standing(values, tuple(tuple(each) for each in told["edges"]))

    @cached_property
    def segments(self) -> list[dict[str, Any]]:
        """How many shoppers are in each segment."""
        return list(read_json(self.folder / "segments.json")["segments"])

    @cached_property
    def _portraits(self) -> NDArray[np.floating]:
        return np.asarray(np.load(self.folder / "portraits.npy", mmap_mode="r"))

    @cached_property
    def _price(self) -> NDArray[np.float64] | None:
        return prices_of(self.now.shelf.shown)

    @cached_property
    def _price_places(self) -> NDArray[np.float32]:
        assert self._price is not None
        return personas.price_places(self._price, self.now.labels)

    @cached_property
    def profiler(self) -> telling.Profile:
        """What recommends for a sentence."""
        return telling.Profile.over(self.now.vectors, self.model)

    # -- placing ---------------------------------------------------------------------------------------------------

    def told(self, profile: str) -> tuple[list[str], Dense]:
        """The phrases of a sentence, and (1, n, width) their vectors. Raises SettingError where none can be read."""
        found = telling.phrases(profile)
        encoder = self.now.encoder
        if not isinstance(encoder, ReadsText):
            raise SettingError(
                f"the vectors of this shop, by {type(encoder).__name__}, cannot be compared with a sentence"
            )
        return found, np.asarray(encoder.encode_text(found), np.float32)[None]

    def context(
        self, *, told: Dense | None = None, attributes: Mapping[str, Any] | None = None, at: int | None = None
    ) -> Context:
        """What is known of one shopper beside the history. Raises UnknownName and SettingError for attributes."""
        table = None
        if attributes:
            if self.traits is None:
                raise SettingError("this shop knows no attributes of shoppers: name a file with --shoppers")
            table = self.traits.checked(attributes)
        return Context(told=told, shoppers=table, at=None if at is None else np.array([at]))

    def known(self, shopper: str) -> dict[str, Any]:
        """What the build knows of a shopper that says something here."""
        own = self.now.attributes_of(shopper)
        columns = () if self.traits is None else self.traits.columns
        return {each.name: own[each.name] for each in columns if each.place(own.get(each.name)) is not None}

    def place(
        self, history: History, context: Context, answers: Mapping[str, str] | None = None
    ) -> NDArray[np.float64]:
        """(n_interests,) probabilities. Raises UnknownName and SettingError for answers."""
        log = np.log(np.maximum(self.model.place(history, context)[0].astype(np.float64), 1e-12))
        log += interviewing.answered(self.questions, answers or {}, len(log))
        found = np.exp(log - log.max())
        return np.asarray(found / found.sum())

    def placed(self, place: NDArray[np.float64]) -> list[dict[str, Any]]:
        """The interests with their probabilities, the likeliest first."""
        order = np.argsort(-place, kind="stable")
        return [
            {"id": self.interests[at].id, "name": self.interests[at].name, "probability": round(float(place[at]), 6)}
            for at in order.tolist()
        ]

    # -- recommending ----------------------------------------------------------------------------------------------

    def recommend(
        self, history: History, k: int, profile: str, *, at: int, allowed: NDArray[np.bool_] | None, repeats: bool
    ) -> tuple[Hits, list[tuple[Reason, ...]]]:
        """The k best products for a history and a sentence, with reasons."""
        said, told = self.told(profile)
        context = self.context(told=told, at=at)
        hits = self.profiler.recommend(history, k, context=context, allowed=allowed, repeats=repeats)
        rows = hits.rows[0][hits.rows[0] >= 0]
        reasons = self.profiler.reasons(history, rows, said, self._name, context=context)
        return hits, reasons

    def _name(self, number: int) -> str:
        return self.interests[number].name

    # -- one shopper -----------------------------------------------------------------------------------------------

    def profile(self, id: str, history: History, at: int) -> dict[str, Any]:
        """What a person can read of a shopper, with the products that each sentence rests on; at : the moment, ns."""
        found = personas.shares(self.model, history, Context(at=np.array([at])))
        visits = segments.Visits.of(history)
        bought = np.unique(history.products)
        rfm = segments.rfm(history, self._price, at, buys_of(list(self.now.report["events_settings"]["weights"])))[0]
        made: dict[str, Any] = {
            "interests": self._own(found),
            "over_time": self._over_time(found),
            "segment": self._segment(rfm),
            "rhythm": _rhythm(visits, at),
            "prices": None if self._price is None else personas.prices(history, self._price, self._price_places),
            "brands": self._brands(history, bought),
            "due": self._due(history, at),
            "alike": self._alike(id, history, at),
        }
        made["sentences"] = _sentences(made)
        return made

    def _own(self, found: personas.Shares, n: int = 5) -> list[dict[str, Any]]:
        out = []
        for number in np.argsort(-found.whole, kind="stable")[:n].tolist():
            interest, rows = self.interests[number], found.evidence[number]
            out.append(
                {
                    "id": interest.id,
                    "name": interest.name,
                    "share": round(float(found.whole[number]), 4),
                    "products": self._named(rows),
                }
            )
        return out

    def _named(self, rows: Sequence[int]) -> list[dict[str, Any]]:
        return [
            {"id": id, "title": title}
            for id, title in zip(self.now.shown_ids(list(rows)), self.now.titles(rows), strict=True)
        ]

    def _over_time(self, found: personas.Shares) -> list[dict[str, Any]]:
        return [
            {
                "from": _day(first),
                "to": _day(last),
                "visits": visits,
                "shares": [
                    {"id": each.id, "share": round(float(share), 4)}
                    for each, share in zip(self.interests, shares, strict=True)
                ],
            }
            for first, last, visits, shares in found.periods
        ]

    def _segment(self, rfm: NDArray[np.float32]) -> dict[str, Any]:
        recency, frequency, money = self.standing.scores(rfm)
        name = segments.segment(recency, frequency, money, int(rfm[1])) if rfm[1] else "new"
        return {
            "name": name,
            "means": segments.SEGMENTS[name],
            "recency": recency,
            "frequency": frequency,
            "money": money,
            "days": round(float(rfm[0]), 1),
            "visits": int(rfm[1]),
            "spent": None if self._price is None else round(float(rfm[2]), 2),
        }

    def _brands(self, history: History, bought: NDArray[np.integer]) -> dict[str, Any] | None:
        shown = self.now.shelf.shown
        if not shown.has("brand") or not len(bought):
            return None
        names = shown.scan.select(pl.col("brand").gather(bought)).collect()["brand"].to_list()
        found = personas.brands(history, names, bought, self.now.labels)
        if found is None:
            return None
        lists = [{**each, "products": self._named(each["rows"])} for each in found["brands"]]
        return {**found, "brands": [{name: each[name] for name in ("brand", "share", "products")} for each in lists]}

    def _due(self, history: History, at: int) -> list[dict[str, Any]]:
        found = personas.due(history, at)
        named = self._named([each["row"] for each in found])
        return [
            {
                **name,
                "every": each["every"],
                "times": each["times"],
                "last": _day(each["last"]),
                "due": _day(each["due"]),
            }
            for name, each in zip(named, found, strict=True)
        ]

    def _alike(self, id: str, history: History, at: int) -> list[dict[str, Any]]:
        own = self.model.portrait(history, Context(at=np.array([at])))[0]
        but = self.now.shoppers.row(id) if id in self.now.shoppers else -1
        labels = np.load(self.folder / "labels.npy", mmap_mode="r")
        mine = np.unique(history.products)
        out = []
        for row, likeness in personas.alike(self._portraits, own, but=but):
            shared, times = np.unique(self.now.history.row(row), return_counts=True)
            both = np.isin(shared, mine)
            rows = shared[both][np.lexsort((shared[both], -times[both]))][:3].tolist()
            number = int(labels[row])
            out.append(
                {
                    "id": self.now.shoppers.names([row])[0],
                    "likeness": round(likeness, 4),
                    "interest": self.interests[number].name if number >= 0 else None,
                    "shared": int(both.sum()),
                    "products": self._named(rows),
                }
            )
        return out


def _day(days: int) -> str:
    return str(np.datetime64(days, "D"))


def _rhythm(visits: segments.Visits, at: int) -> dict[str, Any] | None:
    """The median of days between visits, the last, the next expected, and where in that rhythm the shopper is."""
    if not len(visits.days) or not visits.days[-1]:
        return None
    gaps, last = visits.gaps, int(visits.days[-1])
    every = float(np.median(gaps)) if len(gaps) else None
    state, means = segments.told(at // segments.DAY - last, every)
    return {
        "visits": len(visits.days),
        "every": every,
        "last": _day(last),
        "next": None if every is None else _day(last + max(round(every), 1)),
        "state": state,
        "means": means,
    }


def _sentences(made: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the profile says, each sentence with the ids of the products it rests on."""
    out: list[tuple[str, list[str]]] = []
    liked = [each for each in made["interests"] if each["share"] >= 0.1][:3] or made["interests"][:1]
    for place, each in enumerate(liked):
        start = "Mostly interested in" if place == 0 else "Also interested in"
        out.append((f"{start} {each['name']}: {each['share']:.0%} of the visits speak of it.", _ids(each["products"])))
    one = made["segment"]
    out.append((f"Of the segment “{one['name']}”: {one['means']}.", []))
    rhythm = made["rhythm"]
    if rhythm is not None and rhythm["every"] is not None:
        text = (
            f"Comes every {rhythm['every']:g} days, was here last on {rhythm['last']}; next expected {rhythm['next']}"
        )
        out.append((f"{text}: {rhythm['state']}.", []))
    band = made["prices"]
    if band is not None:
        level = {"cheaper": ", mostly the cheaper ones of a kind", "dearer": ", mostly the dearer ones of a kind"}
        text = f"Pays {band['low']:,.2f} to {band['high']:,.2f} for a product, {band['middle']:,.2f} usually"
        out.append((f"{text}{level.get(band['level'] or '', '')}.", []))
    brand = made["brands"]
    if brand is not None and brand["brands"]:
        first = brand["brands"][0]
        loyal = "" if brand["loyalty"] is None else f"; {brand['loyalty']:.0%} of a shelf is of one brand"
        out.append((f"Takes {first['brand']} most, {first['share']:.0%} of all{loyal}.", _ids(first["products"])))
    again = made["due"][:3]
    if again:
        names = ", ".join(f"{each['title']} (every {each['every']:g} days)" for each in again)
        out.append((f"Likely next, for it is due again: {names}.", _ids(again)))
    return [{"text": text, "products": products} for text, products in out]


def _ids(products: Sequence[Mapping[str, Any]]) -> list[str]:
    return [each["id"] for each in products]
