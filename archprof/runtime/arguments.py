"""What a module of one's own is measured on: its arguments, and the refusal of what cannot be measured."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from archprof.errors import UsageError, as_given, described, usage_error
from archprof.ir.values import Value
from archprof.named_tuple import NamedTuple

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

_SHAPE_HELP = "a shape without the batch, as in `(3, 224, 224)`, or the tensors themselves"


class CallArguments(NamedTuple):
    """What a module is called with: by place, and by name."""

    positional: tuple[Any, ...]
    named: Mapping[str, Any] = {}


def zeros_for(value: Value, images: int, device: torch.device | str) -> Tensor:
    """Return what a network takes, all zeros, for so many *images*."""
    import torch

    return torch.zeros(value.at_batch(images), dtype=getattr(torch, value.dtype), device=device)


def arguments_for(module: nn.Module, given: Any, named: Mapping[str, Any], images: int = 1) -> CallArguments:
    """Return copies of the tensors in *given*, a tensor or a sequence of arguments by place, and in *named*; or, where
    *given* is a shape (C, H, W), an input of zeros, of so many *images*, of the type and on the device of the module's
    parameters.

    Raises UsageError for what is neither.
    """
    import torch
    from torch.utils._pytree import tree_map_only

    if isinstance(given, torch.Tensor):
        given = (given,)
    elif given is None:
        if not named:
            raise usage_error("a module needs the shape of its input", help=_SHAPE_HELP)
        given = ()
    elif not isinstance(given, tuple | list):
        raise usage_error(f"expected the shape of an input, not {as_given(given)}", help=_SHAPE_HELP)
    elif (given or not named) and not any(
        isinstance(one, torch.Tensor) for one in torch.utils._pytree.tree_leaves(given)
    ):
        given = (_zeros(module, given, images),)
    # What is given several times is copied once: it is one tensor still.
    positional, named = tree_map_only(torch.Tensor, cache(_copy), (tuple(given), dict(named)))
    return CallArguments(positional, named)


def _copy(tensor: Tensor) -> Tensor:
    return tensor.detach().clone()


def _zeros(module: nn.Module, shape: tuple[Any, ...] | list[Any], images: int) -> Tensor:
    import torch

    for size in shape:
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            advice = f"sizes are whole numbers from 1: {_SHAPE_HELP}"
            raise usage_error(f"`{size}` is no size of an input", help=advice)
    like = next((parameter for parameter in module.parameters() if parameter.is_floating_point()), torch.empty(0))
    try:
        return like.new_zeros(images, *shape)
    except (RuntimeError, TypeError, MemoryError):  # as many elements as nobody can hold, or can count
        shown = "×".join(map(str, shape))
        raise usage_error(f"an input of {images}×{shown} takes more memory than there is") from None


def measurable(given: Any) -> nn.Module:
    """Return what a wrapper (`torch.compile`, `DataParallel`) wraps, else the module itself.

    Raises UsageError for what is no module, or none that can be measured: an uninitialised one, or one of TorchScript.
    """
    import torch
    from torch import nn

    if isinstance(given, type) and issubclass(given, nn.Module):
        raise usage_error(f"`{given.__name__}` is a class, not a module", help=f"make one: `{given.__name__}(…)`")
    if isinstance(given, torch.jit.ScriptFunction):
        raise _scripted("a function")
    if not isinstance(given, nn.Module):
        advice = '`measure("mobilenet_v2")`, or `measure(module, (3, 224, 224))`'
        raise usage_error(f"`measure` takes a network or a torch module, not {as_given(given)}", help=advice)
    module = _unwrapped(given)
    for path, part in module.named_modules():
        name = f"`{path}` ({type(part).__name__})" if path else f"this {type(part).__name__}"
        if isinstance(part, torch.jit.ScriptModule):
            raise _scripted(f"`{path}`" if path else "a module")
        if isinstance(part, nn.modules.lazy.LazyModuleMixin) and part.has_uninitialized_params():  # type: ignore[misc]
            advice = "run the module once on an input: `module(torch.zeros(1, 3, 224, 224))`"
            raise usage_error(f"{name} has no parameters yet", help=advice)
    return module


def _unwrapped(module: nn.Module) -> nn.Module:
    from torch import nn

    parallel = isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel)
    wrapped = getattr(module, "module" if parallel else "_orig_mod", None)
    return _unwrapped(wrapped) if isinstance(wrapped, nn.Module) else module


def _scripted(what: str) -> UsageError:
    advice = "pass the module as it was before `torch.jit.script` or `torch.jit.trace`"
    return usage_error(f"{what} of TorchScript cannot be measured", help=advice)


def failed_on(arguments: CallArguments, counter: str, error: Exception) -> UsageError:
    """Return what to say of a module that fails on its arguments."""
    advice = f"give what its forward takes: {_SHAPE_HELP}"
    if counter == "fvcore":
        advice += '; a module that no trace can follow is counted by `counter="torch"`'
    return usage_error(f"the module fails on ({call_text(arguments)}): {described(error)}", help=advice)


def call_text(arguments: CallArguments) -> str:
    """Return arguments as a call has them: `1×3×224×224, mask=1×224×224`."""
    named = (f"{key}={_shown(value)}" for key, value in arguments.named.items())
    return ", ".join([*map(_shown, arguments.positional), *named])


def _shown(value: Any) -> str:
    import torch

    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_shown, value))}]"
    if not isinstance(value, torch.Tensor):
        return repr(value) if value is None or isinstance(value, bool | int | float | str) else type(value).__name__
    return "×".join(map(str, value.shape)) or "a scalar"
