"""Which method suits a catalog, and how many clusters: candidates are tried on a sample, judged and ranked."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.metrics import adjusted_mutual_info_score

from wares.algorithm import Clusterer
from wares.arrays import Labels, Sparse, Vectors
from wares.data.history import History
from wares.errors import SettingError
from wares.tasks.agreement import quality, sampled

Make = Callable[[int | None], Clusterer]
"""An unfitted clusterer of so many clusters, or of as many as it finds."""

NEAR = 0.1
"""How much less stable than the stablest a method may be to be chosen."""

SCOUTS = ("kmeans", "multinomial")
"""Candidates that look for the number of clusters, one by vectors and one by words, for they are quick and steady; the
others are tried at the number they find. Where neither is there, the first two are."""

NUMBERS = (3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20, 25, 30, 40, 50, 65, 80, 100, 130, 160, 200, 250, 320, 400)
"""Numbers of clusters that are looked at: each one where few are usual, then in about equal ratios."""

HALVINGS = 3
"""How often the sample is halved to see whether the same clusters come out."""

FLAT = 0.06
"""Numbers of clusters may be as sound as the soundest within this share of it: halving again moves them by as much."""

EVEN = 0.03
"""The same where each is taken together with its neighbours, which moves less."""

SMOOTHING = 0.1
"""Added to the count of each word in each cluster, when it is asked what clusters tell of words."""


@dataclass(frozen=True)
class Judged:
    """One candidate on the sample; a measure is None where it has no meaning.

    k : clusters asked for, None where the method finds them; clusters : those it made. stability : agreement (adjusted
    mutual information) of two fits, each to one half of the sample, on all of it. silhouette : of the vectors, of the
    same fits. calinski_harabasz, davies_bouldin : of the vectors, of a fit to all. tells : by how much (nats a product)
    the words of products that were not looked at are likelier once their cluster is known. together : how many times
    as often as by chance two products that one shopper took one after the other share their cluster. inertia : of the
    vectors, for the elbow.
    """

    method: str
    k: int | None
    clusters: int
    seconds: float
    stability: float | None = None
    silhouette: float | None = None
    calinski_harabasz: float | None = None
    davies_bouldin: float | None = None
    tells: float | None = None
    together: float | None = None
    inertia: float | None = None

    @property
    def sound(self) -> float:
        """Stability x silhouette: clusters that come out again and stand apart."""
        return max(self.stability or 0.0, 0.0) * max(self.silhouette or 0.0, 0.0)


@dataclass(frozen=True)
class Election:
    """What was chosen, what came next, and why.

    ranking : the candidates at the chosen number of clusters first, best first; then all others. curve : (k, mean
    `sound` of the scouts) for a plot. left_out : what the budget left no time for. sample : rows that were looked at.
    """

    chosen: Judged
    runner_up: Judged | None
    ahead: float
    reason: str
    ranking: list[Judged]
    curve: list[tuple[int, float]]
    left_out: list[str]
    sample: int

    def as_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)


def elect(
    candidates: Mapping[str, Make],
    views: Mapping[str, Vectors],
    *,
    ks: Sequence[int] | None = None,
    budget: float = 120.0,
    sample: int = 4000,
    history: History | None = None,
    seed: int = 0,
) -> Election:
    """The candidate to take, judged without any label on a sample of rows, within about `budget` seconds.

    views : what clusterers read, by the name of their `READS`: "vectors" (n, width), which judge too, and "words"
    (n, n_words), which those that read words need and by which `tells` is judged. ks : numbers of clusters to try; by
    default some of `NUMBERS`, and what lies beside those that are soundest. history : events of these products, rows as
    in the views.

    `SCOUTS` look for the number: where they together are soundest (stability x silhouette), each number taken with its
    neighbours, the smallest of those about equal. Then every candidate is tried with so many. Of those that are about
    as stable as the stablest there, the one whose clusters tell most of a product's words is chosen (of its silhouette,
    where there are no words). Measures that favour the space a method works in, such as the silhouette, cannot decide
    between a method of vectors and one of words. Last, candidates that can find a number themselves do so once; that is
    told, but never chosen, for what they find on a sample is not what they find on all. When time runs out, what is
    left is told, not tried.

    Raises SettingError where there is no candidate, no vectors, or a candidate reads what is not given.
    """
    if not candidates:
        raise SettingError("no candidates to elect from; name at least one method")
    if "vectors" not in views:
        raise SettingError(f"views has {', '.join(views) or 'nothing'}; vectors are needed, which judge")
    needs = {name: make(2).READS for name, make in candidates.items()}
    for name, view in needs.items():
        if view not in views:
            raise SettingError(f"candidate {name!r} reads {view}, but views has only {', '.join(views)}")
    rows = sampled(views["vectors"], None, sample, seed)
    some = {name: view[rows] for name, view in views.items()}
    pairs = _taken_together(history, rows)
    found: list[Judged] = []
    left: list[str] = []
    end = perf_counter() + budget

    def attempt(name: str, k: int | None) -> None:
        if found and perf_counter() > end:
            left.append(f"{name} with {k or 'its own number of'} clusters")
        else:
            found.append(_judged(name, k, candidates[name], some, needs[name], pairs, seed))

    scouts = [name for name in SCOUTS if name in candidates] or list(candidates)[:2]
    for k in _numbers(ks, len(rows), found):
        for name in scouts:
            attempt(name, k)
    if not found:
        raise SettingError(f"{len(rows)} products and numbers of clusters {list(ks or [])}: there is nothing to try")
    curve, k = _soundest(found)
    for name in candidates:
        if name not in scouts:
            attempt(name, k)
    for name, make in candidates.items():
        if _finds(make):
            attempt(name, None)
    return _decided(found, curve, k, left, len(rows))


def _numbers(ks: Sequence[int] | None, n: int, found: list[Judged]) -> Iterator[int]:
    """What to try next: all that is asked for, or a few and then what lies beside the soundest of them.

    From the middle outwards: what time runs out for is what is least likely.
    """
    most = n - 1 if ks is not None else max(3, min(n // 4, round(1.2 * n**0.5)))
    grid = [k for k in (NUMBERS if ks is None else sorted(set(ks))) if 2 <= k <= most]
    middle = (len(grid) - 1) / 2
    first = sorted(range(len(grid)), key=lambda at: abs(at - middle))
    tried = set()
    for at in first if ks is not None else [at for at in first if at % 3 == 1 or at == len(grid) - 1]:
        tried.add(at)
        yield grid[at]
    while ks is None and found:
        curve, _ = _soundest(found)
        near = [grid.index(k) for k in _near(curve)]
        beside = {at + step for at in near for step in (-1, 1)} & set(range(len(grid))) - tried
        if not beside:
            return
        for at in sorted(beside):
            tried.add(at)
            yield grid[at]


def _near(curve: list[tuple[int, float]]) -> list[int]:
    """The numbers that may be as sound as the soundest."""
    top = max(value for _, value in curve)
    return [k for k, value in curve if value >= (1 - FLAT) * top]


def _soundest(found: list[Judged]) -> tuple[list[tuple[int, float]], int]:
    """(k, mean `sound` of those that were tried with k), and the number to take.

    A number is as sound as it and its neighbours are: one that stands out alone does so by chance. Of those that are
    about equal the smallest is taken, for more clusters must earn their place.
    """
    ks = sorted({each.k for each in found if each.k is not None})
    curve = [(k, float(np.mean([each.sound for each in found if each.k == k]))) for k in ks]
    smooth = _smooth(curve)
    top = max(smooth.values())
    return curve, min(k for k, value in smooth.items() if value >= (1 - EVEN) * top)


def _smooth(curve: list[tuple[int, float]]) -> dict[int, float]:
    """Each value with half the weight of those of the numbers beside it, as far as these were tried."""
    places = {k: place for place, k in enumerate(NUMBERS)}
    found = {}
    for at, (k, value) in enumerate(curve):
        beside = [
            curve[next_]
            for next_ in (at - 1, at + 1)
            if 0 <= next_ < len(curve) and abs(places.get(curve[next_][0], -9) - places.get(k, -9)) <= 1
        ]
        found[k] = (2 * value + sum(other for _, other in beside)) / (2 + len(beside))
    return found


def _finds(make: Make) -> bool:
    """Whether a candidate finds the number of clusters where none is asked for."""
    model = make(None)
    return all(getattr(each, "n_clusters", None) is None for each in (model, type(model)))


def _judged(
    name: str, k: int | None, make: Make, views: Mapping[str, Any], view: str, pairs: NDArray[np.int64], seed: int
) -> Judged:
    start = perf_counter()
    X = views[view]
    labels = np.asarray(make(k).fit(X).labels_)
    seconds = perf_counter() - start
    shape = quality(views["vectors"], labels, sample=2000, seed=seed)
    stability, silhouette = _again(make, k, X, views["vectors"], seed)
    return Judged(
        method=name,
        k=k,
        clusters=int(labels.max()) + 1,
        seconds=seconds,
        stability=stability,
        silhouette=shape["silhouette"] if silhouette is None else silhouette,
        calinski_harabasz=shape["calinski_harabasz"],
        davies_bouldin=shape["davies_bouldin"],
        tells=_told(views["words"], labels, seed) if "words" in views else None,
        together=_lift(labels, pairs),
        inertia=_inertia(views["vectors"], labels),
    )


def _decided(found: list[Judged], curve: list[tuple[int, float]], k: int, left: list[str], sample: int) -> Election:
    here = [each for each in found if each.k == k]
    stablest = max(each.stability or 0.0 for each in here)
    measure = "tells" if all(each.tells is not None for each in here) else "silhouette"

    def rank(each: Judged) -> tuple[bool, float]:
        value = getattr(each, measure)
        return (each.stability or 0.0) >= stablest - NEAR, -np.inf if value is None else value

    here.sort(key=rank, reverse=True)
    others = sorted((each for each in found if each.k != k), key=lambda each: -each.sound)
    chosen, runner = here[0], here[1] if len(here) > 1 else None
    ahead = 0.0 if runner is None else (getattr(chosen, measure) or 0.0) - (getattr(runner, measure) or 0.0)
    return Election(
        chosen, runner, ahead, _reason(chosen, runner, ahead, measure), [*here, *others], curve, left, sample
    )


def _reason(chosen: Judged, runner: Judged | None, ahead: float, measure: str) -> str:
    first = f"{chosen.k} clusters come out again and stand apart best (stability {chosen.stability or 0:.2f}"
    first += f", silhouette {chosen.silhouette or 0:.3f})"
    if runner is None:
        return f"{first}; {chosen.method} was the only method tried with so many"
    unit = "nats a product more of its words" if measure == "tells" else "more of silhouette"
    return f"{first}; {chosen.method} tells {ahead:.2f} {unit} than {runner.method}, the runner-up"


# -- measures --------------------------------------------------------------------------------------------------------


def _halves(n: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = np.random.default_rng(seed).permutation(n)
    return np.sort(order[: n // 2]), np.sort(order[n // 2 :])


def _again(make: Make, k: int | None, X: Any, vectors: Any, seed: int) -> tuple[float | None, float | None]:
    """How far fits to either half agree about all rows, 1 = wholly, and their silhouette; means over `HALVINGS`.

    Rows that one leaves without a cluster are out. One fit may lie in a poor place by chance; six seldom all do.
    """
    agreements, silhouettes = [], []
    for turn in range(HALVINGS):
        halves = _halves(X.shape[0], seed + turn)
        if min(map(len, halves)) < (k or 1):
            return None, None
        one, other = (np.asarray(make(k).fit(X[half]).predict(X)) for half in halves)
        both = (one >= 0) & (other >= 0)
        if both.any():
            agreements.append(float(adjusted_mutual_info_score(one[both], other[both])))
        shapes = [quality(vectors, labels, sample=2000, seed=seed)["silhouette"] for labels in (one, other)]
        silhouettes += [each for each in shapes if each is not None]
    return (
        float(np.mean(agreements)) if agreements else None,
        float(np.mean(silhouettes)) if silhouettes else None,
    )


def _told(words: Sparse, labels: Labels, seed: int) -> float:
    """Nats a product that its cluster adds to what is known of its words, over what the whole catalog tells."""
    learn, ask = _halves(words.shape[0], seed)
    known = labels >= 0
    learn, ask = learn[known[learn]], ask[known[ask]]
    if not len(learn) or not len(ask):
        return 0.0
    n = int(labels.max()) + 1
    members = csr_array(
        (np.ones(len(learn), np.float32), (labels[learn], np.arange(len(learn)))), shape=(n, len(learn))
    )
    inside = np.asarray((members @ words[learn]).todense(), np.float64) + SMOOTHING
    overall = inside.sum(axis=0)
    gain = np.log(inside / inside.sum(axis=1, keepdims=True)) - np.log(overall / overall.sum())
    each = csr_array(words[ask])
    owners = np.repeat(labels[ask], np.diff(each.indptr))
    return float((each.data * gain[owners, each.indices]).sum() / len(labels))


def _taken_together(history: History | None, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """(m, 2) places in the sample of products that one shopper took one after the other."""
    if history is None or len(history.products) < 2:
        return np.empty((0, 2), np.int64)
    place = np.full(max(history.n_products, int(rows.max()) + 1), -1, np.int64)
    place[rows] = np.arange(len(rows))
    at, owners = place[history.products], history.owners()
    follows = (owners[1:] == owners[:-1]) & (at[1:] >= 0) & (at[:-1] >= 0) & (at[1:] != at[:-1])
    return np.stack([at[:-1][follows], at[1:][follows]], axis=1)


def _lift(labels: Labels, pairs: NDArray[np.int64]) -> float | None:
    """How many times as often as by chance the two of a pair share their cluster; None where there are no pairs."""
    known = pairs[(labels[pairs] >= 0).all(axis=1)]
    if not len(known):
        return None
    left, right = (np.bincount(labels[known[:, side]], minlength=int(labels.max()) + 1) for side in (0, 1))
    chance = float((left * right).sum()) / len(known) ** 2
    return float((labels[known[:, 0]] == labels[known[:, 1]]).mean() / chance) if chance else None


def _inertia(vectors: Any, labels: Labels) -> float:
    wide = np.asarray(vectors.toarray() if isinstance(vectors, csr_array) else vectors, np.float64)
    kept = labels >= 0
    member = csr_array(
        (np.ones(int(kept.sum())), (labels[kept], np.flatnonzero(kept))), shape=(int(labels.max()) + 1, len(labels))
    )
    sums: NDArray[np.float64] = np.asarray(member @ wide)
    sizes = np.maximum(np.bincount(labels[kept]), 1)
    return float((wide[kept] ** 2).sum() - ((sums**2).sum(axis=1) / sizes).sum())
