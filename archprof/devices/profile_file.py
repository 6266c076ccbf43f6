"""The file of a device's profile → the profile: data of which nothing is believed."""

from collections.abc import Callable, Collection, Iterator
from functools import partial
from itertools import chain
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

from archprof.devices.forms import CLASSES
from archprof.devices.kernels import Kernel, columns_of
from archprof.devices.profile import (
    DTYPES,
    EXECUTIONS,
    RUNTIMES,
    BatchFit,
    Ceilings,
    DeviceSetup,
    FusionRule,
    KindFit,
    MeasuredNetwork,
    NetworkTerms,
    Profile,
    Residual,
)
from archprof.errors import suggest, usage_error
from archprof.inputs import read_named
from archprof.ir.setup import LAYOUTS
from archprof.json_fields import MOST_COUNT, Refused, field, integer, items, mapping, number, one_of, shown, text
from archprof.json_text import FileKind, JsonText
from archprof.limits import MAX_BATCH

SCHEMA = 1
SUFFIX = ".json"
_PLAIN, _INT = frozenset((int, float)), frozenset((int,))
_KNOWN = Path(__file__).parent / "known"
_KIND = FileKind("device's profile", 1 << 26, "`archprof calibrate -o my_device.json` makes one")

_Read = TypeVar("_Read")


def known_devices() -> list[str]:
    """Return the names of the profiles that come with archprof."""
    return sorted(path.stem for path in _KNOWN.glob(f"*{SUFFIX}"))


def read_profile(device: str) -> Profile:
    """Return the profile of a device, by its name or its file. Raises UsageError, with the place, for a file that is
    none, and for a name that nobody knows."""
    known = _KNOWN / f"{device}{SUFFIX}"
    is_name = not device.endswith(SUFFIX) and "/" not in device
    if is_name and device not in known_devices():
        advice = f"{suggest(device, known_devices(), 'devices')}; or a file of `archprof calibrate -o FILE{SUFFIX}`"
        raise usage_error(f"no profile of a device `{device}`", help=advice)
    path = str(known) if is_name else device
    data = read_named(path, _KIND.most + 1, f"`archprof calibrate -o {path}` makes one")
    return _Reader(path, data).read()


class _Reader:
    """A profile while it is read."""

    def __init__(self, file: str, data: bytes) -> None:
        self._text = JsonText(file, data, _KIND)

    def read(self) -> Profile:
        document = self._text.parse()
        schema = document.get("archprof_profile") if isinstance(document, dict) else None
        if schema is None:
            raise self._text.wrong("this is no profile of a device: `archprof_profile` is missing")
        if type(schema) is not int or schema != SCHEMA:
            message = f"profile schema {shown(schema)} is not known here: there is schema {SCHEMA}"
            raise self._text.wrong(message, '"archprof_profile"')

        batches = self._part(document, "batches", _batches)
        points = dict(self._part(document, "kinds", lambda value: [*_points(mapping(value), batches)]))
        classes = {*CLASSES, *(kernel.kind for kernel in points)}
        return Profile(
            self._part(document, "name", text),
            self._part(document, "provenance", _texts),
            self._part(document, "setup", _setup),
            batches,
            self._part(document, "ceilings", lambda value: Ceilings(*_positives(value, Ceilings._fields))),
            points,
            self._part(document, "networks", lambda value: tuple([_network(one, batches) for one in items(value)])),
            self._part(document, "fits", lambda value: _fits(mapping(value), batches, classes)),
        )

    def _part(self, document: dict[str, Any], key: str, read: Callable[[Any], _Read]) -> _Read:
        """Return what a part of the file says. Raises UsageError, with its place, for what it may not say."""
        try:
            found: _Read = field(document, key, read)
        except Refused as error:
            raise self._text.wrong(str(error), f'"{key}"', key) from None
        return found


def _within(where: str, read: Callable[[], _Read]) -> _Read:
    """Return what is read. Raises Refused, with *where*, for what may not stand there."""
    try:
        return read()
    except Refused as error:
        raise Refused(f"`{where}`: {error}") from None


def _batches(value: Any) -> tuple[int, ...]:
    found = tuple([integer(one, 1, MAX_BATCH) for one in items(value)])
    if not found or len(set(found)) < len(found):
        raise Refused(f"expected batches, each once, not {shown(value)}")
    return found


def _texts(value: Any) -> dict[str, str]:
    return {text(key): text(one) for key, one in mapping(value).items()}


def _setup(value: Any) -> DeviceSetup:
    record = mapping(value)
    return DeviceSetup(
        field(record, "dtype", one_of(*DTYPES)),
        field(record, "layout", one_of(*LAYOUTS)),
        field(record, "runtime", one_of(*RUNTIMES)),
        field(record, "execution", one_of(*EXECUTIONS)),
        field(record, "threads", lambda one: integer(one, 0, 1 << 16), 0),
        field(record, "fusion", lambda one: tuple(map(_rule, items(one))), ()),
    )


def _rule(value: Any) -> FusionRule:
    record = mapping(value)
    kinds = field(record, "kinds", lambda one: tuple(map(text, items(one))))
    behind = field(record, "behind", lambda one: tuple([tuple(map(text, items(step))) for step in items(one)]))
    return FusionRule(kinds, behind)


def _positive(value: Any) -> float:
    found = _finite(value)
    if found <= 0:
        raise Refused(f"expected more than 0, not {shown(value)}")
    return found


def _finite(value: Any) -> float:
    if type(value) not in (int, float) or not isfinite(value):
        raise Refused(f"expected a number, not {shown(value)}")
    return float(value)


def _positives(value: Any, names: tuple[str, ...]) -> list[float]:
    return [field(mapping(value), name, _positive) for name in names]


def _numbers(value: Any) -> tuple[float, ...]:
    listed = items(value)
    # A profile has tens of thousands: the good case alone is fast.
    if _PLAIN.issuperset(map(type, listed)) and isfinite(sum(listed)):
        return tuple(map(float, listed))
    return tuple(map(_finite, listed))


def _rows(value: Any) -> tuple[tuple[float, ...], ...]:
    """Return lists of numbers."""
    rows = items(value)
    if {type(row) for row in rows} == {list}:
        flat = list(chain.from_iterable(rows))
        if _PLAIN.issuperset(map(type, flat)) and isfinite(sum(flat)):
            return tuple(map(tuple, rows))
    return tuple(map(_numbers, rows))


def _sizes(value: list[Any]) -> tuple[int, ...]:
    if _INT.issuperset(map(type, value)) and min(value, default=0) >= 0 and max(value, default=0) < MOST_COUNT:
        return tuple(value)
    return tuple([integer(size, 0, MOST_COUNT) for size in value])


def _points(value: dict[str, Any], batches: tuple[int, ...]) -> Iterator[tuple[Kernel, dict[int, float]]]:
    for kind, record in value.items():
        yield from _within(kind, partial(_points_of, kind, record, batches))


def _points_of(kind: str, value: Any, batches: tuple[int, ...]) -> list[tuple[Kernel, dict[int, float]]]:
    columns = columns_of(kind)
    if (stated := field(mapping(value), "columns", items)) != list(columns):
        raise Refused(f"expected the columns {', '.join(columns)}, not {shown(stated)}")
    rows = field(value, "points", items)
    if found := _plain_points(kind, rows, len(columns), batches):
        return found
    many = len(columns)
    return [
        (Kernel(kind, _sizes(row[:many])), _times(row[many:], batches))
        for row in (items(one, (many + len(batches),)) for one in rows)
    ]


def _plain_points(
    kind: str, rows: list[Any], many: int, batches: tuple[int, ...]
) -> list[tuple[Kernel, dict[int, float]]] | None:
    """Return points, column by column, of which nothing is wrong and none was left out; None where that has to be told
    row by row."""
    if {type(row) for row in rows} != {list} or set(map(len, rows)) != {many + len(batches)}:
        return None
    columns = list(zip(*rows, strict=True))
    sizes, times = columns[:many], columns[many:]
    if not all(_INT.issuperset(map(type, one)) and min(one) >= 0 and max(one) < MOST_COUNT for one in sizes):
        return None
    if not all(_PLAIN.issuperset(map(type, one)) and min(one) > 0 and isfinite(sum(one)) for one in times):
        return None
    return [
        (Kernel(kind, own), dict(zip(batches, us, strict=True)))
        for own, us in zip(zip(*sizes, strict=True), zip(*times, strict=True), strict=True)
    ]


def _times(value: Any, batches: tuple[int, ...]) -> dict[int, float]:
    """Return µs by batch; what was not measured is null."""
    listed = zip(batches, items(value, (len(batches),)), strict=True)
    return {batch: _positive(us) for batch, us in listed if us is not None}


def _network(value: Any, batches: tuple[int, ...]) -> MeasuredNetwork:
    record = mapping(value)
    times = partial(_times, batches=batches)
    return MeasuredNetwork(
        field(record, "model", text), field(record, "us", times), field(record, "eager_us", times, {})
    )


def _fits(value: dict[str, Any], batches: tuple[int, ...], classes: Collection[str]) -> dict[int, BatchFit]:
    return {batch: field(value, str(batch), partial(_fit, classes)) for batch in batches}


def _fit(classes: Collection[str], value: Any) -> BatchFit:
    record = mapping(value)
    kinds = field(record, "kinds", mapping)
    return BatchFit(
        {_known(name, classes): _within(name, partial(_kind_fit, one)) for name, one in kinds.items()},
        field(record, "network", _network_terms),
        field(record, "interval", _numbers),
    )


def _network_terms(value: Any) -> NetworkTerms:
    return NetworkTerms(*[field(mapping(value), name, _finite) for name in NetworkTerms._fields])


def _known(name: str, classes: Collection[str]) -> str:
    if name not in classes:
        raise Refused(f"no such class of kernels `{name}`; {suggest(name, classes, 'classes')}")
    return name


def _kind_fit(value: Any) -> KindFit:
    record = mapping(value)
    residual = field(record, "residual", lambda one: None if one is None else _residual(mapping(one)), None)
    return KindFit(
        field(record, "form", text), field(record, "constants", _numbers), residual, field(record, "spread", _finite)
    )


def _residual(value: Any) -> Residual | None:
    if value is None:
        return None
    record = mapping(value)
    center, scale = (field(record, name, _numbers) for name in ("center", "scale"))
    points = field(record, "points", _rows)
    weights = field(record, "weights", _numbers)
    if {len(scale), *map(len, points)} != {len(center)} or len(weights) != len(points):
        raise Refused("expected as many weights as points, each as long as `center` and `scale`")
    return Residual(field(record, "variance", number), field(record, "noise", number), center, scale, points, weights)
