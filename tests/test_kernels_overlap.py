"""What two texts share and contradict each other in: by eye, and against the plain twin."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from wares.kernels.overlap import overlap, plain
from wares.tasks.pairing import _written

OFFERS = [
    "Sharp R-344SLM 25L microwave 900w",
    "sharp r344slm silver 25 litre microwave",
    "Sharp R360SLM 23L microwave",
    "iphone 8 64gb",
    "iphone 7 32 gb",
]


def compared(a: int, b: int) -> list[float]:
    _, texts = _written(OFFERS)
    return overlap(texts, np.array([[a, b]], np.int32))[0].tolist()


def test_a_model_number_is_found_however_it_is_written() -> None:
    code, differ, _, _, sizes = compared(0, 1)
    assert code > 0.5  # "r-344slm" stands in the letters of "r344slm"
    assert differ == 0
    assert sizes == 0  # 25 L is 25 litres


def test_other_models_and_sizes_contradict() -> None:
    code, differ, lacking, _, sizes = compared(1, 2)
    assert code == 0
    assert 0.5 < differ <= lacking <= 1
    assert sizes == 1  # 25 and 23 litres
    _, _, _, numbers, sizes = compared(3, 4)
    assert (numbers, sizes) == (1, 1)  # 8 and 7, 64 GB and 32 GB


WORDS = st.sampled_from(
    ["red", "r344slm", "r344", "344slm", "slm", "25l", "23l", "900w", "8", "7", "64gb", "绿茶", "x1"]
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(WORDS, max_size=6).map(" ".join), min_size=2, max_size=5))
def test_the_kernel_is_its_plain_twin(texts: list[str]) -> None:
    _, written = _written(texts)
    n = len(texts)
    pairs = np.array([(a, b) for a in range(n) for b in range(a + 1, n)], np.int32)
    np.testing.assert_array_equal(overlap(written, pairs), plain(written, pairs))
