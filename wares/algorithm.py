"""What an algorithm is: settings, learned arrays and one verb; and the roles it can play.

Constructor arguments are the settings, names ending in `_` are learned by `fit` (scikit-learn's convention).
Saving, loading, copying and the TOML file follow from that.
"""

import json
import re
import shutil
import typing
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache, partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from types import NoneType
from typing import Any, ClassVar, Literal, Protocol, Self, get_args, get_origin, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, ClusterMixin
from sklearn.exceptions import NotFittedError

from wares import saving
from wares.arrays import Dense, Labels, Links, Mask, Rows, Sparse, Vectors
from wares.data.catalog import Catalog
from wares.data.history import History
from wares.data.hits import Hits
from wares.errors import MissingExtra, SettingError, StoreError, UnknownName, WaresError
from wares.later import forget
from wares.runner import Local, Runner

forget("pandas")  # many look whether it is there: where it is, they would ask it, and so import it

FORMAT = 1
"""Version of the folders that `save` writes."""


class NotFitted(WaresError, NotFittedError):
    """Asked for what only `fit` can know."""


def setting(default: Any, *, low: float | None = None, high: float | None = None) -> Any:
    """A dataclass field for a setting, with the least and the greatest value allowed (both included)."""
    return field(default=default, metadata={"low": low, "high": high})


@dataclass(frozen=True, eq=False)
class Context:
    """What is known beside the main input; any part may be missing. Given to `fit` and to questions.

    vectors : (n_products, width) of the products. clusters : (n_products,) their cluster numbers.
    shoppers : (n_shoppers, width) attributes of the shoppers asked about. at : (n_shoppers,) ns since 1970 UTC, the
    moment asked about. history : for encoders that learn from behaviour. created : (n_products,) ns since 1970 UTC,
    when each product came in. told : (n_shoppers, n_phrases, width) what the shoppers asked about say of themselves,
    phrase by phrase, as unit rows in the space of `vectors`; zero rows where one says less. ratings : (n_products,) how
    people rate each product on the mean, NaN where nobody has. prices : (n_products,), NaN where none is known.
    """

    vectors: Vectors | None = None
    clusters: Labels | None = None
    shoppers: Dense | None = None
    at: NDArray[np.int64] | None = None
    history: History | None = None
    created: NDArray[np.int64] | None = None
    told: Dense | None = None
    ratings: NDArray[np.float32] | None = None
    prices: NDArray[np.float32] | None = None


@dataclass(kw_only=True, eq=False)
class Algorithm(BaseEstimator):
    """Settings as fields, learned values as attributes ending in `_`."""

    def learned(self) -> dict[str, Any]:
        """What `fit` has learned, by name. Raises NotFitted when there is nothing."""
        found = {name: value for name, value in vars(self).items() if name.endswith("_") and not name.startswith("_")}
        if not found:
            raise NotFitted(f"{type(self).__name__} has not been fitted; call fit first")
        return found

    def _ready(self) -> None:
        """Raise NotFitted before `fit`: what `learned` does, but as fast as a question needs it."""
        for name in vars(self):
            if name[-1] == "_" and name[0] != "_":
                return
        self.learned()

    def _check(self) -> None:
        """Validate the settings; called at the start of `fit`, because `set_params` goes around the constructor."""
        cls: Any = type(self)
        for name, allowed, low, high, optional in _rules(cls):
            value = getattr(self, name)
            if value is None and not optional:
                raise SettingError(f"{self._said(name)}: it has to have a value")
            if allowed and value not in allowed:
                raise SettingError(f"{self._said(name)}: allowed are {', '.join(map(repr, allowed))}")
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                continue
            if (low is not None and not value >= low) or (high is not None and not value <= high):
                upper = "" if high is None else f" and at most {high}"
                raise SettingError(f"{self._said(name)}: must be at least {low}{upper}")

    def _said(self, name: str) -> str:
        return f"{type(self).__name__}({name}={getattr(self, name)!r})"

    def save(self, folder: Path) -> None:
        """Write settings and learned values into a new folder, each by its codec; never a pickle.

        Raises SettingError for a value of a type that has no codec, NotFitted before `fit`.
        """
        _save(self, Path(folder))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; arrays are memory-mapped, read-only.

        Raises StoreError where the folder is not one of ours, is of another version or is damaged.
        """
        found = load(Path(folder))
        if not isinstance(found, cls):
            raise StoreError(f"{folder} holds a {type(found).__name__}, not a {cls.__name__}")
        return found


@cache
def _rules(cls: type[Algorithm]) -> list[tuple[str, tuple[Any, ...], float | None, float | None, bool]]:
    """Of each setting its name, the values allowed (none = any), the least, the greatest, and whether it may be None.

    Hints are slow to read.
    """
    hints = typing.get_type_hints(cls)
    return [
        (
            each.name,
            get_args(hints[each.name]) if get_origin(hints.get(each.name)) is Literal else (),
            each.metadata.get("low"),
            each.metadata.get("high"),
            hints.get(each.name, Any) in (Any, object) or NoneType in get_args(hints[each.name]),
        )
        for each in fields(cls)
    ]


# -- roles ---------------------------------------------------------------------------------------------------------


@dataclass(kw_only=True, eq=False)
class Encoder(Algorithm):
    """Products to vectors."""

    READS: ClassVar[Sequence[str]] = ()
    """What `fit` reads beside the catalog: "history", of the context."""

    SHOWS: ClassVar[Literal["text", "image", "behaviour", "attributes"]] = "text"
    """What of a product its vectors show: products can be compared by that alone."""

    @abstractmethod
    def fit(self, catalog: Catalog, context: Context = Context(), *, same: Labels | None = None) -> Self:
        """Learn from the products; `same` (n_products,) names groups known to be alike, -1 for none."""

    @abstractmethod
    def encode(self, catalog: Catalog) -> Vectors:
        """(n_products, width) float32 unit rows; a zero row where nothing is known."""


@runtime_checkable
class ReadsText(Protocol):
    """An encoder that can read a query.

    One that has a quicker way for a single text offers `encode_query(text)`, (1, width), equal but for rounding.
    """

    def encode_text(self, texts: Sequence[str]) -> Vectors: ...


@runtime_checkable
class ReadsImages(Protocol):
    """An encoder that can look at photos."""

    def encode_images(self, images: Sequence[Path | str | bytes]) -> Vectors: ...


@dataclass(kw_only=True, eq=False)
class Index(Algorithm):
    """Finds the nearest of fixed vectors; never changes after `fit`."""

    @abstractmethod
    def fit(self, vectors: Vectors) -> Self:
        """Take in (n, width) vectors."""

    @abstractmethod
    def search(self, queries: Vectors, k: int, *, allowed: Mask | None = None) -> Hits:
        """The k nearest by dot product (cosine for unit rows) of each query, among rows where `allowed` is True."""


@dataclass(kw_only=True, eq=False)
class Clusterer(ClusterMixin, Algorithm):
    """Vectors to groups. Learned: `labels_` (n,) int64, 0..n_clusters_-1 or -1, and `n_clusters_`.

    Optional: `cluster_centers_` (n_clusters_, width), `predict_proba(X)` (n, n_clusters_), `transform(X)`, and `tree_`,
    the merges in scipy's linkage format (m, 4).
    """

    READS: ClassVar[Literal["vectors", "words"]] = "vectors"
    """What the rows of X are: the products' vectors, or how often each has each word of its text (csr)."""

    RECOMMENDED: ClassVar[bool] = True
    """Whether a choice between methods may propose it; what was measured not to be worth its time says False."""

    @abstractmethod
    def fit(self, X: Any, y: Any = None, *, links: Links | None = None, runner: Runner = Local()) -> Self:
        """Group the rows of X (n, width)."""

    @abstractmethod
    def predict(self, X: Any) -> Labels:
        """(n,) the cluster of each row; on the fitted X exactly `labels_`."""


@dataclass(kw_only=True, eq=False)
class Classifier(ClassifierMixin, Algorithm):
    """Vectors to classes. Learned: `classes_`."""

    @abstractmethod
    def fit(self, X: Any, y: Any) -> Self:
        """Learn the class y (n,) of each row of X (n, width)."""

    @abstractmethod
    def predict_proba(self, X: Any) -> Dense:
        """(n, n_classes) probabilities, columns in the order of `classes_`."""


@dataclass(kw_only=True, eq=False)
class Labeller(Algorithm):
    """Products to classes, reading text or pixels itself; several targets at once. Learned: `classes_` by target."""

    @abstractmethod
    def fit(self, catalog: Catalog, y: Mapping[str, Sequence[str | None]]) -> Self:
        """Learn each target's class of each product; None where it is not known."""

    @abstractmethod
    def predict_proba(self, catalog: Catalog) -> Mapping[str, Dense]:
        """(n_products, n_classes) probabilities by target, columns in the order of `classes_`."""


@dataclass(kw_only=True, eq=False)
class Matcher(Algorithm):
    """Likenesses of pairs (0..1, NaN = not known) to the probability that both are one product."""

    @abstractmethod
    def fit(self, likeness: Dense, same: NDArray[np.bool_] | None = None) -> Self:
        """Learn from (n_pairs, n_likenesses), with the answers where they are known."""

    @abstractmethod
    def probability(self, likeness: Dense) -> NDArray[np.float32]:
        """(n_pairs,) in 0..1."""


@dataclass(kw_only=True, eq=False)
class Recommender(Algorithm):
    """Histories to products. A shopper is a history, never an id."""

    READS: ClassVar[Sequence[str]] = ("history", "vectors", "clusters", "created")
    """What `fit` reads of history and context: a part is learned anew only when that has changed."""

    BLOCK: ClassVar[int] = 256
    """Histories scored at once: scores take BLOCK x n_products x 4 bytes."""

    APART: ClassVar[bool] = True
    """Whether a build may learn its parts each in a step of its own, which is once, from all events."""

    @abstractmethod
    def fit(self, history: History, context: Context = Context()) -> Self:
        """Learn from what shoppers did."""

    @abstractmethod
    def score(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """(n_shoppers, len(products)) float32, comparable with the scores of `recommend`; -inf = cannot say."""

    def recommend(
        self,
        history: History,
        k: int,
        *,
        context: Context = Context(),
        allowed: Mask | None = None,
        repeats: bool = False,
    ) -> Hits:
        """The k best products of each history; products already in it only with `repeats`."""
        everything = np.arange(history.n_products)
        parts = []
        for start in range(0, len(history), self.BLOCK):
            block = history.take(slice(start, start + self.BLOCK))
            scores = self.score(block, everything, context=context_rows(context, start, start + self.BLOCK))
            scores = np.array(scores, np.float32)
            if allowed is not None:
                scores[:, ~allowed] = -np.inf
            if not repeats:
                scores[block.owners(), block.products] = -np.inf
            parts.append(Hits.top(scores, k))
        if not parts:
            return Hits.none(0, k)
        return Hits(np.concatenate([p.rows for p in parts]), np.concatenate([p.scores for p in parts]))


@runtime_checkable
class Additive(Protocol):
    """Learns by a sum over shoppers (or rows): add to learn on, subtract to forget, add shops' sums to federate."""

    def tally(self, part: Any) -> Mapping[str, Dense | Sparse]: ...

    def settle(self, tally: Mapping[str, Dense | Sparse]) -> Self: ...


@runtime_checkable
class Explains(Protocol):
    """A recommender that can say exactly what each event of a history adds to a score."""

    def contributions(self, history: History, product: int) -> NDArray[np.float32]:
        """(n_events,) of a one-shopper history; they sum, with what the model gives everybody, to the score."""


@dataclass(kw_only=True, eq=False)
class Ranker(Algorithm):
    """Features of candidates to their order."""

    @abstractmethod
    def fit(self, features: Dense, relevance: NDArray[np.float32], groups: NDArray[np.int64]) -> Self:
        """Learn from (n, width) features, (n,) relevance and the (n_groups,) sizes of consecutive groups."""

    @abstractmethod
    def predict(self, features: Dense) -> NDArray[np.float32]:
        """(n,) scores; higher comes first."""


def context_rows(context: Context, start: int, stop: int) -> Context:
    """The context of some shoppers of those asked about."""
    if context.shoppers is None and context.at is None and context.told is None:
        return context
    return replace(
        context,
        shoppers=None if context.shoppers is None else context.shoppers[start:stop],
        at=None if context.at is None else context.at[start:stop],
        told=None if context.told is None else context.told[start:stop],
    )


# -- saving --------------------------------------------------------------------------------------------------------


def _save(algorithm: Algorithm, folder: Path, *, bare: bool = False) -> None:
    """Save; of `bare` algorithms, such as those that stand in settings, only the settings."""
    if folder.exists():
        raise StoreError(f"{folder} exists already; an algorithm is saved into a new folder")
    learned = {} if bare else algorithm.learned()
    settings = {each.name: getattr(algorithm, each.name) for each in fields(algorithm)}
    folder.mkdir(parents=True)
    try:
        manifest: dict[str, Any] = {
            "class": f"{type(algorithm).__module__}:{type(algorithm).__qualname__}",
            "format": FORMAT,
            "packages": _packages(),
            "settings": {
                name: saving.write(value, folder, f"setting.{name}", partial(_part, bare=True))
                for name, value in settings.items()
            },
            "learned": {name: saving.write(value, folder, name, _part) for name, value in learned.items()},
        }
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        manifest["files"] = {str(path.relative_to(folder)): saving.digest(path) for path in files}
        (folder / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=1), encoding="utf-8")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)  # half an algorithm would only be in the way
        raise


def _part(value: Any, folder: Path, *, bare: bool = False) -> bool:
    if isinstance(value, Algorithm):
        _save(value, folder, bare=bare)
    return isinstance(value, Algorithm)


def load(folder: Path) -> Algorithm:
    """Read any algorithm that `save` wrote.

    Raises StoreError where the folder is not one of ours or is damaged, MissingExtra where the algorithm needs a
    package that is not installed.
    """
    manifest = _manifest(folder)
    if manifest["format"] != FORMAT:
        raise StoreError(f"{folder} was saved in format {manifest['format']}; this version reads {FORMAT}")
    cls = _class(str(manifest["class"]), folder)
    missing = [each for each in manifest["files"] if not (folder / each).exists()]
    if missing:
        raise StoreError(f"{folder} is damaged: {missing[0]} is missing")
    try:
        settings = {
            key: saving.read(each, folder, f"setting.{key}", load) for key, each in manifest["settings"].items()
        }
        found: Algorithm = cls(**settings)
        for key, each in manifest["learned"].items():
            setattr(found, key, saving.read(each, folder, key, load))
    except (ValueError, TypeError, EOFError) as error:
        raise StoreError(f"{folder} is damaged, or was saved by another version of its algorithm: {error}") from error
    return found


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / "manifest.json"
    try:
        manifest = dict(json.loads(path.read_text(encoding="utf-8")))
        return {key: manifest[key] for key in ("class", "format", "settings", "learned", "files")}
    except (FileNotFoundError, NotADirectoryError):
        raise StoreError(f"{folder} is not a saved algorithm: it has no manifest.json") from None
    except (ValueError, TypeError, KeyError) as error:
        raise StoreError(f"{path} is damaged: {error}") from None


def _class(line: str, folder: Path) -> type[Algorithm]:
    """The class that a manifest names."""
    module, _, name = line.partition(":")
    try:
        cls = getattr(import_module(module), name, None)
    except ModuleNotFoundError as error:
        missing = error.name or module
        if missing.partition(".")[0] == "wares":
            raise StoreError(f"{folder} holds {line}, which this version of wares does not have") from error
        extra = _extra_of(missing)
        how = f"pip install 'wares[{extra}]'" if extra else f"install what provides {missing!r}"
        raise MissingExtra(f"{folder} holds {line}, which needs the package {missing!r}: {how}") from error
    if not (isinstance(cls, type) and issubclass(cls, Algorithm)):
        raise StoreError(f"{folder} holds {line}, which is no algorithm")
    return cls


def _extra_of(module: str) -> str | None:
    """The extra of wares that installs a package, as far as the package is called like its module."""
    wanted = module.partition(".")[0].replace("_", "-").lower()
    try:
        lines = requires("wares") or []
    except PackageNotFoundError:
        return None
    found = (re.match(r"([\w.-]+).*extra == ['\"](\w+)['\"]", line) for line in lines)
    return next((each[2] for each in found if each and each[1].lower() == wanted), None)


def verify(folder: Path) -> list[str]:
    """The files of a saved algorithm whose content is not what was written; empty where all is well."""
    files = _manifest(folder)["files"]
    return [
        name for name, known in files.items() if not (folder / name).is_file() or saving.digest(folder / name) != known
    ]


@cache
def _packages() -> dict[str, str]:
    found = {}
    for package in ("wares", "numpy", "scipy", "scikit-learn"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # run from a source tree that was never installed
            found[package] = "unknown"
    return found


ROLES: dict[str, type[Algorithm]] = {
    "encode": Encoder,
    "index": Index,
    "cluster": Clusterer,
    "classify": Classifier,
    "label": Labeller,
    "match": Matcher,
    "recommend": Recommender,
    "rank": Ranker,
}
"""The roles by the word that the registry, `shop.toml` and the commands use."""


def role_name(role: type[Algorithm]) -> str:
    """The word of a role, such as "cluster" for Clusterer."""
    for word, cls in ROLES.items():
        if cls is role:
            return word
    raise UnknownName(f"{role.__name__} is not a role; roles are {', '.join(ROLES)}")
