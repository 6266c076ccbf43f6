"""Running a user's module without touching it."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

_HOOKS = tuple(name for name, value in vars(nn.Module()).items() if "_hooks" in name and isinstance(value, dict))


def _hooks(part: nn.Module, name: str) -> OrderedDict[int, Any]:
    """Return those hooks that are no listeners but make a module's weights before it runs: pruning and the
    normalisations of `torch.nn.utils`."""
    return OrderedDict((key, hook) for key, hook in getattr(part, name).items() if _makes_weights(hook))


def _makes_weights(hook: object) -> bool:
    return any(base.__module__.startswith("torch.nn.utils.") for base in type(hook).__mro__)


@contextmanager
def isolated(module: nn.Module) -> Iterator[nn.Module]:
    """Give a module to run in *module*'s place: in evaluation mode, without hooks that listen, with the same
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
    """Return a copy in evaluation mode, or one that trains, without hooks that listen; *memo* tells what stands for its
    parameters and buffers, by their identities. Other tensors are the same ones where the copy *shares* them. Raises
    whatever the classes of a user's attributes raise."""
    for part in module.modules():
        memo.update((id(getattr(part, name)), _hooks(part, name)) for name in _HOOKS)
    with _SharedTensors() if shares else nullcontext():
        copy = deepcopy(module, memo).train(train)
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
    """Put a module in evaluation mode, without hooks that listen, on copies of its buffers; put back its attributes,
    hooks and buffers in the end."""
    parts = list(module.modules())
    attributes = [dict(vars(part)) for part in parts]
    # The dicts stay the same objects: a hook's handle finds its hook by the dict that it was put in.
    contents = [(value, dict(value)) for state in attributes for value in state.values() if isinstance(value, dict)]
    try:
        for part in parts:
            part.training = False
            _interpret(part)
            part._buffers.update({name: buffer.clone() for name, buffer in part._buffers.items() if buffer is not None})
            for name in _HOOKS:
                kept = _hooks(part, name)
                getattr(part, name).clear()
                getattr(part, name).update(kept)
        yield
    finally:
        for part, state in zip(parts, attributes, strict=True):
            vars(part).clear()
            vars(part).update(state)
        for live, content in contents:
            live.clear()
            live.update(content)
