"""What counters find on a torch module, module by module."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from archprof.errors import InputError, suggest, usage_error
from archprof.ir.foreign import blamed
from archprof.ir.graph import Graph
from archprof.named_tuple import NamedTuple
from archprof.runtime.arguments import CallArguments, arguments_for, failed_on, measurable, zeros_for
from archprof.runtime.count import Count
from archprof.runtime.imports import importing, require_torch, uncollected

if TYPE_CHECKING:
    from torch import Tensor, nn

COUNTERS = ("fvcore", "torch", "both")


class MeasuredRow(NamedTuple):
    """What was found for one module: its own parameters, the MACs that it runs itself, and how often it ran an operator
    that multiplies and that a counter has no rule for."""

    params: int
    macs: int
    macs_torch: int | None = None
    not_counted: Mapping[str, int] = {}


class Measurement(NamedTuple):
    """What a counter found, by path: a row for every leaf, and for every other module that has parameters or MACs of
    its own.

    *macs* is that of fvcore, or of torch where it alone was asked; *macs_torch* is there when both were. *torch* is the
    version that ran. A parameter that modules share counts once, in the first. Where anything is *not_counted*, by
    operator, the MACs are at least so many.
    """

    counter: str
    torch: str
    rows: Mapping[str, MeasuredRow]
    params: int
    macs: int
    macs_torch: int | None = None

    @property
    def not_counted(self) -> dict[str, int]:
        """Operators that multiply and that a counter has no rule for, by name, and how often they ran."""
        found: dict[str, int] = {}
        for row in self.rows.values():
            for name, calls in row.not_counted.items():
                found[name] = found.get(name, 0) + calls
        return found


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
        with inference(), _told_apart(graph):
            for name in _counters(counter):
                # Torch's counter needs shapes alone; fvcore's trace needs memory, but not what stands in it.
                device = "meta" if name == "torch" else "cpu"
                network = build_network(graph, initialise=False, device=device).eval()
                counts.append(_count(name, network, CallArguments(_zeros(graph, device))))
        return _measurement(counter, network, counts)


def measure_module(
    module: nn.Module,
    inputs: Tensor | Sequence[Any] | None,
    counter: str = "fvcore",
    keywords: Mapping[str, Any] | None = None,
) -> Measurement:
    """Return what *counter* ("fvcore", "torch" or "both") finds on a module: for a tensor, for arguments by place and
    by *keywords*, or for one zero input of shape (C, H, W).

    The module is run in evaluation mode, without gradients and without the hooks that listen to it, and left as it was:
    hooks, mode, buffers and gradients. So are the states of the random generators, torch's default type and its number
    of threads. Raises UsageError where torch or fvcore is not installed, for another counter, for what is no module or
    one without parameters yet, and, from what it raised, for one whose forward fails.
    """
    _prepare(counter)
    from archprof.runtime.isolate import isolated

    module = measurable(module)
    counts = []
    for name in _counters(counter):
        # A forward may write over what it is given.
        arguments = arguments_for(module, inputs, keywords or {})
        with inference(), isolated(module) as subject:
            try:
                counts.append(_count(name, subject, arguments))
            except Exception as error:
                raise failed_on(arguments, name, error) from error
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
    return tuple(zeros_for(value, 1, device) for value in graph.inputs.values())


def _counters(counter: str) -> tuple[str, ...]:
    return ("fvcore", "torch") if counter == "both" else (counter,)


def _prepare(counter: str) -> None:
    if counter not in COUNTERS:
        raise usage_error(f"unknown counter `{counter}`", help=suggest(str(counter), COUNTERS, "counters"))
    require_torch("measuring", *(["fvcore"] if counter != "torch" else []))


def _count(counter: str, module: nn.Module, arguments: CallArguments) -> Count:
    if counter == "fvcore":
        from archprof.runtime.count_fvcore import fvcore_macs

        return fvcore_macs(module, arguments)
    with importing():  # all of torch's compiler comes with it
        from archprof.runtime.count_torch import torch_macs
    return torch_macs(module, arguments)


@contextmanager
def inference() -> Iterator[None]:
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
    # What is compiled cannot be looked into either; whoever has compiled nothing has not loaded the compiler.
    eager = torch.compiler.set_stance("force_eager") if "torch._dynamo" in sys.modules else nullcontext()
    try:
        with (
            torch.no_grad(),
            torch.random.fork_rng(range(torch.cuda.device_count())),
            warnings.catch_warnings(),
            eager,
        ):
            # It is run as it was written, below the hooks of the counter.
            warnings.filterwarnings("ignore", "Using `torch.compile|flex_attention called without torch.compile")
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
        torch.set_default_dtype(dtype)
        torch.set_num_threads(threads)
        random.setstate(state)
        if numpy is not None:
            numpy.random.set_state(numpy_state)


def _measurement(counter: str, module: nn.Module, counts: list[Count]) -> Measurement:
    import torch

    rows = dict(_rows(module, counts))
    totals = [sum(count.macs.values()) for count in counts]
    return Measurement(counter, str(torch.__version__), rows, sum(row.params for row in rows.values()), *totals)


def _rows(module: nn.Module, counts: list[Count]) -> Iterator[tuple[str, MeasuredRow]]:
    seen: set[int] = set()
    for path, part in module.named_modules():
        own = [parameter for parameter in part.parameters(recurse=False) if id(parameter) not in seen]
        seen.update(map(id, own))
        macs = [count.macs.get(path, 0) for count in counts]
        not_counted = _not_counted(path, counts)
        if own or any(macs) or not_counted or not part._modules:
            params = sum(parameter.numel() for parameter in own)
            yield path, MeasuredRow(params, macs[0], macs[1] if len(macs) > 1 else None, not_counted)


def _not_counted(path: str, counts: list[Count]) -> dict[str, int]:
    """Return what any of the counters has no rule for, each as often as it ran."""
    found: dict[str, int] = {}
    for count in counts:
        mine: dict[str, int] = {}
        for name, calls in count.not_counted.get(path, {}).items():
            shown = _plain(name)
            mine[shown] = mine.get(shown, 0) + calls
        for shown, calls in mine.items():
            found[shown] = max(calls, found.get(shown, 0))
    return found


def _plain(operator: str) -> str:
    """Return the name of an operator that a trace and a run of it have in common: `_fft_r2c` and `fft_rfft` are
    `fft`, `_cdist_forward` is `cdist`."""
    name = operator.removeprefix("aten::").removeprefix("prim::PythonOp.")
    if operator.startswith("aten::"):
        name = name.removeprefix("_").removesuffix("_forward")
    return "fft" if name.startswith("fft_") else name
