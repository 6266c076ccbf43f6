"""The options of `archprof solve` → what is looked for and where; and what is found as a spec."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from archprof.cli.sweep_options import bound_of
from archprof.errors import suggest, usage_error
from archprof.spec import catalog
from archprof.spec.axis import parse_axis
from archprof.spec.nodes import Scalar
from archprof.spec.printed_number import parse_count
from archprof.spec.variant import Setting, parse_reference
from archprof.sweep.asking import check_timed, require_numpy

if TYPE_CHECKING:
    from archprof.devices.asked import On
    from archprof.ir.setup import Setup
    from archprof.sweep.solve import Choices, Goal, Solution

COUNTS = ("macs", "params", "activations", "train_macs")
SCALES = ("width", "compound")
_BOUNDS = re.compile(r"([0-9.]+):([0-9.]+)", re.ASCII)


def goal_of(
    most: Mapping[str, str | None],
    target: str | None,
    maximize: str | None,
    setup: "Setup | None",
    on: "On | None" = None,
) -> "Goal":
    """Return what is looked for, of bytes at a *setup* and of times *on* a device where one is asked for. Raises
    UsageError where nothing is, or two things at once, and SpecError for what is no number."""
    if target is not None and maximize is not None:
        raise usage_error("`--target-macs` and `--maximize` at once", help="the nearest, or the most: leave one out")
    maximize = maximize or COUNTS[0]
    if maximize not in COUNTS:
        raise usage_error(f"`--maximize` names no count: `{maximize}`", help=suggest(maximize, COUNTS, "counts"))
    require_numpy("solve")
    from archprof.sweep.plan import CountLimit
    from archprof.sweep.solve import Goal

    limits = tuple(
        CountLimit(count, bound_of(count, text).value.__floor__(), True)
        for count, text in most.items()
        if text is not None
    )
    check_timed([limit.of for limit in limits], on)
    if not limits and target is None:
        raise usage_error(
            "no budget to solve for", help="`--max-macs 150M`, `--max-peak 512KiB` or `--target-macs 600M`"
        )
    return Goal(
        limits,
        maximize,
        None if target is None else round(parse_count(target, "macs").value),
        setup,
        on,
    )


def solved(
    model: str, goal: "Goal", settings: Sequence[Setting], width: str | None, resolution: str | None, scale: str
) -> "tuple[Solution, Choices]":
    """Return the solution, and what it was chosen from. Raises UsageError for options that do not go together."""
    from archprof.sweep.solve import WIDTHS, search

    if scale not in SCALES:
        raise usage_error(f"unknown scale `{scale}`", help=suggest(scale, SCALES, "scales"))
    if scale == "compound" and (width or resolution):
        raise usage_error(
            "the compound rule scales width and resolution itself", help="leave `--width` and `--resolution` out"
        )
    chosen = {"width", "depth"} if scale == "compound" else {"width", *(["resolution"] if resolution else [])}
    for name, value in (*parse_reference(model)[1], *settings):
        if name in chosen:
            advice = (
                "leave it out" if scale == "compound" else f"leave it out, or choose from it alone: `--{name} {value}`"
            )
            raise usage_error(f"`{name}={value}` is given, and `solve` chooses it", help=advice)
    resolutions = parse_axis(("resolution", resolution)).values if resolution else ()
    return search(model, goal, settings, _widths(width) if width else WIDTHS, resolutions, scale == "compound")


def check_name(write_spec: str | None) -> None:
    """Raise UsageError for a file that no command would take for a spec."""
    if write_spec is not None and not write_spec.endswith((".yaml", ".yml")):
        raise usage_error(f"`{write_spec}` is no name of a spec", help="a name that ends with .yaml or .yml")


def _widths(text: str) -> tuple[float, float] | tuple[str, ...]:
    """Return a range of widths, or the widths of an axis."""
    from archprof.spec.header import read_multiplier

    match = _BOUNDS.fullmatch(text)
    if not match:
        return parse_axis(("width", text)).values
    low, high = (float(read_multiplier(Scalar(bound, f"--width {text}"), "width")) for bound in match.groups())
    if low >= high:
        raise usage_error(f"`--width {text}` is an empty range", help="from the smaller to the larger: `0.25:2`")
    return low, high


def spec_text(model: str, settings: Sequence[Setting], found: "Solution", path: str) -> str:
    """Return the network that was found as a spec that extends the one it was found from.

    Raises UsageError for one from standard input, or with a name that is no text.
    """
    from archprof.render.json import json_text

    target, behind = parse_reference(model)
    if target == "-":
        raise usage_error("what was read from standard input cannot be extended", help="save it to a file first")
    parent = _seen_from(path, target) if catalog.is_path(target) else target
    asked = ",".join(
        f"{key}={value}" for key, value in dict([*behind, *settings, *found.best.settings.items()]).items()
    )
    if not f"{parent}{asked}".isprintable():
        raise usage_error(f"a spec cannot name `{parent}`", help="a spec is UTF-8 text: rename the file")
    name = re.sub("[^A-Za-z0-9_.-]", "_", Path(path).stem).lstrip("_.-") or "network"
    return f"archprof: 1\nname: {name}\nextends: {json_text(f'{parent}@{asked}')}\n"


def _seen_from(path: str, target: str) -> str:
    import os

    return Path(os.path.relpath(target, Path(path).parent)).as_posix()
