"""Boxes where Graphviz's `dot` puts them. It is told how large they are and what leads where, and no names."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archprof.errors import usage_error
from archprof.ir.values import show_shape
from archprof.render.drawing.boxes import SMALL, Box
from archprof.render.drawing.chain import Placed
from archprof.render.drawing.diagram import Diagram
from archprof.render.drawing.font import text_width
from archprof.render.drawing.picture import INCH, Item, Line, Point, Text
from archprof.render.style import GREY

_MARGIN = 4.0
_SECONDS = 60


def placed_by_dot(drawn: Diagram, boxes: Sequence[Box], *, right: bool) -> Placed:
    """Return where the boxes of a diagram are, from the top down or from left to *right*.

    Raises UsageError without `dot`, and where it finds no layout.
    """
    labels = _labels(drawn)
    found = _laid_out(_source(drawn, boxes, labels, right=right))
    _, _, width, height = map(float, found["bb"].split(","))
    items = [
        box.at(x - box.width / 2 + _MARGIN, height - y - box.height / 2 + _MARGIN)
        for box, (x, y) in zip(boxes, (_point(one["pos"]) for one in _vertices(found)), strict=True)
    ]
    lines = []
    for link, one in zip(drawn.links, _in_order(found.get("edges", ())), strict=True):
        lines.append(Line(tuple([(x + _MARGIN, height - y + _MARGIN) for x, y in _curve(one["pos"])]), curved=True))
        if words := labels.get(link[:2]):
            x, y = _point(one["lp"])
            start = x - text_width(words, SMALL) / 2 + _MARGIN
            text = Text(start, height - y + SMALL * 0.36 + _MARGIN, words, SMALL, GREY)
            items.append(Item(words, (), (text,)))
    return Placed(width + 2 * _MARGIN, height + 2 * _MARGIN, tuple(lines), tuple(items))


def _labels(drawn: Diagram) -> dict[tuple[int, int], str]:
    """Return what is written at links: the size of what leaves a vertex, once for each size."""
    said = {(link.source, link.shape): link[:2] for link in reversed(drawn.links)}
    return {ends: show_shape(shape) for (_, shape), ends in said.items() if shape}


def _source(drawn: Diagram, boxes: Sequence[Box], labels: Mapping[tuple[int, int], str], *, right: bool) -> str:
    levels = {place: number for number, level in enumerate(drawn.levels) for place in level}
    lines = [f"digraph {{ rankdir={'LR' if right else 'TB'}; ranksep=0.2; nodesep=0.15;"]
    lines.append('node [shape=box, fixedsize=true, label="", margin=0]; edge [arrowsize=0.5];')
    for place, box in enumerate(boxes):
        lines.append(f"v{place} [width={box.width / INCH:.4f}, height={box.height / INCH:.4f}];")
    for number, (source, target, _) in enumerate(drawn.links):
        options = [f"id=e{number}"]
        if words := labels.get((source, target)):
            options.append(f"label={_blank(words)}")
        if levels.get(source, -1) > levels.get(target, len(levels)):
            options.append("constraint=false")  # from the coarse to the fine, against the order of the others
        lines.append(f"v{source} -> v{target} [{', '.join(options)}];")
    for level in drawn.levels:
        lines.append(f"{{ rank=same; {' '.join(f'v{place};' for place in level)} }}")
    return "\n".join([*lines, "}"])


def _blank(words: str) -> str:
    """Return a label of the size of words, without them: dot measures with fonts that may be others."""
    width, height = round(text_width(words, SMALL) + 8), round(SMALL + 3)
    sizes = f'border="0" cellborder="0" fixedsize="true" width="{width}" height="{height}"'
    return f"<<table {sizes}><tr><td></td></tr></table>>"


def _laid_out(source: str) -> Any:
    import json
    import subprocess

    try:
        done = subprocess.run(
            ["dot", "-Tjson0"], input=source, capture_output=True, encoding="utf-8", timeout=_SECONDS, check=True
        )
    except FileNotFoundError:
        advice = "apt-get install graphviz, brew install graphviz, or conda install graphviz"
        message = "laying out what is no chain needs Graphviz's `dot`, which is not installed"
        raise usage_error(message, help=advice) from None
    except subprocess.TimeoutExpired:
        message = f"`dot` found no layout in {_SECONDS} seconds"
        raise usage_error(message, help="`--depth 1`, or a little more, folds the network") from None
    except (OSError, subprocess.CalledProcessError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        raise usage_error(f"`dot` failed: {said[0] if said else 'no reason given'}") from None
    return json.loads(done.stdout)


def _vertices(found: Any) -> Iterator[Any]:
    named = {one["name"]: one for one in found["objects"]}
    yield from (named[f"v{place}"] for place in range(sum(name.startswith("v") for name in named)))


def _in_order(edges: Sequence[Any]) -> list[Any]:
    return sorted(edges, key=lambda one: int(one["id"][1:]))


def _point(text: str) -> Point:
    x, y = text.split(",")[:2]
    return float(x), float(y)


def _curve(text: str) -> list[Point]:
    """Return the points of a curve, up to the tip of its arrow."""
    first, *others = text.split(" ")
    points = list(map(_point, others))
    tip = _point(first.removeprefix("e,"))
    return [*points[:-1], tip]
