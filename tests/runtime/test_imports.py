"""Without torch or fvcore: what is missing, and what to install."""

import gc
import subprocess
import sys

import pytest

import archprof
from archprof.errors import UsageError
from archprof.runtime.imports import require_torch, uncollected
from archprof.runtime.measure import measure_network


@pytest.mark.parametrize(("package", "module"), [("torch", "torch"), ("fvcore", "fvcore.nn")])
def test_measuring_names_what_is_missing(monkeypatch, package, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UsageError) as error:
        measure_network(archprof.expand("mobilenet_v2"))
    assert (
        str(error.value)
        == f"measuring needs torch and fvcore, and `{package}` is not installed\n  help: pip install 'archprof[torch]'"
    )
    assert error.value.exit_code == 2


def test_torch_alone_is_enough_for_its_own_counter(monkeypatch):
    monkeypatch.setitem(sys.modules, "fvcore.nn", None)
    assert archprof.measure("mobilenet_v2", counter="torch").macs == 300774272


def test_building_names_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UsageError, match="building a module needs torch, and `torch` is not installed"):
        archprof.build("mobilenet_v2")


def test_a_package_that_another_needs_is_named(monkeypatch):
    monkeypatch.setattr("archprof.runtime.imports._MODULES", {"torch": "torch.of_another_time"})
    with pytest.raises(UsageError, match="archprof summary needs torch, and `torch` is not installed"):
        require_torch("archprof summary")


def test_the_collector_is_left_as_it_was():
    with uncollected():
        assert not gc.isenabled()
        with uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError), uncollected():
        _ = 1 / 0
    assert gc.isenabled()


def test_the_entrances_load_no_torch_before_they_are_called():
    probe = (
        "import sys, archprof.runtime.build, archprof.runtime.measure; sys.exit(sorted({'torch', 'fvcore', 'numpy'} "
        "& set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert ended.stderr == "[]\n"
