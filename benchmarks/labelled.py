"""Labelled products for the benchmarks about labels: shop pages with three levels, and titles of an Indian shop."""

import csv
import hashlib
import json
import zipfile
from collections import Counter
from pathlib import Path

import polars as pl

from benchmarks.harness import needs
from wares.data.catalog import Catalog

MAPPING = Path(__file__).parent / "flipkart_to_google.csv"


def pages(data: Path, part: str, letters: int = 0) -> tuple[Catalog, list[str]]:
    """Shop pages of the MWPD 2020 challenge ("train", "validation"), their paths of three levels. letters : of category
    text and description that are read beside the title."""
    with zipfile.ZipFile(needs(data, "mwpd2020/task2_train_val_with_labels.zip")) as archive:
        lines = archive.read(f"{part}.json").decode().splitlines()
    rows = [json.loads(line) for line in lines]
    frame = pl.DataFrame({"id": [row["ID"] for row in rows], "title": [row["Name"] or "" for row in rows]})
    if letters:
        said = [" ".join(filter(None, (row["CategoryText"], row["Description"])))[:letters] for row in rows]
        frame = frame.with_columns(pl.Series("description", said))
    return Catalog(frame), [" > ".join(row[level] for level in ("lvl1", "lvl2", "lvl3")) for row in rows]


def flipkart(data: Path) -> list[tuple[str, str, list[str]]]:
    """Id, title and steps of the category of each product of the Flipkart sample."""
    path = needs(data, "flipkart_taxonomy/flipkart_com-ecommerce_sample.csv")
    with path.open(encoding="utf-8", newline="") as file:
        lines = [line for line in csv.reader(file) if len(line) == 3]
    return [(id, title, [step.strip() for step in tree.strip('[]"').split(">>")]) for id, title, tree in lines]


def titles(data: Path, least: int = 20) -> tuple[Catalog, list[str]]:
    """Titles of the Flipkart sample, each once, and their top category, of those with `least` products."""
    rows = flipkart(data)
    counts = Counter(steps[0] for _, _, steps in rows)
    once = {title.casefold(): (id, title, steps[0]) for id, title, steps in rows if counts[steps[0]] >= least}
    ids, names, labels = zip(*once.values(), strict=True)
    return Catalog(pl.DataFrame({"id": ids, "title": names})), list(labels)


def mapped(data: Path) -> tuple[list[str], list[str], list[int], int]:
    """Titles of the Flipkart sample, the top level of Google's taxonomy each belongs to by hand, the half (0 to choose
    on, 1 to report) by the hash of its id, and how many products the mapping leaves out."""
    lines = [line for line in MAPPING.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    google = {row["flipkart"]: row["google"] for row in csv.DictReader(lines)}
    names, tops, halves, left = [], [], [], 0
    for id, title, steps in flipkart(data):
        heads = [" > ".join(steps[:n]) for n in range(len(steps), 0, -1)]
        top = next((google[head] for head in heads if head in google), "")
        left += not top
        if top:
            names.append(title)
            tops.append(top)
            halves.append(int(hashlib.sha256(id.encode()).hexdigest(), 16) % 2)
    return names, tops, halves, left
