"""The options that commands share: the same word means the same everywhere."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archprof.named_tuple import NamedTuple

if TYPE_CHECKING:
    from archprof.costs import convention as rules


def one_network(ctx: typer.Context, model: str) -> str:
    """Return the network of an argument, or the one that its pattern matches. Raises UsageError where that matches
    several."""
    found = [model] if is_code(model) else networks([model])
    if len(found) == 1:
        return found[0]
    from archprof.errors import usage_error

    listed = f"{', '.join(found[:_FEW_NETWORKS])}{', …' if len(found) > _FEW_NETWORKS else ''}"
    raise usage_error(
        f"`{model}` matches {len(found)} networks, of which `{ctx.command_path}` takes one",
        help=f"{listed}; `archprof compare` takes several",
    )


def is_code(model: str) -> bool:
    """Tell whether a model is named as code, whose arguments may hold the signs of patterns."""
    if ":" not in model:
        return False
    from archprof.captures import source

    return source.is_code(model)


def really(real: bool, *models: str) -> bool:
    """Return what `--real` asks for. Raises UsageError where it is asked of no code."""
    if real and not any(map(is_code, models)):
        from archprof.errors import usage_error
        from archprof.inputs import shown_name

        raise usage_error(
            f"`--real` runs code, and `{shown_name(models[0])}` is none", help="as in `net.py:Net --real`"
        )
    return real


def networks(models: list[str]) -> list[str]:
    """Return the networks of arguments, each pattern as what it matches."""
    from archprof.spec import catalog

    if not any(map(catalog.is_pattern, models)):
        return models
    from archprof.analysis.targets import references

    return references(models)


def networks_and_code(models: list[str]) -> list[str]:
    """Return the networks of arguments, each pattern as what it matches, and code as it was typed."""
    if not any(map(is_code, models)):
        return networks(models)
    found = [one for model in models for one in ([model] if is_code(model) else networks([model]))]
    return list(dict.fromkeys(found))


_FEW_NETWORKS = 8

Model = Annotated[
    str,
    typer.Argument(
        help="A name or alias of the catalog, a path, or `-`; `@knob=value,…` behind it sets knobs.",
        metavar="MODEL",
        callback=one_network,
    ),
]
AnyModel = Annotated[
    str,
    typer.Argument(
        help="A name or alias of the catalog, a path, or `-`, with `@knob=value,…` behind it; an ONNX file, with sizes"
        " of its axes, `net.onnx@H=320,W=320`; or code that makes a torch module: `torchvision:resnet50`, `timm:…`,"
        " `net.py:Net`, `pkg.models:make(width=0.5)`.",
        metavar="MODEL",
        callback=one_network,
    ),
]
AnyModels = Annotated[
    list[str],
    typer.Argument(
        help="Names, paths, variants or patterns: `v1 v2@width=1.4 'resnet*' net.onnx`; or code that makes a torch"
        " module: `torchvision:resnet50`, `net.py:Net`.",
        metavar="MODEL...",
        callback=networks_and_code,
    ),
]
Models = Annotated[
    list[str],
    typer.Argument(
        help="Names, paths, variants or patterns: `v1 v2@width=1.4 'resnet*'`.", metavar="MODEL...", callback=networks
    ),
]
Width = Annotated[str | None, typer.Option("--width", help="Width multiplier.", metavar="W")]
_SIZES = "Input size: `192`, `192x256` (height × width) or `3x192x256`."
Resolution = Annotated[
    str | None,
    typer.Option("--resolution", "--input", help=_SIZES, metavar="R"),
]
Size = Annotated[
    str | None,
    typer.Option("--resolution", help=_SIZES, metavar="R"),
]
Input = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        help="An input without the batch: `3x224x224`; of a module or an ONNX file also `ids=128:int64`, `n:=8`."
        " Repeatable. Of several"
        " networks each takes it, one of the catalog as its resolution.",
        metavar="[NAME=]SHAPE[:TYPE]",
    ),
]
Train = Annotated[
    bool,
    typer.Option(
        "--train",
        help="Code, or a lock of both modes, as it trains: dropout, batch norm, auxiliary heads; forward alone.",
    ),
]
ModeOrOptimizer = Annotated[
    str | None,
    typer.Option(
        "--train",
        help="Code, or a lock of both modes, as it trains: dropout, batch norm, auxiliary heads; forward alone. With"
        " `--bytes`, of any network, a step of training by sgd, momentum, adam or adamw.",
        metavar="[OPTIMISER]",
    ),
]
Real = Annotated[
    bool,
    typer.Option(
        "--real", help="Run code for real, once, with random weights and inputs: where data decides on sizes."
    ),
]
Classes = Annotated[str | None, typer.Option("--classes", help="Number of classes.", metavar="N")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="Set a knob or a cell: `layers[1].rows[2].k=5`. Repeatable.", metavar="PLACE=VALUE"),
]
Format = Annotated[str | None, typer.Option("--format", help="table, markdown, csv or json.", metavar="FORMAT")]
Output = Annotated[
    str | None, typer.Option("-o", "--output", help="Write to a file; its suffix gives the format.", metavar="FILE")
]
Depth = Annotated[
    int | None, typer.Option("--depth", min=1, help="Fold rows to so many segments of their paths.", metavar="N")
]
Full = Annotated[bool, typer.Option("--full", help="Show every operator.")]
Sort = Annotated[
    str | None, typer.Option("--sort", help="Sort by params, trainable, buffers, macs or activations.", metavar="KEY")
]
Top = Annotated[int | None, typer.Option("--top", min=1, help="Show only the first rows.", metavar="N")]
Measure = Annotated[bool, typer.Option("--measure", help="Measure the torch module too, and compare.")]
Counter = Annotated[
    str | None,
    typer.Option("--counter", help="What measures: fvcore (unless given), torch or both.", metavar="NAME"),
]
Convention = Annotated[
    list[str] | None,
    typer.Option(
        "--convention", help="Count as another tool too: fvcore, ptflops, thop, torchinfo … Repeatable.", metavar="NAME"
    ),
]
Flops = Annotated[bool, typer.Option("--flops", help="Show FLOPs too, 2 per MAC.")]


def _plot(what: str) -> Any:
    return typer.Option("--plot", help=f"Draw {what}: out.svg, out.png, out.pdf; `-` draws here.", metavar="FILE")


PlotComparison = Annotated[str | None, _plot("accuracy, or params, against MACs")]
PlotSweep = Annotated[str | None, _plot("params against MACs")]
PlotSolve = Annotated[str | None, _plot("all networks of the range, and what fits")]
PlotShares = Annotated[str | None, _plot("the share of the standard's MACs over N")]
PlotMemory = Annotated[str | None, _plot("the bytes over time")]
PlotRoofline = Annotated[str | None, _plot("calls under the device's roofline")]
Jobs = Annotated[int | None, typer.Option("--jobs", min=1, help="Processes; all cores unless given.", metavar="N")]
Scheduler = Annotated[
    str | None,
    typer.Option("--scheduler", help="A Dask cluster that computes: `tcp://host:8786`.", metavar="ADDRESS"),
]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colour.")]


def check_rows(depth: int | None, *, full: bool) -> None:
    """Raise UsageError where rows are to be folded and all shown."""
    if full and depth is not None:
        from archprof.errors import usage_error

        raise usage_error("`--full` and `--depth` at once", help="all rows, or folded ones: leave one out")


def conventions(given: list[str] | None, *, train: bool) -> "tuple[rules.Convention, ...]":
    """Return the conventions of `--convention`. Raises UsageError for one that there is not, and for any of what should
    *train*."""
    if not given:
        return ()
    if train:
        from archprof.errors import usage_error

        advice = "what another tool counts is known of evaluation"
        raise usage_error("`--convention` and `--train` at once", help=advice)
    from archprof.costs.tools import find_conventions

    return find_conventions(given)


class Knobs(NamedTuple):
    """The options that set a network."""

    width: Width = None
    resolution: Size = None
    input: Input = None
    classes: Classes = None
    set: Set = None

    @property
    def settings(self) -> list[tuple[str, str]]:
        """What is asked for but inputs, as `settings` has it."""
        return settings(self.width, self.resolution, self.classes, self.set)


def settings(
    width: str | None, resolution: str | None, classes: str | None, assignments: Iterable[str] | None
) -> list[tuple[str, str]]:
    """Return the settings that options ask for, in the order width, resolution, classes, then `--set` as typed.

    Raises SpecError for a `--set` that is no `place=value`.
    """
    from archprof.spec.variant import parse_setting

    named = [("width", width), ("resolution", resolution), ("classes", classes)]
    return [(key, value) for key, value in named if value is not None] + [
        parse_setting(text) for text in assignments or ()
    ]


def ignored(given: Iterable[str] | None) -> tuple[str, ...]:
    """Return what `--ignore` names: kinds of operator and fields; a comma lists.

    Raises UsageError for a word that is neither.
    """
    words = tuple(word.strip() for text in given or () for word in text.split(","))
    if not words:
        return ()
    from archprof.analysis.diff import check_ignored

    check_ignored(words, "--ignore")
    return words
