"""How fast, and in how much memory, is EASE solved?"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import scipy.linalg

from benchmarks.harness import Row, command, in_process
from benchmarks.recommending import beauty
from wares.data.history import History
from wares.recommend.ease import EASE

REGULARISATION = 50.0


def solve(how: str, data: str, n: int) -> dict[str, float]:
    """Solve over the `n` most bought products of Beauty once, in this process; the seconds and a checksum."""
    import time

    taken = beauty(Path(data))
    most = np.sort(np.argsort(-np.asarray(taken.sum(axis=0)).ravel(), kind="stable")[:n])
    taken = taken[:, most]
    if how == "ours":
        small = History(np.array([0, 2, 4]), np.array([0, 1, 1, 2], np.int32), np.ones(4, np.float32), 3)
        EASE().fit(small)  # compiles
        history = History(taken.indptr.astype(np.int64), taken.indices.astype(np.int32), taken.data, taken.shape[1])
        start = time.perf_counter()
        model = EASE(regularisation=REGULARISATION, max_products=n).fit(history)
        seconds = time.perf_counter() - start
        sums = np.abs(model.weights_[:200].astype(np.float64)) * model.scales_[:200, None]
        return {"seconds": seconds, "checksum": float(sums.sum())}
    start = time.perf_counter()
    gram = (taken.T @ taken).toarray()
    gram[np.diag_indices(n)] += np.float32(REGULARISATION)
    inverse = np.linalg.inv(gram) if how == "numpy" else scipy.linalg.inv(gram, assume_a="pos", overwrite_a=True)
    weights = inverse / -np.diag(inverse)
    weights[np.diag_indices(n)] = 0
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "checksum": float(np.abs(weights[:200].astype(np.float64)).sum())}


def run(data: Path, n: int = 12_101, runs: int = 2) -> Iterator[Row]:
    """Each solver in a process of its own, in turn; Gram matrix included for all."""
    names = {"ours": "ours", "numpy": "numpy.linalg.inv", "scipy": "scipy.linalg.inv(assume_a='pos')"}
    times: dict[str, list[float]] = {name: [] for name in names.values()}
    memory: dict[str, float] = {}
    sums: dict[str, float] = {}
    for _ in range(runs):
        for how, name in names.items():
            done = in_process("benchmarks.ease:solve", how, str(data), n)
            times[name].append(done.result["seconds"])
            memory[name] = done.peak_mb
            sums[name] = done.result["checksum"]
    work = f"EASE on {n:,} products of Beauty"
    settings = {"regularisation": REGULARISATION, "dtype": "float32"}
    yield Row.timed(work, times, quality={"checksum of 200 rows": sums}, settings=settings)
    peers = {name: value for name, value in memory.items() if name != "ours"}
    yield Row.compared(work, "peak resident MB of the process", memory["ours"], peers, better="less", settings=settings)


if __name__ == "__main__":
    command(run)
