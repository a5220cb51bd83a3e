"""Why a product was given a class: what each word, attribute and view adds, exactly where the model is a sum."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.algorithm import Classifier, Encoder
from wares.arrays import Dense, Vectors, unit
from wares.data.catalog import Catalog
from wares.data.hits import Hits, Reason
from wares.encode.attributes import Attributes
from wares.encode.features import Features, counts
from wares.encode.tfidf import TfIdf
from wares.errors import DataError, UnknownName
from wares.tasks.views import LEAST, Views
from wares.text.letters import letters_of


@runtime_checkable
class Sums(Protocol):
    """A classifier whose logits are sums over columns: `contributions` and `intercept_` make up the logit exactly."""

    intercept_: NDArray[np.float32]

    def contributions(self, X: Any, classes: Any) -> csr_array: ...


@dataclass(frozen=True)
class Part:
    """What one thing about a product adds to a logit; below 0 it speaks against the class.

    kind : "word", "attribute" or "view" (of a view whose columns mean nothing to a reader).
    """

    text: str
    kind: str
    value: float


@dataclass(frozen=True)
class Account:
    """Why one class of one product: base and parts, the strongest first, sum to the logit.

    base : what every product is given. The probabilities of all classes are the softmax of their logits.
    """

    target: str
    name: str
    probability: float
    logit: float
    base: float
    parts: Sequence[Part]

    def reasons(self, k: int = 5) -> list[Reason]:
        """The k parts that speak most for the class, as shares of all that does; the rest as "other"."""
        total = sum(part.value for part in self.parts if part.value > 0)
        if total <= 0:
            return [Reason("nothing known of it speaks for another class more", 1.0)]
        best = [Reason(_said(part), part.value / total) for part in self.parts if part.value > 0][:k]
        left = 1.0 - sum(reason.share for reason in best)
        return [*best, Reason("other", left)] if left > 1e-6 else best


def account(labeller: Views, catalog: Catalog, target: str, name: str | None = None) -> Account:
    """Account for the class of the first product of a catalog: `name`, or the likeliest one.

    Exact for classifiers that are sums over columns (linear; naive Bayes of counts). Raises DataError for others (see
    `wares.tasks.perturbing`), UnknownName for a target or class that was not fitted.
    """
    if target not in labeller.learned()["models_"]:
        raise UnknownName.among("target", target, labeller.models_)
    product = Catalog(catalog.frame(catalog.columns, slice(0, 1)))
    if not len(product):
        raise DataError("there is no product to account for")
    classes = np.asarray(labeller.classes_[target])
    shares = labeller.predict_proba(product)[target][0]
    name = str(classes[shares.argmax()]) if name is None else name
    if name not in classes:
        raise UnknownName.among(f"class of {target!r}", name, classes.tolist())
    base, parts = 0.0, []
    for model, weight, rows, spans in _models(labeller, product, target):
        if not isinstance(model, Sums) or getattr(model, "kind_", "") == "gaussian":
            raise DataError(f"{type(model).__name__} is no sum over columns; wares.tasks.perturbing explains it")
        if name not in model.classes_:
            base += weight * float(np.log(LEAST))
            continue
        columns = np.zeros(rows.shape[1], np.float64)
        given = model.contributions(rows, [name])
        columns[given.indices] = given.data
        k = int(np.searchsorted(model.classes_, name))
        # What each view says is a probability in late fusion: less the same number for all classes.
        base += weight * (
            float(model.intercept_[k]) - (_level(model, rows) if len(spans) < len(labeller.views_) else 0)
        )
        for view, start, stop in spans:
            found = _of_view(view, product, columns[start:stop])
            parts += [Part(part.text, part.kind, weight * part.value) for part in found]
    parts = sorted((part for part in parts if part.value), key=lambda part: -part.value)
    logit = base + sum(part.value for part in parts)
    return Account(target, name, float(shares[np.flatnonzero(classes == name)[0]]), logit, base, parts)


def examples(labeller: Views, labelled: Catalog, names: Sequence[str], catalog: Catalog, k: int = 3) -> list[Reason]:
    """The k labelled products that look most like the first of a catalog, over all views; their shares go by
    cosine."""
    if len(names) != len(labelled):
        raise DataError(f"{len(names)} classes for {len(labelled)} labelled products")
    product = Catalog(catalog.frame(catalog.columns, slice(0, 1)))
    cosines = np.zeros(len(labelled), np.float32)
    for known, asked in zip(labeller.rows(labelled), labeller.rows(product), strict=True):
        cosines += _product(unit(known), unit(asked)) / np.float32(len(labeller.views_))
    hits = Hits.top(cosines[None], k)
    rows, scores = hits.rows[0][hits.rows[0] >= 0], hits.scores[0][hits.rows[0] >= 0]
    titles = labelled.text(("title",))
    ids = labelled.ids.names(rows)
    total = float(scores.sum()) or 1.0
    return [
        Reason(f"like “{titles[row]}”, which is {names[row]}", float(score) / total, (name,))
        for row, score, name in zip(rows.tolist(), scores.tolist(), ids, strict=True)
    ]


@dataclass(frozen=True)
class Surrogate:
    """A small tree that answers nearly as a model does.

    text : its questions, of words and attributes. fidelity : the share of products not shown to it for which its answer
    is the model's. leaves : its answers.
    """

    text: str
    fidelity: float
    leaves: int


def surrogate(
    labeller: Views, catalog: Catalog, target: str, *, depth: int = 4, words: int = 500, seed: int = 0
) -> Surrogate:
    """A tree over the most frequent words, fitted to what the labeller answers for the products of a catalog.

    It reads the columns that the labeller's views of text read. A third of the products is kept to judge it.
    """
    if target not in labeller.learned()["models_"]:
        raise UnknownName.among("target", target, labeller.models_)
    if len(catalog) < 3:
        raise DataError(f"{len(catalog)} products are too few to fit a tree and judge it")
    answers = np.asarray(labeller.classes_[target])[labeller.predict_proba(catalog)[target].argmax(axis=1)]
    columns = tuple(dict.fromkeys(each for view in labeller.views_ for each in getattr(view, "columns", ())))
    found = [set(_words(text)) for text in catalog.text(columns or ("title",))]
    known: dict[str, int] = {}
    for each in found:
        for word in each:
            known[word] = known.get(word, 0) + 1
    frequent = sorted(known, key=lambda word: (-known[word], word))[:words]
    if not frequent:
        raise DataError("the products have no words to ask about")
    table = np.array([[word in each for word in frequent] for each in found], np.float32)
    held = np.zeros(len(catalog), np.bool_)
    held[np.random.default_rng(seed).permutation(len(catalog))[: len(catalog) // 3]] = True
    from sklearn.tree import DecisionTreeClassifier, export_text  # long to import

    tree = DecisionTreeClassifier(max_depth=depth, random_state=seed).fit(table[~held], answers[~held])
    text = export_text(tree, feature_names=frequent, max_depth=depth)
    text = text.replace("<= 0.50", "is not in it").replace(">  0.50", "is in it")
    return Surrogate(text, float((answers[held] == tree.predict(table[held])).mean()), int(tree.get_n_leaves()))


# -- from columns to words ------------------------------------------------------------------------------------------


def _models(
    labeller: Views, product: Catalog, target: str
) -> Iterator[tuple[Classifier, float, Vectors, list[tuple[Encoder, int, int]]]]:
    """Each classifier with its weight for this product, its rows, and the views in them by their columns."""
    tables = labeller.rows(product)
    models, weights = labeller.models_[target], labeller.weights_[target]
    spans = [(view, *span) for view, span in zip(labeller.views_, labeller.spans_, strict=True)]
    if len(models) == 1:
        yield models[0], 1.0, labeller.joined(tables), spans
        return
    there = [bool(table.nnz if isinstance(table, csr_array) else table.any()) for table in tables]
    total = sum(weight for weight, known in zip(weights, there, strict=True) if known) or 1.0
    for model, weight, table, (view, start, stop), known in zip(models, weights, tables, spans, there, strict=True):
        if known and weight:
            yield model, weight * sum(weights) / total, table, [(view, 0, stop - start)]


def _level(model: Any, rows: Vectors) -> float:
    logits = np.asarray(model.logits(rows)[0], np.float64)
    return float(np.log(np.exp(logits - logits.max()).sum()) + logits.max())


def _of_view(view: Encoder, product: Catalog, columns: NDArray[np.float64]) -> list[Part]:
    """The contributions of the columns of one view in words of a reader."""
    if isinstance(view, TfIdf) and not view.across:
        return _of_words(view, product, columns)
    if isinstance(view, Attributes):
        names = [*view.numbers_, *np.asarray(view.names_).tolist()]
        parts = []
        for place, value in zip(np.asarray(view.kept_).tolist(), columns.tolist(), strict=True):
            name = names[place]
            if name in view.numbers_:
                name = f"{name}={product.frame([name])[name][0]}"
            parts.append(Part(name, "attribute", value))
        return parts
    return [Part(type(view).__name__.lower(), "view", float(columns.sum()))]


def _of_words(view: TfIdf, product: Catalog, columns: NDArray[np.float64]) -> list[Part]:
    """Each column's contribution goes to the words that have it, by how often they do: n-grams never cross words, and
    pairs are shared."""
    features = Features.of(view.words, view.low, view.high, view.bits, view.pairs)
    words = _words(product.text(view.columns)[0])
    distinct = {word: place for place, word in enumerate(dict.fromkeys(words))}
    if not distinct:
        return []
    single = counts(words, features)
    owners, where, times = [np.repeat(np.arange(len(words)), np.diff(single.indptr))], [single.indices], [single.data]
    if view.pairs and len(words) > 1:
        # What two words have beside what each has alone is half of the one and half of the other.
        both = counts([f"{a} {b}" for a, b in pairwise(words)], features) - single[:-1] - single[1:]
        pairs = csr_array(both)
        first = np.repeat(np.arange(len(words) - 1), np.diff(pairs.indptr))
        owners += [first, first + 1]
        where += [pairs.indices, pairs.indices]
        times += [pairs.data / 2, pairs.data / 2]
    owner, column, time = np.concatenate(owners), np.concatenate(where), np.concatenate(times).astype(np.float64)
    total = np.bincount(column, time, len(columns))
    share = np.divide(time * columns[column], total[column], out=np.zeros(len(time)), where=total[column] > 0)
    values = np.bincount(np.array([distinct[word] for word in words])[owner], share, len(distinct))
    return [Part(word, "word", float(value)) for word, value in zip(distinct, values, strict=True)]


def _words(text: str) -> list[str]:
    """The words that n-grams are made of, as they are read: in lower case, split where no letter or digit stands."""
    codes, _ = letters_of([text])
    inside = ((codes >= 97) & (codes <= 122)) | ((codes >= 48) & (codes <= 57)) | (codes > 127)
    letters = np.where(inside, codes, ord(" ")).astype(np.uint32)
    return letters.tobytes().decode("utf-32-le").split()


def _product(known: Vectors, asked: Vectors) -> Dense:
    """(n,) each known row times the one asked."""
    if isinstance(known, csr_array):
        return np.asarray(known @ csr_array(asked).toarray()[0], np.float32)
    return np.asarray(known @ np.asarray(asked)[0], np.float32)


def _said(part: Part) -> str:
    if part.kind == "word":
        return f"the word “{part.text}”"
    if part.kind == "attribute":
        return f"its {part.text.replace('=', ' ', 1)}"
    return f"what it is like by {part.text}"
