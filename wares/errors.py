"""What can go wrong, as one tree.

WaresError
├── UnknownName (KeyError)       a product, shopper, cluster, column or algorithm nobody has heard of
├── DataError (ValueError)       the file or table does not say what it should: file, line, value
├── SettingError (ValueError)    a setting, option or key outside what is allowed
├── NotFitted (NotFittedError)   asked before `fit`; lives in `wares.algorithm`, beside scikit-learn's
├── MissingExtra (ImportError)   an optional package is not installed
└── StoreError (OSError)         a folder, build or log that cannot be used

Every message says what was given, what is allowed and, where there is one, the nearest right thing.
"""

from collections.abc import Iterable, Sequence

from rapidfuzz import fuzz, process


class WaresError(Exception):
    """Any mistake that `wares` explains itself."""

    def __str__(self) -> str:
        # KeyError quotes its message as if it were a key; ours is a sentence.
        return str(self.args[0]) if self.args else ""


class UnknownName(WaresError, KeyError):
    """A name that is not among those known."""

    @classmethod
    def among(cls, kind: str, given: str, known: Iterable[str]) -> "UnknownName":
        """The error for `given`, with the nearest of `known`."""
        return cls(f"no {kind} {given!r}{did_you_mean(given, known)}")


class DataError(WaresError, ValueError):
    """Data that cannot be read as what it should be."""


class SettingError(WaresError, ValueError):
    """A setting, option or key that is not allowed."""


class MissingExtra(WaresError, ImportError):
    """A package of an optional extra is not installed."""


class StoreError(WaresError, OSError):
    """A shop folder, build or log that cannot be used."""


def nearest(given: str, known: Iterable[str], n: int = 3) -> list[str]:
    """At most `n` of `known`, the most alike first; none that is not alike."""
    choices: Sequence[str] = known if isinstance(known, Sequence) else list(known)
    # Two of three letters that agree are much in a short name; but a part of it is found in nearly every other one.
    scorer, cutoff = (fuzz.WRatio, 60) if len(given) > 4 else (fuzz.ratio, 55)
    found = process.extract(given, choices, scorer=scorer, processor=str.lower, limit=n, score_cutoff=cutoff)
    return [name for name, _, _ in found]


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """`"; did you mean 'a' or 'b'?"`, or nothing where nothing is near."""
    found = nearest(given, known)
    return f"; did you mean {' or '.join(map(repr, found))}?" if found else ""
