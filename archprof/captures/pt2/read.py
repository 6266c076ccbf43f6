"""`exported.pt2` → the graph of the program in it, as capturing the module would give."""

import sys
from collections.abc import Sequence
from math import prod

from archprof.captures.batch import SIZES
from archprof.captures.calls import Dispatched, Recording, SeenTensor
from archprof.captures.graph import ModuleTensor, Parts, graph_of
from archprof.captures.lock_text import Captured, Lock
from archprof.captures.pt2.axes import batches, settle
from archprof.captures.pt2.modules import placed
from archprof.captures.pt2.program import Program, Record, read_program, requires_grad
from archprof.captures.pt2.sizes import Expressions, Sizes
from archprof.captures.pt2.walk import Following, Names
from archprof.errors import described, printable, usage_error
from archprof.ir.graph import Graph
from archprof.ir.origin import Unlisted
from archprof.json_fields import MOST_SIZE, Refused, field, mapping
from archprof.named_tuple import NamedTuple
from archprof.spec.variant import Setting, settings_text


def lock_exported(path: str, settings: Sequence[Setting], inputs: Sequence[str], version: str) -> Lock:
    """Return what a *version* of archprof reads of an exported program, as a lock.

    Raises UsageError and SpecError as `read_exported` does.
    """
    graph, torch = read_exported(path, settings, inputs)
    if graph.training:
        message = f"`{path}` was exported as it trains, and a lock is of evaluation"
        raise usage_error(message, help="export the module again, after `module.eval()`")
    return Lock(graph, Captured(graph.origin.name, tuple(inputs), "eval", version, torch, ""))


class Exported(NamedTuple):
    """A program's graph, and the version of torch that exported it."""

    graph: Graph
    torch: str


def read_exported(path: str, settings: Sequence[Setting] = (), inputs: Sequence[str] = ()) -> Exported:
    """Return the graph of an exported program; `git:REV:path` is one at a revision. Its free axes are those of
    *settings* (`s0=320`) and *inputs*, as `--input` has them.

    Raises UsageError, with the place, for a file that holds no program and for axes that it does not have, and
    SpecError where git has no such file.
    """
    program = read_program(path)
    try:
        return Exported(_graph(program, settings, inputs), program.torch.partition("+")[0])
    except Refused as error:
        raise program.wrong(error) from None


def _graph(program: Program, settings: Sequence[Setting], inputs: Sequence[str]) -> Graph:
    expressions = Expressions()
    metas = field(program.graph, "tensor_values", mapping)
    for name in (*program.inputs, *program.held.tensors):
        field(metas, name, mapping)
    axes = settle(program, expressions, settings, inputs)
    at = [Sizes(expressions, values) for values in batches(axes, SIZES)]
    walk = Following(program, at[0])
    known = walk.run()
    calls = tuple(placed(walk.calls, walk.stands, walk.modules, program.held.tied))
    outputs = {}
    for place, name in program.outputs.items():
        if name not in known:
            raise Refused(f"`{name}` is returned, and nothing makes it")
        outputs[place] = known[name]
    entering = {name: known[name] for name in program.inputs}
    if not entering:
        raise Refused("a network has an input")
    first = Recording(entering, calls, outputs)
    for note in walk.notes:
        sys.stderr.write(printable(f"{program.file}: {note}") + "\n")
    asked = settings_text((name, str(size)) for name, size in axes.values.items())
    origin = Unlisted(f"{program.file}@{asked}" if asked else program.file, file=program.file)
    parts = Parts(walk.modules.known(), _module_tensors(program, known))
    graph = _fitted([first, *_others(program, walk, first, at[1:])], origin, parts)
    return graph._replace(training=any(map(_trains, calls)))


def _trains(call: Dispatched) -> bool:
    """Tell whether a call is told that the module trains, as dropout and batch norm are: a program has no other
    mark."""
    return True in (call.arguments.get("train"), call.arguments.get("training"))


def _others(program: Program, walk: Following, first: Recording, at: Sequence[Sizes]) -> list[Recording]:
    """Return the recording at further batch sizes, which differs in shapes alone; nothing where a size is none there,
    of a program that is made for one image."""
    try:
        return [_at(program, walk, first, sizes) for sizes in at]
    except Refused:
        return []


def _at(program: Program, walk: Following, first: Recording, sizes: Sizes) -> Recording:
    calls = tuple(
        call._replace(outputs=tuple([_resized(*both, sizes) for both in zip(call.outputs, metas, strict=True)]))
        for call, metas in zip(first.calls, walk.returned, strict=True)
    )
    metas = field(program.graph, "tensor_values", mapping)
    inputs = {name: _resized(seen, metas[name], sizes) for name, seen in first.inputs.items()}
    return Recording(inputs, calls, first.outputs)


def _resized(seen: SeenTensor, meta: Record, sizes: Sizes) -> SeenTensor:
    shape = sizes.shape(meta)
    return seen._replace(shape=shape, strides=sizes.strides(meta, shape))


def _module_tensors(program: Program, known: Names) -> dict[str, ModuleTensor]:
    """Return the parameters and buffers by their names, one that has several by the first."""
    metas = field(program.graph, "tensor_values", mapping)
    found: dict[str, ModuleTensor] = {}
    for name, held in program.held.tensors.items():
        if held.kind in ("parameter", "buffer") and held.name not in found:
            buffer, seen = held.kind == "buffer", known[name]
            learns = not buffer and requires_grad(metas[name])
            found[held.name] = ModuleTensor(prod(seen.shape), seen.dtype, learns, buffer)
    return found


def _fitted(recordings: Sequence[Recording], origin: Unlisted, parts: Parts) -> Graph:
    """Return the graph of recordings. Raises Refused where arguments are none that an operator can have."""
    try:
        graph = graph_of(recordings, origin, parts)
    except (
        LookupError,
        TypeError,
        ValueError,
        ArithmeticError,
        AttributeError,
    ) as error:  # however it finds out
        raise Refused(f"a call's arguments do not fit its operator: {described(error)}") from None
    if any(node.stage > MOST_SIZE for node in graph.nodes):
        raise Refused("strides that leave nothing of any map")
    return graph
