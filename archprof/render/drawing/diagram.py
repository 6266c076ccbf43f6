"""A network as parts and links between them: blocks, modules cut at a depth, or what stands in a block; equal parts
that follow each other are one."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import takewhile

from archprof.analysis.summary import Layer, Summary, summarize
from archprof.costs.report import Report
from archprof.ir.dims import Shape
from archprof.ir.graph import INPUT, Edge, Graph, Node
from archprof.ir.liveness import constant
from archprof.named_tuple import NamedTuple
from archprof.render.fold import SAMPLED, only_sees
from archprof.render.siblings import without_numbers

# Of what has no table, modules are drawn as deep as there are no more parts than these.
_READ_AT_A_GLANCE = 24
# What brings a map to another size.
_RESIZED = ("resize", *SAMPLED)


class Part(NamedTuple):
    """Calls that are one box: the path that they share, how often that repeats, and the path of the block that it is
    in, if that is drawn open."""

    path: str
    layers: tuple[Layer, ...]
    repeats: int = 1
    inside: str = ""


class End(NamedTuple):
    """An input or an output of the network."""

    name: str


class Link(NamedTuple):
    """What goes from one vertex of a diagram to another."""

    source: int
    target: int
    shape: Shape


class Diagram(NamedTuple):
    """A network as vertices in an order of execution and links between them. Each of the *levels* are vertices of a
    pyramid that are equally large: a map of the backbone and what is made of it."""

    summary: Summary
    graph: Graph
    vertices: tuple[Part | End, ...]
    links: tuple[Link, ...]
    levels: tuple[tuple[int, ...], ...] = ()


def diagram(report: Report, depth: int | None = None, opened: str = "") -> Diagram:
    """Return a network as a diagram of its blocks, or of what stands at so many segments of paths; the block that is
    *opened*, and pyramids, as what is in them."""
    graph, found = report.graph, summarize(report)
    if depth is None and not graph.origin.is_table:
        return _at_a_glance(graph, found)
    inner = _opened(graph, {opened} if depth is not None else {opened, *_pyramids(graph)})
    keys = [_cut(node, depth) if depth is not None else _key(node, inner) for node in graph.nodes]
    return _diagram(graph, found, keys, inner)


def _at_a_glance(graph: Graph, found: Summary) -> Diagram:
    deepest = max((node.path.count(".") + 1 for node in graph.nodes), default=1)
    drawn = _diagram(graph, found, [_cut(node, 1) for node in graph.nodes])
    for depth in range(2, deepest + 1):
        deeper = _diagram(graph, found, [_cut(node, depth) for node in graph.nodes])
        if len(deeper.vertices) > _READ_AT_A_GLANCE:
            break
        drawn = deeper
    return drawn


def _opened(graph: Graph, blocks: Collection[str]) -> dict[str, str]:
    """Return blocks that are open, each with the path that all of it shares."""
    paths: dict[str, list[str]] = {}
    for node in graph.nodes:
        if node.block in blocks:
            paths.setdefault(node.block, []).append(node.path)
    return {block: _shared(each) for block, each in paths.items() if len(each) > 1}


def _shared(paths: Sequence[str]) -> str:
    """Return the segments that paths begin with."""
    pairs = zip(min(paths).split("."), max(paths).split("."), strict=False)
    return ".".join([one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)])


def _key(node: Node, inner: Mapping[str, str]) -> str:
    """Return the path of a node's block, or, of one that is open, of what the node is in there."""
    if node.block not in inner:
        return node.block
    shared = inner[node.block]
    return f"{shared}.{node.path[len(shared) + 1 :].partition('.')[0]}"


def _cut(node: Node, depth: int) -> str:
    """Return the path of the module at a depth; a function that a module above it calls stands for itself."""
    module, function, _ = node.path.partition(":")
    segments = module.split(".") if module else []
    return node.path if function and len(segments) < depth else ".".join(segments[:depth])


def _pyramids(graph: Graph) -> set[str]:
    """Return the blocks that read several maps and return several; not those that do the same to one after the
    other."""
    reads: dict[str, set[Edge]] = {}
    returns: dict[str, set[Edge]] = {}
    read = [(edge, node.block) for node in graph.nodes for edge in node.inputs]
    for edge, reader in [*read, *((edge, "") for edge in graph.outputs.values())]:
        maker = graph.nodes[edge.node].block if edge.node != INPUT else ""
        if maker != reader:
            reads.setdefault(reader, set()).add(edge)
            returns.setdefault(maker, set()).add(edge)
    again = {node.block for node in graph.nodes if node.call > 1}
    several = {block for block in reads.keys() & returns.keys() if len(reads[block]) > 1 < len(returns[block])}
    return several - again - {""}


def _diagram(graph: Graph, found: Summary, keys: Sequence[str], inner: Mapping[str, str] | None = None) -> Diagram:
    inner = inner or {}
    owners = _owners(graph, found, keys, inner)
    members: dict[int, list[int]] = {}
    for node, owner in enumerate(owners):
        if owner is not None and owner >= 0:
            members.setdefault(owner, []).append(node)
    for nodes in members.values():
        nodes.sort(key=lambda node: found.layers[node].constant)  # a part is called by what depends on the input
    parts = [
        Part(keys[nodes[0]], _layers(found, nodes), 1, inner.get(graph.nodes[nodes[0]].block, ""))
        for _, nodes in sorted(members.items())
    ]
    places = {owner: place for place, owner in enumerate(sorted(members))}
    return _with_levels(_ended(graph, found, parts, [None if o is None else places.get(o, o) for o in owners]))


def _layers(found: Summary, nodes: Sequence[int]) -> tuple[Layer, ...]:
    """Return the calls of a part, without those that only hand on what another of them returns, seen otherwise or in
    another size."""
    layers = tuple([found.layers[node] for node in nodes])
    return tuple([row for row in layers if row.op not in _RESIZED and not only_sees(row)]) or layers


def _owners(graph: Graph, found: Summary, keys: Sequence[str], inner: Collection[str]) -> list[int | None]:
    """Return the part of each node, by number: calls of one key in a row. What only sees a tensor otherwise, or resizes
    it in a pyramid, belongs to what it reads (of an input, a number below 0), what depends on no input to its first
    reader, and None is what nobody reads.

    Parts are stretches of the order of execution, so that links between them lead in that order.
    """
    constants = set(constant(graph))
    owners: list[int | None] = [None] * len(graph.nodes)
    number, current = -1, None
    for index, node in enumerate(graph.nodes):
        if index in constants:
            continue
        sources = {_owner(edge, owners) for edge in _sources(node) if edge.node not in constants}
        seen = only_sees(found.layers[index]) or found.layers[index].op in SAMPLED
        if len(sources) == 1 and (seen or (node.op.name == "resize" and node.block in inner)):
            owners[index] = sources.pop()
            continue
        if keys[index] != current:
            number, current = number + 1, keys[index]
        owners[index] = number
    for index in range(len(graph.nodes) - 1, -1, -1):
        for edge in graph.nodes[index].inputs:
            reader = owners[index]
            if edge.node in constants and reader is not None and reader >= 0:
                before = owners[edge.node]
                owners[edge.node] = reader if before is None else min(before, reader)
    return owners


def _sources(node: Node) -> tuple[Edge, ...]:
    """Return what a node reads; of a map to be as large as, a resize takes no more than the size."""
    return node.inputs[:1] if node.op.name == "resize" else node.inputs


def _owner(edge: Edge, owners: Sequence[int | None]) -> int | None:
    return -1 - edge.output if edge.node == INPUT else owners[edge.node]


def _ended(graph: Graph, found: Summary, parts: Sequence[Part], owners: Sequence[int | None]) -> Diagram:
    """Return the diagram of parts, repeats as one, between the network's inputs and outputs."""
    between: dict[tuple[int, int], Shape] = {}
    for edge, target in _read(graph, owners, len(parts)):
        source = _owner(edge, owners)
        if source is not None and source != target:
            between.setdefault((source, target), graph.value(edge).shape)
    links = [Link(*ends, shape) for ends, shape in between.items()]
    single = len(graph.outputs) == 1
    outputs = [End("output" if single else name) for name in graph.outputs]
    runs = _runs(parts, links)
    merged = [_merged([parts[one] for one in run]) for run in runs]
    read = sorted({-1 - link.source for link in links if link.source < 0})
    names = list(graph.inputs)
    inputs = [End(names[one] if len(names) > 1 else "input") for one in read]
    place = {-1 - one: number for number, one in enumerate(read)}
    place |= {one: len(inputs) + number for number, run in enumerate(runs) for one in run}
    place |= {len(parts) + number: len(inputs) + len(runs) + number for number in range(len(outputs))}
    kept = {Link(place[a], place[b], shape): None for a, b, shape in links if place[a] != place[b]}
    ordered = sorted(kept, key=lambda link: link[:2])
    return Diagram(found, graph, (*inputs, *merged, *outputs), tuple(ordered))


def _read(graph: Graph, owners: Sequence[int | None], parts: int) -> Iterator[tuple[Edge, int]]:
    """Yield the values that parts read and, as if by further parts, what the network returns."""
    for node, owner in zip(graph.nodes, owners, strict=True):
        if owner is not None and owner >= 0:
            yield from ((edge, owner) for edge in _sources(node))
    yield from ((edge, parts + place) for place, edge in enumerate(graph.outputs.values()))


def _runs(parts: Sequence[Part], links: Sequence[Link]) -> list[list[int]]:
    """Return the parts in stretches of equal ones, each of which reads the one before it alone and is read by the one
    behind it alone."""
    into, out_of = Counter(link.target for link in links), Counter(link.source for link in links)
    chained = {link[:2] for link in links if into[link.target] == out_of[link.source] == 1}
    forms = list(map(_form, parts))
    runs: list[list[int]] = []
    for one in range(len(parts)):
        if runs and (one - 1, one) in chained and forms[one] == forms[one - 1]:
            runs[-1].append(one)
        else:
            runs.append([one])
    return runs


def _form(part: Part) -> tuple[object, ...]:
    rows = [(row.label, row.kernel, row.stride, row.inputs, row.outputs, row.cost) for row in part.layers]
    return (without_numbers(part.path), part.inside, *rows)


def _merged(parts: Sequence[Part]) -> Part:
    layers = tuple([layer for part in parts for layer in part.layers])
    return parts[0]._replace(layers=layers, repeats=len(parts))


def _with_levels(drawn: Diagram) -> Diagram:
    """Return a diagram with the levels of its pyramids: each map that goes into one, with what is as large there."""
    vertices = drawn.vertices
    inside: Mapping[int, str] = {
        place: one.inside for place, one in enumerate(vertices) if isinstance(one, Part) and one.inside
    }
    maps = {link.source: link for link in drawn.links if link.target in inside and link.source not in inside}
    if len(maps) < 2 or len({link.shape[1:] for link in maps.values()}) < len(maps):
        return drawn
    sizes = {link.target: link.shape[1:] for link in drawn.links if isinstance(vertices[link.target], End)}
    parts = [(place, one) for place, one in enumerate(vertices) if isinstance(one, Part) and place in inside]
    sizes |= {place: one.layers[-1].outputs[0].shape[1:] for place, one in parts}
    levels = [(place, *(one for one, size in sizes.items() if size == link.shape[1:])) for place, link in maps.items()]
    return drawn._replace(levels=tuple(levels))
