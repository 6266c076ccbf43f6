"""A spec's `init` → how convolutions and linear layers get their first weights. Torch is not needed to check it."""

from typing import NamedTuple

from archprof.errors import Problems, problem
from archprof.spec.nodes import Map, Node, Scalar, describe
from archprof.spec.types import Spec
from archprof.spec.values import number, scalar, word, wrong

PLAIN = ("kaiming_normal", "kaiming_uniform", "kaiming_uniform_out", "he_normal", "he_uniform", "inverse_sqrt", "torch")
# With a standard deviation: `{normal: 0.01}`.
WITH_DEVIATION = ("normal", "trunc_normal")
MAX_DEVIATION = 100


class Rule(NamedTuple):
    """One of the rules of docs/reference/spec.md, with its standard deviation where it has one."""

    name: str
    deviation: float = 0.0


class Init(NamedTuple):
    """The rule of convolutions and that of linear layers."""

    conv: Rule = Rule("kaiming_normal")
    linear: Rule = Rule("normal", 0.01)


def read_init(spec: Spec) -> Init:
    """Return how a spec initialises its weights; raises SpecError with every cell that is none of the rules."""
    problems = Problems()
    rules: dict[str, Rule] = {}
    for layer, cell in spec.init.items():
        here = Problems()
        with here:
            rules[layer] = _rule(cell)
        problems.found.extend(found._replace(where=f"init.{layer}") for found in here.found)
    problems.raise_any()
    return Init(**rules)


def _rule(cell: Node) -> Rule:
    if isinstance(cell, Map):
        return _with_deviation(cell)
    if isinstance(cell, Scalar) and cell.text in WITH_DEVIATION:
        raise problem(f"{describe(cell)} without its deviation", cell.location, help=f"as in `{{{cell.text}: 0.01}}`")
    return Rule(word(scalar(cell, "an initialisation"), (*PLAIN, *WITH_DEVIATION), "initialisation"))


def _with_deviation(cell: Map) -> Rule:
    if len(cell.entries) != 1:
        raise wrong(cell, "one rule with its deviation", "as in `{normal: 0.01}`")
    ((name, deviation),) = cell.entries.values()
    rule = word(name, (*PLAIN, *WITH_DEVIATION), "initialisation")
    if rule in PLAIN:
        raise problem(f"{describe(name)} takes no value", name.location, help=f"write `{rule}`")
    return Rule(rule, number(deviation, 0, MAX_DEVIATION, "a standard deviation"))
