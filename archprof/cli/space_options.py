"""The limits of `archprof space` as they are typed, and its answer while it is computed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from archprof.cli.progress import clear_progress, progress_of
from archprof.cli.sweep_options import bound_of
from archprof.errors import usage_error

if TYPE_CHECKING:
    from archprof.space.report import Request, SpaceReport
    from archprof.space.wanted import SpaceWords


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
