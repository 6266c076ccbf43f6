"""How wide texts of drawings are, and what they are cut to: by the metrics of Helvetica, which Arial and Liberation
Sans share, so that no font has to be there."""

STACK = ("Helvetica", "Arial", "Liberation Sans", "sans-serif")
# Advance widths of the characters from the space to the tilde, in thousandths of the size (Adobe's Helvetica).
_REGULAR = (
    278, 278, 355, 556, 556, 889, 667, 222, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 222, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
)  # fmt: skip
_BOLD = (
    278, 333, 474, 556, 556, 889, 722, 278, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667,
    611, 778, 722, 278, 556, 722, 611, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 333, 278, 333, 584, 556, 278, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556,
    278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584,
)  # fmt: skip
_OTHERS = {"·": 278, "×": 584, "−": 584, "…": 1000, "≤": 549}
# Of a character that the table does not have: none is wider than its size.
_WIDEST = 1000


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return how wide a text stands at a size, in points."""
    widths = _BOLD if bold else _REGULAR
    units = [widths[ord(char) - 32] if " " <= char <= "~" else _OTHERS.get(char, _WIDEST) for char in text]
    return sum(units) * size / 1000


def is_measured(text: str) -> bool:
    """Tell whether the width of a text is known, and not only that it is no larger."""
    return all(" " <= char <= "~" or char in _OTHERS for char in text)


def shortened(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """Return a text that fits, with an ellipsis for what had to go from its end."""
    if text_width(text, size, bold=bold) <= room:
        return text
    while text and text_width(f"{text}…", size, bold=bold) > room:
        text = text[:-1]
    return f"{text.rstrip()}…"
