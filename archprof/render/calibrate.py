"""How good a profile is as tables: `archprof calibrate --verify`."""

from archprof.analysis.calibration import ProfileVerification
from archprof.render.table import NAME, Heading, Note, Table
from archprof.units import in_ms


def _percent(part: float) -> str:
    return f"{100 * part:.1f} %"


def verification_table(found: ProfileVerification) -> Table:
    """Return how far off networks are, batch by batch, and below it each network."""
    columns = (
        Heading("batch", "batch"),
        Heading("networks", "judged_networks"),
        Heading("median error", "median_error", _percent),
        Heading("90 % below", "p90_error", _percent),
        Heading("rank correlation", "rank_correlation", lambda rank: f"{rank:.3f}"),
        Heading("in the interval", "coverage", lambda part: f"{100 * part:.0f} %"),
    )
    again = "the same fits come of it again" if found.refitted_alike else "other fits come of it now"
    notes = (
        Note("remark", f"{found.operators:,} operators; {again}"),
        Note("convention", "each family of networks is predicted by what was measured of all others"),
    )
    title = f"the profile {found.profile}, families left out"
    return Table(title, columns, tuple([tuple(one) for one in found.batches]), notes, below=(_networks(found),))


def _ends(ends: tuple[float, float | None]) -> str:
    low, high = ends
    return f"at least {in_ms(low)}" if high is None else f"{in_ms(low)}–{in_ms(high)}"


def _networks(found: ProfileVerification) -> Table:
    columns = (
        Heading("network", "model", left=True, fold=NAME),
        Heading("family", "family", left=True, drop=2),
        Heading("batch", "batch"),
        Heading("measured, ms", "ms", in_ms),
        Heading("predicted", "predicted_ms", in_ms),
        Heading("error", "error", lambda part: f"{100 * part:+.1f} %".replace("-", "−")),
        Heading("interval", "interval", _ends, drop=1),
        Heading("", "covered", lambda inside: "" if inside else "outside", left=True, drop=1),
    )
    rows = tuple([
        (one.model, one.family, one.batch, one.ms, one.predicted_ms, one.error, (one.low_ms, one.high_ms), one.covered)
        for one in found.judged
    ])  # fmt: skip
    return Table("", columns, rows)
