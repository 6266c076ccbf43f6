"""The order in which nodes run: as they stand in a file, or, where a tool has added some at the end, as they need each
other, which onnxruntime takes too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archprof.captures.onnx.model import NodeRecord


def in_order(nodes: Sequence[NodeRecord]) -> Sequence[NodeRecord]:
    """Return nodes so that each stands behind those that make its inputs."""
    makers: dict[str, int] = {}
    for index, node in enumerate(nodes):
        for name in node.outputs:
            makers.setdefault(name, index)
    ordered = all(makers.get(name, -1) < index for index, node in enumerate(nodes) for name in _reads(node))
    return nodes if ordered else _sorted(nodes, makers)


def _reads(node: NodeRecord) -> Iterator[str]:
    """Yield what a node reads, and what the graphs that it runs do, of which some may be their own."""
    yield from filter(None, node.inputs)
    for value in node.attributes.values():
        for graph in value if isinstance(value, tuple) else (value,):
            for inner in getattr(graph, "nodes", ()):
                yield from _reads(inner)


def _sorted(nodes: Sequence[NodeRecord], makers: Mapping[str, int]) -> Sequence[NodeRecord]:
    """Return nodes in the order of their needs, of several that may run the earliest first. What needs itself stays
    behind."""
    from heapq import heappop, heappush

    needs = [{makers[name] for name in _reads(node) if name in makers} for node in nodes]
    readers: list[list[int]] = [[] for _ in nodes]
    for index, one in enumerate(needs):
        for maker in one:
            readers[maker].append(index)
    found: list[int] = []
    ready = [index for index, one in enumerate(needs) if not one]
    while ready:
        first = heappop(ready)
        found.append(first)
        for reader in readers[first]:
            needs[reader].remove(first)
            if not needs[reader]:
                heappush(ready, reader)
    left = set(range(len(nodes))) - set(found)
    return [nodes[index] for index in (*found, *sorted(left))]
