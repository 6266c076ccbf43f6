"""For what bytes are asked: how many images at once, in which number format, in inference or in a step of training, by
whose kernels."""

from functools import cache
from itertools import takewhile

from archprof.ir.dims import Dim
from archprof.ir.values import Value
from archprof.named_tuple import NamedTuple

# Bytes of an element, by the names that commands have for its type.
WIDTHS = {"fp32": 4, "fp16": 2, "bf16": 2, "int8": 1}
# The types of torch that autocast computes in.
HALVES = {"fp16": "float16", "bf16": "bfloat16"}
OPTIMIZERS = ("sgd", "momentum", "adam", "adamw")
LAYOUTS = ("channels_first", "channels_last")
KERNELS = ("cuda", "cpu")
IN_PLACE = ("depthwise",)


class Setup(NamedTuple):
    """How a network runs: images at once, number format, optimiser (none: inference), the format of autocast, what is
    computed again in the backward pass, passes before a step, layout of maps, whose kernels; in int8, which
    convolutions write over their input, and in how many parts along each side the first stage is computed."""

    batch: int = 1
    dtype: str = "fp32"
    train: str = ""
    amp: str = ""
    checkpoint: str = ""
    accumulate: int = 1
    layout: str = "channels_first"
    kernels: str = "cuda"
    in_place: str = ""
    patches: int = 1

    def width(self, dtype: str) -> int:
        """Return the bytes of an element of a type of torch's; what is float32 is in the format that is asked for."""
        return WIDTHS[self.dtype] if dtype == "float32" else width_of(dtype)

    def bytes(self, value: Value) -> Dim:
        """Return the bytes of a tensor of the whole batch; raises SingleImageError where only those of one image
        are known."""
        return value.elements_at(self.batch) * self.width(value.dtype)


@cache
def width_of(dtype: str) -> int:
    """Return the bytes of an element of a type of torch's, whose name has its bits: `bfloat16`, `float8_e4m3fn`; what
    has none, or fewer than eight, takes one."""
    bits = "".join(takewhile(str.isdecimal, dtype.lstrip("abcdefghijklmnopqrstuvwxyz")))
    return max(int(bits or 8) // 8, 1)


INFERENCE = Setup()
