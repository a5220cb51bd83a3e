"""Products for what a shopper says of themselves: the phrases one by one, and the interests that they show."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from wares.algorithm import Context, Recommender, setting
from wares.arrays import Dense, Rows, unit
from wares.data.history import History
from wares.data.hits import Reason
from wares.errors import SettingError
from wares.recommend.content import Content
from wares.recommend.profile import picked
from wares.tasks.interests import Interests

MOST = 12
"""Phrases of a sentence that are read."""

_BETWEEN = re.compile(r"[,;.!?\n，；。！？、]+|\s+(?:and|und|et|y)\s+|\s+-\s+", re.IGNORECASE)
_EMPTY = re.compile(
    r"^(?:i am|i'm|im|i have|i've|we have|i like|i love|i want|i need|we like|likes?|loves?|wants?|needs?|has|have|"
    r"an?|the|my|some|with|who|is|also|very|我是|我有|我喜欢|喜欢|我想要|想要|有)\s*",
    re.IGNORECASE,
)


def phrases(sentence: str) -> list[str]:
    """What a sentence says, one by one: "runner, two kids, likes green tea" is runner, two kids and green tea.

    At most twelve. Raises SettingError where it says nothing.
    """
    found = []
    for part in _BETWEEN.split(sentence):
        text = part.strip()
        while (shorter := _EMPTY.sub("", text, count=1)) != text and shorter:
            text = shorter
        if any(letter.isalnum() for letter in text):
            found.append(text)
    if not found:
        raise SettingError(f"profile {sentence!r} says nothing; say it such as 'runner, two kids, likes green tea'")
    return list(dict.fromkeys(found))[:MOST]


@dataclass(kw_only=True, eq=False)
class Profile(Recommender):
    """The products nearest to each thing a shopper says, or to the history, and what shoppers of such interests take.

    Choose it for a shopper who says a sentence. Each phrase is compared with the products by itself, and a product
    stands by the phrase that it suits best, each phrase's best product being as good as any other's: a mean of "runner"
    and "green tea" would be neither. The history is one more phrase. To that comes what `interests` says, the two each
    divided by its greatest score. Without phrases it is content beside interests; without a history too, what is
    popular. Time O(phrases x products x width) a question; memory that of its parts.

    Settings
    --------
    content : compares products with phrases. interests : finds the shopper's interests.
    interest_weight : what interests count beside 1 for the phrases.

    Learned
    -------
    content_, interests_ : the parts, fitted.
    """

    READS: ClassVar[Sequence[str]] = ("history", "vectors")
    BLOCK: ClassVar[int] = 32

    content: Content = field(default_factory=lambda: Content(width=256))
    interests: Interests = field(default_factory=Interests)
    interest_weight: float = setting(0.3, low=0.0)

    def fit(self, history: History, context: Context = Context()) -> Self:
        """Fit a copy of each part. Raises DataError where there are no vectors or no events."""
        self._check()
        self.content_ = clone(self.content).fit(history, context)
        self.interests_ = clone(self.interests).fit(history, context)
        return self

    def score(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """The best phrase's likeness and the interests' say, each 1 at most; -inf of what none knows."""
        self._ready()
        near, taken = self._parts(history, context)
        best = near.max(axis=1, initial=-np.inf)
        total = np.where(np.isneginf(best), 0, best) + np.where(np.isneginf(taken), 0, taken)
        return picked(np.where(np.isneginf(best) & np.isneginf(taken), -np.inf, total).astype(np.float32), products)

    def _parts(self, history: History, context: Context) -> tuple[Dense, Dense]:
        """(n_shoppers, n_phrases + 1, n) likeness to each phrase, the history last, and (n_shoppers, n) the interests'.

        Each divided by its greatest; -inf where a phrase, or the whole, has nothing to say.
        """
        everything = np.arange(max(history.n_products, len(self.content_.vectors_)))
        whole = self.content_.score(history, everything, context=context)
        n_phrases = 0 if context.told is None else context.told.shape[1]
        near = np.full((len(history), n_phrases + 1, whole.shape[1]), -np.inf, np.float32)
        near[:, -1] = whole
        if context.told is not None:
            there = np.asarray(context.told.any(axis=2))
            asked = unit(np.asarray(context.told[there] @ self.content_.basis_, np.float32))
            found = np.full((len(asked), whole.shape[1]), -np.inf, np.float32)
            known = np.flatnonzero(self.content_.vectors_.any(axis=1))
            found[:, known] = asked @ self.content_.vectors_[known].T
            near[:, :-1][there] = found
        taken = self.interests_.score(history, everything, context=context)
        return _scaled(near), _scaled(taken) * np.float32(self.interest_weight)

    def reasons(
        self,
        history: History,
        rows: Rows,
        said: Sequence[str],
        interest: Callable[[int], str],
        *,
        context: Context,
        of_history: str = "like what you have had",
    ) -> list[tuple[Reason, ...]]:
        """For each of `rows`, for a one-shopper history, what the score is made of; shares sum to 1.

        said : the phrases of `context.told`. interest : the name of an interest by its number.
        """
        near, taken = self._parts(history, context)
        place = self.interests_.place(history, context)[0]
        found = []
        for row in np.asarray(rows).tolist():
            phrase = int(near[0, :, row].argmax())
            likeness = max(float(near[0, phrase, row]), 0.0)
            liked = max(float(taken[0, row]), 0.0)
            number = (
                int((place * self.interests_.taste_[:, row]).argmax()) if row < self.interests_.taste_.shape[1] else 0
            )
            total = (likeness + liked) or 1.0
            text = f"you said: {said[phrase]}" if phrase < len(said) else of_history
            each = [
                Reason(text, round(likeness / total, 6)),
                Reason(f"your interest: {interest(number)}", round(liked / total, 6)),
            ]
            each = sorted((one for one in each if one.share > 0), key=lambda one: -one.share)
            found.append((*each, Reason("other", max(0.0, 1.0 - sum(one.share for one in each)))))
        return found


def _scaled(scores: Any) -> Dense:
    """Scores divided by the greatest of each last axis, where that is above zero; -inf stays."""
    greatest: NDArray[np.float32] = scores.max(axis=-1, keepdims=True, initial=-np.inf)
    return np.asarray(np.divide(scores, greatest, out=np.array(scores, np.float32), where=greatest > 0), np.float32)
