"""What is written for programs, by name: the record of each document, as `module:Class`."""

from collections.abc import Mapping

# What the commands print, by command.
RESULTS: Mapping[str, str] = {
    "summary": "archprof.analysis.summary:Summary",
    "show": "archprof.analysis.block_table:BlockTable",
    "list": "archprof.analysis.listing:Listing",
    "validate": "archprof.analysis.validate:Validation",
    "cost": "archprof.analysis.cost:ConvCosts",
    "memory": "archprof.analysis.memory:Memory",
    "latency": "archprof.analysis.latency:LatencyPrediction",
    "bench": "archprof.analysis.bench:Bench",
    "calibrate": "archprof.analysis.calibration:ProfileVerification",
    "compare": "archprof.analysis.compare:Comparison",
    "diff": "archprof.analysis.diff:Diff",
    "sweep": "archprof.sweep.outcome:SweepDocument",
    "solve": "archprof.sweep.solve:Solution",
    "space": "archprof.space.report:SpaceReport",
    "explain": "archprof.analysis.explain:Explained",
    "explain-number": "archprof.analysis.guess:Guessed",
    "check": "archprof.analysis.check:Outcome",
    "verify": "archprof.analysis.verify:Verification",
}
# The commands that have `--flops`.
WITH_FLOPS = ("summary", "compare")
WITH_MEMORY = ("sweep", "solve", "space")
# What is written for programs otherwise: the file of a baseline, and what `archprof.measure` returns, as a dict.
OTHERS: Mapping[str, str] = {
    "baseline": "archprof.analysis.baseline:Baseline",
    "measurement": "archprof.analysis.measurement:MeasuredModules",
}
NAMES = ("spec", "config", "lock", *RESULTS, *OTHERS)
