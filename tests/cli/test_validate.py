"""archprof validate: silence when all is well, every mistake of every file when not."""

import csv
import io
import json

import pytest

from archprof.spec import catalog
from tests.cli.console import archprof

GOOD = "archprof: 1\ninput: 3x8x8\nlayers:\n  - conv: {k: 1, c: 4}\n"


@pytest.mark.few(12)
@pytest.mark.parametrize("family", sorted({path.parent.name for path in catalog.files().values()}))
def test_the_catalog_is_valid(capsys, family):
    paths = [str(path) for path in catalog.files().values() if path.parent.name == family]
    assert archprof(capsys, "validate", *paths) == (0, "", "")


def test_a_wrong_expectation_is_exit_1(capsys, tmp_path):
    path = tmp_path / "net.yaml"
    # 1×1 from 3 to 4 channels without a norm: 3·4 weights and 4 biases, 12 multiply-accumulates at 8·8 positions
    path.write_text(GOOD + "expect:\n  - {params: 16, macs: 768}\n  - {at: resolution=4, params: 17, macs: 193}\n")
    assert archprof(capsys, "validate", str(path)) == (
        1,
        "",
        f"{path}:7:32: expected 17 params at resolution=4, counted 16 (-1)\n"
        "  in expect[1].params\n  help: correct the number or the table\n"
        f"{path}:7:42: expected 193 macs at resolution=4, counted 192 (-1)\n"
        "  in expect[1].macs\n  help: correct the number or the table\n",
    )


BLOCKS = "archprof: 1\nblocks:\n  b: {columns: {k: {type: int, default: 3}}, layers: [conv: {k: $k, c: 4}]}\n"


def test_a_file_of_blocks_alone(capsys, tmp_path):
    path = tmp_path / "blocks.yaml"
    path.write_text(BLOCKS)
    assert archprof(capsys, "validate", str(path)) == (0, "", "")
    path.write_text(BLOCKS.replace("3}", "3.5}") + "  conv: {layers: [relu]}\n")
    assert archprof(capsys, "validate", str(path)) == (
        2,
        "",
        f"{path}:3:41: expected an integer, not `3.5`\n"
        "  in blocks.b.columns.k.default\n  help: an integer from 0 to 1,000,000\n"
        f"{path}:4:3: there is a block `conv` already\n  in blocks\n  help: choose another name\n",
    )


def test_a_knob_that_nothing_asks_for(capsys, tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text(GOOD + "knobs: {wide: {type: int, default: 4}}\n")
    done = archprof(capsys, "validate", str(path))
    line = GOOD.count("\n") + 1
    assert done.code == 2
    assert done.err == (
        f"{path}:{line}:9: nothing asks for the knob `wide`\n"
        "  in knobs\n  help: write `$wide` into a cell, or remove the knob\n"
    )
    assert archprof(capsys, "summary", str(path)).code == 0


def test_published_numbers_that_are_none(capsys, tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text(GOOD + "published: [{macs: banana, params: 3.4Q, top1: 71.8}]\n")
    advice = "such as `3.4M`, `0.219G`, `569 million`, `4,209,088`"
    told = (
        f"{path}:5:20: `banana` is not a number as papers print them\n  help: {advice}\n"
        f"{path}:5:36: `3.4Q` is not a number as papers print them\n  help: {advice}\n"
    )
    assert archprof(capsys, "validate", str(path)) == (2, "", told)
    assert archprof(capsys, "verify", str(path), "--analytic") == (2, "", told)


def test_errors_win_over_expectations_and_all_files_are_read(capsys, tmp_path):
    first, second, third = (tmp_path / f"{name}.yaml" for name in ("first", "second", "third"))
    first.write_text(GOOD.replace("conv", "cnv"))
    second.write_text(GOOD + "expect: [{params: 1}]\n")
    third.write_text(GOOD.replace("3x8x8", "3x8x"))
    result = archprof(capsys, "validate", str(first), str(second), str(third))
    assert (result.code, result.out) == (2, "")
    for start in (
        f"{first}:4:5: unknown block `cnv`\n",
        f"{second}:5:19: expected 1 params, counted 16 (+15)\n",
        f"{third}:2:8: expected `CxHxW`, not `3x8x`\n",
    ):
        assert start in result.err


@pytest.fixture
def three(monkeypatch, tmp_path):
    """A spec that is right, one that expects another number, and one that is none."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "unmet.yaml").write_text(GOOD + "expect: [{params: 1}]\n")
    (tmp_path / "wrong.yaml").write_text(GOOD.replace("conv", "cnv"))
    return ("validate", "good.yaml", "unmet.yaml", "wrong.yaml")


UNMET = {
    "message": "expected 1 params, counted 16 (+15)",
    "location": "unmet.yaml:5:19",
    "where": "expect[0].params",
    "help": "correct the number or the table",
}
WRONG = {
    "message": "unknown block `cnv`",
    "location": "wrong.yaml:4:5",
    "where": "layers[0]",
    "help": "did you mean `conv`?",
}


def test_each_network_with_its_problems(capsys, three):
    result = archprof(capsys, *three, "--format", "json")
    found = json.loads(result.out)
    assert (result.code, found["exit_code"]) == (2, 2)
    assert found["models"] == [
        {"model": "good.yaml", "valid": True, "problems": []},
        {"model": "unmet.yaml", "valid": False, "problems": [UNMET]},
        {"model": "wrong.yaml", "valid": False, "problems": [WRONG]},
    ]
    assert result.err == archprof(capsys, *three).err
    rows = list(csv.DictReader(io.StringIO(archprof(capsys, *three, "--format", "csv").out)))
    assert rows == [
        {"valid": "True", "model": "good.yaml", **dict.fromkeys(UNMET, ""), "note": ""},
        {"valid": "False", "model": "unmet.yaml", **UNMET, "note": ""},
        {"valid": "False", "model": "wrong.yaml", **WRONG, "note": ""},
    ]


def test_a_table_of_problems(capsys, three):
    assert archprof(capsys, *three, "--format", "table").out == (
        "   spec        place            problem                              in                help\n"
        f"{'─' * 118}\n"
        "✓  good.yaml\n"
        "✗  unmet.yaml  unmet.yaml:5:19  expected 1 params, counted 16 (+15)  expect[0].params  correct the number or "
        "the table\n"
        "✗  wrong.yaml  wrong.yaml:4:5   unknown block `cnv`                  layers[0]         did you mean `conv`?\n"
        "\n2 of 3 specs wrong\n"
        "convention archprof 1: MACs of convolutions and linear layers, bias not counted; batch 1, inference\n"
    )


@pytest.mark.parametrize(("last", "code"), [(2, 0), (3, 1), (4, 2)])
def test_the_exit_code_is_that_of_the_worst(capsys, three, last, code):
    assert archprof(capsys, *three[:last], "-o", "found.json").code == code
    with open("found.json", encoding="utf-8") as file:
        assert json.load(file)["exit_code"] == code
