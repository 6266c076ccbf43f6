"""A graph as a torch module."""

import linecache
import weakref
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import count
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from archprof.ir.graph import Graph
from archprof.runtime.forward import Forward, forward_of

_numbers = count()


class Network(nn.Module):
    """The module of a graph: (batch, C, H, W) → the output, or a dict of outputs by name where the spec names them.

    Each network is of a subclass, whose `forward` is written from the graph: `inspect.getsource(network.forward)`
    shows it. A node's path is its key in `dict(network.named_modules())`; containers on the way are not called, and the
    root calls every leaf itself. A module that is put in the place of a leaf is called from then on. `parameters()`,
    `buffers()` and `state_dict()` have the order in which the graph registers its nodes, which is that of the
    implementation that the spec follows.
    """

    _forward: ClassVar[Forward]

    def __init__(self, graph: Graph, modules: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self._order = _order(modules)
        titles = _titles(graph)
        for path, module in modules.items():
            self._attach(path, module, titles)

    def named_modules(
        self, memo: set[nn.Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, nn.Module]]:
        """Yield modules as torch does, those of the graph in their order of registration, also where blocks return to a
        container that they left."""
        start = len(prefix) + 1 if prefix else 0
        found = super().named_modules(memo, prefix, remove_duplicate)
        yield from sorted(found, key=lambda named: self._position(named[0][start:]))

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Return the state as torch does, in the order of registration."""
        state = super().state_dict(*args, **kwargs)
        prefix = kwargs.get("prefix", "")
        own = [key for key in state if key.startswith(prefix)]
        for key in sorted(own, key=lambda key: self._position(key.removeprefix(prefix))):
            state[key] = state.pop(key)
        return state

    def __reduce__(self) -> Any:
        # Its class is found again by the source, as no module has it under a name.
        return _empty, (self._forward,), self.__dict__

    def _attach(self, path: str, module: nn.Module, titles: Mapping[str, str]) -> None:
        *containers, name = path.split(".")
        parent: nn.Module = self
        for depth, segment in enumerate(containers, 1):
            if segment not in parent._modules:
                parent.add_module(segment, Container(titles.get(".".join(containers[:depth]), "ModuleDict")))
            parent = parent.get_submodule(segment)
        parent.add_module(name, module)

    def _position(self, name: str) -> int:
        """Return the place of a module, parameter or buffer: that of the path it lies under; first for the root, last
        for what the graph has not."""
        if not name:
            return -1
        while name and name not in self._order:
            name = name.rpartition(".")[0]
        return self._order.get(name, len(self._order))


class Container(nn.Module):
    """A module on the way to others, printed as the block that it is, or as what torch calls modules by name that it
    does not run itself."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def _get_name(self) -> str:
        return self._title


def network_of(graph: Graph, modules: Mapping[str, nn.Module]) -> Network:
    """Return the network of a graph; *modules* are those of the graph's paths, in their order of registration, and an
    operator without one is called as a function."""
    return network_class(forward_of(graph, modules))(graph, modules)


@lru_cache(maxsize=64)
def network_class(forward: Forward) -> type[Network]:
    """Return the class of all networks with this forward pass; its source is found as long as the class is there."""
    file = f"<archprof forward {next(_numbers)}>"
    scope = {"torch": torch, "functional": functional, "Tensor": Tensor, "__name__": __name__, **dict(forward.calls)}
    exec(compile(forward.source, file, "exec"), scope)
    members = {"forward": scope["forward"], "_forward": forward, "__module__": __name__, "__doc__": Network.__doc__}
    made = type(Network.__name__, (Network,), members)
    # Without a time of change, no look at the disk forgets it.
    linecache.cache[file] = (len(forward.source), None, forward.source.splitlines(keepends=True), file)
    weakref.finalize(made, linecache.cache.pop, file, None)
    return made


def _empty(forward: Forward) -> Network:
    """Return a network without its state."""
    cls = network_class(forward)
    return cls.__new__(cls)


def _titles(graph: Graph) -> dict[str, str]:
    """Return the names of containers: of a block `InvertedResidual`, of the layers of a gate `SqueezeExcite`."""
    titles = {node.path.rpartition(".")[0]: "SqueezeExcite" for node in graph.nodes if node.kind == "se"}
    for node in graph.nodes:
        titles[node.block] = node.block_type.title().replace("_", "")
    return titles


def _order(modules: Mapping[str, nn.Module]) -> dict[str, int]:
    """Return the place of each path, and of each container that of the first path in it."""
    order: dict[str, int] = {}
    for place, path in enumerate(modules):
        name = path
        while name:
            order.setdefault(name, place)
            name = name.rpartition(".")[0]
    return order
