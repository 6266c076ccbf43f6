"""What is made of nodes, kept: nothing changes them, so that the same object gives the same again."""

from collections.abc import Callable
from functools import lru_cache
from typing import Generic, TypeVar

from archprof.spec.nodes import Node

_Made = TypeVar("_Made")
_Node = TypeVar("_Node", bound=Node)


def kept(most: int) -> Callable[[Callable[[_Node], _Made]], Callable[[_Node], _Made]]:
    """Let a function of a node remember its last results, so many at *most*, by the node that it was asked for: not by
    what stands in it, which takes longer to compare than to read. What it raises is not remembered."""

    def remembering(make: Callable[[_Node], _Made]) -> Callable[[_Node], _Made]:
        @lru_cache(maxsize=most)
        def made(asked: _Identity[_Node]) -> _Made:
            return make(asked.node)

        return lambda node: made(_Identity(node))

    return remembering


class _Identity(Generic[_Node]):
    """Which node it is; keeping it, its place in memory is nobody else's."""

    __slots__ = ("node",)

    def __init__(self, node: _Node) -> None:
        self.node = node

    def __hash__(self) -> int:
        return id(self.node)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and self.node is other.node
