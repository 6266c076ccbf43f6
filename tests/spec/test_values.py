"""Scalars into typed values: YAML's guesses never apply, ours are strict."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archprof.errors import InputError, Location, Problem, did_you_mean, printable, suggest
from archprof.spec import values
from archprof.spec.nodes import Map, Scalar, Seq, describe, shorten
from archprof.spec.reader import parse, parse_value


def cell(text):
    return Scalar(text, "net.yaml", 3, 7)


@pytest.mark.parametrize(("text", "number"), [("5", 5), ("+5", 5), ("0", 0), ("007", 7), ("100", 100)])
def test_integer(text, number):
    assert values.integer(cell(text), 0, 100) == number


@pytest.mark.parametrize(
    "text", ["", "no", "1:30", "1e-3", "1e3", "5.0", "0x10", "1_000", "1,000", "٣", "²", "5 5", "--5", "inf", "nan"]
)
def test_no_integer(text):
    with pytest.raises(InputError, match=r"net\.yaml:3:7: expected an integer, not "):
        values.integer(cell(text), 0, 100)


@pytest.mark.parametrize("text", ["-1", "101", "1" + "0" * 5000])
def test_integer_out_of_range(text):
    with pytest.raises(InputError, match="is out of range\n  help: an integer from 0 to 100"):
        values.integer(cell(text), 0, 100)


@pytest.mark.parametrize(
    ("text", "number"), [("0.25", 0.25), ("1e-3", 0.001), (".5", 0.5), ("5.", 5.0), ("-2E+1", -20.0), ("3", 3)]
)
def test_number(text, number):
    found = values.number(cell(text), -100, 100)
    assert found == number
    assert type(found) is type(number)


@pytest.mark.parametrize("text", ["", "nan", "inf", ".inf", "-.inf", "1:30", "1/2", "0.2.5", "e5", ".", "1e", "0" * 50])
def test_no_number(text):
    with pytest.raises(InputError, match="expected a number, not "):
        values.number(cell(text), -100, 100)


@pytest.mark.parametrize("text", ["1e999", "-1e999", "101", "-100.5"])
def test_number_out_of_range(text):
    with pytest.raises(InputError, match="out of range\n  help: a number from -100 to 100"):
        values.number(cell(text), -100, 100)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("224x224x3", "channels first: `3x224x224`"),
        ("480×640×3", "channels first: `3x480x640`"),
        ("28x28x1", "channels first: `1x28x28`"),
        ("224, 224, 3", "channels first: `3x224x224`"),
        ("[224, 224, 3]", "channels first: `3x224x224`"),
        ("3,224,224", "as in `3x224x224`"),
        ("[3, 32, 32]", "as in `3x32x32`"),
        ("1x3x32x32", "without the batch: `3x32x32`"),
        ("1x224x224x3", "without the batch, channels first: `3x224x224`"),
        ("224", "as in `3x224x224`"),
        ("[]", "as in `3x224x224`"),
    ],
)
def test_no_input(text, advice):
    with pytest.raises(InputError) as raised:
        values.channels_first(parse_value(text, Location("net.yaml", 2, 8)), 65536)
    typed = "a list" if text.startswith("[") else f"`{text}`"
    assert str(raised.value) == f"net.yaml:2:8: expected `CxHxW`, not {typed}\n  help: {advice}"


@pytest.mark.parametrize("text", ["3x224x224", "64x128x1", "10x1x1", "64x3x3", "2x2x2", "32x1x128"])
def test_input(text):
    assert "x".join(map(str, values.channels_first(cell(text), 65536))) == text


@pytest.mark.parametrize("text", ["true", "True", "yes", "✓"])
def test_true(text):
    assert values.flag(cell(text)) is True


@pytest.mark.parametrize("text", ["false", "False", "no", "-"])
def test_false(text):
    assert values.flag(cell(text)) is False


@pytest.mark.parametrize("text", ["", "on", "1", "0", "TRUE", "y"])
def test_no_flag(text):
    with pytest.raises(InputError, match="expected "):
        values.flag(cell(text))


@pytest.mark.parametrize(("text", "sizes"), [("3x224x224", (3, 224, 224)), ("3×32×64", (3, 32, 64))])
def test_dims(text, sizes):
    assert values.dims(cell(text), "CxHxW", "3x224x224", 65_536) == sizes


@pytest.mark.parametrize("text", ["224", "3x224", "3x224x224x1", "3X224X224", "x3x3", "3xx3", "3x-1x3", "axbxc", ""])
def test_no_dims(text):
    with pytest.raises(InputError, match="expected `CxHxW`, not "):
        values.dims(cell(text), "CxHxW", "3x224x224", 65_536)


@pytest.mark.parametrize("text", ["a", "conv1", "conv5_x", "res-2", "_x"])
def test_identifier(text):
    assert values.identifier(cell(text), "an id") == text


@pytest.mark.parametrize("text", ["", "1a", "a.b", "a b", "é", "-a", "a\n"])
def test_no_identifier(text):
    with pytest.raises(InputError, match="expected an id, not "):
        values.identifier(cell(text), "an id")


def test_text_is_one_printable_line():
    assert values.text(cell("two\n  lines")) == "two lines"
    with pytest.raises(InputError, match=r"a control character in `\\x1b\[31m`"):
        values.text(cell("\x1b[31m"))


@given(st.text(max_size=200))
def test_whatever_is_shown_is_one_printable_line(text):
    assert printable(text).isprintable()
    assert len(shorten(text)) <= 60 * len("\\U00000000")
    assert str(Problem(text, Location(text, 1, 1))).isprintable()


def test_describe():
    assert [describe(node) for node in (cell("relu"), cell(""), Seq(()), Map({}))] == [
        "`relu`",
        "nothing",
        "a list",
        "a mapping",
    ]


def test_location_of_a_setting_is_its_text():
    assert str(Location("net.yaml", 3, 7)) == "net.yaml:3:7"
    assert str(Location("width=wide", 0, 0)) == "width=wide"


@pytest.mark.parametrize(
    ("word", "meant"), [("relu7", "relu6"), ("batchnorm", "batch_norm"), ("RELU", "relu"), ("bananas", "")]
)
def test_did_you_mean(word, meant):
    assert did_you_mean(word, ["relu6", "relu", "batch_norm"]) in (
        f"did you mean `{meant}`?",
        "did you mean `relu`?" if meant else "",
    )


def test_suggest_lists_few_names_and_spares_many():
    assert suggest("stm", ["stem", "norm"], "knobs") == "did you mean `stem`? knobs: stem, norm"
    assert suggest("stm", ["stem", *map(str, range(20))], "knobs") == "did you mean `stem`?"
    assert suggest("x", [], "knobs") == "knobs: none"
    assert suggest("x", map(str, range(1000)), "ids").endswith(", 99, …")


YAML = "archprof: 1\nlayers:\n  - conv: {k: no, c: 1:30}\n  - 'a: b'\n  - [1e-3, ~, 0o17, 2020-01-01, \"\\u2713\"]\n"


def test_reader_keeps_the_text_and_the_place_of_every_scalar():
    root: Any = parse(YAML, "net.yaml")
    conv, quoted, items = root.get("layers").items
    cells = [conv.get("conv").get(key) for key in ("k", "c")]
    assert [(value.text, value.line, value.column) for value in cells] == [("no", 3, 15), ("1:30", 3, 22)]
    assert quoted.text == "a: b"
    assert [item.text for item in items.items] == ["1e-3", "~", "0o17", "2020-01-01", "✓"]


@pytest.mark.parametrize(
    ("text", "form"),
    [("5", "`5`"), ("[1, 2]", "a list"), ("{a: 1}", "a mapping"), ("", "nothing"), ("-", "`-`"), ("'x'", "`x`")],
)
def test_value_of_a_setting(text, form):
    node = parse_value(text, Location("k=v", 0, 0))
    assert describe(node) == form
    assert node.location == Location("k=v", 0, 0)
