"""Where the tensors stand that an exported program returns: `logits`, `output.0`, named as a captured module's are."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archprof.json_fields import Refused, field, items, mapping, text

_MOST_DEPTH = 32


def output_names(leaves: Sequence[str | None], tree: str) -> dict[str, str]:
    """Return the tensors that are returned by where they stand in what forward returns: *leaves* are their names in the
    graph, *tree* torch's description of the rest; without one that fits, they are numbered.
    """
    places = _places(tree)
    if len(places) != len(leaves):
        places = [f"output.{k}" for k in range(len(leaves))]
    return {place: leaf for place, leaf in zip(places, leaves, strict=True) if leaf is not None}


def _places(tree: str) -> list[str]:
    try:
        version, root = json.loads(tree)
        return [place or "output" for place in _below("", root, 0)] if version == 1 else []
    except (ValueError, TypeError, RecursionError):  # no JSON, or not of this form
        return []


def _below(place: str, found: Any, depth: int) -> Iterator[str]:
    node = mapping(found)
    children = field(node, "children_spec", items)
    if node.get("type") is None:
        yield place
        return
    if depth > _MOST_DEPTH:
        raise Refused(f"what is returned is more than {_MOST_DEPTH} levels deep")
    for key, child in zip(_keys(node, len(children)), children, strict=True):
        outermost = f"output.{key}" if isinstance(key, int) else key
        yield from _below(f"{place}.{key}" if place else outermost, child, depth + 1)


def _keys(node: Mapping[str, Any], size: int) -> list[Any]:
    """Return the keys of what is put together: of a mapping its own, of anything else the positions."""
    kind = str(node["type"])
    if not kind.endswith(("dict", "Dict")):
        return list(range(size))
    context = json.loads(node["context"])
    keys = context[1] if kind.endswith("defaultdict") else context
    return [text(key) if isinstance(key, str) else key for key in items(keys)]
