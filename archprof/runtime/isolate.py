"""Running a user's module without touching it."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

_HOOKS = tuple(name for name, value in vars(nn.Module()).items() if "_hooks" in name and isinstance(value, dict))


@contextmanager
def isolated(module: nn.Module) -> Iterator[nn.Module]:
    """Give a module to run in *module*'s place: in evaluation mode, without its hooks, with the same parameters.

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
    for part in module.modules():
        memo.update((id(getattr(part, name)), OrderedDict()) for name in _HOOKS)
    with _SharedTensors():
        return deepcopy(module, memo).eval()


class _SharedTensors(TorchFunctionMode):
    """A context in which a deep copy shares tensors that are neither parameters nor buffers."""

    def __torch_function__(
        self, func: Any, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        return args[0] if func is Tensor.__deepcopy__ else func(*args, **(kwargs or {}))


@contextmanager
def _restored(module: nn.Module) -> Iterator[None]:
    """Put a module in evaluation mode, without hooks, on copies of its buffers; put back its attributes, hooks and
    buffers in the end."""
    parts = list(module.modules())
    attributes = [dict(vars(part)) for part in parts]
    # The dicts stay the same objects: a hook's handle finds its hook by the dict that it was put in.
    contents = [(value, dict(value)) for state in attributes for value in state.values() if isinstance(value, dict)]
    try:
        for part in parts:
            part.training = False
            part._buffers.update({name: buffer.clone() for name, buffer in part._buffers.items() if buffer is not None})
            for name in _HOOKS:
                getattr(part, name).clear()
        yield
    finally:
        for part, state in zip(parts, attributes, strict=True):
            vars(part).clear()
            vars(part).update(state)
        for live, content in contents:
            live.clear()
            live.update(content)
