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


@pytest.mark.processes
@pytest.mark.filterwarnings("ignore")
def test_a_worker_is_killed():
    axes = [parse_axis(("width", "0.25:2:0.0005")), parse_axis(("resolution", "64:512:1"))]
    plan = plan_sweep("mobilenet_v2", axes, Selection(), sample=1_000_000)
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
