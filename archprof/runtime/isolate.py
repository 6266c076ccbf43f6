"""Running a user's module without touching it."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from archprof.runtime import hooks


@contextmanager
def isolated(module: nn.Module) -> Iterator[nn.Module]:
    """Give a module to run in *module*'s place: in evaluation mode, without hooks that take no part, with the same
    parameters.

    It is a copy with buffers of its own. Where *module* holds something that cannot be copied, it is *module* itself,
    and put back as it was.
    """
    try:
        copy = _copy(module)
    except Exception:  # whatever the classes of a user's attributes raise
        with _restored(module):
            yield module
    else:
        yield copy


def _copy(module: nn.Module) -> nn.Module:
    memo: dict[int, Any] = {id(parameter): parameter for parameter in module.parameters()}
    memo.update((id(buffer), buffer.detach().clone()) for buffer in module.buffers())
    return copied(module, memo)


def copied(module: nn.Module, memo: dict[int, Any], *, train: bool = False, shares: bool = True) -> nn.Module:
    """Return a copy in evaluation mode, or one that trains, without hooks that take no part; *memo* tells what stands
    for its parameters and buffers, by their identities. Other tensors are the same ones where the copy *shares* them.
    Raises whatever the classes of a user's attributes raise."""
    parts = list(module.modules())
    heard = [hooks.heard(part) for part in parts]
    for part, found in zip(parts, heard, strict=True):
        memo.update((id(getattr(part, name)), kept) for name, kept in found.items())
    with _SharedTensors() if shares else nullcontext():
        copy = deepcopy(module, memo).train(train)
        for kept in [kept for found in heard for kept in found.values()]:
            kept.update((key, hooks.own(hook, memo)) for key, hook in kept.items())
    for part in copy.modules():
        _interpret(part)
    return copy


def _interpret(part: nn.Module) -> None:
    """Have a module run without torch.compile, which counters cannot look into."""
    part._compiled_call_impl = None
    if isinstance(original := getattr(part, "_orig_mod", None), nn.Module):
        part.forward = original.__call__


class _SharedTensors(TorchFunctionMode):
    """A context in which a deep copy shares tensors that are neither parameters nor buffers."""

    def __torch_function__(
        self, func: Any, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        return args[0] if func is Tensor.__deepcopy__ else func(*args, **(kwargs or {}))


@contextmanager
def _restored(module: nn.Module) -> Iterator[None]:
    """Put a module in evaluation mode, without hooks that take no part, on copies of its buffers; put back its
    attributes, hooks and buffers in the end."""
    parts = list(module.modules())
    attributes = [dict(vars(part)) for part in parts]
    # The dicts stay the same objects: a hook's handle finds its hook by the dict that it was put in.
    contents = [(value, dict(value)) for state in attributes for value in state.values() if isinstance(value, dict)]
    same: dict[int, Any] = {id(one): one for one in (*parts, *module.parameters(), *module.buffers())}
    try:
        for part in parts:
            part.training = False
            _interpret(part)
            part._buffers.update({name: buffer.clone() for name, buffer in part._buffers.items() if buffer is not None})
            for name, kept in hooks.heard(part).items():
                getattr(part, name).clear()
                getattr(part, name).update((key, hooks.own(hook, same)) for key, hook in kept.items())
        yield
    finally:
        for part, state in zip(parts, attributes, strict=True):
            vars(part).clear()
            vars(part).update(state)
        for live, content in contents:
            live.clear()
            live.update(content)
