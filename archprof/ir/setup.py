"""For what bytes are asked: how many images at once, in which number format, in inference or in a step of training."""

from typing import NamedTuple

# Bytes of an element, by the names that commands and torch have for its type.
WIDTHS = {"fp32": 4, "fp16": 2, "bf16": 2, "int8": 1}
_TORCH_WIDTHS = {"float32": 4, "float64": 8, "int64": 8, "int32": 4, "float16": 2, "bfloat16": 2, "complex64": 8,
                 "complex128": 16, "int16": 2}  # fmt: skip
# The types of torch that autocast computes in.
HALVES = {"fp16": "float16", "bf16": "bfloat16"}
OPTIMIZERS = ("sgd", "momentum", "adam", "adamw")
LAYOUTS = ("channels_first", "channels_last")
KERNELS = ("cuda", "cpu")


class Setup(NamedTuple):
    """How a network runs: images at once, number format, optimiser (none: inference), the format of autocast, what is
    computed again in the backward pass, passes before a step, layout of maps, whose kernels."""

    batch: int = 1
    dtype: str = "fp32"
    train: str = ""
    amp: str = ""
    checkpoint: str = ""
    accumulate: int = 1
    layout: str = "channels_first"
    kernels: str = "cuda"

    def width(self, dtype: str) -> int:
        """Return the bytes of an element of a type of torch's; what is float32 is in the format that is asked for."""
        return WIDTHS[self.dtype] if dtype == "float32" else _TORCH_WIDTHS.get(dtype, 1)


INFERENCE = Setup()
