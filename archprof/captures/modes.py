"""What code asks of torch besides operators while it is recorded: gradients to be switched off or on, and what is in
between to be computed again in the backward pass."""

import functools
from collections.abc import Iterator
from typing import Any

import torch
import torch.utils.checkpoint as checkpointing


class Modes:
    """Follows what code asks for while it is entered: whether *gradients* are on, and so many *checkpoints*.

    Nothing is saved for a backward pass while a module is recorded, so that gradients are off; code switches what it
    believes them to be. Where they are *real* it switches them, and no more is followed.
    """

    def __init__(self, gradients: bool, *, real: bool) -> None:
        self._gradients, self._real = gradients, real
        self.checkpoints = 0
        self._before: list[tuple[Any, str, Any]] = []
        self._around: list[bool] = []

    @property
    def gradients(self) -> bool:
        """Whether what runs now would be saved for a backward pass."""
        return torch.is_grad_enabled()

    def __enter__(self) -> "Modes":
        self._put(checkpointing, "_checkpoint_without_reentrant_generator", self._once)
        self._put(checkpointing, "CheckpointFunction", _Reentrant(self))
        if not self._real:
            self._put(torch, "is_grad_enabled", lambda: self._gradients)
            self._put(torch._C, "_set_grad_enabled", self._switch)
            self._put(torch.inference_mode, "__enter__", _entering(self, torch.inference_mode.__enter__))
            self._put(torch.inference_mode, "__exit__", _leaving(self, torch.inference_mode.__exit__))
        return self

    def __exit__(self, *_: object) -> None:
        while self._before:
            owner, name, value = self._before.pop()
            setattr(owner, name, value)

    def _put(self, owner: Any, name: str, value: Any) -> None:
        self._before.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    def _switch(self, on: bool) -> None:
        self._gradients = bool(on)

    def _once(self, *_: Any, **__: Any) -> Iterator[None]:
        """Stand around a function that is checkpointed, which runs once, as it is."""
        self.checkpoints += 1
        yield

    def enter_inference(self, on: bool) -> None:
        """Note that inference mode is entered, in which gradients are off."""
        self._around.append(self._gradients)
        self._gradients = not on

    def leave_inference(self) -> None:
        """Note that it is left."""
        self._gradients = self._around.pop()


class _Reentrant:
    """In the place of the function with which torch checkpoints by itself."""

    def __init__(self, modes: Modes) -> None:
        self._modes = modes

    def apply(self, function: Any, _: Any, *args: Any) -> Any:
        self._modes.checkpoints += 1
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
