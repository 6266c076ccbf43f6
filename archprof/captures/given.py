"""What a module is called with: as it is typed (`3x224x224`, `ids=128:int64`, `t=:int64`, `mask=8x8:bool:whole`,
`3x800x800:list`, `n:=16000`), or as Python gives it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from archprof.errors import UsageError, usage_error
from archprof.named_tuple import NamedTuple
from archprof.spec.nodes import shorten

if TYPE_CHECKING:
    from torch import nn

    from archprof.captures.module import Batched

DTYPES = ("float32", "float16", "bfloat16", "float64", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64")
_FORM = (
    "write `3x224x224`, `x=3x224x224`, `ids=128:int64`, `t=:int64`, `mask=8x8:bool:whole`, "
    "`3x800x800:list` or `n:=16000`"
)
_FORMS = ("whole", "list")
_MOST_ELEMENTS = 10**15  # more than any memory holds, and fewer bytes than torch can count
_SIZES = re.compile(r"[1-9][0-9]*(?:[x×][1-9][0-9]*)*")


class Given(NamedTuple):
    """One argument: its name in forward (empty by place), and a tensor's shape and type, or a plain value.

    The *form* `whole` is a shape that has no batch, `list` that of each image of a list, which is the batch.
    """

    name: str = ""
    shape: tuple[int, ...] | None = None
    dtype: str = "float32"
    form: str = ""
    value: Any = None


def read_given(text: str) -> Given:
    """Return the argument that `--input` gives. Raises UsageError for what is none."""
    name, sign, value = text.partition(":=")
    if sign and name.isidentifier():
        return Given(name, value=_literal(value, text))
    name, sign, rest = text.rpartition("=")
    if sign and not name.isidentifier():
        raise _no_input(text)
    sizes, *words = rest.split(":")
    form = words.pop() if words and words[-1] in _FORMS else ""
    dtype = words or ["float32"]
    # A number, or with a type one for each image.
    alone = not sizes and (form == "whole" or (bool(words) and not form))
    if len(dtype) > 1 or not (alone or _SIZES.fullmatch(sizes)):
        raise _no_input(text)
    if dtype[0] not in DTYPES:
        raise usage_error(f"`{dtype[0]}` is no type of elements", help=f"types: {', '.join(DTYPES)}")
    return Given(name, _shape(sizes) if sizes else (), dtype[0], form)


def _shape(sizes: str) -> tuple[int, ...]:
    """Return the sizes of a shape. Raises UsageError for more elements than torch can count."""
    each = re.split("[x×]", sizes)
    if max(map(len, each)) < len(str(_MOST_ELEMENTS)) and prod(map(int, each)) <= _MOST_ELEMENTS:
        return tuple(map(int, each))
    advice = f"up to {_MOST_ELEMENTS:,} elements, as in `3x224x224`"
    raise usage_error(f"no tensor has the shape `{shorten(sizes)}`", help=advice)


def _literal(value: str, text: str) -> Any:
    try:
        return ast.literal_eval(value)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        raise _no_input(text) from None


def _no_input(text: str) -> UsageError:
    return usage_error(f"`{text}` is no input", help=_FORM)


def batched(given: Iterable[Given]) -> Batched:
    """Return what a module is called with, at a batch size: tensors whose elements nobody fills."""
    from archprof.captures.module import Batched

    listed = tuple(given)
    grows = any(one.shape is not None and not one.form for one in listed)

    def at(size: int) -> Any:
        from archprof.runtime.arguments import CallArguments

        values = [(one.name, _tensor(one, size)) for one in listed]
        return CallArguments(
            tuple(value for name, value in values if not name), {name: v for name, v in values if name}
        )

    return Batched(at, grows, drawn=True)


def batched_for(module: nn.Module, input: Any, args: Sequence[Any] | None, kwargs: Mapping[str, Any] | None) -> Batched:
    """Return what a module is called with, at a batch size, for a shape (C, H, W), which has others, or for a tensor or
    arguments of forward, which have not. Raises UsageError for what is neither, or both."""
    from archprof.captures.module import Batched
    from archprof.runtime.arguments import arguments_for

    if input is not None and args is not None:
        raise usage_error("an input and arguments at once", help="`input=(3, 224, 224)`, or `args=(x, y)`")
    given, named = args if input is None else input, kwargs or {}
    is_shape = isinstance(given, tuple | list) and bool(given) and all(isinstance(size, int) for size in given)
    return Batched(lambda images: arguments_for(module, given, named, images), is_shape, is_shape)


def _tensor(one: Given, size: int) -> Any:
    import torch

    if one.shape is None:
        return one.value
    dtype = getattr(torch, one.dtype)
    shape = one.shape if one.form else (size, *one.shape)
    try:
        made = [torch.empty(shape, dtype=dtype) for _ in range(size if one.form == "list" else 1)]
    except RuntimeError:
        raise usage_error(f"an input of {'×'.join(map(str, shape))} takes more memory than there is") from None
    return made if one.form == "list" else made[0]
