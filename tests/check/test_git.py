"""Specs at a revision: read with what they extend, from objects alone; everything that can be wrong with such a
place."""

import json

import pytest

from tests.check.repository import MACS, MORE_MACS, SPEC, commit, git, heavier
from tests.cli.console import archprof

CHILD = "archprof: 1\nextends: ../tiny.yaml\nset: {'layers[1].c': 32}\n"


@pytest.fixture(autouse=True)
def spec(folder):
    (folder / "nets").mkdir()
    (folder / "tiny.yaml").write_text(SPEC)
    (folder / "nets" / "child.yaml").write_text(CHILD)
    commit(folder)


@pytest.mark.parametrize("revision", ["git:HEAD", "HEAD"])
def test_against_a_revision(capsys, folder, revision):
    (folder / "tiny.yaml").write_text(heavier(SPEC))
    before = git(folder, "status", "--porcelain=2", "--branch")
    result = archprof(capsys, "check", "tiny.yaml", "nets/child.yaml", "--against", revision)
    assert result.code == 1
    assert (
        f"tiny.yaml: MACs ≤ +0, counted 24.77k (+2,752 over {MACS:,}); the limit is 22.02k, 2,752 too many"
        in result.out
    )
    assert "nets/child.yaml: params ≤ +0" in result.out  # the parent grew, which is what the child extends
    assert git(folder, "status", "--porcelain=2", "--branch") == before


def test_a_parent_is_read_at_the_same_revision(capsys, folder):
    (folder / "tiny.yaml").unlink()
    result = archprof(capsys, "summary", "git:HEAD:nets/child.yaml", "--format", "csv")
    assert (result.code, "16384" in result.out) == (0, True)


def test_paths_count_from_the_root_or_from_here(capsys, folder, monkeypatch):
    monkeypatch.chdir(folder / "nets")
    for place in (
        "git:HEAD:tiny.yaml",
        "git:HEAD:../tiny.yaml",
        "git:HEAD:nets/child.yaml",
        "git:HEAD:./child.yaml",
        "git:main:tiny.yaml@resolution=4",
    ):
        assert archprof(capsys, "validate", place) == (0, "", ""), place


def test_a_network_that_the_revision_lacks_is_new(capsys, folder):
    (folder / "new.yaml").write_text(SPEC)
    result = archprof(capsys, "check", "new.yaml", "--against", "git:HEAD")
    assert (result.code, "new.yaml is not in git:HEAD: nothing to hold it to" in result.out) == (0, True)


RENAMED = f"big.yaml: MACs ≤ +0, counted 24.77k (+2,752 over {MACS:,} of git:HEAD:tiny.yaml); the limit is 22.02k"


@pytest.mark.parametrize(
    ("tracked", "text", "code", "told"),
    [
        (True, heavier(SPEC), 1, RENAMED),
        (True, heavier(SPEC, -1), 0, "big.yaml: params 12.0 % under git:HEAD:tiny.yaml"),
        (True, CHILD.replace("../", ""), 2, "no such file: `tiny.yaml`"),  # another one, of a parent that is gone
        (False, heavier(SPEC), 0, "big.yaml is not in git:HEAD: nothing to hold it to"),  # which git does not know yet
    ],
)
def test_a_renamed_network_counts_from_what_it_was(capsys, folder, tracked, text, code, told):
    (folder / "tiny.yaml").rename(folder / "big.yaml")
    (folder / "big.yaml").write_text(text)
    if tracked:
        git(folder, "add", "--all")
    result = archprof(capsys, "check", "big.yaml", "--against", "HEAD")
    assert (result.code, told in result.out + result.err) == (code, True), result


def test_a_copy_of_a_network_is_new(capsys, folder):
    (folder / "big.yaml").write_text(heavier(SPEC))
    git(folder, "add", "--all")
    result = archprof(capsys, "check", "big.yaml", "--against", "HEAD")
    assert (result.code, "big.yaml is not in git:HEAD" in result.out) == (0, True)


def test_a_network_of_a_revision_counts_from_another(capsys, folder):
    (folder / "tiny.yaml").write_text(heavier(SPEC))
    commit(folder)
    (folder / "tiny.yaml").unlink()
    result = archprof(capsys, "check", "git:HEAD:tiny.yaml", "--against", "HEAD~1", "--format", "csv")
    assert (result.code, result.out.splitlines()[1:]) == (
        1,
        [
            "fail,git:HEAD:tiny.yaml,params,,max,+0,368,412,44,'--against git:HEAD~1",
            "fail,git:HEAD:tiny.yaml,macs,,max,+0,22016,24768,2752,'--against git:HEAD~1",
        ],
    )


def test_diff_takes_both_sides_from_git(capsys, folder):
    (folder / "tiny.yaml").write_text(heavier(SPEC))
    commit(folder)
    result = archprof(capsys, "diff", "git:HEAD~1:tiny.yaml", "git:HEAD:tiny.yaml", "--exit-code")
    assert (result.code, "22,016 → 24,768" in result.out) == (1, True)


def test_two_revisions_of_a_network_are_told_apart(capsys, folder):
    (folder / "tiny.yaml").write_text(heavier(SPEC))
    sides = ("git:HEAD:tiny.yaml", "tiny.yaml")
    assert archprof(capsys, "diff", *sides).out.splitlines()[0] == "git:HEAD:tiny.yaml → tiny.yaml"
    sized = archprof(capsys, "diff", *sides, "--resolution", "4")
    assert sized.out.splitlines()[0] == "git:HEAD:tiny.yaml@resolution=4 → tiny.yaml@resolution=4"
    found = json.loads(archprof(capsys, "compare", *sides, "--relative-to", "tiny.yaml", "--format", "json").out)
    assert ([one["model"] for one in found["models"]], found["relative_to"]) == ([*sides], "tiny.yaml")
    assert [one["totals"]["macs"] for one in found["models"]] == [MACS, MACS + MORE_MACS]


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("git:nope:tiny.yaml", "there is no revision `nope`"),
        (f"git:{'0' * 40}:tiny.yaml", f"there is no revision `{'0' * 40}`"),
        ("git:--all:tiny.yaml", "there is no revision `--all`"),
        ("git:HEAD:../tiny.yaml", "`git:HEAD:../tiny.yaml` leaves the repository"),
        ("git:HEAD:nets/../../tiny.yaml", "`git:HEAD:nets/../../tiny.yaml` leaves the repository"),
        ("git:HEAD:/etc/passwd", "`git:HEAD:/etc/passwd` leaves the repository"),
        ("git:HEAD:none.yaml", "no such file: `git:HEAD:none.yaml`"),
        ("git:HEAD:nets", "`git:HEAD:nets` is a directory, not a spec"),
        ("git:HEAD", "`git:HEAD` names no file at a revision"),
        ("git::x.yaml", "`git::x.yaml` names no file at a revision"),
    ],
)
def test_places_that_are_none(capsys, place, told):
    result = archprof(capsys, "summary", place)
    assert (result.code, result.err.splitlines()[0]) == (2, told)


def test_a_parent_outside_of_the_repository(capsys, folder):
    (folder / "nets" / "child.yaml").write_text(CHILD.replace("../tiny", "../../tiny"))
    commit(folder)
    result = archprof(capsys, "summary", "git:HEAD:nets/child.yaml")
    assert (result.code, result.err.splitlines()[0]) == (
        2,
        "git:HEAD:nets/child.yaml:2:10: `../../tiny.yaml` leaves the repository",
    )


def test_errors_stand_in_the_file_at_the_revision(capsys, folder):
    (folder / "tiny.yaml").write_text(SPEC.replace("conv", "cnov", 1))
    commit(folder)
    assert archprof(capsys, "summary", "git:HEAD:tiny.yaml").err.startswith(
        "git:HEAD:tiny.yaml:5:5: unknown block `cnov`"
    )


def test_no_repository(capsys, folder, tmp_path_factory, monkeypatch):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(elsewhere.parent))
    monkeypatch.chdir(elsewhere)
    assert archprof(capsys, "summary", "git:HEAD:tiny.yaml").err.startswith(
        "the current folder is in no git repository"
    )


def test_no_git(capsys, folder, monkeypatch):
    monkeypatch.setenv("PATH", str(folder))
    assert archprof(capsys, "summary", "git:HEAD:tiny.yaml").err.startswith(
        "git cannot be run: no such file or directory"
    )


def test_a_file_of_another_repository(capsys, folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "x.yaml"
    other.write_text(SPEC)
    result = archprof(capsys, "check", str(other), "tiny.yaml", "--against", "git:HEAD")
    assert (
        result.code,
        f"`{other}` is not in the repository {folder}" in result.err,
        "✓  tiny.yaml" in result.out,
    ) == (2, True, True)


def test_an_unknown_revision_leaves_the_rest_to_be_told(capsys):
    result = archprof(capsys, "check", "tiny.yaml", "--against", "git:nope", "--max-params", "1")
    assert (
        result.code,
        "--against git:nope: there is no revision `nope`" in result.err,
        "✗  tiny.yaml" in result.out,
    ) == (2, True, True)


def test_a_hash_of_nothing_holds_nobody_to_nothing(capsys):
    assert archprof(capsys, "check", "tiny.yaml", "--against", f"git:{'0' * 40}").code == 2


def test_a_catalog_in_the_repository_is_read_at_the_revision_too(capsys, folder, monkeypatch):
    from archprof.spec import catalog

    (folder / "specs").mkdir()
    (folder / "specs" / "base.yaml").write_text(SPEC.replace("tiny", "base"))
    (folder / "heir.yaml").write_text("archprof: 1\nextends: base\n")
    commit(folder)
    (folder / "specs" / "base.yaml").write_text(heavier(SPEC))
    monkeypatch.setattr(catalog, "root", lambda: folder / "specs")
    catalog.files.cache_clear()
    catalog.paths.cache_clear()
    try:
        assert archprof(capsys, "check", "heir.yaml", "--against", "git:HEAD").code == 1
    finally:
        catalog.files.cache_clear()
        catalog.paths.cache_clear()


def test_an_installed_catalog_has_no_revisions(capsys):
    result = archprof(capsys, "check", "mobilenet_v2", "--against", "git:HEAD", "--max-macs", "301M")
    assert (result.code, result.err) == (0, "")
    assert "✓  mobilenet_v2" in result.out
    result = archprof(capsys, "check", "mobilenet_v2", "--against", "git:HEAD")
    assert (result.code, "mobilenet_v2 is not in git:HEAD: nothing to hold it to" in result.out) == (0, True)


def test_what_was_wrong_then_leaves_limits_of_today(capsys, folder):
    (folder / "tiny.yaml").write_text(SPEC.replace("conv", "cnov", 1))
    commit(folder)
    (folder / "tiny.yaml").write_text(SPEC)
    result = archprof(
        capsys, "check", "tiny.yaml", "--against", "git:HEAD", "--max-macs", "1k", "--max-increase", "params=0"
    )
    assert (result.code, "unknown block `cnov`" in result.err) == (2, True)
    assert [line for line in result.out.splitlines() if line.startswith(("✗  ", "·"))] == [
        "✗  tiny.yaml  MACs ≤ 1k    1,000  22,016     +21,016",
        "·  tiny.yaml  params ≤ +0            368",
    ]


@pytest.mark.parametrize(
    ("link", "leads", "led", "told"),
    [
        ("link.yaml", "tiny.yaml", "tiny.yaml", "✓  link.yaml  params ≤ +0     368     368           0      0.0 %"),
        ("link.yaml", "more.yaml", "tiny.yaml", "✗  link.yaml  params ≤ +0     368     412         +44"),
        ("tiny.yaml", "more.yaml", "", "✗  tiny.yaml  params ≤ +0     368     412         +44"),
        ("link.yaml", "more.yaml", "none.yaml", "·  link.yaml  params ≤ +0     412"),
        ("link.yaml", "more.yaml", "./nets/../tiny.yaml", "✗  link.yaml  params ≤ +0     368     412         +44"),
        ("link.yaml", "more.yaml", "/etc/hostname", "·  link.yaml  params ≤ +0     412"),
        ("link.yaml", "tiny.yaml", "", "✓  link.yaml  params ≤ +0     368     368           0      0.0 %"),
        ("here", ".", "nets", "✓  here/tiny.yaml  params ≤ +0     368     368           0      0.0 %"),
        ("here", ".", "./nets/..", "✓  here/tiny.yaml  params ≤ +0     368     368           0      0.0 %"),
    ],
)
def test_a_link_counts_from_where_it_led_then(capsys, folder, link, leads, led, told):
    (folder / "more.yaml").write_text(heavier(SPEC))
    if led:
        (folder / link).symlink_to(led)
    commit(folder)
    (folder / link).unlink(missing_ok=True)
    (folder / link).symlink_to(leads)
    network = link if link.endswith(".yaml") else f"{link}/tiny.yaml"
    result = archprof(capsys, "check", network, "--against", "HEAD")
    assert result.out.splitlines()[4].strip() == told


def test_a_link_that_is_new_hides_no_growth(capsys, folder):
    archprof(capsys, "check", "tiny.yaml", "--write-baseline", "b.json")
    (folder / "a.yaml").symlink_to("tiny.yaml")
    (folder / "here").symlink_to(".")
    (folder / "tiny.yaml").write_text(heavier(SPEC))
    for since in (("--against", "HEAD"), ("--baseline", "b.json")):
        result = archprof(capsys, "check", "*.yaml", "here/*.yaml", *since, "--format", "csv")
        assert [line.split(",")[:3] for line in result.out.splitlines()[1:]] == [
            ["fail", "tiny.yaml", "params"],
            ["fail", "tiny.yaml", "macs"],
        ]


def test_a_parent_above_a_linked_folder(capsys, folder):
    (folder / "nets" / "deep").mkdir()
    (folder / "nets" / "deep" / "child.yaml").write_text(CHILD)
    (folder / "nets" / "tiny.yaml").write_text(heavier(SPEC))
    (folder / "here").symlink_to("nets/deep")
    commit(folder)
    result = archprof(capsys, "check", "here/child.yaml", "--against", "HEAD", "--format", "csv")
    assert result.out.splitlines()[1] == "pass,here/child.yaml,params,,max,+0,572,572,0,'--against git:HEAD"


@pytest.mark.parametrize("led", ["none.yaml", "../out.yaml", "/etc/hostname", "link.yaml"])
def test_a_link_that_leads_nowhere(capsys, folder, led):
    (folder / "link.yaml").symlink_to(led)
    commit(folder)
    assert archprof(capsys, "summary", "git:HEAD:link.yaml") == (
        2,
        "",
        "`git:HEAD:link.yaml` is a link that leads nowhere\n  help: it names no file of that revision\n",
    )


def test_a_spec_in_a_submodule_is_not_taken_for_a_new_one(capsys, folder):
    module = folder / "nets" / "module"
    module.mkdir()
    (module / "own.yaml").write_text(SPEC)
    commit(module)
    commit(folder)
    (module / "own.yaml").write_text(heavier(SPEC))
    result = archprof(capsys, "check", "nets/module/own.yaml", "--against", "HEAD")
    assert (result.code, result.err) == (
        2,
        "nets/module/own.yaml:1:1: `nets/module/own.yaml` is not in the repository "
        f"{folder}\n  help: run it inside the spec's repository\n",
    )


def test_settings_that_the_revision_lacks_are_new(capsys, folder):
    knob = "knobs: {ch: {type: int, default: 16}}\nbudget: {at: ch=8, params: +0}\n"
    (folder / "tiny.yaml").write_text(SPEC.replace("c: 16", "c: $ch") + knob)
    result = archprof(capsys, "check", "tiny.yaml", "--against", "HEAD")
    assert (result.code, result.err) == (0, "")
    assert [line for line in result.out.splitlines() if line.startswith("·")] == [
        "·  tiny.yaml@ch=8  params ≤ +0             296",
        "· tiny.yaml@ch=8 is not in git:HEAD: nothing to hold it to",
    ]


@pytest.mark.parametrize(
    ("then", "place", "told"),
    [
        (SPEC.replace("conv", "cnov", 1), "tiny.yaml:5:5: ", "unknown block `cnov`"),
        (
            "archprof: 1\nextends: none.yaml\n",
            "tiny.yaml:2:10: ",
            "cannot extend `none.yaml`: no such file: `git:main:none.yaml`",
        ),
    ],
)
def test_what_was_wrong_then_is_told_at_the_revision_that_was_asked_for(capsys, folder, then, place, told):
    (folder / "tiny.yaml").write_text(then)
    commit(folder)
    (folder / "tiny.yaml").write_text(SPEC)
    result = archprof(capsys, "check", "tiny.yaml", "--against", "main", "--format", "github")
    said = f"git:main:{place}{told}"
    assert (result.code, result.err.splitlines()[0]) == (2, said)
    assert result.out.startswith(f"::error title=archprof::{said}; ")


@pytest.mark.parametrize(
    ("revision", "advice"),
    [
        ("nope", "a shallow clone has few: `git fetch origin main`; `git log` shows those here"),
        ("main...HEAD", "of two, `git merge-base main HEAD` finds where they part"),
        ("main..HEAD", "of two, `git merge-base main HEAD` finds where they part"),
        ("HEAD", "nothing is committed yet"),
    ],
)
def test_what_helps_against_a_revision_that_is_none(capsys, folder, revision, advice):
    git(folder, "checkout", "--quiet", "--orphan", "bare")
    result = archprof(capsys, "summary", f"git:{revision}:tiny.yaml")
    assert result == (2, "", f"there is no revision `{revision}`\n  help: {advice}\n")


def test_a_revision_that_is_none_is_told_with_its_option(capsys):
    result = archprof(capsys, "check", "tiny.yaml", "--against", "nope", "--format", "github")
    assert result.out.startswith("::error title=archprof::--against git:nope: there is no revision `nope`; ")


def test_a_pointer_of_git_lfs_has_nothing_to_count_from(capsys, folder):
    (folder / "net.onnx").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    commit(folder)
    for place, advice in (
        ("net.onnx", "`git lfs pull` fetches the file"),
        (
            "git:HEAD:net.onnx",
            "git has no more at a revision; what the file cost, a baseline has: `archprof check --baseline FILE`",
        ),
    ):
        said = f"{place} is a pointer of Git LFS, not the file\n  help: {advice}\n"
        assert archprof(capsys, "summary", place) == (2, "", said)


def test_a_page_tells_two_revisions_apart(folder):
    from archprof.analysis.models import read_model
    from archprof.analysis.report_page import describe_networks
    from archprof.ir.setup import INFERENCE

    (folder / "tiny.yaml").write_text(f"title: Tiny\n{heavier(SPEC)}")
    sides = ("git:HEAD:tiny.yaml", "tiny.yaml")
    page = describe_networks([read_model(side, ()) for side in sides], INFERENCE, command="archprof report")
    assert page.title == "git:HEAD:tiny.yaml, tiny.yaml"
    assert page.compare is not None
    assert [(one.model, one.title) for one in page.compare.models] == [(side, "") for side in sides]
