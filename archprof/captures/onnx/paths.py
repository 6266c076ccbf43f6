"""Where nodes stood in the module that they were exported from: by what the exporter says, by their names, or by their
operators and numbers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from archprof.captures.onnx.facts import is_folded
from archprof.captures.onnx.model import CLASSES, REWRITTEN, SCOPES
from archprof.captures.onnx.ran import Ran
from archprof.errors import printable
from archprof.named_tuple import NamedTuple

_MOST_TEXT = 200


class Stood(NamedTuple):
    """Where a node stood: the path of the module that called it, and the node's own name there."""

    module: str
    name: str


def plain(name: str) -> str:
    """Return a name out of a file as one that tables and locks may have: on one line, and not too long."""
    return printable(name[:_MOST_TEXT]).strip()[:_MOST_TEXT]


class RowPlace(NamedTuple):
    """Where a row stands: its path, the block that it belongs to, and what that block is."""

    path: str
    block: str
    block_type: str


# The block of what computes nothing but shapes.
SHAPES = "shapes"


def places(rows: Sequence[Ran]) -> list[RowPlace]:
    """Return where each row stands: a module that runs a single operator is that operator, others are functions of the
    module that calls them. Where nothing tells of modules, what follows a product is of its block."""
    stood = [Stood(*map(plain, _stood(row))) for row in rows]
    operators: dict[str, set[str]] = defaultdict(set)
    for row, one in zip(rows, stood, strict=True):
        operators[one.module].add(row.node.op)
    parents = {one.module.rpartition(".")[0] for one in stood}
    classes = {plain(module): plain(cls) for row in rows for module, cls in _classes(row) if module}
    bare = not any(operators.keys())
    numbers: Counter[tuple[str, str]] = Counter()
    found: list[RowPlace] = []
    for row, one in zip(rows, stood, strict=True):
        if one.module and one.module not in parents and len(operators[one.module]) == 1:
            block = one.module.rpartition(".")[0]
            found.append(RowPlace(one.module, block or one.module, classes.get(block, "")))
            continue
        op = plain(row.node.op)
        path = f"{one.module}:{op}[{numbers[one.module, op]}]"
        numbers[one.module, op] += 1
        if one.module:
            found.append(RowPlace(path, one.module, classes.get(one.module, "")))
        elif _is_of_shapes(row):
            found.append(RowPlace(path, SHAPES, SHAPES))
        else:
            before = next((place.block for place in reversed(found) if place.block != SHAPES), path)
            found.append(RowPlace(path, path if row.macs or not row.counted or not bare else before, ""))
    return found


def _is_of_shapes(row: Ran) -> bool:
    """Tell whether a row computes what is known before anything runs."""
    return not row.macs and all(one.data is not None for one in row.outputs)


def _stood(row: Ran) -> Stood:
    metadata = row.node.metadata
    if REWRITTEN in metadata and is_folded(row):
        # It stands where the norm stood; its weight has the convolution's name.
        return Stood(row.node.inputs[1].rpartition(".")[0], row.node.op)
    scopes = _texts(metadata.get(SCOPES, ""))
    if len(scopes) > 1:
        return Stood(scopes[-2], scopes[-1])
    *modules, name = _segments(row.node.name)
    prefix = [part for caller in row.inside for part in _segments(caller)]
    if modules[: len(prefix)] == prefix:
        prefix = []
    return Stood(_joined([*prefix, *modules]), name)


def _classes(row: Ran) -> Iterator[tuple[str, str]]:
    """Yield the modules around a node, and the class of each, where the exporter says so."""
    metadata = row.node.metadata
    if CLASSES in metadata:
        scopes, classes = _texts(metadata.get(SCOPES, "")), _texts(metadata[CLASSES])
        if len(classes) == len(scopes):
            yield from ((scope, cls.rpartition(".")[2]) for scope, cls in zip(scopes[:-1], classes[:-1], strict=True))


def _texts(listed: str) -> list[str]:
    """Return the texts of a list as Python writes it."""
    return [part.strip().strip("'\"") for part in listed.strip("[] ").split(",")]


def _segments(name: str) -> list[str]:
    """Return the parts of a name such as `/layer1/layer1.0/conv1/Conv`."""
    return [part for part in name.split("/") if part] or [""]


def _joined(modules: Sequence[str]) -> str:
    """Return the path of modules around each other; one whose name holds that of the one around it says it whole."""
    path, last = "", ""
    for part in modules:
        begins = last and part.startswith(f"{last}.")
        path = f"{path.removesuffix(last)}{part}" if begins else f"{path}.{part}" if path else part
        last = part
    return path
