"""The grammar of addresses and settings."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archprof.errors import InputError
from archprof.spec.address import format_address, parse_address
from archprof.spec.variant import Reference, parse_reference, parse_setting, parse_settings

KEYS = st.from_regex(re.compile(r"[A-Za-z_0-9][A-Za-z0-9_-]{0,8}", re.ASCII), fullmatch=True)
STEPS = st.tuples(KEYS, st.lists(KEYS | st.integers(0, 999_999), max_size=8)).map(lambda parts: (parts[0], *parts[1]))


@given(STEPS)
def test_address_round_trip(steps):
    assert parse_address(format_address(steps)) == steps


@given(st.text(max_size=20))
def test_any_text_is_an_address_or_refused(text):
    try:
        steps = parse_address(text)
    except InputError as error:
        assert "is not an address" in str(error)  # noqa: PT017
    else:
        assert format_address(steps) == re.sub(r"\[0+(?=\d)", "[", text)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("input", ("input",)),
        ("layers[1].rows[2].k", ("layers", 1, "rows", 2, "k")),
        ("layers[3].paths[1][0].c", ("layers", 3, "paths", 1, 0, "c")),
        ("conv5_x.d", ("conv5_x", "d")),
        ("defaults.act", ("defaults", "act")),
    ],
)
def test_address(text, steps):
    assert parse_address(text) == steps


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "[0]",
        "a[",
        "a[]",
        "a[-1]",
        "a[x]",
        "a[1234567]",
        "a b",
        "a.[0]",
        "a[0]b",
        "a/b",
        "é",
    ],
)
def test_no_address(text):
    with pytest.raises(InputError, match="is not an address"):
        parse_address(text)


@pytest.mark.parametrize(
    ("text", "target", "settings"),
    [
        ("mobilenet_v2", "mobilenet_v2", ()),
        ("mobilenet_v2@width=0.75,resolution=192", "mobilenet_v2", (("width", "0.75"), ("resolution", "192"))),
        ("v3@layers[1].rows[2].k=5", "v3", (("layers[1].rows[2].k", "5"),)),
        (
            "v3@layers[1].rows[2]=[112x112x16, 3, 16, 16, -, RE, 1],width=2",
            "v3",
            (("layers[1].rows[2]", "[112x112x16, 3, 16, 16, -, RE, 1]"), ("width", "2")),
        ),
        ("v3@layers[2]={conv: {k: 1, c: 8}}", "v3", (("layers[2]", "{conv: {k: 1, c: 8}}"),)),
        ("-@width=2", "-", (("width", "2"),)),
        ("me@home/net.yaml", "me@home/net.yaml", ()),
        ("a=b@c=d.yaml", "a=b@c=d.yaml", ()),
        ("me@home/net.yaml@width=2", "me@home/net.yaml", (("width", "2"),)),
        ("v2@defaults.norm={batch_norm: {eps: 1=2}}", "v2", (("defaults.norm", "{batch_norm: {eps: 1=2}}"),)),
        (" v2@ width = 0.75 ", " v2", (("width", "0.75"),)),
    ],
)
def test_reference(text, target, settings):
    assert parse_reference(text) == Reference(target, settings)


@pytest.mark.parametrize("text", ["width", "width=", "=0.75", "", "="])
def test_no_setting(text):
    with pytest.raises(InputError, match="is not a setting"):
        parse_setting(text)


@pytest.mark.parametrize("text", ["width=1,", ",width=1", "width=1,,depth=2", "width=1,depth"])
def test_no_settings(text):
    with pytest.raises(InputError, match="is not a setting"):
        parse_settings(text)
