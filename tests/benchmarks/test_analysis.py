"""How long an analysis takes in a process that has everything imported, as ratios to `yaml.CSafeLoader` on the text of
the same spec."""

import gc
import time
from collections.abc import Callable
from statistics import median

import pytest
import yaml

import archprof
from archprof.analysis.check import CheckRequest, check
from archprof.spec import catalog
from archprof.spec.budget import read_limit
from archprof.spec.nodes import Scalar

NETWORK = "mobilenet_v3_large"


@pytest.fixture
def against_its_yaml():
    """A function that returns how often as long as loading the network's YAML something takes; they run in turn, as on
    the command line without a collector that walks what others have imported."""
    text = catalog.files()[NETWORK].read_text(encoding="utf-8")

    def ratio(action):
        taken: dict[Callable[..., object], list[float]] = {action: [], _load: []}
        for _ in range(200):
            for measured, arguments in ((action, ()), (_load, (text,))):
                begin = time.perf_counter()
                measured(*arguments)
                taken[measured].append(time.perf_counter() - begin)
        return median(taken[action]) / median(taken[_load])

    gc.disable()
    yield ratio
    gc.enable()


def _load(text):
    yaml.load(text, yaml.CSafeLoader)


def test_expanding_and_costing(note, against_its_yaml):
    spec = archprof.load(NETWORK)
    ratio = against_its_yaml(lambda: archprof.analyze(spec))
    note(f"expanding and costing {NETWORK}", f"{ratio:.2f} × its YAML", "≤ 3 ×, to become 2.5 ×")
    assert ratio <= 3


def test_checking(note, against_its_yaml):
    limit = read_limit("macs", "max", Scalar("1G", "--max-macs"))
    request = CheckRequest((str(catalog.files()[NETWORK]),), limits=(limit,))
    ratio = against_its_yaml(lambda: check(request))
    note(f"checking {NETWORK}, read from its file", f"{ratio:.2f} × its YAML", "≤ 4.5 ×, to become 4 ×")
    assert ratio <= 4.5
