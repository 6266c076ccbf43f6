"""`python -m tests.devices.evaluate`: how far off models of latency are where families are left out, as the page about
latency has it, from the points and networks of the profile that comes with archprof."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from math import exp, log
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy

from archprof import expand
from archprof.analysis.calibration import family_of
from archprof.devices.fit import FittedNetwork, Known, fit_network, kernels_in, networks_of
from archprof.devices.kernels import Kernel
from archprof.devices.left_out import LeftOut, groups_of, leave_out
from archprof.devices.predict import KernelTime, Predictor, latency_of, runs
from archprof.devices.profile import Profile
from archprof.devices.profile_file import read_profile

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "latency.md"
BEGIN, END = "<!-- evaluation -->\n", "<!-- end of the evaluation -->\n"
# What a kernel takes at the least where it is launched by a graph, beside its roofline.
_LAUNCH = 1.5
# Operators that are measured of a network that is new.
MEASURED = 20
# By how much a network has to be off to be named.
_FAR = 0.15


class Predicted(NamedTuple):
    """What was measured of a network that was left out, and what was predicted, in µs."""

    model: str
    family: str
    measured: float
    predicted: float

    @property
    def error(self) -> float:
        """By how much the prediction is off, as a part of what was measured."""
        return self.predicted / self.measured - 1


class Score(NamedTuple):
    """The median of errors, what nine of ten stay below, and the rank correlation of predictions."""

    median: float
    p90: float
    rank: float


def score(found: list[Predicted]) -> Score:
    """Return how good predictions are."""
    from scipy.stats import spearmanr

    errors = numpy.abs([one.error for one in found])
    rank = spearmanr([one.measured for one in found], [one.predicted for one in found]).statistic
    return Score(float(numpy.median(errors)), float(numpy.quantile(errors, 0.9)), float(rank))


@cache
def profile() -> Profile:
    """Return the profile that is evaluated."""
    return read_profile("h100")


@cache
def every_network() -> tuple[FittedNetwork, ...]:
    """Return its networks."""
    return tuple(networks_of(profile(), expand))


def networks(batch: int) -> tuple[FittedNetwork, ...]:
    """Return its networks that were measured at a batch."""
    return tuple([one for one in every_network() if batch in one.calls])


@cache
def left_out(batch: int) -> tuple[LeftOut, ...]:
    """Return all networks, each left out with its family."""
    known: Known = {}
    groups = groups_of(networks(batch), family_of)
    return tuple([one for group in groups for one in leave_out(profile(), networks(batch), group, batch, known)])


# Models: the µs of a network that was left out


def by_macs(batch: int) -> list[Predicted]:
    """Return what is predicted by as many MACs in a µs as the networks of other families do."""
    found = []
    for group in groups_of(networks(batch), family_of):
        rates = [
            log(_macs(one, batch) / one.measured.us[batch]) for one in networks(batch) if one not in group.networks
        ]
        for one in group.networks:
            us = _macs(one, batch) / exp(float(numpy.mean(rates)))
            found.append(Predicted(one.measured.model, group.family, one.measured.us[batch], us))
    return found


def _macs(network: FittedNetwork, batch: int) -> float:
    return float(sum(call.traffic.macs for call in network.calls[batch].calls))


def by_roofline(batch: int) -> list[Predicted]:
    """Return what is predicted by the roofline of each call and a launch."""
    found, ceilings = [], profile().ceilings
    for one in networks(batch):
        calls = [call.traffic for call in one.calls[batch].calls if runs(call)]
        us = sum(max(call.bytes / ceilings.bytes_per_us, call.macs / ceilings.macs_per_us) + _LAUNCH for call in calls)
        found.append(Predicted(one.measured.model, family_of(one.measured.model), one.measured.us[batch], us))
    return found


class _Forest(Predictor):
    """Times of kernels by random forests, one for each kind, of the logarithms of their sizes."""

    # By what a forest has seen: the µs of all kernels of its kind, which take it hardly longer than one.
    grown: ClassVar[dict[tuple[Kernel, ...], dict[Kernel, float]]] = {}

    def predicted(self, kernel: Kernel, name: str = "") -> KernelTime | None:
        points = self.profile.points.items()
        members = tuple([one for one, times in points if one.kind == kernel.kind and self._batch in times])
        if not members:
            return None
        key = (*members, Kernel("batch", (self._batch,)))
        if key not in self.grown:
            self.grown[key] = self._times(members)
        return KernelTime(self.grown[key][kernel], 0.0, "predicted")

    def _times(self, members: tuple[Kernel, ...]) -> dict[Kernel, float]:
        from sklearn.ensemble import RandomForestRegressor

        times = [log(self.profile.points[one][self._batch]) for one in members]
        forest = RandomForestRegressor(100, random_state=0).fit([self._features(one) for one in members], times)
        asked = kernels_of_kind(members[0].kind, self._batch)
        return dict(zip(asked, map(exp, forest.predict([self._features(one) for one in asked])), strict=True))

    def _features(self, kernel: Kernel) -> list[float]:
        from archprof.devices.forms import work_of

        work = work_of(kernel, self._batch, self._width)
        return [log(size + 1) for size in (*kernel.sizes, work.bytes, work.macs)]


@cache
def kernels_of_kind(kind: str, batch: int) -> list[Kernel]:
    """Return the kernels of a kind that the networks run."""
    found = {kernel for network in networks(batch) for kernel in kernels_in(network) if kernel.kind == kind}
    return sorted(found)


def by_forest(batch: int) -> list[Predicted]:
    """Return what is predicted by a random forest for each kind of kernels, and what networks take beside them."""
    found = []
    for left in left_out(batch):
        forest = _Forest(left.without, batch)
        others = [one for one in networks(batch) if one.measured in left.without.networks]
        forest.fit = forest.fit._replace(network=fit_network(others, forest, batch))
        found.append(_predicted(left, forest, batch))
    return found


def by_formula(batch: int) -> list[Predicted]:
    """Return what is predicted by formulas alone."""
    found = []
    for left in left_out(batch):
        fit = left.without.fits[batch]
        bare = {name: kind._replace(residual=None) for name, kind in fit.kinds.items()}
        without = left.without._replace(fits={batch: fit._replace(kinds=bare)})
        found.append(_predicted(left, Predictor(without, batch), batch))
    return found


def by_residual(batch: int) -> list[Predicted]:
    """Return what is predicted by formulas and residuals, as archprof does."""
    return [_predicted(left, Predictor(left.without, batch), batch) for left in left_out(batch)]


def with_measured(batch: int) -> list[Predicted]:
    """Return what is predicted when those kernels of a network are measured that take the most time × uncertainty."""
    found = []
    for left in left_out(batch):
        worth: dict[Kernel, float] = {}
        for call in left.latency.calls:
            for kernel in call.kernels:
                worth[kernel] = worth.get(kernel, 0.0) + call.us * call.spread
        chosen = sorted(worth, key=lambda kernel: -worth[kernel])[:MEASURED]
        added = {kernel: profile().points[kernel] for kernel in chosen if kernel in profile().points}
        without = left.without._replace(points={**left.without.points, **added})
        found.append(_predicted(left, Predictor(without, batch), batch))
    return found


def _predicted(left: LeftOut, predictor: Predictor, batch: int) -> Predicted:
    measured = left.network.measured
    us = latency_of(left.network.calls[batch], predictor).us
    return Predicted(measured.model, left.family, measured.us[batch], us)


MODELS: Mapping[str, Callable[[int], list[Predicted]]] = {
    "MACs": by_macs,
    "roofline and 1.5 µs a kernel": by_roofline,
    "random forest for each kind": by_forest,
    "formulas": by_formula,
    "formulas and residuals: `archprof latency`": by_residual,
    f"and {MEASURED} of its operators measured": with_measured,
}

# The text


def row(name: str) -> str:
    """Return the row of a model in the table."""
    cells = [cell for batch in profile().batches for cell in _cells(score(MODELS[name](batch)))]
    return f"| {name} | {' | '.join(cells)} |\n"


def _cells(found: Score) -> tuple[str, ...]:
    return f"{found.median:.1%}", f"{found.p90:.1%}", f"{found.rank:.3f}"


def eager_errors(batch: int) -> list[Predicted]:
    """Return what is predicted of networks that were called from Python, each left out with its family."""
    found = []
    for left in left_out(batch):
        measured = left.network.measured
        if batch in measured.eager_us:
            us = latency_of(left.network.calls[batch], Predictor(left.without, batch), "eager").us
            found.append(Predicted(measured.model, left.family, measured.eager_us[batch], us))
    return found


def text() -> Iterator[str]:
    """Yield what the page says of the evaluation."""
    heads = [f"{name}, batch {batch}" for batch in profile().batches for name in ("median", "p90", "rank")]
    yield f"\n| model | {' | '.join(heads)} |\n| --- |{' ---: |' * len(heads)}\n"
    yield from map(row, MODELS)
    for batch in profile().batches:
        far = sorted([one for one in by_residual(batch) if abs(one.error) > _FAR], key=lambda one: -abs(one.error))
        named = ", ".join(f"`{one.model}` ({one.error:+.0%})" for one in far)
        yield f"\nMore than {_FAR:.0%} off at batch {batch}: {named}.\n"
    eager = [score(eager_errors(batch)) for batch in profile().batches]
    said = " and ".join(f"{one.median:.0%} (p90 {one.p90:.0%})" for one in eager)
    yield f"\nCalled from Python: {said}.\n\n"


if __name__ == "__main__":
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.partition(BEGIN)[0], page.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}{''.join(text())}{END}{after}", encoding="utf-8")
