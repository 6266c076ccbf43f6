"""Operators alone in onnxruntime: between convolutions, whose layout of maps they have to live with as in a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from archprof.errors import UsageError
from archprof.ir.graph import Node
from archprof.runtime.timing.alone import RunPlace, Store, operator_of
from archprof.runtime.timing.laid_out import Laid, contiguous
from archprof.runtime.timing.onnx_times import REORDERS, NodeTimes, Session, exported
from archprof.runtime.timing.rounds import Timing, timing_of

if TYPE_CHECKING:
    from archprof.runtime.timing.laid_out import LaidCall

# What onnxruntime makes a part of the convolution before it, and then does not show: norms and sums cost nothing there,
# activations what they add to a convolution.
_FUSED = ("batch_norm", "frozen_batch_norm", "add")
_ADDED = ("relu", "relu6", "hardswish", "hardsigmoid", "sigmoid", "tanh")
_LEAST = 0.1
# What stands behind operators that have left its layout already.
_BARE = ("channel_shuffle",)
# Channels in a block of its layout for maps, on CPUs with registers of 512 bits; less divides it.
_BLOCK = 16
# The clock of its profiles ticks in µs.
_CLOCK = 1.0
# What a model's output is called, and with it the node that makes it.
_BEHIND = "behind"
_PLACE = RunPlace("cpu", "fp32", "channels_first")


class _Around(nn.Module):
    """An operator, `alone`, with something `before` each of its inputs and `behind` its output."""

    def __init__(self, run: Callable[..., Any], before: Sequence[nn.Module], behind: nn.Module) -> None:
        super().__init__()
        self.before = nn.ModuleList(before)
        self.behind = behind
        self.alone = run if isinstance(run, nn.Module) else _Function(run)

    def forward(self, *inputs: Tensor) -> Any:
        return self.behind(self.alone(*[one(x) for one, x in zip(self.before, inputs, strict=True)]))


class _Added(nn.Module):
    """An activation behind a convolution, and that convolution without it, `plain`."""

    def __init__(self, act: nn.Module, channels: int) -> None:
        super().__init__()
        self.before, self.plain, self.with_act, *behind = (_copying(channels) for _ in range(5))
        self.behind = nn.ModuleList(behind)
        self.act = act

    def forward(self, x: Tensor) -> Any:
        x = self.before(x)
        return self.behind[0](self.plain(x)), self.behind[1](self.act(self.with_act(x)))


def _copying(channels: int) -> nn.Module:
    """Return a convolution that does the least that one can."""
    return nn.Conv2d(channels, channels, 1, groups=channels, bias=False)


class _Function(nn.Module):
    """A function as a module, which gives its nodes a name."""

    def __init__(self, run: Callable[..., Any]) -> None:
        super().__init__()
        self._run = run

    def forward(self, *inputs: Tensor) -> Any:
        return self._run(*inputs)


def alone_session(node: Node, call: LaidCall, store: Store, threads: int, profile: Path) -> Session | None:
    """Return a session that runs an operator alone; None for one that cannot be run or exported."""
    run = operator_of(node, _PLACE)
    if run is None:
        return None
    laid = [Laid(one.shape, contiguous(one.shape), one.dtype) for one in call.inputs]
    inputs = store.inputs(laid)
    names = [f"input{place}" for place in range(len(inputs))]
    if node.op.name in _ADDED and inputs[0].dim() == 4 and isinstance(run, nn.Module):
        around: nn.Module = _Added(run, inputs[0].shape[1])
    else:
        around = _between(node.op.name, run, inputs)
    try:
        model = exported(around.eval(), inputs, names, _BEHIND)
    except UsageError:
        return None
    return Session(model, inputs, threads, profile)


def _between(name: str, run: Callable[..., Any], inputs: Sequence[Tensor]) -> nn.Module:
    with torch.no_grad():
        returned = run(*inputs)
    before = [nn.Identity() if name in _BARE else _beside(one, fuses=name in _FUSED) for one in inputs]
    bare = any(isinstance(one, nn.Identity) for one in before)
    return _Around(run, before, nn.Identity() if bare else _beside(returned, fuses=False))


def _beside(tensor: Tensor, *, fuses: bool) -> nn.Module:
    """Return what stands beside an operator: of maps a convolution that only copies, or pooling where a convolution
    would run what is behind it."""
    if tensor.dim() != 4:
        return nn.Identity()
    channels = tensor.shape[1]
    if not fuses:
        return _copying(channels)
    return nn.MaxPool2d(1) if channels % _BLOCK == 0 else nn.Identity()


def alone_timing(nodes: Sequence[NodeTimes]) -> Timing | None:
    """Return how long an operator took, the first run left aside; None where nothing was seen of it."""
    plain = next((one for one in nodes if "/plain" in one.name), None)
    if plain is not None:
        with_act = next((one for one in nodes if one.name.startswith(("/act", "/with_act"))), None)
        return _added(plain, with_act) if with_act is not None else None
    us = alone_us(nodes)[1:]
    return timing_of(us, _CLOCK) if us else None


def _added(plain: NodeTimes, with_act: NodeTimes) -> Timing:
    """Return what an activation adds to a convolution, the least of both taken apart; the spread is that of the
    convolution with it."""
    first, second = timing_of(list(plain.us[1:]), _CLOCK), timing_of(list(with_act.us[1:]), _CLOCK)
    return Timing(max(second.us - first.us, _LEAST), max(first.spread, second.spread), second.rounds)


def alone_us(nodes: Sequence[NodeTimes]) -> list[float]:
    """Return the µs of each run of an operator, without what stands beside it, and without the reorders that that asks
    for."""
    mine = [one.us for one in _own(nodes)]
    return [sum(us) for us in zip(*mine, strict=True)] if mine else []


def _own(nodes: Sequence[NodeTimes]) -> Iterator[NodeTimes]:
    """Yield the nodes that are an operator's own: neither what stands beside it, nor what brings maps into the layout
    of that, which comes right before or behind."""
    beside = [_is_beside(one) for one in nodes]
    for index, one in enumerate(nodes):
        comes_in = one.operator == REORDERS[0] and "/before" in "".join(
            next_.name for next_ in nodes[index + 1 : index + 2]
        )
        goes_out = one.operator == REORDERS[1] and index and _BEHIND in nodes[index - 1].name
        if not (beside[index] or comes_in or goes_out):
            yield one


def _is_beside(node: NodeTimes) -> bool:
    return "/before" in node.name or _BEHIND in node.name
