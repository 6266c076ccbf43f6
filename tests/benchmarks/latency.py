"""How far off predictions are on this machine: `python -m tests.benchmarks.latency` calibrates onnxruntime, fp32, on
one thread, and holds it against networks that the profile has not measured, in the same run.

A table of what was measured and predicted, the median of how far off that is (5 % are asked for), and how far minima
of the same networks are apart between this process and another (4 %). It takes a few minutes, and wants a quiet
machine: what is noise is said, and left out.
"""

import json
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from archprof.analysis.latency import describe_latency
from archprof.analysis.models import read_data
from archprof.devices.asked import Asked
from archprof.devices.profile_file import read_profile
from archprof.units import in_ms

NETWORKS = (
    "mobilenet_v1@width=0.5", "mobilenet_v2@width=0.5", "mobilenet_v3_large", "mnasnet_a1", "mixnet_s", "ghostnet_130",
    "shufflenet_v2_x1_5", "efficientnet_lite0", "regnetx_004", "regnety_008", "squeezenet1_0", "resnet34",
    "se_resnet18", "resnet50", "inception_v3",
)  # fmt: skip
_HOW = ("--runtime", "onnxruntime", "--threads", "1")


class Held(NamedTuple):
    """A network as it was measured, in this process and in another, and as it is predicted, in ms."""

    model: str
    ms: float
    again_ms: float
    predicted_ms: float
    noisy: bool


def held(folder: Path, operators: int) -> list[Held]:
    """Return networks measured and predicted in one run."""
    profile = folder / "cpu.json"
    _archprof("calibrate", *_HOW, "--operators", str(operators), "-o", str(profile))
    first, second = (_measured(folder / f"{which}.json") for which in ("first", "second"))
    known = read_profile(str(profile))
    found = []
    for model in NETWORKS:
        predicted = describe_latency(read_data(model), known, Asked()).estimates["latency"].value
        one, other = first[model], second[model]
        noisy = one["noisy"] or other["noisy"]
        found.append(Held(model, one["latency"]["ms"], other["latency"]["ms"], predicted, noisy))
    return found


def _measured(path: Path) -> dict[str, Any]:
    _archprof("bench", *NETWORKS, *_HOW, "-o", str(path))
    return {one["model"]: one for one in json.loads(path.read_text(encoding="utf-8"))["networks"]}


def _archprof(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "archprof", *arguments], check=True)


def main() -> None:
    """Print the table."""
    operators = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    with TemporaryDirectory() as folder:
        found = held(Path(folder), operators)
    for one in found:
        off, apart = one.predicted_ms / one.ms - 1, abs(one.again_ms / one.ms - 1)
        noise = "  noise" if one.noisy else ""
        times = f"{in_ms(one.ms):>8} ms, again {in_ms(one.again_ms):>8}, predicted {in_ms(one.predicted_ms):>8}"
        print(f"{one.model:24} {times}  {100 * off:+6.1f} %, apart {100 * apart:4.1f} %{noise}")
    quiet = [one for one in found if not one.noisy]
    if not quiet:
        print("everything is noise: leave the machine alone")
        return
    off = statistics.median(abs(one.predicted_ms / one.ms - 1) for one in quiet)
    apart = statistics.median(abs(one.again_ms / one.ms - 1) for one in quiet)
    print(f"{len(quiet)} networks: median off {100 * off:.1f} %, median apart between processes {100 * apart:.1f} %")


if __name__ == "__main__":
    main()
