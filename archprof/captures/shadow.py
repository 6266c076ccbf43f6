"""What runs in a module's place: its shape without its memory, a copy whose parameters and buffers have no elements;
or, for a real run, a copy that shares nothing with it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from archprof.errors import usage_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    # Gives what runs in a module's place, and what makes an input for it.
    Shadow = Callable[[nn.Module], AbstractContextManager[tuple[nn.Module, Callable[[Tensor], Tensor]]]]


@contextmanager
def on_meta(module: nn.Module, *, train: bool) -> Iterator[tuple[nn.Module, Callable[[Tensor], Tensor]]]:
    """Give a copy on the meta device, where nothing is computed, and what moves an input there."""
    yield _copy(module, _to_meta, train=train), _to_meta


@contextmanager
def on_fakes(module: nn.Module, *, train: bool) -> Iterator[tuple[nn.Module, Callable[[Tensor], Tensor]]]:
    """Give a copy of fake tensors, which know their device and can meet real ones, and what makes an input fake."""
    import torch

    with _unlogged(), _fakes().FakeTensorMode(allow_non_fake_inputs=True) as mode:

        def fake(tensor: Tensor) -> Tensor:
            # What was made on meta stands on the device of the inputs here.
            return torch.empty_like(tensor, device="cpu") if tensor.is_meta else mode.from_tensor(tensor)

        yield _copy(module, fake, train=train), fake


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep torch from logging, with its own frames, what is raised all the same."""
    import logging

    log = logging.getLogger("torch._subclasses.fake_tensor")
    was, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = was


def on_cpu(*, drawn: bool, train: bool) -> Shadow:
    """Return what gives a copy with elements of its own, and what makes an input real: of random numbers that are the
    same each time, where they may be *drawn*."""

    from archprof.captures.surroundings import seed

    @contextmanager
    def shadowed(module: nn.Module) -> Iterator[tuple[nn.Module, Callable[[Tensor], Tensor]]]:
        seed()
        yield _copy(module, _to_cpu, train=train, shares=False), _random if drawn else _to_cpu

    return shadowed


def _to_cpu(tensor: Tensor) -> Tensor:
    if tensor.is_meta:
        advice = 'make the module without `torch.device("meta")`, or leave the real run out'
        raise usage_error("the module is on the meta device, and has nothing to run on for real", help=advice)
    return tensor.detach().to("cpu", copy=True)


def _random(like: Tensor) -> Tensor:
    """Return floats from 0 to 1, as images have them, and whole numbers 0 or 1, which every vocabulary has."""
    import torch

    if like.is_floating_point() or like.is_complex():
        return torch.rand(like.shape, dtype=like.dtype)
    return torch.randint(0, 2, like.shape).to(like.dtype)


def has_elements(tensor: Tensor) -> bool:
    """Tell whether a tensor has elements that can be asked for; a fake one has where it is a constant."""
    if tensor.is_meta:
        return False
    return not isinstance(tensor, _fakes().FakeTensor) or tensor.constant is not None


def _fakes() -> Any:
    from archprof.runtime.imports import not_public

    with not_public("torch._subclasses.fake_tensor"):
        from torch._subclasses import fake_tensor
    return fake_tensor


def _to_meta(tensor: Tensor) -> Tensor:
    return tensor.detach().to("meta")


def _copy(module: nn.Module, convert: Callable[[Tensor], Tensor], *, train: bool, shares: bool = True) -> nn.Module:
    from torch import nn

    from archprof.runtime.isolate import copied

    memo: dict[int, Any] = {
        id(parameter): nn.Parameter(convert(parameter), requires_grad=parameter.requires_grad)
        for parameter in module.parameters()
    }
    memo.update((id(buffer), convert(buffer)) for buffer in module.buffers())
    return copied(module, memo, train=train, shares=shares)
