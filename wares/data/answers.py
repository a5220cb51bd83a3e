"""What a shop answers, in names: the same shapes from Python, the command line and REST."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wares.data.hits import Reason


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
    """A group of products with its name, its telling words and the ids of its most typical products."""

    id: int
    name: str
    size: int
    keywords: Sequence[str] = ()
    typical: Sequence[str] = ()

    def json(self) -> dict[str, Any]:
        """Plain values, ready for any JSON writer."""
        return {**vars(self), "keywords": list(self.keywords), "typical": list(self.typical)}
