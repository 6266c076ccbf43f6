"""A network's costs as a table: `archprof summary`."""

from collections.abc import Iterable, Mapping
from typing import Any

from archprof.analysis.document import ConventionTotal, Head, Tensor, inputs_text
from archprof.analysis.summary import Summary
from archprof.costs.at_most import AtMost
from archprof.costs.metrics import label_of
from archprof.ir.values import show_shape
from archprof.render.fold import Line, View
from archprof.render.siblings import merged_paths
from archprof.render.table import PATH, Heading, Note, Table
from archprof.units import (
    binary,
    exact,
    extent,
    in_training,
    listed,
    of_constants,
    percent,
    plural,
    short,
    without_norms,
    without_rule,
)

BAR = 12
# So many modules are named that call what data decides on.
MOST_MODULES = 4


def summary_table(found: Summary, view: View, sort: str | None = None, *, flops: bool = False) -> Table:
    """Return the table of a view of a network, with the count that it is sorted by, and shares of that; FLOPs where
    asked for, and what other conventions count, stand beside our MACs."""
    by = sort or "macs"
    asked = ["flops"] if flops else []
    asked += [] if by in ("params", "macs") else [by]
    total, largest = found.head.totals[by], max((line.cost[by] for line in view.lines), default=0)
    share = "share" if by == "macs" else f"of {label_of(by)}"
    beside = bool(found.conventions or asked or found.setup)
    columns = (
        Heading("path", "path", left=True, fold=PATH),
        Heading("operator", "op", left=True, fold=PATH, drop=1),
        Heading("input", "inputs", show_shape, drop=7),
        Heading("output", "outputs", show_shape, drop=6 if beside else 0),
        Heading("k", "kernel", kernels, drop=4),
        Heading("s", "stride", pair, drop=5),
        Heading("params", "params", exact, drop=2 if beside and by != "params" else 0),
        *_bound_heading(found),
        Heading("MACs", "macs", exact),
        *(Heading(label_of(name), name, exact) for name in asked),
        *(convention_heading(one) for one in found.conventions),
        *_bytes_headings(found),
        *_measured_headings(found),
        Heading(share, "share", lambda part: percent(part, total), drop=3, person=True),
        Heading("", "bar", lambda part: bar(part, largest), left=True, drop=8, person=True),
    )
    rows = tuple(_values(line, found, asked, by) for line in view.lines)
    quiet = frozenset(index for index, line in enumerate(view.lines) if not line.cost.macs and not line.cost.params)
    rules = [_rule(one, found.at_most) for one in found.conventions]
    notes = (*_footer(found, view, sort), *rules, *_bytes_notes(found))
    return Table(heading(found.head), columns, rows, notes, quiet)


def _bound_heading(found: Summary) -> list[Heading]:
    """Return the column that tells which MACs are at most so many, where any are."""
    return [Heading("", "at_most", lambda bounded: "≤" if bounded else "")] if found.at_most else []


def _bytes_headings(found: Summary) -> list[Heading]:
    """Return the columns of bytes, where they are asked for."""
    if found.traffic is None:
        return []
    saved = [Heading("saved", "saved_bytes", exact), Heading("train MACs", "train_macs", exact, drop=2)]
    return [
        Heading("in bytes", "input_bytes", exact, drop=2),
        Heading("out bytes", "output_bytes", exact, drop=1),
        Heading("held bytes", "held_bytes", exact, drop=2),
        *(saved if found.traffic.saved_bytes is not None else ()),
        Heading("MACs/byte", "intensity", lambda intensity: f"{intensity:.2f}", drop=1),
    ]


def _line_bytes(line: Line, found: Summary) -> tuple[Any, ...]:
    """Return what stands in the columns of bytes."""
    if found.traffic is None or found.setup is None:
        return ()
    moved = [line.bytes_of(name) for name in ("input_bytes", "output_bytes", "held_bytes")]
    trained = ("saved_bytes", "train_macs") if found.traffic.saved_bytes is not None else ()
    saved = [line.bytes_of(name) for name in trained]
    read = sum(moved) - line.bytes_of("unread_bytes")
    return (*moved, *saved, line.cost.macs * found.setup.batch / (read or 1))


def _bytes_notes(found: Summary) -> list[Note]:
    """Return the bytes of all calls, and what they are the bytes of."""
    if found.traffic is None or found.setup is None:
        return []
    from archprof.allocation.asked import setup_text
    from archprof.allocation.deployed import FOLDED

    inputs, outputs, weights, intensity, saved, macs, unread = found.traffic
    said = [f"bytes in {exact(inputs)} ({binary(inputs)})", f"out {exact(outputs)} ({binary(outputs)})"]
    said += [f"held {exact(weights)} ({binary(weights)})"]
    said += [] if unread is None else [f"of which not read {exact(unread)} ({binary(unread)})"]
    size = _total("saved for backward", f"{exact(saved or 0)} ({binary(saved or 0)})", found.unknown, found.at_most)
    said += [] if saved is None else [size]
    moved = "MACs/byte are those of the batch over bytes of inputs, outputs, and weights with buffers, which are held"
    return [
        Note("bytes", " · ".join([*said, f"{intensity:.2f} MACs/byte"])),
        *([Note("unknown", without_rule(found.unknown))] if found.unknown else []),
        *([] if macs is None else [Note("totals", in_training(macs, extent(at_least=None, at_most=found.at_most)))]),
        Note("bytes", f"{setup_text(found.setup)}; {moved}"),
        *([Note("convention", FOLDED)] if found.setup.dtype == "int8" else []),
    ]


def _measured_headings(found: Summary) -> list[Heading]:
    if found.measured is None:
        return []
    second = [Heading("torch", "measured_macs_torch", exact)] if found.measured.macs_torch is not None else []
    agree = Heading("", "agree", lambda agree: "✓" if agree else "≠", left=True)
    return [Heading("measured", "measured_macs", exact), *second, agree]


def convention_heading(one: ConventionTotal) -> Heading:
    """Return the column of what another convention counts."""
    return Heading(f"{one.name} {one.unit}", f"counts_{one.name}", exact)


def _rule(one: ConventionTotal, at_most: AtMost | None) -> Note:
    total = _total(f"{one.name} {one.version}:", f"{exact(one.total)} {one.unit}", one.not_priced, at_most)
    unknown = f"; not priced: {listed(one.not_priced)}" if one.not_priced else ""
    folded = f"; {without_norms(one.folded_norms)}" if one.folded_norms else ""
    return Note("convention", f"{total}, {one.text}{unknown}{folded}")


def _values(line: Line, found: Summary, asked: Iterable[str], by: str) -> tuple[Any, ...]:
    cost = line.cost
    bound = (line.at_most,) if found.at_most else ()
    start = (line.path, line.label, line.input, line.output, line.kernels, line.stride, cost.params, *bound, cost.macs)
    measured: tuple[Any, ...] = ()
    if found.measured and line.measured:
        second = (line.measured.macs_torch,) if found.measured.macs_torch is not None else ()
        measured = (line.measured.macs, *second, line.agrees)
    counts = tuple(line.counted_by(one.name) for one in found.conventions)
    return (*start, *(cost[name] for name in asked), *counts, *_line_bytes(line, found), *measured, cost[by], cost[by])


def heading(head: Head) -> str:
    """Return the line above a table: the network, its settings, where it is printed, its inputs."""
    asked = ", ".join(f"{key} {value}" for key, value in head.settings.items())
    title = head.caption
    inputs = f"input{'s' if len(head.inputs) > 1 else ''} {inputs_text(head.inputs)}".rstrip()
    return " · ".join(filter(None, [title, asked, str(head.source), inputs]))


def captured_notes(model: str, how: str) -> list[Note]:
    """Return what is to be said of how a network was captured: nothing, but of a real run."""
    said = f"counts of {model} are those of one run, of random weights on a random input"
    return [Note("captured", said)] if how == "real" else []


def convention_note(head: Head) -> Note:
    """Return the line that says what is counted."""
    rule = head.convention
    return Note("convention", f"convention {rule.name} {rule.version}: {rule.text}")


def _footer(found: Summary, view: View, sort: str | None) -> list[Note]:
    """Return what was left out, totals, what was measured, the convention."""
    totals, outputs = found.head.totals, found.head.outputs
    notes = [_left_out(found, view, sort or "macs")] if len(view.lines) < view.total else []
    if view.folded:
        notes.append(
            Note("folded", f"{plural(view.folded, 'view')} that cost{'s' * (view.folded == 1)} nothing: `--full`")
        )
    fewer = any(row.bounded and row.cost.activations for row in found.layers)
    counts = [f"params {exact(totals.params)} ({short(totals.params)})"]
    if totals.trainable != totals.params:
        counts.append(f"trainable {exact(totals.trainable)}")
    counts += [
        _total("MACs", f"{exact(totals.macs)} ({short(totals.macs)})", found.not_counted, found.at_most),
        _total("activations", short(totals.activations), None, fewer),
    ]
    if totals.buffers:
        counts.append(f"buffers {exact(totals.buffers)}")
    notes.append(Note("totals", " · ".join(counts)))
    if found.not_counted:
        notes.append(Note("not counted", f"not counted: {listed(found.not_counted)}"))
    notes += [Note("remark", remark) for remark in found.remarks]
    if found.constant_macs:
        notes.append(Note("constant", of_constants(found.constant_macs)))
    if found.at_most:
        notes.append(Note("at most", may_be_fewer(found.at_most)))
    if found.packed_weights:
        notes.append(Note("packed", f"packed weights are no parameters: {listed(found.packed_weights)}"))
    if len(outputs) > 1:
        notes.append(Note("outputs", f"outputs {_shapes_of(outputs)}"))
    if found.measured:
        notes.append(Note("measured", _measured_line(found)))
        if found.measured.not_counted:
            notes.append(Note("not counted", f"not counted: {listed(found.measured.not_counted)}"))
    return [*notes, *captured_notes(found.head.model, found.head.captured), convention_note(found.head)]


def _shapes_of(outputs: Mapping[str, Tensor]) -> str:
    """Return outputs with their shapes; equal ones that follow each other, as the keys of all layers, are one."""
    shapes = [(name, show_shape(tensor.shape) or "scalar") for name, tensor in outputs.items()]
    merged = dict.fromkeys((path, shape) for shape, path in merged_paths(shapes, lambda shape: (shape,)))
    return " · ".join(f"{path} {shape}" for path, shape in merged)


def _total(label: str, number: str, at_least: object, at_most: object) -> str:
    """Return a total, with what stands before one that is not exact."""
    return " ".join(filter(None, [label, extent(at_least=at_least, at_most=at_most), number]))


def may_be_fewer(found: AtMost) -> str:
    """Return why MACs are at most so many: `at most: torchvision.nms ×1 may come to less (in rpn)`."""
    modules = found.within if len(found.within) < MOST_MODULES else (*found.within[: MOST_MODULES - 1], "…")
    where = f" (in {', '.join(modules)})" if modules else ""
    return f"at most: {listed(found.causes)} may come to less{where}"


def _left_out(found: Summary, view: View, count: str) -> Note:
    part = sum(line.cost[count] for line in view.lines)
    share = percent(part, found.head.totals[count])
    left_out = plural(view.total - len(view.lines), "row")
    return Note("left out", f"{left_out} of {view.total} left out; those shown have {share} of the {label_of(count)}")


def _measured_line(found: Summary) -> str:
    measured = found.measured
    assert measured is not None
    counts = [f"params {exact(measured.params)}", f"MACs {exact(measured.macs)}"]
    if measured.macs_torch is not None:
        counts.append(f"MACs (torch) {exact(measured.macs_torch)}")
    modules = measured.compared_modules
    compared, what = (modules, "modules") if modules else (len(found.layers), "operators")
    agreeing = compared - sum(not layer.agrees for layer in found.layers)
    verdict = f"all {agreeing} {what} agree" if measured.agree else f"{agreeing} of {compared} {what} agree"
    counter = "fvcore and torch" if measured.counter == "both" else measured.counter
    return f"measured by {counter} on torch {measured.torch}: {' · '.join(counts)} · {verdict}"


def pair(value: tuple[int, ...] | None) -> str:
    """Return `2`, `1×2` where the axes differ, or nothing."""
    if value is None:
        return ""
    return str(value[0]) if len(set(value)) == 1 else show_shape(value)


def kernels(sizes: tuple[tuple[int, ...], ...]) -> str:
    """Return the kernels of a line: `3`, `3,5,7`, `1×7`."""
    return ",".join(map(pair, sizes)) if len(sizes) < 5 else f"{pair(sizes[0])}…{pair(sizes[-1])}"


def bar(part: int, largest: int) -> str:
    """Return a bar in proportion to the largest part; a part that is not zero shows at least a sliver."""
    if not part or not largest:
        return ""
    eighths = max(1, part * BAR * 8 // largest)
    return "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]
