"""Spec → Graph: bind every cell, trace every row, then check what only the whole can tell."""

from collections.abc import Iterable, Mapping

from archprof.errors import Problems, problem, suggest
from archprof.graph.bind import Binder, Layer
from archprof.graph.block import spellings
from archprof.graph.columns import Cells, count
from archprof.graph.init_rules import read_init
from archprof.graph.trace import INPUT, Feature, Graph, Tracer
from archprof.spec.load import load
from archprof.spec.nodes import Map, Node, Seq, shorten
from archprof.spec.types import Spec
from archprof.spec.values import identifier, scalar, wrong
from archprof.spec.variant import Setting


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
    layers, frozen = bind(spec, problems)
    net = Tracer(spec.width, spec.settings["width"], spec.settings["depth"], frozen)
    with net.problems:
        last = net.layers(layers, Feature(INPUT, spec.input, 1, spec.input[0]))
    net.problems.raise_any()
    graph = Graph(spec, spec.input, net.finished(), _outputs(spec, net, last), spec.outputs is not None)
    _check_alive(graph)
    return graph


def bind(spec: Spec, problems: Problems | None = None) -> tuple[tuple[Layer, ...], tuple[str, ...]]:
    """Return the bound layers of a spec, and the ids of the stages that are frozen; *problems* are those of its header.

    Raises SpecError with every cell that cannot be read.
    """
    cells = Cells(spec.settings, spec.classes, spec.defaults)
    binder = Binder(cells, spec.file, spec.pristine)
    binder.problems.found.extend(problems.found if problems else ())
    noted = len(binder.problems.found)
    layers = binder.layers(spec.layers, "layers")
    if len(binder.problems.found) == noted:
        # A layer that cannot be read might be the one that uses a default.
        binder.check_defaults()
    with binder.problems:
        read_init(spec)
    frozen = _frozen(spec, cells, binder)
    binder.problems.raise_any()
    return layers, frozen


def _frozen(spec: Spec, cells: Cells, binder: Binder) -> tuple[str, ...]:
    """Return the ids of the stages that `freeze` freezes."""
    for stage in spec.stages:
        if stage.text not in binder.ids:
            binder.problems.add(
                f"there is no layer `{shorten(stage.text)}`",
                stage.location,
                where="stages",
                help=suggest(stage.text, binder.ids, "ids"),
            )
    if spec.freeze is None:
        return ()
    with binder.problems:
        if not spec.stages:
            raise problem(
                "`freeze` without `stages`",
                spec.freeze.location,
                help="name the layers that can be frozen: `stages: [stem, stage1]`",
            )
        number: int = count(0, len(spec.stages), "a number of stages").read(spec.freeze, cells)
        return tuple(stage.text for stage in spec.stages[:number])
    return ()


def _outputs(spec: Spec, net: Tracer, last: Feature) -> Mapping[str, int]:
    if spec.outputs is None:
        return {"output": last.node}
    problems = Problems()
    found: dict[str, int] = {}
    for name, place in _places(spec.outputs):
        with problems:
            where, key = scalar(place, "an id or address"), identifier(name, "an output's name")
            if key in found:
                raise problem(f"duplicate output `{key}`", name.location)
            found[key] = net.find(where.text, where.location, "").node
    problems.raise_any()
    return found


def _places(outputs: Node) -> list[tuple[Node, Node]]:
    """Return the name and place of each output; in a list, an id is both."""
    if isinstance(outputs, Map) and outputs.entries:
        return list(outputs.entries.values())
    if isinstance(outputs, Seq) and outputs.items:
        return [(place, place) for place in outputs.items]
    raise wrong(outputs, "the feature maps to return", 'as in `[c4, c5]`, or `{c5: "layers[3]"}`')


def _check_alive(graph: Graph) -> None:
    """Raise SpecError when an operator leads to no output: counters drop such nodes, and a reader would not know."""
    alive = set(graph.outputs.values())
    for index in range(len(graph.nodes) - 1, -1, -1):
        if index in alive:
            alive.update(graph.nodes[index].inputs)
    problems = Problems()
    for index, node in enumerate(graph.nodes):
        if index not in alive:
            problems.add(
                f"`{node.address}` leads to no output",
                node.location,
                help="name it in `outputs`, or remove what nobody reads",
            )
    problems.raise_any()
