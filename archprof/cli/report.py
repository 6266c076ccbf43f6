"""archprof report: one page of some networks, a file that opens anywhere."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archprof.cli import device_options, options, setup_options
from archprof.cli.output import PAGES, write
from archprof.cli.pages import given, typed
from archprof.errors import Problems, usage_error
from archprof.inputs import shown_name
from archprof.sweep.asking import require_numpy

if TYPE_CHECKING:
    from archprof.devices.asked import On
    from archprof.ir.setup import Setup
    from archprof.sweep.swept_file import SweptPage

PARQUET = ".parquet"


def command(
    ctx: typer.Context,
    models: options.AnyModels,
    *,
    knobs: options.Knobs,
    real: options.Real = False,
    convention: options.Convention = None,
    words: setup_options.Words,
    train: setup_options.Optimizer = None,
    on_device: device_options.OnDevice,
    output: Annotated[
        str | None, typer.Option("-o", "--output", help="The page: `net.html`.", metavar="FILE.html")
    ] = None,
) -> None:
    """One page of some networks: a file that opens anywhere, loads nothing, and can be sent.

    It has what the other commands print: totals, every layer, a map of where MACs, params and bytes are, memory over
    time, and with `--device` times and the roofline; of several networks how they compare, and what changed from each
    to the next. Of a sweep's Parquet it has its variants, binned where there are many.
    """
    from archprof.analysis.models import read_training
    from archprof.analysis.report_page import describe_networks
    from archprof.render.page import to_page

    _check_output(output)
    if any(one.endswith(PARQUET) for one in models):
        write(to_page(_swept(models, ctx)), output)
        return
    on = device_options.device_in_inference(on_device, words, train)
    setup = _setup(words.asked(train), on)
    conventions = options.conventions(convention, train=train is not None)
    settings, real = knobs.settings, options.really(real, *models)
    graphs, wrong = [], Problems()
    for model in models:
        with wrong:
            graphs.append(
                read_training(model, settings, knobs.input, train=bool(setup.train), real=real, batch=setup.batch)
            )
    wrong.raise_any()
    found = describe_networks(graphs, setup, conventions, on, command=typed(ctx))
    write(to_page(found), output)


def _swept(models: list[str], ctx: typer.Context) -> "SweptPage":
    """Return what a page shows of the variants in a file. Raises UsageError as `read_swept` does, and for what is asked
    beside it."""
    require_numpy(f"report {shown_name(models[0])}")
    from archprof.sweep.swept_file import SweptPage, read_swept

    if len(models) > 1:
        advice = "a page has the variants of one, or networks by name"
        raise usage_error(f"`{models[0]}` and `{models[1]}` on one page", help=advice)
    for param, _ in given(ctx):
        if param.name not in ("models", "output"):
            advice = "its variants are computed already: `archprof sweep` takes it"
            raise usage_error(f"`{param.opts[0]}` and a sweep's Parquet at once", help=advice)
    return SweptPage(typed(ctx), read_swept(models[0]))


def _check_output(output: str | None) -> None:
    """Raise UsageError for a file that is not called as a page is, and for a terminal, which shows none."""
    if output is None and sys.stdout.isatty():
        raise usage_error("a page is nothing that a terminal shows", help="`-o page.html` writes it to a file")
    if output and (suffix := Path(output).suffix.lower()) and suffix not in PAGES:
        raise usage_error(f"the suffix of `{output}` is not that of a page", help=f"suffixes: {', '.join(PAGES)}")


def _setup(asked: dict[str, Any], on: "On | None" = None) -> "Setup":
    """Return the setup that bytes are of: that of the device, where there is one. Raises UsageError as
    `archprof.allocation.asked.setup_of` does."""
    from archprof.allocation.asked import setup_of

    if on is None:
        return setup_of(asked)
    profile = on.profile.setup
    return setup_of(asked | {"batch": on.batch, "dtype": profile.dtype, "layout": profile.layout})
