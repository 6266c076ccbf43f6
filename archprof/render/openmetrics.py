"""What a check counted as OpenMetrics: GitLab shows in a merge request what changed."""

from archprof.analysis.budgets import FAIL
from archprof.analysis.check import Outcome
from archprof.costs.metrics import METRICS
from archprof.errors import printable
from archprof.render.formats import Page

_TEXTS = {**{metric.name: metric.text for metric in METRICS}, "layers": "Layers that multiply"}


def to_openmetrics(outcome: Outcome, page: Page) -> str:
    """Return a gauge for each count of each network, and for each network the budgets that it exceeds."""
    lines = []
    networks = {one.model: {**one.totals, "layers": one.weighted_layers} for one in outcome.models}
    for metric, text in _TEXTS.items():
        lines += _family(
            f"archprof_{metric}", f"{text}.", {label: totals[metric] for label, totals in networks.items()}
        )
    exceeded = {
        label: sum(verdict.model == label and verdict.status == FAIL for verdict in outcome.verdicts)
        for label in networks
    }
    lines += _family("archprof_budgets_exceeded", "Budgets that the network exceeds.", exceeded)
    return "\n".join([*lines, "# EOF"]) + "\n"


def _family(name: str, text: str, values: dict[str, int]) -> list[str]:
    return [
        f"# TYPE {name} gauge",
        f"# HELP {name} {text}",
        *(f'{name}{{network="{_label(label)}"}} {value}' for label, value in values.items()),
    ]


def _label(text: str) -> str:
    """Return a label's value: one printable line, in which only these two have a meaning."""
    return printable(text).replace("\\", "\\\\").replace('"', '\\"')
