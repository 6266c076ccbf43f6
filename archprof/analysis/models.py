"""The one way from what a user types to a graph: specs, locks, programs of torch.export, ONNX files, and, where a
command lets code run, modules."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from archprof.costs.agreement import CountedModules
from archprof.errors import usage_error
from archprof.inputs import shown_name
from archprof.ir.graph import Graph
from archprof.spec import catalog
from archprof.spec.variant import Reference, Setting, parse_reference

if TYPE_CHECKING:
    from archprof.captures.lock_text import Lock

_ANEW = "a lock stands as it was captured; `archprof lock` captures anew"
_ONE = "a resolution is an input of three channels: `--input 3x192x192`"
_FREE = "an exported program has the axes that were left free: `exported.pt2@s0=320`, or `--input 3x320x320`"
_SIZES = "sizes of its axes stand behind it, `net.onnx@H=320,W=320`, or in `--input x=3x320x320`"
_TRAINED = "`--train` takes code that makes a torch module, as in `net.py:Net`, or a lock of `--modes eval,train`"


def read_model(
    reference: str,
    settings: Sequence[Setting],
    inputs: Sequence[str] | None = None,
    *,
    train: bool = False,
    real: bool = False,
    batch: int = 1,
) -> Graph:
    """Return the network that *reference* names: a spec at *settings*, whose resolution an input sets too, a lock, a
    program of torch.export or an ONNX file, whose free axes an input sets, or the module that code makes, recorded on
    *inputs* as `--input` has them, in a *real* run where that is asked for; with *train*, as it runs in training mode,
    and with shapes that are known of a *batch* of more than one image where that is wanted.

    All but specs and locks take a resolution as an input of three channels. Raises SpecError and UsageError; of a spec
    too where an input is more than a shape, or it should *train*, of all others too where they have other settings.
    """
    given = tuple(inputs or ())
    if ":" in reference:
        from archprof.captures.source import capture, is_code

        if is_code(reference):
            given, settings = _images(given, settings)
            _refuse(reference, settings, _others(reference))
            return capture(reference, given, train=train, real=real, batch=batch)
    target, behind = _graph_file(reference)
    if target:
        if not catalog.is_lock(target):
            given, settings = _images(given, settings)
        return _read_graph(target, behind, settings, given, train=train)
    if train:
        raise usage_error(f"`{reference}` is a spec, which says how a network runs in evaluation", help=_TRAINED)
    return _read_spec(reference, [*_inputs_of_spec(reference, given), *settings])


def _inputs_of_spec(reference: str, given: Sequence[str]) -> Iterator[Setting]:
    """Yield inputs of a spec as settings: of one alone a size, of several their names with theirs, or all in a row."""
    special = [one for one in given if "=" in one or ":" in one]
    if not special and len(given) < 2:
        yield from (("resolution", shape) for shape in given)
        return
    from archprof.language.spellings import spellings  # what holds a graph needs none of the language
    from archprof.spec.inputs import UNNAMED
    from archprof.spec.load import load

    names = list(load(reference, spellings=spellings).inputs)
    if names == [UNNAMED]:
        wrong = (*special, given[-1])[0]
        raise usage_error(f"`{wrong}` is no size of an image, which `{reference}` takes", help="as in `3x224x224`")
    if not any("=" in one for one in given) and len(given) == len(names):
        given = [f"{name}={shape}" for name, shape in zip(names, given, strict=True)]
    for one in given:
        name, sign, shape = one.partition("=")
        if not sign or name not in names:
            listed = ", ".join(f"`--input {known}=…`" for known in names)
            raise usage_error(f"`{one}` is no input of `{reference}`", help=f"it takes {listed}")
        yield f"input.{name}", shape


def read_training(
    reference: str,
    settings: Sequence[Setting],
    inputs: Sequence[str] | None = None,
    *,
    train: bool,
    real: bool = False,
    batch: int = 1,
) -> Graph:
    """Return the network that *reference* names, with *train* as it trains: a spec, whose rules hold in both modes, as
    it is, anything else as it was recorded in training mode. Raises as `read_model` does."""
    return read_model(reference, settings, inputs, train=train and not _is_spec(reference), real=real, batch=batch)


def _is_spec(reference: str) -> bool:
    if ":" in reference:
        from archprof.captures.source import is_code

        if is_code(reference):
            return False
    return not _graph_file(reference).target


def read_measured(
    reference: str, settings: Sequence[Setting], inputs: Sequence[str] | None, counter: str
) -> tuple[Graph, CountedModules]:
    """Return the network that code makes, and what a *counter* finds on its module. Raises UsageError as `read_model`
    does, and where the module cannot be run."""
    from archprof.captures.source import capture_and_measure

    given, settings = _images(tuple(inputs or ()), settings)
    _refuse(reference, settings, _others(reference))
    return capture_and_measure(reference, given, counter)


def _images(inputs: tuple[str, ...], settings: Sequence[Setting]) -> tuple[tuple[str, ...], list[Setting]]:
    """Return inputs and settings, where a resolution is an input: `192` and `192x256` have three channels.

    Raises UsageError for both at once.
    """
    resolutions = [text for name, text in settings if name == "resolution"]
    if not resolutions:
        return inputs, list(settings)
    if inputs:
        raise usage_error("`--input` and `--resolution` at once", help=_ONE)
    others = [one for one in settings if one[0] != "resolution"]
    size = resolutions[-1].replace("×", "x")
    sizes = size.count("x") + 1 if size.replace("x", "").isdigit() else 0
    return ({1: f"3x{size}x{size}", 2: f"3x{size}"}.get(sizes, size),), others


def _others(reference: str) -> str:
    return f"give its code other arguments, `{_called(reference)}`, or an `--input`"


def read_data(reference: str, settings: Sequence[Setting] = (), *, train: bool = False) -> Graph:
    """Return the network that *reference* names, no code: a spec at *settings*, a lock, a program of torch.export, or
    an ONNX file; with *train* as it trains, where rules say that of a spec as it is.

    Raises SpecError and UsageError; for all but specs also where they have settings, or are of evaluation alone.
    """
    target, behind = _graph_file(reference)
    return _read_graph(target, behind, settings, (), train=train) if target else _read_spec(reference, settings)


def _read_spec(reference: str, settings: Iterable[Setting]) -> Graph:
    from archprof.language.expand import read_network  # what holds a graph needs none of the language

    return read_network(reference, settings)


def holds_graph(file: str) -> bool:
    """Tell whether a file holds a graph rather than a spec: a lock, a program of torch.export, or an ONNX file; of
    standard input its content tells."""
    return catalog.is_lock(file) or catalog.is_program(file) or catalog.is_onnx(file)


def read_graph_at(file: str, settings: Sequence[Setting], inputs: Sequence[str] = (), *, train: bool = False) -> Graph:
    """Return the network of a lock, or of a program or an ONNX file whose free axes have the sizes of *settings* and
    *inputs*; with *train*, as it runs in training mode.

    Raises UsageError for a file that holds none, for axes that are not free or have no size, for any of either with a
    lock, and for what was not captured in training.
    """
    if catalog.is_program(file):
        from archprof.captures.pt2.read import read_exported

        graph = read_exported(file, settings, inputs).graph
        if train and not graph.training:
            raise usage_error(f"`{shown_name(file)}` was exported as it runs in evaluation", help=_TRAINED)
        return graph
    if not catalog.is_lock(file):
        if train:
            raise usage_error(f"`{shown_name(file)}` was exported as it runs in evaluation", help=_TRAINED)
        return _read_onnx(file, settings, inputs)
    from archprof.captures.lock import read_lock

    _refuse(file, settings, _ANEW)
    found = read_lock(file)
    if inputs and tuple(inputs) != found.captured.inputs:  # what it has may stand there for the code beside it
        raise usage_error(f"`{file}` has its input already", help=_ANEW)
    return _training(file, found) if train else found.graph


def _read_onnx(file: str, sizes: Sequence[Setting], inputs: Sequence[str]) -> Graph:
    from archprof.captures.onnx.file import read_onnx

    if not inputs:
        return read_onnx(file, sizes)
    from archprof.captures.onnx.inputs import read_input

    return read_onnx(file, sizes, tuple(map(read_input, inputs)))


def _graph_file(reference: str) -> Reference:
    """Return the file that a reference names, where it holds a graph, with what stands behind; nothing otherwise."""
    may_be = any(suffix in reference for suffix in (catalog.LOCK, catalog.PROGRAM, catalog.ONNX))
    if may_be or reference.startswith("-"):
        found = parse_reference(reference)
        if holds_graph(found.target):
            return found
    return Reference("")


def _read_graph(
    file: str, behind: Sequence[Setting], settings: Sequence[Setting], inputs: Sequence[str], *, train: bool = False
) -> Graph:
    advice = _FREE if catalog.is_program(file) else _ANEW if catalog.is_lock(file) else _SIZES
    _refuse(file, settings, advice)
    return read_graph_at(file, behind, inputs, train=train)


def _training(file: str, lock: "Lock") -> Graph:
    if lock.training is None:
        advice = f"`archprof lock {lock.captured.model} --modes eval,train -o {file}` captures it in training too"
        raise usage_error(f"`{file}` was captured in evaluation alone", help=advice)
    return lock.training


def _refuse(reference: str, settings: Iterable[Setting], advice: str) -> None:
    for name, _ in settings:
        option = f"--{name}" if name in ("width", "resolution", "classes") else "--set"
        raise usage_error(_needs_table(option, reference), help=advice)


def refuse_measuring(reference: str) -> None:
    """Raise UsageError for a file that holds a graph, on which nothing can be measured."""
    target = reference.partition("@")[0]
    if holds_graph(target):
        message = f"`--measure` runs a module, and `{shown_name(reference)}` holds none"
        kind = "a lock was captured" if catalog.is_lock(target) else "a program was exported"
        source = "an ONNX file was exported" if catalog.is_onnx(target) else kind
        raise usage_error(message, help=f"`archprof summary CODE --measure` measures what {source} from")


def refuse_running(reference: str) -> None:
    """Raise UsageError for a file that holds a graph, which nothing here runs."""
    if holds_graph(reference.partition("@")[0]):
        message = f"`archprof bench` runs a module, and `{shown_name(reference)}` holds none"
        raise usage_error(message, help="`archprof bench CODE` measures what it was made from")


def _called(reference: str) -> str:
    return f"{reference.partition('(')[0]}(…)"


def _needs_table(option: str, reference: str) -> str:
    return f"`{option}` needs a block table, and `{shown_name(reference)}` has none"
