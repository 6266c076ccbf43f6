"""Norms and activations in cells: the operator that a name means, with its options."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from archprof.errors import SpecError, placed, problem, suggest
from archprof.graph.columns import Cells, Kind, none_or, read_options, typed_word
from archprof.graph.expression import evaluate
from archprof.graph.operators import BY_NAME
from archprof.graph.operators.base import Operator
from archprof.spec.nodes import Map, Node, Scalar, describe
from archprof.spec.values import scalar, wrong


class Maker(NamedTuple):
    """A norm or activation, to be made for the map that it stands on."""

    operator: type[Operator]
    options: Mapping[str, Any]

    def make(self, shape: Any) -> Operator:
        return self.operator.of(shape, **self.options)


class Choice(NamedTuple):
    """A norm or activation as typed: its name, and its options as nodes."""

    name: Scalar
    options: Map | None


def _choice(category: str, what: str) -> Callable[[Node, Cells], Maker]:
    def read(node: Node, cells: Cells) -> Maker:
        name, options = _typed_choice(node, cells)
        try:
            operator = find_operator(name.text, category)
        except SpecError as error:
            raise placed(error, "", location=name.location) from None
        if operator is None:
            raise problem(
                f"unknown {what} {describe(name)}",
                name.location,
                help=suggest(name.text, operators_of(category), f"{what}s"),
            )
        return Maker(
            operator, read_options(options or Map({}, *name.location), operator.columns, cells, f"`{name.text}`")
        )

    return read


def _typed_choice(node: Node, cells: Cells) -> Choice:
    if isinstance(node, Map):
        if len(node.entries) != 1:
            raise problem(
                f"one name is wanted here, not {len(node.entries)}",
                node.location,
                help="as in `{batch_norm: {eps: 0.001}}`",
            )
        ((marker, options),) = node.entries.values()
        if not isinstance(options, Map):
            raise wrong(options, f"the options of {describe(marker)}", "as in `{batch_norm: {eps: 0.001}}`")
        return Choice(marker, options)
    typed = scalar(node, "a name")
    if typed.text.startswith("$"):
        typed = typed._replace(text=typed_word(evaluate(typed, cells.knobs)))
    return Choice(typed, None)


def find_operator(name: str, category: str) -> type[Operator] | None:
    """Return the operator of that name if it is of the *category* ("norm" or "act"). Raises SpecError as `find_block`
    does."""
    operator = BY_NAME.get(name)
    if operator is None:
        from archprof.graph import extensions

        operator = extensions.operator(name)
    return operator if operator is not None and operator.category == category else None


def operators_of(category: str) -> tuple[str, ...]:
    """Return the names of the operators of a category."""
    return tuple(dict.fromkeys(op.name for op in BY_NAME.values() if op.category == category))


_CHOICE_SCHEMA: Mapping[str, Any] = {
    "anyOf": [{"type": "string"}, {"type": "object", "minProperties": 1, "maxProperties": 1}]
}
NORM = Kind(
    "a norm: `batch_norm`, `{batch_norm: {eps: 0.001}}`, or `-`", none_or(_choice("norm", "norm")), _CHOICE_SCHEMA
)
ACT = Kind(
    "an activation: `relu6`, `RE`, `HS`, `{swish: {learnable: true}}`, or `-`",
    none_or(_choice("act", "activation")),
    _CHOICE_SCHEMA,
)
