"""What judged offers of one kind teach about offers of another."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from wares.errors import DataError
from wares.tasks.offers import Offers
from wares.tasks.transferring import evidence, grouped, holds, pairwise_f1, taught


def offers(kind: str, brands: list[str], seed: int) -> tuple[Offers, np.ndarray]:
    """Thirty products at four shops, which name them by brand, number and size, and a colour as they like."""
    rng = np.random.default_rng(seed)
    titles, sellers, products = [], [], []
    for product in range(30):
        name = f"{brands[product % len(brands)]} {kind} x{100 + 7 * product} {(32, 64, 128)[product % 3]}gb"
        for seller in range(4):
            words = [*name.split(), rng.choice(["black", "white", "silver", "grey"]), f"shop{seller}"]
            titles.append(" ".join(rng.permutation(words)))
            sellers.append(seller)
            products.append(product)
    return Offers(titles, sellers=np.array(sellers)), np.array(products)


def test_phones_teach_what_tablets_are():
    learned, products = offers("phone", ["sony", "apple", "nokia"], 0)
    asked, truth = offers("tablet", ["asus", "lenovo", "samsung"], 1)
    matcher, cut = taught(evidence(learned), products)
    found = evidence(asked)
    labels = grouped(found, matcher.probability(found.table), cut)
    assert pairwise_f1(labels, truth) > 0.9
    for label in range(labels.max() + 1):
        assert len(np.unique(asked.sellers[labels == label])) == (labels == label).sum()


def test_words_that_hold_are_told_from_those_that_vary():
    counts = csr_array(np.array([[1, 1, 0], [1, 0, 1], [1, 1, 0], [1, 0, 1]], np.float32))
    got = holds(counts, np.array([0, 0, 1, 1]), np.array([False, False, False]))
    assert got[0] > 0.5 > got[1] == pytest.approx(got[2])


def test_pairwise_f1_by_eye():
    assert pairwise_f1(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1])) == 1
    assert pairwise_f1(np.array([0, 0, 0, 0]), np.array([0, 0, 1, 1])) == pytest.approx(2 * 2 / (6 + 2))


def test_products_all_alone_teach_nothing():
    learned, products = offers("phone", ["sony"], 0)
    with pytest.raises(DataError, match="some pairs of offers have to be of one product"):
        taught(evidence(learned), np.arange(len(products)))
