"""Networks of the spaces of Once-for-All cost what its own code says that they do, recorded with its origin."""

import json
from pathlib import Path
from typing import Any

import pytest

import archprof

RECORDED = json.loads(Path(__file__).with_name("once_for_all.json").read_text(encoding="utf-8"))
SETTINGS: dict[str, dict[str, str]] = {
    "space_ofa_mbv3": {},
    "space_ofa_proxyless": {"width": "1.3"},
    "space_ofa_resnet50": {},
}
LEAST_DEPTHS = (2, 2, 4, 2)
EXPANSIONS = (0.2, 0.25, 0.35)


def number(digits: list[tuple[int, int]]) -> int:
    """Return the number whose digits are given with their bases, the last the least significant."""
    found = 0
    for digit, base in digits:
        assert 0 <= digit < base
        found = found * base + digit
    return found


def form(layers: list[int], ways: int, least: int) -> tuple[int, int]:
    """Return the number of a stage among those of *least* to *least* + 2 layers of so many ways each, and theirs."""
    sizes = [ways**depth for depth in range(least, least + 3)]
    return sum(sizes[: len(layers) - least]) + number([(layer, ways) for layer in layers]), sum(sizes)


def inverted_residuals(network: dict[str, Any]) -> int:
    """Return the rank of a network of kernels 3, 5, 7 and expansions 3, 4, 6; its last block, if any, stands alone."""
    stages = [[(3, 5, 7).index(k) * 3 + (3, 4, 6).index(t) for k, t in stage] for stage in network["stages"]]
    digits = [form(stage, 9, 2) for stage in stages[:5]]
    return number([*digits, *((layer, 9) for stage in stages[5:] for layer in stage)])


def bottlenecks(network: dict[str, Any]) -> int:
    """Return the rank of a network of bottlenecks with a width for each stage."""
    digits = [(network["stem"], 3), (network["deep"], 2), (network["wide"], 3)]
    for (width, ratios), least in zip(network["stages"], LEAST_DEPTHS, strict=True):
        digits += [(width, 3), form([EXPANSIONS.index(ratio) for ratio in ratios], 3, least)]
    return number(digits)


@pytest.mark.parametrize("name", SETTINGS)
def test_networks_cost_what_their_authors_code_says(name):
    rank_of = bottlenecks if name == "space_ofa_resnet50" else inverted_residuals
    assert len(RECORDED[name]) == 60
    for network in RECORDED[name]:
        settings = {"network": str(rank_of(network)), "resolution": str(network["resolution"]), **SETTINGS[name]}
        assert archprof.analyze(name, **settings).totals.macs == network["macs"], network
