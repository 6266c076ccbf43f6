"""Multiply-accumulates as torch's FlopCounterMode counts them on a forward pass."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from archprof.runtime.arguments import CallArguments
from archprof.runtime.count import Count
from archprof.runtime.dispatch import TorchDispatchMode
from archprof.runtime.products import RULES, Rule, multiplies


def torch_macs(module: nn.Module, arguments: CallArguments) -> Count:
    """Return half the FLOPs that are counted, by the path of the module that runs them itself, and the operators there
    that multiply and have no rule.

    *module*, which may be on the meta device, is run once. It should be one that nobody else has: hooks are left on it.
    """
    flops = FlopCounterMode(display=False, custom_mapping=_mapping())
    ledger = _Ledger(flops.get_total_flops)
    for path, part in module.named_modules():
        part.register_forward_pre_hook(ledger.entering(path), prepend=True)  # before hooks that make weights
        part.register_forward_hook(ledger.leaving)
    # What is entered first sees what the counter has taken apart.
    with _Watch(flops.flop_registry, ledger.skip), flops:
        module(*arguments.positional, **arguments.named)
    return Count({path: flops // 2 for path, flops in ledger.own.items()}, ledger.skipped)


def _mapping() -> dict[Any, Callable[..., int]]:
    """Return the formulas that torch's own table leaves out, and those of it that take sparse tensors for full ones."""
    packets = [(_packet(name), rule) for name, rule in RULES.items()]
    added = {packet: _formula(rule) for packet, rule in packets if packet and packet not in flop_registry}
    aten = torch.ops.aten
    return added | {packet: _dense(flop_registry[packet]) for packet in (aten.mm, aten.addmm, aten.bmm, aten.baddbmm)}


def _packet(name: str) -> Any:
    """Return an operator by name; None where this torch has none of it."""
    namespace, _, operator = name.partition("::")
    return getattr(getattr(torch.ops, namespace), operator, None)


def _formula(rule: Rule) -> Callable[..., int]:
    def flops(*arguments: Any, out_shape: Any, **_: Any) -> int:
        return 2 * rule(arguments, out_shape if isinstance(out_shape, torch.Size) else out_shape[0])

    return flops


def _dense(formula: Callable[..., int]) -> Callable[..., int]:
    def flops(*arguments: Any, **named: Any) -> int:
        return 0 if _is_sparse(arguments) else formula(*arguments, **named)

    flops._get_raw = True  # type: ignore[attr-defined]  # how FlopCounterMode knows one that takes tensors
    return flops


def _is_sparse(arguments: Iterable[Any]) -> bool:
    return any(isinstance(one, Tensor) and one.layout is not torch.strided for one in arguments)


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes each operator that runs, multiplies, and is none of those that are counted."""

    supports_higher_order_operators = True

    def __init__(self, counted: Collection[Any], skip: Callable[[str], None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._counted = counted
        self._skip = skip

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.name().partition(".")[0]
        sparse = _is_sparse(args)
        if multiplies(name) and (sparse or getattr(func, "_overloadpacket", func) not in self._counted):
            self._skip(f"{name} (sparse)" if sparse else name)
        return func(*args, **(kwargs or {}))


class _Ledger:
    """Books what a running total grows by, and what is skipped, on the innermost module that is running.

    FlopCounterMode books on every module that is running, and knows a module that stands at several paths by the last
    of them.
    """

    def __init__(self, total: Callable[[], int]) -> None:
        self.own: Counter[str] = Counter()
        self.skipped: defaultdict[str, Counter[str]] = defaultdict(Counter)
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

    def skip(self, operator: str) -> None:
        """Note that an operator runs that is not counted."""
        self.skipped[self._running[-1]][operator] += 1

    def _book(self) -> None:
        total = self._total()
        if self._running:
            self.own[self._running[-1]] += total - self._booked
        self._booked = total
