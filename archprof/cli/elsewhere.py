"""Options and commands that people type first, in the words of papers and of other tools, and what there is."""

from collections.abc import Mapping

_WIDTH = "`--width 0.5` is the width multiplier"
_RESOLUTION = "`--resolution 160` is the input size"
_LIMITS = "limits are `--max-macs 220M`, `--max-params 4M` and the like, of `check`, `solve` and `sweep`"
_HALF = "FLOPs are 2 × MACs: `--max-macs` or `--target-macs` of half as many"
_FULL = "`archprof summary NETWORK --full` shows every operator"
_BYTES = "counts are of one image; `memory` and `summary --bytes` take a batch and a number format"
_COSTS = "`archprof summary NETWORK` prints params, MACs and, with `--flops`, FLOPs"

OPTIONS: Mapping[str, str] = {
    "--flops": "FLOPs are 2 × MACs; `summary` and `compare` show them",
    **dict.fromkeys(("--max", "--budget", "--max-gflops", "--max-gmacs"), _LIMITS),
    **dict.fromkeys(("--max-flops", "--target-flops"), _HALF),
    "--target-params": "`--max-params 4M` finds the largest that fits",
    **dict.fromkeys(("--batch", "--dtype", "--amp"), _BYTES),
    **dict.fromkeys(("--batch-size", "--bs"), "`--batch 32` is the batch, of `memory` and `summary --bytes`"),
    **dict.fromkeys(("--precision", "--half", "--fp16"), "`--dtype fp16` is the number format, of `memory`"),
    **dict.fromkeys(("--optimizer", "--optim"), "`--train adamw` is the optimiser, of `memory`"),
    "--depth": "`--set depth=1.2` scales a network that has a depth multiplier",
    **dict.fromkeys(("--alpha", "--multiplier", "--width-mult", "--width-multiplier"), _WIDTH),
    **dict.fromkeys(("--rho", "--image-size", "--img-size", "--input-size", "--res", "--size"), _RESOLUTION),
    **dict.fromkeys(("--layer", "--layers", "--verbose"), _FULL),
    **dict.fromkeys(("--n", "--random", "--samples"), "`--sample 100` takes so many at random"),
    **dict.fromkeys(("--workers", "--processes", "--threads"), "`--jobs 4` takes so many processes"),
    "--plot": "`compare`, `sweep`, `solve`, `memory`, `latency` and `cost` draw; `draw` makes diagrams",
    "--kernel": "`--k 3` is the kernel, of `cost`",
    "--json": "`--format json`, or `-o FILE.json`",
    "--csv": "`--format csv`, or `-o FILE.csv`",
    "--markdown": "`--format markdown`, or `-o FILE.md`",
}
COMMANDS: Mapping[str, str] = {
    **dict.fromkeys(("count", "flops", "info", "macs", "params", "profile", "stats"), _COSTS),
    **dict.fromkeys(("mem", "vram", "fit"), "`archprof memory NETWORK` says what it holds, and where the peak is"),
    **dict.fromkeys(
        ("time", "speed", "predict"), "`archprof latency NETWORK --device h100` predicts how long it takes"
    ),
    "help": "`archprof --help`, or `archprof summary --help` for that of a command",
    **dict.fromkeys(("diagram", "graph", "picture", "visualize"), "`archprof draw NETWORK -o out.svg` draws it"),
    "plot": "`archprof compare v1 v2 v3 --plot out.svg` draws; `sweep` and `cost` do too",
    "version": "`archprof --version`",
}
