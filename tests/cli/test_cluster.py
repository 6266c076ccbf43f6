"""A sweep on a real Dask cluster of this machine, one of whose workers is killed half-way: every variant once, none
lost."""

import os
import signal

import distributed
import numpy as np
import pytest

from archprof.spec.axis import parse_axis
from archprof.sweep.executors import workers_of
from archprof.sweep.plan import Selection, plan_sweep
from archprof.sweep.run import Tally, sweep
from tests.cli.console import archprof


@pytest.mark.filterwarnings("ignore")
def test_a_worker_is_killed():
    axes = [parse_axis(("width", "0.25:2:0.0005")), parse_axis(("resolution", "64:512:1"))]
    plan = plan_sweep("mobilenet_v2", axes, Selection(), sample=300_000)
    pieces, tally = [], Tally([plan])
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        victim = next(iter(cluster.workers.values())).pid
        with workers_of(cluster.scheduler_address, None, plan.size) as workers:
            for piece in sweep([plan], workers):
                pieces.append(tally.add(piece))
                if len(pieces) == 3:
                    os.kill(victim, signal.SIGKILL)
    assert np.concatenate([kept.numbers for kept in pieces]).tolist() == list(range(plan.size))
    here = [tally.add(piece) for piece in sweep([plan])]
    assert (
        np.concatenate([kept.costs for kept in pieces], axis=1) == np.concatenate([kept.costs for kept in here], axis=1)
    ).all()


@pytest.mark.filterwarnings("ignore")
def test_a_space_at_several_sizes(tmp_path, capsys):
    """A space in a file, which a cluster cannot read, is counted by it as it is here."""
    file = tmp_path / "small.yaml"
    file.write_text(
        "archprof: 1\ninput: 3x32x32\nlayers:\n  - conv: {k: {choice: [1, 3]}, c: {choice: [4, 8]}, n: 2}\n",
        encoding="utf-8",
    )
    asked = ("space", str(file), "--resolution", "16:64:16", "--max-macs", "500k", "--format", "json")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        there = archprof(capsys, *asked, "--scheduler", cluster.scheduler_address)
    assert there.code == 0
    assert there.out == archprof(capsys, *asked, "--jobs", "1").out
