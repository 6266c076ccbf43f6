"""Whole processes against each other: what each takes, in wall time, memory and CPU time, run in turn."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from statistics import median
from typing import NamedTuple

_LAUNCH = str(Path(__file__).parent / "launch.py")
_ARCHPROF = str(Path(sys.executable).parent / "archprof")
# Run the command line, and name at exit what it has imported.
_TELL_MODULES = """
import atexit, sys
from archprof.__main__ import main
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
main()
"""


class Cost(NamedTuple):
    """The median wall time and peak memory of a process, and the least CPU time, of user and system."""

    seconds: float
    peak_bytes: float
    cpu_seconds: float


def compare(rounds: int, *commands: list[str]) -> list[Cost]:
    """Return what each command costs; they run in turn, so that a busy moment meets all of them."""
    launch = [sys.executable, "-I", "-S", _LAUNCH, str(rounds), json.dumps(commands)]
    runs = json.loads(subprocess.run(launch, env=_environment(), stdout=subprocess.PIPE, check=True).stdout)
    return [_cost(runs_of_one) for runs_of_one in zip(*runs, strict=True)]


def _cost(runs: Sequence[tuple[float, float, float]]) -> Cost:
    seconds, peaks, cpu = zip(*runs, strict=True)
    return Cost(median(seconds), median(peaks), min(cpu))


def python(code: str, *arguments: str) -> list[str]:
    """Return the command that runs some Python."""
    return [sys.executable, "-c", code, *arguments]


def archprof(*arguments: str) -> list[str]:
    """Return a command of archprof."""
    return [_ARCHPROF, *arguments]


def libraries(*arguments: str) -> list[str]:
    """Return the command that imports what a command of archprof imports from elsewhere, and does nothing with it."""
    return python(f"import {', '.join(_imported(arguments))}")


@cache
def _imported(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """Return the modules that a command imports, without archprof's own."""
    ran = subprocess.run(
        python(_TELL_MODULES, *arguments),
        env=_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=True,
    )
    names = ran.stderr.decode().split()
    return tuple(name for name in names if name != "__main__" and not f"{name}.".startswith("archprof."))


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
