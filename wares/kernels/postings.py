"""Words to products and back: folding texts into postings, and one pass over postings for every match.

A posting is a product that holds a word, with its impact (what the word adds to the product's score) worked out when
the index is made, so that a query only adds.
"""

import numba as nb
import numpy as np


@nb.njit(nogil=True, cache=True)
def fold(codes, offsets, weights, averages, b, seen, indptr, words, counts, places):
    """One entry for each product and distinct word: field-weighted, length-normalised counts, and where it stands.

    codes, offsets : words of all texts; text `row * n_fields + field`. weights, averages : (n_fields,) weight and mean
    length of a field. seen : (n_words,) int64 of -1, scratch. Fills indptr (n + 1,), and at most len(codes) of words
    int32, counts float32 and places uint8 (bit f = field f).
    """
    n_fields = weights.size
    m = 0
    indptr[0] = 0
    for row in range(indptr.size - 1):
        start = m
        for field in range(n_fields):
            low, high = offsets[row * n_fields + field], offsets[row * n_fields + field + 1]
            if low == high:
                continue
            each = np.float32(weights[field] / (1 - b + b * (high - low) / averages[field]))
            for t in range(low, high):
                word = codes[t]
                if seen[word] < start:
                    seen[word] = m
                    words[m] = word
                    counts[m] = 0
                    places[m] = 0
                    m += 1
                counts[seen[word]] += each
                places[seen[word]] |= np.uint8(1 << field)
        indptr[row + 1] = m


@nb.njit(nogil=True, cache=True)
def invert(first, indptr, words, counts, places, idf, k1, low, high, place, rows, impacts, where):
    """Entries of products, the first of them `first`, to postings of the words from low to high, rows ascending.

    place : (n_words,) where the next posting of each word goes, moved on; the first of all at 0. Fills rows, impacts
    and where.
    """
    begin = indptr[0]
    for row in range(indptr.size - 1):
        for m in range(indptr[row] - begin, indptr[row + 1] - begin):
            word = words[m]
            if word < low or word >= high:
                continue
            p = place[word]
            place[word] += 1
            rows[p] = first + row
            impacts[p] = idf[word] * counts[m] * (k1 + np.float32(1)) / (counts[m] + k1)
            where[p] = places[m]


@nb.njit(nogil=True, cache=True)
def _match_any(ptr, rows, impacts, query, sums, out_rows, out_scores):
    """`match` of products that hold one word or more."""
    low, n = ptr[query[0]], ptr[query[0] + 1] - ptr[query[0]]
    for i in range(n):
        out_rows[i] = rows[low + i]
        out_scores[i] = impacts[low + i]
    if query.size == 1:
        return n
    for i in range(n):
        sums[np.uint32(out_rows[i])] = out_scores[i]
    for a in range(1, query.size):
        for p in range(ptr[query[a]], ptr[query[a] + 1]):
            row = np.uint32(rows[p])  # unsigned, so that nothing looks for an index from the end
            old = sums[row]
            # Always written, kept where the product is new: no branch for the processor to guess wrong.
            out_rows[n] = row
            n += np.int64(old == 0)
            sums[row] = old + impacts[p]
    for i in range(n):
        row = np.uint32(out_rows[i])
        out_scores[i] = sums[row]
        sums[row] = 0
    return n


@nb.njit(nogil=True, cache=True)
def match(ptr, rows, impacts, query, need, sums, held, out_rows, out_scores):
    """Every product that holds at least `need` words of the query, with the sum of their impacts.

    query : (n,) distinct words, rarest first. sums float32 and held uint8 : (n_products,) zero, and zero again
    afterwards. out_rows int32, out_scores float32 : room for n_products + 1; in no order. Returns how many match.
    """
    if query.size == 0:
        return 0
    if need <= 1:
        return _match_any(ptr, rows, impacts, query, sums, out_rows, out_scores)
    n = 0
    for a in range(query.size):
        # A product first met now can hold at most the words that are left.
        new = query.size - a >= need
        for p in range(ptr[query[a]], ptr[query[a] + 1]):
            row = np.uint32(rows[p])
            if sums[row] == 0:
                if not new:
                    continue
                out_rows[n] = row
                n += 1
            sums[row] += impacts[p]
            held[row] += 1
    m = 0
    for i in range(n):
        row = np.uint32(out_rows[i])
        if held[row] >= need:
            out_rows[m] = row
            out_scores[m] = sums[row]
            m += 1
        sums[row] = 0
        held[row] = 0
    return m


@nb.njit(nogil=True, cache=True)
def match_most(ptr, rows, impacts, query, need, least, sums, held, out_rows, out_scores):
    """`match`, and where nothing matches again with one word fewer, down to `least`."""
    n = 0
    while n == 0 and need >= max(least, 1):
        n = match(ptr, rows, impacts, query, need, sums, held, out_rows, out_scores)
        need -= 1
    return n


@nb.njit(nogil=True, cache=True)
def best_matches(ptr, rows, impacts, query, need, least, sums, held, out_rows, out_scores, allowed, k_rows, k_scores):
    """`match_most`, and of what it finds the best into k_rows and k_scores (k,), ties to the lower row.

    `allowed` is empty or (n_products,) bool. Returns how many match and are allowed.
    """
    n = match_most(ptr, rows, impacts, query, need, least, sums, held, out_rows, out_scores)
    if allowed.size:
        n = keep(out_rows, out_scores, n, allowed)
    best_of(out_rows, out_scores, n, k_rows, k_scores)
    return n


@nb.njit(nogil=True, cache=True)
def unite(rows, scores, near_rows, near_scores, weights, prior, allowed, sums, out_rows, out_scores):
    """The union of matches and nearest that is allowed, each with weights[0] * match + weights[1] * near + weights[2] *
    prior.

    rows int32, scores float32 : matches. near_rows int64, near_scores float32 above 0. prior : empty or (n_products,)
    float32. allowed : empty or (n_products,) bool. sums : (n_products,) float32 zero, and zero again afterwards.
    out_rows int32, out_scores float32 : room for all. Returns how many there are.
    """
    n = 0
    for i in range(near_rows.size):
        sums[near_rows[i]] = near_scores[i]
    for i in range(rows.size):
        row = rows[i]
        near = sums[row]
        sums[row] = 0
        if allowed.size == 0 or allowed[row]:
            out_rows[n] = row
            out_scores[n] = weights[0] * scores[i] + weights[1] * near
            n += 1
    for i in range(near_rows.size):
        row = near_rows[i]
        near = sums[row]
        sums[row] = 0
        if near > 0 and (allowed.size == 0 or allowed[row]):
            out_rows[n] = row
            out_scores[n] = weights[1] * near
            n += 1
    if prior.size:
        for i in range(n):
            out_scores[i] += weights[2] * prior[out_rows[i]]
    return n


@nb.njit(nogil=True, cache=True)
def keep(rows, scores, n, allowed):
    """Move the allowed of the first n to the front; returns how many."""
    m = 0
    for i in range(n):
        if allowed[rows[i]]:
            rows[m] = rows[i]
            scores[m] = scores[i]
            m += 1
    return m


@nb.njit(nogil=True, cache=True)
def best_of(rows, scores, n, k_rows, k_scores):
    """The best of the first n into k_rows (k,) int64 and k_scores (k,) float32, ties to the lower row.

    Places left over are -1 and -inf.
    """
    k = k_rows.size
    m = 0
    for i in range(n):
        score, row = scores[i], rows[i]
        if m == k and (k == 0 or score < k_scores[k - 1] or (score == k_scores[k - 1] and row > k_rows[k - 1])):
            continue
        place = m if m < k else k - 1
        while place > 0 and (k_scores[place - 1] < score or (k_scores[place - 1] == score and k_rows[place - 1] > row)):
            k_scores[place] = k_scores[place - 1]
            k_rows[place] = k_rows[place - 1]
            place -= 1
        k_scores[place] = score
        k_rows[place] = row
        m = min(m + 1, k)
    for place in range(m, k):
        k_rows[place] = -1
        k_scores[place] = -np.inf


@nb.njit(nogil=True, cache=True)
def found(ptr, rows, impacts, where, query, products, out_impacts, out_where):
    """Fill (n, n_words) out_impacts and out_where with what each word adds to each product; 0 where it is not."""
    for a in range(query.size):
        low, high = ptr[query[a]], ptr[query[a] + 1]
        for i in range(products.size):
            p = low + np.searchsorted(rows[low:high], products[i])
            if p < high and rows[p] == products[i]:
                out_impacts[i, a] = impacts[p]
                out_where[i, a] = where[p]


@nb.njit(nogil=True, cache=True)
def count_in(ptr, rows, word, marked):
    """How many products that hold the word are marked (n_products,) bool."""
    n = 0
    for p in range(ptr[word], ptr[word + 1]):
        if marked[rows[p]]:
            n += 1
    return n
