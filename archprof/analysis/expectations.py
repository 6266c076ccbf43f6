"""Does a spec have the numbers that it says it has?"""

from archprof.analysis.report import Cost, analyze_graph
from archprof.errors import Problem, Problems
from archprof.graph.block import spellings
from archprof.graph.expand import expand
from archprof.spec.load import read_tree, resolve
from archprof.spec.types import Spec
from archprof.spec.variant import Setting, parse_reference
from archprof.units import exact


def unmet_expectations(reference: str) -> list[Problem]:
    """Return a problem for every number of `expect` that is not what is counted at its settings.

    A reference with settings behind it is only expanded: `expect` speaks of the spec's own. Raises SpecError when the
    spec is wrong, at its own settings or at those of an `expect`.
    """
    target, behind = parse_reference(reference)
    tree = read_tree(target, spellings)
    problems = Problems()
    spec = resolve(tree, behind, spellings, problems)
    counted: dict[tuple[Setting, ...], Cost] = {(): analyze_graph(expand(spec, problems)).totals}
    if behind:
        return []
    unmet: list[Problem] = []
    for index, expected in enumerate(spec.expect):
        if expected.at not in counted:
            counted[expected.at] = analyze_graph(expand(resolve(tree, expected.at, spellings))).totals
        for name, count in expected.counts.items():
            found = getattr(counted[expected.at], name)
            if found != count:
                unmet.append(_unmet(spec, index, name, count, found))
    return unmet


def _unmet(spec: Spec, index: int, name: str, count: int, found: int) -> Problem:
    expected = spec.expect[index]
    node = expected.node.get(name)
    at = f" at {','.join('='.join(setting) for setting in expected.at)}" if expected.at else ""
    return Problem(
        f"expected {exact(count)} {name}{at}, counted {exact(found)} ({found - count:+,})",
        node.location if node else None,
        f"expect[{index}].{name}",
        "correct the number or the table",
    )
