"""Layers as values: what binding makes of a table, and tracing makes a network of."""

from collections.abc import Mapping
from typing import Any

from archprof.errors import Location
from archprof.ir.dims import Dim
from archprof.language.block import Block
from archprof.named_tuple import NamedTuple
from archprof.spec.nodes import Node, Scalar


class BoundRow(NamedTuple):
    """One line of a table: its cells' values, where it stands, and how often it repeats."""

    values: dict[str, Any]
    address: str
    location: Location
    segment: str | None  # of the path; None where the layer has no table
    id: str | None
    input: tuple[int, int, int] | None
    input_location: Location
    repeats: Dim | None = None  # None where there is no `n`
    scale: bool = True
    narrow: bool = True
    deepen: bool = True
    cells: Mapping[str, Node] = {}  # those of its layer and its own, as typed, by their columns
    defaults: Mapping[str, tuple[Location, str]] = {}  # where the spec's defaults for its columns stand


class BoundLayer(NamedTuple):
    """One layer: its block, its rows (one where it is no table), its name, its inputs, and the paths of operators that
    are registered in front of it."""

    block: Block
    rows: tuple[BoundRow, ...]
    segment: str
    id: str | None
    address: str
    location: Location
    inputs: tuple[Scalar, ...]
    registers: tuple[str, ...] = ()


Layers = tuple[BoundLayer, ...]
