"""What counters find on a torch module, module by module."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from archprof.errors import InputError, suggest, usage_error
from archprof.ir.foreign import blamed
from archprof.ir.graph import Graph
from archprof.runtime.imports import importing, require_torch, uncollected

if TYPE_CHECKING:
    from torch import Tensor, nn

COUNTERS = ("fvcore", "torch", "both")


class MeasuredRow(NamedTuple):
    """What was found for one module: its own parameters, and the MACs that it runs itself."""

    params: int
    macs: int
    macs_torch: int | None = None


class Measurement(NamedTuple):
    """What a counter found, by path: a row for every leaf, and for every other module that has parameters or MACs of
    its own.

    *macs* is that of fvcore, or of torch where it alone was asked; *macs_torch* is there when both were. *torch* is the
    version that ran. A parameter that modules share counts once, in the first.
    """

    counter: str
    torch: str
    rows: Mapping[str, MeasuredRow]
    params: int
    macs: int
    macs_torch: int | None = None


def measure_network(graph: Graph, counter: str = "fvcore") -> Measurement:
    """Return what *counter* ("fvcore", "torch" or "both") finds on the built network of a graph, for one input.

    Raises UsageError where torch or fvcore is not installed, where memory does not suffice, or for another counter.
    """
    # A collection that starts behind the imports visits every object of torch: it takes as long as building the
    # network.
    with uncollected():
        _prepare(counter)

        from archprof.runtime.build import build_network

        counts = []
        with _inference(), _told_apart(graph):
            for name in _counters(counter):
                # Torch's counter needs shapes alone; fvcore's trace needs memory, but not what stands in it.
                device = "meta" if name == "torch" else "cpu"
                network = build_network(graph, initialise=False, device=device).eval()
                counts.append(_count(name, network, _zeros(graph, device)))
        return _measurement(counter, network, counts)


def measure_module(
    module: nn.Module, inputs: tuple[Tensor, ...] | tuple[int, ...], counter: str = "fvcore"
) -> Measurement:
    """Return what *counter* ("fvcore", "torch" or "both") finds on a module, for its arguments, or for one zero input
    of shape (C, H, W).

    The module is run in evaluation mode, without gradients and without its hooks, and left as it was: hooks, mode,
    buffers and gradients. So are the states of the random generators, torch's default type and its number of threads.
    A failing forward raises what it raises. Raises UsageError where torch or fvcore is not installed, or for another
    counter.
    """
    _prepare(counter)
    from archprof.runtime.isolate import isolated

    arguments = _arguments(module, inputs)
    counts = []
    for name in _counters(counter):
        with _inference(), isolated(module) as subject:
            counts.append(_count(name, subject, arguments))
    return _measurement(counter, module, counts)


# How torch says that it got no memory, on the systems that it knows, and that there is no machine of such a size.
_NO_MEMORY = re.compile("can't allocate memory|not enough memory|out of memory|overflow", re.IGNORECASE)


@contextmanager
def _told_apart(graph: Graph) -> Iterator[None]:
    """Raise UsageError, with the network and its input, where a tensor does not fit into memory; SpecError where the
    module of another package fails."""
    from archprof.runtime.build import suspect_at

    try:
        yield
    except InputError:
        raise
    except Exception as error:
        if not isinstance(error, MemoryError) and not _NO_MEMORY.search(str(error)):
            failed = blamed(error, map(suspect_at, graph.nodes))
            if failed is None:
                raise
            raise failed from error
        sizes = ", ".join("×".join(map(str, value.shape)) for value in graph.inputs.values())
        message = f"measuring `{graph.origin.variant}` at {sizes} takes more memory than there is"
        advice = "measure at a smaller `--resolution`; formulas alone, without `--measure`, take none"
        raise usage_error(message, help=advice) from None


def _zeros(graph: Graph, device: str) -> tuple[Tensor, ...]:
    import torch

    return tuple(torch.zeros(value.at_batch(1), device=device) for value in graph.inputs.values())


def _counters(counter: str) -> tuple[str, ...]:
    return ("fvcore", "torch") if counter == "both" else (counter,)


def _prepare(counter: str) -> None:
    if counter not in COUNTERS:
        raise usage_error(f"unknown counter `{counter}`", help=suggest(counter, COUNTERS, "counters"))
    require_torch("measuring", *(["fvcore"] if counter != "torch" else []))


def _count(counter: str, module: nn.Module, inputs: tuple[Tensor, ...]) -> Mapping[str, int]:
    if counter == "fvcore":
        from archprof.runtime.count_fvcore import fvcore_macs

        return fvcore_macs(module, inputs)
    with importing():  # all of torch's compiler comes with it
        from archprof.runtime.count_torch import torch_macs
    return torch_macs(module, inputs)


@contextmanager
def _inference() -> Iterator[None]:
    """Run without gradients and without the fused attention that counters cannot look into.

    The random generators of torch, Python and numpy, the default type, the number of threads, and the warning filters
    (torch imports sympy when it first counts, which adds its own) are given back as they were, whatever a module does.
    """
    import random

    import torch

    numpy = sys.modules.get("numpy")  # torch can do without

    fused = torch.backends.mha.get_fastpath_enabled()
    dtype, threads = torch.get_default_dtype(), torch.get_num_threads()
    state, numpy_state = random.getstate(), numpy and numpy.random.get_state()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), torch.random.fork_rng(range(torch.cuda.device_count())), warnings.catch_warnings():
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
        torch.set_default_dtype(dtype)
        torch.set_num_threads(threads)
        random.setstate(state)
        if numpy is not None:
            numpy.random.set_state(numpy_state)


def _arguments(module: nn.Module, inputs: tuple[Tensor, ...] | tuple[int, ...]) -> tuple[Tensor, ...]:
    """Return copies of tensors, or one zero input of that shape, of the type and on the device of the module's
    parameters."""
    import torch

    shape = [size for size in inputs if isinstance(size, int)]
    if not shape:
        return tuple(given.detach().clone() for given in inputs if not isinstance(given, int))
    like = next((parameter for parameter in module.parameters() if parameter.is_floating_point()), torch.empty(0))
    return (like.new_zeros(1, *shape),)


def _measurement(counter: str, module: nn.Module, counts: list[Mapping[str, int]]) -> Measurement:
    import torch

    rows = dict(_rows(module, counts))
    totals = [sum(count.values()) for count in counts]
    return Measurement(counter, str(torch.__version__), rows, sum(row.params for row in rows.values()), *totals)


def _rows(module: nn.Module, counts: list[Mapping[str, int]]) -> Iterator[tuple[str, MeasuredRow]]:
    seen: set[int] = set()
    for path, part in module.named_modules():
        own = [parameter for parameter in part.parameters(recurse=False) if id(parameter) not in seen]
        seen.update(map(id, own))
        macs = [count.get(path, 0) for count in counts]
        if own or any(macs) or not part._modules:
            yield path, MeasuredRow(sum(parameter.numel() for parameter in own), *macs)
