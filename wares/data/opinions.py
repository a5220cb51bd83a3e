"""What reviews say of products, as a shop keeps it and answers it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wares.data.hits import Reason
from wares.data.mapped import Mapped

WHOLE = ""
"""Stands for an aspect where a review is meant as a whole."""


@dataclass(frozen=True)
class Opinion:
    """What reviews say of one aspect of a product, or of the product.

    sentiment : 0..1, how likely a review praises it, drawn towards the shop's mean where reviews are few. mean : not
    drawn. reviews : that speak of it. reasons : the sentence that praises most, the one that blames most, as far as
    there are such; share is what it has of all that was said for or against.
    """

    aspect: str
    sentiment: float
    mean: float
    reviews: int
    praise: Reason | None = None
    blame: Reason | None = None

    def json(self) -> dict[str, Any]:
        """Plain values, ready for any JSON writer."""
        said = {
            name: None if each is None else vars(each)
            for name, each in (("praise", self.praise), ("blame", self.blame))
        }
        return {**vars(self), **said}


@dataclass(frozen=True)
class Reviewed:
    """What reviews say of a product.

    whole : of it as a whole, None where nobody wrote of it. rating : mean stars, None where nobody gave any. aspects :
    the most spoken of first. usual : the mean of the shop. said : what the answers rest on, in a sentence.
    """

    id: str
    whole: Opinion | None
    rating: float | None
    aspects: Sequence[Opinion]
    usual: float
    said: str

    @property
    def reviews(self) -> int:
        """How many there are."""
        return self.whole.reviews if self.whole else 0

    def json(self) -> dict[str, Any]:
        """Plain values, ready for any JSON writer."""
        return {
            "id": self.id,
            "reviews": self.reviews,
            "sentiment": self.whole.sentiment if self.whole else None,
            "rating": self.rating,
            "whole": self.whole.json() if self.whole else None,
            "aspects": [each.json() for each in self.aspects],
            "usual": self.usual,
            "said": self.said,
        }


class Opinions:
    """The opinions that a build holds, mapped from disk: a product is looked up in some microseconds.

    Files of the folder: `opinions.arrow`, a row for each product and aspect, those of one product together;
    `owner.npy`, (n_products,) which rows are whose, the same for all variants of a product; `starts.npy`, (n_owners +
    1,) where the rows of each begin.
    """

    def __init__(self, folder: Path, usual: float, said: str) -> None:
        self._rows = Mapped(folder / "opinions.arrow")
        self._owner, self._starts = (
            np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r")) for name in ("owner", "starts")
        )
        self._usual, self._said = usual, said

    def of(self, row: int, id: str) -> Reviewed:
        """What is said of the product in a row of the catalog."""
        owner = int(self._owner[row])
        rows = self._rows.rows(range(int(self._starts[owner]), int(self._starts[owner + 1])))
        found = [_opinion(each) for each in rows]
        whole = next((each for each in found if each.aspect == WHOLE), None)
        rating = next((each["rating"] for each in rows if each["aspect"] == WHOLE), None)
        aspects = sorted(
            (each for each in found if each.aspect != WHOLE), key=lambda each: (-each.reviews, each.aspect)
        )
        return Reviewed(id, whole, rating, aspects, self._usual, self._said)


def _opinion(row: dict[str, Any]) -> Opinion:
    reasons = [
        Reason(row[name], round(row[f"{name}_share"], 4)) if row[name] is not None else None
        for name in ("praise", "blame")
    ]
    return Opinion(row["aspect"], round(row["sentiment"], 4), round(row["mean"], 4), row["reviews"], *reasons)
