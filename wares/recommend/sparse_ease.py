"""EASE for catalogs beyond dense memory."""

from dataclasses import dataclass

from wares.algorithm import setting
from wares.recommend.regressions import Regressions


@dataclass(kw_only=True, eq=False)
class SparseEASE(Regressions):
    """Each product predicted by ridge regression from the products most like it; with all of them it is EASE.

    Choose it where a catalog is too large for `ease`: nothing is dense, and no product is left out. Where `neighbours`
    and `pairs` reach all that was taken together, the weights are those of EASE to rounding. Time O(sum over shoppers
    of their products squared + n_products x neighbours^3), memory O(pairs), of which 50
    million take some 2 GB while learning, and 8 bytes a weight afterwards. A history of m products is scored in
    O(m x weights a row).

    Settings
    --------
    regularisation : added to the diagonal, in shoppers; larger leans on what is common.
    neighbours : how many products each one is predicted from.
    pairs : how many pairs of products are kept to learn from, equally many of each product, those most alike; what is
        beyond counts as never taken together.
    strength, half_life, decay : how much a product of the history counts, as in `Pairwise`.

    Learned
    -------
    weights_ : (n_products, n_products) float32 sparse, what having one product (row) says for another (column); zero
        diagonal, at most `neighbours` a column.

    Source: the neighbourhoods of Steck 2019, "Markov random fields for collaborative filtering", arXiv:1910.09645.
    """

    regularisation: float = setting(200.0, low=1e-6)

    def _penalties(self) -> tuple[float, float, bool, int]:
        return 0.0, self.regularisation, False, 0
