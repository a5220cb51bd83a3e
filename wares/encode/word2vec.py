"""Products by the words of their text, and words by the company they keep."""

import gzip
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.algorithm import Context, Encoder, setting
from wares.arrays import Dense, Labels, unit
from wares.data.catalog import Catalog
from wares.data.schema import TEXT
from wares.encode.features import side_by_side
from wares.encode.meetings import Meetings, without_common
from wares.encode.sampling import sampled, shortened
from wares.errors import DataError, SettingError
from wares.text.tokens import Tokens, tokens_of

LETTERS = 64_000_000
"""Letters of all texts together that words are learned from."""

LONGEST = 64
"""Letters of a word; what is longer is no word, and would make the table of words wide."""

AT_ONCE = 20_000
"""Lines of a file read at once."""


@dataclass(kw_only=True, eq=False)
class Word2Vec(Encoder):
    """Skip-gram with negative sampling over the words of the texts; a product is the weighted mean of its words.

    Choose it where no sentence encoder can be installed and words of one meaning are to lie near each other, or to
    bring vectors of your own: with `file` the words have the vectors of a file as GloVe and word2vec write them as text
    (`word number number ...`, with or without a first line that says how many, plain or .gz), and only how rare each
    word is, is learned. It knows no word that it has not met; sentence vectors and `lsa` tell products apart better.
    Words are those of the search: singular, without accents, Chinese cut into words. Frequent words count less.
    Steps are taken one after the other, on one thread: the same seed gives the same bits.
    Time O(words x epochs x (partners + negative) x width), under a second for 12,000 titles; memory 2 x
    n_words x width numbers and 16 bytes a word of the texts; with `file` its words' vectors.

    Settings
    --------
    columns : read as one text, in this order; those that the catalog lacks are left out.
    file : path of a file of word vectors; "" to learn them here. width : dimensions, of words that are learned here.
    most : words kept at most, the most frequent, or the first of the file. least : times that a word must be met.
    partners : of the words around it that a word meets in each pass. negative : words drawn by chance beside them.
    window : how far apart two words may be. epochs : passes over the words. rate : of the first step; it falls to
    nothing. subsample : share of all words above which one is passed over now and then; 1 for never.
    common : share of all words at which a word counts half. sample : texts learned from at most.

    Learned
    -------
    vocabulary_ : (n_words,) text, ascending. vectors_ : (n_words, width) float32 unit rows, for learned words without
    the direction that all share. weights_ : (n_words,) float32, common / (common + share of all words).

    Source: Mikolov et al. 2013, arXiv:1310.4546; Arora, Liang & Ma 2017, openreview SyK00v5xx, for the weights;
    Pennington, Socher & Manning 2014, doi:10.3115/v1/D14-1162, for GloVe.
    """

    columns: tuple[str, ...] = TEXT
    file: str = ""
    width: int = setting(128, low=1)
    most: int = setting(200_000, low=1)
    least: int = setting(2, low=1)
    partners: int = setting(4, low=1)
    negative: int = setting(8, low=1)
    window: int = setting(5, low=1)
    epochs: int = setting(15, low=1)
    rate: float = setting(0.05, low=0)
    subsample: float = setting(1e-3, low=1e-9, high=1)
    common: float = setting(1e-2, low=1e-9)
    sample: int = setting(200_000, low=1)
    seed: int = 0

    def fit(self, catalog: Catalog, context: Context = Context(), *, same: Labels | None = None) -> Self:
        """Learn words from the texts, or read them. Raises DataError for a file of other things, naming the line."""
        self._check()
        rng = np.random.default_rng(self.seed)
        texts = shortened(sampled(catalog, self.columns, self.sample, rng), LETTERS)
        tokens = tokens_of(texts)
        counts = np.bincount(tokens.codes, minlength=len(tokens.words))
        if self.file:
            words, vectors = _read(Path(self.file).expanduser(), self.most)
        else:
            words, vectors = self._learned(tokens, counts)
        order = np.argsort(words, kind="stable")
        self.vocabulary_, self.vectors_ = words[order], vectors[order]
        known = dict(zip(tokens.words, counts.tolist(), strict=True))
        met = np.array([known.get(word, 0) for word in self.vocabulary_.tolist()], np.float64)
        self.weights_ = (self.common / (self.common + met / max(counts.sum(), 1))).astype(np.float32)
        return self

    def encode(self, catalog: Catalog) -> Dense:
        return self._encoded(catalog.texts(self.columns))

    def encode_text(self, texts: Sequence[str]) -> Dense:
        return self._encoded([texts])

    def _learned(self, tokens: Tokens, counts: NDArray[np.int64]) -> tuple[NDArray[np.str_], Dense]:
        least = self.least if (counts >= self.least).any() else 1
        short = np.array([len(word) <= LONGEST for word in tokens.words], np.bool_)
        kept = np.flatnonzero((counts >= least) & short)
        kept = np.sort(kept[np.argsort(-counts[kept], kind="stable")][: self.most])
        number = np.full(len(counts) + 1, -1, np.int32)
        number[kept] = np.arange(len(kept), dtype=np.int32)
        places = number[tokens.codes]
        texts = np.repeat(np.arange(len(tokens)), np.diff(tokens.offsets))[places >= 0]
        places = places[places >= 0]
        starts = np.searchsorted(texts, np.arange(len(tokens) + 1))
        here = np.arange(len(places))
        first = np.maximum(here - self.window, starts[texts])
        stop = np.minimum(here + self.window + 1, starts[texts + 1])
        learned = unit(Meetings.of(self).learn(places, first, stop, len(kept), self.seed))
        words = np.array([tokens.words[code] for code in kept.tolist()], np.str_)
        return words, without_common(np.asarray(learned, np.float32))

    def _encoded(self, texts: Iterable[Sequence[str]]) -> Dense:
        self.learned()
        vectors = np.asarray(self.vectors_)
        parts = side_by_side(self._mean, texts)
        return np.asarray(unit(np.concatenate([np.zeros((0, vectors.shape[1]), np.float32), *parts])), np.float32)

    def _mean(self, texts: Sequence[str]) -> Dense:
        tokens = tokens_of(texts)
        words = np.array([word if len(word) <= LONGEST else "" for word in tokens.words] or [""], np.str_)
        places = np.minimum(np.searchsorted(self.vocabulary_, words), max(len(self.vocabulary_) - 1, 0))
        known = self.vocabulary_[places] == words if len(self.vocabulary_) else np.zeros(len(words), np.bool_)
        columns = np.where(known, places, -1)[tokens.codes]
        rows = np.repeat(np.arange(len(texts)), np.diff(tokens.offsets))[columns >= 0]
        columns = columns[columns >= 0]
        shape = (len(texts), max(len(self.vocabulary_), 1))
        weights = np.asarray(self.weights_)[columns]
        # A sparse product adds up each row alone, so its bits do not hang on the rows beside it.
        found = csr_array((weights, (rows, columns)), shape=shape)
        if not len(self.vocabulary_):
            return np.zeros((len(texts), self.vectors_.shape[1]), np.float32)
        mean: Dense = found @ np.asarray(self.vectors_)
        return mean


# -- files of word vectors -------------------------------------------------------------------------------------------


def _read(path: Path, most: int) -> tuple[NDArray[np.str_], Dense]:
    """Words as the texts have them, and their unit vectors; of words that come to be one, the first counts."""
    found: dict[str, Dense] = {}
    for words, vectors in _blocks(path):
        tokens = tokens_of(words)
        single = np.flatnonzero(np.diff(tokens.offsets) == 1)
        for row in single.tolist():
            word = tokens.words[tokens.codes[tokens.offsets[row]]]
            if len(word) <= LONGEST:
                found.setdefault(word, vectors[row])
        if len(found) >= most:
            break
    if not found:
        raise DataError(f"{path}: no line holds a word and its numbers")
    names = list(found)[:most]
    return np.array(names, np.str_), np.asarray(unit(np.stack([found[name] for name in names])), np.float32)


def _blocks(path: Path) -> Iterator[tuple[list[str], Dense]]:
    """Some words at a time, as they stand in the file, and their numbers."""
    width, words, rows = 0, list[str](), list[Dense]()
    for number, line in _lines(path):
        word, *values = line.split(" ")
        if number == 1 and len(values) == 1 and word.isdigit() and values[0].isdigit():
            continue  # how many there are, as word2vec says first
        if width and len(values) > width:  # a word with spaces in it
            word, values = " ".join([word, *values[:-width]]), values[-width:]
        try:
            vector = np.array(values, np.float32)
        except ValueError:
            raise DataError(f"{path}, line {number}: {line[:60]!r} is not a word and its numbers") from None
        if not width:
            width = len(vector)
        if len(vector) != width or not width or not np.isfinite(vector).all():
            raise DataError(f"{path}, line {number}: {len(vector)} numbers, where the lines before have {width}")
        words.append(word)
        rows.append(vector)
        if len(words) == AT_ONCE:
            yield words, np.stack(rows)
            words, rows = [], []
    if words:
        yield words, np.stack(rows)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line.rstrip("\r\n ")
    except FileNotFoundError:
        raise SettingError(f"Word2Vec(file={str(path)!r}): there is no such file") from None
    except (UnicodeDecodeError, OSError) as error:
        raise DataError(f"{path} is not a text file of word vectors: {error}") from error
