"""Meaning of texts in sixteen languages, by a sentence encoder that ships as a package."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from wares.algorithm import Context, Encoder, setting
from wares.arrays import Dense, Labels, unit
from wares.data.catalog import Catalog
from wares.encode import single, use
from wares.encode.cores import cores
from wares.encode.memory import Memory, once
from wares.encode.reduce import principal
from wares.encode.sampling import sampled
from wares.kernels.project import projected


@dataclass(kw_only=True, eq=False)
class Sentence(Encoder):
    """Universal Sentence Encoder, multilingual, version 3, reduced to the directions the catalog spreads in.

    Choose it to find by meaning, and across languages: "绿茶" finds "green tea". It forgets model numbers and sizes;
    fuse it with `hashing`, which remembers them. Each distinct text is read once; the vector of a text is the same to
    the bit whatever other texts are read beside it. Weights are kept as bytes and worked with in float32.
    Time 0.3 ms a text on one core, memory 90 MB a process, 16 more for the words of queries, and
    4 x width bytes a product.

    Settings
    --------
    columns : read as one text, in this order; those that the catalog lacks are left out.
    width : dimensions kept, by principal components; 512 keeps all.
    max_tokens : of a text, the rest is not read; a token is about four letters. So many are looked for among the
    first 32 letters for each.
    sample : distinct texts that the components are learned from.
    threads : texts read side by side; 0 = one a core. Any number gives the same bits.

    Learned
    -------
    source_ : package, version and sha256 of the encoder; another one is refused.
    components_ : (512, width) float32, orthonormal columns.

    Source: Yang et al. 2020, doi:10.18653/v1/2020.acl-demos.12.
    """

    columns: tuple[str, ...] = ("title", "description")
    width: int = setting(256, low=1, high=use.WIDTH)
    max_tokens: int = setting(64, low=1, high=512)
    sample: int = setting(20_000, low=1)
    threads: int = setting(0, low=0)
    seed: int = 0

    def __post_init__(self) -> None:
        self._memory: Memory | None = None

    def fit(self, catalog: Catalog, context: Context = Context(), *, same: Labels | None = None) -> Self:
        self._check()
        self.source_ = use.source().as_json()
        if self.width == use.WIDTH:
            self.components_ = np.eye(use.WIDTH, dtype=np.float32)
            return self
        some = sampled(catalog, self.columns, self.sample, np.random.default_rng(self.seed), self._letters + 1)
        texts = list(dict.fromkeys(map(self._beginning, some)))
        self.components_ = principal(self.raw(texts), self.width)
        return self

    def encode(self, catalog: Catalog) -> Dense:
        self.learned()
        nothing = np.zeros((0, self.components_.shape[1]), np.float32)
        rows = (self.encode_text(texts) for texts in catalog.texts(self.columns, self._letters + 1))
        return np.concatenate([nothing, *rows])

    def encode_text(self, texts: Sequence[str]) -> Dense:
        self._ready()
        use.check_source(self.source_)
        # Reduced in blocks: at no time are all texts held at full width.
        return once([self._beginning(text) for text in texts], self._reduced)

    def encode_query(self, text: str) -> Dense:
        """(1, width) what `encode_text` says of one text, give or take rounding, in six tenths of the time."""
        network = single.single()
        if network is None or not text.strip():
            return self.encode_text([text])
        self._ready()
        use.check_source(self.source_)
        (tokens,) = use.tokenizer().encode([self._beginning(text)])
        raw = network.encode(_cut(tokens, self.max_tokens))
        return np.asarray(unit(raw if self.width == use.WIDTH else projected(raw, self.components_)), np.float32)

    @property
    def _letters(self) -> int:
        """Letters of a text that are looked at: no token has more than 16, so twice as many hold `max_tokens`."""
        return 32 * self.max_tokens

    def _beginning(self, text: str) -> str:
        """As much of a text as holds its first tokens, to the end of a word: a million letters are not split up."""
        if len(text) <= self._letters:
            return text
        cut = text[: self._letters]
        words = cut.rsplit(maxsplit=1)
        return words[0] if len(words) == 2 and len(words[0]) > self._letters // 2 else cut

    def _reduced(self, texts: list[str]) -> Dense:
        out = np.empty((len(texts), self.components_.shape[1]), np.float32)
        for start in range(0, len(texts), 16_384):
            block = texts[start : start + 16_384]
            raw = self.raw(block)
            out[start : start + len(block)] = raw if self.width == use.WIDTH else projected(raw, self.components_)
        return np.asarray(unit(out), np.float32)

    def raw(self, texts: list[str]) -> Dense:
        """(n, 512) unit rows of distinct texts, not reduced; they need no `fit` and hang on the text alone."""
        if self._memory is None:
            return self._read(texts)
        return self._memory.read(f"sentence-{use.source().sha256[:16]}-{self.max_tokens}", texts, self._read)

    def _read(self, texts: list[str]) -> Dense:
        tokens = [_cut(each, self.max_tokens) for each in use.tokenizer().encode(texts)]
        vectors = use.network().encode(tokens, self.threads or cores())
        vectors[[row for row, text in enumerate(texts) if not text.strip()]] = 0
        return vectors

    def remember(self, memory: Memory | None) -> None:
        """Look texts up in a memory before reading them, from now on; the answers stay the same to the bit."""
        self._memory = memory


def _cut(tokens: list[int], most: int) -> list[int]:
    return tokens if len(tokens) <= most + 2 else [*tokens[: most + 1], tokens[-1]]
