"""Files larger than memory: a 4 GB product file and a 4 GB event file, built in an address space they do not fit in.

Needs no data set: the files are made in a temporary folder (some 16 GB free) and removed. The limit (`ulimit -v`) is
3 GB beyond the size of what the build makes, because that is memory-mapped. WARES_SCALE_GB makes smaller files, to try.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.harness import Row, command, disk_mb, run_command

SIZE = int(float(os.environ.get("WARES_SCALE_GB", "4")) * 10**9)
BEYOND = 3 * 10**9
PARAGRAPHS, WORDS = 3_000, 6_000


def run(data: Path) -> Iterator[Row]:
    """Does a 4 GB CSV build within 3 GB of address space beyond the size of what it makes?"""
    if sys.platform != "linux":
        print("ulimit -v is not kept by this system: nothing to measure", file=sys.stderr)
        return
    yield _built("a product file", write_products, events=None)
    yield _built("an event file", _few_products, events=write_events)


def _built(what: str, products: Callable[[Path], int], events: Callable[[Path], int] | None) -> Row:
    with TemporaryDirectory(prefix="wares-scale-") as name:
        folder = Path(name)
        free = shutil.disk_usage(folder).free
        if free < 4 * SIZE:
            raise SystemExit(f"{folder} has {free / 1e9:.0f} GB free, {4 * SIZE / 1e9:.0f} GB are needed: set TMPDIR")
        rows = products(folder / "products.csv")
        files = ["--products", str(folder / "products.csv")]
        if events is not None:
            rows = events(folder / "events.csv")
            files += ["--events", str(folder / "events.csv")]
        size = sum(path.stat().st_size for path in folder.glob("*.csv"))
        # What is made is known only afterwards: the limit assumes a part of it, and the row shows that it was more.
        assumed = size // 2
        limit = (BEYOND + assumed) // 1024
        build = [sys.executable, "-m", "wares.cli", "build", str(folder / "shop"), *files, "--quiet"]
        done = run_command(["sh", "-c", f'ulimit -v {limit}; exec "$@"', "build", *build], allow=range(-64, 256))
        builds = [path for path in (folder / "shop" / "builds").glob("0*") if (path / "report.json").is_file()]
        made = disk_mb(builds[-1]) if builds else 0.0
        said = done.result.strip().splitlines()
        return Row(
            work=f"{what} of {size / 1e9:.1f} GB, {rows:,} rows, under ulimit -v {limit * 1024 / 1e9:.1f} GB",
            metric="seconds to build",
            ours=done.seconds if made else f"not built: {said[-1] if said else 'no word'}",
            quality={
                "made, GB": made * 2**20 / 1e9,
                "limit beyond what was made, GB": limit * 1024 / 1e9 - made * 2**20 / 1e9,
                "peak resident, GB": done.peak_mb * 2**20 / 1e9,
            },
            settings={"limit_kB": limit, "file_bytes": size},
        )


# -- the files -------------------------------------------------------------------------------------------------------


def _words(rng: np.random.Generator, n: int) -> list[str]:
    parts = np.array([first + last for first in "bdfgklmnprst" for last in "aeio"])
    return ["".join(row) for row in parts[rng.integers(len(parts), size=(n, 3))]]


def write_products(path: Path) -> int:
    """Products with some 10 kB of description each, until the file has its size; returns how many."""
    rng = np.random.default_rng(3)
    words = np.array(_words(rng, WORDS))
    paragraphs = [" ".join(words[(WORDS * rng.random(140) ** 3).astype(int)]) for _ in range(PARAGRAPHS)]
    done = written = 0
    with path.open("w", encoding="utf-8") as file:
        written += file.write("id,title,brand,category,price,description\n")
        while written < SIZE:
            titles = words[(WORDS * rng.random((1_000, 4)) ** 2).astype(int)]
            picked = rng.integers(PARAGRAPHS, size=(1_000, 10))
            prices = rng.lognormal(2, 0.8, 1_000).round(2)
            lines = [
                f"P{done + i},{' '.join(titles[i])} {i % 97},Brand {i % 41},Part {i % 7} > Shelf {i % 63},{prices[i]},"
                f"{' '.join(paragraphs[j] for j in picked[i])}\n"
                for i in range(1_000)
            ]
            written += file.write("".join(lines))
            done += 1_000
    return done


def _few_products(path: Path) -> int:
    rng = np.random.default_rng(3)
    words = np.array(_words(rng, WORDS))
    titles = words[(WORDS * rng.random((20_000, 4)) ** 2).astype(int)]
    with path.open("w", encoding="utf-8") as file:
        file.write("id,title,price\n")
        file.writelines(f"P{i},{' '.join(title)} {i % 97},{1 + i % 50}.99\n" for i, title in enumerate(titles))
    return len(titles)


def write_events(path: Path) -> int:
    """Purchases of 20,000 products by a million shoppers, until the file has its size; returns how many."""
    rng = np.random.default_rng(5)
    done = written = 0
    with path.open("w", encoding="utf-8") as file:
        written += file.write("shopper,product,kind,at,value,basket\n")
        while written < SIZE:
            n = 200_000
            shoppers = rng.integers(1_000_000, size=n).tolist()
            products = (20_000 * rng.random(n) ** 2).astype(int).tolist()
            seconds = np.sort(1_700_000_000 + done * 2 // 5 + rng.integers(80_000, size=n)).tolist()
            lines = [
                f"U{s},P{p},purchase,{at},1,B{s}-{at // 86_400}\n"
                for s, p, at in zip(shoppers, products, seconds, strict=True)
            ]
            written += file.write("".join(lines))
            done += n
    return done


if __name__ == "__main__":
    command(run)
