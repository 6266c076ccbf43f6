"""Repositories that would have git run something: nothing of them is obeyed, and every answer is the right one."""

import json
import os
import shutil
from pathlib import Path
from subprocess import CalledProcessError

import pytest

from archprof.errors import SpecError
from archprof.spec.git import commit_of, head
from tests.check.repository import MACS, SPEC, commit, git, heavier
from tests.cli.console import archprof

ENVIRONMENT = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GITHUB_STEP_SUMMARY")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The current folder: a repository of three commits, the last of them heavier; beside it, room for other things."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    made = tmp_path / "repository"
    made.mkdir()
    for spec in (SPEC.replace("c: 16", "c: 12"), SPEC, heavier(SPEC)):
        (made / "tiny.yaml").write_text(spec)
        commit(made)
    monkeypatch.chdir(made)
    return made


class Traps:
    """Programs that leave a mark when they are run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def __getitem__(self, name: str) -> str:
        program = self.folder / name
        program.write_text(f"#!/bin/sh\n: >'{program}.sprung'\n")
        program.chmod(0o755)
        return str(program)

    def sprung(self) -> list[str]:
        """Return the names of the programs that were run, and forget them."""
        found = sorted(self.folder.glob("*.sprung"))
        for mark in found:
            mark.unlink()
        return [mark.stem for mark in found]


@pytest.fixture
def traps(tmp_path):
    return Traps(tmp_path / "traps")


def set_traps(directory: Path, traps: Traps) -> None:
    """Write into a git directory all that could have git run a program."""
    (directory / "evil").write_text(f"[core]\n\tgitProxy = {traps['included']}\n\tfsmonitor = {traps['included']}\n")
    (directory / "config").write_text(
        f"""{(directory / "config").read_text()}
[core]
    sshCommand = {traps["ssh"]}
    pager = {traps["pager"]}
    editor = {traps["editor"]}
    askPass = {traps["askpass"]}
    hooksPath = {directory / "hooks"}
    attributesFile = {directory / "attributes"}
[include]
    path = evil
[alias]
    cat-file = !{traps["alias"]}
    rev-parse = !{traps["alias"]}
    status = !{traps["alias"]}
[filter "x"]
    clean = {traps["clean"]}
    smudge = {traps["smudge"]}
    required = true
[filter "y"]
    process = {traps["process"]}
[diff]
    external = {traps["diff"]}
[diff "x"]
    command = {traps["diff"]}
    textconv = {traps["textconv"]}
[credential]
    helper = {traps["credential"]}
[uploadpack]
    packObjectsHook = {traps["pack"]}
[gpg]
    program = {traps["gpg"]}
[protocol]
    allow = always
[protocol "ext"]
    allow = always
[remote "origin"]
    url = ext::{traps["ext"]}
    uploadpack = {traps["upload"]}
    promisor = true
    partialCloneFilter = blob:none
    fetch = +refs/heads/*:refs/remotes/origin/*
[extensions]
    partialClone = origin
"""
    )
    (directory / "attributes").write_text("* filter=x diff=x\n")
    (directory / "info").mkdir(exist_ok=True)
    (directory / "info" / "attributes").write_text("*.txt filter=y\n")
    (directory / "hooks").mkdir(exist_ok=True)
    for name in ("post-index-change", "fsmonitor-watchman", "reference-transaction", "pre-auto-gc", "post-checkout"):
        shutil.copy(traps["hook"], directory / "hooks" / name)


def hostile(folder: Path, traps: Traps) -> None:
    """Make the repository of a folder a hostile one, two of whose files are to be looked at again."""
    (folder / ".gitattributes").write_text("* filter=x diff=x\n")
    (folder / "note.txt").write_text("as it was\n")
    commit(folder)
    set_traps(folder / ".git", traps)
    for name in ("tiny.yaml", "note.txt"):
        os.utime(folder / name, (1, 1))


def answer(ask, *arguments):
    """Return what is answered; nothing where that is refused."""
    try:
        return ask(*arguments)
    except (SpecError, CalledProcessError):
        return ""


def commits_kept(capsys, *models: str) -> set[str]:
    """Return the commits that a new baseline says its networks are of."""
    assert archprof(capsys, "check", *models, "--write-baseline", "../b.json").code == 0
    kept = json.loads(Path("../b.json").read_text())
    Path("../b.json").unlink()
    return {model["commit"] for model in kept["models"].values()}


@pytest.mark.parametrize(
    ("asked", "run"),
    [(["status"], "included"), (["-c", "core.fsmonitor=", "status"], "clean"), (["diff", "HEAD~2", "HEAD"], "diff")],
)
def test_the_traps_work(folder, traps, asked, run):
    hostile(folder, traps)
    answer(git, folder, *asked)
    assert run in traps.sprung()


def test_no_trap_is_sprung(capsys, folder, traps):
    hostile(folder, traps)
    now = (folder / ".git" / "refs" / "heads" / "main").read_text().strip()
    told = archprof(capsys, "summary", "git:HEAD~2:tiny.yaml", "--format", "json")
    assert json.loads(told.out)["totals"]["macs"] == MACS
    told = archprof(capsys, "check", "tiny.yaml", "--against", "git:HEAD~2")
    assert (told.code, f"(+2,752 over {MACS:,})" in told.out) == (1, True)
    assert archprof(capsys, "check", "tiny.yaml", "--against", "git:HEAD").code == 0
    told = archprof(capsys, "diff", "git:HEAD~2:tiny.yaml", "tiny.yaml", "--exit-code")
    assert (told.code, "22,016 → 24,768" in told.out) == (1, True)
    assert commits_kept(capsys, "tiny.yaml", "git:main:./tiny.yaml") == {now}
    (folder / "note.txt").write_text("as it is\n")
    assert commits_kept(capsys, "tiny.yaml") == {f"{now}+"}
    assert traps.sprung() == []


@pytest.fixture
def partial(folder, tmp_path, monkeypatch):
    """The current folder: a clone without files, whose remote is a program."""
    git(folder, "config", "uploadpack.allowFilter", "true")
    made = tmp_path / "partial"
    git(tmp_path, "clone", "--quiet", "--no-checkout", "--filter=tree:0", f"file://{folder}", str(made))
    (made / "tiny.yaml").write_text(SPEC)
    monkeypatch.chdir(made)
    return made


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("summary", "git:HEAD:tiny.yaml"), "the folders of `HEAD` are not in this clone"),
        (("check", "tiny.yaml", "--against", "git:HEAD"), "the folders of `{hash}` are not in this clone"),
        (("diff", "git:HEAD:tiny.yaml", "tiny.yaml"), "the folders of `HEAD` are not in this clone"),
    ],
)
def test_a_partial_clone_fetches_nothing(capsys, partial, traps, arguments, told):
    commit_hash = git(partial, "rev-parse", "HEAD").strip()
    git(partial, "config", "--unset", "remote.origin.url")
    set_traps(partial / ".git", traps)
    result = archprof(capsys, *arguments)
    assert (result.code, told.format(hash=commit_hash) in result.err, traps.sprung()) == (2, True, []), result.err


def test_files_that_a_partial_clone_lacks(capsys, folder, partial):
    git(partial, "-c", f"remote.origin.url=file://{folder}", "ls-tree", "HEAD")  # fetches the folder, not its files
    result = archprof(capsys, "summary", "git:HEAD:tiny.yaml")
    assert (result.code, result.err) == (
        2,
        "`git:HEAD:tiny.yaml` is not in this clone\n"
        "  help: a partial clone fetches nothing here; `git cat-file -p HEAD:tiny.yaml` does\n",
    )
    result = archprof(capsys, "check", "tiny.yaml", "--against", "git:HEAD")
    assert (result.code, "is not in this clone" in result.err) == (2, True)  # not: a network that is new
    (partial / "tiny.yaml").rename(partial / "big.yaml")
    git(partial, "add", "big.yaml")
    result = archprof(capsys, "check", "big.yaml", "--against", "git:HEAD")
    assert (result.code, "renamed or removed are not in this clone" in result.err) == (2, True)  # nor here


def test_a_partial_clone_would_have_fetched(partial, traps):
    git(partial, "config", "--unset", "remote.origin.url")
    set_traps(partial / ".git", traps)
    with pytest.raises(CalledProcessError):
        git(partial, "cat-file", "blob", "HEAD:tiny.yaml")
    assert "ext" in traps.sprung()


def test_a_file_that_leads_to_a_hostile_directory(capsys, folder, traps, monkeypatch):
    now = git(folder, "rev-parse", "HEAD").strip()
    set_traps(folder / ".git", traps)
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".git").write_text("gitdir: ../repository/.git\n")
    shutil.copy(folder / "tiny.yaml", elsewhere)
    monkeypatch.chdir(elsewhere)
    assert commits_kept(capsys, "tiny.yaml", "git:HEAD:./tiny.yaml") == {now}
    assert archprof(capsys, "check", "tiny.yaml", "--against", "git:HEAD~1").code == 1
    assert traps.sprung() == []


@pytest.mark.parametrize(
    "setting", ["core.worktree=/", "core.bare=true", "core.repositoryformatversion=9", "extensions.none=1", "x"]
)
def test_no_setting_moves_the_answer(capsys, folder, setting):
    key, _, value = setting.partition("=")
    if value:
        git(folder, "config", key, value)
    else:
        (folder / ".git" / "config").write_text("[\0")
    told = archprof(capsys, "check", "tiny.yaml", "--against", "git:HEAD~1")
    assert (told.code, f"(+2,752 over {MACS:,})" in told.out) == (1, True), told.err


@pytest.mark.parametrize(
    "content",
    ["gitdir: ../none\n", "gitdir: \0", "x" * 100_000, ""],
    ids=["to nothing", "to a null byte", "of no path", "empty"],
)
def test_a_file_that_leads_nowhere(capsys, folder, monkeypatch, content):
    inner = folder / "inner"
    inner.mkdir()
    (inner / ".git").write_text(content)
    monkeypatch.chdir(inner)
    result = archprof(capsys, "summary", "git:HEAD:tiny.yaml")
    assert (result.code, result.err) == (2, "the current folder is in no git repository\n")


def test_references_that_are_no_files(capsys, folder):
    (folder / ".git" / "reftable").mkdir()
    result = archprof(capsys, "summary", "git:HEAD:tiny.yaml")
    assert (result.code, result.err) == (
        2,
        f"the references of {folder}/.git are a reftable\n"
        "  help: `git refs migrate --ref-format=files` keeps them as files\n",
    )


def test_a_branch_that_is_followed_is_a_setting(capsys, folder):
    result = archprof(capsys, "summary", "git:main@{upstream}:tiny.yaml")
    assert (result.code, result.err) == (
        2,
        "there is no revision `main@{upstream}`\n"
        "  help: no setting of the repository is read: name the branch itself, such as `origin/main`\n",
    )


# What git answers in a repository that sets nothing is what must be answered.

REVISIONS = (
    "HEAD", "@", "main", "heads/main", "refs/heads/main", "origin/main", "origin", "v1", "v1^{commit}", "HEAD~1",
    "main^", "v1~1", "HEAD@{1}", "main@{1}", "@{1}", "@{-1}", "HEAD^{/state}", "ORIG_HEAD", "v1-1-gSHORT", "SHORT",
    "packed", "stash", "stash@{0}",
)  # fmt: skip


def many_names(folder: Path) -> None:
    """Give a repository a reference of each kind."""
    git(folder, "tag", "--annotate", "v1", "HEAD~1", "--message", "first")
    git(folder, "branch", "packed", "HEAD~2")
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD~1")
    git(folder, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    git(folder, "pack-refs", "--all")
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD~2")
    git(folder, "checkout", "--quiet", "packed")
    git(folder, "checkout", "--quiet", "main")
    (folder / "tiny.yaml").write_text(SPEC)
    git(folder, "stash")
    git(folder, "reset", "--quiet", "--hard", "HEAD")


def plain(folder):
    return folder


def linked(folder):
    git(folder, "worktree", "add", "--quiet", "--detach", "../linked", "main")
    git(folder.parent / "linked", "reset", "--quiet", "--hard", "HEAD~1")
    git(folder.parent / "linked", "checkout", "--quiet", "-b", "side")
    git(folder.parent / "linked", "checkout", "--quiet", "-b", "other")
    return folder.parent / "linked"


def bare(folder):
    git(folder.parent, "clone", "--quiet", "--bare", str(folder), "bare")
    return folder.parent / "bare"


def shallow(folder):
    git(folder.parent, "clone", "--quiet", "--depth", "2", f"file://{folder}", "shallow")
    return folder.parent / "shallow"


def shared(folder):
    git(folder.parent, "clone", "--quiet", "--shared", str(folder), "shared")
    return folder.parent / "shared"


def below(folder):
    (folder / "a" / "é b").mkdir(parents=True)
    return folder / "a" / "é b"


def inside(folder):
    return folder / ".git"


def oddly_named(folder):
    return folder.rename(folder.parent / " é\n'$(x)")


def sha256(folder):
    made = folder.parent / "sha256"
    made.mkdir()
    git(made, "init", "--quiet", "--object-format=sha256")
    for spec in (SPEC.replace("c: 16", "c: 12"), SPEC, heavier(SPEC)):
        (made / "tiny.yaml").write_text(spec)
        commit(made)
    many_names(made)
    return made


def packed_sha256(folder):
    made = sha256(folder)
    git(made, "gc", "--quiet", "--prune=now")
    return made


LAYOUTS = (plain, linked, bare, shallow, shared, below, inside, oddly_named, sha256, packed_sha256)


@pytest.mark.few(10)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_revisions_are_what_git_says(folder, layout, monkeypatch):
    many_names(folder)
    place = layout(folder)
    monkeypatch.chdir(place)
    short = git(place, "rev-parse", "--short", "HEAD").strip()
    met = 0
    for revision in (name.replace("SHORT", short) for name in REVISIONS):
        wanted = answer(git, place, "log", "-1", "--format=%H", revision, "--").strip()
        assert answer(commit_of, revision) == wanted, revision
        met += bool(wanted)
    assert met >= 8


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_spec_is_read_in_every_layout(capsys, folder, layout, monkeypatch):
    monkeypatch.chdir(layout(folder))
    told = archprof(capsys, "summary", "git:main~1:tiny.yaml", "--format", "json")
    assert (told.code, json.loads(told.out or "{}").get("totals", {}).get("macs")) == (0, MACS), told.err


def test_a_submodule_is_a_repository_of_its_own(folder, tmp_path, traps, monkeypatch):
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "--quiet")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(folder), "inner")
    commit(outer)
    outside, inside = (git(place, "rev-parse", "HEAD").strip() for place in (outer, folder))
    set_traps(outer / ".git" / "modules" / "inner", traps)
    (outer / "inner" / "tiny.yaml").write_text(SPEC)
    monkeypatch.chdir(outer)
    assert head() == outside
    monkeypatch.chdir(outer / "inner")
    assert (head(), traps.sprung()) == (f"{inside}+", [])


@pytest.mark.parametrize("name", ["é b.yaml", "a\nb.yaml", "-x.yaml", "--all", ":(top)x.yaml", "*.yaml", "'q'\"`.yaml"])
def test_paths_are_what_they_say(capsys, folder, name):
    (folder / name).write_text(SPEC)
    assert archprof(capsys, "check", f"./{name}", "--against", "git:HEAD", "--allow-empty").code == 0
    assert archprof(capsys, "summary", f"git:HEAD:{name}").code == 2
    commit(folder)
    assert archprof(capsys, "summary", f"git:HEAD:{name}").code == 0
    (folder / name).write_text(heavier(SPEC))
    assert archprof(capsys, "diff", f"git:HEAD:./{name}", f"./{name}", "--exit-code").code == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_whose_the_repository_is_does_not_matter(capsys, folder):
    for path in (folder, folder / ".git"):
        os.chown(path, 12_345, 12_345)
    assert answer(git, folder, "status") == ""
    assert archprof(capsys, "check", "tiny.yaml", "--against", "git:HEAD~1").code == 1


def test_a_hook_names_the_repository(capsys, folder, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    assert head() == git(folder, "rev-parse", "HEAD").strip()
    monkeypatch.setenv("GIT_DIR", str(folder / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(folder))
    monkeypatch.setenv("GIT_INDEX_FILE", str(folder / ".git" / "index"))
    (folder / "nets").mkdir()
    monkeypatch.chdir(folder / "nets")
    assert archprof(capsys, "check", "../tiny.yaml", "--against", "git:HEAD~1").code == 1
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "none"))
    assert archprof(capsys, "summary", "git:HEAD:tiny.yaml").err == "the current folder is in no git repository\n"


# `+` is what `git status` says of tracked files.

CHANGES = {
    "nothing": [],
    "looked at": [("touch", "tiny.yaml")],
    "edited": [("write", "tiny.yaml")],
    "staged": [("write", "tiny.yaml"), ("git", "add", "tiny.yaml")],
    "staged and taken back": [("write", "tiny.yaml"), ("git", "add", "tiny.yaml"), ("git", "show", "HEAD:tiny.yaml")],
    "untracked": [("write", "new.yaml")],
    "added": [("write", "new.yaml"), ("git", "add", "new.yaml")],
    "deleted": [("remove", "tiny.yaml")],
    "removed": [("git", "rm", "--quiet", "tiny.yaml")],
    "a split index": [("git", "update-index", "--split-index"), ("touch", "tiny.yaml")],
    "a split index, edited": [("git", "update-index", "--split-index"), ("write", "tiny.yaml")],
    "no index": [("remove", ".git/index")],
    "an index that is none": [("write", ".git/index")],
    "a folder in its place": [("remove", "tiny.yaml"), ("folder", "tiny.yaml")],
}


@pytest.mark.parametrize("steps", CHANGES.values(), ids=CHANGES)
def test_changes_are_what_git_says(folder, steps):
    now = git(folder, "rev-parse", "HEAD").strip()
    for step, *arguments in steps:
        path = folder / arguments[0]
        if step == "git":
            told = git(folder, *arguments)
            if arguments[0] == "show":
                (folder / "tiny.yaml").write_text(told)
        elif step == "write":
            path.write_text("changed")
        elif step == "touch":
            os.utime(path, (1, 1))
        elif step == "remove":
            path.unlink()
        else:
            path.mkdir()
    before = (folder / ".git" / "index").read_bytes() if (folder / ".git" / "index").exists() else None
    try:
        changed = bool(git(folder, "--no-optional-locks", "status", "--porcelain", "--untracked-files=no"))
    except CalledProcessError:  # what cannot be told is not called unchanged
        changed = True
    assert head() == (f"{now}+" if changed else now)
    assert before is None or (folder / ".git" / "index").read_bytes() == before


def test_nothing_is_left_behind(capsys, folder, tmp_path, monkeypatch):
    import tempfile

    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    before = sorted(folder.rglob("*"))
    assert archprof(capsys, "check", "tiny.yaml", "--against", "git:HEAD~1").code == 1
    assert (sorted((tmp_path / "temporary").iterdir()), sorted(folder.rglob("*"))) == ([], before)
