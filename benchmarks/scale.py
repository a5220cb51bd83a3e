"""Files larger than memory: 4 GB of products or of events, built in an address space they do not fit in.

Needs no data set: the files are made in a temporary folder (some 16 GB free) and removed. The limit (`ulimit -v`) is
3 GB beyond the size of what the build makes, because that is memory-mapped. WARES_SCALE_GB makes smaller files, to try;
WARES_SCALE_FILES=events (products, short) makes one kind. products : texts of some 10 kB. short : many products of some
180 bytes. To read millions of titles with the sentence encoder would take hours, so products are encoded by `hashing`,
64 wide, in both.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.harness import Row, command, disk_mb, run_command

SIZE = int(float(os.environ.get("WARES_SCALE_GB", "4")) * 10**9)
BEYOND = 3 * 10**9
FILES = os.environ.get("WARES_SCALE_FILES", "products,short,events").split(",")
PARAGRAPHS, WORDS, MANY_WORDS = 3_000, 6_000, 60_000
CHEAP = ("--set", "encode.use=hashing", "--set", "encode.width=64")
PRODUCTS, SHOPPERS = 50_000, 1_000_000  # of the event file


def run(data: Path) -> Iterator[Row]:
    """Does a 4 GB CSV build within 3 GB of address space beyond the size of what it makes?"""
    if sys.platform != "linux":
        print("ulimit -v is not kept by this system: nothing to measure", file=sys.stderr)
        return
    # What is made is known only afterwards: the limit assumes a share of the file, and the row shows that it was more.
    if "products" in FILES:
        yield _built("a product file", write_products, events=None, makes=2.4, settings=CHEAP)
    if "short" in FILES:
        yield _built("a file of many products", write_short_products, events=None, makes=6.0, settings=CHEAP)
    if "events" in FILES:
        yield _built("an event file", _few_products, events=write_events, makes=1.65)


def _built(
    what: str,
    products: Callable[[Path], int],
    events: Callable[[Path], int] | None,
    makes: float,
    settings: Sequence[str] = (),
) -> Row:
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
        limit = (BEYOND + int(makes * size)) // 1024
        build = [sys.executable, "-m", "wares.cli", "build", str(folder / "shop"), *files, *settings, "--quiet"]
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
            settings={"limit_kB": limit, "file_bytes": size, "set": " ".join(settings)},
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


def write_short_products(path: Path) -> int:
    """Products with a title and sixteen words of description, until the file has its size; returns how many."""
    rng = np.random.default_rng(3)
    words = np.array(_words(rng, MANY_WORDS))
    done = written = 0
    with path.open("w", encoding="utf-8") as file:
        written += file.write("id,title,brand,category,price,description\n")
        while written < SIZE:
            n = 10_000
            titles = words[(MANY_WORDS * rng.random((n, 4)) ** 2).astype(int)]
            texts = words[(MANY_WORDS * rng.random((n, 16)) ** 3).astype(int)]
            prices = rng.lognormal(2, 0.8, n).round(2)
            lines = [
                f"P{done + i},{' '.join(titles[i])} {i % 97},Brand {i % 41},Part {i % 7} > Shelf {i % 63},{prices[i]},"
                f"{' '.join(texts[i])}\n"
                for i in range(n)
            ]
            written += file.write("".join(lines))
            done += n
    return done


def _few_products(path: Path) -> int:
    rng = np.random.default_rng(3)
    words = np.array(_words(rng, WORDS))
    titles = words[(WORDS * rng.random((PRODUCTS, 4)) ** 2).astype(int)]
    with path.open("w", encoding="utf-8") as file:
        file.write("id,title,brand,category,price\n")
        file.writelines(
            f"SKU-{i:05d}-0,{' '.join(title)} {i % 97},Brand {i % 41},Part {i % 7} > Shelf {i % 63},{1 + i % 50}.99\n"
            for i, title in enumerate(titles)
        )
    return len(titles)


def write_events(path: Path) -> int:
    """Events of 50,000 products (popularity by Zipf's law) and a million shoppers, until the file has its size."""
    rng = np.random.default_rng(5)
    popularity = 1 / np.arange(1, PRODUCTS + 1) ** 0.9
    chances, places = np.cumsum(popularity / popularity.sum()), rng.permutation(PRODUCTS)
    kinds = np.array([*["view"] * 6, "cart", "favourite", "purchase", "purchase"])
    done = written = 0
    with path.open("w", encoding="utf-8") as file:
        written += file.write("shopper,product,time,kind,value\n")
        while written < SIZE:
            n = 200_000
            seconds = np.sort(1_700_000_000 + done * 2 // 5 + rng.integers(80_000, size=n))
            columns = (
                (SHOPPERS * rng.random(n) ** 1.5).astype(int),
                places[np.minimum(np.searchsorted(chances, rng.random(n)), PRODUCTS - 1)],
                np.datetime_as_string(seconds.astype("datetime64[s]")),
                kinds[rng.integers(len(kinds), size=n)],
                rng.integers(1, 6, size=n),
            )
            lines = [
                f"customer-{shopper:07d},SKU-{product:05d}-0,{at},{kind},{value}\n"
                for shopper, product, at, kind, value in zip(*(each.tolist() for each in columns), strict=True)
            ]
            written += file.write("".join(lines))
            done += n
    return done


if __name__ == "__main__":
    command(run)
