"""How operators become dataclasses: without compiling code for each, which of a command's start was a thirtieth."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, dataclass_transform

_Class = TypeVar("_Class")


@dataclass_transform(frozen_default=True)
def operator(cls: type[_Class]) -> type[_Class]:
    """Make a class of operators a dataclass with slots.

    `Operator` compares and prints them all, and what keeps them from changes is the type checker: generating that for
    each would triple what imports cost.
    """
    return _made(cls)


def _compiled(cls: type[_Class]) -> type[_Class]:
    return dataclass(slots=True, eq=False, repr=False)(cls)


if TYPE_CHECKING or sys.version_info >= (3, 14):  # where annotations are no longer in a class's namespace
    _made = _compiled
else:
    from functools import cache
    from types import CodeType, FunctionType
    from typing import Any

    def _made(cls: type) -> type:
        """Return a class as `dataclass` would, but for its `__dataclass_fields__`, which are made once asked for."""
        own = cls.__annotations__
        if not all(isinstance(said, str) for said in own.values()):  # of a module that evaluates them
            return _compiled(cls)
        defaults = _inherited(cls)
        new = [name for name, said in own.items() if not said.startswith("ClassVar")]
        space = {name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")}
        slots = tuple([name for name in new if name not in defaults])
        defaults |= {name: space.pop(name, _REQUIRED) for name in new}
        space |= {"__slots__": slots, "__match_args__": tuple(defaults), "__init__": _initialiser(cls, defaults)}
        space["__dataclass_fields__"] = fields = _Fields(defaults)
        space["__dataclass_params__"] = _PARAMS
        made = type(cls)(cls.__name__, cls.__bases__, space)
        made.__qualname__ = cls.__qualname__
        fields.owner = made
        return made

    _REQUIRED = object()
    # What `dataclass` asks of a base class: how that was made.
    _PARAMS = vars(_compiled(type("Empty", (), {})))["__dataclass_params__"]

    def _inherited(cls: type) -> dict[str, Any]:
        """Return the fields that a class has of its bases, with their defaults."""
        found: dict[str, Any] = {}
        for base in cls.__mro__[:0:-1]:
            names = vars(base).get("__match_args__", ())
            known = base.__init__.__defaults__ or () if names else ()
            found |= dict.fromkeys(names, _REQUIRED)
            found |= zip(names[len(names) - len(known) :], known, strict=True)
        return found

    def _initialiser(cls: type, defaults: dict[str, Any]) -> FunctionType:
        names, given = tuple(defaults), _given(defaults)
        if names[len(names) - len(given) :] != tuple(given):
            raise TypeError(f"{cls.__name__}: a field without a default stands behind one that has one")
        code = _code_of(len(names)).replace(co_varnames=("self", *names), co_names=names)
        made = FunctionType(code, {}, "__init__", tuple(given.values()))
        made.__qualname__ = f"{cls.__qualname__}.__init__"
        return made

    def _given(defaults: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in defaults.items() if value is not _REQUIRED}

    @cache
    def _code_of(many: int) -> CodeType:
        """Return what sets so many fields, whatever they are called."""
        fields = [f"field_{place}" for place in range(many)]
        lines = [f"def __init__(self, {', '.join(fields)}): pass", *[f"self.{field} = {field}" for field in fields]]
        space: dict[str, Any] = {}
        exec("; ".join(lines), space)
        code: CodeType = space["__init__"].__code__
        return code

    class _Fields:
        """The fields of a class as `dataclass` tells them."""

        def __init__(self, defaults: dict[str, Any]) -> None:
            self.defaults = defaults
            self.owner: type = object

        def __get__(self, operator: object, cls: type) -> dict[str, Any]:
            owner, said = self.owner, {}
            for base in owner.__mro__[::-1]:
                said |= vars(base).get("__annotations__", {})
            space = {"__annotations__": {name: said[name] for name in self.defaults}, "__module__": owner.__module__}
            told = dataclass(init=False, eq=False, repr=False)(type(owner.__name__, (), space | _given(self.defaults)))
            owner.__dataclass_fields__ = found = told.__dataclass_fields__
            return found
