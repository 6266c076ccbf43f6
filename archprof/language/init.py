"""A spec's `init` → the rules by which its layers get their first weights. Torch is not needed to check them."""

from collections.abc import Mapping

from archprof.errors import Problems, problem
from archprof.ir.init_rules import PLAIN, WITH_DEVIATION, InitRule
from archprof.spec.nodes import Map, Node, Scalar, describe
from archprof.spec.types import Spec
from archprof.spec.values import number, scalar, word, wrong

MAX_DEVIATION = 100
_DEFAULTS = {"conv": InitRule("kaiming_normal"), "linear": InitRule("normal", 0.01)}


def read_init(spec: Spec) -> Mapping[str, InitRule]:
    """Return how a spec initialises its convolutions (`conv`) and its linear layers (`linear`).

    Raises SpecError with every cell that is none of the rules.
    """
    problems = Problems()
    rules = dict(_DEFAULTS)
    for layer, cell in spec.init.items():
        here = Problems()
        with here:
            rules[layer] = _rule(cell)
        problems.found.extend(found._replace(where=f"init.{layer}") for found in here.found)
    problems.raise_any()
    return rules


def _rule(cell: Node) -> InitRule:
    if isinstance(cell, Map):
        return _with_deviation(cell)
    if isinstance(cell, Scalar) and cell.text in WITH_DEVIATION:
        advice = f"as in `{{{cell.text}: 0.01}}`"
        raise problem(f"{describe(cell)} without its deviation", cell.location, help=advice)
    return InitRule(word(scalar(cell, "an initialisation"), (*PLAIN, *WITH_DEVIATION), "initialisation"))


def _with_deviation(cell: Map) -> InitRule:
    if len(cell.entries) != 1:
        raise wrong(cell, "one rule with its deviation", "as in `{normal: 0.01}`")
    ((name, deviation),) = cell.entries.values()
    rule = word(name, (*PLAIN, *WITH_DEVIATION), "initialisation")
    if rule in PLAIN:
        raise problem(f"{describe(name)} takes no value", name.location, help=f"write `{rule}`")
    return InitRule(rule, number(deviation, 0, MAX_DEVIATION, "a standard deviation"))
