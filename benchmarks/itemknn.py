"""How fast are the exact cosines of every product with every other, the best 100 kept?"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array, csr_matrix
from threadpoolctl import threadpool_limits

from benchmarks.harness import Row, command, interleave, optional
from benchmarks.recommending import complete_journey, diginetica
from wares.recommend.itemknn import nearest

K = 100


def by_scipy(taken: csr_array, rows: int | None = None, block: int = 500) -> None:
    """A sparse product in blocks and a partition of each row; of so many `rows` drawn at random, where given."""
    lengths = np.sqrt(np.asarray(taken.multiply(taken).sum(axis=0)).ravel())
    scaled = csr_array(taken.multiply(1 / np.maximum(lengths, 1e-9)[None, :]))
    columns = csr_array(scaled.T)
    drawn = np.random.default_rng(0).permutation(columns.shape[0])[:rows]
    for start in range(0, len(drawn), block):
        part = csr_array(columns[drawn[start : start + block]] @ scaled)
        for row in range(part.shape[0]):
            data = part.data[part.indptr[row] : part.indptr[row + 1]]
            if len(data) > K:
                np.argpartition(-data, K)[:K]


def run(data: Path) -> Iterator[Row]:
    """Ours beside implicit's CosineRecommender and scipy's sparse product."""
    implicit = optional("implicit")
    for name, taken in (("complete_journey", complete_journey()), ("diginetica", diginetica(data))):
        old = csr_matrix(taken)

        def peer(matrix: csr_matrix = old) -> None:
            with threadpool_limits(1, "blas"):
                model = implicit.nearest_neighbours.CosineRecommender(K=K + 1, num_threads=0)
                model.fit(matrix, show_progress=False)

        times = interleave(
            {"ours": lambda taken=taken: nearest(taken, K), "implicit": peer if implicit else None}, runs=5
        )
        part = 1500 if name == "complete_journey" else None
        share = (part or taken.shape[1]) / taken.shape[1]
        scipys = interleave({"scipy": lambda taken=taken, part=part: by_scipy(taken, part)}, runs=1, warmup=0)
        times["scipy"] = [scipys["scipy"][0] / share] * len(times["ours"])
        yield Row.timed(
            f"cosine of all products, best {K}: {name} {taken.shape[0]:,} x {taken.shape[1]:,}",
            times,
            quality=agreement(taken, old, implicit),
            settings={"k": K, "scipy": "one run, 1,500 products drawn at random, scaled up" if part else "one run"},
        )


def agreement(taken: csr_array, old: csr_matrix, implicit: object) -> dict[str, float]:
    """The greatest difference between the sums of the best scores of 500 products, ours and implicit's."""
    if implicit is None:
        return {}
    model = implicit.nearest_neighbours.CosineRecommender(K=K + 1, num_threads=0)  # its list holds the product itself
    model.fit(old, show_progress=False)
    theirs = csr_array(model.similarity)
    theirs.setdiag(0)
    ours = nearest(taken, K)
    rows = np.random.default_rng(0).choice(taken.shape[1], 500, replace=False)
    # A hundred twins leave no place for the product itself in implicit's list of 101: only the best 100 count.
    sums = [np.array([np.sort(each[[row]].data)[-K:].sum() for row in rows]) for each in (ours, csr_array(theirs))]
    return {"greatest difference of summed scores, 500 products": float(np.abs(sums[0] - sums[1]).max())}


if __name__ == "__main__":
    command(run)
