"""No exception reaches a user: bad input is named at its place, and what nobody foresaw is told in a line and hides no
other network's result."""

import os
import re

import pytest

from archprof.language.trace import Tracer
from tests.cli.console import archprof

SPEC = "archprof: 1\ninput: 3x32x32\nwidth: {divisor: 8}\nlayers:\n"
UNKNOWN_OPTION = SPEC + "  - conv: {k: 3, c: 8, kk: 3}\n"
SIZE_IN_A_CELL = SPEC + "  - conv: {k: $resolution, c: 8}\n"
NO_COLUMNS = SPEC + "  - conv: {rows: [{k: 3}]}\n"
FINE = SPEC + "  - conv: {k: 3, c: 8}\n"
OPTION = (
    "net.yaml:5:24: unknown option `kk` of block `conv`\n  in layers[0]\n"
    "  help: columns: c, k, s, p, d, g, bias, weights, gamma, weight_eps, norm, act, n, input, id, deepen, narrow, "
    "scale\n"
)
SIZE = "net.yaml:5:15: there is no knob `resolution`\n  in layers[0].k\n  help: knobs: width, depth\n"
TABLE = (
    "net.yaml:5:11: a table without `columns`\n  in layers[0]\n  help: a table has `columns: [k, c, s]` and `rows`\n"
)
DIGITS = "9" * 43
LONG_NUMBER = f"`resolution=1:{DIGITS}:lo…` has a number of more than 15 digits\n  help: take smaller or rounder ones\n"

NAMED = [
    (UNKNOWN_OPTION, "solve net.yaml --max-macs 1M", OPTION),
    (UNKNOWN_OPTION, "solve net.yaml --max-macs 1M --resolution 32,64", OPTION),
    (UNKNOWN_OPTION.replace("width: {divisor: 8}", "name: n"), "solve net.yaml --max-macs 1M --resolution 8", OPTION),
    (SIZE_IN_A_CELL, "summary net.yaml --resolution 5", SIZE),
    (SIZE_IN_A_CELL, "summary net.yaml", SIZE),
    (SIZE_IN_A_CELL, "solve net.yaml --max-macs 1M --resolution 3,5", SIZE),
    (NO_COLUMNS, "summary net.yaml --set layers[0].rows[0].c=5", TABLE),
    (FINE, f"sweep net.yaml --resolution 1:{DIGITS}:log:5", LONG_NUMBER),
    (FINE, f"sweep net.yaml --resolution 1:{DIGITS}:1", LONG_NUMBER.replace("lo…", "1")),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "command", "said"), NAMED, ids=[command for _, command, _ in NAMED])
def test_bad_input_is_named_at_its_place(capsys, tmp_path, monkeypatch, spec, command, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(spec)
    assert archprof(capsys, *command.split()) == (2, "", said)


def test_edit_of_a_row_whose_columns_go_with_the_same_file(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parent.yaml").write_text(SPEC + "  - conv: {columns: [k, c], rows: [[1, 8]]}\n")
    edits = 'set: {"layers[0].columns": 3, "layers[0].rows[0].s": 2}\n'
    (tmp_path / "net.yaml").write_text(f"archprof: 1\nextends: ./parent.yaml\n{edits}")
    assert archprof(capsys, "validate", "net.yaml").err.startswith("net.yaml:3:28: expected a list of columns, not `3`")


@pytest.fixture
def faulty(tmp_path, monkeypatch):
    """A folder with a network that meets a fault of ours (all with a `relu`), and one that does not."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.yaml").write_text(SPEC + "  - relu\n")
    (tmp_path / "good.yaml").write_text(FINE + "expect: [{params: 1}]\n")
    applied = Tracer.apply

    def apply(net, name, op, *inputs):
        if op.name == "relu":
            raise AssertionError("a fault\nof ours")
        return applied(net, name, op, *inputs)

    monkeypatch.setattr(Tracer, "apply", apply)
    return tmp_path


FAULT = (
    r"{}: a fault of archprof: AssertionError: a fault of ours\n  in archprof/language/\w+\.py:\d+\n"
    "  help: please report it, with the command and the spec; ARCHPROF_DEBUG=1 in the environment prints the "
    "traceback\n"
)


def test_last_resort(capsys, faulty):
    code, out, err = archprof(capsys, "summary", "bad.yaml")
    assert (code, out) == (2, "")
    assert re.fullmatch(FAULT.format("archprof summary"), err)


def test_last_resort_prints_the_traceback_where_it_is_asked(capsys, faulty, monkeypatch):
    monkeypatch.setenv("ARCHPROF_DEBUG", "1")
    err = archprof(capsys, "summary", "bad.yaml").err
    assert err.startswith("Traceback ")
    assert 'raise AssertionError("a fault\\nof ours")' in err
    assert re.search(FAULT.format("archprof summary") + r"\Z", err)


def test_memory_that_is_not_there_is_no_fault(capsys, faulty, monkeypatch):
    def exhaust(*_):
        raise MemoryError

    monkeypatch.setattr(Tracer, "apply", exhaust)
    assert archprof(capsys, "show", "good.yaml") == (
        2,
        "",
        "archprof show: there is not enough memory\n  help: ask for less, or of a smaller network\n",
    )


OTHERS = [
    ("check bad.yaml good.yaml --max-params 1", "✗  good.yaml  params ≤ 1", ""),
    ("verify bad.yaml good.yaml --analytic --jobs 1", "good: params 1 by expect", ""),
    ("validate bad.yaml good.yaml", "", "good.yaml:6:19: expected 1 params, counted 224"),
]


@pytest.mark.parametrize(("command", "printed", "said"), OTHERS, ids=[command for command, _, _ in OTHERS])
def test_fault_in_one_network_hides_no_other(capsys, faulty, command, printed, said):
    code, out, err = archprof(capsys, *command.split())
    assert code == 2
    assert re.search(FAULT.format(r"bad\.yaml"), err)
    assert printed in out
    assert said in err


def test_compare_names_every_bad_network(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(UNKNOWN_OPTION)
    result = archprof(capsys, "compare", "net.yaml", "mobilenet_v2", "none.yaml")
    assert result == (2, "", "no such file: `none.yaml`\n" + OPTION)


# Names that are not text


@pytest.fixture
def odd_name(tmp_path, monkeypatch):
    """The name of a network's file that is not UTF-8, in the current folder."""
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(b"odd\xff.yaml")
    try:
        (tmp_path / name).write_text(FINE)
    except OSError:
        pytest.skip("this file system takes names of text alone")
    return name


SHOWN = ["summary", "show", "explain", "verify --analytic", "sweep --width 0.5,1", "solve --max-macs 1M"]


@pytest.mark.parametrize("format", ["table", "markdown", "csv", "json"])
@pytest.mark.parametrize("command", SHOWN)
def test_name_that_is_not_text(capsys, odd_name, command, format):
    word, *options = command.split()
    assert archprof(capsys, word, odd_name, *options, "--format", format).code == 0
    assert archprof(capsys, word, odd_name, *options, "--format", format, "-o", "result").code == 0


@pytest.mark.parametrize("format", ["table", "markdown", "json", "github", "gitlab", "junit", "sarif"])
def test_report_on_a_name_that_is_not_text(capsys, odd_name, format):
    result = archprof(capsys, "check", odd_name, "--max-macs", "1", "--report", f"{format}=report")
    assert (result.code, result.err) == (1, "")


def test_spec_cannot_name_what_is_not_text(capsys, odd_name):
    assert archprof(capsys, "solve", odd_name, "--max-macs", "1M", "--write-spec", "found.yaml") == (
        2,
        "",
        "a spec cannot name `odd\\udcff.yaml`\n  help: a spec is UTF-8 text: rename the file\n",
    )
    assert not os.path.exists("found.yaml")


# What the trial in `fuzz.py` found


SOLVED = [
    ("  - relu\n", "--max-macs 1k", 0, ""),
    (
        "  - conv: {c: 1000000, k: 1}\n  - conv: {c: 999999, k: 1}\n",
        "--max-macs 1k --width 0.1:1000",
        2,
        "more than 500,000 networks to choose from, the limit\n"
        "  help: take a smaller range of widths, or fewer resolutions\n",
    ),
]


@pytest.mark.parametrize(("layers", "options", "code", "said"), SOLVED, ids=["no printed channels", "many widths"])
def test_solve_at_the_ends_of_what_there_is(capsys, tmp_path, monkeypatch, layers, options, code, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(SPEC + layers)
    result = archprof(capsys, "solve", "net.yaml", *options.split())
    assert (result.code, result.err) == (code, said)


ECHOED = [
    "summary mobilenet_v2@classes=\u202e",
    "sweep mobilenet_v2 --set layers[1]=\u202e",
    "verify \x1b[31m",
    "check mobilenet_v2 --against \u202e",
    "cost --conv \u202e",
    "schema \x1b[31m",
    "\x1b[31m",
]


@pytest.mark.parametrize("command", ECHOED, ids=map(ascii, ECHOED))
def test_what_is_typed_reaches_no_terminal_as_it_is(capsys, command):
    code, _, err = archprof(capsys, *command.split(" "))
    assert code == 2
    assert all(line.isprintable() for line in err.split("\n"))


def test_what_the_system_says_of_a_file(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(FINE)
    result = archprof(capsys, "check", "net.yaml", "--write-baseline", "1" * 5000)
    assert result == (2, "", f"archprof check: cannot use `{'1' * 60}`: file name too long\n")
