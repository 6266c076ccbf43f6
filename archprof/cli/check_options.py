"""The options of `archprof check` → what is to be checked."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from archprof.analysis.check import CheckRequest
from archprof.cli.output import say
from archprof.costs.metrics import OF_NETWORK, TIMES
from archprof.errors import InputError, Location, Problem, problem, suggest, usage_error
from archprof.inputs import current_folder, real_path
from archprof.ir.setup import INFERENCE, Setup
from archprof.named_tuple import NamedTuple
from archprof.outputs import goes_by
from archprof.render.formats import formats_of
from archprof.spec.budget import LIMITED, Limit, increase, read_limit
from archprof.spec.config import Config, find_config, read_config
from archprof.spec.nodes import Scalar, shorten
from archprof.spec.printed_number import decimal_note
from archprof.spec.variant import split_values

if TYPE_CHECKING:
    from archprof.analysis.baseline import Snapshot
    from archprof.costs.agreement import CountedModules
    from archprof.devices.asked import AskedOf
    from archprof.ir.graph import Graph


class HeldTo(NamedTuple):
    """The configuration, and what relative limits count from: a revision, or a baseline and the folder of its names;
    *implied* is the option by which it was asked for, *written* the baseline that is to be written."""

    config: Config | None
    revision: str
    before: "Mapping[str, Snapshot] | None"
    folder: Path
    implied: str
    written: str | None
    problems: tuple[Problem, ...]


def request_of(
    models: Sequence[str], limits: tuple[Limit, ...], held: HeldTo, *, allow_empty: bool, measure: bool
) -> CheckRequest:
    """Return what to check."""
    request = CheckRequest(
        tuple(models), held.config, limits, held.before, held.folder, held.revision, allow_empty,
        measure=_measure if measure else None, implied=held.implied, problems=held.problems,
    )  # fmt: skip
    if held.written is None:
        return request
    from archprof import __version__
    from archprof.spec.git import head

    # A stream is in no folder: names count from the current one.
    keep = Path() if goes_by(held.written) else Path(held.written).parent
    return request._replace(keep=keep, version=__version__, commit=head())


def held_to(config: str | None, baseline: str | None, against: str | None, written: str | None) -> HeldTo:
    """Return what networks are held to.

    Raises UsageError for options that do not go together and where there is no current folder, and SpecError for a
    configuration that is wrong.
    """
    here = current_folder()
    found = read_config(config) if config is not None else find_config(here)
    revision = _revision(against, baseline)
    place = baseline or (str(found.folder / found.baseline) if found and found.baseline and not revision else None)
    before, wrong = _before(place, written)
    folder = Path(place or written or "baseline.json").parent
    implied = f"--against git:{revision}" if against else f"--baseline {baseline}" if baseline else ""
    return HeldTo(found, revision, before, folder, implied, written, wrong)


def limits_of(
    most: Mapping[str, str | None],
    listed: Mapping[str, list[str] | None],
    setup: Setup | None,
    on: "AskedOf | None" = None,
) -> tuple[Limit, ...]:
    """Return the limits of options: `--max-macs 220M` by metric, `--max-increase macs=1%,params=0` by option; those on
    bytes of memory at a *setup*, those on times *on* a device.

    Raises SpecError for what is none, and UsageError for a setup or a device without such a limit, and for a limit on a
    time without a device.
    """
    limits = [
        read_limit(metric, "max", Scalar(text, *Location(f"--max-{metric} {text}", 0, 0)))
        for metric, text in most.items()
        if text is not None
    ]
    limits += [limit for option, texts in listed.items() for limit in _listed(option, texts)]
    timed = any(limit.metric in TIMES for limit in limits)
    if on is None and timed:
        raise usage_error("a limit on a time, and no device", help="as in `--max-latency 2ms --device h100`")
    if on is not None and not timed:
        raise usage_error("`--device` without a limit on a time", help="`--max-latency 2ms` is one")
    if setup is not None and not timed and not any(limit.metric in OF_NETWORK for limit in limits):
        advice = "`--max-peak 320KiB` or `--max-weights 4MiB` limits them"
        from archprof.allocation.asked import spelled

        given = [name for name, word in setup._asdict().items() if word != getattr(INFERENCE, name)]
        words = "` and `".join(spelled(name, "--{}") for name in given)
        raise usage_error(f"`{words or '--batch'}` without a limit on bytes", help=advice)
    for limit in limits:
        if note := decimal_note(limit.text, limit.metric):
            say(f"note: {note}")
    return tuple([limit.at(setup or INFERENCE, on) for limit in limits])


def _listed(option: str, given: list[str] | None) -> list[Limit]:
    limits = []
    for text in given or ():
        place = Location(f"--{option} {text}", 0, 0)
        for part in split_values(text):
            metric, _, amount = (word.strip() for word in part.partition("="))
            if not amount:
                example = "1%" if option == "max-increase" else "220M"
                is_amount = metric.rstrip("%kKMG").replace(".", "").isdecimal()
                stated = f"{metric}={example}" if metric in LIMITED else f"macs={metric if is_amount else example}"
                advice = f"as in `--{option} {stated}`"
                raise problem(f"`{shorten(part)}` states no limit", place, help=advice)
            if metric not in LIMITED:
                raise problem(f"there is no metric `{metric}`", place, help=suggest(metric, LIMITED, "metrics"))
            typed = Scalar(amount, *place)
            limits.append(increase(metric, typed) if option == "max-increase" else read_limit(metric, option, typed))
    return limits


def report_of(text: str) -> tuple[str, str]:
    """Return the format and the file of `junit=out.xml`. Raises UsageError for another form."""
    format, _, path = text.partition("=")
    names = [one.name for one in formats_of("check")]
    if format not in names:
        raise usage_error(f"unknown format `{format}`", help=suggest(format, names, "formats"))
    if not path:
        raise usage_error(f"`--report {text}` names no file", help=f"as in `--report {format}=FILE`")
    return format, path


def check_apart(files: Iterable[str | None]) -> None:
    """Raise UsageError where two results go to one file, which would hold the last of them."""
    known: set[str] = set()
    for file in files:
        if file is None or goes_by(file):
            continue
        path = real_path(file)
        if path in known:
            raise usage_error(f"two results go to `{file}`", help="name a file for each")
        known.add(path)


def _revision(against: str | None, baseline: str | None) -> str:
    """Return the revision of `git:REV`, or of `REV`. Raises UsageError for another form, and beside a baseline."""
    if against is None:
        return ""
    if baseline is not None:
        raise usage_error("`--against` and `--baseline` at once", help="limits count from one of them")
    revision = against.removeprefix("git:")
    if not revision or ":" in revision:
        raise usage_error(f"`--against {against}` names no revision", help="as in `--against origin/main`")
    return revision


def _before(baseline: str | None, written: str | None) -> "tuple[Mapping[str, Snapshot] | None, tuple[Problem, ...]]":
    """Return what a baseline holds, and what is wrong with it; one that is about to be written for the first time holds
    nothing."""
    from archprof.analysis.baseline import read_baseline

    place = baseline or written
    if place is None or (not baseline and goes_by(place)):
        return None, ()
    if written is not None and real_path(written) == real_path(place) and not Path(place).exists():
        return {}, ()
    try:
        return read_baseline(place), ()
    except InputError as error:
        return {}, error.problems


def _measure(graph: "Graph") -> "CountedModules":
    from archprof.runtime.measure import measure_network

    return measure_network(graph, "both")
