"""What a network costs, where, and why: exact, from its table.

    >>> import archprof
    >>> report = archprof.analyze("mobilenet_v2", width=0.75)
    >>> report.totals.macs
    209069792

Nothing here imports torch until `build`, `capture`, `lock` or `measure` is called.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archprof.errors import ArchprofError, InputError, SpecError, UsageError, as_given, usage_error

if TYPE_CHECKING:
    import os

    import torch

    from archprof.ir.graph import Graph
    from archprof.render.objects import Measurement, Report
    from archprof.render.results import Comparison, Diff, Latency, Memory, Outcome
    from archprof.render.space import Space
    from archprof.runtime.network import Network
    from archprof.spec.types import Spec

__version__ = "0.1.0"
__all__ = [
    "ArchprofError",
    "Comparison",
    "Diff",
    "InputError",
    "Latency",
    "Measurement",
    "Memory",
    "Outcome",
    "Report",
    "Space",
    "Spec",
    "SpecError",
    "UsageError",
    "analyze",
    "build",
    "capture",
    "check",
    "compare",
    "diff",
    "expand",
    "latency",
    "load",
    "lock",
    "measure",
    "memory",
    "search",
]


def load(
    reference: "str | os.PathLike[str]", settings: Mapping[str, object] | None = None, /, **knobs: object
) -> "Spec":
    """Return the spec of a network: a catalog name, an alias, a path or `-`, with `@width=0.75,…` behind it if wanted.

    *knobs* are set by keyword (`width=0.75`, `resolution="192x256"`), addresses by the mapping
    (`{"layers[1].rows[2].k": 5}`). Raises SpecError with everything that is wrong in the file, UsageError for an
    argument that is none.
    """
    from archprof.language.spellings import spellings
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
    if not graph.origin.is_table:
        message = f"`measure` builds a module, and `{graph.origin.name}` is a graph without a block table"
        raise usage_error(message, help="measure the module itself: `archprof.measure(module, (3, 224, 224))`")
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


def memory(
    model: "str | os.PathLike[str] | Spec | Graph | torch.nn.Module",
    input: Any = None,
    /,
    *,
    batch: int | None = None,
    dtype: str | None = None,
    train: str | None = None,
    amp: str | None = None,
    checkpoint: str | None = None,
    accumulate: int | None = None,
    layout: str | None = None,
    kernels: str | None = None,
    fits: int | str | None = None,
    order: str | None = None,
    in_place: str | None = None,
    patches: int | None = None,
    rounding: int | None = None,
    **knobs: object,
) -> "Memory":
    """Return what a network holds in memory, in bytes, and what is there at the peak: in inference, or to *train* with
    an optimiser in a step of training. The words are those of `archprof memory`; what *fits* into so many bytes, or
    `"24GiB"`, is the largest batch, which `fit` tells of.

    A module of one's own is captured on *input* as `capture` does it, to *train* in training mode. Raises SpecError and
    UsageError as `analyze` and `capture` do, for words that contradict each other, and for a graph that was captured in
    evaluation and should train.
    """
    from archprof.allocation.asked import asks_best, check_number, setup_of
    from archprof.analysis.largest_batch import describe_largest, size_of
    from archprof.analysis.memory import describe_memory
    from archprof.render.results import Memory

    asked = {"batch": batch, "dtype": dtype, "train": train, "amp": amp, "checkpoint": checkpoint}
    asked |= {"accumulate": accumulate, "layout": layout, "kernels": kernels, "in_place": in_place, "patches": patches}
    setup = setup_of(asked, "{}")
    best = asks_best(order, setup, "{}")
    if rounding is not None:
        check_number(rounding, "rounding", 1)
    if fits is not None and (batch or order or in_place or patches or rounding):
        message = "`fits` and a batch or another order at once"
        raise usage_error(message, help="`fits` finds a batch, of the network as it stands")
    module: Any = model
    graph = capture(module, input, train=bool(train)) if _is_module(model) else _trained(model, knobs, bool(train))
    if fits is None:
        return Memory(*describe_memory(graph, setup, best=best, rounding=rounding))
    return Memory(*describe_largest(graph, setup, size_of(str(fits), f"fits={fits}")))


def latency(
    model: "str | os.PathLike[str] | Spec | Graph | torch.nn.Module",
    input: Any = None,
    /,
    *,
    device: "str | os.PathLike[str]",
    batch: int | None = None,
    dtype: str | None = None,
    layout: str | None = None,
    runtime: str | None = None,
    execution: str | None = None,
    **knobs: object,
) -> "Latency":
    """Return how long a network takes on a *device*, by the name of its profile or the path of one: `estimate` is the
    time in ms with its interval, `layers` are the calls. The words are those of `archprof latency`.

    A module of one's own is captured on *input* as `capture` does it. Raises SpecError and UsageError as `analyze` and
    `capture` do, and UsageError for a device that nobody knows and for what its profile was not calibrated for.
    """
    from archprof.analysis.latency import describe_latency
    from archprof.devices.asked import Asked
    from archprof.devices.profile_file import read_profile
    from archprof.render.results import Latency

    profile, asked = read_profile(str(device)), Asked(batch, dtype, layout, runtime, execution)
    module: Any = model
    graph = capture(module, input) if _is_module(model) else _graph("latency", model, knobs)
    return Latency(*describe_latency(graph, profile, asked))


def search(
    model: "str | os.PathLike[str]",
    /,
    fix: Mapping[str, object] | None = None,
    *,
    resolution: str | int | None = None,
    max_macs: int | str | None = None,
    max_params: int | str | None = None,
    max_activations: int | str | None = None,
    max_peak: int | str | None = None,
    max_weights: int | str | None = None,
    max_latency: str | None = None,
    histogram: str | None = None,
    bins: int | None = None,
    quantiles: str | Iterable[float] | None = None,
    sample: int | None = None,
    drawn: bool = False,
    seed: int | None = None,
    minimize: str | None = None,
    maximize: str | None = None,
    top: int | None = None,
    pareto: str | Iterable[str] | None = None,
    scores: "str | os.PathLike[str] | None" = None,
    device: "str | os.PathLike[str] | None" = None,
    batch: int | None = None,
    dtype: str | None = None,
    layout: str | None = None,
    runtime: str | None = None,
    execution: str | None = None,
    in_place: str | None = None,
    patches: int | None = None,
    jobs: int = 1,
    **knobs: object,
) -> "Space":
    """Return what is known of a space, a spec whose cells are choices: how many networks it has, what they cost, how
    many keep the limits, and those in `found` that were asked for, as a *sample*, the best or a front. The words are
    those of `archprof space`: `search("space_ofa_mbv3", max_macs="200M", maximize="macs")`; *fix* leaves draws out,
    `{"layers[2].rows[0].k": 3}`. `load(name, network=rank)` is a network of it.

    Several input sizes, `"128:224:32"`, are looked at one by one, or by so many processes. Raises SpecError for a spec
    that is wrong, UsageError for what is no space, for words that do not go together, for questions that it cannot
    answer, and where numpy is not installed.
    """
    from archprof.sweep.asking import require_numpy

    require_numpy("search")
    from archprof.allocation.asked import check_number, setup_of
    from archprof.analysis.stated import amounts_of
    from archprof.devices.asked import Asked, on_device
    from archprof.render.space import Space
    from archprof.space.report import report
    from archprof.space.wanted import SpaceWords, request_of
    from archprof.spec.catalog import reference_of

    name = reference_of(model)
    if name is None:
        raise _no_model("search", model)
    for word, value in (("bins", bins), ("top", top), ("jobs", jobs), ("sample", sample)):
        if value is not None:
            check_number(value, word)
    if seed is not None:
        check_number(seed, "seed", 0)
    for word, count in (("histogram", histogram), ("minimize", minimize), ("maximize", maximize)):
        _check_word(word, count)
    most = {"macs": max_macs, "params": max_params, "activations": max_activations}
    most |= {"peak": max_peak, "weights": max_weights, "latency": max_latency}
    wanted = SpaceWords(
        amounts_of(most), histogram, bins, _in_a_row("quantiles", quantiles, str | int | float), sample, drawn, seed,
        minimize, maximize, top, _in_a_row("pareto", pareto, str),
        None if scores is None else str(scores), None if resolution is None else str(resolution),
    )  # fmt: skip
    on = on_device(None if device is None else str(device), Asked(batch, dtype, layout, runtime, execution), "{}")
    words = {"batch": batch, "dtype": dtype, "layout": layout, "in_place": in_place, "patches": patches}
    setup = setup_of(words, "{}") if any(word is not None for word in words.values()) else None
    request = request_of(name, _typed(knobs), wanted, setup, on, "{}", _typed(_mapping(fix)))._replace(jobs=jobs)
    return Space(*report(request))


def lock(graph: "Graph", file: "str | os.PathLike[str]", /) -> None:
    """Write a graph that was captured to a lock, a file to be kept in git: `lock(graph, "net.lock.json")`.

    `analyze`, `check`, `compare` and `diff` take its name, without torch. Raises UsageError for a graph that was not
    captured here, a name that does not end with `.lock.json`, and a file that cannot be written.
    """
    from archprof.captures.lock_kept import write_lock
    from archprof.captures.lock_text import lock_text
    from archprof.captures.written import lock_of
    from archprof.ir.graph import Graph
    from archprof.spec.catalog import check_lock_name

    given: Any = graph
    if not isinstance(given, Graph):
        advice = "as in `archprof.lock(archprof.capture(module, (3, 224, 224)), 'net.lock.json')`"
        raise usage_error(f"`lock` takes a captured graph, not {as_given(graph)}", help=advice)
    path = str(file)
    check_lock_name(path)
    write_lock(path, lock_text(lock_of(graph, __version__)))


def check(
    model: "str | os.PathLike[str] | Spec | Graph",
    /,
    *,
    allow_uncounted: "bool | str | Iterable[str]" = False,
    **limits: object,
) -> "Outcome":
    """Return whether a network keeps limits, `check("net.lock.json", macs="220M", params="5.5M")`, or whether all do
    that a pattern matches: `failures` are those that are exceeded. Those of memory, `peak="320KiB"` and
    `weights="4MiB"`, are at one image in fp32, or at a `batch`, a `dtype` and all other words of `memory` that stand
    beside them: `check("v3", peak="8GiB", batch=32, train="adamw")`.

    Operators that are not counted fail a limit of MACs, unless *allow_uncounted*: all, or those named. Raises SpecError
    for them, and for a network or a limit that is wrong; TypeError for a metric that there is not.
    """
    from archprof.analysis.stated import allowance, check_stated, limits_of
    from archprof.render.results import Outcome
    from archprof.spec.catalog import reference_of

    named = reference_of(model)
    held = limits_of(limits), allowance(allow_uncounted)
    return Outcome(*check_stated(_graph("check", model, {}) if named is None else named, *held))


def compare(*models: "str | os.PathLike[str] | Spec | Graph", relative_to: str | None = None) -> "Comparison":
    """Return networks side by side; ratios relate to the first, or to the one named.

    Raises SpecError and UsageError as `analyze` does, and for a name that is not among them.
    """
    from archprof.analysis.compare import compare as compared
    from archprof.costs.report import analyze_graph
    from archprof.render.results import Comparison

    if not models:
        raise usage_error("`compare` compares nothing", help='as in `archprof.compare("v2", "v3")`')
    if relative_to is not None and not isinstance(relative_to, str):
        raise usage_error(f"`relative_to` is the name of a network, not {as_given(relative_to)}")
    return Comparison(*compared([analyze_graph(_graph("compare", model, {})) for model in models], relative_to))


def diff(
    before: "str | os.PathLike[str] | Spec | Graph",
    after: "str | os.PathLike[str] | Spec | Graph",
    /,
    ignore: str | Iterable[str] = (),
) -> "Diff":
    """Return what changed between two networks, without the kinds of operator and the fields that one is to *ignore*.

    Raises SpecError and UsageError as `analyze` does, and for a word to ignore that is no kind and no field.
    """
    from archprof.analysis.diff import check_ignored
    from archprof.analysis.diff import diff as difference
    from archprof.costs.report import analyze_graph
    from archprof.render.results import Diff

    first, second = (analyze_graph(_graph("diff", model, {})) for model in (before, after))
    words = (ignore,) if isinstance(ignore, str) else tuple(ignore)
    check_ignored(words, "ignore")
    return Diff(*difference(first, second, words))


def _is_module(given: object) -> bool:
    return any(one.__module__.startswith("torch.") for one in type(given).__mro__)


def _trained(model: Any, knobs: Mapping[str, object], train: bool) -> "Graph":
    """Return a network as `_graph` does, to *train* in training mode."""
    from archprof.analysis.models import read_data
    from archprof.spec.catalog import reference_of

    name = reference_of(model)
    if name is not None:
        return read_data(name, _typed(knobs), train=train)
    graph = _graph("memory", model, knobs)
    if train and not graph.training and not graph.origin.is_table:
        message = f"`{graph.origin.name}` was captured in evaluation"
        raise usage_error(message, help="`archprof.capture(module, …, train=True)` captures it in training")
    return graph


def _graph(function: str, model: Any, knobs: Mapping[str, object]) -> "Graph":
    """Return the network that an argument of one of our functions means. Raises UsageError where it is none."""
    from archprof.analysis.models import read_data
    from archprof.spec.catalog import reference_of

    name = reference_of(model)
    if name is not None:
        return read_data(name, _typed(knobs))
    from archprof.ir.graph import Graph
    from archprof.language.expand import expand as expand_spec

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
        of_graph = f"archprof.{function}(archprof.capture(module, (3, 224, 224)))"
        takes_graphs = function not in ("build", "load")
        advice = f"as in `{of_graph if takes_graphs else 'archprof.measure(module, (3, 224, 224))'}`"
    else:
        advice = 'as in `"mobilenet_v2"`, or the path of a file: `"specs/mine.yaml"`'
    return usage_error(f"`{function}` takes the name of a network, not {as_given(given)}", help=advice)


def _mapping(settings: Any) -> Mapping[str, object]:
    if settings is not None and not isinstance(settings, Mapping):
        message = f"expected settings by address, not {as_given(settings)}"
        raise usage_error(message, help='as in `load("mobilenet_v2", {"layers[1].rows[2].k": 5}, width=0.75)`')
    return settings or {}


def _check_word(word: str, value: Any) -> None:
    if value is not None and not isinstance(value, str):
        raise usage_error(f"`{word}` is the name of a count, not {as_given(value)}")


def _in_a_row(word: str, value: Any, kind: Any) -> str | None:
    """Return several values as they would be typed."""
    if value is None or isinstance(value, str):
        return value
    values = list(value) if isinstance(value, Iterable) else [None]
    if not all(isinstance(one, kind) for one in values):
        raise usage_error(f"`{word}` are words or numbers in a row, not {as_given(value)}")
    return ",".join(map(str, values))


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
    if name in ("Comparison", "Diff", "Latency", "Memory", "Outcome"):
        from archprof.render import results

        return getattr(results, name)
    if name == "Space":
        from archprof.render.space import Space

        return Space
    if name == "Spec":
        from archprof.spec.types import Spec

        return Spec
    raise AttributeError(f"module 'archprof' has no attribute '{name}'")
