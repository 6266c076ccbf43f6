"""The look that plots and drawings share: colours that the colour-blind tell apart, marks, and the colour of a kind."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archprof.analysis.summary import Layer

# Okabe and Ito's colours, which the colour-blind tell apart; then other marks and dashes.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
MARKS = ("o", "s", "^", "D")
DASHES = ("-", "--", ":")
GREY = "#555555"
_PLAIN = "#767676"
# What a part of a network is by the first of these kinds of operator that it has, and the colour of that.
KINDS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "attention, recurrence": (("attention", "recurrent", "matmul"), COLORS[3]),
    "with depthwise convolutions": (("depthwise", "mixed"), COLORS[1]),
    "with grouped convolutions": (("grouped",), COLORS[2]),
    "convolutions": (("standard", "pointwise"), COLORS[0]),
    "linear": (("linear",), COLORS[4]),
    "squeeze-excite": (("se",), COLORS[5]),
    "pooling, resizing": (("pool",), COLORS[5]),
}


def kind_of(layers: "Sequence[Layer]") -> str:
    """Return what a part of a network is; `other` where nothing in it multiplies or pools."""
    found = {row.kind for row in layers}
    return next((name for name, (kinds, _) in KINDS.items() if found.intersection(kinds)), "other")


def kind_color(layers: "Sequence[Layer]") -> str:
    """Return the colour of a part of a network."""
    name = kind_of(layers)
    return KINDS[name][1] if name in KINDS else _PLAIN


def _tint(color: str) -> str:
    """Return a colour so light that black text is read on it."""
    parts = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{round(255 - (255 - part) * 0.16):02x}" for part in parts)


TINTS = {color: _tint(color) for color in (*COLORS, _PLAIN)}
