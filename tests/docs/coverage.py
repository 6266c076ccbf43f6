"""The page that says how many models of other libraries are captured, from the outcome of `python -m
tests.benchmarks.coverage --write`; the README's sentence is held to that too."""

import json
from collections.abc import Mapping
from typing import Any

from tests.docs.markdown import ROOT

OUTCOME = ROOT / "tests" / "benchmarks" / "coverage.json"

PAGE = """<!-- Read off `tests/benchmarks/coverage.json`. `python -m tests.docs.rewrite` writes this page anew. -->

# Which models can be captured

Every model that torchvision lists, every one of timm that has at most 300 million parameters (and one of each family
that has no smaller), and {architectures} architectures of transformers from small configurations, captured as
[`archprof summary timm:…`](../how-to/your-own-model.md) does it, at the input that the library has for it.
`python -m tests.benchmarks.coverage` computes the table, as `.ci/nightly` does.

{table}

*Exact* means that parameters and multiply-accumulates equal two independent counts: the sum of `numel()` over the
module's parameters, and half of what torch's `FlopCounterMode` finds in a run of its own, in evaluation, without
gradients and without fused attention; and that no operator was left without a rule. *Bounded* are those in which data
decides how much is multiplied, as boxes that are kept: their count is the most that there can be, which that counter
finds no more than. A family is a file of torchvision or timm that defines models, or an architecture of transformers.

What that counter does not see is counted another way. Mixtures of experts are captured with the grouped products
(`_grouped_mm`) that the library takes, of which it sees nothing; it counts their other form, where every token has a
product of its own. Where a model asks for elements as it runs, which tensors on meta have not, it counts a real run:
detection in one that leaves no box out. Every operator that multiplies is held to arithmetic besides, in
`tests/captures`.

## What is not exact

{others}
"""


def outcome() -> Mapping[str, Any]:
    """Return the figures of each library."""
    found: Mapping[str, Any] = json.loads(OUTCOME.read_text(encoding="utf-8"))
    return found


def page() -> str:
    """Return the page as it should be."""
    found = outcome()
    architectures = found["transformers"]["tried"]
    return PAGE.format(architectures=architectures, table=table(found), others=_others(found))


def table(found: Mapping[str, Any]) -> str:
    """Return a line for each library."""
    lines = [
        "| library | models | tried | exact | bounded | families | with an exact model |",
        "| --- " * 7 + "|",
    ]
    for library, one in found.items():
        exact = f"{one['exact']:,} ({_percent(one['exact'], one['tried'])})"
        cells = (f"{library} {one['version']}", f"{one['models']:,}", f"{one['tried']:,}", exact)
        others = (one["bounded"], one["families"], one["exact_families"])
        lines.append(f"| {' | '.join((*cells, *map(str, others)))} |")
    return "\n".join(lines)


def _percent(part: int, whole: int) -> str:
    """Return a share, cut and not rounded: 100 % is all."""
    return "100 %" if part == whole else f"{1000 * part // whole / 10} %"


def _others(found: Mapping[str, Any]) -> str:
    """Return a line for each reason, and the models that it is one for."""
    reasons: dict[str, list[str]] = {}
    for one in found.values():
        for model, reason in one["others"].items():
            reasons.setdefault(reason, []).append(f"`{model}`")
    lines = [f"| {reason} | {', '.join(models)} |" for reason, models in reasons.items()]
    return "\n".join(["| why | models |", "| --- | --- |", *lines])
