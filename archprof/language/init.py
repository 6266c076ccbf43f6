"""A spec's `init` → the rules by which its layers get their first weights. Torch is not needed to check them."""

from collections.abc import Collection, Mapping

from archprof.errors import Problems, problem, suggest
from archprof.ir.init_rules import BIASES, PLAIN, WITH_DEVIATION, InitRule, Inits
from archprof.spec.nodes import Map, Node, Scalar, describe, shorten
from archprof.spec.types import Spec
from archprof.spec.values import mapping, number, scalar, word, wrong

MAX_DEVIATION = 100
_DEFAULTS = {"conv": InitRule("kaiming_normal"), "linear": InitRule("normal", 0.01)}


def read_init(spec: Spec, ids: Collection[str] = ()) -> Inits:
    """Return how a spec initialises its convolutions and linear layers, and those of *ids* that it names.

    Raises SpecError with every cell that is none of the rules, and every layer that there is not.
    """
    problems = Problems()
    rules, biases = dict(_DEFAULTS), dict.fromkeys(_DEFAULTS, "")
    own: Mapping[str, InitRule] = {}
    for key, cell in spec.init.items():
        here = Problems()
        with here:
            kind, _, bias = key.partition("_")
            if key == "layers":
                own = _layers(cell, ids)
            elif bias:
                biases[kind] = word(scalar(cell, "an initialisation of biases"), BIASES, "initialisation of biases")
            else:
                rules[kind] = _rule(cell)
        problems.found.extend(found._replace(where=f"init.{key}") for found in here.found)
    problems.raise_any()
    by_layer = {name: dict.fromkeys(rules, rule) for name, rule in own.items()}
    return Inits(_with(rules, biases), {name: _with(each, biases) for name, each in by_layer.items()})


def _with(rules: Mapping[str, InitRule], biases: Mapping[str, str]) -> Mapping[str, InitRule]:
    return {kind: rule._replace(bias=biases[kind]) for kind, rule in rules.items()}


def _layers(cell: Node, ids: Collection[str]) -> Mapping[str, InitRule]:
    problems = Problems()
    rules: dict[str, InitRule] = {}
    for name, (marker, rule) in mapping(cell, "`layers`").entries.items():
        with problems:
            if name not in ids:
                message = f"there is no layer `{shorten(name)}`"
                raise problem(message, marker.location, help=suggest(name, ids, "ids"))
            rules[name] = _rule(rule)
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
