"""A module's shape without its memory: a copy whose parameters and buffers have no elements."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn


@contextmanager
def on_meta(module: nn.Module, *, train: bool) -> Iterator[tuple[nn.Module, Callable[[Tensor], Tensor]]]:
    """Give a copy on the meta device, where nothing is computed, and what moves an input there."""
    yield _copy(module, _to_meta, train=train), _to_meta


@contextmanager
def on_fakes(module: nn.Module, *, train: bool) -> Iterator[tuple[nn.Module, Callable[[Tensor], Tensor]]]:
    """Give a copy of fake tensors, which know their device and can meet real ones, and what makes an input fake."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode(allow_non_fake_inputs=True) as mode:

        def fake(tensor: Tensor) -> Tensor:
            # What was made on meta stands on the device of the inputs here.
            return torch.empty_like(tensor, device="cpu") if tensor.is_meta else mode.from_tensor(tensor)

        yield _copy(module, fake, train=train), fake


def _to_meta(tensor: Tensor) -> Tensor:
    return tensor.detach().to("meta")


def _copy(module: nn.Module, convert: Callable[[Tensor], Tensor], *, train: bool) -> nn.Module:
    from torch import nn

    from archprof.runtime.isolate import copied

    memo: dict[int, Any] = {
        id(parameter): nn.Parameter(convert(parameter), requires_grad=parameter.requires_grad)
        for parameter in module.parameters()
    }
    memo.update((id(buffer), convert(buffer)) for buffer in module.buffers())
    return copied(module, memo, train=train)
