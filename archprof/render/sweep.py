"""Variants of a sweep as lines of a file, written as they come: CSV, JSON lines, Parquet; and as a table with a plot of
characters below."""

import json
import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np

from archprof.costs.metrics import NAMES
from archprof.errors import usage_error
from archprof.render.table import Column, Table
from archprof.sweep.plan import Plan
from archprof.sweep.run import Tally, VariantRows, digits, settings_of
from archprof.units import exact, plural, short

SHOWN = 50


class Writer(Protocol):
    """Takes variants one batch after the other."""

    def write(self, kept: VariantRows) -> None:
        """Write some variants."""

    def close(self) -> None:
        """Finish the file: what was written by then is whole."""


def axis_names(plans: Sequence[Plan]) -> list[str]:
    """Return the columns of a sweep's axes, after that of the model."""
    return list(dict.fromkeys(axis.name for plan in plans for axis in plan.axes))


def _texts(plans: Sequence[Plan], kept: VariantRows) -> list[list[str]]:
    """Return the columns of variants as text: the model, the axes, the costs."""
    columns = [[plans[index].model for index in kept.plans.tolist()]]
    columns += [[""] * len(kept) for _ in axis_names(plans)]
    for index, plan in enumerate(plans):
        places = np.flatnonzero(kept.plans == index)
        if len(places):
            found = digits(plan, kept.numbers[places])
            for axis in plan.axes:
                column = columns[1 + axis_names(plans).index(axis.name)]
                for place, digit in zip(places.tolist(), found[axis.name].tolist(), strict=True):
                    column[place] = axis.values[digit]
    return [*columns, *(list(map(str, line.tolist())) for line in kept.costs)]


class CsvWriter:
    """Variants as CSV: the settings as typed, exact counts."""

    def __init__(self, file: IO[str], plans: Sequence[Plan], started: bool) -> None:
        self._file = file
        self._plans = plans
        if not started:
            file.write(",".join(map(_quoted, ["model", *axis_names(plans), *NAMES])) + "\n")

    def write(self, kept: VariantRows) -> None:
        """Write some variants."""
        columns = [
            list(map(_quoted, column)) if any("," in text for text in column) else column
            for column in _texts(self._plans, kept)
        ]
        self._file.writelines(",".join(line) + "\n" for line in zip(*columns, strict=True))

    def close(self) -> None:
        """Finish; standard output stays open."""
        if self._file is sys.stdout:
            self._file.flush()
        else:
            self._file.close()


def _quoted(text: str) -> str:
    return f'"{text}"' if "," in text else text


class JsonWriter:
    """Variants as JSON lines: one object a variant, numbers as numbers."""

    def __init__(self, file: IO[str], plans: Sequence[Plan]) -> None:
        self._file = file
        self._plans = plans
        self._keys = [json.dumps(key) for key in ("model", *axis_names(plans), *NAMES)]

    def write(self, kept: VariantRows) -> None:
        """Write some variants."""
        model, *axes = _texts(self._plans, kept)
        axes, costs = axes[: -len(NAMES)], axes[-len(NAMES) :]
        columns = [[json.dumps(name) for name in model], *([_json(text) for text in column] for column in axes), *costs]
        for line in zip(*columns, strict=True):
            self._file.write(
                "{" + ", ".join(f"{key}: {value}" for key, value in zip(self._keys, line, strict=True)) + "}\n"
            )

    def close(self) -> None:
        """Finish; standard output stays open."""
        if self._file is sys.stdout:
            self._file.flush()
        else:
            self._file.close()


def _json(text: str) -> str:
    """Return a setting as JSON: a number where it is one, null where the network has not this axis."""
    if not text:
        return "null"
    return text if _NUMBER.fullmatch(text) else json.dumps(text)


_NUMBER = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)


class ParquetWriter:
    """Variants as Parquet (by pyarrow), compressed, a group of rows for each batch."""

    def __init__(self, path: str, plans: Sequence[Plan], before: str | None) -> None:
        try:
            import pyarrow
            import pyarrow.parquet
        except ModuleNotFoundError:
            raise usage_error(
                "Parquet needs pyarrow, which is not installed", help="pip install 'archprof[sweep]'"
            ) from None
        self._arrow = pyarrow
        self._plans = plans
        self._values = {name: _arrow_values(pyarrow, plans, name) for name in axis_names(plans)}
        fields = [("model", pyarrow.string()), *((name, values[0].type) for name, values in self._values.items())]
        fields += [(name, pyarrow.int64()) for name in NAMES]
        self._schema = pyarrow.schema(fields)
        self._writer = pyarrow.parquet.ParquetWriter(path, self._schema, compression="zstd")
        if before is not None:
            with pyarrow.parquet.ParquetFile(before) as old:
                for group in range(old.num_row_groups):
                    self._writer.write_table(old.read_row_group(group))

    def write(self, kept: VariantRows) -> None:
        """Write some variants."""
        pyarrow = self._arrow
        for index, plan in enumerate(self._plans):
            part = kept.take(np.flatnonzero(kept.plans == index)) if len(self._plans) > 1 else kept
            if not len(part):
                continue
            found = digits(plan, part.numbers)
            columns = [pyarrow.repeat(plan.model, len(part))]
            for name, values in self._values.items():
                columns.append(
                    values[index].take(pyarrow.array(found[name]))
                    if name in found
                    else pyarrow.nulls(len(part), values[index].type)
                )
            columns += [pyarrow.array(line) for line in part.costs]
            self._writer.write_table(pyarrow.Table.from_arrays(columns, schema=self._schema))

    def close(self) -> None:
        """Write the file's footer."""
        self._writer.close()


def _arrow_values(pyarrow: Any, plans: Sequence[Plan], name: str) -> list[Any]:
    """Return the values of an axis for each plan, all as integers, else all as floats, else as text."""
    texts = [next((axis.values for axis in plan.axes if axis.name == name), ()) for plan in plans]
    for read, kind in ((int, pyarrow.int64()), (float, pyarrow.float64())):
        try:
            return [pyarrow.array([read(text) for text in values], kind) for values in texts]
        except ValueError:
            continue
    return [pyarrow.array(values, pyarrow.string()) for values in texts]


def open_writer(format: str, path: str, plans: Sequence[Plan], before: str | None) -> Writer:
    """Return the writer of a new file at *path*, which starts as a copy of the file *before*, if any.

    Raises UsageError where a library is missing.
    """
    if format == "parquet":
        return ParquetWriter(path, plans, before)
    if before is not None:
        shutil.copyfile(before, path)
    file = Path(path).open("a", encoding="utf-8", newline="\n")  # noqa: SIM115 - closed with the writer
    return text_writer(format, file, plans, before is not None)


def text_writer(format: str, file: IO[str], plans: Sequence[Plan], started: bool = False) -> Writer:
    """Return the writer of CSV or JSON lines to an open file."""
    return CsvWriter(file, plans, started) if format == "csv" else JsonWriter(file, plans)


def sweep_table(tally: Tally, kept: VariantRows, points: VariantRows, limited: bool, convention: str) -> Table:
    """Return the first variants as a table, with what was left out, what cannot be and why; *points* are drawn
    below."""
    plans = tally.plans
    columns = [Column("model", "model", left=True)] if len(plans) > 1 else []
    columns += [Column(name, name) for name in axis_names(plans)]
    columns += [
        Column({"macs": "MACs"}.get(name, name), name, lambda text: exact(int(text)), drop=drop)
        for name, drop in _DROPS.items()
    ]
    texts = _texts(plans, kept.take(np.arange(min(len(kept), SHOWN)))) if len(kept) else []
    leading = texts[0 if len(plans) > 1 else 1 : 1 + len(axis_names(plans))]
    chosen = [*leading, *(texts[-len(NAMES) + NAMES.index(name)] for name in _DROPS)] if texts else []
    rows = tuple(zip(*chosen, strict=True))
    title = f"{', '.join(plan.model for plan in plans)}: {plural(sum(tally.done), 'variant')}"
    return Table(
        title, tuple(columns), rows, (*_footer(tally, kept, limited), f"convention {convention}", *scatter(points))
    )


_DROPS = {"params": 0, "macs": 0, "activations": 3}


def _footer(tally: Tally, kept: VariantRows, limited: bool) -> Iterable[str]:
    if limited:
        yield f"{tally.fitting:,} of {plural(sum(tally.done), 'variant')} within the limits"
    if len(kept) > SHOWN or len(kept) < tally.fitting:
        yield f"{min(len(kept), SHOWN):,} of {tally.fitting:,} shown; a file (`-o sweep.parquet`, `.csv`, `.jsonl`) takes all"
    yield from impossible(tally)


def impossible(tally: Tally) -> Iterable[str]:
    """Yield why variants cannot be, a line a reason, with how many and one of them."""
    for plan, found in zip(tally.plans, tally.invalid, strict=True):
        for one in found:
            yield f"{plural(one.variants, 'variant')} cannot be, such as {plan.model} at {settings_of(plan, one.example)}: {one.reason}"


def scatter(points: VariantRows, width: int = 48, height: int = 12) -> Iterable[str]:
    """Yield a plot of characters: params, or where those are all the same activations, over MACs; both axes from 0."""
    if len(points) < _PLOTTED:
        return
    macs = points.costs[NAMES.index("macs")]
    name = next((name for name in ("params", "activations") if np.ptp(points.costs[NAMES.index(name)])), "")
    if not name or not np.ptp(macs):
        return
    heights = points.costs[NAMES.index(name)]
    cells = [[" "] * width for _ in range(height)]
    across = (macs / macs.max() * (width - 1)).astype(int)
    up = (heights / heights.max() * (height - 1)).astype(int)
    for x, y in zip(across.tolist(), up.tolist(), strict=True):
        cells[height - 1 - y][x] = "·"
    labels = [short(int(heights.max())), *[""] * (height - 2), "0"]
    room = max(map(len, labels))
    yield ""
    yield name
    for label, line in zip(labels, cells, strict=True):
        yield f"{label:>{room}} │{''.join(line).rstrip()}"
    yield f"{'':>{room}} └{'─' * width}"
    end = f"{short(int(macs.max()))} MACs"
    yield f"{'':>{room}}  0{end:>{width - 1}}"


_PLOTTED = 8
