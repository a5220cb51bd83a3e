"""What a shop answers, in names: the same shapes from Python, the command line and REST."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wares.data.hits import Reason

NEXT_BUILD = "after the next build"
"""When a product that came in since the build is found by searching."""

GOES = "until the next build"
"""How long one that was deleted is found."""


@dataclass(frozen=True)
class Hit:
    """One product of a ranked answer.

    score : higher is better; comparable within one answer only. variants : products shown as this one, itself included.
    """

    id: str
    title: str
    score: float
    reasons: Sequence[Reason] = ()
    variants: int = 1

    def json(self) -> dict[str, Any]:
        """Plain values, ready for any JSON writer."""
        # Written out: dataclasses.asdict copies deeply, which took longer than the search.
        return {
            "id": self.id,
            "title": self.title,
            "score": self.score,
            "reasons": [
                {"text": each.text, "share": each.share, "products": list(each.products)} for each in self.reasons
            ],
            "variants": self.variants,
        }


@dataclass(frozen=True)
class Answer:
    """Products, best first. used : what answered, such as "ease + content"."""

    hits: Sequence[Hit]
    took_ms: float
    used: str = ""

    def json(self) -> dict[str, Any]:
        """Plain values, ready for any JSON writer."""
        return {"hits": [each.json() for each in self.hits], "took_ms": self.took_ms, "used": self.used}

    def __len__(self) -> int:
        return len(self.hits)


@dataclass(frozen=True)
class Found(Answer):
    """The answer of a search.

    total : products that match. facets : by column, the values of the whole result set with their exact counts.
    corrected : what was understood, where a word was taken for another; empty otherwise.
    """

    total: int = 0
    facets: Mapping[str, Any] = field(default_factory=dict)
    corrected: str = ""

    def json(self) -> dict[str, Any]:
        """Plain values, ready for any JSON writer."""
        return {
            **super().json(),
            "total": self.total,
            "facets": self.facets,
            "corrected": self.corrected,
        }


@dataclass(frozen=True)
class Cluster:
    """A group of products.

    id : stays the same from build to build while it is the same cluster. typical, borderline : ids of its most central
    products and of those nearest to another cluster. share : of the catalog. prices : 10th, 50th and 90th percentile,
    None where no price is known. brands, categories : the most frequent, with their shares of the cluster. apart :
    column, value and how many times as frequent it is as in the whole catalog. sold, revenue : pieces, and those at
    today's prices; None where there are no events. curated : whether a person gave the name.
    """

    id: int
    name: str
    size: int
    keywords: Sequence[str] = ()
    typical: Sequence[str] = ()
    borderline: Sequence[str] = ()
    share: float = 0.0
    prices: Sequence[float] | None = None
    brands: Sequence[Sequence[Any]] = ()
    categories: Sequence[Sequence[Any]] = ()
    apart: Sequence[Sequence[Any]] = ()
    sold: float | None = None
    revenue: float | None = None
    curated: bool = False

    def json(self) -> dict[str, Any]:
        """Plain values, ready for any JSON writer."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}


@dataclass(frozen=True)
class Placed:
    """A product that came in just now, and the cluster it belongs to.

    cluster : id and name. distance : from the mean of that cluster. far : whether it is
    farther from every cluster than four fifths of the products that were clustered. new : whether it was not known
    before; else it is a change. searchable : when search and similar products know it as it is said here.
    """

    id: str
    title: str
    cluster: Mapping[str, Any]
    distance: float
    far: bool
    new: bool
    searchable: str = NEXT_BUILD

    def json(self) -> dict[str, Any]:
        """Plain values, ready for any JSON writer."""
        return dict(vars(self))


@dataclass(frozen=True)
class Guess:
    """What else a product may be, and how likely that is."""

    path: str
    probability: float


@dataclass(frozen=True)
class Classified:
    """A product and the category that was found for it.

    path : "" where not even the top level is sure. probability : that it is right. level : of the path, 0 for none.
    sure : whether the path is whole, not cut. alternatives : other whole paths, the likeliest first. given : what
    somebody said it is, "" where nobody did. reasons : for the path.
    """

    id: str
    title: str
    path: str
    probability: float
    level: int
    sure: bool
    alternatives: Sequence[Guess] = ()
    given: str = ""
    reasons: Sequence[Reason] = ()

    def json(self) -> dict[str, Any]:
        """Plain values, ready for any JSON writer."""
        return {
            **vars(self),
            "alternatives": [vars(each) for each in self.alternatives],
            "reasons": [
                {"text": each.text, "share": each.share, "products": list(each.products)} for each in self.reasons
            ],
        }


@dataclass(frozen=True)
class Interest:
    """A group of shoppers by what they want.

    id : stays the same from build to build while it is the same group. size, share : shoppers, and of all who did
    anything. wants : products that more of its shoppers took than of all, with the share of its shoppers (`share`) and
    how many times that of all (`times`). groups : clusters of products likewise, by events. will_want : products that
    its shoppers have begun to take lately. rising : clusters whose share of its events has grown lately, `times` as
    great as before. attributes : of its shoppers what is more frequent than among all.
    """

    id: int
    name: str
    size: int
    share: float
    keywords: Sequence[str] = ()
    wants: Sequence[Mapping[str, Any]] = ()
    will_want: Sequence[Mapping[str, Any]] = ()
    groups: Sequence[Mapping[str, Any]] = ()
    rising: Sequence[Mapping[str, Any]] = ()
    attributes: Sequence[Mapping[str, Any]] = ()

    def json(self) -> dict[str, Any]:
        """Plain values, ready for any JSON writer."""
        return dict(vars(self))
