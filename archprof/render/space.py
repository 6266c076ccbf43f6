"""A space of networks as a table, `archprof space`, and as the result in Python that prints so."""

import re
from collections.abc import Iterable, Iterator
from itertools import accumulate, groupby
from typing import Any

from archprof.costs.metrics import MEMORY, TIMES, label_of
from archprof.render.objects import Shown
from archprof.render.siblings import merged_paths
from archprof.render.sweep import counted_by
from archprof.render.table import Heading, Note, Table
from archprof.render.times import time_headings, times_of
from archprof.space.report import FittingNetworks, SpaceReport, option_rows
from archprof.space.scores import SCORE
from archprof.space.search import RangeOf
from archprof.units import exact, in_ms, plural

_COUNTS = ("params", "macs")
# A bar of the histogram is at most so long.
_BAR = 24
# What is said of an option of which it is known, or not, whether any network that fits takes it.
_FITS = {True: "", False: "never fits", None: "may fit"}
# So many options that are drawn as often are named.
_NAMED = 12


class Space(Shown, SpaceReport):
    """What is known of a space: how many `networks`, how many are `fitting`, the `ranges` of what they cost, a
    `histogram`, and those that were `found`. It prints as `archprof space`."""

    def __repr__(self) -> str:
        fit = "" if self.fitting is None else f", {exact(self.fitting.low)} within the limits"
        return f"<Space of {self.model}: {plural(self.networks, 'network')}{fit}>"

    def _document(self) -> Any:
        return self

    def _table(self) -> Table:
        return space_table(self)


def space_table(found: SpaceReport) -> Table:
    """Return the networks that were looked for, or else the histogram, or else what is drawn and how often."""
    title = _title(found)
    notes = tuple(_footer(found))
    if found.found_by:
        below = (_histogram(found, "", ()),) if found.histogram else ()
        return _networks(found, title, notes)._replace(below=below)
    if found.histogram:
        return _histogram(found, title, notes)
    if found.at:
        return _sizes(found, title, notes)
    return _choices(found, title, notes)


def _title(found: SpaceReport) -> str:
    at = f" at {len(found.resolutions)} resolutions" if len(found.resolutions) > 1 else ""
    ranges = "".join(f" · {_range(one)}" for one in found.ranges[:1])
    return f"{found.model}: {plural(found.networks, 'network')}{at}{ranges}"


def _range(one: RangeOf) -> str:
    to = "" if one.median_high is None else f" to {exact(one.median_high)}"
    median = "" if one.median is None else f", median {exact(one.median)}{to}"
    return f"{label_of(one.metric)} {exact(one.least)} … {exact(one.greatest)}{median}"


def _fitting(fitting: FittingNetworks) -> str:
    number = exact(fitting.high) if fitting.low == fitting.high else f"{exact(fitting.low)} to {exact(fitting.high)}"
    drawn = "" if fitting.drawn is None else f"; drawn choice by choice: {share_text(fitting.drawn)}"
    return f"{number} ({share_text(fitting.share)}{drawn})"


def share_text(share: float) -> str:
    """Return a share with two digits at least, however small it is: `2.64 %`, `0.000040 %`."""
    if share in (0, 1):
        return f"{share:.0%}".replace("%", " %")
    percent = share * 100
    if percent < 1e-9:
        return f"{percent:.2e} %"
    decimals = 2
    while percent < 10 ** (1 - decimals):
        decimals += 1
    return f"{percent:.{decimals}f} %"


def is_none(found: SpaceReport) -> bool:
    """Tell whether no network was found, or surely none keeps the limits."""
    return bool(found.found_by and not found.found) or (found.fitting is not None and not found.fitting.high)


def none_text(found: SpaceReport) -> str:
    """Say that no network keeps the limits: none that there is, or none of those that were tried, if not all were."""
    fitting = found.fitting.high if found.fitting else found.networks
    if not fitting or found.tries in (0, fitting):
        return "no network of the space keeps the limits"
    return f"none of the {plural(found.tries, 'network')} that were tried keeps the limits"


def _networks(found: SpaceReport, title: str, notes: tuple[Note, ...]) -> Table:
    settings = list(dict.fromkeys(name for one in found.found for name in one.settings))
    counts = [
        name
        for name in (*_COUNTS, *found.limits)
        if name not in TIMES and all(name in one.totals for one in found.found)
    ]
    scored = any(one.score is not None for one in found.found)
    columns = (
        Heading("network", "network", exact),
        *(Heading(name, name) for name in settings),
        *(Heading(label_of(name), name, exact) for name in dict.fromkeys(counts)),
        *((Heading(SCORE, SCORE, lambda score: f"{score:g}"),) if scored else ()),
        *time_headings(found.device),
    )
    rows = tuple(
        (
            one.network,
            *(one.settings.get(name, "") for name in settings),
            *(one.totals[name] for name in dict.fromkeys(counts)),
            *((one.score,) if scored else ()),
            *times_of(one.estimates),
        )
        for one in found.found
    )
    return Table(title, columns, rows, notes)


def _histogram(found: SpaceReport, title: str, notes: tuple[Note, ...]) -> Table:
    most = max((one.networks for one in found.histogram), default=0) or 1
    total = sum(one.networks for one in found.histogram) or 1
    label = label_of(found.histogram_of)
    columns = (
        Heading(f"{label} from", "low", exact),
        Heading("to", "high", exact),
        Heading("networks", "networks", exact),
        Heading("share", "share", share_text),
        Heading("up to here", "up_to", share_text, drop=1),
        Heading("", "bar", left=True, drop=2, person=True),
    )
    up_to = accumulate(one.networks for one in found.histogram)
    rows = tuple(
        (one.low, one.high, one.networks, one.networks / total, end / total, "█" * round(_BAR * one.networks / most))
        for one, end in zip(found.histogram, up_to, strict=True)
    )
    return Table(title, columns, rows, notes)


def _sizes(found: SpaceReport, title: str, notes: tuple[Note, ...]) -> Table:
    label = label_of(found.ranges[0].metric)
    columns = (
        Heading("resolution", "resolution"),
        Heading("networks", "networks", exact),
        Heading(f"{label} from", "least", exact),
        Heading("to", "greatest", exact),
        Heading("within the limits", "low", _or_nothing),
        Heading("at most", "high", _or_nothing),
    )
    exactly = all(one.low == one.high for one in found.at)
    shown = columns[:-1] if exactly else columns
    rows = tuple(tuple(one[: len(shown)]) for one in found.at)
    return Table(title, shown, rows, notes)


def _or_nothing(number: int | None) -> str:
    return "" if number is None else exact(number)


def _choices(found: SpaceReport, title: str, notes: tuple[Note, ...]) -> Table:
    """Return what is drawn and how often: options that follow each other and are drawn as often are one row, and places
    of the same rows one place."""
    columns = (
        Heading("place", "place", left=True),
        Heading("choice", "choice", left=True, wrap=True),
        Heading("networks, each", "networks", _or_nothing, drop=1),
        Heading("share, each", "share", lambda share: "" if share is None else share_text(share)),
        Heading("", "fits", _FITS.__getitem__, left=True),
    )
    drawn = [
        (_as_path(place), [*_alike(options)]) for place, options in groupby(option_rows(found), lambda row: row[0])
    ]
    together = {path: options for options, path in merged_paths(drawn, tuple)}
    rows = [
        (_as_place(path) if options[0] is option else "", *option)
        for path, options in together.items()
        for option in options
    ]
    return Table(title, columns, tuple(rows), notes)


def _alike(options: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Yield options with how often each is drawn, those that follow each other and are drawn as often together."""
    for often, same in groupby(options, lambda row: row[2:]):
        names = [name for _, name, *_ in same]
        if len(names) > _NAMED:
            names = [*names[:2], f"… {names[-1]} ({len(names)} options)"]
        yield ", ".join(names), *often


def _as_path(place: str) -> str:
    """Return a place as a path of which the numbers alone count siblings, not the ends of names: `rows[0].k` as
    `rows:.0.k:`."""
    return re.sub(r"\[(\d+)\]", r".\1", re.sub(r"([^].]+)(?=\[|\.|$)", r"\1:", place))


def _as_place(path: str) -> str:
    return re.sub(r"\.(\d[^.]*)", r"[\1]", path).replace(":", "")


def _found_by(found: SpaceReport) -> str:
    """Say what the networks are that were looked for, and how certain that is."""
    number = plural(len(found.found), "network")
    if found.found_by == "sample":
        at = "resolution=…," if len(found.resolutions) > 1 else ""
        name = f"{found.model}{',' if '@' in found.model else '@'}{at}"
        tries = f", of {found.tries:,} that were drawn" if found.tries else ""
        return f"{number} at random{tries}; each is `{name}network=…`"
    if found.found_by == "front":
        timed = any(one.removeprefix("-") in TIMES for one in found.front)
        by = " by what their operators take, without what a network takes beside them" if timed else ""
        said = f"{number} that no other within the limits beats{by}; of those equal in all of these, one"
        return said if found.complete_to is None else f"{said}; {_incomplete(found, found.complete_to)}"
    if found.proven is not None:
        return f"the best of those tried; no network takes less than {in_ms(found.proven.value)} ms, its operators"
    return "no network within the limits is better: the search is exact"


def _incomplete(found: SpaceReport, reached: float) -> str:
    """Say from where on a front is not known."""
    first = found.front[0].removeprefix("-")
    value = f"{in_ms(reached)} ms" if first in TIMES else f"{reached:g}" if first == SCORE else exact(int(reached))
    side = "up to" if found.front[0].startswith("-") else "from"
    what = "" if first in TIMES else f" {label_of(first)}"
    return f"{side} {value}{what} it was given up after {plural(found.tries, 'network')}"


def _distinct(found: SpaceReport) -> str:
    if found.distinct is None:
        return "networks are counted choice by choice: two draws may build the same one"
    if found.distinct == found.networks:
        return "no two of the networks are the same"
    return f"networks are counted choice by choice: {exact(found.distinct)} differ in what they build"


def _options(found: SpaceReport) -> Iterator[Note]:
    """Say what is not known of options, where these are what the table is of."""
    if found.found_by or found.histogram_of:
        return
    if found.at:
        yield Note("left out", "how many networks take each option is told at one size: name one `--resolution`")
    elif any(one.networks is None for one in found.choices):
        yield Note("left out", "how many networks take each option is not known within these limits")
    if any(one.fits is None for one in found.choices):
        yield Note("left out", "`may fit`: that no network that keeps the limits takes it is not ruled out")


def _footer(found: SpaceReport) -> Iterator[Note]:
    if found.fitting is not None:
        which = "the limits on counts" if set(found.limits) & set(MEMORY) else "the limits"
        yield Note("budget", f"within {which}: {_fitting(found.fitting)}")
    if found.fitting is not None and found.fitting.low != found.fitting.high:
        yield Note(
            "at most",
            "the number within these limits is between two bounds, both certain; the share is the upper one's",
        )
    yield from _options(found)
    if found.found:
        yield Note("totals", _found_by(found))
    for share, sum_ in (found.ranges[0].quantiles or {}).items() if found.ranges else ():
        yield Note(
            "totals",
            f"{share_text(float(share))} of all networks: at most {exact(sum_)} {label_of(found.ranges[0].metric)}",
        )
    for one in found.ranges[1:]:
        yield Note("totals", _range(one))
    yield Note("totals", _distinct(found))
    yield from counted_by(found.convention, found.setup, found.device)
