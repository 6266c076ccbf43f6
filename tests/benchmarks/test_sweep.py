"""How many variants a second a sweep computes, against the fastest counter on the same variants, in one run."""

import json
import os
import pickle
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from statistics import median

import pytest

import archprof
from archprof.spec.axis import parse_axis
from archprof.spec.variant import parse_settings
from archprof.sweep.compute import compute
from archprof.sweep.plan import Selection, plan_sweep
from archprof.sweep.run import settings_of, stretches, sweep

# torch warns when fvcore imports what it needs of it.
pytestmark = pytest.mark.filterwarnings("ignore")
NETWORK = "mobilenet_v3_large"
MILLION = 1_000_000
LAUNCH = os.path.join(os.path.dirname(__file__), "launch.py")
ARCHPROF = os.path.join(os.path.dirname(sys.executable), "archprof")


def plan_of(width, sample=None):
    return plan_sweep(
        NETWORK, [parse_axis(("width", width)), parse_axis(("resolution", "64:512:1"))], Selection(), sample, 1
    )


ARBITRARY = plan_of("0.25:2:0.0001", MILLION)
GRID = plan_of("0.25:2:0.001")


def rate(plan):
    """Return the variants a second of one core: of its own time, so that what else runs on the machine does not
    count."""
    pickled = pickle.dumps(plan)
    compute(pickled, 0, 10)
    rates = []
    for start, stop in stretches(plan):
        begin = time.process_time()
        compute(pickled, start, stop)
        rates.append((stop - start) / (time.process_time() - begin))
    return median(rates)


@pytest.fixture(scope="module")
def counters():
    """Variants a second of other counters, each on modules built beforehand: counting alone is timed."""
    import torch
    from fvcore.nn import FlopCountAnalysis
    from torch.utils.flop_counter import FlopCounterMode

    def fvcore(network, side):
        FlopCountAnalysis(network, torch.zeros(1, 3, side, side)).unsupported_ops_warnings(
            False
        ).uncalled_modules_warnings(False).total()

    def flop_counter(device):
        def count(network, side):
            with torch.no_grad(), FlopCounterMode(display=False):
                network.to(device)(torch.zeros(1, 3, side, side, device=device))

        return count

    variants = [dict(parse_settings(settings_of(ARBITRARY, number))) for number in range(5)]
    found = {}
    for name, count in {
        "fvcore": fvcore,
        "FlopCounterMode": flop_counter("cpu"),
        "FlopCounterMode on meta": flop_counter("meta"),
    }.items():
        networks = [(archprof.build(NETWORK, **variant).eval(), int(variant["resolution"])) for variant in variants]
        count(*networks[0])
        begin = time.process_time()
        for network, side in networks:
            count(network, side)
        found[name] = len(networks) / (time.process_time() - begin)
    return found


def test_arbitrary_variants(note, counters):
    mine, (name, theirs) = rate(ARBITRARY), max(counters.items(), key=lambda item: item[1])
    note("arbitrary variants", f"{mine:,.0f}/s on one core", "≥ 300,000/s")
    note("", f"{mine / theirs:,.0f} × {name} ({theirs:.1f}/s)", "≥ 10,000 ×")
    assert mine >= 300_000
    assert mine / theirs >= 10_000


def test_grid(note, counters):
    mine, (name, theirs) = rate(GRID), max(counters.items(), key=lambda item: item[1])
    note("a product grid", f"{mine / 1e6:.1f} million/s on one core", "≥ 10 million/s")
    note("", f"{mine / theirs:,.0f} × {name}", "≥ 300,000 ×")
    assert mine >= 10_000_000
    assert mine / theirs >= 300_000


def test_two_cores(note):
    best = {1: float("inf"), 2: float("inf")}
    with ProcessPoolExecutor(1, get_context("spawn")) as one, ProcessPoolExecutor(2, get_context("spawn")) as two:
        # In turn, and the best of several: a core that others use is not a second one.
        for _ in range(6):
            for processes, pool in ((1, one), (2, two)):
                begin = time.perf_counter()
                assert sum(piece.stretch.fitting for piece in sweep([ARBITRARY], pool, 4)) == MILLION
                best[processes] = min(best[processes], time.perf_counter() - begin)
    note("two cores", f"{best[1] / best[2]:.2f} × one ({MILLION / best[2]:,.0f}/s)", "≥ 1.7 ×")
    assert best[1] / best[2] >= 1.7


def launched(rounds, *commands):
    """Return the median seconds and peak bytes of each command."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    launch = [sys.executable, "-I", "-S", LAUNCH, str(rounds), json.dumps(commands)]
    runs = json.loads(subprocess.run(launch, env=environment, stdout=subprocess.PIPE, check=True).stdout)
    return [tuple(map(median, zip(*runs_of_one, strict=True))) for runs_of_one in zip(*runs, strict=True)]


def test_ten_million_to_parquet(note, tmp_path):
    import pyarrow.parquet

    path = tmp_path / "sweep.parquet"
    axes = ["--width", "0.25:2:0.00005", "--resolution", "64:512:1", "--sample", "10000000"]
    command = [ARCHPROF, "sweep", NETWORK, *axes, "--jobs", "1", "-o", str(path)]
    ((seconds, peak),) = launched(1, command)
    assert pyarrow.parquet.ParquetFile(path).metadata.num_rows == 10_000_000
    note("10 million variants to Parquet", f"{peak / 1e6:.0f} MB, {seconds:.1f} s on one core", "≤ 500 MB")
    assert peak <= 500e6


def test_solve(note):
    command = [ARCHPROF, "solve", NETWORK, "--max-macs", "100M", "--max-params", "4M", "--resolution", "128:288:32"]
    imports = [sys.executable, "-c", "import archprof.cli.solve, archprof.sweep.solve, archprof.render.solve, numpy"]
    (solved, _), (imported, _) = launched(11, command, imports)
    note("solve, six resolutions", f"{solved - imported:.3f} s above its imports ({imported:.3f} s)", "≤ 0.3 s")
    assert solved - imported <= 0.3


def test_help_loads_no_numpy(note):
    (helped, _), (other, _) = launched(11, [ARCHPROF, "sweep", "--help"], [ARCHPROF, "summary", "--help"])
    note("sweep --help", f"{helped / other:.2f} × summary --help", "≤ 1.1 ×")
    assert helped / other <= 1.1
