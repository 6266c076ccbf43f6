"""Axes of a sweep: decimals, not binary sums."""

import pytest

from archprof.errors import SpecError
from archprof.spec.axis import parse_axis


def values(text, name="width"):
    return list(parse_axis((name, text)).values)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0.75", ["0.75"]),
        ("0.5,1,1.40", ["0.5", "1", "1.40"]),
        ("0.50,0.5,1,1.0,0.5:1:0.25", ["0.50", "1", "0.75"]),
        ("224,0224,224x224", ["224", "224x224"]),
        ("0.35:0.6:0.05", ["0.35", "0.4", "0.45", "0.5", "0.55", "0.6"]),
        ("0.1:0.35:0.1", ["0.1", "0.2", "0.3"]),
        ("96:320:64", ["96", "160", "224", "288"]),
        ("100:300:100", ["100", "200", "300"]),
        ("1,0.5:1:0.25", ["1", "0.5", "0.75"]),
        ("[3,5],7", ["[3,5]", "7"]),
        ("192,192x256", ["192", "192x256"]),
    ],
)
def test_values(text, wanted):
    assert values(text) == wanted


def test_a_step_counts_in_decimals():
    """Adding 0.05 in binary 21 times gives 1.4000000000000004, and multiplying 0.05 by 3 gives 0.15000000000000002."""
    found = values("0.35:1.4:0.05")
    assert found == [f"{hundredths / 100:g}" for hundredths in range(35, 141, 5)]


def test_equal_ratios():
    assert values("1:8:log:4") == ["1", "2", "4", "8"]
    assert values("64:512:log:4", "resolution") == ["64", "128", "256", "512"]
    assert values("0.5:2:log:4") == ["0.5", "0.793701", "1.25992", "2"]
    assert values("1:3:log:9", "resolution") == ["1", "2", "3"]


@pytest.mark.parametrize(
    "text", ["1:2:0", "2:1:0.1", "0:1:0.0000001", "1:2", "1:2:log:1", "2:1:log:4", "1,,2", ":", "1:2:3:4"]
)
def test_ranges_without_values(text):
    with pytest.raises(SpecError):
        values(text)
