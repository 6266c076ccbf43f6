"""From what was measured on a device to the constants by which it is predicted. Needs scipy and scikit-learn, which
come with the extra `calibrate`."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archprof.devices.calls import KernelCalls, calls_of
from archprof.devices.farthest import farthest
from archprof.devices.forms import FORMS, POOLED, Form, class_of, features_of, form_of
from archprof.devices.kernels import Kernel
from archprof.devices.predict import Predictor, kernels_of, network_us, time_by
from archprof.devices.profile import BatchFit, Ceilings, KindFit, MeasuredNetwork, NetworkTerms, Profile, Residual
from archprof.ir.graph import Graph
from archprof.ir.setup import WIDTHS
from archprof.named_tuple import NamedTuple

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

# Points of a class from which a residual is fitted, and the most that one keeps, spread as far as they go.
_FEWEST, _MOST = 20, 128
# By how little the start of a constant holds it, in deviations of a point; what of a deviation is taken for a stray.
_PRIOR, _STRAY = 0.05, 0.1
_DIGITS = 5
# What is taken for the spread of kernels of which few were measured, at least.
_LEAST_SPREAD = 0.1
# How many times that the spread is far from all of them.
_FAR = 4.0


# What was fitted to the points of a class at a batch.
Known = dict[tuple[str, tuple[Kernel, ...], int], KindFit]


class FittedNetwork(NamedTuple):
    """A network that was measured, and what runs of it by batch."""

    measured: MeasuredNetwork
    calls: Mapping[int, KernelCalls]


def networks_of(profile: Profile, graph_of: Callable[[str], Graph]) -> list[FittedNetwork]:
    """Return the networks that a profile has measured whole, by the graphs of their names."""
    found = []
    for measured in profile.networks:
        graph = graph_of(measured.model)
        found.append(FittedNetwork(measured, {batch: calls_of(graph, profile.setup, batch) for batch in measured.us}))
    return found


def fit_kernels(profile: Profile, batch: int, known: Known | None = None) -> dict[str, KindFit]:
    """Return the fits of all classes that a profile has points of at a batch; what is *known* is not fitted again, and
    what is fitted is known from then on."""
    known = {} if known is None else known
    classes: dict[str, list[Kernel]] = {}
    for kernel, times in profile.points.items():
        if batch in times:
            classes.setdefault(class_of(kernel), []).append(kernel)
    for pooled, parts in POOLED.items():
        if members := [kernel for part in parts for kernel in classes.get(part, ())]:
            classes[pooled] = members
    for name, members in sorted(classes.items()):
        key = (name, tuple(members), batch)
        if key not in known:
            known[key] = _fit_class(name, members, profile, batch)
    return {name: known[name, tuple(members), batch] for name, members in classes.items()}


def _fit_class(name: str, members: Sequence[Kernel], profile: Profile, batch: int) -> KindFit:
    import numpy

    width = WIDTHS[profile.setup.dtype]
    measured = numpy.array([profile.points[kernel][batch] for kernel in members])
    together = _together(members)
    form = form_of(name)
    constants = _constants(FORMS[form], profile.ceilings, together, batch, width, measured)
    fit = KindFit(form, constants, None, 0.0)
    left = numpy.log(measured / time_by(fit, together, batch, width)[0])
    spread = _spread(left)
    rows = numpy.array([features_of(kernel, batch, width) for kernel in members], dtype=float)
    if len(members) < _FEWEST:
        spread = max(spread, _LEAST_SPREAD)
        return fit._replace(residual=_none_but_around(rows, spread), spread=rounded(_FAR * spread))
    residual, around = _residual(rows, left)
    return fit._replace(residual=residual, spread=around)


def _none_but_around(rows: "Array", spread: float) -> Residual:
    """Return the residual of a class of few points: none, but the spread grows away from them."""
    import numpy

    center, scale = rows.mean(axis=0), 2 * numpy.maximum(rows.std(axis=0), 0.5)
    points = (rows - center) / scale
    variance = (_FAR * spread) ** 2
    placed = tuple(map(rounded, center)), tuple(map(rounded, scale))
    return Residual(rounded(variance), rounded(1 / _FAR**2), *placed, _listed(points), (0.0,) * len(rows))


def _together(members: Sequence[Kernel]) -> Kernel:
    """Return kernels of a class as one, of arrays. Those of a pooled class have the same columns, so that the first's
    kind stands for all."""
    import numpy

    return Kernel(members[0].kind, tuple(numpy.array([kernel.sizes for kernel in members], dtype=float).T))


def _constants(
    form: Form, ceilings: Ceilings, together: Kernel, batch: int, width: int, measured: "Array"
) -> tuple[float, ...]:
    """Return the constants of a formula: of their logarithms, the least squares of those of measured through formula,
    of strays less than their square."""
    import numpy
    from scipy.optimize import least_squares

    start = numpy.log(form.start(ceilings))

    def misfit(logs: "Array") -> "Array":
        left = numpy.log(measured / form.us(tuple(numpy.exp(logs)), together, batch, width)) / _STRAY
        kept = numpy.sign(left) * numpy.sqrt(2 * (numpy.sqrt(1 + left**2) - 1)) * _STRAY
        return numpy.concatenate([kept, (logs - start) * _PRIOR])

    return tuple(map(rounded, numpy.exp(least_squares(misfit, start).x)))


def _spread(left: "Array") -> float:
    """Return the deviation of what is left, without strays."""
    import numpy

    most = 4 * numpy.median(numpy.abs(left)) + 0.02
    return float(numpy.sqrt(numpy.mean(numpy.minimum(left**2, most**2))))


def _residual(rows: "Array", left: "Array") -> tuple[Residual | None, float]:
    """Return the process that what formulas leave follows, without strays, and its deviation far from all points."""
    import numpy

    center, wide = rows.mean(axis=0), numpy.maximum(rows.std(axis=0), 0.5)
    placed = (rows - center) / wide
    kept = numpy.arange(len(left))
    for _ in range(2):  # once with strays, once without those that all others do not expect
        chosen = kept[_farthest(placed[kept], _MOST)]
        process = _process(placed[chosen], left[chosen])
        off = numpy.abs(_left_out(process))
        usual = off <= max(4 * 1.5 * float(numpy.median(off)), 0.1)
        kept = numpy.setdiff1d(kept, chosen[~usual])
    chosen = kept[_farthest(placed[kept], _MOST)]
    process.optimizer = None
    process.kernel = process.kernel_
    process.fit(placed[chosen], left[chosen])
    scaled, white = process.kernel_.k1, process.kernel_.k2.noise_level
    variance, lengths = scaled.k1.constant_value, scaled.k2.length_scale
    points = placed[chosen] / lengths
    around = max(variance**0.5, _LEAST_SPREAD)
    residual = Residual(
        rounded(variance),
        rounded(white / around**2),
        tuple(map(rounded, center)),
        tuple(map(rounded, wide * lengths)),
        _listed(points),
        tuple(map(rounded, process.alpha_)),
    )
    return residual, rounded(around)


def _listed(points: "Array") -> tuple[tuple[float, ...], ...]:
    return tuple([tuple([round(float(one), 3) for one in point]) for point in points])


def _process(placed: "Array", left: "Array") -> Any:
    import warnings

    import numpy
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    many = placed.shape[1]
    shape = ConstantKernel(max(float(left.var()), 1e-3), (1e-4, 1.0)) * RBF(numpy.full(many, 1.5), (0.7, 8.0))
    process = GaussianProcessRegressor(shape + WhiteKernel(1e-2, (1e-4, 0.5)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        process.fit(placed, left)
    return process


def _left_out(process: Any) -> "Array":
    """Return by how much each point is off what all others say of it (Rasmussen & Williams 2006, equation 5.12)."""
    import numpy
    from scipy.linalg import cho_solve

    inverse = cho_solve((process.L_, True), numpy.eye(len(process.alpha_)))
    return numpy.asarray(process.alpha_ / numpy.diag(inverse))


def _farthest(placed: "Array", most: int) -> "Array":
    """Return the places of points, in their order: of all, or of so many, as far from each other as they go."""
    import numpy

    return numpy.arange(len(placed)) if len(placed) <= most else numpy.array(sorted(farthest(placed, most)))


def rounded(value: Any) -> float:
    """Return a number with as many digits as profiles keep."""
    return float(f"{float(value):.{_DIGITS}g}")


# Networks

_START = NetworkTerms(1.0, 0.7, 15e6, 20e6, 1.5, 1.5e6)
_TERM_PRIOR = 0.1


def fit_network(networks: Collection[FittedNetwork], predictor: Predictor, batch: int) -> NetworkTerms:
    """Return what networks take beside their kernels, from those that were measured and of whose kernels something is
    known; from none, what is usual."""
    import numpy
    from scipy.optimize import least_squares

    sums = [(network, _sums(network.calls[batch], predictor)) for network in networks if batch in network.measured.us]
    if not (known := [(network, row) for network, row in sums if row[0]]):
        return _START
    networks, rows = zip(*known, strict=True)
    measured = numpy.array([network.measured.us[batch] for network in networks])
    total, copies, copied, kernels, bytes = numpy.array(rows, dtype=float).T
    start = numpy.log(_START[:6])

    def misfit(logs: "Array") -> "Array":
        terms = NetworkTerms(*numpy.exp(logs))
        copy_us = terms.copy_us * copies + copied / terms.copy_bytes_per_us
        left = numpy.log(network_us(terms, total, copy_us, kernels, bytes) / measured) / _STRAY * 3
        kept = numpy.sign(left) * numpy.sqrt(2 * (numpy.sqrt(1 + left**2) - 1)) * _STRAY / 3
        return numpy.concatenate([kept, (logs - start) * _TERM_PRIOR])

    terms = NetworkTerms(*[rounded(one) for one in numpy.exp(least_squares(misfit, start).x)])
    eager = [
        network.measured.eager_us[batch] / kernels_of(network.calls[batch].calls)
        for network in networks
        if batch in network.measured.eager_us
    ]
    return terms._replace(eager_us=rounded(numpy.median(eager))) if eager else terms


def kernels_in(network: FittedNetwork) -> set[Kernel]:
    """Return the kernels that a network runs."""
    return {kernel for call in next(iter(network.calls.values())).calls for kernel in call.kernels}


def _sums(calls: KernelCalls, predictor: Predictor) -> tuple[float, ...]:
    total = sum(
        [time.us for call in calls.calls for kernel in call.kernels if (time := predictor.time(kernel)) is not None]
    )
    copied = [call.copied for call in calls.calls if call.copied is not None]
    return total, len(copied), sum(copied), kernels_of(calls.calls), calls.bytes


def fit_batch(
    profile: Profile, networks: Collection[FittedNetwork], batch: int, known: Known | None = None
) -> BatchFit:
    """Return the fit of a profile at a batch, but for its interval; what is *known* of classes is not fitted again."""
    kinds = fit_kernels(profile, batch, known)
    bare = BatchFit(kinds, _START, (0.0, 0.0))
    predictor = Predictor(profile._replace(fits={batch: bare}), batch)
    return bare._replace(network=fit_network(networks, predictor, batch))
