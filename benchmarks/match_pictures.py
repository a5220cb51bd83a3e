"""Draws the pictures of docs/match: precision and recall on Abt-Buy, and the waterfall of one pair.

python -m benchmarks.match_pictures --data ../shared/data
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import precision_recall_curve

from benchmarks.match import Pairs, sets
from wares.match.boosted import Boosted
from wares.match.fellegi_sunter import FellegiSunter
from wares.tasks.matching import likened, title_score
from wares.tasks.offers import Read
from wares.tasks.rivals import rivalry
from wares.tasks.weighing import waterfall, weights_of

IMAGES = Path(__file__).parent.parent / "docs" / "img"
SHOWN = 9


def draw(data: Path) -> None:
    """Write both pictures into docs/img."""
    pairs = next(iter(sets(data)))
    plain = likened(Read.of(pairs.offers), pairs.rows)
    beside = np.column_stack([plain, rivalry(pairs.rows, title_score(plain), (pairs.theirs + 0).astype(np.int64))])
    train = pairs.split == 0
    learned = Boosted().fit(beside[train], pairs.same[train])
    plt.rcParams.update({"svg.hashsalt": "wares", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    _curves(
        pairs,
        {
            "judged pairs, rivals": learned.probability(beside),
            "judged pairs": Boosted().fit(plain[train], pairs.same[train]).probability(plain),
            "no judged pair": FellegiSunter().fit(beside).probability(beside),
            "TF-IDF cosine": _cosine(pairs),
        },
    )
    _waterfall(pairs, learned, beside)


def _cosine(pairs: Pairs) -> NDArray[np.float64]:
    rows = TfidfVectorizer(sublinear_tf=True).fit_transform(pairs.offers.titles)
    one, other = pairs.rows.T
    return np.asarray(rows[one].multiply(rows[other]).sum(axis=1)).ravel()


def _curves(pairs: Pairs, scores: dict[str, NDArray[np.floating]]) -> None:
    test = pairs.split == 2
    figure, axes = plt.subplots(figsize=(6, 4))
    for name, values in scores.items():
        precision, recall, _ = precision_recall_curve(pairs.same[test], values[test])
        axes.plot(recall, precision, label=name, drawstyle="steps-post")
    axes.set(xlabel="share of the matches found", ylabel="share of the found that are matches", ylim=(0, 1.02))
    axes.legend(loc="lower left", frameon=False)
    _save(figure, "match-precision-recall.svg")


def _waterfall(pairs: Pairs, learned: Boosted, likeness: NDArray[np.float32]) -> None:
    """A match of the test split of which both titles are short and which is not the surest."""
    probability = learned.probability(likeness)
    lengths = [len(pairs.offers.titles[a]) + len(pairs.offers.titles[b]) for a, b in pairs.rows]
    fitting = np.flatnonzero((pairs.split == 2) & pairs.same & (probability > 0.6) & (probability < 0.97))
    row = fitting[np.argmin(np.array(lengths)[fitting])]
    steps = waterfall(weights_of(learned, likeness[row : row + 1])[0], learned.base_)
    rest = sum(weight for _, weight in steps[SHOWN:])
    steps = [*steps[:SHOWN], *([("everything else", rest)] if len(steps) > SHOWN else [])]
    names, weights = zip(*steps, strict=True)
    ends = np.cumsum(weights)
    figure, axes = plt.subplots(figsize=(7, 4))
    colours = ["#888888", *("#2a7f62" if weight > 0 else "#b3432b" for weight in weights[1:])]
    places = np.arange(len(names))
    axes.barh(places, weights, left=ends - weights, color=colours)
    axes.barh(len(names), ends[-1], color="#33557a")
    axes.set_yticks([*places, len(names)], [*names, f"odds: probability {probability[row]:.2f}"])
    axes.invert_yaxis()
    axes.axvline(0, color="black", linewidth=0.6)
    axes.set_xlabel("log2 of the odds that both are one product")
    one, other = pairs.rows[row]
    axes.set_title(f"{pairs.offers.titles[one]}\n{pairs.offers.titles[other]}", fontsize=9, loc="left")
    _save(figure, "match-waterfall.svg")


def _save(figure: plt.Figure, name: str) -> None:
    figure.tight_layout()
    figure.savefig(IMAGES / name, metadata={"Date": None})
    plt.close(figure)
    print(IMAGES / name)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the data sets")
    draw(options.parse_args().data)
