"""What is made of nodes, kept: nothing changes them, so that the same objects give the same again."""

from collections.abc import Callable
from functools import lru_cache
from typing import ParamSpec, TypeVar

_Made = TypeVar("_Made")
_Given = ParamSpec("_Given")


def kept(most: int) -> Callable[[Callable[_Given, _Made]], Callable[_Given, _Made]]:
    """Let a function of nodes remember its last results, so many at *most*, by the nodes that it was asked for: not by
    what stands in them, which takes longer to compare than to read. What it raises is not remembered."""

    def remembering(make: Callable[_Given, _Made]) -> Callable[_Given, _Made]:
        given: Callable[..., _Made] = make

        @lru_cache(maxsize=most)
        def made(*asked: _Identity) -> _Made:
            return given(*[one.node for one in asked])

        def found(*nodes: _Given.args, **_: _Given.kwargs) -> _Made:
            return made(*map(_Identity, nodes))

        return found

    return remembering


class _Identity:
    """Which node it is; keeping it, its place in memory is nobody else's."""

    __slots__ = ("node",)

    def __init__(self, node: object) -> None:
        self.node = node

    def __hash__(self) -> int:
        return id(self.node)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and self.node is other.node
