"""Operators are the dataclasses that the standard library would make of the same classes."""

from __future__ import annotations

import pickle
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from inspect import Parameter, signature
from typing import Any, ClassVar

import pytest

from archprof.ir.operators import all_operators
from archprof.ir.operators.base import Operator
from archprof.ir.operators.made import operator


def compiled(cls: type) -> type:
    return dataclass(slots=True, eq=False, repr=False)(cls)


def family(make: Any) -> list[type]:
    """Return classes that inherit, override and add fields, as a decorator makes them."""

    @make
    class First(Operator):
        weighted: ClassVar[bool] = True
        sides: tuple[int, ...]
        bias: bool = False

    @make
    class Second(First):
        bias: bool = True
        groups: int = 1

    class Plain(Second):
        __slots__ = ()

    @make
    class Empty(Operator):
        name: ClassVar[str] = "empty"

    @make
    class Third(Plain, Empty):
        sides: tuple[int, ...] = (3,)

    return [First, Second, Plain, Empty, Third]


ALIKE = list(zip(family(operator), family(compiled), strict=True))


@pytest.mark.parametrize(("made", "known"), ALIKE, ids=[made.__name__ for made, _ in ALIKE])
def test_a_class_is_the_one_that_dataclass_makes(made, known):
    assert [(one.name, one.type, one.default) for one in fields(made)] == [
        (one.name, one.type, one.default) for one in fields(known)
    ]
    assert signature(made).parameters.keys() == signature(known).parameters.keys()
    assert made.__match_args__ == known.__match_args__
    assert vars(made)["__slots__"] == vars(known)["__slots__"]
    assert made.__qualname__ == known.__qualname__
    assert is_dataclass(made)


@pytest.mark.parametrize("cls", all_operators(), ids=lambda cls: cls.__name__)
def test_each_operator_takes_its_fields_in_their_order(cls):
    taken = [(one.name, MISSING if one.default is Parameter.empty else one.default) for one in _parameters(cls)]
    assert taken == [(one.name, one.default) for one in fields(cls)]
    assert cls.__match_args__ == tuple(name for name, _ in taken)


def _parameters(cls: type) -> list[Parameter]:
    return [*signature(cls).parameters.values()]


def test_a_field_without_a_default_behind_one_that_has_one():
    class Wrong(Operator):
        bias: bool = False
        groups: int

    with pytest.raises(TypeError, match="Wrong: a field without a default stands behind one that has one"):
        operator(Wrong)


def test_a_missing_field_is_named():
    first = ALIKE[0][0]
    with pytest.raises(TypeError, match=r"First\.__init__\(\) missing 1 required positional argument: 'sides'"):
        first()


def test_an_operator_is_copied_and_pickled():
    from archprof.ir.operators.conv import Conv2d

    conv = Conv2d(3, 16, (3, 3))
    assert replace(conv, groups=3) == Conv2d(3, 16, (3, 3), groups=3)
    assert pickle.loads(pickle.dumps(conv)) == conv
