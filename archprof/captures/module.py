"""A torch module as a graph: recorded on tensors without elements, the module untouched."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from archprof.errors import UsageError, described, usage_error
from archprof.ir.foreign import Raised
from archprof.ir.graph import Graph
from archprof.ir.origin import Origin, Unlisted

if TYPE_CHECKING:
    from torch import Tensor, nn

    from archprof.captures.calls import Recording
    from archprof.runtime.arguments import CallArguments


class Batched(NamedTuple):
    """What a module is called with at a batch size; *growing* tells whether there are others."""

    at: Callable[[int], CallArguments]
    growing: bool


def capture_module(module: Any, batched: Batched, origin: Origin | None = None) -> Graph:
    """Return the graph of a torch module in evaluation mode, for one input.

    Nothing is computed and nothing of the module is touched: a copy without elements runs, at three batch sizes, so
    that the batch's place in every shape is known. Raises UsageError for what is no module, or has no parameters yet,
    and, from what it raised, where its forward fails.
    """
    from archprof.captures.graph import Parameter, Parts, graph_of
    from archprof.runtime.arguments import measurable

    module = measurable(module)
    recordings = _recordings(module, batched)
    parameters = {name: Parameter(one.numel(), one.requires_grad) for name, one in module.named_parameters()}
    classes = {path: type(part).__name__ for path, part in module.named_modules()}
    own = frozenset(path for path, part in module.named_modules() if type(part).__module__.startswith("torch.nn."))
    return graph_of(recordings, origin or Unlisted(type(module).__name__), Parts(classes, parameters, own))


def _recordings(module: nn.Module, batched: Batched) -> list[Recording]:
    from archprof.captures.shadow import on_fakes, on_meta

    failed: BaseException | None = None
    for shadowed in (on_meta, on_fakes):
        try:
            first = _record(module, batched.at(1), shadowed)
        except Raised as error:
            # What needs elements fails on meta, and may not on fake tensors; what is wrong fails on both.
            failed = error
            continue
        return [first, *_others(module, batched, shadowed)]
    assert failed is not None
    raise _failed_on(batched.at(1), failed) from failed


def _others(module: nn.Module, batched: Batched, shadowed: Callable[..., Any]) -> list[Recording]:
    """Record at further batch sizes; nothing where the module does not take them."""
    from archprof.captures.batch import SIZES

    if not batched.growing:
        return []
    try:
        return [_record(module, batched.at(size), shadowed) for size in SIZES[1:]]
    except Raised:  # of a module that is made for one image
        return []


def _record(module: nn.Module, arguments: CallArguments, shadowed: Callable[..., Any]) -> Recording:
    import torch
    from torch.utils._pytree import tree_map_only

    from archprof.captures.record import record
    from archprof.runtime.measure import inference

    with inference(), shadowed(module) as (copy, convert):
        args, kwargs = tree_map_only(torch.Tensor, convert, tuple(arguments))
        return record(copy, _named(copy, args, kwargs), args, kwargs)


def _named(module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the tensors among the arguments by the names that forward has for them."""
    import inspect

    import torch
    from torch.utils._pytree import keystr, tree_flatten_with_path

    try:
        bound = inspect.signature(module.forward).bind(*args, **kwargs).arguments
    except TypeError:  # forward takes something else, and says so itself
        bound = {f"input{k}" if k else "input": value for k, value in enumerate(args)} | dict(kwargs)
    found = {}
    for name, value in bound.items():
        for place, item in tree_flatten_with_path(value)[0]:
            if isinstance(item, torch.Tensor):
                found[f"{name}{keystr(place)}"] = item
    return found


def _failed_on(arguments: CallArguments, error: BaseException) -> UsageError:
    from archprof.runtime.arguments import call_text

    if higher := re.search(r"(?:HigherOrderOperator|HOP) (\w+)", str(error)):
        message = f"the module calls `{higher[1]}`, an operator of functions, which no recorder looks into"
        return usage_error(
            message, help="have it run another way meanwhile, as with eager attention", note=raised_at(error)
        )
    return usage_error(f"the module fails on ({call_text(arguments)}): {described(error)}", note=raised_at(error))


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
