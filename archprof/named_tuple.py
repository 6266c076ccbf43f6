"""`typing.NamedTuple`, whose classes are made without compiling code for each: of a command's own imports, which make a
hundred of them, that was a fifth."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING or sys.version_info >= (3, 14):  # where annotations are no longer in a class's namespace
    from typing import NamedTuple as NamedTuple
else:
    from _collections import _tuplegetter as field_getter
    from collections.abc import Iterable
    from functools import cache
    from types import CodeType, FunctionType, MappingProxyType
    from typing import Any, Self

    _GLOBALS = {"new_tuple": tuple.__new__}

    @cache
    def _code_of(many: int) -> CodeType:
        """Return what makes a tuple of so many fields, whatever they are called."""
        fields = "".join([f"field_{place}, " for place in range(many)])
        return eval(f"lambda _cls, {fields}: new_tuple(_cls, ({fields}))", _GLOBALS).__code__

    class _Fields(tuple):
        """What `collections.namedtuple` gives to each of its classes."""

        __slots__ = ()
        # Not annotated, lest these be taken for fields.
        _fields = ()
        _field_defaults = MappingProxyType({})

        @classmethod
        def _make(cls, values: Iterable[Any]) -> Self:
            made = tuple.__new__(cls, values)
            if len(made) != len(cls._fields):
                raise TypeError(f"expected {len(cls._fields)} values, got {len(made)}")
            return made

        def _replace(self, /, **changed: Any) -> Self:
            made = self._make(map(changed.pop, self._fields, self))
            if changed:
                raise ValueError(f"no such fields: {', '.join(changed)}")
            return made

        def _asdict(self) -> dict[str, Any]:
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self) -> str:
            return (
                f"{type(self).__name__}({', '.join([f'{name}={value!r}' for name, value in self._asdict().items()])})"
            )

        def __getnewargs__(self) -> tuple[Any, ...]:
            return tuple(self)

    class _Maker(type):
        """Makes, of a class with annotations, one of tuples, whose own metaclass is `type`."""

        def __new__(cls, name: str, bases: tuple[type, ...], space: dict[str, Any]) -> type:
            annotations = space.get("__annotations__", {})
            fields = tuple(annotations)
            defaults = {field: space.pop(field) for field in fields if field in space}
            if tuple(defaults) != fields[len(fields) - len(defaults) :]:
                raise TypeError(f"{name}: a field without a default stands behind one that has one")
            code = _code_of(len(fields)).replace(co_varnames=("_cls", *fields), co_name="__new__")
            new = FunctionType(code, _GLOBALS, "__new__", tuple(defaults.values()))
            new.__annotations__ = annotations
            getters = {field: field_getter(place, f"Field {place}.") for place, field in enumerate(fields)}
            space |= {"__slots__": (), "__new__": new, "__match_args__": fields, **getters}
            return type(name, (_Fields, *bases[1:]), {**space, "_fields": fields, "_field_defaults": defaults})

    NamedTuple = type.__new__(_Maker, "NamedTuple", (), {})
