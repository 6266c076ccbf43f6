"""What code asks of torch besides operators while it is recorded: gradients to be switched off or on, what is in
between to be computed again in the backward pass, autocast, and functions with backward passes of their own."""

import functools
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import torch
import torch.utils.checkpoint as checkpointing

from archprof.runtime.imports import not_public
from archprof.units import plural

with not_public("torch._functorch.eager_transforms"):
    from torch._functorch import eager_transforms


class Modes:
    """Follows what code asks for while it is entered: whether *gradients* are on; and notes what is not followed.

    Nothing is saved for a backward pass while a module is recorded, so that gradients are off; code switches what it
    believes them to be. Where they are *real* it switches them, and no more is followed. Autocast stays off: it would
    know nothing of the device that tensors are said to be on.
    """

    def __init__(self, gradients: bool, *, real: bool) -> None:
        self._gradients, self._real = gradients, real
        self._checkpoints = self._nested = self._selective = self._autocasts = 0
        self._inside = 0  # of how many checkpoints what runs now is
        self.reentrant = False  # whether the outermost of them has a backward pass of its own
        self._functions: dict[str, None] = {}
        self._before: list[tuple[Any, str, Any]] = []
        self._around: list[bool] = []

    @property
    def gradients(self) -> bool:
        """Whether what runs now would be saved for a backward pass."""
        return torch.is_grad_enabled()

    @property
    def checkpoint(self) -> int:
        """The number of the checkpoint that what runs now is in, the outermost, from 1; 0 where it is in none."""
        return self._checkpoints if self._inside else 0

    def __enter__(self) -> "Modes":
        self._put(checkpointing, "_checkpoint_without_reentrant_generator", self._once)
        self._put(checkpointing, "CheckpointFunction", _Reentrant(self))
        self._put(torch.autocast, "__init__", _asking(torch.autocast.__init__))
        self._put(torch.autocast, "__enter__", lambda mode: self._autocast(mode))
        self._put(torch.autocast, "__exit__", lambda *_: False)
        self._put(torch.autograd.Function, "apply", _applying(self, vars(torch.autograd.Function)["apply"]))
        if not self._real:
            self._put(torch, "is_grad_enabled", lambda: self._gradients)
            self._put(torch._C, "_set_grad_enabled", self._switch)
            self._put(torch.inference_mode, "__enter__", _entering(self, torch.inference_mode.__enter__))
            self._put(torch.inference_mode, "__exit__", _leaving(self, torch.inference_mode.__exit__))
            self._put(eager_transforms, "grad_increment_nesting", _wants_gradients)
        return self

    def __exit__(self, *_: object) -> None:
        while self._before:
            owner, name, value = self._before.pop()
            setattr(owner, name, value)

    def _put(self, owner: Any, name: str, value: Any) -> None:
        self._before.append((owner, name, vars(owner)[name]))
        setattr(owner, name, value)

    def _switch(self, on: bool) -> None:
        self._gradients = bool(on)

    def remarks(self, *, training: bool) -> Iterator[str]:
        """Yield what is to be told of what code asked for that is not followed; what it saves, where it trains."""
        if self._checkpoints and training:
            calls = plural(self._checkpoints, "call")
            yield f"the code checkpoints {calls} by torch.utils.checkpoint, which the backward pass runs again"
        if self._nested and training:
            calls = plural(self._nested, "call")
            yield f"{calls} of torch.utils.checkpoint within another: counted is what the outermost keeps"
        if self._selective and training:
            calls = plural(self._selective, "call")
            yield f"the code chooses what {calls} of torch.utils.checkpoint keep: counted is what they save without"
        if self._autocasts:
            times = plural(self._autocasts, "time")
            yield f"the code switches autocast on {times}: counted are types without; `--amp bf16` counts all under it"
        if self._functions and training:
            named = ", ".join([f"`{name}`" for name in self._functions])
            yield f"what {named} of torch.autograd.Function saves is not known: counted is what its forward would save"

    def _once(self, _: Any, __: bool = True, context_fn: Any = None, *___: Any, **____: Any) -> Iterator[None]:
        """Stand around a function that is checkpointed, which runs once, as it is; what it keeps by a context of its
        own is not followed."""
        if self.gradients and context_fn not in (None, checkpointing.noop_context_fn):
            self._selective += 1
            yield
            return
        with self.checkpointed(reentrant=False):
            yield

    @contextmanager
    def checkpointed(self, *, reentrant: bool) -> Iterator[None]:
        """Note that code checkpoints what runs within, unless gradients are off: then nothing would run again."""
        if not self.gradients:
            yield
            return
        if not self._inside:
            self._checkpoints, self.reentrant = self._checkpoints + 1, reentrant
        else:
            self._nested += 1
        self._inside += 1
        try:
            yield
        finally:  # code may catch what ends the function
            self._inside -= 1

    def _autocast(self, mode: Any) -> Any:
        self._autocasts += bool(mode._enabled)
        return mode

    def function(self, function: type) -> None:
        """Note a function with a backward pass of its own, unless torch made it."""
        if not function.__module__.startswith("torch."):
            self._functions[function.__name__] = None

    def enter_inference(self, on: bool) -> None:
        """Note that inference mode is entered, in which gradients are off."""
        self._around.append(self._gradients)
        self._gradients = not on

    def leave_inference(self) -> None:
        """Note that it is left."""
        self._gradients = self._around.pop()


def _wants_gradients() -> NoReturn:
    """Stand where torch.func begins to follow gradients: of tensors without, it would find zeros."""
    raise RuntimeError("what torch.func transforms does not require grad")


def _asking(make: Any) -> Any:
    """Return what makes an autocast as code asks for it, whatever devices there are: torch switches one off, and warns,
    whose device is not there."""

    @functools.wraps(make)
    def made(mode: Any, device_type: str, dtype: Any = None, enabled: bool = True, cache_enabled: Any = None) -> None:
        with warnings.catch_warnings(action="ignore"):
            make(mode, device_type, dtype, enabled, cache_enabled)
        mode._enabled = enabled

    return made


def _applying(modes: Modes, apply: Any) -> Any:
    @functools.wraps(apply.__func__)
    def applied(function: type, *args: Any, **kwargs: Any) -> Any:
        modes.function(function)
        return apply.__func__(function, *args, **kwargs)

    return classmethod(applied)


class _Reentrant:
    """In the place of the function with which torch checkpoints by itself."""

    def __init__(self, modes: Modes) -> None:
        self._modes = modes

    def apply(self, function: Any, _: Any, *args: Any) -> Any:
        with self._modes.checkpointed(reentrant=True):
            return function(*args)


def _entering(modes: Modes, enter: Any) -> Any:
    @functools.wraps(enter)
    def entered(mode: Any) -> Any:
        modes.enter_inference(mode.mode)
        return enter(mode)

    return entered


def _leaving(modes: Modes, leave: Any) -> Any:
    @functools.wraps(leave)
    def left(mode: Any, *why: Any) -> Any:
        modes.leave_inference()
        return leave(mode, *why)

    return left
