"""Forward hooks of a user's module: which of them take part in its forward, and those as the hooks of a copy."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from copy import deepcopy
from dis import get_instructions
from functools import partial
from types import CellType, FunctionType, MethodType
from typing import Any

from torch import nn

_HOOKS = tuple(name for name, value in vars(nn.Module()).items() if "_hooks" in name and isinstance(value, dict))
_FORWARD = ("_forward_pre_hooks", "_forward_hooks")
# What says of a forward hook, by its key, how it is to be called.
_FLAGS = {
    "_forward_pre_hooks_with_kwargs": "_forward_pre_hooks",
    "_forward_hooks_with_kwargs": "_forward_hooks",
    "_forward_hooks_always_called": "_forward_hooks",
}
_Hooks = OrderedDict[int, Any]


def heard(part: nn.Module) -> dict[str, _Hooks]:
    """Return the hooks of a module that take part in its forward, by the attribute that holds them: those that may
    return something, in the place of what they are given, and those of `torch.nn.utils` that make weights."""
    found: dict[str, _Hooks] = {}
    for name in _HOOKS:
        hooks = getattr(part, _FLAGS.get(name, name))
        kept = [key for key, hook in hooks.items() if _takes_part(_FLAGS.get(name, name), hook)]
        own = getattr(part, name)
        found[name] = OrderedDict((key, own[key]) for key in kept if key in own)
    return found


def listeners(module: nn.Module) -> Iterator[str]:
    """Yield the path of each module with a forward hook that takes no part, once for each of them."""
    for path, part in module.named_modules():
        for name in _FORWARD:
            yield from (path for hook in getattr(part, name).values() if not _takes_part(name, hook))


def _takes_part(name: str, hook: object) -> bool:
    made_by_torch = any(base.__module__.startswith("torch.nn.utils.") for base in type(hook).__mro__)
    return made_by_torch or (name in _FORWARD and not _returns_nothing(hook))


def _returns_nothing(hook: Any) -> bool:
    """Tell whether a hook can return nothing but None, as far as its code tells."""
    while isinstance(hook, partial):
        hook = hook.func
    called = hook if isinstance(hook, FunctionType | MethodType) else vars(type(hook)).get("__call__")
    code = getattr(called, "__code__", None)
    if code is None:
        return False
    before = None
    for one in get_instructions(code):
        returns_none = one.opname == "RETURN_CONST" and one.argval is None
        if one.opname.startswith("RETURN_") and not returns_none:
            loaded_none = before is not None and before.opname == "LOAD_CONST" and before.argval is None
            if one.opname != "RETURN_VALUE" or one.is_jump_target or not loaded_none:
                return False
        before = one
    return True


def own(hook: Any, memo: dict[int, Any]) -> Any:
    """Return a hook for a copy of its module, of which *memo* tells what stands for what: what the hook holds on to is
    copied too, so that whoever reads that hears nothing. What cannot be copied is the same."""
    try:
        return _own(hook, memo)
    except Exception:  # whatever the classes of a user's objects raise
        return hook


def _own(hook: Any, memo: dict[int, Any]) -> Any:
    if isinstance(hook, partial):
        return partial(_own(hook.func, memo), *deepcopy(hook.args, memo), **deepcopy(hook.keywords, memo))
    if isinstance(hook, MethodType):
        return MethodType(_own(hook.__func__, memo), deepcopy(hook.__self__, memo))
    return _own_function(hook, memo) if isinstance(hook, FunctionType) else deepcopy(hook, memo)


def _own_function(hook: FunctionType, memo: dict[int, Any]) -> Callable[..., Any]:
    named = {name: hook.__globals__.get(name) for name in hook.__code__.co_names}
    filled = {name: deepcopy(value, memo) for name, value in named.items() if isinstance(value, list | dict | set)}
    cells = tuple([CellType(deepcopy(cell.cell_contents, memo)) for cell in hook.__closure__ or ()])
    made = FunctionType(
        hook.__code__, {**hook.__globals__, **filled}, hook.__name__, deepcopy(hook.__defaults__, memo), cells
    )
    made.__kwdefaults__ = deepcopy(hook.__kwdefaults__, memo)
    return made
