"""What a network costs, where, and why: exact, from its table.

    >>> import archprof
    >>> report = archprof.analyze("mobilenet_v2", width=0.75)
    >>> report.totals.macs
    209069792

Nothing here imports torch until `build`, `capture` or `measure` is called.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archprof.errors import ArchprofError, InputError, SpecError, UsageError, as_given, usage_error

if TYPE_CHECKING:
    import os

    import torch

    from archprof.ir.graph import Graph
    from archprof.render.objects import Measurement, Report
    from archprof.runtime.network import Network
    from archprof.spec.types import Spec

__version__ = "0.1.0"
__all__ = [
    "ArchprofError",
    "InputError",
    "Measurement",
    "Report",
    "Spec",
    "SpecError",
    "UsageError",
    "analyze",
    "build",
    "capture",
    "expand",
    "load",
    "measure",
]


def load(
    reference: "str | os.PathLike[str]", settings: Mapping[str, object] | None = None, /, **knobs: object
) -> "Spec":
    """Return the spec of a network: a catalog name, an alias, a path or `-`, with `@width=0.75,…` behind it if wanted.

    *knobs* are set by keyword (`width=0.75`, `resolution="192x256"`), addresses by the mapping
    (`{"layers[1].rows[2].k": 5}`). Raises SpecError with everything that is wrong in the file, UsageError for an
    argument that is none.
    """
    from archprof.language.registry import spellings
    from archprof.spec.catalog import reference_of
    from archprof.spec.load import load as load_spec

    name = reference_of(reference)
    if name is None:
        raise _no_model("load", reference)
    return load_spec(name, _typed({**_mapping(settings), **knobs}), spellings=spellings)


def expand(model: "str | os.PathLike[str] | Spec | Graph", /, **knobs: object) -> "Graph":
    """Return the graph of a network: every operator with its path, shapes and place in the spec. A graph is taken as it
    is.

    Raises SpecError for a spec that cannot be read or whose rows do not fit together, UsageError for an argument that
    is none.
    """
    return _graph("expand", model, knobs)


def analyze(model: "str | os.PathLike[str] | Spec | Graph", /, **knobs: object) -> "Report":
    """Return what a network costs, operator by operator, by closed formulas: params, MACs, buffers and activations as
    exact integers.

    Raises SpecError for a spec that cannot be read or whose rows do not fit together, UsageError for an argument that
    is none.
    """
    from archprof.costs.report import analyze_graph
    from archprof.render.objects import Report

    return Report.of(analyze_graph(_graph("analyze", model, knobs)))


def build(model: "str | os.PathLike[str] | Spec | Graph", /, **knobs: object) -> "Network":
    """Return a network as an initialised torch module, in training mode, for inputs of shape (batch, C, H, W).

    Raises SpecError for a bad spec, UsageError where torch is not installed and for an argument that is none.
    """
    from archprof.runtime.build import build_network

    return build_network(_graph("build", model, knobs))


def measure(
    model: "str | os.PathLike[str] | Spec | Graph | torch.nn.Module",
    input: Any = None,
    /,
    counter: str = "fvcore",
    **keywords: Any,
) -> "Measurement":
    """Return what fvcore or torch's FlopCounterMode count on a network of ours or on any torch module.

    A module of one's own is measured on *input*: a shape (C, H, W), of which one zero input is made, a tensor, or a
    tuple of the arguments of its forward; *keywords* are those of its forward too, and of a network its knobs. The
    module is left as it was (hooks, mode, buffers), and so are random generators, torch's default type and its threads.

    What multiplies and has no rule is in `not_counted`, by name. Raises UsageError where torch or fvcore is not
    installed, a counter is unknown, or the module cannot be run on that input.
    """
    from archprof.render.objects import Measurement
    from archprof.runtime.measure import measure_module, measure_network

    module: Any = model
    if not _is_network(model):
        return Measurement(*measure_module(module, input, counter, keywords))
    graph = _graph("measure", model, keywords)
    if input is not None:
        advice = '`resolution="192x256"` changes it'
        raise usage_error(f"`{graph.origin.variant}` has an input of its own", help=advice)
    return Measurement(*measure_network(graph, counter))


def capture(
    module: "torch.nn.Module",
    /,
    input: Any = None,
    *,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    train: bool = False,
    real: bool = False,
) -> "Graph":
    """Return the graph of a torch module in evaluation mode, or to *train*, of its forward pass in training mode: every
    operator that torch dispatches, at the path of the module that calls it, with its shapes; `analyze` says what it
    costs.

    *input* is a shape (C, H, W), whose batch is found by recording several, or a tensor; *args* and *kwargs* are the
    arguments of forward as they are. Nothing is computed, unless a *real* run is asked for, of a copy and on random
    numbers where there are no tensors; the module is left as it was. Raises UsageError where
    torch is not installed, and for a module that cannot be run on that input.
    """
    from archprof.captures.given import batched_for
    from archprof.captures.module import capture_module
    from archprof.runtime.arguments import measurable
    from archprof.runtime.imports import require_torch

    require_torch("capturing a module")
    subject = measurable(module)
    return capture_module(subject, batched_for(subject, input, args, kwargs), train=train, real=real)


def _graph(function: str, model: Any, knobs: Mapping[str, object]) -> "Graph":
    """Return the network that an argument of one of our functions means. Raises UsageError where it is none."""
    from archprof.analysis.models import read_data
    from archprof.ir.graph import Graph
    from archprof.language.expand import expand as expand_spec
    from archprof.spec.catalog import reference_of

    name = reference_of(model)
    if name is not None:
        return read_data(name, _typed(knobs))
    if not _is_network(model):
        raise _no_model(function, model)
    if knobs:
        message = f"a {type(model).__name__} has its settings already: `{next(iter(knobs))}` comes too late"
        raise usage_error(message, help='set it by name, as in `archprof.load("mobilenet_v2", width=0.75)`')
    return model if isinstance(model, Graph) else expand_spec(model)


def _is_network(model: Any) -> bool:
    from archprof.ir.graph import Graph
    from archprof.spec.catalog import reference_of
    from archprof.spec.types import Spec

    return reference_of(model) is not None or isinstance(model, Spec | Graph)


def _no_model(function: str, given: object) -> UsageError:
    if any(
        base.__module__.startswith("torch.") for base in (given if isinstance(given, type) else type(given)).__mro__
    ):
        advice = "a torch module is counted by `archprof.measure(module, (3, 224, 224))`"
    else:
        advice = 'as in `"mobilenet_v2"`, or the path of a file: `"specs/mine.yaml"`'
    return usage_error(f"`{function}` takes the name of a network, not {as_given(given)}", help=advice)


def _mapping(settings: Any) -> Mapping[str, object]:
    if settings is not None and not isinstance(settings, Mapping):
        message = f"expected settings by address, not {as_given(settings)}"
        raise usage_error(message, help='as in `load("mobilenet_v2", {"layers[1].rows[2].k": 5}, width=0.75)`')
    return settings or {}


def _typed(settings: Mapping[str, object]) -> list[tuple[str, str]]:
    return [(str(key), _text(value)) for key, value in settings.items()]


def _text(value: object) -> str:
    """Return a setting as it would be typed: `192x256` for (192, 256), `true` for True."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    return str(value)


def __getattr__(name: str) -> Any:
    if name in ("Measurement", "Report"):
        from archprof.render import objects

        return getattr(objects, name)
    if name == "Spec":
        from archprof.spec.types import Spec

        return Spec
    raise AttributeError(f"module 'archprof' has no attribute '{name}'")
