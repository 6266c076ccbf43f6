"""Spec → Graph: bind every cell, trace every row, then check what only the whole can tell."""

from collections.abc import Iterable, Mapping

from archprof.errors import Location, Problems, SpecError, problem, suggest
from archprof.ir.builder import GraphBuilder
from archprof.ir.columns import count
from archprof.ir.graph import INPUT, Edge, Graph
from archprof.ir.init_rules import Inits
from archprof.ir.liveness import leading_nowhere
from archprof.ir.values import Value
from archprof.language.bind import Binder, scope_of
from archprof.language.bound import Layers
from archprof.language.cells import Cells, cells_of, read_cell
from archprof.language.flatten import Flattener
from archprof.language.frame import Places
from archprof.language.init import read_init
from archprof.language.own_block import check_defaults, check_names
from archprof.language.registry import find_block
from archprof.language.soundness import is_sound
from archprof.language.spellings import spellings
from archprof.language.trace import Trace, trace
from archprof.language.widths import Scaling
from archprof.named_tuple import NamedTuple
from archprof.spec.load import load
from archprof.spec.nodes import Map, Node, Seq, shorten
from archprof.spec.own_blocks import names_in, read_blocks
from archprof.spec.types import Spec, Tree
from archprof.spec.values import identifier, scalar, wrong
from archprof.spec.variant import Setting


class Bound(NamedTuple):
    """The layers of a spec as values, the ids of its frozen stages, and the rules of its first weights."""

    layers: Layers
    frozen: tuple[str, ...]
    inits: Inits


def read_network(reference: str, settings: Iterable[Setting] = (), *, text: str | None = None) -> Graph:
    """Return the network that *reference* names, at *settings*; *text* stands in for the file's content.

    Raises SpecError with all that is wrong with keys and cells at once, then as `expand` does.
    """
    problems = Problems()
    return expand(load(reference, settings, spellings=spellings, text=text, problems=problems), problems)


def expand(spec: Spec, problems: Problems | None = None) -> Graph:
    """Return the network of a spec; *problems* are those of its header.

    Raises SpecError: first with every cell that cannot be read, then with the first row that does not fit, with every
    stated input that is not the computed one, and with layers that lead to no output.
    """
    return _checked_graph(spec, *_traced(spec, problems))


def trace_network(spec: Spec, problems: Problems | None = None) -> Trace:
    """Return the trace of a spec's network, for whoever asks for no node of it; *problems* are those of its header.

    Raises SpecError for all that `expand` does.
    """
    traced, inits = _traced(spec, problems)
    outputs = outputs_of(spec, traced.places, traced.fragment.result.edge)
    if not is_sound(traced.fragment, outputs.values(), range(len(_named_inputs(spec)))):
        _checked_graph(spec, traced, inits)  # which says what is wrong
    return traced


def _traced(spec: Spec, problems: Problems | None) -> tuple[Trace, Inits]:
    layers, frozen, inits = bind(spec, problems)
    traced = trace(layers, spec.inputs, scaling_of(spec), frozen)
    traced.problems.raise_any()
    return traced, inits


def _checked_graph(spec: Spec, traced: Trace, inits: Inits) -> Graph:
    graph = graph_of(spec, traced, spec.inputs, inits)
    _check_alive(graph, spec)
    return graph


def graph_of(spec: Spec, traced: Trace, inputs: Mapping[str, Value], inits: Inits) -> Graph:
    """Return a network that was traced on *inputs* as a graph. Raises SpecError for paths and outputs that do not
    fit."""
    builder = GraphBuilder(inputs)
    flat = Flattener(builder, inits)
    flat.flatten(traced.fragment)
    outputs = outputs_of(spec, traced.places, traced.fragment.result.edge)
    edges = {name: flat.edge(edge) for name, edge in outputs.items()}
    return builder.build(spec.name, edges, spec, named=spec.outputs is not None)


def scaling_of(spec: Spec) -> Scaling:
    """Return the multipliers of a spec, with the rule of its width."""
    return Scaling(spec.width, spec.settings["width"], spec.settings["depth"])


def bind(spec: Spec, problems: Problems | None = None) -> Bound:
    """Return the layers of a spec as values; *problems* are those of its header.

    Raises SpecError with every cell that cannot be read.
    """
    cells = cells_of(spec)
    binder = Binder(cells, spec.file, spec.pristine, scope=scope_of(spec.blocks, cells))
    binder.problems.found.extend(problems.found if problems else ())
    check_names(spec.blocks, find_block, binder.problems)
    if spec.pristine:
        check_defaults(spec.blocks, cells, binder.problems)
    noted = len(binder.problems.found)
    binder.ids.update(_named_inputs(spec))
    layers = binder.layers(spec.layers, "layers")
    if len(binder.problems.found) == noted:
        # A layer that cannot be read might be the one that uses a default.
        binder.check_defaults()
    inits = Inits({}, {})
    with binder.problems:
        inits = read_init(spec, binder.ids)
    frozen = _frozen(spec, cells, binder)
    binder.problems.raise_any()
    return Bound(layers, frozen, inits)


# What a file says that has blocks for others, and no network; a name it always has.
_OF_BLOCKS = frozenset(("archprof", "name", "import", "blocks"))


def has_blocks_alone(tree: Tree) -> bool:
    """Tell whether a file defines blocks and no network."""
    return "blocks" in tree.root.entries and _OF_BLOCKS.issuperset(tree.root.entries)


def check_blocks(tree: Tree) -> None:
    """Raise SpecError with everything that is wrong in a file of blocks alone, but in what their layers make of a
    row."""
    from archprof.spec.compared import wrong_words  # which few files need

    problems = Problems()
    problems.found.extend(tree.problems)
    with problems:
        blocks = read_blocks(tree.root.entries["blocks"][1])
        check_names(blocks, find_block, problems)
        check_defaults(blocks, Cells({}), problems)
        for wrong_word in wrong_words(Seq(()), blocks, {}):
            with problems:
                raise SpecError([wrong_word])
    problems.raise_any()


def check_knobs(spec: Spec) -> None:
    """Raise SpecError for the knobs of the spec's own file that nothing asks for; a variant may well leave some of its
    parent's behind."""
    knobs = spec.tree.root.get("knobs") if spec.tree and spec.pristine else None
    if spec.tree is None or not isinstance(knobs, Map):
        return
    problems, asked = Problems(), names_in(spec.tree.root)
    for name, (marker, _) in knobs.entries.items():
        if name not in asked and marker.file == spec.file:
            advice = f"write `${name}` into a cell, or remove the knob"
            problems.add(f"nothing asks for the knob `{name}`", marker.location, where="knobs", help=advice)
    problems.raise_any()


def _named_inputs(spec: Spec) -> Mapping[str, Location]:
    """Return the names of inputs that layers take for ids, with their places."""
    node = spec.tree.root.get("input") if spec.tree else None
    if not isinstance(node, Map):
        return {}
    # A setting may have added one.
    found = {name: marker.location for name, (marker, _) in node.entries.items()}
    return {name: found.get(name, node.location) for name in spec.inputs}


def _frozen(spec: Spec, cells: Cells, binder: Binder) -> tuple[str, ...]:
    """Return the ids of the stages that `freeze` freezes."""
    for stage in spec.stages:
        if stage.text not in binder.ids:
            advice = suggest(stage.text, binder.ids, "ids")
            message = f"there is no layer `{shorten(stage.text)}`"
            binder.problems.add(message, stage.location, where="stages", help=advice)
    if spec.freeze is None:
        return ()
    with binder.problems:
        if not spec.stages:
            advice = "name the layers that can be frozen: `stages: [stem, stage1]`"
            raise problem("`freeze` without `stages`", spec.freeze.location, help=advice)
        kind = count(0, len(spec.stages), "a number of stages")
        number: int = read_cell(kind, spec.freeze, cells)
        return tuple(stage.text for stage in spec.stages[:number])
    return ()


def outputs_of(spec: Spec, places: Places, last: Edge) -> Mapping[str, Edge]:
    """Return the edges of the network's fragment that are its outputs, by name."""
    if spec.outputs is None:
        return {"output": last}
    problems = Problems()
    found: dict[str, Edge] = {}
    for name, place in _named_places(spec.outputs):
        with problems:
            where, key = scalar(place, "an id or address"), identifier(name, "an output's name")
            if key in found:
                raise problem(f"duplicate output `{key}`", name.location)
            x = places.find(where.text, where.location)
            if x is None:
                raise places.missing(where.text, where.location, "")
            found[key] = x.edge
    problems.raise_any()
    return found


def _named_places(outputs: Node) -> list[tuple[Node, Node]]:
    """Return the name and place of each output; in a list, an id is both."""
    if isinstance(outputs, Map) and outputs.entries:
        return list(outputs.entries.values())
    if isinstance(outputs, Seq) and outputs.items:
        return [(place, place) for place in outputs.items]
    raise wrong(outputs, "the feature maps to return", 'as in `[c4, c5]`, or `{c5: "layers[3]"}`')


def _check_alive(graph: Graph, spec: Spec) -> None:
    """Raise SpecError when an operator or an input leads to no output: counters drop such nodes, and a reader would not
    know."""
    problems = Problems()
    for index in leading_nowhere(graph):
        node = graph.nodes[index]
        advice = "name it in `outputs`, or remove what nobody reads"
        problems.add(f"`{node.address}` leads to no output", node.location, help=advice)
    read = {edge for node in graph.nodes for edge in node.inputs}
    for k, (name, location) in enumerate(_named_inputs(spec).items()):
        if Edge(INPUT, k) not in read:
            problems.add(f"no layer reads the input `{name}`", location, help=f"`from: {name}` beside a layer does")
    problems.raise_any()
