"""What each text has of each topic: of a mixture of word distributions (LDA), and of a sum of parts (NMF).

Rows are worked on one by one, so what a row gets does not depend on the rows beside it. `mixed_plain` and `parts_plain`
are the same in numpy.
"""

import numba as nb
import numpy as np

_SUMS = {"reassoc", "contract", "nsz"}
"""Lets sums over topics run in vector lanes; the order is fixed by the machine and the number of topics."""


@nb.njit(nogil=True, cache=True, fastmath=_SUMS)
def mixed(data, indices, indptr, words, prior, rounds, tol, out, shares):
    """Fill `out` (n, k) with how many words of each text come of each topic, `prior` (k,) added.

    data, indices, indptr : (n, n_words) counts as csr. words : (n_words, k) float32, of each topic's words the share
    that is this one. A text is done after `rounds`, or when less than the share `tol` of its words moves. `shares`
    (nnz,) gets each count by its chance under the mixture: what the topics are learned from.
    """
    k = words.shape[1]
    found = np.empty(k, np.float32)
    for i in range(len(indptr) - 1):
        first, last = indptr[i], indptr[i + 1]
        total = np.float32(0)
        for at in range(first, last):
            total += data[at]
        for j in range(k):
            out[i, j] = prior[j] + total / np.float32(k)
        left = rounds
        while True:
            for j in range(k):
                found[j] = 0
            for at in range(first, last):
                row = words[indices[at]]
                chance = np.float32(0)
                for j in range(k):
                    chance += row[j] * out[i, j]
                # A word that no topic has tells nothing.
                weight = data[at] / chance if chance > 0 else np.float32(0)
                shares[at] = weight
                for j in range(k):
                    found[j] += weight * row[j]
            if left == 0:
                break
            left -= 1
            moved = np.float32(0)
            for j in range(k):
                new = prior[j] + out[i, j] * found[j]
                moved += abs(new - out[i, j])
                out[i, j] = new
            if moved <= tol * total:
                left = 0  # once more, for the shares


def mixed_plain(data, indices, indptr, words, prior, rounds, tol, out, shares):
    """`mixed`, a text at a time."""
    for i in range(len(indptr) - 1):
        block = slice(indptr[i], indptr[i + 1])
        counts, rows = data[block], words[indices[block]]
        theta = prior + counts.sum() / words.shape[1]
        for _ in range(rounds):
            chance = rows @ theta
            weight = np.divide(counts, chance, out=np.zeros_like(counts), where=chance > 0)
            new = prior + theta * (weight @ rows)
            moved, theta = np.abs(new - theta).sum(), new
            if moved <= tol * counts.sum():
                break
        chance = rows @ theta
        shares[block] = np.divide(counts, chance, out=np.zeros_like(counts), where=chance > 0)
        out[i] = theta


@nb.njit(nogil=True, cache=True, fastmath=_SUMS)
def parts(products, gram, rounds, tol, out):
    """Improve `out` (n, k), at least 0, so that out @ H comes near X in squares; products X @ H.T, gram H @ H.T.

    One part after the other is set to its best; a row is done after `rounds`, or when all its parts together move by
    less than the share `tol`.
    """
    k = gram.shape[0]
    for i in range(len(products)):
        for _ in range(rounds):
            moved, size = np.float32(0), np.float32(0)
            for j in range(k):
                if gram[j, j] <= 0:
                    out[i, j] = 0
                    continue
                slope = products[i, j]
                for other in range(k):
                    slope -= gram[j, other] * out[i, other]
                new = max(out[i, j] + slope / gram[j, j], np.float32(0))
                moved += abs(new - out[i, j])
                size += new
                out[i, j] = new
            if moved <= tol * size:
                break


def parts_plain(products, gram, rounds, tol, out):
    """`parts`, all rows at once for one part after the other; rows that are done stay as they are."""
    going = np.ones(len(products), bool)
    for _ in range(rounds):
        before = out.copy()
        for j in range(len(gram)):
            if gram[j, j] <= 0:
                out[going, j] = 0
                continue
            slope = products[going, j] - out[going] @ gram[j]
            out[going, j] = np.maximum(out[going, j] + slope / gram[j, j], 0)
        going &= np.abs(out - before).sum(axis=1) > tol * out.sum(axis=1)
