"""An analytic answer waits for nothing heavy."""

import subprocess
import sys

import pytest

from tests.docs.markdown import ROOT

PROBE = """
import contextlib, io, sys
import archprof
from archprof.cli import COMMANDS, run

heavy = ("torch", "fvcore", "numpy", "pydantic", "matplotlib", "jinja2")
lines = [
    "--help",
    "summary v3",
    "summary v3 --full --format json",
    "show v2",
    "list",
    "validate v1",
    "cost --conv dw",
    "memory v3 --train adamw",
    "latency v2 --device h100",
    "compare v1 v2",
    "compare v1 v2 --device h100",
    "diff v1 v1@width=0.5",
    "draw v3",
    "explain v3",
    "summary v2 --convention thop",
    "sweep --help",
    "solve --help",
    "space --help",
    "verify v1 --analytic",
    "lock --help",
    "report --help",
    "bench --help",
    "calibrate --help",
    "check v1 --max-macs 1G",
    "check v1 --max-latency 9ms --device h100",
    "summary tests/captures/schema_1.lock.json",
    "compare v1 tests/captures/schema_1.lock.json",
    "schema",
]
forgotten = COMMANDS.keys() - {line.partition(" ")[0] for line in lines}
if forgotten:
    sys.exit(f"commands that are not tried: {forgotten}")
for line in lines:
    with contextlib.redirect_stdout(io.StringIO()):
        code = run(line.split())
    loaded = [name for name in heavy if name in sys.modules]
    if code or loaded:
        sys.exit(f"archprof {line}: exit code {code}, imports {loaded}")
"""


def test_analytic_commands_load_nothing_heavy():
    ended = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(
    "line", ["sweep v2 --width 0.5,1", "solve v2 --max-macs 150M", "space space_dna --minimize macs"]
)
def test_where_numpy_is_not_installed_a_command_says_what_to_install(line):
    code = f"import sys; sys.modules['numpy'] = None; from archprof.cli import run; sys.exit(run({line.split()!r}))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    told = f"`{line.split()[0]}` needs numpy, which is not installed\n  help: pip install 'archprof[sweep]'\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", told)


@pytest.mark.parametrize("line", ["report v3 -o v3.html", "summary v3 --open"])
def test_where_jinja_is_not_installed_a_page_says_what_to_install(tmp_path, line):
    code = f"import sys; sys.modules['jinja2'] = None; from archprof.cli import run; sys.exit(run({line.split()!r}))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    told = "a page needs Jinja2, which is not installed\n  help: pip install 'archprof[report]'\n"
    assert (ended.returncode, ended.stdout, ended.stderr, [*tmp_path.iterdir()]) == (2, "", told, [])


@pytest.mark.parametrize("line", ["summary v3", "compare v1 v2", "check v1 --max-macs 1G"])
def test_counts_load_nothing_that_is_for_bytes(line):
    code = f"""
import sys
from archprof.cli import run
code = run({line.split()!r})
loaded = [name for name in sys.modules if name.startswith("archprof.allocation.") or name == "archprof.analysis.memory"]
sys.exit(code or ", ".join(loaded) or 0)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
