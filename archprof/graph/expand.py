"""Spec → Graph: bind every cell, trace every row, then check what only the whole can tell."""

from collections.abc import Mapping

from archprof.errors import Problems, problem, suggest
from archprof.graph.bind import Binder
from archprof.graph.columns import Cells, count
from archprof.graph.trace import INPUT, Feature, Graph, Tracer
from archprof.spec.nodes import Map, Node, Seq
from archprof.spec.types import Spec
from archprof.spec.values import identifier, mapping, scalar


def expand(spec: Spec) -> Graph:
    """Return the network of a spec.

    Raises SpecError: first with every cell that cannot be read, then with the first row that does not fit, with every stated input that is
    not the computed one, and with layers that lead to no output.
    """
    cells = Cells(spec.settings, spec.classes, spec.defaults)
    binder = Binder(cells, spec.file, spec.pristine)
    layers = binder.layers(spec.layers, "layers")
    binder.check_defaults()
    frozen = _frozen(spec, cells, binder)
    binder.problems.raise_any()
    net = Tracer(spec.width, spec.settings["width"], spec.settings["depth"], frozen)
    with net.problems:
        last = net.layers(layers, Feature(INPUT, spec.input, 1, spec.input[0]))
    net.problems.raise_any()
    outputs = _outputs(spec, net, last)
    graph = Graph(spec, spec.input, tuple(net.nodes), outputs, spec.outputs is not None)
    _check_alive(graph)
    return graph


def _frozen(spec: Spec, cells: Cells, binder: Binder) -> tuple[str, ...]:
    """Return the ids of the stages that `freeze` freezes."""
    if spec.freeze is None:
        return ()
    with binder.problems:
        for stage in spec.stages:
            if stage.text not in binder.ids:
                raise problem(f"there is no layer `{stage.text}`", stage.location, help=suggest(stage.text, binder.ids, "ids"), where="stages")
        number: int = count(0, len(spec.stages)).read(spec.freeze, cells)
        return tuple(stage.text for stage in spec.stages[:number])
    return ()


def _outputs(spec: Spec, net: Tracer, last: Feature) -> Mapping[str, int]:
    if spec.outputs is None:
        return {"output": last.node}
    problems = Problems()
    found: dict[str, int] = {}
    for name, place in _places(spec.outputs):
        with problems:
            where = scalar(place, "an id or address")
            found[name] = net.find(where.text, where.location).node
    problems.raise_any()
    return found


def _places(outputs: Node) -> list[tuple[str, Node]]:
    if isinstance(outputs, Map):
        return [(identifier(marker, "an output's name"), place) for marker, place in outputs.entries.values()]
    if isinstance(outputs, Seq):
        return [(identifier(place, "an id, or `{name: address}`"), place) for place in outputs.items]
    return list(mapping(outputs, "a list of ids, or a mapping of names to places").pairs())


def _check_alive(graph: Graph) -> None:
    """Raise SpecError when an operator leads to no output: counters drop such nodes, and a reader would not know."""
    alive = set(graph.outputs.values())
    for index in range(len(graph.nodes) - 1, -1, -1):
        if index in alive:
            alive.update(graph.nodes[index].inputs)
    for index, node in enumerate(graph.nodes):
        if index not in alive:
            raise problem(f"`{node.path}` leads to no output", node.location, help="name it in `outputs`, or remove what nobody reads")
