import numpy as np
import pytest

torch = pytest.importorskip("torch")

from wares.errors import DataError  # noqa: E402
from wares.training import Training, steady, train  # noqa: E402

ROWS = torch.linspace(-1, 1, 200)


class Line(torch.nn.Module):
    """y = slope x."""

    def __init__(self, slope):
        super().__init__()
        self.slope = torch.nn.Parameter(torch.tensor(float(slope)))


def to_three(line):
    return lambda part: ((line.slope - 3) * ROWS[part]).square().mean()


def learned(how, slope=0.0, loss=to_three, **others):
    with steady(1):
        line = Line(slope)
        return line, train(line, loss(line), len(ROWS), how, **others)


def test_a_slope_is_found():
    line, curve = learned(Training(epochs=60, batch=20, rate=0.1, decay=0.0))
    assert abs(float(line.slope.detach()) - 3) < 0.05
    assert curve.dtype == np.float32
    assert curve[-1, 1] < 0.01 * curve[0, 1]


def test_what_starts_best_stays():
    line, curve = learned(Training(epochs=20, patience=3, rate=0.1), slope=3)
    assert float(line.slope.detach()) == 3
    assert len(curve) == 4  # the start and three epochs without a better one


def test_without_rows_held_out_it_goes_to_the_end():
    line, curve = learned(Training(epochs=7, held=0.0, rate=0.1), slope=3)
    assert len(curve) == 8
    assert float(line.slope.detach()) != 3  # decay pulls at it


def test_the_gradient_is_clipped():
    def steep(line):
        return lambda part: 1e8 * to_three(line)(part)

    line, _ = learned(Training(epochs=1, batch=200, rate=0.1, clip=1.0), loss=steep)
    assert 0 < float(line.slope.detach()) < 0.2


def test_decay_shrinks():
    def nothing(line):
        return lambda part: 0 * line.slope

    line, _ = learned(Training(epochs=5, held=0.0, rate=0.1, decay=0.5), slope=3, loss=nothing)
    assert 0 < float(line.slope.detach()) < 3


def test_the_same_seed_gives_the_same_bits_and_leaves_torch_as_it_was():
    torch.manual_seed(5)
    before = torch.get_rng_state(), torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    one, other = (learned(Training(epochs=3, batch=7))[1] for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert torch.equal(before[0], torch.get_rng_state())
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before[1:]


def test_progress_is_told_and_can_stop_it():
    told = []
    learned(Training(epochs=3, patience=9), progress=lambda *each: told.append(each[:2]))
    assert told == [(1, 3), (2, 3), (3, 3)]

    def stop(epoch, of, loss):
        raise KeyboardInterrupt

    threads = torch.get_num_threads()
    with pytest.raises(KeyboardInterrupt):
        learned(Training(epochs=3), progress=stop)
    assert torch.get_num_threads() == threads


def test_a_step_before_an_epoch_can_end_it():
    _, curve = learned(Training(epochs=9, held=0.0), before=lambda epoch: epoch == 2)
    assert len(curve) == 3


def test_a_loss_that_is_no_number_is_an_error():
    def broken(line):
        return lambda part: line.slope * float("nan")

    with pytest.raises(DataError, match="lower the rate"):
        learned(Training(epochs=2), slope=1, loss=broken)
