"""Rows of a grid: written each as a layer of its own, bound and traced where knobs are arrays."""

from collections.abc import Iterator, Mapping, Sequence

from archprof.analysis.totals import Totals, totals_of
from archprof.errors import SpecError, problem, usage_error
from archprof.ir.dims import Dim, Disagreement, same
from archprof.language.bind import Binder, scope_of
from archprof.language.bound import BoundLayer, BoundRow
from archprof.language.cells import cells_of
from archprof.language.expand import scaling_of
from archprof.language.expression import PartlyOutOfRange
from archprof.language.fragment import Application, Feature
from archprof.language.frame import Places
from archprof.language.trace import Memo, Tracer
from archprof.named_tuple import NamedTuple
from archprof.space.frozen import TRAINED, Frozen
from archprof.space.traced import no_chain
from archprof.spec.chosen import unwritten
from archprof.spec.layers import written_layer
from archprof.spec.nodes import Map, Node, Seq
from archprof.spec.types import OpenSpace, Spec


class GridRow(NamedTuple):
    """A row, written as a layer of its own, and the addresses of its layer and of itself."""

    node: Node
    layer: str
    address: str


class TracedRow(NamedTuple):
    """What a row costs at a map, its first repeat and every other one, and what comes out."""

    first: Totals
    other: Totals
    x: Feature


def rows_of(layers: Sequence[Node]) -> Iterator[GridRow]:
    """Yield all rows of the layers of a network in full form."""
    for index, node in enumerate(layers):
        layer, address = written_layer(node), f"layers[{index}]"
        arguments = layer.arguments if layer else None
        rows = arguments.get("rows") if isinstance(arguments, Map) else None
        if layer is None or not isinstance(node, Map) or not isinstance(arguments, Map) or not isinstance(rows, Seq):
            yield GridRow(node, address, "")
            continue
        for number, row in enumerate(rows.items):
            own = arguments.with_entry("rows", rows._replace(items=(row,)))
            yield GridRow(node.with_entry(layer.block.text, own), address, f"{address}.rows[{number}]")


class Rows:
    """What binds and traces the rows of a spec."""

    def __init__(self, spec: Spec, space: OpenSpace) -> None:
        self._spec, self._cells = spec, cells_of(spec)
        self._scaling = scaling_of(spec)
        frozen = Frozen(spec, space)
        if spec.freeze is not None and frozen.knobs:
            message = "what is frozen is drawn, where all rows hang on the same knobs"
            raise problem(message, spec.freeze.location, help=f"fix it: `--fix {min(frozen.knobs)}=…`")
        self._frozen = frozen.ids(())

    def repeats(self, row: GridRow, names: Mapping[str, object]) -> Dim:
        """Return how often a row repeats, wherever knobs say so. Raises SpecError for what is no number of repeats, and
        where knobs say more."""
        try:
            found = self._bound(row, names)
        except PartlyOutOfRange as parting:
            raise parting.why from None
        except Disagreement:
            message = "knobs say of this row whether it is there, or another thing beside its widths and repeats"
            advice = "fix them, as in `--fix k=3`; a row that is not there repeats 0 times"
            raise problem(message, row.node.location, where=row.address or row.layer, help=advice) from None
        if found is None:
            return 0
        bound = found[1]
        repeats: Dim = bound.repeats
        return 1 if repeats is None else repeats

    def traced(self, row: GridRow, names: Mapping[str, object], x: Feature, most: int) -> TracedRow:
        """Return what a row is at a map, if it repeats at most so often.

        Raises SpecError where it does not fit, UsageError for repeats that are not alike, Disagreement where it is one
        thing for some and another for others.
        """
        found = self._bound(row, names)
        assert found is not None
        layer, bound = found
        memo = Memo()
        tracer = Tracer(self._scaling, self._frozen, memo)
        repeated = bound._replace(repeats=None if bound.repeats is None else min(most, 2))
        try:
            fragment = tracer.row(layer, repeated, (x,), Places({}, {}, {}))
            tracer.problems.raise_any()
        except SpecError as error:
            raise unwritten(error, row.layer, row.address) from None
        repeats = [part for part in fragment.parts if isinstance(part, Application)]
        if most > 2 and (layer.block.counts or not all(map(same, *[one.fragment.result.shape for one in repeats]))):
            message = "a row that repeats as knobs say it, and whose repeats are not alike"
            raise usage_error(message, bound.location, help="fix the knobs that say how often: `--fix`")
        first, *others = [_totals(one, memo) for one in repeats]
        return TracedRow(first, others[0] if others else first, fragment.result)

    def _bound(self, row: GridRow, names: Mapping[str, object]) -> tuple[BoundLayer, BoundRow] | None:
        """Return a row as values; None where its layer is left out. Raises as `traced` does."""
        cells = self._cells._replace(names={**self._cells.names, **names})
        binder = Binder(cells, self._spec.file, False, scope=scope_of(self._spec.blocks, cells))
        try:
            [layer] = binder.layers(Seq((row.node,)), "layers") or (None,)
            binder.problems.raise_any()
        except SpecError as error:
            raise unwritten(error, row.layer, row.address) from None
        assert layer is not None
        if layer.inputs:
            raise no_chain(layer, row.layer)
        return (layer, layer.rows[0]) if layer.rows else None


def _totals(part: Application, memo: Memo) -> Totals:
    """Return the totals of one repeat of a row; where it is frozen nothing of it is trained."""
    found = totals_of(part.fragment, memo.extremes)
    if not part.frozen:
        return found
    none = dict.fromkeys(TRAINED, 0)
    parts = [one._replace(sums={name: n for name, n in one.sums.items() if name not in none}) for one in found.parts]
    return found._replace(flat={**found.flat, **none}, parts=tuple(parts))
