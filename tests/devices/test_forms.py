"""Formulas by arithmetic written out: of one kernel, and of many at once."""

import numpy
import pytest

from archprof.devices.forms import CLASSES, FORMS, class_of, features_of, form_of, work_of
from archprof.devices.kernels import Kernel, columns_of
from archprof.devices.profile import Ceilings
from archprof.ir.arrays import candidates

CEILINGS = Ceilings(1000.0, 2000.0, 1.0, 6.0)
# Convolutions of 8×8 maps to 8×8 maps, or 4×4 at stride 2.
STANDARD = Kernel("standard", (16, 32, 3, 3, 1, 1, 1, 0, 8, 8, 8, 8))
STRIDED = Kernel("pointwise", (16, 12, 1, 1, 2, 1, 1, 1, 8, 8, 4, 4))
DEPTHWISE = Kernel("depthwise", (16, 16, 3, 3, 1, 1, 16, 0, 8, 8, 8, 8))
GROUPED = Kernel("grouped", (48, 48, 3, 3, 2, 1, 6, 1, 8, 8, 4, 4))
LINEAR = Kernel("linear", (64, 10, 1, 1))
RELU = Kernel("relu", (1024,))
SUM = Kernel("add", (1024, 2048))
POOL = Kernel("max_pool", (16, 2, 2, 2, 8, 8, 4, 4))
# 36 queries in 4 windows of 9 keys; and half of what 9 positions have to look at.
WINDOWS = Kernel("attention", (36 * 24, 36 * 8, 2, 36, 9, 4, 4, 0, 1, 0))
CAUSAL = Kernel("attention", (9 * 24, 9 * 8, 2, 9, 9, 4, 4, 1, 0, 0))
NORM = Kernel("rms_norm", (288, 288, 16, 0))
GROUPS = Kernel("group_norm", (16, 64, 2))
# Of 9 steps, from 8 features to 16: four gates of 16·(8 + 16) weights, each used once a step, and two biases.
LSTM = Kernel("lstm", (9 * 8, 9 * 16, 4 * 16 * 24 + 8 * 16, 9 * 4 * 16 * 24))

# Bytes read, written and of weights, and multiply-accumulates, of two images in fp16.
WORK = {
    STANDARD: (2 * 2 * 16 * 64, 2 * 2 * 32 * 64, 2 * 16 * 9 * 32, 2 * 64 * 16 * 9 * 32),
    STRIDED: (2 * 2 * 16 * 64, 2 * 2 * 12 * 16, 2 * 16 * 12, 2 * 16 * 16 * 12),
    DEPTHWISE: (2 * 2 * 16 * 64, 2 * 2 * 16 * 64, 2 * 16 * 9, 2 * 64 * 16 * 9),
    GROUPED: (2 * 2 * 48 * 64, 2 * 2 * 48 * 16, 2 * 48 * 8 * 9, 2 * 16 * 48 * 8 * 9),
    LINEAR: (2 * 2 * 64, 2 * 2 * 10, 2 * 640, 2 * 640),
    RELU: (2 * 2 * 1024, 2 * 2 * 1024, 0, 0),
    SUM: (2 * 2 * 2048, 2 * 2 * 1024, 0, 0),
    POOL: (2 * 2 * 16 * 64, 2 * (2 + 8) * 16 * 16, 0, 0),  # an index of 8 bytes beside each element
    WINDOWS: (2 * 2 * 36 * 24, 2 * 2 * 36 * 8, 0, 2 * 2 * 36 * 9 * 8),
    CAUSAL: (2 * 2 * 9 * 24, 2 * 2 * 9 * 8, 0, 2 * 2 * 9 * 9 * 8 // 2),
    GROUPS: (2 * 2 * 1024, 2 * 2 * 1024, 0, 0),
    NORM: (2 * 2 * 288, 2 * 2 * 288, 2 * 16, 0),
    LSTM: (2 * 2 * 72, 2 * 2 * 144, 2 * 1664, 2 * 13824),
}


@pytest.mark.parametrize(("kernel", "expected"), WORK.items(), ids=[one.kind for one in WORK])
def test_work(kernel, expected):
    assert tuple(work_of(kernel, 2, 2)) == expected


def moved(amount, fast, slow, cache):
    hit = 1 / (1 + (amount / cache) ** 3)
    return amount * hit / fast + amount * (1 - hit) / slow


# A formula, its constants, a kernel, and the µs of two images.
MEMORY = (100.0, 50.0, 8000.0)
FOUND = [
    ("moving", (2.0, *MEMORY), RELU, 2 + moved(8192, *MEMORY)),
    ("pooling", (2.0, *MEMORY, 64.0), POOL, 2 + moved(4096 + 5120, *MEMORY) + 2 * 16 * 16 * 4 / 64),
    # 128 places and 32 channels are one tile, a wave of which all multiprocessors take as long as 132 such.
    (
        "filtering",
        (2.0, *MEMORY, 1e6, 3.0, 5.0, 70.0, 0.5, 30.0),
        STANDARD,
        2 + (moved(4096 + 8192 + 9216, *MEMORY) ** 4 + (16 * 9 * 128 * 64 * 132 / 1e6) ** 4) ** 0.25,
    ),
    # A bias, 12 channels, of which 4 are no whole vector, and a stride.
    (
        "multiplying",
        (2.0, *MEMORY, 1e6, 3.0, 5.0, 70.0, 0.5, 30.0),
        STRIDED,
        2
        + (moved(4096 + 768 + 384, *MEMORY) ** 4 + (16 * 128 * 64 * 132 / 1e6) ** 4) ** 0.25
        + (3 + moved(2 * 768, *MEMORY))
        + (5 + (4096 + 768 + 384) / 70)
        + (0.5 + 4096 / 30),
    ),
    # On 8 places, 3 taps miss one at each end: (24 − 2)/8 of them are inside along either axis.
    (
        "sliding",
        (2.0, *MEMORY, 10.0, 0.5),
        DEPTHWISE,
        2 + (moved(8192 + 288, *MEMORY) ** 4 + (2 * 16 * 64 * (22 / 8) ** 2 / 10) ** 4) ** 0.25,
    ),
    # Each of six groups fills a tile of 128 filters with its eight.
    (
        "grouping",
        (2.0, *MEMORY, 1e5, 1.0, 40.0),
        GROUPED,
        2
        + (moved(12288 + 3072 + 6912, *MEMORY) ** 4 + (2 * 16 * 8 * 9 * 128 * 6 / 1e5) ** 4) ** 0.25
        + 1
        + 12288 / 40,
    ),
    # 2 heads of 36 queries have 9 keys each, whose exponents are taken.
    (
        "attending",
        (2.0, *MEMORY, 1e4, 100.0),
        WINDOWS,
        2 + (moved(3456 + 1152, *MEMORY) ** 4 + (2 * 2 * 36 * 9 * 8 / 1e4 + 2 * 2 * 36 * 9 / 100) ** 4) ** 0.25,
    ),
    # Each of four multiprocessors sums a group of 8 channels.
    ("norming", (2.0, *MEMORY, 10.0), GROUPS, 2 + moved(8192, *MEMORY) + 8 * 64 / 10),
    (
        "recurring", (2.0, 5.0, *MEMORY, 1000.0), LSTM,
        2 + 9 * 5 + (moved(288 + 576 + 3328, *MEMORY) ** 4 + 27.648**4) ** 0.25,
    ),
    ("working", (2.0, *MEMORY, 1e4), NORM, 2 + moved(1152 + 1152 + 32, *MEMORY)),
]  # fmt: skip


@pytest.mark.parametrize(("form", "constants", "kernel", "expected"), FOUND, ids=[one[0] for one in FOUND])
def test_formula(form, constants, kernel, expected):
    assert FORMS[form].us(constants, kernel, 2, 2) == pytest.approx(expected, rel=1e-12)


NAMES = {
    Kernel("standard", (3, 32, 3, 3, 2, 1, 1, 0, 224, 224, 112, 112)): "stem",
    STANDARD: "standard",
    Kernel("pointwise", (16, 32, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)): "gate",
    Kernel("pointwise", (16, 32, 1, 1, 1, 1, 1, 0, 8, 8, 8, 8)): "pointwise",
    STRIDED: "pointwise_odd",
    DEPTHWISE: "depthwise_3",
    Kernel("depthwise", (16, 16, 5, 1, 1, 1, 16, 0, 8, 8, 8, 8)): "depthwise_5",
    Kernel("depthwise", (16, 16, 9, 9, 1, 1, 16, 0, 8, 8, 8, 8)): "depthwise_11",
    Kernel("depthwise", (16, 16, 31, 31, 1, 1, 16, 0, 8, 8, 8, 8)): "depthwise_large",
    Kernel("grouped", (16, 32, 3, 3, 1, 1, 16, 0, 8, 8, 8, 8)): "depthwise_many",
    GROUPED: "grouped",
    Kernel("grouped", (144, 144, 3, 3, 1, 1, 6, 0, 8, 8, 8, 8)): "grouped_odd",
    Kernel("grouped", (96, 96, 3, 3, 1, 1, 4, 0, 8, 8, 8, 8)): "grouped_few",
    LINEAR: "linear",
    Kernel("linear", (64, 10, 1, 49)): "linear_map",
    Kernel("multiply", (1024, 1040)): "multiply",
    Kernel("multiply", (1024, 2048)): "add",
    WINDOWS: "attention_biased",
    CAUSAL: "attention",
}


@pytest.mark.parametrize(("kernel", "name"), NAMES.items(), ids=[f"{one.kind} {one.sizes}" for one in NAMES])
def test_class(kernel, name):
    assert class_of(kernel) == name
    assert name in CLASSES


def test_an_operator_without_a_kind_is_a_class_of_its_own():
    assert class_of(NORM) == "rms_norm"
    assert form_of("rms_norm") == "working"


KERNELS = [*WORK, Kernel("batch_norm", (16, 64)), Kernel("concat", (1024, 3)), Kernel("layer_scale", (16, 64))]


@pytest.mark.parametrize("kernel", KERNELS, ids=[one.kind for one in KERNELS])
@pytest.mark.parametrize("batch", [1, 32])
def test_many_at_once_are_the_same_as_one(kernel, batch):
    """Sizes of three candidates, of which the second is the kernel."""
    fixed = {"kernel_h", "kernel_w", "stride", "dilation", "bias", "inputs", "groups", "causal", "biased", "maps"}
    columns = zip(columns_of(kernel.kind), kernel.sizes, strict=True)
    together = Kernel(
        kernel.kind,
        tuple([size if name in fixed else candidates([size * 2, size, size * 3]) for name, size in columns]),
    )
    form = FORMS[form_of(class_of(kernel))]
    constants = form.start(CEILINGS)
    assert form.us(constants, together, batch, 2)[1] == pytest.approx(form.us(constants, kernel, batch, 2), rel=1e-12)
    alone, many = features_of(kernel, batch, 2), features_of(together, batch, 2)
    assert [one[1] if numpy.ndim(one) else one for one in many] == pytest.approx(alone, rel=1e-12)


@pytest.mark.parametrize("kernel", KERNELS, ids=[one.kind for one in KERNELS])
def test_twice_as_many_images_are_never_faster(kernel):
    form = FORMS[form_of(class_of(kernel))]
    times = [form.us(form.start(CEILINGS), kernel, batch, 2) for batch in (1, 2, 4, 8, 16, 32, 64)]
    assert times == sorted(times)
