"""An ONNX file → a graph: the file's bytes, never held in memory where they can be mapped; runs; what is to be said."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence
from mmap import ACCESS_READ, mmap
from typing import TYPE_CHECKING, Any

from archprof.captures.batch import SIZES
from archprof.captures.onnx.axes import Request, Taken, inputs_of
from archprof.captures.onnx.facts import Facts, facts_of, folded, statistics_of, stored_in, unlearned
from archprof.captures.onnx.graph import Run, graph_of, roles_of
from archprof.captures.onnx.interpret import Interpreter
from archprof.captures.onnx.model import ModelRecord, read_model
from archprof.captures.onnx.paths import plain
from archprof.captures.onnx.ran import NodeError
from archprof.captures.onnx.rules import NEWEST, OLDEST
from archprof.captures.onnx.tensor import Tensor
from archprof.captures.onnx.wire import Damaged
from archprof.costs.report import analyze_graph
from archprof.errors import Location, Problem, UsageError, usage_error
from archprof.inputs import is_stream, remember, shown_name
from archprof.ir.graph import INPUT, Edge, Graph
from archprof.ir.origin import Unlisted
from archprof.units import exact, plural, short

if TYPE_CHECKING:
    from archprof.captures.given import Given

# More than any file of protocol buffers has: beyond it, they keep their tensors in files beside them.
MAX_BYTES = (1 << 31) - 1
# How a file begins that stands for one which Git LFS keeps elsewhere.
_POINTER = b"version https://git-lfs"


def read_onnx(path: str, sizes: Sequence[tuple[str, str]] = (), inputs: Sequence[Given] = ()) -> Graph:
    """Return the graph of an ONNX file; `-` is standard input, `git:REV:path` a file at a revision.

    Raises UsageError for a file that is none, for free axes that have no size, and, with the node, where the sizes do
    not fit.
    """
    model, name, shown = _model(path), _name(path), shown_name(path)
    taken = inputs_of(model.graph, Request(shown, sizes, inputs))
    runs, said = _runs(model, taken, shown)
    roles = statistics_of(model) | roles_of(runs[0].rows)
    stored = list(stored_in(model))
    facts = facts_of(model, roles)
    origin = Unlisted(name, name, shown, note=model.producer, asked=tuple(sizes), stored=facts._asdict())
    graph = graph_of(runs, origin, stored, roles)
    remarks = (
        *dict.fromkeys(said),
        *_optional_said(model),
        *_batch_said(taken),
        *_unsure_said(runs[0]),
        *_said(facts, runs[0], graph),
    )
    return graph._replace(origin=origin._replace(remarks=remarks))


def runs_of(path: str, sizes: Sequence[tuple[str, str]] = (), inputs: Sequence[Given] = ()) -> list[Run]:
    """Return what runs of a file, node by node. Raises UsageError as `read_onnx` does."""
    model = _model(path)
    return _runs(model, inputs_of(model.graph, Request(path, sizes, inputs)), path)[0]


def _model(path: str) -> ModelRecord:
    shown = shown_name(path)
    data = _bytes(path)
    if len(data) > MAX_BYTES:
        raise usage_error(f"{shown}: more than 2 GiB, which no ONNX file has")
    try:
        model = read_model(data)
    except Damaged as error:
        if data[: len(_POINTER)] == _POINTER:
            raise _pointer(path) from None
        raise usage_error(f"{shown} is no ONNX file: {error}", help="export it anew") from None
    _check_versions(model, shown)
    return model


def _pointer(path: str) -> UsageError:
    """Return that a file only names what Git LFS keeps, and what helps."""
    from archprof.spec import catalog

    advice = "`git lfs pull` fetches the file"
    if catalog.is_git(path):
        advice = "git has no more at a revision; what the file cost, a baseline has: `archprof check --baseline FILE`"
    return usage_error(f"{shown_name(path)} is a pointer of Git LFS, not the file", help=advice)


def _bytes(path: str) -> Any:
    """Return a file's bytes, mapped where they can be."""
    from archprof.spec import catalog, git

    if catalog.is_git(path):
        return git.read_blob(path, most=MAX_BYTES)
    try:
        if path == "-":
            return _standard_input()
        with open(path, "rb", opener=_opened) as file:
            return _mapped(file.fileno())
    except FileNotFoundError:
        raise usage_error(f"no such file: `{path}`", help="a path counts from the current folder") from None
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise usage_error(f"cannot read `{path}`: {reason}") from None


def _opened(name: str, flags: int) -> int:
    return os.open(name, flags | (0 if is_stream(name) else os.O_NONBLOCK))


def _standard_input() -> Any:
    if sys.stdin is None:
        raise usage_error("standard input is closed", help="give it a file: `archprof summary - <model.onnx`")
    return _mapped(sys.stdin.fileno())


def _mapped(descriptor: int) -> Any:
    """Return the bytes of an open file; those of a pipe are read."""
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode):
        remember(descriptor)
        return mmap(descriptor, 0, access=ACCESS_READ) if found.st_size else b""
    if stat.S_ISDIR(found.st_mode) or stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode):
        raise ValueError("it is no file")
    source = sys.stdin.buffer if descriptor == 0 else os.fdopen(os.dup(descriptor), "rb")
    return source.read(MAX_BYTES + 1) or b""


def _check_versions(model: ModelRecord, path: str) -> None:
    version = model.opsets.get("", NEWEST)
    if not OLDEST <= version <= NEWEST:
        message = f"{path}: operators of version {version}, of which archprof knows {OLDEST} to {NEWEST}"
        raise usage_error(message, help="`onnx.version_converter` makes it one of those")


def _runs(model: ModelRecord, taken: Sequence[Taken], path: str) -> tuple[list[Run], list[str]]:
    """Return a run for each batch size, and what is said of them; where the file fixes the batch, of one."""
    first, said = _run(model, taken, SIZES[0], path)
    if not any(None in one.shape for one in taken):
        return [first], said
    try:
        return [first, *(_run(model, taken, size, path)[0] for size in SIZES[1:])], said
    except UsageError:  # of a file that claims a free batch and is made for one image
        return [first], said


def _run(model: ModelRecord, taken: Sequence[Taken], images: int, path: str) -> tuple[Run, list[str]]:
    inputs = {one.name: one.at(images)._replace(edge=Edge(INPUT, k)) for k, one in enumerate(taken)}
    interpreter = Interpreter(model)
    try:
        outputs = interpreter.run(inputs)
    except NodeError as error:
        raise _misfit(error, inputs, path) from error
    return Run(inputs, interpreter.rows, outputs), interpreter.said


def _misfit(error: NodeError, inputs: dict[str, Tensor], path: str) -> UsageError:
    node = error.node
    name = f"`{node.name}` ({node.op})" if node.name else f"`{node.op}`"
    given = ", ".join(f"{key} {'×'.join(map(str, one.shape or ()))}" for key, one in inputs.items())
    advice = error.advice or "the file may have baked other sizes in: try those that it was exported with"
    return UsageError([Problem(f"{name}: {error.reason}", Location(path, 0, 0), f"a run on {given}", advice)])


def _name(path: str) -> str:
    stem = os.path.basename(path.rpartition(":")[2])
    return "stdin" if path == "-" else stem.removesuffix(".onnx") or "model"


def _optional_said(model: ModelRecord) -> list[str]:
    names = [f"`{plain(one.name)}`" for one in model.graph.inputs if one.wrapped == "optional"]
    return [f"counted with what may be left out: {', '.join(names)}"] if names else []


def _unsure_said(run: Run) -> list[str]:
    names = [f"`{plain(name)}`" for name, one in run.outputs.items() if one.elements is None and one.items is None]
    return [f"outputs whose shape is not known: {', '.join(names)}"] if names else []


def _batch_said(taken: Sequence[Taken]) -> list[str]:
    counted = [one for one in taken[:1] if one.batch is not None and one.batch > 1]
    why = {True: "which the file fixes", False: "as asked for"}
    return [f"a batch of {one.batch} is counted, {why[one.fixed]}" for one in counted]


def _said(facts: Facts, run: Run, graph: Graph) -> list[str]:
    said = []
    largest = sorted(facts.weight_bytes.items(), key=lambda one: -one[1])
    bytes_by = ", ".join(f"{name} {short(size)}B" for name, size in largest)
    neutral = unlearned(run.rows)
    none = [plural(facts.scalars, "single constant")] if facts.scalars else []
    none += [f"{exact(neutral)} ones and zeros of norms without factors"] if neutral else []
    none += [f"{plural(facts.zeros, 'zero')} left out"] if facts.zeros else []
    parts = [f"{exact(facts.floats)} floats" + (f" ({', '.join(none)})" if none else "")]
    parts += [f"{exact(facts.quantised)} quantised"] if facts.quantised else []
    parts += [f"{exact(facts.constants)} other constants"] if facts.constants else []
    said.append(f"stored: {', '.join(parts)}" + (f" · bytes: {bytes_by}" if bytes_by else ""))
    if facts.external_bytes:
        said.append(f"{short(facts.external_bytes)}B of them in other files, which are not opened")
    norms = folded(run.rows)
    if norms.convolutions:
        here = analyze_graph(graph).totals.params
        before = exact(here + norms.elements)
        carried = plural(norms.convolutions, "convolution")
        verb = "carries" if norms.convolutions == 1 else "carry"
        shared = f"; {norms.merged} share the bias of another, as equal tensors are merged" if norms.merged else ""
        said.append(f"{carried} {verb} a folded norm: {exact(here)} params here, {before} before folding{shared}")
    if norms.untold:
        most = exact(here + norms.elements + norms.untold)
        one = norms.convolutions == 1
        had = "it had a bias" if one else "they had biases"
        said.append(
            f"whether {had} before, the file does not tell: {most} before folding if {'it' if one else 'all'} had"
        )
    return said
