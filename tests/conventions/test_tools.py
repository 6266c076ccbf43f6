"""Each convention gives, from the graph alone, what its tool gives for the module that archprof builds."""

import json
import os
import subprocess
import sys

import pytest
from packaging.requirements import Requirement

import archprof
from archprof.analysis.guess import guess, parse_seen
from archprof.analysis.variants import Variants
from archprof.costs.convention import convention_sum
from archprof.costs.priced import convention_total, priced
from archprof.costs.tools import CONVENTIONS
from archprof.ir.operators import all_operators, captured_operators
from archprof.runtime.build import build_network
from tests.conventions.references import (
    CORNERS,
    INSTALLED,
    OPERATORS,
    RECORDED,
    REFERENCES,
    RESOLUTIONS,
    ROOT,
    RUN_HERE,
)
from tests.conventions.tools import TOOLS

BY_DAY = [
    *CORNERS,
    f"mobilenet_v3_large@resolution={RESOLUTIONS[1]}",
    *[*INSTALLED][::2],  # of each its first resolution
]
RECORDINGS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in RECORDED.glob("*.json")}
# What the tools print for torchvision's modules at 224, whose forms the specs follow.
TORCHVISION = {
    "mobilenet_v3_large": {
        "fvcore": 226_033_824,
        "thop": 234_838_456,
        "torchprofile": 221_591_992,
        "torchinfo": 216_621_520,
        "ptflops-aten": 216_597_120,
    },
    "mobilenet_v2": {
        "fvcore": 314_193_216,
        "thop": 327_486_720,
        "torchprofile": 307_453_664,
        "torchinfo": 300_809_384,
        "ptflops-aten": 300_775_272,
    },
    "mobilenet_v3_small": {"torchsummaryx": 56_516_456},
}


@pytest.fixture(autouse=True)
def root(monkeypatch):
    monkeypatch.chdir(ROOT)


def computed(tool, references=REFERENCES):
    return {reference: convention_total(archprof.analyze(reference), CONVENTIONS[tool]) for reference in references}


@pytest.mark.parametrize("larger", [False, pytest.param(True, marks=pytest.mark.night)])
@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool not in RECORDINGS])
def test_a_convention_is_what_its_tool_counts(tool, larger):
    """By day of a network on maps of odd sides, and of all operators."""
    known = [
        reference
        for reference in (*RUN_HERE, *INSTALLED)
        if tool not in INSTALLED.get(reference, ()) and (reference in BY_DAY) is not larger
    ]
    # Threads cost more than they bring on maps of this size.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        [sys.executable, "-m", "tests.conventions.tools", tool, *known],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert computed(tool, known) == json.loads(run.stdout)


@pytest.mark.parametrize("reference", INSTALLED)
def test_what_is_not_known_of_a_tool_is_said(reference):
    """Of tools that were recorded it is of all operators here."""
    report = archprof.analyze(reference)
    unknown = {name for name, convention in CONVENTIONS.items() if priced(report, convention).not_priced()}
    assert unknown == {*INSTALLED[reference], *RECORDINGS}


@pytest.mark.parametrize("tool", RECORDINGS)
def test_a_convention_is_what_its_tool_counted(tool):
    assert computed(tool) == RECORDINGS[tool]["numbers"], (
        f"where a network was changed on purpose: {RECORDED.parent / 'record.py'}"
    )


def test_every_convention_is_held_against_its_tool():
    assert {*CONVENTIONS} == {"archprof", *TOOLS}
    assert {*RECORDINGS} == {name for name, convention in CONVENTIONS.items() if convention.recorded}


def test_versions_are_those_that_run_here_or_were_recorded():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {
        pin.name: str(pin.specifier).removeprefix("==")
        for pin in map(Requirement, filter(lambda line: line[:1] not in ("", "#"), lines))
    }
    recorded = {name: recording["version"] for name, recording in RECORDINGS.items()}
    followed = {name: convention.version for name, convention in CONVENTIONS.items() if name != "archprof"}
    assert followed == {name: recorded.get(name) or pins[name.removesuffix("-aten")] for name in followed}


def test_every_operator_is_among_the_networks():
    """A tool's rule for an operator that no network here has would be a guess."""
    seen = {type(row.operator) for reference in REFERENCES for row in archprof.analyze(reference).rows}
    installed = {type(row.operator) for reference in INSTALLED for row in archprof.analyze(reference).rows}
    # What captured modules have is tried in test_captured; a dynamic convolution is a class that no tool knows.
    elsewhere = {"softmax", "dynamic_conv"}
    assert {one.name for one in all_operators() if one.tried == "all" and one not in seen} == elsewhere
    # What reads numbers is a module of torch's own, tried in test_captured.
    assert {one.name for one in all_operators() if one.tried == "installed" and one not in installed} == {"embedding"}


def test_prices_are_for_operators_that_there_are():
    """A convention names operators by their classes' names, so that it imports none; what begins with a small letter is
    a name of torch's."""
    names = {operator.__name__ for operator in (*all_operators(), *captured_operators())}
    priced = {name for one in CONVENTIONS.values() for price in one.prices for name in price.operators}
    assert {name for name in priced if name[:1].isupper()} <= names


@pytest.mark.parametrize("network", TORCHVISION)
def test_the_module_is_written_as_the_one_that_it_follows(network):
    report = archprof.analyze(network)
    assert {tool: convention_total(report, CONVENTIONS[tool]) for tool in TORCHVISION[network]} == TORCHVISION[network]


def test_thop_of_2019_by_arithmetic():
    """ResNet-50's convolutions and classifier; its batch norms, 4 for each of 11,113,984 elements; the pool, 49 for
    each channel and a division; the classifier's additions, one less than its products for each class."""
    counted = 4_089_184_256 + 4 * 11_113_984 + 2048 * (49 + 1) + 1000 * 2047
    assert counted == 4_135_789_592
    assert convention_total(archprof.analyze("resnet50"), CONVENTIONS["thop-2019-09"]) == counted


def test_what_is_called_again_counted_once_to_the_first_thop():
    report = archprof.analyze(OPERATORS)
    again = [row for row in report.rows if row.node.call > 1]
    assert again
    assert all(convention_sum([row], CONVENTIONS["thop-2019-07"]) == 0 for row in again)


@pytest.mark.parametrize("name", CONVENTIONS)
def test_rows_sum_to_the_network(name):
    report = archprof.analyze("mobilenet_v3_small")
    assert sum(convention_sum([row], CONVENTIONS[name]) for row in report.rows) == convention_total(
        report, CONVENTIONS[name]
    )


@pytest.mark.parametrize("network", ["mobilenet_v1", "convnext_tiny", "squeezenet1_0"])
def test_weights_alone_are_the_parameters_of_more_than_one_axis(network):
    model = build_network(archprof.expand(network), initialise=False, device="meta")
    weights = sum(parameter.numel() for parameter in model.parameters() if parameter.ndim > 1)
    variants = Variants(network)
    found = guess(parse_seen(f"{weights} params"), variants.report(), variants, (CONVENTIONS["archprof"],)).guesses
    assert (found[0].number, found[0].fits) == (weights, True)
