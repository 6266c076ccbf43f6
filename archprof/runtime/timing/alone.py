"""Operators alone: what runs one, on inputs that lie in memory as they do in its network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from archprof.ir.graph import Node
from archprof.ir.operators.base import Operator
from archprof.ir.operators.recurrent import Recurrent
from archprof.named_tuple import NamedTuple
from archprof.runtime.timing.functions import function_of
from archprof.runtime.timing.laid_out import Laid, lay_out

if TYPE_CHECKING:
    import torch
    from torch import Tensor

# At which activations that write over their input leave it as it is: all others drive what they run on again and again
# to 0, or to numbers so small that they take longer.
_STANDING = 20.0
TORCH_DTYPES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}


class RunPlace(NamedTuple):
    """Where and in which form everything runs: the device, the number format, the layout of maps."""

    device: str
    dtype: str
    layout: str

    @property
    def torch_dtype(self) -> torch.dtype:
        """The number format as torch has it."""
        import torch

        found: torch.dtype = getattr(torch, TORCH_DTYPES[self.dtype])
        return found


def operator_of(node: Node, place: RunPlace, *, inplace: bool = False) -> Callable[..., Any] | None:
    """Return what runs an operator alone, with weights of its own; None for one of captured code that nothing here can
    run."""
    import torch

    from archprof.runtime.skip_init import SkipInit

    try:
        with SkipInit(), torch.device(place.device):
            module = node.op.module()
    except (NotImplementedError, TypeError):  # of captured code, whose operators are only described
        return None
    if module is None:
        described = not node.op.expression(*["x"] * len(node.read)) and type(node.op).call is Operator.call
        return None if described else function_of(node)
    module = module.eval().to(place.torch_dtype)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.uniform_(-0.05, 0.05)
    lay_out(module, place.layout)
    if inplace:
        module.inplace = True  # type: ignore[assignment]
    if isinstance(node.op, Recurrent):  # which takes its first states as one argument, and starts from zeros without
        return lambda first, *states: module(first)
    return module


class Store:
    """Memory that all operators find their inputs in: as large as the largest of them, filled once with small random
    numbers, which no operator makes slow ones of. What one kind of operators writes over lies apart."""

    def __init__(self, place: RunPlace) -> None:
        self._place = place
        self._held: dict[tuple[int, str, str], Tensor] = {}

    def inputs(self, laid: Sequence[Laid], written: str = "") -> list[Tensor]:
        """Return tensors that lie so, each in memory of its own; where the first is *written* over by a kind of
        operators, it holds what that leaves as it is."""
        return [self._tensor(place, one, "" if place else written) for place, one in enumerate(laid)]

    def _tensor(self, place: int, laid: Laid, written: str) -> Tensor:
        import torch

        dtype = self._place.torch_dtype if laid.dtype == "float32" else getattr(torch, laid.dtype)
        reach = 1 + sum((size - 1) * step for size, step in zip(laid.shape, laid.strides, strict=True))
        key = (place, str(dtype), written)
        held = self._held.get(key)
        if held is None or held.numel() < reach:
            held = self._held[key] = self._filled(reach, dtype, _STANDING if written else -0.5)
        return held.as_strided(laid.shape, laid.strides)

    def _filled(self, size: int, dtype: torch.dtype, least: float) -> Tensor:
        import torch

        if not dtype.is_floating_point:
            return torch.zeros(size, dtype=dtype, device=self._place.device)
        return torch.rand(size, device=self._place.device).add_(least).to(dtype)
