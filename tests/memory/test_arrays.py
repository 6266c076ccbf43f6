"""Rules of memory give for many candidates at once what they give for each."""

import pytest

from archprof.ir.footprint import Run
from archprof.ir.operators.conv import Conv2d
from archprof.ir.operators.gpu import column_sums
from archprof.ir.operators.linear import Linear
from archprof.ir.setup import Setup
from archprof.ir.values import Value

numpy = pytest.importorskip("numpy")
arrays = pytest.importorskip("archprof.ir.arrays")

CHANNELS = (3, 8, 24, 58, 96, 192, 1280)


@pytest.mark.parametrize("setup", [Setup(batch=32, train="sgd"), Setup(batch=1), Setup(batch=8, dtype="fp16")])
@pytest.mark.parametrize(
    "made",
    [
        lambda c: (Conv2d(c, 64, (3, 3), (2, 2), (1, 1)), Value((c, 56, 56))),
        lambda c: (Conv2d(c, 2 * c, bias=True), Value((c, 14, 14))),
        lambda c: (Conv2d(c, c, (3, 3), padding=(1, 1), groups=c), Value((c, 28, 28))),
        lambda c: (Conv2d(4 * c, 4 * c, (3, 3), padding=(1, 1), groups=4), Value((4 * c, 28, 28))),
        lambda c: (Linear(64, c), Value((49, 64), 1)),
    ],
    ids=["window", "position", "depthwise", "grouped", "linear"],
)
def test_workspace_and_scratch_of_candidates(made, setup):
    def rules(channels):
        op, value = made(channels)
        run = Run((value,), (op.output(value),), setup)
        gradients = op.gradients(run)
        return [gradients.scratch, gradients.strided, *(bytes for span in op.workspace(run) for bytes in span)]

    together = rules(arrays.candidates(CHANNELS))
    for place, channels in enumerate(CHANNELS):
        assert [int(numpy.broadcast_to(rule, len(CHANNELS))[place]) for rule in together] == rules(channels)


# What an H100 was seen to take for the gradient of a bias behind so many positions.
@pytest.mark.parametrize(
    ("rows", "columns", "taken"),
    [
        (32, 1000, 0), (392, 3072, 0), (1568, 768, 9_830_424), (1568, 3072, 39_321_696), (2048, 240, 3_932_168),
        (6144, 196, 9_633_800), (6304, 2304, 116_785_224), (25088, 96, 4_816_904), (25088, 192, 38_535_176),
        (32768, 432, 113_246_224), (100352, 96, 19_267_592), (100352, 384, 138_412_044),
    ],
)  # fmt: skip
def test_sums_of_columns_take_what_a_gpu_took(rows, columns, taken):
    assert column_sums(rows, columns) == taken
