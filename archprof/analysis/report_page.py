"""What a page of some networks shows: the results of the other commands, and how it was asked for."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from archprof.analysis.compare import Comparison, compare
from archprof.analysis.diff import Diff, diff
from archprof.analysis.document import Head
from archprof.analysis.latency import LatencyPrediction, describe_latency
from archprof.analysis.memory import Memory, describe_memory
from archprof.analysis.summary import Summary, summarize
from archprof.analysis.traffic import with_traffic
from archprof.costs.convention import Convention
from archprof.costs.report import Report, analyze_graph
from archprof.errors import UsageError
from archprof.ir.graph import Graph
from archprof.ir.origin import told_apart
from archprof.ir.setup import Setup
from archprof.named_tuple import NamedTuple

if TYPE_CHECKING:
    from archprof.devices.asked import On

_NAMED = 4


class NetworkPage(NamedTuple):
    """A network: what it costs, what it holds, and, with a device, how long it takes there."""

    summary: Summary
    memory: Memory
    latency: LatencyPrediction | None = None


class ReportPage(NamedTuple):
    """The *command* that asked for a page; the networks, and, of several, how they compare, and what changed from each
    to the next, as far as they can be aligned."""

    command: str
    networks: tuple[NetworkPage, ...]
    compare: Comparison | None = None
    diffs: tuple[Diff, ...] = ()

    @property
    def title(self) -> str:
        """The names of what is shown, of many the first."""
        names = [one.summary.head.caption for one in self.networks]
        return ", ".join(names if len(names) <= _NAMED else [*names[:_NAMED], f"{len(names) - _NAMED} more"])


def describe_networks(
    graphs: Sequence[Graph],
    setup: Setup,
    conventions: Sequence[Convention] = (),
    on: "On | None" = None,
    *,
    command: str,
) -> ReportPage:
    """Return what a page of networks shows, at a *setup*, and *on* a device. Raises UsageError where shapes are known
    for one image alone, and for what a device's profile was not calibrated for."""
    reports = list(map(analyze_graph, graphs))
    names = told_apart([report.origin for report in reports])
    networks = []
    for name, report in zip(names, reports, strict=True):
        summary = summarize(report, conventions)
        summary = summary._replace(head=_called(summary.head, name))
        networks.append(network_page(report, summary, setup, on))
    if len(reports) == 1:
        return ReportPage(command, tuple(networks))
    found = [one for pair in pairwise(reports) if (one := _alignable(*pair))]
    compared = compare(reports, conventions=conventions)
    alike = [one._replace(title=page.summary.head.title) for one, page in zip(compared.models, networks, strict=True)]
    return ReportPage(command, tuple(networks), compared._replace(models=tuple(alike)), tuple(found))


def _called(head: Head, name: str) -> Head:
    """Return what a result starts with under another name, which a title would stand in front of."""
    return head if name == head.model else head._replace(model=name, title="")


def network_page(report: Report, found: Summary, setup: Setup, on: "On | None" = None) -> NetworkPage:
    """Return what a page shows of a network, of which a summary is *found* already. Raises UsageError as
    `describe_networks` does."""
    if found.traffic is None:
        found = with_traffic(found, report.graph, setup)
    latency = describe_latency(report.graph, *on) if on else None
    return NetworkPage(found, describe_memory(report.graph, setup), latency)


def _alignable(before: Report, after: Report) -> Diff | None:
    """Return what changed between two networks; None where they have too many blocks to align."""
    try:
        return diff(before, after)
    except UsageError:
        return None
