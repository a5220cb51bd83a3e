"""Stochastic gradient descent over factors of shoppers and products: one step after the other, in place and in order.

In one thread, since steps that overtake one another learn otherwise every time. What is drawn by chance comes from
outside, so that the same draws give the same bits.
"""

import numba as nb
import numpy as np

# Only sums may be reordered, so that they run on vector registers: NaN and infinity keep their meaning.
_SUMS = {"reassoc", "contract"}


@nb.njit(nogil=True, cache=True, inline="always")
def _real(value):
    """The value, or 0 where it has all but died out: numbers below 1e-38 take a hundred times as long to work with."""
    return value if abs(value) > np.float32(1e-15) else np.float32(0.0)


@nb.njit(nogil=True, cache=True)
def _has(indices, first, last, product):
    """Whether a product is among the ascending ones of a row."""
    while first < last:
        middle = (first + last) // 2
        if indices[middle] < product:
            first = middle + 1
        else:
            last = middle
    return first


@nb.njit(nogil=True, cache=True, fastmath=_SUMS)
def _toward(shoppers, products, own, common, shopper, product, middle, wanted, logistic, alone, rate, decay, calm):
    """One step of one pair toward what is wanted of it."""
    width = shoppers.shape[1]
    said = middle + own[shopper] + common[product]
    for d in range(width):
        said += shoppers[shopper, d] * products[product, d]
    if logistic:
        said = np.float32(1.0) / (np.float32(1.0) + np.exp(-said))
    pull = rate * (wanted - said)
    less = np.float32(1.0) - rate * decay
    if not alone:
        own[shopper] += pull - rate * calm * own[shopper]
    common[product] += pull - rate * calm * common[product]
    for d in range(width):
        mine, other = shoppers[shopper, d], products[product, d]
        shoppers[shopper, d] = _real(less * mine + pull * other)
        products[product, d] = _real(less * other + pull * mine)


@nb.njit(nogil=True, cache=True)
def pointwise(
    indptr,
    indices,
    owners,
    places,
    drawn,
    wanted,
    weights,
    middle,
    logistic,
    alone,
    rate,
    decay,
    calm,
    shoppers,
    products,
    own,
    common,
):
    """A step for each entry (`places` of it in the rows) and one towards 0 for each product drawn with it.

    indptr, indices : what each shopper took, ascending. owners (n_entries,) int32. places (m,) int32, drawn (m, k)
    int32, of which those that the shopper took are passed over. wanted, weights (n_entries,) float32. The pair's value
    is middle + own + common + the product of the factors, or with `logistic` the probability of that; decay shrinks
    factors and calm the biases `own` (n_shoppers,), which stand still where products are `alone` in having one, and
    `common` (n_products,) at each step.
    """  # fmt: skip
    nought = np.float32(0.0)
    for m in range(places.shape[0]):
        place = places[m]
        shopper = owners[place]
        first, last = indptr[shopper], indptr[shopper + 1]
        _toward(
            shoppers, products, own, common, shopper, indices[place], middle, wanted[place], logistic,
            alone, rate * weights[place], decay, calm,
        )  # fmt: skip
        for k in range(drawn.shape[1]):
            other = drawn[m, k]
            at = _has(indices, first, last, other)
            if at < last and indices[at] == other:
                continue
            _toward(
                shoppers, products, own, common, shopper, other, middle, nought, logistic,
                alone, rate * weights[place], decay, calm,
            )  # fmt: skip


@nb.njit(nogil=True, cache=True, fastmath=_SUMS)
def pairwise(indptr, indices, owners, places, drawn, weights, rate, decay, shoppers, products, common):
    """A step for each entry that lifts it above one product that the shopper did not take.

    Arrays as in `pointwise`. Of the products drawn with an entry it is the one that scores highest.
    """
    width = shoppers.shape[1]
    one = np.float32(1.0)
    for m in range(places.shape[0]):
        place = places[m]
        shopper, better = owners[place], indices[place]
        first, last = indptr[shopper], indptr[shopper + 1]
        worse, highest = np.int32(-1), np.float32(0.0)
        for k in range(drawn.shape[1]):
            other = drawn[m, k]
            at = _has(indices, first, last, other)
            if at < last and indices[at] == other:
                continue
            said = common[other]
            for d in range(width):
                said += shoppers[shopper, d] * products[other, d]
            if worse < 0 or said > highest:
                worse, highest = other, said
        if worse < 0:
            continue
        said = common[better]
        for d in range(width):
            said += shoppers[shopper, d] * products[better, d]
        step = rate * weights[place]
        pull, less = step / (one + np.exp(said - highest)), one - step * decay
        common[better] = less * common[better] + pull
        common[worse] = less * common[worse] - pull
        for d in range(width):
            mine, good, bad = shoppers[shopper, d], products[better, d], products[worse, d]
            shoppers[shopper, d] = _real(less * mine + pull * (good - bad))
            products[better, d] = _real(less * good + pull * mine)
            products[worse, d] = _real(less * bad - pull * mine)
