"""What a network takes, as a spec says it: an image, a video, a sequence, tokens; and what another resolution of it
is."""

import re
from collections.abc import Mapping
from typing import Any

from archprof.errors import Problems, SpecError, problem
from archprof.ir.values import Value
from archprof.limits import MAX_LENGTH, MAX_SIDE
from archprof.spec.nodes import Map, Node, Scalar, describe
from archprof.spec.values import channels_first, dims, identifier, integer, word, wrong
from archprof.units import plural

Inputs = Mapping[str, Value]

# What a network takes that has no name of its own.
UNNAMED = "input"
# Types of elements. Numbers and flags have no channels: each of their axes is a position.
DTYPES = ("float32", "int64", "bool")
_MAPS = {1: ("C", "10"), 2: ("CxL", "1x16000"), 3: ("CxHxW", "3x224x224"), 4: ("CxTxHxW", "3x16x112x112")}
_TOKENS = {1: ("L", "128"), 2: ("HxW", "14x14"), 3: ("TxHxW", "8x14x14")}
_SIDES = 2  # that a resolution has at most: a video keeps its frames


def read_inputs(node: Node) -> dict[str, Value]:
    """Return what a network takes, by name: of `3x224x224`, `1x16000`, `3x16x112x112` or `128:int64` alone that is
    `input`, in a mapping it is the key. Raises SpecError with every input that is none."""
    if not isinstance(node, Map):
        return {UNNAMED: _input(node)}
    if not node.entries:
        raise wrong(node, "an input", "as in `{ids: 128:int64, mask: 128:bool}`")
    problems = Problems()
    found: dict[str, Value] = {}
    for marker, one in node.entries.values():
        with problems:
            found[identifier(marker, "an input's name")] = _input(one)
    problems.raise_any()
    return found


def _input(node: Node) -> Value:
    text, typed, kind = node.text.partition(":") if isinstance(node, Scalar) else ("", "", "")
    sizes = re.split("[x×]", text)
    if typed:
        assert isinstance(node, Scalar)
        dtype = word(node._replace(text=kind), DTYPES, "type of elements")
        forms = _MAPS if dtype == "float32" else _TOKENS
        shape = _shape(node._replace(text=text), *forms.get(len(sizes), forms[1]))
        return Value(shape, 0 if forms is _MAPS else None, dtype=dtype)
    if len(sizes) == 2:
        return Value(_sequence(node))
    if len(sizes) == 4 and not _has_batch(sizes):
        return Value(_video(node))
    return Value(channels_first(node, MAX_SIDE))


def _has_batch(sizes: list[str]) -> bool:
    """Tell whether four sizes are rather those of one image than of a grey video."""
    return sizes[0] == "1" and (sizes[1] in ("1", "3") or sizes[3] == "3")


def _shape(node: Node, form: str, example: str) -> tuple[int, ...]:
    positions = form.count("x") + (form[0] != "C")
    return dims(node, form, example, MAX_LENGTH if positions <= 1 else MAX_SIDE)


def _sequence(node: Node) -> tuple[int, ...]:
    """Return (C, L). Raises SpecError for what may as well be an image without its channels."""
    channels, length = shape = _shape(node, *_MAPS[2])
    if channels == length:
        advice = f"an image has channels: `3x{length}x{length}`; of a sequence say `{length}x{length}:float32`"
        raise wrong(node, "`CxHxW`", advice)
    return shape


def _video(node: Node) -> tuple[int, ...]:
    """Return (C, T, H, W). Raises SpecError where it plainly has its channels last."""
    first, *middle, last = shape = _shape(node, *_MAPS[4])
    if last == 3 != first:
        raise wrong(node, "`CxTxHxW`", f"channels first: `{'x'.join(map(str, (last, first, *middle)))}`")
    return shape


# Resolutions


def sides_of(inputs: Inputs) -> tuple[Any, ...]:
    """Return what a resolution is of a network: the height and width of its (first) input, or its length."""
    return next(iter(inputs.values())).space[-_SIDES:]


def resized(inputs: Inputs, sides: tuple[Any, ...]) -> dict[str, Value]:
    """Return inputs at another resolution: the first one, and those of the same sides."""
    before = sides_of(inputs)
    return {name: _resized(one, sides) if one.space[-_SIDES:] == before else one for name, one in inputs.items()}


def _resized(value: Value, sides: tuple[Any, ...]) -> Value:
    return value._replace(shape=(*value.shape[: len(value.shape) - len(sides)], *sides))


def read_resolution(node: Scalar, inputs: Inputs) -> tuple[Any, ...]:
    """Return the sides of `224`, of `192x256`, or of `3x192x256` for a network that takes 3 channels; of one that takes
    a sequence, the length of `8000` or `1x8000`."""
    value, sides = next(iter(inputs.values())), sides_of(inputs)
    if not sides:
        raise problem("this network takes no map, whose size a resolution is", node.location)
    if node.value is not None:
        return (node.value,) * len(sides)
    fixed = value.shape[: -len(sides)]
    high = MAX_LENGTH if len(value.space) == 1 else MAX_SIDE
    parts = node.text.replace("×", "x").split("x")
    if len(parts) == 1:
        return (integer(node, 1, high, "a resolution", _meant(node, sides, fixed)),) * len(sides)
    if len(parts) == len(value.shape) + 1:
        raise problem(f"{describe(node)} has a batch", node.location, help=f"without it: `{'x'.join(parts[1:])}`")
    if not fixed or len(parts) != len(value.shape):
        return dims(node, *(("HxW", "192x256") if len(sides) == _SIDES else ("L", "8000")), high)
    form, example = _RESOLUTIONS[len(parts)] if value.channel == 0 else _TOKENS[len(parts)]
    given = dims(node, form, example, high)
    for what, size, own in zip(("channel", "frame"), given, fixed, strict=False):
        if size != own:
            raise _of_another(node, given, plural(size, what), own)
    return given[len(fixed) :]


_RESOLUTIONS = {**_MAPS, 2: ("CxL", "1x8000"), 3: ("CxHxW", "3x192x256")}
# Sizes as Python writes them.
_LISTED = r"[\[(]? *[0-9]+( *, *[0-9]+)+ *[\])]?"


def _meant(node: Scalar, sides: tuple[Any, ...], fixed: tuple[Any, ...]) -> str:
    """Return what stands for one number that is none."""
    listed = re.findall("[0-9]+", node.text)
    if len(listed) in (len(sides), len(fixed) + len(sides)) and re.fullmatch(_LISTED, node.text):
        return f"write `{'x'.join(listed)}`"
    if len(sides) < _SIDES:
        return "as in `8000` or `1x8000`" if fixed else "as in `128`"
    return "as in `192`, `192x256` or `3x192x256`" if fixed else "as in `14` or `14x14`"


def _of_another(node: Scalar, given: tuple[int, ...], has: str, own: int) -> SpecError:
    """Return the error for an input of other channels or frames."""
    sizes = "x".join(map(str, given))
    advice = f"`--set input={sizes}` changes them"
    if len(given) == 3 and given[-1] == own:
        advice = f"channels first: `{given[2]}x{given[0]}x{given[1]}`"
    return problem(f"{describe(node)} has {has}, the network takes {own}", node.location, help=advice)


def shortest_size(text: str, inputs: Inputs) -> str:
    """Return `192` of `3x192x192` and of `192x192`, `192x256` of `3x192x256`; what is no size stays."""
    try:
        sides = read_resolution(Scalar(text), inputs)
    except SpecError:
        return text
    return str(sides[0]) if len(set(sides)) == 1 else "x".join(map(str, sides))
