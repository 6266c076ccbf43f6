"""Graph → an initialised torch module."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from archprof.graph.init_rules import read_init
from archprof.graph.operators.conv import Conv2d, Linear
from archprof.graph.operators.deform import DeformConv2d
from archprof.graph.trace import Graph, Node
from archprof.runtime.require import require_torch

if TYPE_CHECKING:
    import torch
    from torch import nn

    from archprof.runtime.network import Network

# What a spec's `init` is about.
_RULED = (Conv2d, DeformConv2d, Linear)


def build_network(graph: Graph, *, initialise: bool = True, device: torch.device | str | None = None) -> Network:
    """Return the torch module of a graph, in training mode, on *device* (torch's default unless given).

    Without *initialise* weights keep whatever their memory held, and no random number is drawn: enough to count on, and
    faster. Raises UsageError where torch is not installed, SpecError for an `init` that is none of the rules.
    """
    require_torch("building a module")
    import torch

    from archprof.runtime.network import Network

    with nullcontext() if device is None else torch.device(device):
        nodes = sorted(graph.nodes, key=lambda node: node.order)
        modules = {
            node.path: module for node in nodes if not node.shared and (module := _module(node, initialise)) is not None
        }
        if initialise:
            _initialise(graph, modules)
    _set_inplace(graph, modules)
    return Network(graph, modules)


def _module(node: Node, initialise: bool) -> nn.Module | None:
    from archprof.runtime.undrawn import Undrawn

    # Ruled layers are drawn once, by the rules. Other operators, those of a user's package among them, draw their own.
    with nullcontext() if initialise and not isinstance(node.op, _RULED) else Undrawn():
        module = node.op.module()
    if module is not None and not node.trainable:
        module.requires_grad_(False)
    return module


def _initialise(graph: Graph, modules: dict[str, nn.Module]) -> None:
    from archprof.runtime.init import draw

    rules = read_init(graph.spec)
    for node in graph.nodes:
        if isinstance(node.op, _RULED) and not node.shared:
            draw(modules[node.path], rules.linear if isinstance(node.op, Linear) else rules.conv)  # type: ignore[arg-type]


def _set_inplace(graph: Graph, modules: dict[str, nn.Module]) -> None:
    from archprof.runtime.inplace import inplace_paths

    for path in inplace_paths(graph):
        modules[path].inplace = True  # type: ignore[assignment]
