"""Networks and operators timed as torch runs them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from archprof.ir.graph import Graph, Node
from archprof.ir.values import Value
from archprof.named_tuple import NamedTuple
from archprof.runtime.arguments import CallArguments, zeros_for
from archprof.runtime.timing.alone import RunPlace, Store, operator_of
from archprof.runtime.timing.laid_out import LaidCall, in_layout, lay_out
from archprof.runtime.timing.rounds import Sampler, host_sampler

if TYPE_CHECKING:
    from torch import Tensor, nn

# Of operators a graph has so many runs of each, of networks so many.
_OPERATOR_RUNS, _NETWORK_RUNS = 20, 3


class Subject(NamedTuple):
    """A network to be timed: its graph, its module in evaluation mode, and what that is called with."""

    graph: Graph
    module: nn.Module
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any] = {}


@contextmanager
def pinned(threads: int) -> Iterator[None]:
    """Run without gradients on so many threads (0: as many as there are), and leave torch as it was."""
    import torch

    before = torch.get_num_threads()
    try:
        if threads:
            torch.set_num_threads(threads)
        with _drawn_apart(), torch.inference_mode():
            torch.manual_seed(0)
            yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _drawn_apart() -> Iterator[None]:
    """Leave what random numbers follow as it was, on all devices."""
    import torch

    host, devices = torch.get_rng_state(), range(torch.cuda.device_count())
    there = [torch.cuda.get_rng_state(one) for one in devices]
    try:
        yield
    finally:
        torch.set_rng_state(host)
        with suppress(RuntimeError):  # one that has failed answers nothing more, and what failed is to be told
            for one, state in zip(devices, there, strict=True):
                torch.cuda.set_rng_state(state, one)


def subject_of(graph: Graph, place: RunPlace, batch: int) -> Subject:
    """Return a network that is built of a block table, its weights drawn, on random images. Raises UsageError for a
    graph that comes from none."""
    from archprof.runtime.build import build_network

    network = build_network(graph, device=place.device).eval()
    given = [_drawn(value, batch, place.device) for value in graph.inputs.values()]
    return placed(Subject(graph, network, tuple(given)), place)


def _drawn(value: Value, batch: int, device: str) -> Tensor:
    """Return a random image, or the first token everywhere, which every vocabulary has."""
    import torch

    return torch.rand(value.at_batch(batch), device=device) if value.is_float else zeros_for(value, batch, device)


def drawn(given: CallArguments) -> CallArguments:
    """Return arguments whose tensors hold random numbers, or the first token everywhere, in the place of whatever
    memory held."""
    import torch
    from torch.utils._pytree import tree_map_only

    def like(one: Tensor) -> Tensor:
        return torch.rand_like(one) if one.is_floating_point() or one.is_complex() else torch.zeros_like(one)

    return CallArguments(*tree_map_only(torch.Tensor, like, tuple(given)))


def placed(subject: Subject, place: RunPlace) -> Subject:
    """Return a network in the number format, the layout and on the device where it is to run."""
    import torch
    from torch.utils._pytree import tree_map_only

    def moved(tensor: Tensor) -> Tensor:
        dtype = place.torch_dtype if tensor.is_floating_point() else tensor.dtype
        return in_layout(tensor.to(place.device, dtype), place.layout)

    module = subject.module.eval().to(place.device)
    for one in (*module.parameters(), *module.buffers()):
        if one.is_floating_point():  # of complex numbers, `Module.to` would drop the imaginary part
            one.data = one.data.to(place.torch_dtype)
    lay_out(module, place.layout)
    arguments, keywords = tree_map_only(torch.Tensor, moved, (subject.arguments, dict(subject.keywords)))
    return subject._replace(module=module, arguments=arguments, keywords=keywords)


def network_sampler(subject: Subject, place: RunPlace, execution: str) -> Sampler:
    """Return what times a network as it is to be executed: `eager`, `compiled`, or, on CUDA, as a `graph`."""
    import torch

    module: Callable[..., Any] = torch.compile(subject.module) if execution == "compiled" else subject.module
    return _sampler(lambda: module(*subject.arguments, **subject.keywords), place, execution, _NETWORK_RUNS)


def _sampler(
    run: Callable[[], object], place: RunPlace, execution: str, runs: int, prepare: Callable[[], object] | None = None
) -> Sampler:
    if place.device != "cuda":
        return host_sampler(run, prepare)
    from archprof.runtime.timing.cuda import eager_sampler, graph_sampler

    return eager_sampler(run) if execution == "eager" else graph_sampler(run, runs)


def _runs(node: Node, run: Callable[..., Any], inputs: Sequence[Tensor]) -> bool:
    """Tell whether an operator can be run alone: what captured code calls may be more than its graph says."""
    if node.location is not None:
        return True
    try:
        run(*inputs)
    except Exception:  # in whatever way it finds out
        return False
    return True


def _read(inputs: Sequence[Tensor]) -> None:
    """Bring inputs into caches, where what makes them leaves them."""
    for one in inputs:
        one.sum()


def alone_key(node: Node, call: LaidCall) -> Hashable:
    """Return what tells a call from those that take other times alone: its operator, and how its inputs lie."""
    return (node.op, call.inputs, call.inplace)


def operator_samplers(
    nodes: Sequence[tuple[Node, LaidCall]], place: RunPlace, execution: str, store: Store | None = None
) -> dict[Hashable, Sampler]:
    """Return what times each operator alone; equal ones once. Those that nothing here can run are left out, and those
    that run nothing."""
    store = store or Store(place)
    found: dict[Hashable, Sampler] = {}
    for node, call in nodes:
        key = alone_key(node, call)
        if not call.runs or key in found:
            continue
        run = operator_of(node, place, inplace=call.inplace)
        inputs = store.inputs(call.inputs, node.op.name if call.inplace else "")
        if run is None or not _runs(node, run, inputs):
            continue
        found[key] = _sampler(partial(run, *inputs), place, execution, _OPERATOR_RUNS, partial(_read, inputs))
    return found
