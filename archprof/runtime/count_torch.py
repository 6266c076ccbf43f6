"""Multiply-accumulates as torch's FlopCounterMode counts them on a forward pass."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count


def torch_macs(module: nn.Module, inputs: tuple[Tensor, ...]) -> Counter[str]:
    """Return half the FLOPs that are counted, by the path of the module that runs them itself.

    *module*, which may be on the meta device, is run once. It should be one that nobody else has: hooks are left on it.
    """
    flops = FlopCounterMode(display=False, custom_mapping=_MAPPING)
    ledger = _Ledger(flops.get_total_flops)
    for path, part in module.named_modules():
        part.register_forward_pre_hook(ledger.entering(path))
        part.register_forward_hook(ledger.leaving)
    with flops:
        module(*inputs)
    return Counter({path: count // 2 for path, count in ledger.own.items()})


def _attention(queries: torch.Size, keys: torch.Size, values: torch.Size, *_: Any, **__: Any) -> int:
    flops: int = sdpa_flop_count(queries, keys, values)  # type: ignore[no-untyped-call]
    return flops


# The attention kernel of CPUs, which torch's own table leaves out.
_MAPPING = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention}


class _Ledger:
    """Books what a running total grows by on the innermost module that is running.

    FlopCounterMode books on every module that is running, and knows a module that stands at several paths by the last
    of them.
    """

    def __init__(self, total: Callable[[], int]) -> None:
        self.own: Counter[str] = Counter()
        self._total = total
        self._booked = 0
        self._running: list[str] = []

    def entering(self, path: str) -> Callable[..., None]:
        """Return the hook to call before the module at *path*."""

        def enter(*_: Any) -> None:
            self._book()
            self._running.append(path)

        return enter

    def leaving(self, *_: Any) -> None:
        """Note that the innermost module has returned."""
        self._book()
        self._running.pop()

    def _book(self) -> None:
        total = self._total()
        if self._running:
            self.own[self._running[-1]] += total - self._booked
        self._booked = total
