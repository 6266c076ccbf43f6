"""Variants of a sweep as a file that grows as they come: CSV, a JSON document, JSON lines, Parquet."""

import csv
import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from typing import Any, BinaryIO, Protocol

import numpy as np

from archprof.analysis.document import LARGEST, SCHEMA, convention_text, plain
from archprof.errors import unobeyed
from archprof.outputs import put_in_place, replacing
from archprof.render.formats import writer_of
from archprof.render.json import json_text
from archprof.render.table import csv_cell
from archprof.sweep.outcome import axis_names, device_of, impossible
from archprof.sweep.plan import Plan
from archprof.sweep.run import Tally, VariantRows, digits
from archprof.sweep.swept_file import parquet_library
from archprof.units import NS_PER_MS

# As text, variants are many times as large: so many at once.
_CHUNK = 1 << 14
# Rows of a group in Parquet.
_GROUP = 1 << 18
# In front of a frame: the bytes that it takes, and how many variants it holds.
_FRAME = struct.Struct("<QQ")
_CODEC = "lz4"


class Writer(Protocol):
    """Makes bytes of variants, one batch after the other, to be appended to a file of rows, and of that file what was
    asked for."""

    def header(self) -> bytes:
        """Return what the file of rows starts with."""

    def rows(self, kept: VariantRows) -> Iterator[bytes]:
        """Yield some variants, as they are appended."""

    def end(self, tally: Tally) -> bytes:
        """Return what the file of rows ends with, once all variants are there."""

    def put(self, rows: str, output: str) -> None:
        """Make the output of the file of rows. Raises OSError and UsageError where it cannot be written."""


class _TextWriter:
    """Variants as lines of text, which are the output as they are.

    Names and settings are few beside the variants that have them: each is written as a cell once.
    """

    def __init__(self, plans: Sequence[Plan]) -> None:
        self._plans = plans
        self._counts = plans[0].selection.counted
        self._times = times_of(plans)
        self._axes = axis_names(plans)
        self._models = [self.name(plan.model) for plan in plans]
        self._values = [
            {axis.name: [self.setting(axis.name, text) for text in axis.values] for axis in plan.axes} for plan in plans
        ]

    def name(self, text: str) -> str:
        """Return the cell of a name."""
        raise NotImplementedError

    def setting(self, axis: str, text: str) -> str:
        """Return the cell of a setting as typed; an empty one is of an axis that a network has not."""
        raise NotImplementedError

    def header(self) -> bytes:
        """Return what stands above the lines."""
        return b""

    def lines(self, rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
        """Yield lines of cells: the model, the axes, the costs in digits."""
        raise NotImplementedError

    def rows(self, kept: VariantRows) -> Iterator[bytes]:
        """Yield some variants."""
        for low in range(0, len(kept), _CHUNK):
            part = kept.take(np.arange(low, min(low + _CHUNK, len(kept))))
            yield "".join(self.lines(zip(*self._columns(part), strict=True))).encode()

    def _columns(self, kept: VariantRows) -> list[list[str]]:
        columns = [[self._models[index] for index in kept.plans.tolist()]]
        columns += [[self.setting(axis, "")] * len(kept) for axis in self._axes]
        for index, plan in enumerate(self._plans):
            places = np.flatnonzero(kept.plans == index)
            if len(places):
                found = digits(plan, kept.numbers[places])
                for name, values in self._values[index].items():
                    column = columns[1 + self._axes.index(name)]
                    for place, digit in zip(places.tolist(), found[name].tolist(), strict=True):
                        column[place] = values[digit]
        return [
            *columns,
            *[list(map(str, line.tolist())) for line in kept.costs[: len(self._counts)]],
            *[[repr(ns / NS_PER_MS) for ns in line.tolist()] for line in kept.costs[len(self._counts) :]],
        ]

    def end(self, tally: Tally) -> bytes:
        """Return what stands below the lines."""
        return b""

    def put(self, rows: str, output: str) -> None:
        """Give the file of lines its name."""
        put_in_place(rows, output)


class CsvWriter(_TextWriter):
    """Variants as CSV: the settings as typed, exact counts."""

    def name(self, text: str) -> str:
        """Return the cell of a name, which may begin a line."""
        return unobeyed(self.setting("", text))

    def setting(self, axis: str, text: str) -> str:
        """Return the cell of a setting as typed, in quotes where it needs them."""
        if _NUMBER.fullmatch(text):
            return text
        out = StringIO()
        csv.writer(out, lineterminator="").writerow(("", csv_cell(text)))
        return out.getvalue().removeprefix(",")

    def header(self) -> bytes:
        """Return the names of the columns."""
        return (",".join(map(self.name, ("model", *self._axes, *self._counts, *self._times))) + "\n").encode()

    def lines(self, rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
        """Yield lines of cells."""
        return (",".join(row) + "\n" for row in rows)


class JsonWriter(_TextWriter):
    """Variants as one JSON document: what `SweepDocument` says, one object a variant."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        super().__init__(plans)
        self._separator = ""

    def name(self, text: str) -> str:
        """Return the cell of a name."""
        return json_text(text)

    def setting(self, axis: str, text: str) -> str:
        """Return a setting with its key; nothing where the network has not this axis."""
        return f"{json_text(axis)}: {json_text(text)}" if text else ""

    def header(self) -> bytes:
        """Return the keys before the variants."""
        setup = {"setup": self._plans[0].setup} if self._plans[0].selection.memory else {}
        device = {"device": device_of(self._plans[0])} if self._times else {}
        start = _entries(schema=SCHEMA, convention=convention_text(), axes=self._axes, **setup, **device)
        return f'{{\n{start},\n  "variants": ['.encode()

    def lines(self, rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
        """Yield objects, each with the comma between it and the one before."""
        costs = 1 + len(self._axes)
        for row in rows:
            settings = ", ".join(filter(None, row[1:costs]))
            counts = zip(self._counts, row[costs:], strict=False)  # behind them stand times
            totals = ", ".join([f'"{name}": {_exact(text)}' for name, text in counts])
            start = f'"model": {row[0]}, "settings": {{{settings}}}, "totals": {{{totals}}}'
            yield f"{self._separator}\n    {{{start}{self._estimates(row)}}}"
            self._separator = ","

    def _estimates(self, row: Sequence[str]) -> str:
        if not self._times:
            return ""
        value, low, high = row[-len(self._times) :]
        return f', "estimates": {{"latency": {{"value": {value}, "low": {low}, "high": {high}, "unit": "ms"}}}}'

    def end(self, tally: Tally) -> bytes:
        """Return the keys behind the variants."""
        end = _entries(computed=sum(tally.done), fitting=tally.fitting, impossible=tuple(impossible(tally)))
        closed = "\n  ]" if self._separator else "]"
        return f"{closed},\n{end}\n}}\n".encode()


def _entries(**entries: object) -> str:
    return ",\n".join([f'  "{key}": {json_text(plain(value))}' for key, value in entries.items()])


class JsonLinesWriter(_TextWriter):
    """Variants as JSON lines: one flat object a variant, with the columns of CSV as its keys, numbers as numbers but
    for those that are larger than 2⁵³."""

    def name(self, text: str) -> str:
        """Return the cell of a name."""
        return json_text(text)

    def setting(self, axis: str, text: str) -> str:
        """Return a setting as JSON: a number where it is one, null where the network has not this axis."""
        if not text:
            return "null"
        return text if _NUMBER.fullmatch(text) else self.name(text)

    def lines(self, rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
        """Yield lines of cells."""
        keys = [self.name(name) for name in ("model", *self._axes, *self._counts, *self._times)]
        costs = 1 + len(self._axes)
        for row in rows:
            values = (
                *row[:costs],
                *map(_exact, row[costs : costs + len(self._counts)]),
                *row[costs + len(self._counts) :],
            )
            yield f"{{{', '.join(f'{key}: {value}' for key, value in zip(keys, values, strict=True))}}}\n"


_NUMBER = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)


def _exact(text: str) -> str:
    return text if len(text) < _LONG or int(text) <= LARGEST else f'"{text}"'


_LONG = len(str(LARGEST))


class ParquetWriter:
    """Variants as Parquet (by pyarrow), in groups of as many rows whether it was interrupted or not: on the way they
    are compressed frames of numbers.

    Raises UsageError where pyarrow is not installed.
    """

    def __init__(self, plans: Sequence[Plan]) -> None:
        self._arrow = pyarrow = parquet_library()
        self._plans = plans
        self._values = {name: _arrow_values(pyarrow, plans, name) for name in axis_names(plans)}
        fields = [("model", pyarrow.string()), *((name, values[0].type) for name, values in self._values.items())]
        fields += [(name, pyarrow.int64()) for name in plans[0].selection.counted]
        fields += [(name, pyarrow.float64()) for name in times_of(plans)]
        self._schema = pyarrow.schema(fields)

    def header(self) -> bytes:
        """Return nothing: there are frames alone."""
        return b""

    def rows(self, kept: VariantRows) -> Iterator[bytes]:
        """Yield some variants as a frame: its length, how many they are, their numbers."""
        numbers = np.vstack([kept.plans, kept.numbers, kept.costs]).astype("<i8")
        packed = self._arrow.compress(numbers.tobytes(), codec=_CODEC, asbytes=True)
        yield _FRAME.pack(len(packed), len(kept)) + packed

    def end(self, tally: Tally) -> bytes:
        """Return nothing."""
        return b""

    def put(self, rows: str, output: str) -> None:
        """Write the frames as Parquet."""
        with open(rows, "rb") as frames, replacing(output) as file:
            writer = self._arrow.parquet.ParquetWriter(file, self._schema, compression="zstd")
            with writer:
                for group in _groups(self._frames(frames)):
                    writer.write_table(self._table(group), row_group_size=_GROUP)

    def _frames(self, file: BinaryIO) -> Iterator[VariantRows]:
        while head := file.read(_FRAME.size):
            length, count = _FRAME.unpack(head)
            size = (len(VariantRows._fields) - 1 + len(self._plans[0].names)) * 8 * count
            data = self._arrow.decompress(file.read(length), size, codec=_CODEC, asbytes=True)
            numbers = np.frombuffer(data, "<i8").reshape(-1, count)
            yield VariantRows(numbers[0], numbers[1], numbers[2:])

    def _table(self, group: VariantRows) -> Any:
        """Return a group as a table, in its order, though columns are made a plan at a time."""
        places = [np.flatnonzero(group.plans == index) for index in range(len(self._plans))]
        tables = [
            self._arrow.Table.from_arrays(self._columns(index, plan, group.take(places[index])), schema=self._schema)
            for index, plan in enumerate(self._plans)
            if len(places[index])
        ]
        table, order = self._arrow.concat_tables(tables), np.argsort(np.concatenate(places))
        return (table if len(tables) == 1 else table.take(order)).combine_chunks()

    def _columns(self, index: int, plan: Plan, part: VariantRows) -> list[Any]:
        arrow, found = self._arrow, digits(plan, part.numbers)
        columns = [arrow.repeat(plan.model, len(part))]
        for name, values in self._values.items():
            known = name in found
            columns.append(
                values[index].take(arrow.array(found[name])) if known else arrow.nulls(len(part), values[index].type)
            )
        exact = len(plan.selection.counted)
        columns += [arrow.array(line) for line in part.costs[:exact]]
        return columns + [arrow.array(line / NS_PER_MS) for line in part.costs[exact:]]


def times_of(plans: Sequence[Plan]) -> tuple[str, ...]:
    """Return the columns of times, in ms: as the keys of a result are called, an inner one behind its outer ones."""
    return tuple([f"estimates_latency_{end}" for end in ("value", "low", "high")]) if plans[0].selection.timed else ()


def _groups(frames: Iterable[VariantRows]) -> Iterator[VariantRows]:
    """Yield variants in groups of as many, the last one smaller."""
    held: VariantRows | None = None
    for frame in frames:
        held = held.joined(frame) if held is not None and len(held) else frame
        while len(held) >= _GROUP:
            yield held.take(np.arange(_GROUP))
            held = held.take(np.arange(_GROUP, len(held)))
    if held is not None and len(held):
        yield held


def _arrow_values(pyarrow: Any, plans: Sequence[Plan], name: str) -> list[Any]:
    """Return the values of an axis for each plan, all as integers, else all as floats, else as text."""
    texts = [next((axis.values for axis in plan.axes if axis.name == name), ()) for plan in plans]
    for read, kind in ((int, pyarrow.int64()), (float, pyarrow.float64())):
        try:
            return [pyarrow.array([read(text) for text in values], kind) for values in texts]
        except ValueError:
            continue
    return [pyarrow.array(values, pyarrow.string()) for values in texts]


def writer_for(format: str, plans: Sequence[Plan]) -> Writer:
    """Return what makes a file of variants in that format. Raises UsageError where a library is missing."""
    writer: Writer = writer_of(format)(plans)
    return writer
