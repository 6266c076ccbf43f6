"""The promise, for a network of each family and every one of its rows: formulas = fvcore = FlopCounterMode, parameters
= the module's. For all of them `archprof verify` says it, by night.

FlopCounterMode counts at the network's own resolution, on the meta device, which holds no data; fvcore traces real
tensors, at a smaller one.
"""

import math

import pytest

import archprof
from archprof.costs.measured import disagreement, with_measured
from archprof.costs.report import analyze_graph
from archprof.errors import SpecError
from archprof.language.expand import expand
from archprof.runtime.measure import measure_network
from archprof.spec import catalog
from tests.by_day import Facts, core, facts, of_each_family

NAMES = list(catalog.files())
# With attention, layers that recur, convolutions of a volume, and maps of several sizes.
OTHERS = ("vit_tiny_patch16_224", "swin_tiny_patch4_window7_224", "crnn", "mc3_18", "hrnet_w18_small", "yolov5n")
SMALL = ("64", "96", "128", "224", "299")


def smallest(name):
    """Return the graph of a network at the smallest of some resolutions that it can take, or at its own."""
    own = archprof.load(name)
    for resolution in SMALL:
        if len(own.input) == 3 and int(resolution) < min(own.input[1:]):
            try:
                return expand(archprof.load(name, resolution=resolution))
            except SpecError:
                continue
    return expand(own)


@pytest.mark.parametrize("name", of_each_family(NAMES))
def test_rows_are_what_torch_counts(name):
    graph = archprof.expand(name)
    report = with_measured(analyze_graph(graph), measure_network(graph, "torch"))
    assert disagreement(report) == ""
    assert report.measured is not None
    assert (report.measured.params, report.measured.macs) == (report.totals.params, report.totals.macs)


@pytest.mark.parametrize("name", core(*OTHERS))
def test_rows_are_what_fvcore_counts(name):
    graph = smallest(name)
    report = with_measured(analyze_graph(graph), measure_network(graph, "fvcore"))
    assert disagreement(report) == ""
    assert report.measured is not None
    assert report.measured.macs == report.totals.macs


@pytest.fixture(scope="module")
def specs():
    return {name: archprof.load(name) for name in NAMES}


def test_names_are_those_of_the_files(specs):
    for name, path in catalog.files().items():
        assert specs[name].name == name == path.stem


def test_what_tests_choose_networks_by_is_what_specs_say(specs):
    for name, path in catalog.files().items():
        spec = specs[name]
        params = spec.expect[0].counts.get("params", math.inf) if spec.expect else math.inf
        said = Facts(path.parent.name, params, spec.width is not None, "deploy" in spec.knobs, spec.follows)
        assert facts()[name] == said


def test_every_network_is_held_against_numbers(specs):
    """Exact ones from elsewhere, or printed ones: never only our own."""
    assert [spec.name for spec in specs.values() if not spec.expect and not spec.published] == []
