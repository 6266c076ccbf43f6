"""The GitHub action: its steps as a runner takes them, but for the installation, which the gate runs."""

import re
import sys

import pytest

from tests.check.repository import SPEC, commit, heavier
from tests.check.runner import ACTION, ROOT, run_action

INSTALL = "Install archprof"

# What `gh` does here: it says whose the token is, lists those comments of a file (id, author and text in a line) that
# the filter lets through, and notes what it is asked to write.
GH = f"""\
#!{sys.executable}
import os, re, shutil, sys
if "graphql" in sys.argv:
    print("github-actions[bot]")
elif "--jq" in sys.argv:
    login = re.search(r'[.]user[.]login == "([^"]*)"', sys.argv[-1])
    start = re.search(r'startswith[(]"([^"]*)"[)]', sys.argv[-1])
    for line in open("comments") if os.path.exists("comments") else ():
        number, author, text = line.split(" ", 2)
        if author == (login[1] if login else author) and text.startswith(start[1] if start else ""):
            print(number)
else:
    print(*sys.argv[1:], file=open("asked", "a"))
    shutil.copy(os.environ["RUNNER_TEMP"] + "/archprof-comment.md", "body")
"""


@pytest.fixture
def act(folder, tmp_path_factory):
    """A function that runs the action in the test's folder, with the archprof of this checkout in the place of an
    installed one."""
    temporary = tmp_path_factory.mktemp("runner")
    tools = temporary / "archprof" / "bin"
    tools.mkdir(parents=True)
    (tools / "archprof").write_text(f'#!/bin/bash\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m archprof "$@"\n')
    (tools / "gh").write_text(GH)
    for tool in tools.iterdir():
        tool.chmod(0o755)
    (folder / "specs").mkdir()
    (folder / "specs" / "tiny net.yaml").write_text(SPEC)
    commit(folder)
    steps = [step["name"] for step in ACTION["runs"]["steps"]]

    def run(event="push", skip=(INSTALL,), only=None, **inputs):
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        left_out = skip if only is None else tuple(name for name in steps if name not in only)
        return run_action(folder, temporary, given, event=event, skip=left_out, path=f"{tools}:")

    return run


def test_budgets_kept(act):
    ended = act(models="specs/*.yaml", args="--max-macs\n22,016")
    assert (ended.code, ended.outputs["exit-code"], ended.printed) == (
        0,
        "0",
        "archprof: 1 budget checked, none exceeded\n",
    )
    assert ended.page.startswith("**1 budget checked, none exceeded**")


def test_a_heavier_network_fails_at_its_line(act, folder):
    (folder / "specs" / "tiny net.yaml").write_text(heavier(SPEC))
    ended = act(
        models="specs/tiny net.yaml", against="git:HEAD", max_increase="macs=1%", sarif="out.sarif", html="out.html"
    )
    assert (ended.code, ended.outputs["exit-code"]) == (1, "1")
    assert ended.printed.startswith(
        "::error file=specs/tiny net.yaml,line=5,col=5,title=archprof%3A macs of specs/tiny net.yaml::"
    )
    assert "+2,752" in (folder / "out.sarif").read_text()
    assert (folder / "out.html").read_text().startswith("<!doctype html>")
    with open(ended.outputs["markdown"]) as file:
        assert file.read() == ended.page


def test_a_mistake_is_exit_2(act):
    ended = act(models="none/*.yaml", args="--max-macs\n1M")
    assert (
        ended.code,
        ended.outputs["exit-code"],
        "::error title=archprof::`none/*.yaml` matches nothing" in ended.printed,
    ) == (2, "2", True)


HOSTILE = (
    "$(touch PWNED)", "`touch PWNED`", "; touch PWNED; > PWNED", "x\ntouch PWNED", '"; touch PWNED; "',
    "'; touch PWNED; '", "--help", "--output=PWNED", "-oPWNED", "\\", "x\n::add-path::/tmp", "%0A::error::x",
)  # fmt: skip


@pytest.mark.few(1)
@pytest.mark.parametrize("name", ["models", "config", "baseline", "against", "max-increase", "sarif", "html"])
def test_inputs_are_no_commands(act, folder, name):
    """Whatever an input holds, it is one argument: the check is that of archprof, and its end is told."""
    given = {"models": "specs/*.yaml", "args": "--max-macs\n1M"}
    for value in HOSTILE:
        ended = act(**{**given, name: value})
        assert ended.outputs.keys() == {"markdown", "exit-code"}
        wanted = 0 if name in ("sarif", "html") and "/" not in value else 2
        assert (ended.code, ended.outputs["exit-code"]) == (wanted, str(wanted)), (value, ended.printed)
        assert [path for path in folder.rglob("*") if path.name == "PWNED"] == [], value


@pytest.mark.few(3)
@pytest.mark.parametrize("value", [value for value in HOSTILE if not value.startswith("-")])
def test_further_arguments_are_no_commands(act, folder, value):
    ended = act(models="specs/*.yaml", args=f"--max-macs\n{value}")
    assert (ended.code, ended.outputs["exit-code"], (folder / "PWNED").exists()) == (2, "2", False)


def test_a_python_is_no_command(act, folder):
    for value in HOSTILE:
        ended = act(python=value, skip=())
        assert (ended.code != 0, (folder / "PWNED").exists()) == (True, False), value


@pytest.mark.few(1)
def test_nothing_of_the_checkout_is_imported(act, folder, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # the gate installs; here it is enough to come so far
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    for name in ("venv", "ensurepip", "pip", "encodings", "sitecustomize", "archprof"):
        (folder / f"{name}.py").write_text("open('PWNED', 'w')\nraise SystemExit(9)\n")
    act(models="specs/*.yaml", python=sys.executable, only=(INSTALL,))
    assert not (folder / "PWNED").exists()


def test_messages_are_no_commands(act):
    """A runner obeys lines that start with `::`: what a message quotes stands where it does not."""
    ended = act(models="::add-mask::x.yaml", args="--max-macs\n1M")
    assert ended.code == 2
    lines = ended.printed.splitlines()
    [start] = [number for number, line in enumerate(lines) if line.startswith("::stop-commands::")]
    end = lines.index(f"::{lines[start].removeprefix('::stop-commands::')}::")
    hostile = [number for number, line in enumerate(lines) if line.startswith(("::add-mask", "no such file"))]
    assert hostile
    assert all(start < number < end for number in hostile)
    assert ended.code == 2


def test_a_comment_is_made_once_and_then_written_anew(act, folder):
    arguments = {"models": "specs/*.yaml", "args": "--max-macs\n1k", "comment": "true"}
    assert act(event="push", **arguments).code == 1
    assert not (folder / "asked").exists()
    assert act(event="pull_request", **arguments).code == 1
    (folder / "comments").write_text(
        "40 mallory <!-- archprof check -->\n"
        "41 github-actions[bot] of another action\n"
        "42 github-actions[bot] <!-- archprof check --> of an earlier run\n"
        "43 github-actions[bot] <!-- archprof check --> of another one\n"
    )
    assert act(event="pull_request", **arguments).code == 1
    first, second = (folder / "asked").read_text().splitlines()
    assert "--method POST repos/a/b/issues/7/comments -F body=@" in first
    assert "--method PATCH repos/a/b/issues/comments/42 -F body=@" in second
    assert (folder / "body").read_text().startswith("<!-- archprof check -->\n**1 of 1 budget exceeded**\n")


def test_installation_needs_no_torch():
    [step] = [step for step in ACTION["runs"]["steps"] if step["name"] == INSTALL]
    assert "torch" not in step["run"]
    assert step["run"].rstrip().endswith(' ".${HTML:+[report]}"')


def test_what_is_installed_is_pinned():
    """What builds the package is told by a variable of its own, from pip 25.3 on; by the other one, before."""
    [step] = [step for step in ACTION["runs"]["steps"] if step["name"] == INSTALL]
    assert "export PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt\n" in step["run"]
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert re.search("^hatchling==", pins, re.MULTILINE)


def test_actions_are_named_by_commits():
    page = (ROOT / "docs" / "how-to" / "ci-budgets.md").read_text(encoding="utf-8")
    used = re.findall(r"uses: (\S+)(.*)", page)
    pinned = re.compile(r"[\w/-]+@[0-9a-f]{40} +# v\d+\.\d+\.\d+")
    assert [name for name, rest in used if not pinned.fullmatch(name + rest)] == ["OWNER/archprof@REVISION"]


def test_no_input_is_put_into_a_script():
    assert [step["name"] for step in ACTION["runs"]["steps"] if "${{" in step["run"]] == []
