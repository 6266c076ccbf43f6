"""The steps of action.yml as a runner takes them: expressions put in, `if` obeyed, scripts run by bash, outputs read
from files.

`python -m tests.check.runner FOLDER INPUT=VALUE…` runs all of them in a folder, installation included, and leaves with
the action's exit code.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))


class Run(NamedTuple):
    """What a run of the action left: its exit code, its outputs, what it printed, and the job's page."""

    code: int
    outputs: dict[str, str]
    printed: str
    page: str


def run_action(
    folder: Path,
    temporary: Path,
    inputs: dict[str, str],
    *,
    event: str = "push",
    skip: tuple[str, ...] = (),
    path: str = "",
) -> Run:
    """Return what a run of the action in *folder* leaves, without the steps of the names in *skip*."""
    given = {name: str(declared.get("default", "")) for name, declared in ACTION["inputs"].items()} | inputs
    known = {f"inputs.{name}": value for name, value in given.items()}
    known |= {"github.event_name": event, "github.event.number": "7", "github.token": "secret"}
    page = temporary / "page.md"
    code, printed = 0, ""
    for number, step in enumerate(ACTION["runs"]["steps"]):
        condition = step.get("if", "success()")
        if step["name"] in skip or (code and "always()" not in condition) or not _holds(condition, known):
            continue
        outputs = temporary / f"outputs{number}"
        outputs.touch()
        environment = os.environ | {name: _filled(value, known) for name, value in step.get("env", {}).items()}
        environment |= {
            "RUNNER_TEMP": str(temporary),
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_OUTPUT": str(outputs),
            "GITHUB_REPOSITORY": "a/b",
        }
        environment |= {
            "GITHUB_STEP_SUMMARY": str(page),
            "GITHUB_WORKSPACE": str(folder),
            "PATH": f"{path}{os.environ['PATH']}",
        }
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        ended = subprocess.run(shell, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        code = code or ended.returncode
        printed += ended.stdout + ended.stderr
        for line in outputs.read_text().splitlines():
            name, _, value = line.partition("=")
            known[f"steps.{step['id']}.outputs.{name}"] = value
    found = {name: _filled(output["value"], known) for name, output in ACTION["outputs"].items()}
    return Run(code, found, printed, page.read_text() if page.exists() else "")


def _filled(text: str, known: dict[str, str]) -> str:
    return re.sub(r"\$\{\{ ([\w.-]+) \}\}", lambda match: _filled(known.get(match[1], ""), known), text)


def _holds(condition: str, known: dict[str, str]) -> bool:
    """Tell whether `always() && inputs.comment == 'true'` holds."""
    comparisons = (re.fullmatch(r"([\w.-]+) == '(.*)'", part.strip()) for part in condition.split("&&"))
    return all(known[match[1]] == match[2] for match in comparisons if match)


if __name__ == "__main__":
    with TemporaryDirectory() as temporary:
        ended = run_action(Path(sys.argv[1]), Path(temporary), dict(word.split("=", 1) for word in sys.argv[2:]))
    sys.stdout.write(ended.printed)
    sys.exit(ended.code)
