"""The GitHub action: its steps as a runner takes them, but for the installation, which the gate runs."""

import sys

import pytest

from tests.check.repository import SPEC, commit, heavier
from tests.check.runner import ACTION, ROOT, run_action

INSTALL = "Install archprof"

# What `gh` does here: it lists the comments that a file holds, and notes what it is asked to write.
GH = """\
#!/bin/bash
case "$*" in
  *--jq*) if [ -e comments ]; then cat comments; fi ;;
  *) printf '%s\\n' "$*" >>asked; cat "${@: -1:1}" 2>/dev/null || cat "$RUNNER_TEMP/archprof-comment.md" >body ;;
esac
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
    return lambda event="push", **inputs: run_action(
        folder,
        temporary,
        {name.replace("_", "-"): value for name, value in inputs.items()},
        event=event,
        skip=(INSTALL,),
        path=f"{tools}:",
    )


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
    ended = act(models="specs/tiny net.yaml", against="git:HEAD", max_increase="macs=1%", sarif="out.sarif")
    assert (ended.code, ended.outputs["exit-code"]) == (1, "1")
    assert ended.printed.startswith(
        "::error file=specs/tiny net.yaml,line=5,col=5,title=archprof%3A macs of specs/tiny net.yaml::"
    )
    assert "+2,752" in (folder / "out.sarif").read_text()
    with open(ended.outputs["markdown"]) as file:
        assert file.read() == ended.page


def test_a_mistake_is_exit_2(act):
    ended = act(models="none/*.yaml", args="--max-macs\n1M")
    assert (
        ended.code,
        ended.outputs["exit-code"],
        "::error title=archprof::`none/*.yaml` matches nothing" in ended.printed,
    ) == (2, "2", True)


def test_inputs_are_no_shell(act, folder):
    ended = act(models="$(touch pwned)`touch pwned`;touch pwned", args="--max-macs\n1M")
    assert (ended.code, (folder / "pwned").exists()) == (2, False)


def test_a_comment_is_made_once_and_then_written_anew(act, folder):
    arguments = {"models": "specs/*.yaml", "args": "--max-macs\n1k", "comment": "true"}
    assert act(event="push", **arguments).code == 1
    assert not (folder / "asked").exists()
    assert act(event="pull_request", **arguments).code == 1
    (folder / "comments").write_text("42\n")
    assert act(event="pull_request", **arguments).code == 1
    first, second = (folder / "asked").read_text().splitlines()
    assert "--method POST repos/a/b/issues/7/comments -F body=@" in first
    assert "--method PATCH repos/a/b/issues/comments/42 -F body=@" in second
    assert (folder / "body").read_text().startswith("<!-- archprof check -->\n**1 of 1 budget exceeded**\n")


def test_installation_needs_no_torch():
    [step] = [step for step in ACTION["runs"]["steps"] if step["name"] == INSTALL]
    assert "torch" not in step["run"]
    assert step["run"].rstrip().endswith('"$GITHUB_ACTION_PATH"')


def test_no_input_is_put_into_a_script():
    assert [step["name"] for step in ACTION["runs"]["steps"] if "${{" in step["run"]] == []
