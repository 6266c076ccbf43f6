"""The rules of all operators, in one table."""

from archprof.captures.onnx.rules import elementwise, movement, products, quantised, shapes, windows
from archprof.captures.onnx.rules.rule import Rule

RULES: dict[str, Rule] = {
    **elementwise.RULES,
    **movement.RULES,
    **shapes.RULES,
    **windows.RULES,
    **products.RULES,
    **quantised.RULES,
}
# The newest version of operators that these rules know.
NEWEST = 28
OLDEST = 7


def find_rule(domain: str, op: str) -> Rule | None:
    """Return the rule of an operator, if there is one."""
    if not domain:
        return RULES.get(op)
    if (domain, op) == ("ai.onnx.preview", "FlexAttention"):
        return RULES["Attention"]
    if domain.startswith("com.microsoft"):
        from archprof.captures.onnx.rules import microsoft

        return microsoft.DOMAINS.get(domain, {}).get(op)
    if domain == "ai.onnx.ml":
        from archprof.captures.onnx.rules import learners

        return learners.RULES.get(op)
    return None
