"""How fast is implicit alternating least squares, to the same loss?

The objective is that of implicit: confidence 1 + 5 log 2 for what was taken, 1 for all else, one penalty for all. Both
run ten sweeps; theirs with its three conjugate gradient steps, ours with one, after which our loss is no higher.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array, csr_matrix
from threadpoolctl import threadpool_limits

from benchmarks.harness import OURS, Row, command, interleave, optional
from benchmarks.recommending import complete_journey, diginetica
from wares.kernels.als import factorise

CONFIDENCE = np.float32(5 * np.log(2))
PENALTY, SWEEPS, STEPS = 0.05, 10, 1


def loss(taken: csr_array, shoppers: np.ndarray, products: np.ndarray) -> float:
    """What both minimise, over every pair, in float64."""
    shoppers, products = shoppers.astype(np.float64), products.astype(np.float64)
    everything = float(((shoppers.T @ shoppers) * (products.T @ products)).sum())
    owners = np.repeat(np.arange(taken.shape[0]), np.diff(taken.indptr))
    there = 0.0
    for start in range(0, taken.nnz, 200_000):
        part = slice(start, start + 200_000)
        said = np.einsum("ij,ij->i", shoppers[owners[part]], products[taken.indices[part]])
        there += float(((1 + CONFIDENCE) * (1 - said) ** 2 - said**2).sum())
    return everything + there + PENALTY * float((shoppers**2).sum() + (products**2).sum())


def run(data: Path) -> Iterator[Row]:
    """How fast is implicit alternating least squares, to the same loss?"""
    peer = optional("implicit.als")
    for name, taken in (("complete_journey", complete_journey()), ("diginetica", diginetica(data))):
        more = csr_array((np.full(taken.nnz, CONFIDENCE), taken.indices, taken.indptr), taken.shape)
        whole = csr_matrix((more.data + 1, taken.indices, taken.indptr), taken.shape)
        penalties = [np.full(n, PENALTY, np.float32) for n in taken.shape]
        for factors in (64, 128):
            kept: dict[str, tuple[np.ndarray, np.ndarray]] = {}

            def ours(factors: int = factors, more: csr_array = more, kept: dict = kept, both: list = penalties) -> None:
                kept[OURS] = factorise(
                    more, factors, *both, unobserved=1.0, extra=1.0, iterations=SWEEPS, steps=STEPS, seed=0
                )

            def theirs(factors: int = factors, whole: csr_matrix = whole, kept: dict = kept) -> None:
                with threadpool_limits(1, "blas"):  # as implicit asks for: its own threads do the work
                    model = peer.AlternatingLeastSquares(
                        factors=factors, regularization=PENALTY, alpha=1.0, iterations=SWEEPS, random_state=0
                    )
                    model.fit(whole, show_progress=False)
                kept["implicit"] = model.user_factors, model.item_factors

            times = interleave({OURS: ours, "implicit": theirs if peer else None}, runs=3)
            yield Row.timed(
                f"iALS, {factors} factors: {name} {taken.shape[0]:,} x {taken.shape[1]:,}, {taken.nnz:,} taken",
                times,
                quality={"final loss": {each: loss(taken, *sides) for each, sides in kept.items()}},
                settings={"sweeps": SWEEPS, "conjugate gradient steps": {OURS: STEPS, "implicit": 3}},
            )


if __name__ == "__main__":
    command(run)
