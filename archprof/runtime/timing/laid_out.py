"""How the inputs of each call lie in memory while a network runs: their strides, which kernels are chosen by."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from archprof.ir.graph import INPUT, Edge, Graph
from archprof.ir.values import Value
from archprof.named_tuple import NamedTuple
from archprof.runtime.arguments import zeros_for
from archprof.runtime.timing.functions import function_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Laid(NamedTuple):
    """A tensor as it lies in memory: its whole shape, its strides, the type of its elements as torch names it."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: str = "float32"


class LaidCall(NamedTuple):
    """How the inputs of a call lie, whether it runs anything, which a view does not, and whether it writes over its
    input."""

    inputs: tuple[Laid, ...]
    runs: bool
    inplace: bool = False


def calls_of(graph: Graph, layout: str, batch: int, on: str) -> list[LaidCall]:
    """Return how the inputs of each call of a network lie on a device: of a block table as its module has them, of what
    was recorded as it was."""
    return _run_through(graph, layout, batch, on) if graph.origin.is_table else _recorded(graph, batch)


def laid(tensor: Tensor) -> Laid:
    """Return how a tensor lies."""
    return Laid(tuple(tensor.shape), tuple(tensor.stride()), str(tensor.dtype).removeprefix("torch."))


def _run_through(graph: Graph, layout: str, batch: int, on: str) -> list[LaidCall]:
    """Run the module of a network on the meta device, call by call."""
    import torch

    from archprof.runtime.build import build_network

    with torch.inference_mode(), _as_computed(on):
        network = build_network(graph, initialise=False, device="meta").eval()
        modules = dict(network.named_modules())
        lay_out(network, layout)
        values = {
            Edge(INPUT, k): in_layout(zeros_for(value, batch, "meta"), layout)
            for k, value in enumerate(graph.inputs.values())
        }
        calls = []
        for index, node in enumerate(graph.nodes):
            given = [values[edge] for edge in node.read]
            inputs = tuple(map(laid, given))  # before the call writes over them
            module = modules.get(node.path)
            returned = (module or function_of(node))(*given)
            outputs = [returned] if isinstance(returned, torch.Tensor) else list(returned)
            values.update((Edge(index, k), one) for k, one in enumerate(outputs))
            writes = bool(getattr(module, "inplace", False))
            calls.append(LaidCall(inputs, writes or not any(_shares(one, outputs[0]) for one in given), writes))
    return calls


def _as_computed(on: str) -> AbstractContextManager[object]:
    """Give what is computed on meta the layout that it has on a device, where that differs."""
    import torch

    from archprof.runtime.dispatch import TorchDispatchMode

    operators = torch.ops.aten
    convolutions = operators.conv2d, operators.conv_transpose2d, operators.convolution

    class AsComputed(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            found = func(*args, **(kwargs or {}))
            if func.overloadpacket in convolutions and found.dim() == 4:
                return found.contiguous(memory_format=_layout_of(*args[:2]))
            if func.overloadpacket is operators.scaled_dot_product_attention and on == "cuda" and _is_fused(*args[:3]):
                return found.transpose(1, 2).contiguous().transpose(1, 2)
            return found

    mode: AbstractContextManager[object] = AsComputed()  # type: ignore[no-untyped-call]
    return mode


def _layout_of(given: Tensor, weight: Tensor) -> torch.memory_format:
    """Return the layout of what a convolution returns: channels last where its input or its weight is."""
    import torch

    from archprof.runtime.dispatch import suggest_memory_format

    last = torch.channels_last in map(suggest_memory_format, (given, weight))
    return torch.channels_last if last else torch.contiguous_format


def _is_fused(*heads: Tensor) -> bool:
    """Tell whether CUDA has attention of queries, keys and values in one kernel, which returns the features of a
    position's heads beside each other: of features that are, and as many heads of keys as of queries."""
    beside = all(one.dim() == 4 and one.stride(-1) == 1 for one in heads)
    return beside and len({one.shape[1] for one in heads}) == 1


def _shares(first: Tensor, second: Tensor) -> bool:
    return bool(first.untyped_storage()._cdata == second.untyped_storage()._cdata)


def _recorded(graph: Graph, batch: int) -> list[LaidCall]:
    calls = []
    for node in graph.nodes:
        aliases = node.memory.aliases[:1] if node.memory else ()
        view = aliases not in ((), (None,)) and not (node.memory and node.memory.writes)
        writes = bool(node.memory and 0 in node.memory.writes)
        calls.append(LaidCall(tuple([_of_value(graph.value(edge), batch) for edge in node.read]), not view, writes))
    return calls


def _of_value(value: Value, batch: int) -> Laid:
    shape = value.at_batch(batch)
    if value.strides is None:
        return Laid(tuple(map(int, shape)), contiguous(shape), value.dtype)
    grown = [one[0] + one[1] * (batch - 1) if isinstance(one, tuple) else one for one in value.strides]
    return Laid(tuple(map(int, shape)), tuple(map(int, grown)), value.dtype)


def contiguous(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the strides of a tensor whose last axis lies closest together."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= int(size)
    return tuple(reversed(strides))


def in_layout(tensor: Tensor, layout: str) -> Tensor:
    """Return a map as a layout has it; what is no map stays."""
    import torch

    if layout == "channels_last" and tensor.dim() == 4:
        return tensor.contiguous(memory_format=torch.channels_last)
    return tensor


def lay_out(module: torch.nn.Module, layout: str) -> None:
    """Lay a module's weights as a layout has them: of maps, those of volumes and lines stay as they are."""
    import torch

    form = torch.channels_last if layout == "channels_last" else torch.contiguous_format
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.dim() == 4:
            tensor.data = tensor.data.contiguous(memory_format=form)
