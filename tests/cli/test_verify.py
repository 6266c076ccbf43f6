"""archprof verify: what is equal, cut, noted or different, and what that means for the exit code."""

import json

import pytest

from archprof.errors import SpecError
from archprof.spec import catalog
from archprof.spec.printed_number import parse_printed, verdict
from tests.cli.console import archprof

# 3·4 weights and 4 biases; 12 multiply-accumulates at 8·8 positions
NET = "archprof: 1\nname: net\ninput: 3x8x8\nlayers:\n  - conv: {k: 1, c: 4}\n"


@pytest.mark.parametrize(
    ("count", "printed", "expected"),
    [
        (300_774_272, "301M", "equal"),
        (300_774_272, "300M", "truncated"),
        (300_774_272, "0.30G", "equal"),
        (300_774_272, "302M", "differs"),
        (3_504_872, "3.50M", "equal"),
        (3_504_872, "3.4M", "differs"),
        (3_504_872, "3,504,872", "equal"),
        (3_504_872, "3,504,871", "differs"),
        (3_550_000, "3.5M", "equal"),  # half way: sources round either way
        (3_550_000, "3.6M", "equal"),
        (568_740_352, "569 million", "equal"),
        (15_470_264_320, "15.5B", "equal"),
        (4_089_184_256, "4.1e9", "equal"),
        (4_089_184_256, "4.0E+9", "truncated"),
        (4_089_184_256, "4.2e9", "differs"),
    ],
)
def test_verdicts_at_the_precision_of_the_print(count, printed, expected):
    assert verdict(count, parse_printed(printed), noted=False) == expected
    assert verdict(count, parse_printed(printed), noted=True) == expected.replace("differs", "noted")


@pytest.mark.parametrize("text", ["", "many", "3.4X", "1,23M", "-3M", "3..4M", "3e-4", "3e", "1e999"])
def test_what_is_no_printed_number(text):
    with pytest.raises(SpecError, match="is not a number as papers print them"):
        parse_printed(text)


def proofs(capsys, *arguments):
    result = archprof(capsys, "verify", *arguments, "--format", "json")
    return result.code, json.loads(result.out)["proofs"]


def write(tmp_path, tail):
    path = tmp_path / "net.yaml"
    path.write_text(NET + tail)
    return str(path)


def test_an_unequal_integer_is_exit_1(capsys, tmp_path):
    code, found = proofs(
        capsys,
        write(tmp_path, "expect:\n  - {params: 16, macs: 768}\n  - {at: resolution=4, macs: 193}\n"),
        "--analytic",
    )
    assert code == 1
    assert [proof["holds"] for proof in found] == [True, False]
    (check,) = found[1]["checks"]
    assert (check["text"], check["counted"], check["verdict"]) == ("193", 192, "unequal")


def test_a_difference_needs_a_note(capsys, tmp_path):
    code, (proof,) = proofs(capsys, write(tmp_path, "published:\n  - {params: 17, where: Table 1}\n"), "--analytic")
    assert (code, proof["checks"][0]["verdict"]) == (1, "differs")
    code, (proof,) = proofs(
        capsys, write(tmp_path, "published:\n  - {params: 17, where: Table 1, note: a misprint}\n"), "--analytic"
    )
    assert (code, proof["checks"][0]["verdict"], proof["checks"][0]["note"]) == (0, "noted", "a misprint")


def test_flops_are_two_for_each_multiply_accumulate(capsys, tmp_path):
    code, (proof,) = proofs(capsys, write(tmp_path, "published:\n  - {flops: 1.54k}\n"), "--analytic")
    assert (code, proof["checks"][0]["counted"]) == (0, 2 * 768)


def test_processes_prove_the_same(capsys):
    alone = archprof(capsys, "verify", "mobilenet_v[12]", "mobilenet_v3*", "--analytic", "--jobs", "1")
    together = archprof(capsys, "verify", "mobilenet_v[12]", "mobilenet_v3*", "--analytic", "--jobs", "2")
    assert alone == together
    assert alone.code == 0


def test_the_catalog_holds(capsys):
    result = archprof(capsys, "verify", "--analytic")
    assert result.code == 0
    assert f"{len(catalog.files())} networks at " in result.out
    assert "unequal" not in result.out
    assert "differs" not in result.out


def test_a_spec_without_numbers_says_so(capsys, tmp_path):
    for tail in ("", "published: [{top1: 70.0}]\n"):
        path = write(tmp_path, tail)
        result = archprof(capsys, "verify", path, "--analytic")
        assert result.code == 0
        said = "net: no count is expected, and none was published\n1 network at 1 setting: nothing proven\n"
        assert said in result.out
        assert archprof(capsys, "verify", path, "--analytic", "--strict").code == 1
        assert json.loads(archprof(capsys, "verify", path, "--analytic", "--format", "json").out)[
            "without_numbers"
        ] == ["net"]
    path = write(tmp_path, "expect: [{at: resolution=4, macs: 192}]\n")
    assert archprof(capsys, "verify", path, "--analytic", "--strict").code == 0


def test_what_was_read_again(capsys, tmp_path):
    path = write(
        tmp_path,
        "published:\n"
        "  - {params: 16, where: Table 1, checked: a copy}\n"
        "  - {params: 16, top1: 70.0, source: a zoo, where: README.md}\n"
        "  - {at: resolution=4, macs: 192}\n",
    )
    result = archprof(capsys, "verify", path, "--unchecked")
    assert result.code == 0
    assert "net    resolution=4  macs 192" in result.out
    assert "2 published entries without `checked`, the copy in which the numbers were read again\n" in result.out
    document = json.loads(archprof(capsys, "verify", path, "--unchecked", "--format", "json").out)
    assert document["proofs"] == []
    assert document["unchecked"] == [
        {
            "model": "net",
            "settings": {},
            "printed": {"params": "16", "top1": "70.0"},
            "where": "a zoo, README.md",
            "location": f"{path}:8:5",
        },
        {
            "model": "net",
            "settings": {"resolution": "4"},
            "printed": {"macs": "192"},
            "where": "",
            "location": f"{path}:9:5",
        },
    ]
    at_size = archprof(capsys, "verify", f"{path}@resolution=4x4", "--unchecked", "--format", "json")
    assert [one["printed"] for one in json.loads(at_size.out)["unchecked"]] == [{"macs": "192"}]
    _, [own, _] = proofs(capsys, path, "--analytic")
    assert [check.get("checked") for check in own["checks"]] == ["a copy", None]


# Networks of whose sources no copy was at hand: what they print is held against the table, and was not read again.
UNREAD = {"m5", "crnn"}


def test_every_other_entry_of_the_catalog_was_read_again(capsys):
    document = json.loads(archprof(capsys, "verify", "--unchecked", "--format", "json").out)
    assert {entry["model"] for entry in document["unchecked"]} == UNREAD


def test_a_default_given_is_no_variant(capsys, tmp_path):
    path = write(tmp_path, "expect: [{macs: 768}, {at: resolution=4, macs: 192}]\n")
    _, found = proofs(capsys, f"{path}@resolution=8x8", "--analytic")
    assert [(proof["model"], proof["settings"], proof["totals"]["macs"]) for proof in found] == [
        ("net@resolution=8", {}, 768),
        ("net@resolution=8", {"resolution": "4"}, 192),
    ]


@pytest.mark.parametrize("pattern", ["MobileNet_V1_S*", "mobilenet-v1-s*", "mobilenet_v1_s*@width=1.0"])
def test_a_pattern_means_what_it_means_elsewhere(capsys, pattern):
    _, found = proofs(capsys, pattern, "--analytic")
    assert {proof["model"].partition("@")[0] for proof in found} == {"mobilenet_v1_shallow"}


def test_a_pattern_takes_files(capsys, monkeypatch, tmp_path):
    write(tmp_path, "expect: [{macs: 768}]\n")
    monkeypatch.chdir(tmp_path)
    _, found = proofs(capsys, "./*.yaml", "--analytic")
    assert [proof["model"] for proof in found] == ["net"]


@pytest.mark.parametrize("pattern", ["nope*", "./nope*.yaml"])
def test_a_pattern_that_matches_nothing(capsys, pattern):
    result = archprof(capsys, "verify", pattern)
    assert (result.code, result.err) == (2, f"`{pattern}` matches nothing\n  help: `archprof list` shows the catalog\n")


@pytest.mark.parametrize("arguments", [["nope"], ["nope", "./none.yaml"], ["nope", "--unchecked"]])
def test_what_there_is_not_is_told_before_torch_is_asked_for(capsys, monkeypatch, arguments):
    monkeypatch.setattr("archprof.runtime.imports.require_torch", lambda what: pytest.fail(what))
    result = archprof(capsys, "verify", *arguments)
    assert result.code == 2
    assert result.err.startswith("there is no network `nope`\n")


def test_a_terminal_is_told_how_far_it_is(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "expect: [{macs: 768}, {at: resolution=4, macs: 192}]\n")
    drawn = archprof(capsys, "verify", "./net.yaml", "v1", "--analytic", "--jobs", "1").err.split("\r\x1b[K")
    assert drawn == ["", "1 of 2 · ./net.yaml", "2 of 2 · 0 s left · v1", ""]


def test_a_wrong_spec_is_told_beside_the_others(capsys, tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text(NET.replace("conv", "cnv"))
    result = archprof(capsys, "verify", "mobilenet_v1", str(path), "--analytic")
    assert result.code == 2
    assert "mobilenet_v1" in result.out
    assert result.err.startswith(f"{path}:5:5: unknown block `cnv`")
