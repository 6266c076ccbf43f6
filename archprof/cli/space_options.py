"""What `archprof space` is asked as it is typed, and its answer while it is computed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from archprof.cli import options
from archprof.cli.limit_options import Limits
from archprof.cli.progress import clear_progress, progress_of
from archprof.cli.sweep_options import bound_of
from archprof.errors import usage_error
from archprof.named_tuple import NamedTuple
from archprof.outputs import write_file

if TYPE_CHECKING:
    from archprof.space.report import Request, SpaceReport
    from archprof.space.wanted import SpaceWords


_COUNTS = "macs, params, activations or score"
_SPEC_ENDS = (".yaml", ".yml")

Resolution = Annotated[
    str | None,
    typer.Option(
        "--resolution", "--input", help="Input sizes: `224`, `128:224:4`; `all` that the space names.", metavar="AXIS"
    ),
]
Fix = Annotated[
    list[str] | None,
    typer.Option("--fix", help="Leave a draw out: `layers[2].rows[0].k=3`. Repeatable.", metavar="PLACE=VALUE"),
]
Plot = Annotated[
    str | None,
    typer.Option(
        "--plot",
        help="Draw the histogram, or the networks found: out.svg, out.png, out.pdf; `-` draws here.",
        metavar="FILE",
    ),
]


class Wanted(NamedTuple):
    """What is told of the networks within the limits, and which of them are looked for."""

    histogram: Annotated[
        str | None, typer.Option("--histogram", help="How many networks cost how much of a count.", metavar="COUNT")
    ] = None
    bins: Annotated[
        int | None, typer.Option("--bins", min=1, max=10_000, help="So many bins; 20 unless given.", metavar="N")
    ] = None
    quantiles: Annotated[
        str | None,
        typer.Option("--quantiles", help="What shares of the networks cost at most: `0.05,0.95`.", metavar="SHARES"),
    ] = None
    sample: Annotated[
        int | None, typer.Option("--sample", min=1, max=100_000, help="So many networks that fit.", metavar="N")
    ] = None
    drawn: Annotated[
        bool, typer.Option("--drawn", help="Sample as training code draws: choice by choice, not uniformly.")
    ] = False
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Which sample.", metavar="S")] = None
    minimize: Annotated[
        str | None,
        typer.Option(
            "--minimize", help=f"The networks that fit with the least {_COUNTS}, or latency.", metavar="COUNT"
        ),
    ] = None
    maximize: Annotated[
        str | None, typer.Option("--maximize", help=f"The networks that fit with the most {_COUNTS}.", metavar="COUNT")
    ] = None
    top: Annotated[int | None, typer.Option("--top", min=1, max=100_000, help="So many of the best.", metavar="N")] = (
        None
    )
    pareto: Annotated[
        str | None,
        typer.Option(
            "--pareto", help="What nothing beats in these: `macs,-score`; `-`: the larger the better.", metavar="COUNTS"
        ),
    ] = None
    scores: Annotated[
        str | None, typer.Option("--scores", help="A CSV file of `place,choice,score`.", metavar="FILE")
    ] = None
    write_spec: Annotated[
        str | None, typer.Option("--write-spec", help="Write the first network found as a plain spec.", metavar="FILE")
    ] = None

    def words(self, limits: Limits, resolution: str | None, format: str) -> "SpaceWords":
        """Return what is asked, for a table of a *format*. Raises UsageError where that has no room for it, or where
        what is to be written is no spec, SpecError for a limit that is none."""
        from archprof.space.wanted import SpaceWords

        if self.write_spec is not None and not self.write_spec.endswith(_SPEC_ENDS):
            raise usage_error(f"`--write-spec {self.write_spec}`", help="the name of a spec's file ends with `.yaml`")
        asked = {name: value for name, value in self._asdict().items() if name != "write_spec"}
        bounds = limits_typed(limits.by_metric())
        words = SpaceWords(bounds, **asked, resolution=resolution, writes=self.write_spec is not None)
        check_one_table(format, words)
        return words


class Workers(NamedTuple):
    """What computes several resolutions at once."""

    jobs: options.Jobs = None
    scheduler: options.Scheduler = None


def limits_typed(limits: Mapping[str, str | None]) -> dict[str, int]:
    """Return limits by their metrics, in what these are counted in. Raises SpecError for what is none."""
    return {name: bound_of(name, text).value.__floor__() for name, text in limits.items() if text is not None}


def check_one_table(format: str, wanted: "SpaceWords") -> None:
    """Raise UsageError for a histogram beside networks in a format of one table."""
    networks = wanted.sample or wanted.minimize or wanted.maximize or wanted.pareto
    if format == "csv" and wanted.histogram and networks:
        raise usage_error(
            "a histogram and networks in one CSV", help="ask for one of them, or `--format json` for both"
        )


def with_progress(request: "Request") -> "SpaceReport":
    """Return what is known of a space, with a line on a terminal while it is computed."""
    from archprof.space.report import report

    try:
        return report(request, progress_of(request.model))
    finally:
        clear_progress()


def write_first(path: str, request: "Request", found: "SpaceReport") -> None:
    """Write the first network found as a plain spec; nothing where none was."""
    from archprof.space.written import spec_text

    if found.found:
        write_file(path, spec_text(request, found, path))
