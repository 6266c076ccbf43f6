"""Whatever a file holds, a reader gets a network or an InputError: never anything else, and always a message that fits
on a line."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archprof.errors import InputError
from archprof.language.expand import read_network
from archprof.spec import catalog
from archprof.spec.reader import decode

MANY = settings(max_examples=2 * settings().max_examples, suppress_health_check=[HealthCheck.too_slow])
SPECS = [
    Path(catalog.find(name)).read_text(encoding="utf-8")
    for name in ("mobilenet_v2", "mobilenet_v3_small", "mixnet_s", "R-50-C5", "googlenet")
]
CHILD = """archprof: 1
extends: mobilenet_v3_large@classes=10,layers[2].k=1
set:
  layers[1].rows[2].k: 5
  defaults.act: relu
  layers[4].c: 640
remove:
  - layers[1].rows[13]
insert:
  - {after: "layers[1].rows[3]", rows: [[28x28x40, 5, 120, 40, -, RE, 1]]}
  - {before: "layers[2]", layers: [dropout: 0.1, residual: [conv: {k: 3, c: 160}]]}
"""
TOKEN = re.compile(r"\s+|[\w.$✓-]+|.", re.DOTALL)
SIGNS = [
    "", " ", "\n", "\n  ", "\t", "- ", ": ", "\x00", "\u2028",
    *"-:,[]{}#'\"?|>%@`~", "&a", "*a", "!!int", "<<", "{}", "[]", "[[]]", "{k: 3}", "[conv: {c: 8, k: 1}]",
]  # fmt: skip
NUMBERS = "0 1 -1 3 1e-3 1e999 nan 999999999999 6x 0x 1x7 1/0 2*$ $width $stem"
NAMES = """
no null ✓ é conv add repeat residual branches columns rows layers extends set id from n se norm depthwise classes
layers[1].rows[2].k mobilenet_v2 forward
"""
WORDS = [*SIGNS, *NUMBERS.split(), *NAMES.split()]


@st.composite
def mutated(draw, texts):
    """Draw a spec with a few tokens removed, doubled, swapped or replaced."""
    tokens = TOKEN.findall(draw(st.sampled_from(texts)))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(tokens) - 1))
        other = draw(st.sampled_from(WORDS) | st.sampled_from(tokens))
        change = draw(st.sampled_from(["remove", "double", "replace", "insert", "cut"]))
        if change == "remove":
            tokens[place] = ""
        elif change == "double":
            tokens[place] *= 2
        elif change == "replace":
            tokens[place] = other
        elif change == "insert":
            tokens.insert(place, other)
        else:
            tokens = tokens[: place + 1]
    return "".join(tokens)


def check(text, at=""):
    """Read a spec; what goes wrong is an InputError whose every line can be printed, and whose places are real."""
    try:
        read_network(f"net.yaml{at}", text=text)
    except InputError as error:
        problems = error.problems
    else:
        return
    count = text.count("\n") + text.count("\r") + text.count("\x85") + text.count("\u2028") + text.count("\u2029") + 2
    for found in problems:
        assert all(line.isprintable() for line in str(found).split("\n")), found
        assert found.message
        assert not found.message.endswith(".")
        if found.location and found.location.file == "net.yaml":
            assert 1 <= found.location.line <= count
            assert found.location.column >= 1
    assert len(set(problems)) == len(problems)


@MANY
@given(mutated(SPECS))
def test_mutated_spec(text):
    check(text)


@MANY
@given(mutated([CHILD]))
def test_mutated_variant(text):
    check(text)


@MANY
@given(
    st.sampled_from(SPECS), st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(WORDS)), min_size=1, max_size=3)
)
def test_odd_settings(text, pairs):
    check(text, "@" + ",".join(f"{key}={value}" for key, value in pairs))


PLACES = """
layers layers[1] layers[1].rows layers[1].rows[1] layers[1].rows[1].c layers[1].rows[1].id layers[1].columns
layers[1].columns[0] layers[1].block layers[0].k layers[0].norm.batch_norm.eps layers[0].id layers[0].from defaults
defaults.act input classes width width.divisor knobs init.conv outputs stages freeze name expect published[0].params
"""


@MANY
@given(
    st.sampled_from(SPECS),
    st.lists(st.tuples(st.sampled_from(PLACES.split()), st.sampled_from(WORDS)), min_size=1, max_size=3),
)
def test_odd_values_at_places_that_are(text, pairs):
    check(text, "@" + ",".join(f"{key}={value or '-'}" for key, value in pairs))


@MANY
@given(st.text(max_size=60))
def test_any_text(text):
    check(text)
    check("archprof: 1\ninput: 3x8x8\nlayers: [" + text + "]")


@given(st.binary(max_size=60))
def test_any_bytes(data):
    try:
        check(decode(data, "net.yaml"))
    except InputError as error:
        assert "net.yaml:" in str(error)  # noqa: PT017


@pytest.mark.parametrize("text", [*SPECS, CHILD])
def test_what_is_mutated_is_right_to_begin_with(text):
    assert read_network("net.yaml", text=text).nodes
