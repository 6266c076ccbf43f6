"""A torch module as a graph: recorded on tensors without elements, or in a real run, the module untouched."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from archprof.errors import InputError, UsageError, described, usage_error
from archprof.ir.foreign import Raised
from archprof.ir.graph import Graph, ModuleClass
from archprof.ir.origin import Origin, Unlisted
from archprof.named_tuple import NamedTuple
from archprof.units import plural

if TYPE_CHECKING:
    from torch import Tensor, nn

    from archprof.captures.calls import Recording
    from archprof.captures.graph import ModuleTensor
    from archprof.captures.shadow import Shadow
    from archprof.runtime.arguments import CallArguments


class Batched(NamedTuple):
    """What a module is called with at a batch size; *growing* tells whether there are others, and *drawn* that the
    elements of its tensors are anybody's choice."""

    at: Callable[[int], CallArguments]
    growing: bool
    drawn: bool = False


def capture_module(
    module: Any, batched: Batched, origin: Origin | None = None, *, train: bool = False, real: bool = False
) -> Graph:
    """Return the graph of a torch module in evaluation mode, or as it trains, for one input.

    Nothing is computed and nothing of the module is touched: a copy without elements runs, at three batch sizes, so
    that the batch's place in every shape is known. Where it is to be *real*, a copy with elements runs once. Raises
    UsageError for what is no module, or has no parameters yet, and, from what it raised, where its forward fails.
    """
    from archprof.captures.graph import Parts, graph_of
    from archprof.runtime.arguments import measurable

    module = measurable(module)
    recordings, how = _recordings(module, batched, train=train, real=real)
    tensors = {name: _module_tensor(one, one.requires_grad) for name, one in module.named_parameters()}
    tensors |= {name: _module_tensor(one, False, buffer=True) for name, one in module.named_buffers()}
    places = Counter(id(part) for _, part in module.named_modules(remove_duplicate=False))
    modules = {path: _class_of(part, places[id(part)]) for path, part in module.named_modules()}
    remarks = [*recordings[0].remarks, *_said_of_hooks(module)]
    origin = _remarked(origin or Unlisted(type(module).__name__), remarks)
    graph = graph_of(recordings, origin, Parts(modules, tensors))
    return graph._replace(training=train, captured=how)


def _module_tensor(tensor: Tensor, trainable: bool, *, buffer: bool = False) -> ModuleTensor:
    from archprof.captures.graph import ModuleTensor

    return ModuleTensor(tensor.numel(), str(tensor.dtype).removeprefix("torch."), trainable, buffer)


def _remarked(origin: Origin, remarks: Sequence[str]) -> Origin:
    if not isinstance(origin, Unlisted):
        return origin
    return origin._replace(remarks=(*origin.remarks, *remarks))


def _said_of_hooks(module: nn.Module) -> Iterator[str]:
    """Yield which modules have hooks that are not run."""
    from archprof.runtime.hooks import listeners

    paths = [f"`{path}`" if path else "the network" for path in listeners(module)]
    if paths:
        named = list(dict.fromkeys(paths))
        where = ", ".join(named[:_NAMED]) + (", …" if len(named) > _NAMED else "")
        said = "that returns nothing is" if len(paths) == 1 else "that return nothing are"
        yield f"{plural(len(paths), 'forward hook')} {said} not run: of {where}"


# So many modules are named in a line.
_NAMED = 3


def _class_of(module: nn.Module, places: int) -> ModuleClass:
    mine = type(module)
    torchs = (cls.__name__ for cls in mine.__mro__ if _is_torchs(cls) and cls.__name__ != "Module")
    name = f"nn.{mine.__name__}" if _is_torchs(mine) else f"{mine.__module__}.{mine.__name__}"
    return ModuleClass(name, next(torchs, ""), any(module.children()), places)


def _is_torchs(cls: type) -> bool:
    return cls.__module__.startswith("torch.nn.")


def _recordings(module: nn.Module, batched: Batched, *, train: bool, real: bool) -> tuple[list[Recording], str]:
    """Return what was recorded, a recording for each batch size, and how: on `meta`, on `fake` tensors, or `real`."""
    from archprof.captures.shadow import on_cpu, on_fakes, on_meta

    shadows: dict[str, Shadow] = {"meta": partial(on_meta, train=train), "fake": partial(on_fakes, train=train)}
    if real:
        shadows = {"real": on_cpu(drawn=batched.drawn, train=train)}
    failed: BaseException | None = None
    for gradients in (False, True):
        for how, shadowed in shadows.items():
            at = partial(_record, module, shadowed, gradients=gradients)
            try:
                first = at(batched.at(1))
            except InputError:
                raise
            except Raised as error:
                # What needs elements fails on meta, and may not on fake tensors; what is wrong fails on both.
                failed = error
                continue
            return [first, *([] if real else _others(batched, at))], how
        if "does not require grad" not in str(failed):
            break
    assert failed is not None
    raise _failed_on(module, batched.at(1), failed, real=real) from failed


def _others(batched: Batched, at: Callable[[CallArguments], Recording]) -> list[Recording]:
    """Record at further batch sizes; nothing where the module does not take them."""
    from archprof.captures.batch import SIZES

    if not batched.growing:
        return []
    try:
        return [at(batched.at(size)) for size in SIZES[1:]]
    except Raised:  # of a module that is made for one image
        return []


def _record(module: nn.Module, shadowed: Shadow, arguments: CallArguments, *, gradients: bool) -> Recording:
    import torch
    from torch.utils._pytree import tree_map_only

    from archprof.captures.record import record
    from archprof.captures.surroundings import repeatable
    from archprof.runtime.measure import inference

    with inference(), repeatable(), shadowed(module) as (copy, convert):
        # What is given several times is one tensor, as `module(x, x, x)` has it.
        args, kwargs = tree_map_only(torch.Tensor, cache(convert), tuple(arguments))
        return record(copy, _named(copy, args, kwargs), args, kwargs, gradients=gradients)


def _named(module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the tensors among the arguments by the names that forward has for them, each by its first."""
    import inspect

    import torch
    from torch.utils._pytree import keystr, tree_flatten_with_path

    try:
        bound = inspect.signature(module.forward).bind(*args, **kwargs).arguments
    except TypeError:  # forward takes something else, and says so itself
        bound = {f"input{k}" if k else "input": value for k, value in enumerate(args)} | dict(kwargs)
    found: dict[str, Tensor] = {}
    for name, value in bound.items():
        for place, item in tree_flatten_with_path(value)[0]:
            if isinstance(item, torch.Tensor) and all(item is not one for one in found.values()):
                found[f"{name}{keystr(place)}"] = item
    return found


def _failed_on(module: nn.Module, arguments: CallArguments, error: BaseException, *, real: bool) -> UsageError:
    from archprof.runtime.arguments import call_text

    message, advice = _known_reason(module, error, real=real) or (f"the module fails on ({call_text(arguments)})", "")
    if not advice:
        message = f"{message}: {described(error)}"
    return usage_error(message, help=advice, note=raised_at(error))


def _known_reason(module: nn.Module, error: BaseException, *, real: bool) -> tuple[str, str] | None:
    """Return why a module cannot be recorded, and what to do about it; None where that is nothing known."""
    from archprof.captures.bounds import FunctionOperatorError, UnknownElementError

    if isinstance(error, FunctionOperatorError):
        message = f"the module calls `{error.operator}`, an operator of functions, which no recorder looks into"
        return message, _REALLY if error.operator == "cond" else "have it run another way meanwhile"
    if isinstance(error, UnknownElementError):
        where = f"`{error.path}` ({error.module})" if error.path else f"this {error.module}"
        message = f"what {where} does depends on data: it asks for elements, by `{error.operator}`, and there are none"
        return message, _REALLY
    if not real and any(".quantized" in type(part).__module__ for part in module.modules()):
        return "the module is quantised, and packed weights have no form without elements", _REALLY
    if wants_gpu(error):
        return f"the module wants a GPU: {described(error)}", ON_ANY_DEVICE
    if not real and _WANTS_ELEMENTS.search(described(error)):
        return f"the module wants elements, and there are none: {described(error)}", _REALLY
    return None


_REALLY = "`--real`, in Python `real=True`, counts a run on random numbers"
# How torch says that something runs on tensors with elements alone.
_WANTS_ELEMENTS = re.compile(
    r"^(DynamicOutputShape|DataDependentOutput|Unsupported\w+)Exception|"
    r"\.numpy\(\) is not supported|no fake impl|doesn't have storage|on the meta device|[Mm]eta tensor"
)
ON_ANY_DEVICE = "have it use the device of what it is given, `x.device`: it is recorded without a GPU"
_GPU = re.compile(r"\bcuda\b|nvidia|\bhip\b|\bxpu\b", re.IGNORECASE)


def wants_gpu(error: BaseException) -> bool:
    """Tell whether something failed for want of a GPU, as far as its message tells."""
    return _GPU.search(str(error)) is not None


def raised_at(error: BaseException) -> str:
    """Return the last line outside torch and archprof through which an exception rose: the user's."""
    from pathlib import Path
    from traceback import extract_tb

    import torch

    theirs = (Path(torch.__file__).parent, Path(__file__).parents[1])
    for frame in reversed(extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_file() and not any(folder in path.parents for folder in theirs):
            return f"raised at {frame.filename}:{frame.lineno}: {frame.line}"
    return ""
