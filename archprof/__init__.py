"""What a network costs, where, and why: exact, from its table.

    >>> import archprof
    >>> report = archprof.analyze("mobilenet_v2", width=0.75)
    >>> report.totals.macs
    209069792

Nothing here imports torch until `build` or `measure` is called.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from archprof.errors import ArchprofError, InputError, SpecError, UsageError, usage_error

if TYPE_CHECKING:
    import torch

    from archprof.costs.report import Report
    from archprof.ir.graph import Graph
    from archprof.runtime.measure import Measurement
    from archprof.runtime.network import Network
    from archprof.spec.types import Spec

__version__ = "0.1.0"
__all__ = [
    "ArchprofError",
    "InputError",
    "Report",
    "Spec",
    "SpecError",
    "UsageError",
    "analyze",
    "build",
    "expand",
    "load",
    "measure",
]


def load(reference: str, settings: Mapping[str, object] | None = None, /, **knobs: object) -> "Spec":
    """Return the spec of a network: a catalog name, an alias, a path or `-`, with `@width=0.75,…` behind it if wanted.

    *knobs* are set by keyword (`width=0.75`, `resolution="192x256"`), addresses by the mapping
    (`{"layers[1].rows[2].k": 5}`). Raises SpecError with everything that is wrong in the file.
    """
    from archprof.language.registry import spellings
    from archprof.spec.load import load as load_spec

    return load_spec(reference, _typed({**(settings or {}), **knobs}), spellings=spellings)


def expand(model: "str | Spec", /, **knobs: object) -> "Graph":
    """Return the graph of a network: every operator with its path, shapes and place in the spec.

    Raises SpecError for a spec that cannot be read or whose rows do not fit together.
    """
    from archprof.language.expand import expand as expand_spec
    from archprof.language.expand import read_network

    return read_network(model, _typed(knobs)) if isinstance(model, str) else expand_spec(model)


def analyze(model: "str | Spec | Graph", /, **knobs: object) -> "Report":
    """Return what a network costs, operator by operator, by closed formulas: params, MACs, buffers and activations as
    exact integers. A graph is costed as it is.

    Raises SpecError for a spec that cannot be read or whose rows do not fit together.
    """
    from archprof.costs.report import analyze_graph
    from archprof.ir.graph import Graph

    return analyze_graph(model if isinstance(model, Graph) else expand(model, **knobs))


def build(model: "str | Spec", /, **knobs: object) -> "Network":
    """Return a network as an initialised torch module, in training mode, for inputs of shape (batch, C, H, W).

    Raises SpecError for a bad spec, UsageError where torch is not installed.
    """
    from archprof.runtime.build import build_network

    return build_network(expand(model, **knobs))


def measure(
    model: "str | Spec | torch.nn.Module",
    input: tuple[int, ...] | None = None,
    /,
    counter: str = "fvcore",
    **knobs: object,
) -> "Measurement":
    """Return what fvcore or torch's FlopCounterMode count on a network of ours or on any torch module.

    *input* is the input's shape (C, H, W), needed for a module of one's own. The module is left as it was (hooks,
    mode, buffers), and so are random generators, torch's default type and its threads. Raises UsageError where
    torch or fvcore is not installed or a counter is unknown.
    """
    from archprof.runtime.measure import measure_module, measure_network
    from archprof.spec.types import Spec

    if isinstance(model, str | Spec):
        return measure_network(expand(model, **knobs), counter)
    if input is None:
        raise usage_error("a module needs the shape of its input", help="measure(module, (3, 224, 224))")
    return measure_module(model, input, counter)


def _typed(settings: Mapping[str, object]) -> list[tuple[str, str]]:
    return [(key, _text(value)) for key, value in settings.items()]


def _text(value: object) -> str:
    """Return a setting as it would be typed: `192x256` for (192, 256), `true` for True."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    return str(value)


def __getattr__(name: str) -> Any:
    if name == "Report":
        from archprof.costs.report import Report

        return Report
    if name == "Spec":
        from archprof.spec.types import Spec

        return Spec
    raise AttributeError(f"module 'archprof' has no attribute '{name}'")
