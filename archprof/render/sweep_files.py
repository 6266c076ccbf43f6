"""Variants of a sweep as lines of a file, written as they come: CSV, JSON lines, Parquet."""

import json
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np

from archprof.analysis.document import LARGEST
from archprof.costs.metrics import NAMES
from archprof.errors import usage_error
from archprof.render.formats import writer_of
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


class _TextWriter:
    """Variants as lines of text. Standard output stays open when it is done."""

    def __init__(self, file: IO[str], plans: Sequence[Plan], started: bool) -> None:
        self._file = file
        self._plans = plans
        self._names = ("model", *axis_names(plans), *NAMES)
        if not started:
            file.write(self.header())

    def header(self) -> str:
        """Return what stands above the lines."""
        return ""

    def lines(self, columns: list[list[str]]) -> Iterator[str]:
        """Yield the lines of some variants: of the model, the axes and the costs as text."""
        raise NotImplementedError

    def write(self, kept: VariantRows) -> None:
        """Write some variants."""
        for low in range(0, len(kept), _CHUNK):
            part = kept.take(np.arange(low, min(low + _CHUNK, len(kept))))
            self._file.writelines(self.lines(_texts(self._plans, part)))

    def close(self) -> None:
        """Finish the file."""
        if self._file is sys.stdout:
            with suppress(BrokenPipeError):  # all is counted: a reader that has enough does not change the answer
                self._file.flush()
        else:
            self._file.close()


class CsvWriter(_TextWriter):
    """Variants as CSV: the settings as typed, exact counts."""

    def header(self) -> str:
        """Return the names of the columns."""
        return ",".join(map(_quoted, self._names)) + "\n"

    def lines(self, columns: list[list[str]]) -> Iterator[str]:
        """Yield the lines of some variants."""
        quoted = [list(map(_quoted, column)) if any("," in text for text in column) else column for column in columns]
        for line in zip(*quoted, strict=True):
            yield ",".join(line) + "\n"


def _quoted(text: str) -> str:
    return f'"{text}"' if "," in text else text


class JsonWriter(_TextWriter):
    """Variants as JSON lines: one object a variant, numbers as numbers but for those that are larger than 2⁵³."""

    def lines(self, columns: list[list[str]]) -> Iterator[str]:
        """Yield the lines of some variants."""
        keys = [json.dumps(name) for name in self._names]
        model, *axes = columns[: -len(NAMES)]
        typed = [[_json(text) for text in column] for column in axes]
        costs = [[_exact(text) for text in column] for column in columns[-len(NAMES) :]]
        for line in zip(map(json.dumps, model), *typed, *costs, strict=True):
            yield "{" + ", ".join(f"{key}: {value}" for key, value in zip(keys, line, strict=True)) + "}\n"


def _json(text: str) -> str:
    """Return a setting as JSON: a number where it is one, null where the network has not this axis."""
    if not text:
        return "null"
    return text if _NUMBER.fullmatch(text) else json.dumps(text)


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
    writer: Writer = writer_of(format)(file, plans, started)
    return writer
