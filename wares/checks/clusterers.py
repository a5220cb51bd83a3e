"""What a clusterer promises."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

from wares.checks import shop
from wares.checks.common import Case, expect, readable
from wares.errors import WaresError


def _of(case: Case, n_clusters: int) -> Any:
    """A fresh one, told how many clusters there are where it can be told."""
    algorithm = case.fresh()
    if "n_clusters" in algorithm.get_params(deep=False):
        algorithm.set_params(n_clusters=n_clusters)
    return algorithm


def _well_formed(labels: NDArray[Any], n: int, n_clusters: int) -> None:
    expect(labels.shape == (n,), f"labels of {n} rows have shape {labels.shape}")
    expect(labels.dtype == np.int64, f"labels are {labels.dtype}, not int64")
    found = set(labels.tolist()) - {-1}
    expect(found == set(range(n_clusters)), f"labels are {sorted(found)}, n_clusters_ says {n_clusters}")


def labels_count_from_zero(case: Case) -> None:
    """Labels are 0..n_clusters_-1, every one of them used, or -1 for none."""
    for rows in (shop.vectors(), shop.blobs()[0], shop.vectors()[:3]):
        data = readable(case.algorithm, rows)
        fitted = case.fresh().fit(data)
        _well_formed(fitted.labels_, len(data), int(fitted.n_clusters_))


def predict_repeats_labels(case: Case) -> None:
    """`predict` on what was fitted is `labels_`, and so is `fit_predict`."""
    for rows in (shop.vectors(), shop.blobs()[0]):
        data = readable(case.algorithm, rows)
        fitted = case.fresh().fit(data)
        expect(np.array_equal(fitted.predict(data), fitted.labels_), "predict(X) is not labels_ of the X fitted")
        expect(np.array_equal(case.fresh().fit_predict(data), fitted.labels_), "fit_predict(X) is not labels_")


def blobs_are_found(case: Case) -> None:
    """Three groups far apart, of unequal size, are found; points near them go to them."""
    rows, group = shop.blobs()
    data = readable(case.algorithm, rows)
    fitted = _of(case, 3).fit(data)
    agreement = adjusted_mutual_info_score(group, fitted.labels_)
    expect(agreement > 0.95, f"three groups far apart are found with an agreement of {agreement:.2f}")
    near = fitted.predict(data + np.float32(0.05))
    expect(near.dtype == np.int64, f"predict gives {near.dtype}, not int64")
    expect(adjusted_rand_score(fitted.labels_, near) > 0.95, "points near the groups go elsewhere")


def shoes_and_mugs_part(case: Case) -> None:
    """Told of two clusters, it puts shoes in one and mugs in the other."""
    algorithm = _of(case, 2)
    if "n_clusters" not in algorithm.get_params(deep=False):
        return
    agreement = adjusted_rand_score(shop.kinds(), algorithm.fit(readable(algorithm, shop.vectors())).labels_)
    expect(agreement == 1, f"shoes and mugs are parted with an agreement of {agreement:.2f}")


def order_does_not_matter(case: Case) -> None:
    """Rows in another order make the same groups where those are clear."""
    data = readable(case.algorithm, shop.blobs()[0])
    order = np.random.default_rng(1).permutation(len(data))
    one, other = _of(case, 3).fit(data).labels_, _of(case, 3).fit(data[order]).labels_
    expect(adjusted_rand_score(one[order], other) > 0.95, "rows in another order make other groups")


def doubles_are_read(case: Case) -> None:
    """float64, Fortran order and lists are read like float32, and predict takes one row."""
    data = readable(case.algorithm, shop.blobs()[0])
    fitted = _of(case, 3).fit(data)
    for given in (data.astype(np.float64), np.asfortranarray(data), data.tolist()):
        other = _of(case, 3).fit(given).labels_
        expect(adjusted_rand_score(fitted.labels_, other) > 0.95, "the same rows, stored otherwise, part otherwise")
    expect(fitted.predict(data[:1]).shape == (1,), "one row cannot be placed")


def too_few_rows(case: Case) -> None:
    """Fewer rows than clusters, or all rows alike, give fewer clusters or a clear error, never a wrong label."""
    for rows in (shop.vectors()[:2], np.ones((20, 4), np.float32), shop.vectors()[:1]):
        algorithm, data = _of(case, 5), readable(case.algorithm, rows)
        try:
            algorithm.fit(data)
        except (WaresError, ValueError) as error:
            expect(str(error), "an error without words")
            continue
        _well_formed(algorithm.labels_, len(data), int(algorithm.n_clusters_))
        expect(algorithm.n_clusters_ <= len(data), "there are more clusters than rows")


CHECKS: list[Callable[[Case], None]] = [
    labels_count_from_zero,
    predict_repeats_labels,
    blobs_are_found,
    shoes_and_mugs_part,
    order_does_not_matter,
    doubles_are_read,
    too_few_rows,
]
