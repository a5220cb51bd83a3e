"""The vectors of 150,000 real titles that several benchmarks share, and the BLAS of faiss set right."""

import csv
import gzip
import hashlib
import io
import json
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_info

from benchmarks.harness import needs

SIZE = 150_000
MILLION = 1_000_000
WIDTH = 256


def title_vectors(data: Path) -> NDArray[np.float32]:
    """(150,000, 256) float32 unit rows; kept in the folder for temporary files, for the titles they were made of."""
    titles = _titles(data)
    if len(titles) > SIZE:
        rows = np.random.default_rng(0).choice(len(titles), SIZE, replace=False)
        titles = [titles[row] for row in np.sort(rows).tolist()]
    digest = hashlib.sha256("\n".join(titles).encode()).hexdigest()[:12]
    kept = Path(tempfile.gettempdir()) / f"wares-titles-{digest}.npy"
    if not kept.exists():
        import polars as pl

        from wares.data.catalog import Catalog
        from wares.encode.sentence import Sentence

        catalog = Catalog(pl.DataFrame({"id": [str(row) for row in range(len(titles))], "title": titles}))
        made = Sentence(columns=("title",), width=WIDTH).fit(catalog).encode(catalog)
        np.save(kept.with_suffix(".new.npy"), made)
        kept.with_suffix(".new.npy").replace(kept)
    return np.load(kept)


def million_vectors(data: Path) -> Path:
    """A file of (1,000,000, 256) float32 unit rows, 1 GB: those of the titles resampled, with Gaussian noise of .35.

    Kept in the folder for temporary files.
    """
    titles = title_vectors(data)
    digest = hashlib.sha256(titles[::100].tobytes()).hexdigest()[:12]
    kept = Path(tempfile.gettempdir()) / f"wares-million-{digest}.npy"
    if not kept.exists():
        rng = np.random.default_rng(0)
        new = kept.with_suffix(".new.npy")
        out = np.lib.format.open_memmap(new, "w+", np.float32, (MILLION, WIDTH))
        for start in range(0, MILLION, 50_000):
            noise = rng.standard_normal((50_000, WIDTH), dtype=np.float32) * np.float32(0.35 / WIDTH**0.5)
            rows = titles[rng.integers(len(titles), size=50_000)] + noise
            out[start : start + 50_000] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        out.flush()
        new.replace(kept)
    return kept


def _titles(data: Path) -> list[str]:
    found: list[str] = []
    for name, column, encoding in (
        ("pricerunner/offers.csv", "product_title", "utf-8"),
        ("crowdflower/judgements.csv", "product_title", "utf-8"),
        ("fashion_product_images/all_44446_products_no_images.csv.gz", "productDisplayName", "utf-8"),
        ("zh_taobao_cosmetics/双十一淘宝美妆数据.gb18030.csv", "title", "gb18030"),
    ):
        found += [row.get(column) or "" for row in csv.DictReader(io.StringIO(_text(needs(data, name), encoding)))]
    retail = csv.DictReader(io.StringIO(_text(needs(data, "online_retail/transactions.csv.gz"), "utf-8")))
    found += dict.fromkeys(row.get("Description") or row.get("description") or "" for row in retail)
    flipkart = _text(needs(data, "flipkart_taxonomy/flipkart_com-ecommerce_sample.csv"), "utf-8")
    found += [row[1] for row in csv.reader(io.StringIO(flipkart)) if len(row) > 1]
    for path in sorted(needs(data, "zh_product_titles").glob("*.csv")):
        found += [row.get("title") or "" for row in csv.DictReader(io.StringIO(_text(path, "utf-8")))]
    with zipfile.ZipFile(needs(data, "mwpd2020/task2_train_val_with_labels.zip")) as archive:
        for member in sorted(archive.namelist()):
            if member.endswith(".json"):
                lines = archive.read(member).decode("utf-8").splitlines()
                found += [json.loads(line).get("Name") or "" for line in lines if line.strip()]
    return [title.strip() for title in found if title.strip()]


def _text(path: Path, encoding: str) -> str:
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return raw.decode(encoding, errors="replace")


def tune_faiss() -> None:
    """Have faiss, which brings an old BLAS, use the kernel that the others use; call it before faiss is imported."""
    os.environ.pop("OPENBLAS_L2_SIZE", None)
    kernels = [each.get("architecture") or "" for each in threadpool_info() if each["user_api"] == "blas"]
    if kernels:
        os.environ["OPENBLAS_CORETYPE"] = kernels[0] if kernels[0] in ("Haswell", "Zen", "SkylakeX") else "SkylakeX"
