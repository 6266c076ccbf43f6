"""Graph → an initialised torch module."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from archprof.ir.foreign import Raised, Suspect, blamed
from archprof.ir.graph import Graph, Node
from archprof.ir.origin import require_table
from archprof.runtime.imports import require_torch

if TYPE_CHECKING:
    import torch
    from torch import nn

    from archprof.runtime.network import Network


def build_network(graph: Graph, *, initialise: bool = True, device: torch.device | str | None = None) -> Network:
    """Return the torch module of a graph, in training mode, on *device* (torch's default unless given).

    Without *initialise* weights keep whatever their memory held, and no random number is drawn: enough to count on, and
    faster. Raises UsageError where torch is not installed, and for a graph that comes from no block table.
    """
    require_table(graph.origin, "building a module")
    require_torch("building a module")
    import torch

    from archprof.runtime.network import network_of

    with nullcontext() if device is None else torch.device(device):
        nodes = sorted((node for node in graph.nodes if node.call == 1), key=lambda node: node.order)
        modules = {node.path: module for node in nodes if (module := _module(node, initialise)) is not None}
        if initialise:
            _initialise(graph, modules)
        _tie(graph, modules)
    _set_inplace(graph, modules)
    return network_of(graph, modules)


def _module(node: Node, initialise: bool) -> nn.Module | None:
    from archprof.runtime.skip_init import SkipInit

    # Layers with a rule are drawn once, by it. Other operators, those of a user's package among them, draw their own.
    with nullcontext() if initialise and node.init is None else SkipInit():
        module = _made(node)
    if module is not None and not node.trainable:
        module.requires_grad_(False)
    return module


def _made(node: Node) -> nn.Module | None:
    """Return an operator's module. Raises SpecError, at the row, where one of another package fails to make it."""
    from torch import nn

    try:
        module = node.op.module()
        if module is not None and not isinstance(module, nn.Module):
            raise TypeError(f"its module is {type(module).__name__}")
        return module
    except Raised as error:
        failed = blamed(error, [suspect_at(node)])
        if failed is None:
            raise
        raise failed from error


def suspect_at(node: Node) -> Suspect:
    """Return whose code makes a node's module."""
    return Suspect(node.op.name, type(node.op), node.location, node.address)


def _initialise(graph: Graph, modules: dict[str, nn.Module]) -> None:
    from archprof.runtime.init import draw

    for node in graph.nodes:
        if node.init is not None and node.call == 1:
            draw(modules[node.path], node.init)  # type: ignore[arg-type]


def _tie(graph: Graph, modules: dict[str, nn.Module]) -> None:
    """Give operators the parameters of others that are theirs too."""
    for node in graph.nodes:
        for name, tensor in (node.parameters or {}).items():
            path, _, own = tensor.rpartition(".")
            if path in modules and node.call == 1:
                setattr(modules[node.path], name, getattr(modules[path], own))


def _set_inplace(graph: Graph, modules: dict[str, nn.Module]) -> None:
    from archprof.ir.inplace import inplace_paths

    for path in inplace_paths(graph):
        modules[path].inplace = True  # type: ignore[assignment]
