"""Scalars → typed values, each with a located error that says what is allowed."""

import math
import re
from collections.abc import Iterable

from archprof.errors import Problems, SpecError, did_you_mean, problem, suggest
from archprof.limits import MAX_DIGITS, MAX_ENTRIES
from archprof.spec.nodes import Map, Node, Scalar, Seq, describe, shorten

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_INTEGER = re.compile(r"[+-]?[0-9]+\Z", re.ASCII)
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\Z", re.ASCII)
_DIMS = re.compile(r"[0-9]+([x×][0-9]+)*\Z", re.ASCII)
# A number of ten thousand digits is refused by its length: int() itself limits them.
_SHORT = 21
# Of an image: red, green, blue, and how opaque.
_COLOURS, _MOST_COLOURS = 3, 4
TRUE = ("true", "yes", "✓", "True")
FALSE = ("false", "no", "-", "False")


def wrong(node: Node, what: str, help: str = "") -> SpecError:
    """Return the error for a node that is not *what*."""
    return problem(f"expected {what}, not {describe(node)}", node.location, help=help)


def scalar(node: Node, what: str) -> Scalar:
    """Return *node* if it is a single, non-empty value."""
    if not isinstance(node, Scalar) or (node.text == "" and node.value is None):
        raise wrong(node, what)
    return node


def text(node: Node) -> str:
    """Return the text of a single value; line breaks become spaces."""
    typed = " ".join(scalar(node, "text").text.split())
    if not typed.isprintable():
        raise problem(
            f"a control character in {describe(node)}",
            node.location,
            help="tables are printed to terminals: plain text only",
        )
    return typed


def integer(node: Node, low: int, high: int, what: str = "an integer", help: str = "") -> int:
    """Return an integer in low … high; *help* says what else could stand there."""
    typed = scalar(node, what).text
    if not _INTEGER.match(typed):
        raise wrong(node, what, help or f"an integer from {low:,} to {high:,}")
    value = int(typed) if len(typed) < _SHORT else high + 1
    if not low <= value <= high:
        raise out_of_range(node, what, low, high)
    return value


def count(node: Node, what: str, help: str) -> int:
    """Return an integer that is not negative, however large; *help* says what else could stand there."""
    typed = scalar(node, what).text
    if not _INTEGER.match(typed):
        raise wrong(node, what, help)
    if len(typed) > MAX_DIGITS:
        raise problem(f"{describe(node)} has more than {MAX_DIGITS} digits", node.location, help=help)
    if (value := int(typed)) < 0:
        raise out_of_range(node, what, 0, math.inf)
    return value


def out_of_range(node: Node, what: str, low: float, high: float) -> SpecError:
    """Return the error for a number outside *low* … *high*."""
    return problem(f"{describe(node)} is out of range", node.location, help=f"{what}{limits(low, high)}")


def limits(low: float, high: float) -> str:
    """Return ` from 1 to 1,000,000`; infinite ends are left out."""
    start = f" from {plain(low)}" if math.isfinite(low) else ""
    if not math.isfinite(high):
        return start
    return f"{start} to {plain(high)}" if start else f" up to {plain(high)}"


def plain(value: float) -> str:
    """Return a number as people write it: `1,000,000`, `0.25`."""
    return f"{int(value):,}" if value == int(value) else f"{value:g}"


def number(node: Node, low: float, high: float, what: str = "a number") -> float:
    """Return a finite number in low … high; an integer literal gives an int."""
    typed = scalar(node, what).text
    if not _FLOAT.match(typed) or len(typed) > 40:
        raise wrong(node, what, f"a number{limits(low, high)}")
    value = int(typed) if _INTEGER.match(typed) else float(typed)
    if not math.isfinite(value) or not low <= value <= high:
        raise out_of_range(node, what, low, high)
    return value


def flag(node: Node) -> bool:
    """Return a truth value: true, yes, ✓, or false, no, -."""
    typed = scalar(node, "true or false").text
    if typed in TRUE:
        return True
    if typed in FALSE:
        return False
    raise wrong(node, "a flag", "`true` or `false`")


def dims(node: Node, form: str, example: str, high: int) -> tuple[int, ...]:
    """Return positive integers written in a *form* such as `CxHxW`."""
    if not isinstance(node, Scalar):
        raise wrong(node, f"`{form}`", f"as in `{example}`")
    typed = scalar(node, f"`{form}`").text
    parts = typed.replace("×", "x").split("x")
    if not _DIMS.match(typed) or len(parts) != form.count("x") + 1:
        raise wrong(node, f"`{form}`", f"as in `{example}`")
    sizes = tuple([int(part) if len(part) < _SHORT else high + 1 for part in parts])
    for part, size in zip(parts, sizes, strict=True):
        if not 1 <= size <= high:
            raise out_of_range(scalar(node, "a size")._replace(text=part), "a size", 1, high)
    return sizes


def channels_first(node: Node, high: int) -> tuple[int, ...]:
    """Return a map's size, `CxHxW`. Raises SpecError where it plainly has its channels last, or is no size."""
    typed = [item.text for item in (node.items if isinstance(node, Seq) else (node,)) if isinstance(item, Scalar)]
    sizes = re.findall("[0-9]+", "x".join(typed), re.ASCII)
    advice = []
    if sizes[:1] == ["1"] and len(sizes) == 4:
        advice, sizes = ["without the batch"], sizes[1:]
    if len(sizes) == 3 and _channels_last(*(int(size) if len(size) < _SHORT else 0 for size in sizes)):
        advice, sizes = [*advice, "channels first"], [sizes[2], *sizes[:2]]
    if advice:
        raise wrong(node, "`CxHxW`", f"{', '.join(advice)}: `{shorten('x'.join(sizes))}`")
    return dims(node, "CxHxW", shorten("x".join(sizes)) if len(sizes) == 3 else "3x224x224", high)


def _channels_last(height: int, width: int, channels: int) -> bool:
    """Tell whether three numbers are an image's with its channels behind: a colour image's, or a square one's."""
    return min(height, width) > _MOST_COLOURS >= channels > 0 and (channels == _COLOURS or height == width)


def word(node: Node, allowed: Iterable[str], what: str, of: str = "") -> str:
    """Return one of the *allowed* words."""
    typed = scalar(node, what).text
    names = list(allowed)
    if typed not in names:
        raise problem(f"unknown {what} {describe(node)}{of}", node.location, help=suggest(typed, names, "allowed"))
    return typed


def identifier(node: Node, what: str) -> str:
    """Return a name made of letters, digits, `_` and `-`, that starts with a letter."""
    typed = scalar(node, what).text
    if not IDENTIFIER.match(typed):
        raise wrong(node, what, "letters, digits, `_` and `-`, starting with a letter")
    return typed


def sequence(node: Node, what: str, help: str = "") -> tuple[Node, ...]:
    """Return the items of a list."""
    if not isinstance(node, Seq):
        raise wrong(node, what, help)
    return node.items


def few(items: tuple[Node, ...], key: str) -> tuple[Node, ...]:
    """Return the entries of a key each of which may ask for a network of its own. Raises SpecError where they are too
    many."""
    if len(items) > MAX_ENTRIES:
        message = f"`{key}` has {len(items):,} entries, more than {MAX_ENTRIES}, the limit"
        raise problem(message, items[MAX_ENTRIES].location)
    return items


def mapping(node: Node, what: str, allowed: Iterable[str] | None = None, help: str = "") -> Map:
    """Return a mapping, whose keys are among *allowed* unless that is None. Raises SpecError with every key that is
    not, and *help* where that says more than the keys."""
    names, problems = list(allowed or ()), Problems()
    if not isinstance(node, Map):
        raise wrong(node, f"a mapping for {what}", f"keys: {', '.join(names)}" if names else "")
    if allowed is not None:
        for key, (marker, _) in node.entries.items():
            if key not in names:
                # The options that limit are called `--max-macs`.
                bare = key.removeprefix("max_")
                advice = help if help and not did_you_mean(bare[:100], names) else suggest(bare, names, "keys")
                problems.add(f"unknown key {describe(marker)} in {what}", marker.location, help=advice)
        problems.raise_any()
    return node
