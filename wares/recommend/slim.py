"""A sparse linear model of which products go together."""

from dataclasses import dataclass

from wares.algorithm import setting
from wares.recommend.regressions import Regressions


@dataclass(kw_only=True, eq=False)
class SLIM(Regressions):
    """Each product predicted from the products most like it by an elastic net, whose weights are few and not negative.

    Choose it where reasons have to be short: of `neighbours` products only those that help are left, and none counts
    against another. Time O(sum over shoppers of their products squared + n_products x sweeps x neighbours^2), memory
    O(pairs), of which 50 million take some 2 GB while learning. A history of m products is scored in
    O(m x weights a row).

    Settings
    --------
    l1 : penalty of the sum of the weights, in shoppers; more leaves fewer of them.
    l2 : penalty of their squares, in shoppers; more leans on what is common.
    positive : whether weights stay at 0 or above.
    sweeps : at most so many rounds over the weights of a product.
    neighbours : how many products each one is predicted from, at most.
    pairs : how many pairs of products are kept to learn from, equally many of each product, those most alike; what is
        beyond counts as never taken together.
    strength, half_life, decay : how much a product of the history counts, as in `Pairwise`.

    Learned
    -------
    weights_ : (n_products, n_products) float32 sparse, what having one product (row) says for another (column); zero
        diagonal, at most `neighbours` a column.

    Source: Ning & Karypis 2011, doi:10.1109/ICDM.2011.134, with the candidates of their fsSLIM.
    """

    l1: float = setting(0.5, low=0.0)
    l2: float = setting(100.0, low=1e-6)
    positive: bool = True
    sweeps: int = setting(100, low=1)

    def _penalties(self) -> tuple[float, float, bool, int]:
        return self.l1, self.l2, self.positive, self.sweeps
