"""An analytic answer waits for nothing heavy."""

import subprocess
import sys

PROBE = """
import contextlib, io, sys
import archprof
from archprof.cli import run

heavy = ("torch", "fvcore", "numpy", "pydantic")
lines = [[], ["--help"], ["summary", "v3"], ["summary", "v3", "--full", "--format", "json"], ["show", "v2"], ["list"], ["validate", "v1"], ["schema"]]
for line in lines:
    with contextlib.redirect_stdout(io.StringIO()):
        code = run(line)
    loaded = [name for name in heavy if name in sys.modules]
    if code or loaded:
        sys.exit(f"archprof {' '.join(line)}: exit code {code}, imports {loaded}")
"""


def test_analytic_commands_load_nothing_heavy():
    ended = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
