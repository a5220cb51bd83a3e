"""Run every benchmark, then draw docs/benchmarks.md: `python -m benchmarks --data FOLDER [NAME …] [--draw]`."""

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.draw import draw

ROOT = Path(__file__).parent
RESULTS = ROOT / "results"
NAMES = (
    "demo",
    "vectorise",
    "word2vec",
    "kmeans",
    "clusters_scale",
    "neighbours",
    "communities",
    "drift",
    "linkage",
    "deep_clusters",
    "topics",
    "names",
    "following",
    "clusters",
    "fusion",
    "classify",
    "labels",
    "asking",
    "attacks",
    "reviews",
    "fashion",
    "networks",
    "siamese",
    "match",
    "cold",
    "bandit",
    "itemknn",
    "als",
    "ease",
    "recommend_all",
    "sequence",
    "nextbasket",
    "sessions",
    "growth",
    "growing",
    "tune",
    "factors",
    "movielens",
    "ratings",
    "interests",
    "search",
    "serve",
    "scale",
)
"""In the order of the page; those of them that have a file are run."""


def main() -> None:
    there = [name for name in NAMES if (ROOT / f"{name}.py").is_file()]
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    options.add_argument("names", nargs="*", metavar="NAME", help=f"which to run: {', '.join(there)}; all by default")
    options.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the data sets")
    options.add_argument("--draw", action="store_true", help="only draw the page from the results that are there")
    given = options.parse_args()
    for name in given.names:
        if name not in there:
            options.error(f"no benchmark {name!r}; there are {', '.join(there)}")
    failed = []
    for name in [] if given.draw else given.names or there:
        print(f"\n== {name}", flush=True)
        out = RESULTS / f"{name}.json"
        # Each in its own process: memory, threads and BLAS kernels of one must not touch the next.
        done = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}", "--data", str(given.data), "--out", str(out)]
        )
        if done.returncode:
            failed.append(f"{name} (exit {done.returncode})")
    draw(RESULTS, [name for name in NAMES if (RESULTS / f"{name}.json").is_file()], ROOT.parent / "docs")
    if failed:
        print(f"not finished: {', '.join(failed)}", file=sys.stderr)
        raise SystemExit(1)


if __name__ == "__main__":
    main()
