"""The one way from what a user types to a graph: specs, ONNX files, locks, and, where a command lets code run,
modules."""

from collections.abc import Iterable, Mapping, Sequence

from archprof.errors import usage_error
from archprof.ir.graph import Graph
from archprof.spec import catalog
from archprof.spec.variant import Reference, Setting, parse_reference

_ANEW = "a lock stands as it was captured; `archprof lock` captures anew"
_SIZES = "sizes of its axes stand behind it, `net.onnx@H=320,W=320`, or in `--input x=3x320x320`"
_TABLES = "name a network of the catalog, or a `.yaml` file"


def read_model(
    reference: str, settings: Sequence[Setting], inputs: Sequence[str] | None, for_tables: Mapping[str, object]
) -> Graph:
    """Return the network that *reference* names: a spec at *settings*, whose resolution an input sets too, a lock, an
    ONNX file, or the module that code makes, recorded; the last two take *inputs* as `--input` has them.

    Raises SpecError and UsageError; of a spec too where an input is more than a shape, of all others too where they
    have settings, or anything is asked *for_tables* alone, by the options that ask for it.
    """
    given = tuple(inputs or ())
    if ":" in reference:
        from archprof.captures.source import capture, is_code

        if is_code(reference):
            _refuse(reference, settings, f"give its code other arguments, `{_called(reference)}`, or an `--input`")
            _refuse_for_tables(reference, for_tables)
            return capture(reference, given)
    target, behind = _graph_file(reference)
    if target:
        _refuse_for_tables(target, for_tables)
        _refuse(target, settings, _ANEW if catalog.is_lock(target) else _SIZES)
        return read_graph_at(target, behind, given)
    for one in given:
        if "=" in one or ":" in one:
            raise usage_error(f"`{one}` is no size of an image, which `{reference}` takes", help="as in `3x224x224`")
    return _read_spec(reference, [*(("resolution", shape) for shape in given), *settings])


def read_data(reference: str, settings: Sequence[Setting] = ()) -> Graph:
    """Return the network that *reference* names, no code: a spec at *settings*, a lock, or an ONNX file whose axes they
    size.

    Raises SpecError and UsageError; for a lock too where it has settings.
    """
    target, behind = _graph_file(reference)
    return read_graph_at(target, (*behind, *settings)) if target else _read_spec(reference, settings)


def holds_graph(file: str) -> bool:
    """Tell whether a file holds a graph rather than a spec: a lock, or an ONNX file."""
    return catalog.is_lock(file) or catalog.is_onnx(file)


def read_graph_at(file: str, settings: Sequence[Setting], inputs: Sequence[str] = ()) -> Graph:
    """Return the network of a lock, or of an ONNX file, whose free axes have the sizes of *settings* and *inputs*.

    Raises UsageError for a file that holds none, for sizes that do not fit, and for any of either with a lock.
    """
    if not catalog.is_lock(file):
        return _read_onnx(file, settings, inputs)
    from archprof.captures.lock import read_lock

    _refuse(file, settings, _ANEW)
    if inputs:
        raise usage_error(f"`{file}` has its input already", help=_ANEW)
    return read_lock(file).graph


def _read_onnx(file: str, sizes: Sequence[Setting], inputs: Sequence[str]) -> Graph:
    from archprof.captures.onnx.file import read_onnx

    if not inputs:
        return read_onnx(file, sizes)
    from archprof.captures.given import read_given

    return read_onnx(file, sizes, tuple(map(read_given, inputs)))


def _read_spec(reference: str, settings: Iterable[Setting]) -> Graph:
    from archprof.language.expand import read_network  # what holds a graph needs none of the language

    return read_network(reference, settings)


def _graph_file(reference: str) -> Reference:
    """Return the file that a reference names, where it holds a graph, with what stands behind; nothing otherwise."""
    if catalog.LOCK in reference or catalog.ONNX in reference or reference.startswith("-"):
        found = parse_reference(reference)
        if holds_graph(found.target) or (found.target == "-" and _is_onnx_at_stdin()):
            return found
    return Reference("")


def _is_onnx_at_stdin() -> bool:
    """Tell whether what comes from standard input is no text: an ONNX file begins with a field that no text does."""
    import sys

    peek = getattr(getattr(sys.stdin, "buffer", None), "peek", None)
    try:
        return bool(peek and peek(1)[:1] == b"\x08")
    except (OSError, ValueError):  # whoever reads it says so
        return False


def _refuse(reference: str, settings: Iterable[Setting], advice: str) -> None:
    for name, _ in settings:
        option = f"--{name}" if name in ("width", "resolution", "classes") else "--set"
        raise usage_error(_needs_table(option, reference), help=advice)


def _refuse_for_tables(reference: str, for_tables: Mapping[str, object]) -> None:
    for option, asked in for_tables.items():
        if asked:
            raise usage_error(_needs_table(option, reference), help=_TABLES)


def _called(reference: str) -> str:
    return f"{reference.partition('(')[0]}(…)"


def _needs_table(option: str, reference: str) -> str:
    return f"`{option}` needs a block table, and `{reference}` has none"
