"""Variants of a sweep as lines of a file, written as they come: CSV, JSON lines, Parquet."""

import csv
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from io import StringIO, TextIOWrapper
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np

from archprof.analysis.document import LARGEST
from archprof.costs.metrics import NAMES
from archprof.errors import unobeyed, usage_error
from archprof.render.formats import writer_of
from archprof.render.json import json_text
from archprof.render.table import csv_cell
from archprof.sweep.outcome import axis_names
from archprof.sweep.plan import Plan
from archprof.sweep.run import VariantRows, digits

# As text, variants are many times as large: so many at once.
_CHUNK = 1 << 14


class Writer(Protocol):
    """Takes variants one batch after the other."""

    def write(self, kept: VariantRows) -> None:
        """Write some variants."""

    def close(self) -> None:
        """Finish the file: what was written by then is whole."""


class _TextWriter:
    """Variants as lines of text. Standard output stays open when it is done.

    Names and settings are few beside the variants that have them: each is written as a cell once.
    """

    def __init__(self, file: IO[str], plans: Sequence[Plan], started: bool) -> None:
        self._file = file
        self._plans = plans
        self._axes = axis_names(plans)
        self._models = [self.name(plan.model) for plan in plans]
        self._values = [{axis.name: list(map(self.setting, axis.values)) for axis in plan.axes} for plan in plans]
        if not started:
            self.start(("model", *self._axes, *NAMES))

    def name(self, text: str) -> str:
        """Return the cell of a name."""
        raise NotImplementedError

    def setting(self, text: str) -> str:
        """Return the cell of a setting as typed; an empty one is of an axis that a network has not."""
        return self.name(text)

    def start(self, names: Sequence[str]) -> None:
        """Write what stands above the lines."""

    def rows(self, rows: Iterator[tuple[str, ...]]) -> None:
        """Write lines of cells: the model, the axes, the costs in digits."""
        raise NotImplementedError

    def write(self, kept: VariantRows) -> None:
        """Write some variants."""
        for low in range(0, len(kept), _CHUNK):
            part = kept.take(np.arange(low, min(low + _CHUNK, len(kept))))
            self.rows(zip(*self._columns(part), strict=True))

    def _columns(self, kept: VariantRows) -> list[list[str]]:
        columns = [[self._models[index] for index in kept.plans.tolist()]]
        columns += [[self.setting("")] * len(kept) for _ in self._axes]
        for index, plan in enumerate(self._plans):
            places = np.flatnonzero(kept.plans == index)
            if len(places):
                found = digits(plan, kept.numbers[places])
                for name, values in self._values[index].items():
                    column = columns[1 + self._axes.index(name)]
                    for place, digit in zip(places.tolist(), found[name].tolist(), strict=True):
                        column[place] = values[digit]
        return [*columns, *(list(map(str, line.tolist())) for line in kept.costs)]

    def close(self) -> None:
        """Finish the file."""
        if self._file is sys.stdout:
            self._file.flush()
        else:
            self._file.close()


class CsvWriter(_TextWriter):
    """Variants as CSV: the settings as typed, exact counts."""

    def name(self, text: str) -> str:
        """Return the cell of a name, which may begin a line."""
        return unobeyed(self.setting(text))

    def setting(self, text: str) -> str:
        """Return the cell of a setting as typed, in quotes where it needs them."""
        if _NUMBER.fullmatch(text):
            return text
        out = StringIO()
        csv.writer(out, lineterminator="").writerow(("", csv_cell(text)))
        return out.getvalue().removeprefix(",")

    def start(self, names: Sequence[str]) -> None:
        """Write the names of the columns."""
        self.rows(iter([tuple(map(self.name, names))]))

    def rows(self, rows: Iterator[tuple[str, ...]]) -> None:
        """Write lines of cells."""
        self._file.writelines(",".join(row) + "\n" for row in rows)


class JsonWriter(_TextWriter):
    """Variants as JSON lines: one object a variant, numbers as numbers but for those that are larger than 2⁵³."""

    def name(self, text: str) -> str:
        """Return the cell of a name."""
        return json_text(text)

    def setting(self, text: str) -> str:
        """Return a setting as JSON: a number where it is one, null where the network has not this axis."""
        if not text:
            return "null"
        return text if _NUMBER.fullmatch(text) else self.name(text)

    def rows(self, rows: Iterator[tuple[str, ...]]) -> None:
        """Write lines of cells."""
        keys = [self.name(name) for name in ("model", *self._axes, *NAMES)]
        costs = len(keys) - len(NAMES)
        for row in rows:
            values = (*row[:costs], *map(_exact, row[costs:]))
            line = ", ".join(f"{key}: {value}" for key, value in zip(keys, values, strict=True))
            self._file.write(f"{{{line}}}\n")


_NUMBER = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)


def _exact(text: str) -> str:
    return text if len(text) < _LONG or int(text) <= LARGEST else f'"{text}"'


_LONG = len(str(LARGEST))


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
    writer = writer_of(format)
    if writer is ParquetWriter:
        return ParquetWriter(path, plans, before)
    if before is not None:
        shutil.copyfile(before, path)
    file = Path(path).open("a", encoding="utf-8", newline="\n")  # noqa: SIM115 - closed with the writer
    return text_writer(format, file, plans, before is not None)


def text_writer(format: str, file: IO[str], plans: Sequence[Plan], started: bool = False) -> Writer:
    """Return the writer of CSV or JSON lines to an open file; one that is *started* has its header already."""
    if isinstance(file, TextIOWrapper):
        file.reconfigure(errors="replace")  # whatever its encoding takes
    writer: Writer = writer_of(format)(file, plans, started)
    return writer
