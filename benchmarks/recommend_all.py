"""How fast are the 20 best products of every shopper, from 64 factors, what they had left out?"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array, csr_matrix
from threadpoolctl import threadpool_limits

from benchmarks.harness import Row, command, interleave, optional
from benchmarks.recommending import complete_journey, diginetica
from wares.kernels.factors import best_products

K, FACTORS = 20, 64


def factors(taken: csr_array) -> tuple[np.ndarray, np.ndarray]:
    """Shopper and product factors from a truncated SVD: what any factor model hands over."""
    from sklearn.utils.extmath import randomized_svd

    left, strength, right = randomized_svd(csr_matrix(taken), FACTORS, n_iter=2, random_state=0)
    return np.ascontiguousarray(left * strength, np.float32), np.ascontiguousarray(right.T, np.float32)


def by_numpy(shoppers: np.ndarray, products: np.ndarray, taken: csr_array, block: int = 1000) -> np.ndarray:
    """Blocks of all scores, masked and partitioned."""
    out = np.empty((len(shoppers), K), np.int64)
    for start in range(0, len(shoppers), block):
        scores = shoppers[start : start + block] @ products.T
        part = taken[start : start + block]
        scores[np.repeat(np.arange(part.shape[0]), np.diff(part.indptr)), part.indices] = -np.inf
        best = np.argpartition(-scores, K, axis=1)[:, :K]
        order = np.argsort(-np.take_along_axis(scores, best, 1), axis=1, kind="stable")
        out[start : start + block] = np.take_along_axis(best, order, 1)
    return out


def run(data: Path) -> Iterator[Row]:
    """Ours beside implicit's recommend and plain numpy."""
    als = optional("implicit.als")
    sets = {"complete_journey": complete_journey(), "diginetica": diginetica(data)[:60_000]}
    for name, taken in sets.items():
        shoppers, products = factors(taken)
        old = csr_matrix(taken)
        ids = np.arange(len(shoppers))
        model = None
        if als is not None:
            model = als.AlternatingLeastSquares(factors=FACTORS)
            model.user_factors, model.item_factors = shoppers, products

        def theirs(model: object = model, ids: np.ndarray = ids, old: csr_matrix = old) -> np.ndarray:
            with threadpool_limits(1, "blas"):
                return model.recommend(ids, old, N=K, filter_already_liked_items=True)[0]

        def ours(s: np.ndarray = shoppers, p: np.ndarray = products, t: csr_array = taken) -> np.ndarray:
            return best_products(s, p, t.indptr, t.indices, K)[0]

        def naive(s: np.ndarray = shoppers, p: np.ndarray = products, t: csr_array = taken) -> np.ndarray:
            return by_numpy(s, p, t)

        mine = ours()
        same = {"same rows as numpy": float((mine == naive()).mean())}
        if model is not None:
            same["same rows as implicit"] = float((mine == theirs()).mean())
        times = interleave({"ours": ours, "implicit": theirs if model is not None else None, "numpy": naive}, runs=3)
        yield Row.timed(
            f"best {K} of {FACTORS} factors: {name} {len(shoppers):,} x {len(products):,}",
            times,
            quality=same,
            settings={"k": K, "factors": FACTORS},
        )


if __name__ == "__main__":
    command(run)
