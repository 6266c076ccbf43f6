"""A network's memory as tables: `archprof memory`."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from archprof.allocation.asked import setup_text
from archprof.allocation.timeline import FORWARD, SAVED, TEMPORARY, WEIGHT_GRADIENT
from archprof.analysis.memory import AliveTensor, FittingBatch, Memory, phases
from archprof.errors import suggest, usage_error
from archprof.named_tuple import NamedTuple
from archprof.render.siblings import blocks_text, by_block
from archprof.render.summary import bar, captured_notes, heading, may_be_fewer
from archprof.render.table import PATH, Heading, Note, Table
from archprof.units import between, binary, exact, extent, in_bytes, in_training, percent, plural, without_rule

_RESIDENT = {
    "weight_bytes": "weights", "buffer_bytes": "buffers", "optimizer_bytes": "state of the optimiser",
    "gradient_bytes": "gradients of passes before", "input_bytes": "inputs",
}  # fmt: skip
# In a word, what tensors hold that are there at the peak.
_SHORT = {
    SAVED: "saved", WEIGHT_GRADIENT: "weight gradient", TEMPORARY: "temporary",
}  # fmt: skip
# The columns of the line that shows bytes over time: how many, and how high.
_COLUMNS, _HEIGHTS = 48, " ▁▂▃▄▅▆▇█"
_ALWAYS, _COMES, _PEAK = "there all along", "comes and goes", "there at the peak"


class AliveLine(NamedTuple):
    """One line of what is there at the peak: tensors of a block, or a single one."""

    path: str
    label: str
    roles: tuple[str, ...]
    bytes: int


class AliveView(NamedTuple):
    """Lines, and how many there were before cutting."""

    lines: tuple[AliveLine, ...]
    total: int


def alive_view(
    alive: Sequence[AliveTensor],
    *,
    depth: int | None = None,
    full: bool = False,
    sort: str | None = None,
    top: int | None = None,
) -> AliveView:
    """Return what is there at the peak: a line a block, equal ones that follow each other as one, or a line for each
    path cut at *depth*, or, if *full*, one a tensor.

    *sort* by `bytes` puts the largest first; *top* keeps the first lines. Raises UsageError for another *sort*.
    """
    if sort not in (None, "bytes"):
        raise usage_error(f"unknown sort key `{sort}`", help=suggest(str(sort), ["bytes"], "keys"))
    groups = {} if full else by_block(alive, _form, depth)
    lines = [_line([one]) for one in alive] if full else [_line(tensors, path) for path, tensors in groups.items()]
    if sort:
        lines.sort(key=lambda line: -line.bytes)
    return AliveView(tuple(lines if top is None else lines[:top]), len(lines))


def _form(one: AliveTensor) -> tuple[object, ...]:
    return (one.label, one.role, one.bytes)


def _line(tensors: Sequence[AliveTensor], path: str = "") -> AliveLine:
    if not path:
        return AliveLine(tensors[0].path, tensors[0].label, (tensors[0].role,), tensors[0].bytes)
    roles = dict.fromkeys(one.role for one in tensors)
    return AliveLine(path, blocks_text(tensors), tuple(roles), sum(one.bytes for one in tensors))


def memory_table(found: Memory, view: AliveView) -> Table:
    """Return what is there all along, what comes and goes and what is there at the peak, below it a view of the
    latter."""
    total = found.total_bytes
    amounts = _amounts(found)
    largest = max((size for *_, size in amounts), default=0)  # more than the total, where there is workspace
    rows = [(part, what, size, size, size, size) for part, what, size in amounts]
    firsts = {part: index for index, (part, *_) in reversed([*enumerate(rows)])}
    shown = tuple([(part if firsts[part] == index else "", *rest) for index, (part, *rest) in enumerate(rows)])
    columns = (
        Heading("", "part", left=True),
        Heading("", "what", left=True),
        Heading("bytes", "bytes", exact),
        Heading("", "size", binary),
        Heading("of all", "share", lambda part: percent(part, total), drop=1, person=True),
        Heading("", "bar", lambda part: bar(part, largest), left=True, drop=2, person=True),
    )
    title = f"{heading(found.head)} · {setup_text(found.setup)}"
    return Table(title, columns, shown, tuple(_footer(found)), below=(_alive_table(found, view),))


def _amounts(found: Memory) -> list[tuple[str, str, int]]:
    """Return what there is of what, part by part, without what there is nothing of."""
    train, resident = found.setup.train, found.resident._asdict()
    resident_labels = {**_RESIDENT, "input_bytes": "inputs and targets"} if train else _RESIDENT
    rows = [(_ALWAYS, label, resident[name]) for name, label in resident_labels.items()]
    saved = {", ".join(filter(None, [SAVED, _extent(found)])): found.saved_bytes or 0}
    bound = "at least" if found.unknown else "at most"
    forward = {f"{FORWARD}, {bound}": found.peaks[FORWARD]}
    others = {f"{phase}, {bound}": size for phase, size in found.peaks.items() if phase != FORWARD}
    rows += [(_COMES, label, size) for label, size in {**forward, **saved, **others}.items()]
    rows += [(_PEAK, what, size) for what, size in _kinds(found).items()]
    if found.estimates and (known := found.estimates["total_bytes"]).high > found.total_bytes:
        peak = found.estimates.get("peak_bytes")
        unknown = found.unknown and (peak is None or peak.low != peak.high)
        what = "with what is not known" if unknown else "with workspace"
        rows += [(_PEAK, f"{what}, at least", known.low), (_PEAK, f"{what}, at most", known.high)]
    return [row for row in rows if row[2]]


def _extent(found: Memory) -> str:
    """Return in which way bytes are not exact."""
    return extent(at_least=found.unknown, at_most=found.at_most)


def _kinds(found: Memory) -> dict[str, int]:
    """Return the bytes of what is there at the peak, by what it is for, and of all."""
    kinds: dict[str, int] = {"what is there all along": found.total_bytes - found.peak_bytes}
    for one in found.alive:
        kinds[one.role] = kinds.get(one.role, 0) + one.bytes
    return {**kinds, "together": found.total_bytes}


def _alive_table(found: Memory, view: AliveView) -> Table:
    peak = found.peak_bytes
    columns = (
        Heading("path", "path", left=True, fold=PATH),
        Heading("operator", "op", left=True, fold=PATH, drop=2),
        Heading("holds", "roles", _roles, left=True, drop=1),
        Heading("bytes", "bytes", exact),
        Heading("", "size", binary),
        Heading("share", "share", lambda part: percent(part, peak), drop=3, person=True),
        Heading("", "bar", lambda part: bar(part, largest), left=True, drop=4, person=True),
    )
    largest = max((line.bytes for line in view.lines), default=0)
    rows = tuple([(*line, line.bytes, line.bytes, line.bytes) for line in view.lines])
    return Table(_peak_text(found), columns, rows, tuple(_left_out(found, view)))


def _roles(kinds: tuple[str, ...]) -> str:
    return ", ".join(_SHORT.get(kind, kind) for kind in kinds)


def _peak_text(found: Memory) -> str:
    """Return where the peak is: `at the peak, forward at 1.1.expand.conv (pw conv), step 7 of 152, … come and go`."""
    at, steps = found.peak_at, len(found.timeline)
    if not found.peak_bytes:
        return "nothing comes and goes"
    where = f"{at.path} ({at.label})" if at.label else at.path
    size = " ".join(filter(None, [_extent(found), in_bytes(found.peak_bytes)]))
    return f"at the peak, {at.phase} at {where}, step {at.step:,} of {steps:,}, {size} come and go"


def _left_out(found: Memory, view: AliveView) -> list[Note]:
    left_out = view.total - len(view.lines)
    if not left_out:
        return []
    share = percent(sum(line.bytes for line in view.lines), found.peak_bytes)
    text = f"{plural(left_out, 'row')} of {view.total} left out; those shown have {share} of what comes and goes"
    return [Note("left out", text)]


def _over_time(found: Memory) -> str:
    """Return the bytes over the steps of the pass as a line of columns: `forward ▁▃█▅▂ · backward █▅▂`."""
    parts, peak, steps = [], found.peak_bytes, len(found.timeline)
    for phase, first, last in phases(found.timeline):
        count = last - first + 1
        wide = min(count, max(1, count * _COLUMNS // steps))
        edges = [first - 1 + count * column // wide for column in range(wide + 1)]
        most = [max(one.bytes for one in found.timeline[start:stop]) for start, stop in pairwise(edges)]
        parts.append(f"{phase} {''.join(_HEIGHTS[max(size * 8 // peak, 1 if size else 0)] for size in most)}")
    return f"over time: {' · '.join(parts)}"


def fit_text(fit: FittingBatch) -> str:
    """Return which batch fits, with its margin: `the largest batch that fits into 24.0 GiB is 96: …`."""
    limit, margin, more = in_bytes(fit.limit_bytes), f"{fit.margin_percent} % kept free", exact(fit.next_bytes)
    lost = ", for which torch's allocator finds no room between its blocks" if fit.scattered else ""
    if not fit.batch:
        return f"not even one image fits into {limit}: it takes {more}{lost or f', with {margin}'}"
    counted = f"{exact(fit.counted_bytes)} with workspace, {margin}"
    return f"the largest batch that fits into {limit} is {fit.batch:,}: {counted}; one more takes {more}{lost}"


def _unknown(found: Memory) -> Iterator[Note]:
    """Yield between how many bytes the peak is, where operators have no rule."""
    if found.unknown and found.estimates:
        known, missing = found.estimates["peak_bytes"], without_rule(found.unknown)
        if known.low == known.high:
            yield Note("unknown", f"{missing}: even at its most there is less than at the peak")
        else:
            yield Note("unknown", f"come and go {between(known.low, known.high)}: {missing}")


def _in_training(found: Memory) -> str:
    """Return what training on an image costs, and what torch's counter says where that is something else."""
    said = in_training(found.train_macs or 0, extent(at_least=None, at_most=found.at_most))
    if found.train_macs_torch is None:
        return said
    other = f"torch's FlopCounterMode counts {exact(found.train_macs_torch)}"
    return f"{said}; {other}, the gradients of grouped convolutions' weights as if there were no groups"


def _footer(found: Memory) -> list[Note]:
    """Return how bytes are counted, and what is not among them."""
    beside = ", workspace of convolutions apart" if found.estimates and not found.unknown else ""
    whose = "microcontrollers hold them" if found.setup.dtype == "int8" else "torch asks for them"
    return [
        *([Note("budget", fit_text(found.fit))] if found.fit else []),
        *_unknown(found),
        *([Note("plot", _over_time(found))] if found.peak_bytes else []),
        *([Note("totals", _in_training(found))] if found.train_macs is not None else []),
        *([Note("at most", may_be_fewer(found.at_most))] if found.at_most else []),
        *captured_notes(found.head.model, found.head.captured),
        Note(
            "convention",
            f"bytes of tensors, as {whose}{beside}; not included: {', '.join(found.not_included)}",
        ),
        *[Note("convention", rule) for rule in found.rules],
    ]
