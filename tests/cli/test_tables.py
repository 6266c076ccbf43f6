"""Tables in narrow rooms: what leaves them is said, what was asked for stays, no number is cut."""

import csv
import io
import re

import pytest

from archprof.render.table import NAME, PATH, Heading, Note, Table, fold_path, to_text
from tests.cli.console import archprof

COMMANDS = (
    "summary v3",
    "summary v3 --full --sort activations",
    "summary v3 --convention fvcore --convention torch",
    "summary v3 --convention fvcore --convention torch --flops --full --top 9",
    "summary v3 --bytes --batch 32 --train adamw",
    "show v3",
    "show efficientnet_b0",
    "list v? R-1*",
    "memory v3 --batch 32 --dtype fp16",
    "memory v3 --train sgd --fits 4GiB",
    "memory resnet50 --batch 64 --train adamw --full --sort bytes --top 9",
    "compare v1 v2 v3",
    "compare v1 v2 v3 --by layer",
    "compare v1 v2 v3 --bytes --dtype fp16",
    "compare v1 v2 v3 --flops --convention thop",
    "diff v1 v2",
    "diff v3 mobilenet_v3_large_14rows --full",
    "explain v3",
    "explain v3 --convention fvcore",
    "explain v3 --number 219M",
    "cost --conv dw --k 3",
    "cost --conv std,pw,dw --k 3,5",
    "cost --conv inverted --versus std:k=3 --bias-flops",
    "solve v2 --max-macs 150M",
    "solve efficientnet_b0 --max-macs 1G --scale compound",
    "space space_spos_shufflenet --max-macs 350M",
    "space space_spos_shufflenet --histogram macs",
    "space space_spos_shufflenet --maximize params --top 3 --max-macs 350M",
    "sweep v2 v3 --width 0.5,1 --resolution 160,224",
    "check mobilenet_v3_large --max-macs 220M",
    "verify v2 --analytic",
    "verify v3_small --analytic",
    "verify squeeze* --unchecked",
)


@pytest.fixture(scope="module")
def printed():
    """What commands have printed where no width was set, so that each runs once."""
    return {}


@pytest.mark.few(2 * len(COMMANDS))
@pytest.mark.parametrize("columns", [60, 80, 100, 120, 200])
@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_not_shown_is_named_and_what_is_shown_is_whole(capsys, monkeypatch, printed, command, columns):
    if command not in printed:
        printed[command] = archprof(capsys, *command.split()).out
    whole = printed[command]
    monkeypatch.setenv("COLUMNS", str(columns))
    narrow = archprof(capsys, *command.split()).out
    assert max(map(len, narrow.splitlines())) <= columns
    numbers = re.compile(r"(?<![\d.,])\d[\d,]*\d")
    assert set(numbers.findall(_cells(narrow))) <= set(numbers.findall(_cells(whole)))
    headers = [set(re.split(r"  +", line.strip())) for line in _headers(whole)]
    shown = [set(re.split(r"  +", line.strip())) for line in _headers(narrow)]
    missing = set().union(*headers) - set().union(*shown)
    said = re.sub(r"\n  ", " ", narrow)
    told = {name for line in re.findall(r"left out for width: (.*?) · ", said) for name in line.split(", ")}
    assert missing <= told


def _headers(text):
    """Yield the lines above rules."""
    lines = text.splitlines()
    return [lines[index - 1] for index, line in enumerate(lines) if line.startswith("──")]


def _cells(text):
    """Return the rows between rules and blank lines."""
    return "\n".join(part.partition("──\n")[2] for part in text.split("\n\n") if "──\n" in part)


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (60, ["ratio", "top-1"]),
        (80, ["ratio", "depthwise", "pointwise", "top-1"]),
        (100, ["ratio", "standard", "depthwise", "pointwise", "linear", "top-1"]),
        (120, ["ratio", "layers", "standard", "depthwise", "pointwise", "SE", "linear", "top-1"]),
    ],
)
def test_columns_come_in_while_there_is_room(capsys, monkeypatch, columns, shown):
    monkeypatch.setenv("COLUMNS", str(columns))
    header = archprof(capsys, "compare", "v1", "v2", "v3").out.splitlines()[0].split()
    assert header == ["model", "params", "MACs", *shown]


def test_a_budget_is_whole(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    out = archprof(capsys, "check", "mobilenet_v3_large", "--max-macs", "200,000,000").out
    assert out.count("MACs ≤ 200,000,000") == 1 + 1 + 3  # the verdict, the sentence, the rows that have most
    assert _headers(out)[0].split() == ["network", "budget", "limit", "actual", "difference"]


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("--max-macs 150M --maximize activations", "activations"),
        ("--max-params 2M --maximize activations", "activations"),
        ("--target-macs 150M", "MACs"),
    ],
)
def test_what_is_maximized_stays(capsys, monkeypatch, asked, shown):
    monkeypatch.setenv("COLUMNS", "55")
    out = archprof(capsys, "solve", "v2", *asked.split(), "--resolution", "192,224").out
    assert shown in _headers(out)[0].split()


@pytest.mark.parametrize("key", ["params", "trainable", "buffers", "macs", "activations"])
@pytest.mark.parametrize("command", [("summary", "v3"), ("compare", "v1", "v2")])
def test_what_a_table_is_sorted_by_is_in_it(capsys, monkeypatch, command, key):
    monkeypatch.setenv("COLUMNS", "60")
    title = "MACs" if key == "macs" else key
    assert title in _headers(archprof(capsys, *command, "--sort", key).out)[0].split()
    (first, second, *_) = csv.DictReader(io.StringIO(archprof(capsys, *command, "--sort", key, "--format", "csv").out))
    large, small = (first, second) if command[0] == "summary" else (second, first)
    assert int(large[key]) >= int(small[key])


def test_shares_are_of_what_is_sorted_by(capsys):
    header, _, first, *_ = archprof(capsys, "summary", "v1", "--sort", "params").out.splitlines()[2:]
    assert header.endswith("of params")
    # 1024 × 1024 + 9 × 1024 weights and two batch norms of 4,231,976
    assert "25.1 %" in first


@pytest.mark.parametrize(
    ("path", "room", "folded"),
    [
        ("1.0.expand.conv", 15, "1.0.expand.conv"),
        ("1.0.expand.conv", 10, "1.0.….conv"),
        ("1.14.depthwise.conv", 10, "1.14….conv"),  # never `1.1…`
        ("specs/net_2048.yaml:1234:56", 10, "spec…:56"),  # never `34:56`
    ],
)
def test_a_folded_path_has_numbers_whole_or_not_at_all(path, room, folded):
    assert fold_path(path, room) == folded


def test_names_fold_no_further_than_they_differ(capsys):
    from archprof.render.formats import Page

    names = ("network_with_a_name@width=0.5,resolution=224", "network_with_a_name@width=0.75,resolution=224")
    rows = tuple((name, 1) for name in names)
    text = to_text(Table("", (Heading("model", "model", left=True, fold=NAME), Heading("n", "n")), rows), Page(20))
    first, second = (line.split()[0] for line in text.splitlines()[2:4])
    assert first != second
    assert first.endswith("0.5,resolution=224")


def test_bars_leave_unsaid(capsys):
    from archprof.render.formats import Page

    columns = (Heading("path", "path", left=True, fold=PATH), Heading("", "bar", drop=3, person=True))
    text = to_text(Table("", columns, (("a", "█" * 12),), (Note("totals", "one"),)), Page(10))
    assert text == "path\n────\na\n\none\n"


def test_ascii_fits_too(capsys):
    from archprof.render.formats import Page

    columns = (Heading("budget", "budget", left=True), Heading("by", "delta", drop=3))
    rows = (("MACs ≤ 1", "2"),)
    assert to_text(Table("", columns, rows), Page(12)).splitlines()[0] == "budget    by"
    assert to_text(Table("", columns, rows), Page(12, ascii_only=True)).splitlines()[0] == "budget"


def test_networks_leave_a_table_of_many_whole(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    _, stages = archprof(capsys, "compare", "v1", "v2", "v3", "mixnet_s", "mixnet_m").out.rsplit("\n\nstride", 1)
    assert stages.splitlines()[0].split() == ["mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large"]
    assert "left out for width: share, mixnet_s, mixnet_m · `-o FILE` or " in stages.replace("\n  ", " ")


SPEC = """archprof: 1
name: composed
input: 3x32x32
layers:
  - residual: [{conv: {k: 3, c: 3}}, {max_pool: {k: 3, s: 1, p: 1}}]
  - branches: {join: concat, paths: [[{conv: {k: 1, c: 8}}], [{max_pool: {k: 3, s: 1, p: 1}}]]}
  - sequence: [{conv: {k: 3, c: 16}}, {max_pool: {k: 3, s: 1, p: 1}}]
"""


def test_a_row_is_called_what_it_is(capsys, tmp_path):
    path = tmp_path / "composed.yaml"
    path.write_text(SPEC)
    out = archprof(capsys, "summary", str(path), "--depth", "1", "--format", "csv").out
    assert [row["op"] for row in csv.DictReader(io.StringIO(out))] == ["residual", "branches", "conv, max_pool"]


def test_a_table_is_the_same_in_colour():
    """Without colour, lines that do not wrap are laid out without rich."""
    from archprof.render.formats import Page

    columns = (Heading("path", "path", left=True, fold=PATH), Heading("n", "n"), Heading("", "bar", person=True))
    table = Table("net", columns, (("a.b", 1234567, "███"), ("a", None, "▍"), ("", 2, "")), quiet=frozenset((1,)))
    plain, coloured = (to_text(table, Page(80, color)) for color in (False, True))
    assert "\x1b[" in coloured
    lines = re.sub(r"\x1b\[[0-9;]*m", "", coloured).splitlines()
    assert [line.rstrip() for line in lines] == plain.splitlines()
