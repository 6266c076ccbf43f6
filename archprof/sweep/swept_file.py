"""What a sweep has written as Parquet, in the small: how many variants, where they lie, and the best of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from archprof.costs.metrics import MEMORY, NAMES
from archprof.errors import usage_error
from archprof.inputs import shown_name
from archprof.named_tuple import NamedTuple

# So many variants are points of a picture; more are counted in so many cells along each side.
_POINTS = 2000
_CELLS = (72, 48)
_MS = "estimates_latency_value"
_COSTS = (*NAMES, *MEMORY, _MS)


class BestVariant(NamedTuple):
    """A variant than which none is as good in both costs and better in one: its network, settings and costs."""

    model: str
    settings: Mapping[str, str]
    costs: Mapping[str, int | float]


class SweptPicture(NamedTuple):
    """Variants by MACs and another cost, *against*: as points, each with the number of its network, or, of many,
    *binned*: then cells of equal size between the ends of both, each with its column, its row and how many variants lie
    there. The *best* are in order of their MACs."""

    against: str
    ends: tuple[tuple[float, float], tuple[float, float]]
    binned: bool
    cells: tuple[int, int]
    marks: tuple[tuple[float, ...], ...]
    best: tuple[BestVariant, ...]


class SweptFile(NamedTuple):
    """The variants of a file of Parquet: how many, of which networks, along which axes with how many values each, and
    pictures of them."""

    file: str
    variants: int
    models: tuple[str, ...]
    axes: Mapping[str, int]
    pictures: tuple[SweptPicture, ...]


class SweptPage(NamedTuple):
    """The *command* that asked for a page of a sweep, and the sweep."""

    command: str
    sweep: SweptFile
    networks: tuple[()] = ()

    @property
    def title(self) -> str:
        """The name of the file."""
        return Path(self.sweep.file).name


def read_swept(path: str) -> SweptFile:
    """Return what a file of `archprof sweep -o FILE.parquet` holds. Raises UsageError without pyarrow, and for a file
    that cannot be read or is none."""
    table = _table(path)
    costs = [name for name in table.column_names if name in _COSTS]
    if "model" not in table.column_names or "macs" not in costs or not table.num_rows:
        raise usage_error(
            f"`{shown_name(path)}` holds no variants", help="`archprof sweep … -o FILE.parquet` writes one"
        )
    axes = [name for name in table.column_names if name != "model" and not _is_cost(name)]
    counted = {name: len(table.column(name).unique()) for name in axes}
    models = table.column("model").unique().to_pylist()
    drawn = _distinct(table, [name for name in costs if name != "macs"])
    pictures = tuple([_picture(table, name, axes, costs, models) for name in drawn])
    return SweptFile(path, table.num_rows, tuple(models), counted, pictures)


def _distinct(table: Any, costs: Sequence[str]) -> list[str]:
    """Return the costs in which variants differ, of those that are always equal the first."""
    found: list[str] = []
    for name in costs:
        column = table.column(name)
        if len(column.unique()) > 1 and not any(column.equals(table.column(one)) for one in found):
            found.append(name)
    return found


def _is_cost(name: str) -> bool:
    return name in _COSTS or name.startswith("estimates_latency_")


def parquet_library() -> Any:
    """Return pyarrow. Raises UsageError where it is not installed."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError:
        advice = "pip install 'archprof[sweep]'"
        raise usage_error("Parquet needs pyarrow, which is not installed", help=advice) from None
    return pyarrow


def _table(path: str) -> Any:
    pyarrow = parquet_library()
    try:
        return pyarrow.parquet.read_table(path)
    except FileNotFoundError:
        raise usage_error(f"no such file: `{shown_name(path)}`", help="a path counts from the current folder") from None
    except (OSError, pyarrow.ArrowException):
        advice = "`archprof sweep … -o FILE.parquet` writes one"
        raise usage_error(f"`{shown_name(path)}` is not a file of Parquet", help=advice) from None


def _picture(
    table: Any, against: str, axes: Sequence[str], costs: Sequence[str], models: Sequence[str]
) -> SweptPicture:
    x, y = (table.column(name).to_numpy().astype(float) for name in ("macs", against))
    ends = ((float(x.min()), float(x.max())), (float(y.min()), float(y.max())))
    best = tuple([_variant(table, row, axes, costs) for row in _frontier(x, y)])
    if len(x) <= _POINTS:
        whose = map(models.index, table.column("model").to_pylist())
        marks = tuple(zip(x.tolist(), y.tolist(), whose, strict=True))
        return SweptPicture(against, ends, False, _CELLS, marks, best)
    counts, _, _ = np.histogram2d(x, y, bins=_CELLS, range=[_wide(end) for end in ends])
    found = np.argwhere(counts)
    cells = [(int(column), int(row), int(counts[column, row])) for column, row in found.tolist()]
    return SweptPicture(against, ends, True, _CELLS, tuple(cells), best)


def _wide(ends: tuple[float, float]) -> tuple[float, float]:
    low, high = ends
    return (low, high) if low < high else (low, low + 1)


def _frontier(x: Any, y: Any) -> list[int]:
    """Return the rows than which none is as small in both and smaller in one, of equal ones the first."""
    order = np.lexsort((np.arange(len(x)), y, x))
    least = np.minimum.accumulate(y[order])
    first = np.concatenate([[True], y[order][1:] < least[:-1]])
    return [int(row) for row in order[first]]


def _variant(table: Any, row: int, axes: Sequence[str], costs: Sequence[str]) -> BestVariant:
    (found,) = table.slice(row, 1).to_pylist()
    settings = {name: str(found[name]) for name in axes if found[name] is not None}
    return BestVariant(found["model"], settings, {name: found[name] for name in costs})
