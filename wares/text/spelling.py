"""Misspelt words to the words they were meant to be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA

_BASE = 1_000_003


@dataclass(frozen=True, eq=False)
class Spelling:
    """Finds the known words one edit away: a letter put in, left out, changed, or two neighbours swapped.

    Two words within one edit share a form with at most one letter left out (symmetric deletion), so a question is a
    few binary searches. All state is arrays, which may be memory maps; memory about 12 bytes x letters of the words.

    keys : (n,) sorted hashes of every word and of every word with one letter left out. owners : (n,) the word each
    came from. letters, starts : code points of all words, and where each begins. counts : how often each is used.
    targets : what a correction answers for each word, which is the word itself unless told otherwise.

    Source: Garbe 2012, SymSpell, for symmetric deletion.
    """

    keys: NDArray[np.uint64]
    owners: NDArray[np.int32]
    letters: NDArray[np.uint32]
    starts: NDArray[np.int64]
    counts: NDArray[np.int64]
    targets: NDArray[np.int32]

    LEAST = 5
    """Shorter words are not corrected: too many words are one edit away from them."""
    LONGEST = 40
    """Longer words are not corrected; they are codes rather than words."""

    @classmethod
    def of(cls, words: Sequence[str], counts: NDArray[np.integer], targets: NDArray[np.integer] | None = None) -> Self:
        """Learn distinct words, how often each is used, and the number a correction to each answers (its row)."""
        lengths = np.fromiter(map(len, words), np.int64, len(words))
        letters = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), np.uint32)
        starts = np.concatenate([[0], np.cumsum(lengths)])
        keys, owners = [], []
        # Two words within one edit differ by at most one letter in length, hence one less than the least.
        for length in range(cls.LEAST - 1, cls.LONGEST + 1):
            rows = np.flatnonzero(lengths == length)
            if len(rows):
                table = letters[starts[rows][:, None] + np.arange(length)]
                found = _deletions(table)
                keys.append(found.ravel())
                owners.append(np.repeat(rows, found.shape[1]))
        key = np.concatenate([*keys, np.empty(0, np.uint64)])
        order = np.argsort(key, kind="stable")
        return cls(
            key[order],
            np.concatenate([*owners, np.empty(0, np.int64)])[order].astype(np.int32),
            letters,
            starts,
            np.asarray(counts, np.int64),
            np.arange(len(words), dtype=np.int32) if targets is None else np.asarray(targets, np.int32),
        )

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """The state by name, to be saved; `Spelling(**arrays)` is the same again."""
        return {name: getattr(self, name) for name in ("keys", "owners", "letters", "starts", "counts", "targets")}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        """What `arrays` gave, memory-mapped or not."""
        return cls(**{name: arrays[name] for name in cls.__dataclass_fields__})  # type: ignore[arg-type]

    def word(self, row: int) -> str:
        """The word of a row."""
        return self.letters[self.starts[row] : self.starts[row + 1]].tobytes().decode("utf-32-le", "surrogatepass")

    def suggest(self, word: str, n: int = 3) -> list[tuple[int, float]]:
        """At most n (target, weight), the likeliest first; weights sum to 1. None for a word that is not understood.

        A known word is its own only suggestion. Otherwise words one edit away, the most used first; digits are never
        changed, for another digit is another product.
        """
        if not self.LEAST - 1 <= len(word) <= self.LONGEST:
            return []
        table = np.frombuffer(word.encode("utf-32-le", "surrogatepass"), np.uint32)[None, :]
        keys = np.unique(_deletions(table))
        left, right = np.searchsorted(self.keys, keys), np.searchsorted(self.keys, keys, side="right")
        rows = {int(row) for a, b in zip(left, right, strict=True) if b > a for row in self.owners[a:b]}
        weights: dict[int, int] = {}
        for row in sorted(rows):
            known = self.word(row)
            distance = OSA.distance(word, known, score_cutoff=1)
            if distance == 0:
                return [(int(self.targets[row]), 1.0)]
            if distance == 1 and max(len(word), len(known)) >= self.LEAST and _digits(word) == _digits(known):
                target = int(self.targets[row])
                weights[target] = weights.get(target, 0) + max(int(self.counts[row]), 1)
        best = sorted(weights.items(), key=lambda each: (-each[1], each[0]))[:n]
        total = sum(weight for _, weight in best)
        return [(target, weight / total) for target, weight in best]


def _digits(word: str) -> str:
    return "".join(filter(str.isdecimal, word))


def _deletions(letters: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """(n, length + 1) hashes of words of one length (n, length): whole, then with each letter left out."""
    n, length = letters.shape
    powers = np.array([pow(_BASE, power, 1 << 64) for power in range(length + 1)], np.uint64)
    before = np.zeros((n, length + 1), np.uint64)
    after = np.zeros((n, length + 1), np.uint64)
    with np.errstate(over="ignore"):  # the hash is a number modulo 2^64
        codes = letters.astype(np.uint64) + np.uint64(1)
        for place in range(length):
            before[:, place + 1] = before[:, place] * np.uint64(_BASE) + codes[:, place]
        for place in range(length - 1, -1, -1):
            after[:, place] = after[:, place + 1] + codes[:, place] * powers[length - 1 - place]
        left_out = before[:, :-1] * powers[length - 1 - np.arange(length)] + after[:, 1:]
    return np.concatenate([before[:, -1:], left_out], axis=1)
