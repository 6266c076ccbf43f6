"""Operators that are functions, as what can be called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archprof.ir.graph import Node


def function_of(node: Node) -> Callable[..., Any]:
    """Return what runs an operator that is called as a function."""
    import torch
    from torch.nn import functional

    names = [f"x{place}" for place in range(len(node.read))]
    expression = node.op.expression(*names)
    if not expression:
        return node.op.call
    scope = {"torch": torch, "functional": functional}
    found: Callable[..., Any] = eval(f"lambda {', '.join(names)}: {expression}", scope)
    return found
