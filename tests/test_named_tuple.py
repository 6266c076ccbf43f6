"""Classes of tuples are those of the standard library, whatever is asked of them."""

import copy
import inspect
import pickle
import typing
from collections.abc import Callable
from typing import Any

import pytest

from archprof.named_tuple import NamedTuple


class Ours(NamedTuple):
    """A docstring."""

    first: int
    second: "str | None" = None
    third: tuple[int, ...] = ()

    @property
    def sum(self) -> int:
        return self.first + sum(self.third)


class Theirs(typing.NamedTuple):
    """A docstring."""

    first: int
    second: "str | None" = None
    third: tuple[int, ...] = ()

    @property
    def sum(self) -> int:
        return self.first + sum(self.third)


class Below(Ours):
    """With no fields of its own."""

    __slots__ = ()


CLASSES = (Ours, Theirs)


def answer(made: type[Any], ask: Callable[[Any], object]) -> object:
    """Return what a class answers, or the kind of error that it raises."""
    try:
        return ask(made)
    except Exception as error:
        return type(error)


@pytest.mark.parametrize(
    "ask",
    [
        lambda made: made._fields,
        lambda made: made._field_defaults,
        lambda made: made.__match_args__,
        lambda made: made.__doc__,
        lambda made: typing.get_type_hints(made),
        lambda made: list(inspect.signature(made).parameters),
        lambda made: type(made),
        lambda made: tuple(made(1)),
        lambda made: tuple(made(1, third=(2, 3))),
        lambda made: made(1, "a", (2, 3)).sum,
        lambda made: made(1) == (1, None, ()),
        lambda made: hash(made(1)) == hash((1, None, ())),
        lambda made: made(1)._asdict(),
        lambda made: tuple(made(1)._replace(second="b")),
        lambda made: type(made(1)._replace(second="b")) is made,
        lambda made: tuple(made._make([1, 2, 3])),
        lambda made: repr(made(1)).partition("(")[2],
        lambda made: pickle.loads(pickle.dumps(made(1, "a"))) == made(1, "a"),
        lambda made: type(copy.deepcopy(made(1, "a"))) is made,
        lambda made: hasattr(made(1), "__dict__"),
        lambda made: made(),
        lambda made: made(1, 2, 3, 4),
        lambda made: made(1, fourth=4),
        lambda made: made._make([1, 2]),
        lambda made: made(1)._replace(fourth=4),
        lambda made: setattr(made(1), "first", 2),
        lambda made: setattr(made(1), "fourth", 4),
    ],
)
def test_it_answers_as_the_standard_library_s(ask):
    ours, theirs = (answer(made, ask) for made in CLASSES)
    assert ours == theirs


def test_a_class_below_keeps_the_fields():
    assert Below(1, third=(2,)).sum == 3
    assert type(Below(1)._replace(first=2)) is Below
    assert repr(Below(1)) == "Below(first=1, second=None, third=())"


def test_a_field_without_a_default_stands_behind_none_that_has_one():
    with pytest.raises(TypeError):

        class _Wrong(NamedTuple):
            first: int = 1
            second: int  # type: ignore[misc]
