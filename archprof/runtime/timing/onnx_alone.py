"""Operators alone in onnxruntime: between convolutions, whose layout of maps they have to live with as in a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from archprof.ir.graph import Node
from archprof.runtime.timing.alone import Place, Store, operator_of
from archprof.runtime.timing.laid_out import Laid, contiguous
from archprof.runtime.timing.onnx_times import REORDERS, NodeTimes, Session, exported

if TYPE_CHECKING:
    from archprof.runtime.timing.laid_out import Call

# What onnxruntime makes a part of the convolution before it, and then does not show.
_FUSED = ("batch_norm", "frozen_batch_norm", "relu", "relu6", "hardsigmoid", "sigmoid", "tanh", "add")
# What stands behind operators that have left its layout already.
_BARE = ("channel_shuffle",)
# Channels in a block of its layout for maps, on CPUs with registers of 512 bits; less divides it.
_BLOCK = 16
_PLACE = Place("cpu", "fp32", "channels_first")


class _Around(nn.Module):
    """An operator, `alone`, with something `before` each of its inputs and `behind` its output."""

    def __init__(self, run: Callable[..., Any], before: Sequence[nn.Module], behind: nn.Module) -> None:
        super().__init__()
        self.before = nn.ModuleList(before)
        self.behind = behind
        self.alone = run if isinstance(run, nn.Module) else _Function(run)

    def forward(self, *inputs: Tensor) -> Any:
        return self.behind(self.alone(*[one(x) for one, x in zip(self.before, inputs, strict=True)]))


class _Function(nn.Module):
    """A function as a module, which gives its nodes a name."""

    def __init__(self, run: Callable[..., Any]) -> None:
        super().__init__()
        self._run = run

    def forward(self, *inputs: Tensor) -> Any:
        return self._run(*inputs)


def alone_session(node: Node, call: Call, store: Store, threads: int, profile: Path) -> Session | None:
    """Return a session that runs an operator alone; None for one that cannot be run or exported."""
    run = operator_of(node, _PLACE)
    if run is None:
        return None
    laid = [Laid(one.shape, contiguous(one.shape), one.dtype) for one in call.inputs]
    inputs = store.inputs(laid)
    with torch.no_grad():
        returned = run(*inputs)
    before = [nn.Identity() if node.op.name in _BARE else _beside(one, fuses=node.op.name in _FUSED) for one in inputs]
    bare = any(isinstance(one, nn.Identity) for one in before)
    around = _Around(run, before, nn.Identity() if bare else _beside(returned, fuses=False)).eval()
    names = [f"input{place}" for place in range(len(inputs))]
    return Session(exported(around, inputs, names, "behind"), inputs, threads, profile)


def _beside(tensor: Tensor, *, fuses: bool) -> nn.Module:
    """Return what stands beside an operator: of maps a convolution that only copies, or pooling where a convolution
    would run what is behind it."""
    if tensor.dim() != 4:
        return nn.Identity()
    channels = tensor.shape[1]
    if not fuses:
        return nn.Conv2d(channels, channels, 1, groups=channels, bias=False)
    return nn.MaxPool2d(1) if channels % _BLOCK == 0 else nn.Identity()


def alone_us(nodes: Sequence[NodeTimes]) -> list[float]:
    """Return the µs of each run of an operator, without what stands beside it, and without the reorders that that asks
    for."""
    mine = [one.us for one in _own(nodes)]
    return [sum(us) for us in zip(*mine, strict=True)] if mine else []


def _own(nodes: Sequence[NodeTimes]) -> Iterator[NodeTimes]:
    beside = [_is_beside(one) for one in nodes]
    for index, one in enumerate(nodes):
        comes_in = one.operator == REORDERS[0] and beside[index + 1 : index + 2] == [True] and "behind" not in nodes[index + 1].name
        goes_out = one.operator == REORDERS[1] and index and "behind" in nodes[index - 1].name
        if not (beside[index] or comes_in or goes_out):
            yield one


def _is_beside(node: NodeTimes) -> bool:
    return "/before" in node.name or "behind" in node.name
