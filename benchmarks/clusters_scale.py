"""Does k-means of 10,000, 100,000 and a million vectors from a mapped file cost no more than N, in 2 GB of memory?

256 wide, 1,000 clusters: title vectors, resampled with noise, in a file of 1 GB in the folder for temporary files. Each
fit runs in a process of its own that maps the file. Memory is the greatest anonymous memory of the process (RssAnon of
/proc/self/status, interpreter and libraries included): pages of the file are not in it, since the system can drop them.
Growth is judged by processor seconds. Compilation is left out.
"""

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import Row, command, in_process
from benchmarks.titles import WIDTH, million_vectors

K = 1_000
SIZES = (10_000, 100_000, 1_000_000)
METHODS = ("kmeans", "minibatch", "bisecting")
LIMIT_MB = 2048


def run(data: Path) -> Iterator[Row]:
    """Does clustering a million vectors from a file cost no more than N, in 2 GB of memory?"""
    if sys.platform != "linux":
        print("anonymous memory is only told by Linux: nothing to measure", file=sys.stderr)
        return
    path = million_vectors(data)
    before: dict[str, dict[str, Any]] = {}
    least: dict[int, float] = {}
    for n in SIZES:
        for method in METHODS:
            found = in_process("benchmarks.clusters_scale:fitted", method, str(path), n).result
            print(f"  {method} of {n:,}: {found}", flush=True)
            work = f"{method} of {n:,} x {WIDTH} from a file, K={K:,}"
            least.setdefault(n, found["inertia"])  # of kmeans, which comes first
            quality = {
                "inertia, share of that of kmeans": found["inertia"] / least[n],
                "seconds": found["seconds"],
                "clusters": found["clusters"],
            }
            settings = {"line": method, "x": n, "seconds": found["cpu"], "megabytes": found["anonymous_mb"]}
            ten_times = {"ten times a tenth": 10 * before[method]["cpu"]} if method in before else {}
            yield Row.compared(
                work, "processor seconds", found["cpu"], ten_times, better="less", quality=quality, settings=settings
            )
            limit = {"the limit": float(LIMIT_MB)}
            yield Row.compared(work, "MB beyond the file", found["anonymous_mb"], limit, better="less")
            before[method] = found


def fitted(method: str, path: str, n: int) -> dict[str, float]:
    """Fit the first n vectors of a mapped file; what it took. Runs in a process of its own."""
    from wares.algorithm import Clusterer
    from wares.registry import make

    vectors = np.load(path, mmap_mode="r")[:n]
    make(Clusterer, method, n_clusters=100).fit(np.array(vectors[:4000]))  # compiles
    make(Clusterer, method, n_clusters=200).fit(np.array(vectors[:9000]))
    with Watch() as watch:
        start, cpu = time.perf_counter(), time.process_time()
        model: Any = make(Clusterer, method, n_clusters=K).fit(vectors)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    return {
        "seconds": round(seconds, 2),
        "cpu": round(cpu, 2),
        "inertia": float(model.inertia_),
        "clusters": int(model.n_clusters_),
        "anonymous_mb": round(watch.most),
        "load": round(os.getloadavg()[0], 1),
    }


class Watch:
    """Looks at the anonymous memory of this process every 10 ms; `most` in MB."""

    def __enter__(self) -> "Watch":
        self.most, self.done = 0.0, threading.Event()
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()
        return self

    def _look(self) -> None:
        while not self.done.wait(0.01):
            status = Path("/proc/self/status").read_text()
            line = next(line for line in status.splitlines() if line.startswith("RssAnon:"))
            self.most = max(self.most, int(line.split()[1]) / 1024)

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()


if __name__ == "__main__":
    command(run)
