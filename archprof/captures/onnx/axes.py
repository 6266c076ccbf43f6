"""What a model takes: a free first axis is the batch, or the one that recurrent operators take for it; any other free
axis is asked for, never guessed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING

from archprof.captures.onnx.model import Dim, GraphRecord, Stated
from archprof.captures.onnx.sequences import batch_axes
from archprof.captures.onnx.tensor import Tensor
from archprof.errors import UsageError, suggest, usage_error
from archprof.named_tuple import NamedTuple

if TYPE_CHECKING:
    from archprof.captures.given import Given

# How exporters write an axis that they have no name for.
_NAMELESS = ("", "?", "-1", "None", "unk")
_REFUSED = ("sequence", "map")
_MOST_SIZE = 1 << 31


class Taken(NamedTuple):
    """An input: what the file states, and the sizes that it is given; an axis of the batch has None. *batch* is that
    axis's size where it has one, and *fixed* says that it is the file's."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]
    value: tuple[int | float | bool, ...] | None = None
    batch: int | None = None
    fixed: bool = False

    def at(self, images: int) -> Tensor:
        """Return the input at a batch size."""
        return Tensor(self.dtype, tuple([images if size is None else size for size in self.shape]), self.value)


class Request(NamedTuple):
    """What a user asks for: the file as it is named, sizes of axes by what names them, and inputs."""

    file: str
    sizes: Sequence[tuple[str, str]] = ()
    inputs: Sequence[Given] = ()


def inputs_of(graph: GraphRecord, request: Request) -> list[Taken]:
    """Return what a model takes. Raises UsageError for sizes that it has no axis for, and where it has free axes that
    nothing gives."""
    stored = {one.name for one in graph.stored}
    stated = [one for one in graph.inputs if one.name not in stored]
    given = _by_name(stated, request)
    stated = [_ranked(one, given[one.name]) if one.name in given else one for one in stated]
    for one in stated:
        if one.wrapped in _REFUSED:
            message = f"{request.file}: the input `{one.name}` is a {one.wrapped}, which archprof does not take"
            raise usage_error(message, help="export it with tensors as inputs, optional ones among them")
        if one.shape is None:
            message = f"{request.file}: the input `{one.name}` may have any number of axes"
            raise usage_error(message, help=f"give its sizes, as in `--input {one.name}=3x320x320`")
    axes = batch_axes(graph)
    batches = {one.name: axis if 0 <= (axis := axes.get(one.name, 0)) < len(one.shape or ()) else 0 for one in stated}
    asked = _Asked(stated, given, batches, request)
    taken = [asked.taken(one) for one in stated]
    asked.raise_unused()
    _raise_free(stated, taken, batches, request)
    return [one for one in taken if one is not None]


def _ranked(stated: Stated, given: Given) -> Stated:
    """Return an input of any rank with as many axes as it is given."""
    if stated.shape is not None or stated.wrapped in _REFUSED or given.shape is None:
        return stated
    return stated._replace(shape=(None,) * (len(given.shape) + (not given.form)))


class _Asked:
    """Sizes and inputs that are asked for, as far as they are used."""

    def __init__(
        self, stated: Sequence[Stated], given: Mapping[str, Given], batches: Mapping[str, int], request: Request
    ) -> None:
        self._request = request
        self._batches = batches  # the axis of the batch of each input
        self._stated = stated
        self._sizes = {key: _size(key, text) for key, text in request.sizes}
        self._used: set[str] = set()
        self._given = given
        self._lengths = {one.shape[0] for one in stated if one.shape and batches[one.name] and is_name(one.shape[0])}
        named = {dim for one in stated for dim in (one.shape or ())[batches[one.name] :][:1] if is_name(dim)}
        self._batch = named - self._lengths
        self._named: dict[str, int] = {}
        for one in stated:
            if one.name in self._given:
                self._named.update(self._bound(one, self._given[one.name]))

    def taken(self, stated: Stated) -> Taken | None:
        """Return an input with the sizes of its axes; None where one is not given."""
        given = self._given.get(stated.name)
        shape = stated.shape or ()
        if given is not None and given.shape is None:
            value = _flat(given.value)
            return Taken(stated.name, stated.dtype.name, _shape_of(stated, given.value), value)
        sizes = [self._size(stated, axis, dim) for axis, dim in enumerate(shape)]
        known = zip(sizes, enumerate(shape), strict=True)
        if any(size is None and not self._is_batch(stated, *at) for size, at in known):
            return None
        at = self._batches[stated.name]
        batch = sizes[at] if len(sizes) > max(1, at) else None
        fixed = isinstance(shape[at], int) if batch is not None else False
        return Taken(stated.name, stated.dtype.name, tuple(sizes), None, batch, fixed)

    def _size(self, stated: Stated, axis: int, dim: Dim) -> int | None:
        place = f"{stated.name}[{axis}]"
        if place in self._sizes:
            self._used.add(place)
            return self._sizes[place]
        if isinstance(dim, int):
            return dim
        if dim is not None and dim in self._sizes:
            self._used.add(dim)
            return self._sizes[dim]
        given = self._given.get(stated.name)
        if given is not None and given.shape is not None:
            return self._whole(stated, given)[axis]
        return self._named.get(dim) if dim is not None else None

    def _is_batch(self, stated: Stated, axis: int, dim: Dim) -> bool:
        here = axis == self._batches[stated.name] and not isinstance(dim, int)
        return (here and dim not in self._lengths) or (is_name(dim) and dim in self._batch)

    def _whole(self, stated: Stated, given: Given) -> list[int | None]:
        """Return a shape that is given, with None where the batch stands."""
        shape, sizes = stated.shape or (), list(given.shape or ())
        at = next((axis for axis, dim in enumerate(shape) if self._is_batch(stated, axis, dim)), None)
        first = self._batches[stated.name]
        found: list[int | None] = [*sizes]
        if not given.form and at is not None:
            found.insert(at, None)
        elif not given.form and len(sizes) == len(shape) - 1 and isinstance(fixed := shape[first], int):
            found.insert(first, fixed)
        if len(found) != len(shape):
            less = "" if given.form or at is None else ", one of them the batch, which is not given"
            advice = f"`{stated.name}={'x'.join(map(str, sizes))}:whole` is a shape as it stands"
            message = f"{self._request.file}: the input `{stated.name}` has {len(shape)} axes{less}"
            raise usage_error(message, help=advice)
        for axis, (dim, size) in enumerate(zip(shape, found, strict=True)):
            if isinstance(dim, int) and size is not None and size != dim:
                raise _fixed(self._request.file, stated, axis, size)
        return found

    def _bound(self, stated: Stated, given: Given) -> dict[str, int]:
        """Return the sizes of named axes that an input's shape gives."""
        if given.shape is None:
            return {}
        pairs = zip(stated.shape or (), self._whole(stated, given), strict=True)
        return {dim: size for dim, size in pairs if is_name(dim) and isinstance(dim, str) and size is not None}

    def raise_unused(self) -> None:
        """Raise UsageError for a size of an axis that there is not, or that the file fixes at another."""
        known = [str(dim) for one in self._stated for dim in one.shape or () if is_name(dim)]
        places = [f"{one.name}[{axis}]" for one in self._stated for axis in range(len(one.shape or ()))]
        for key in self._sizes:
            if key not in self._used:
                advice = suggest(key, dict.fromkeys([*known, *places]), "axes")
                raise usage_error(f"{self._request.file}: there is no axis `{key}`", help=advice)
        for one in self._stated:
            for axis, dim in enumerate(one.shape or ()):
                asked = self._sizes.get(f"{one.name}[{axis}]", dim)
                if isinstance(dim, int) and asked != dim:
                    raise _fixed(self._request.file, one, axis, asked)


def _fixed(file: str, stated: Stated, axis: int, size: Dim) -> UsageError:
    there = (stated.shape or ())[axis]
    return usage_error(f"{file}: axis {axis} of `{stated.name}` is {there} in the file, not {size}")


def is_name(dim: Dim) -> bool:
    """Tell whether an axis has a name."""
    return isinstance(dim, str) and dim not in _NAMELESS


def _by_name(stated: Sequence[Stated], request: Request) -> dict[str, Given]:
    """Return the inputs that are given, those without a name in the order of the file's."""
    names = [one.name for one in stated]
    found: dict[str, Given] = {}
    for one in request.inputs:
        name = one.name or next((name for name in names if name not in found), "")
        if name not in names:
            advice = suggest(name, names, "inputs")
            message = f"there is no input `{name}`" if name else f"it takes {len(names)} inputs"
            raise usage_error(f"{request.file}: {message}", help=advice)
        found[name] = one
    return found


def _size(key: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:12]) < _MOST_SIZE):
        raise usage_error(f"`{key}={text}` is no size of an axis", help="as in `@H=320,W=320`, or `@x[2]=320`")
    return int(text)


def _flat(value: object) -> tuple[int | float | bool, ...]:
    items = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(item, int | float) for item in items):
        raise usage_error(f"`{value}` is no value of a tensor", help="a number, or a list of them: `sr:=16000`")
    return tuple(items)


def _shape_of(stated: Stated, value: object) -> tuple[int | None, ...]:
    """Return the shape of a value: the file's where that has as many elements."""
    count = len(_flat(value))
    fixed = [dim for dim in stated.shape or () if isinstance(dim, int)]
    if len(fixed) == len(stated.shape or ()) and prod(fixed) == count:
        return tuple(fixed)
    return (count,)


def _raise_free(
    stated: Sequence[Stated], taken: Iterable[Taken | None], batches: Mapping[str, int], request: Request
) -> None:
    """Raise UsageError where axes are left that nothing gives."""
    free = [one for one, found in zip(stated, taken, strict=True) if found is None]
    if free:
        raise _free(free, batches, request)


def _free(free: Sequence[Stated], batches: Mapping[str, int], request: Request) -> UsageError:
    said = ", ".join(f"`{one.name}` {_shown(one.shape or ())}" for one in free)
    names: Mapping[str, None] = dict.fromkeys(
        str(dim) if is_name(dim) else f"{one.name}[{axis}]"
        for one in free
        for axis, dim in enumerate(one.shape or ())
        if axis != batches[one.name] and not isinstance(dim, int)
    )
    axes = ",".join(f"{name}=320" for name in names)
    sizes = [str(dim) if isinstance(dim, int) else "320" for dim in free[0].shape or ()]
    del sizes[batches[free[0].name]]
    shape = "x".join(sizes)
    typed = "-" if request.file == "<stdin>" else request.file
    advice = f"`{typed}@{axes}`, or `--input {free[0].name}={shape}`"
    return usage_error(f"{request.file}: axes of the input are free: {said}", help=f"give their sizes, as in {advice}")


def _shown(shape: Sequence[Dim]) -> str:
    return "×".join(str(dim) if is_name(dim) or isinstance(dim, int) else "?" for dim in shape)
