"""`--input` of a spec: a size of its image, or what goes into one of several inputs."""

import pytest

from tests.cli.console import archprof

TWO = """archprof: 1
name: two
input: {src: "40:int64", tgt: "24:int64"}
layers:
  - {id: a, from: src, embedding: {size: 10, c: 4}}
  - {id: b, from: tgt, embedding: {size: 10, c: 4}}
  - {from: [a, b], concat_tokens: }
  - linear: 3
"""


@pytest.fixture
def two(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "two.yaml").write_text(TWO, encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "tokens"),
    [
        ("", 40 + 24),
        ("--input tgt=10:int64", 40 + 10),
        ("--input tgt=10:int64 --input src=5:int64", 5 + 10),
        ("--input 7:int64 --input 8:int64", 7 + 8),
        ("--set input.tgt=10:int64", 40 + 10),
    ],
)
def test_inputs_by_name_or_in_a_row(capsys, two, options, tokens):
    result = archprof(capsys, "summary", "two.yaml", *options.split(), "--format", "csv")
    assert result.err == ""
    assert result.out.splitlines()[-1].endswith(f",{tokens * 4 * 3}")


NAMES = "  help: it takes `--input src=…`, `--input tgt=…`\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--input foo=10:int64", f"`foo=10:int64` is no input of `two.yaml`\n{NAMES}"),
        ("--input 10:int64", f"`10:int64` is no input of `two.yaml`\n{NAMES}"),
        ("--input tgt=large", "input.tgt=large: expected `CxHxW`, not `large`\n  help: as in `3x224x224`\n"),
        (
            "--set input.foo=10:int64",
            "two.yaml:3:8: no layer reads the input `foo`\n  help: `from: foo` beside a layer does\n",
        ),
    ],
)
def test_what_is_no_input_is_told(capsys, two, options, message):
    result = archprof(capsys, "summary", "two.yaml", *options.split())
    assert (result.code, result.out, result.err) == (2, "", message)


def test_an_image_has_a_size(capsys):
    for one in ("ids=5:int64", "3x8x8:int64"):
        message = f"`{one}` is no size of an image, which `v2` takes\n  help: as in `3x224x224`\n"
        assert archprof(capsys, "summary", "v2", "--input", one).err == message
