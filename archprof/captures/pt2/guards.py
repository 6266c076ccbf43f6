"""What an exported program takes for granted of its sizes, as `(L['x'].size()[3] % 32) == 0`: where it does not hold,
the module may run other operators."""

import operator
import re
from collections.abc import Iterable, Mapping, Sequence

from archprof.captures.pt2.expression import Expression, evaluate, parse
from archprof.json_fields import Refused

# An axis of an input, or of a tensor in one: `L['masks'][0].size()[2]`.
_AXIS = re.compile(r"L\['(\w+)'\]((?:\['\w+'\]|\[[0-9]+\])*)\.size\(\)\[([0-9]{1,3})\]")
_COMPARED = re.compile(" (==|!=|<=|>=|<|>) ")
_MOST_TEXT = 10_000
_HOLDS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


def violated(
    guards: Iterable[str], shapes: Mapping[str, Sequence[Expression]], values: Mapping[str, int]
) -> str | None:
    """Return the first guard that does not hold where symbols have *values*, None where all do; *shapes* are those of
    the inputs. What speaks of other symbols, or of anything but sizes, is not asked."""
    for guard in guards:
        try:
            if len(guard) <= _MOST_TEXT and not _holds(guard, shapes, values):
                return _AXIS.sub(lambda axis: axis[0].removeprefix("L['").replace("']", "", 1), guard)
        except (Refused, LookupError):
            continue
    return None


def _holds(guard: str, shapes: Mapping[str, Sequence[Expression]], values: Mapping[str, int]) -> bool:
    def size(axis: re.Match[str]) -> str:
        name = "_".join([axis[1], *re.findall(r"\w+", axis[2])])
        return str(evaluate(shapes[name][int(axis[3])], values))

    left, sign, right = _COMPARED.split(_AXIS.sub(size, guard))[:3]
    return bool(_HOLDS[sign](evaluate(parse(left), {}), evaluate(parse(right), {})))
