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
    assert (check["expected"], check["counted"], check["verdict"]) == ("193", 192, "unequal")


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


@pytest.mark.processes
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


def test_a_wrong_spec_is_told_beside_the_others(capsys, tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text(NET.replace("conv", "cnv"))
    result = archprof(capsys, "verify", "mobilenet_v1", str(path), "--analytic")
    assert result.code == 2
    assert "mobilenet_v1" in result.out
    assert result.err.startswith(f"{path}:5:5: unknown block `cnv`")
