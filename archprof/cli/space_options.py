"""The limits of `archprof space` as they are typed, and its answer while it is computed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from archprof.cli.progress import clear_progress, progress_of
from archprof.cli.sweep_options import bound_of

if TYPE_CHECKING:
    from archprof.space.report import Request, SpaceReport


def limits_typed(limits: Mapping[str, str | None]) -> dict[str, int]:
    """Return limits by their metrics, in what these are counted in. Raises SpecError for what is none."""
    return {name: bound_of(name, text).value.__floor__() for name, text in limits.items() if text is not None}


def with_progress(request: "Request") -> "SpaceReport":
    """Return what is known of a space, with a line on a terminal while it is computed."""
    from archprof.space.report import report

    try:
        return report(request, progress_of(request.model))
    finally:
        clear_progress()
