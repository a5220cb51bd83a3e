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
_SMALL = (
    """i am|i'm|im|i have|i've|we have|we are|i like|i love|i want|i need|we like|likes?|loves?|wants?|needs?|has"""
)
_SMALL += "|have|had|an?|the|my|our|some|someone|somebody|with|who|is|also|very|and"
_EMPTY = re.compile(rf"^(?:(?:{_SMALL})(?=\s)|我是|我有|我喜欢|喜欢|我想要|想要|有)\s*", re.IGNORECASE)
"""How a phrase may begin without saying anything."""


LETTERS = 1_000
"""Of what a shopper says at most."""


def phrases(sentence: str) -> list[str]:
    """What a sentence says, one by one: "runner, two kids, likes green tea" is runner, two kids and green tea.

    At most twelve. Raises SettingError where it says nothing, or more than `LETTERS`.
    """
    if len(sentence) > LETTERS:
        raise SettingError(f"a profile of {len(sentence):,} letters: at most {LETTERS:,}")
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
    and "green tea" would be neither. The history is one more phrase. To that comes what `interests` says, on a scale of
    logarithms, since there the best is a thousand times the usual. Without phrases it is content beside interests;
    without a history too, what is popular. Time O(phrases x products x width) a question; memory that of its parts.

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
    interest_weight: float = setting(0.15, low=0.0)

    def fit(self, history: History, context: Context = Context()) -> Self:
        """Fit a copy of each part. Raises DataError where there are no vectors or no events."""
        self._check()
        self.content_ = clone(self.content).fit(history, context)
        self.interests_ = clone(self.interests).fit(history, context)
        return self

    @classmethod
    def over(cls, vectors: Dense, interests: Interests) -> Self:
        """One of unit vectors as they are, which are not copied, and of interests that are fitted."""
        made = cls()
        made.content_ = Content(width=vectors.shape[1])
        made.content_.basis_ = np.eye(vectors.shape[1], dtype=np.float32)
        made.content_.vectors_ = vectors
        made.content_.empty_ = np.flatnonzero(~np.asarray(vectors.any(axis=1)))
        made.interests_ = interests
        return made

    def score(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """The best phrase's likeness and the interests' say, each 1 at most; -inf of what none knows."""
        self._ready()
        near, taken = self._parts(history, context)
        best = near.max(axis=1, initial=-np.inf)
        total = np.where(np.isneginf(best), 0, best) + np.where(np.isneginf(taken), 0, taken)
        return picked(np.where(np.isneginf(best) & np.isneginf(taken), -np.inf, total).astype(np.float32), products)

    def _parts(self, history: History, context: Context) -> tuple[Dense, Dense]:
        """(n_shoppers, n_phrases + 1, n) likeness to each phrase, the history last, and (n_shoppers, n) the interests'.

        Likenesses are divided by their greatest, the interests' logarithms brought to 0..1 and weighed; -inf where a
        phrase, or the whole, has nothing to say. Kept for the reasons of a single history.
        """
        key = ("told", id(self), id(context)) if len(history) == 1 else None
        if key in history.notes:
            return history.notes[key][:2]  # type: ignore[no-any-return]
        everything = np.arange(max(history.n_products, len(self.content_.vectors_)))
        whole = self.content_.score(history, everything, context=context)
        n_phrases = 0 if context.told is None else context.told.shape[1]
        near = np.full((len(history), n_phrases + 1, whole.shape[1]), -np.inf, np.float32)
        near[:, -1] = whole
        if context.told is not None:
            there = np.asarray(context.told.any(axis=2))
            asked = unit(np.asarray(context.told[there] @ self.content_.basis_, np.float32))
            found = np.full((len(asked), whole.shape[1]), -np.inf, np.float32)
            np.matmul(asked, self.content_.vectors_.T, out=found[:, : len(self.content_.vectors_)])
            found[:, self.content_.empty_] = -np.inf
            near[:, :-1][there] = found
        taken = _even(self.interests_.score(history, everything, context=context)) * np.float32(self.interest_weight)
        near = _scaled(near)
        if key is not None:
            history.notes[key] = near, taken, self, context  # the last two keep their ids from others
        return near, taken

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
        place, taste = self.interests_.place(history, context)[0], self.interests_.taste_
        found = []
        for row in np.asarray(rows).tolist():
            phrase = int(near[0, :, row].argmax())
            likeness = max(float(near[0, phrase, row]), 0.0)
            liked = max(float(taken[0, row]), 0.0)
            own = "popular with all shoppers"
            if row < taste.shape[1] and place @ taste[:, row] > self.interests_.prior_ @ taste[:, row]:
                own = f"your interest: {interest(int((place * taste[:, row]).argmax()))}"
            total = (likeness + liked) or 1.0
            text = f"you said: {said[phrase]}" if phrase < len(said) else of_history
            each = [
                Reason(text, round(likeness / total, 6)),
                Reason(own, round(liked / total, 6)),
            ]
            each = sorted((one for one in each if one.share > 0), key=lambda one: -one.share)
            found.append((*each, Reason("other", max(0.0, 1.0 - sum(one.share for one in each)))))
        return found


def _scaled(scores: Any) -> Dense:
    """Scores divided by the greatest of each last axis, where that is above zero; -inf stays."""
    greatest: NDArray[np.float32] = scores.max(axis=-1, keepdims=True, initial=-np.inf)
    return np.asarray(np.divide(scores, greatest, out=np.array(scores, np.float32), where=greatest > 0), np.float32)


def _even(scores: Dense) -> Dense:
    """The logarithms of probabilities, the least of each row at 0 and the greatest at 1; -inf stays."""
    known = np.isfinite(scores) & (scores > 0)
    logs = np.log(scores, out=np.full(scores.shape, -np.inf, np.float32), where=known)
    high = logs.max(axis=1, keepdims=True, initial=-np.inf)
    low = np.where(known, logs, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    wide = np.where(np.isfinite(high - low) & (high > low), high - low, 1.0)
    even = np.where(
        known, (logs - np.where(np.isfinite(low), low, 0)) / wide, np.where(np.isfinite(scores), 0, -np.inf)
    )
    return np.asarray(even, np.float32)
