"""The options of `archprof cost` → what is asked: kinds and kernels listed by commas, `--versus` beside them, and the
defaults that were taken."""

import re
from collections.abc import Container, Iterable, Mapping
from itertools import product
from typing import Any

from archprof.analysis.cost import ALIASES, CONV_KINDS, Convolution, Size
from archprof.errors import suggest, usage_error

MAX_SIDE = 65_536
# Which options a kind listens to; the kernel of a pointwise convolution is that of the standard one it is held against.
_WINDOW = ("in", "out", "size", "k", "stride", "padding", "dilation", "bias")
LISTENS: Mapping[str, tuple[str, ...]] = {
    "std": _WINDOW, "dw": _WINDOW, "dw-linear": _WINDOW, "bottleneck": _WINDOW,
    "mix": tuple(name for name in _WINDOW if name != "out"),
    "pw": ("in", "out", "size", "k", "stride", "bias"), "group": (*_WINDOW, "groups"), "inverted": (*_WINDOW, "t"),
    "se": ("in", "size", "ratio", "bias"), "linear": ("in", "out", "bias"),
}  # fmt: skip
_HYPHENS = str.maketrans("_ ", "--")
_FIELDS = {"in": "in_channels", "out": "out_channels", "t": "expand", "n": "times"}


def convolutions_of(conv: str, said: Mapping[str, str], versus: Iterable[str]) -> Mapping[Convolution, Container[str]]:
    """Return every kind with every kernel, then what `--versus` puts beside them, each with what was said of it.

    Raises UsageError for a kind or value that cannot be.
    """
    kernels = said.get("k", "").split(",")
    listed = [{**said, **({"k": k} if k else {})} for k in kernels]
    found = {_ask(kind.strip(), options): said for kind, options in product(conv.split(","), listed)}
    heard = {name for ask in found for name in LISTENS[ask.conv]}
    for text in versus:
        kind, _, tail = text.partition(":")
        own = dict(_option(part, text) for part in tail.split(",") if part)
        beside = _ask(kind.strip(), {**said, "k": kernels[0] or "3", **own})
        _heard(own, {"n", *LISTENS[beside.conv]}, f"in `--versus {text}`")
        heard.update(LISTENS[beside.conv])
        found.setdefault(beside, {**said, **own})
    _heard([f"--{name}" for name in said], {f"--{name}" for name in heard}, f"to `--conv {conv}`")
    return found


def _heard(said: Iterable[str], heard: Container[str], where: str) -> None:
    """Raise UsageError for an option that nobody listens to: what it was meant to change stays as it is."""
    for name in said:
        if name not in heard:
            raise usage_error(f"`{name}` means nothing {where}", help="leave it out, or ask for another kind")


def defaults_of(asks: Mapping[Convolution, Container[str]]) -> dict[str, str]:
    """Return the options that the asked kinds listen to and that nobody said of one of them, with the values taken:
    `3 or 3+5+7` where they differ."""
    taken: dict[str, dict[str, None]] = {}
    for ask, said in asks.items():
        for name in LISTENS[ask.conv]:
            if name in said or name == "bias":
                continue
            value = getattr(ask, _FIELDS.get(name, _PLURALS.get(name, name)))
            shown = "to keep the size at stride 1" if name == "padding" else _shown(value)
            taken.setdefault(name, {})[shown] = None
    return {name: " or ".join(values) for name, values in taken.items()}


_PLURALS = {"k": "kernels"}


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        items = value if isinstance(value[0], tuple) else (value,)
        return "+".join(str(item[0]) if item[0] == item[1] else f"{item[0]}x{item[1]}" for item in items)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _option(part: str, text: str) -> tuple[str, str]:
    name, sign, value = part.partition("=")
    allowed = ("k", "n", "in", "out", "size", "stride", "padding", "dilation", "groups", "t", "ratio")
    if not sign or name not in allowed:
        raise usage_error(
            f"`{part}` in `--versus {text}` is no option", help=suggest(name, allowed, "write `k=3,n=2`; options")
        )
    return name, value


def _ask(conv: str, said: Mapping[str, str]) -> Convolution:
    word = conv.lower().translate(_HYPHENS)
    kind = ALIASES.get(word, word)
    if kind not in CONV_KINDS:
        raise usage_error(
            f"unknown kind of convolution `{conv}`", help=suggest(conv, (*CONV_KINDS, *ALIASES), "kinds", CONV_KINDS)
        )
    ask = Convolution(kind)
    if kind == "mix":
        ask = ask._replace(kernels=((3, 3), (5, 5), (7, 7)))
    fields: dict[str, Any] = {}
    for name, text in said.items():
        if name in ("in", "out", "groups", "n"):
            fields[_FIELDS.get(name, name)] = _integer(name, text)
        elif name in ("t", "ratio"):
            fields[_FIELDS.get(name, name)] = _positive(name, text)
        elif name == "k" and "k" in LISTENS[kind]:
            fields["kernels"] = tuple(_size(name, part, 1) for part in text.split("+"))
        elif name in ("size", "stride", "dilation", "padding") and name in LISTENS[kind]:
            fields[name] = _size(name, text, 0 if name == "padding" else 1)
        elif name == "bias":
            fields["bias"] = True
    ask = ask._replace(**fields)
    if len(ask.kernels) > 1 and kind != "mix":
        raise usage_error(
            f"several kernels mixed in `{conv}`", help="a plus mixes kernels, for `--conv mix`; a comma lists them"
        )
    if kind in ("mix", "se"):
        ask = ask._replace(out_channels=ask.in_channels)
    return ask


def _integer(name: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,7}", text, re.ASCII) or not 1 <= int(text) <= 1_000_000:
        raise usage_error(f"`--{name} {text}` is not a count", help="an integer from 1 to 1,000,000")
    return int(text)


def _positive(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1000:
        raise usage_error(f"`--{name} {text}` is out of range", help="a number above 0, at most 1000")
    return value


def _size(name: str, text: str, low: int) -> Size:
    match = re.fullmatch(r"([0-9]{1,9})(?:[x×]([0-9]{1,9}))?", text.strip(), re.ASCII)
    if not match:
        raise usage_error(f"`--{name} {text}` is not a size", help="write `3`, or `1x7` (height × width)")
    sides = int(match[1]), int(match[2] or match[1])
    if not all(low <= side <= MAX_SIDE for side in sides):
        raise usage_error(f"`--{name} {text}` is out of range", help=f"sides from {low} to {MAX_SIDE:,}")
    return sides
