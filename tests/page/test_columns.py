"""Documents made small: nothing is lost, and what is alike to Python alone stays apart."""

import json

import pytest

from archprof.render.page.columns import as_columns
from tests.page.browser import together

MANY = [{"path": str(number), "kind": "conv", "shape": [number % 2, 8]} for number in range(20)]


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"layers": MANY},
        {"networks": [{"layers": MANY}, {"layers": [*MANY, {"path": "x"}]}]},
        {"layers": [{"a": one} for one in (1, 1.0, True, "1", None, [1], [1.0], [True], "True")]},
        {"layers": [{} for _ in range(9)]},
        {"layers": [{"": 1}, *({"b": 2} for _ in range(9)), {"__proto__": 3}]},
        {"columns": MANY, "tables": [{"place": [], "count": 0}], "document": [[], [{}]]},
    ],
    ids=["empty", "many", "nested", "alike", "nothing", "keys", "names"],
)
def test_nothing_is_lost(value):
    small = json.loads(json.dumps(as_columns(value)))
    assert repr(together(small)) == repr(value)


def test_equal_values_stand_once():
    assert len(json.dumps(as_columns({"layers": MANY}))) < len(json.dumps({"layers": MANY})) / 2
