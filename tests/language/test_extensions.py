"""Blocks and operators of other packages: the how-to's example works as printed, and packages that do not are told by
name."""

import inspect
import json
import re
import subprocess
import sys
import tomllib

import pytest

from archprof.errors import Location
from archprof.ir import columns
from archprof.language.blocks.conv import conv_norm_act
from archprof.language.cells import Cells, read_cell
from archprof.language.trace import Tracer
from archprof.spec.reader import parse_value
from tests.docs.markdown import ROOT, blocks
from tests.language.installed import archprof, install

PAGE = (ROOT / "docs" / "how-to" / "custom-blocks.md").read_text(encoding="utf-8")
FILES = {block.mark.removeprefix("file: "): block.text for block in blocks(PAGE) if block.mark.startswith("file: ")}
PROJECT = tomllib.loads(FILES["pyproject.toml"])["project"]
PRINTED = [
    (found[1], found[2] is not None, found[3].split(), block.text)
    for block in blocks(PAGE)
    if (found := re.fullmatch(r"prints(?: with (\w+))?( and fails)?: archprof (.*)", block.mark))
]


@pytest.fixture
def example(tmp_path):
    install(tmp_path, PROJECT["name"], PROJECT["entry-points"], FILES)
    return tmp_path


@pytest.mark.parametrize(
    ("instead", "fails", "arguments", "printed"), PRINTED, ids=[" ".join(arguments) for _, _, arguments, _ in PRINTED]
)
def test_page_shows_what_is_printed(example, instead, fails, arguments, printed):
    if instead:
        entries = next(example.glob("*.dist-info")) / "entry_points.txt"
        entries.write_text(entries.read_text(encoding="utf-8").replace("GRN_BLOCK", instead), encoding="utf-8")
    done = archprof(example, *arguments)
    assert done.stdout + done.stderr == printed
    assert done.returncode == (2 if instead or fails else 0)


def rows_below(heading):
    """Return the rows of the page's table behind a heading, each the code in its cells."""
    table = PAGE.partition(f"### {heading}\n")[2].partition("\n## ")[0].partition("\n### ")[0]
    return [re.findall(r"`([^`]*)`", line) for line in table.splitlines() if line.startswith("| `")]


@pytest.mark.parametrize(("kind", "cell", "value"), rows_below("Columns"))
def test_column_of_the_page_gives_the_function_what_it_says(kind, cell, value):
    typed = parse_value(cell, Location("net.yaml", 1, 1))
    assert read_cell(eval(kind, vars(columns)), typed, Cells({})) == eval(value)


def test_what_a_kind_allows_is_what_it_is_told_as(example):
    assert columns.count(1, 8).allowed == "an integer from 1 to 8"
    assert inspect.signature(columns.options).parameters.keys() == {
        "allowed", "columns", "make", "short", "of", "what", "template",
    }  # fmt: skip
    assert columns.Column._fields == ("name", "kind", "doc", "synonyms", "required", "needs", "instead")


@pytest.mark.parametrize("call", [row[0] for row in rows_below("What a block calls")])
def test_call_of_the_page_has_these_parameters(call):
    name, _, parameters = call.rstrip(")").partition("(")
    function = getattr(Tracer, name.removeprefix("net."), None) or conv_norm_act
    taken = inspect.signature(function).parameters.values()
    shown = [str(one).partition(":")[0] for one in taken if one.name != "self"]
    assert shown == [one for one in parameters.split(", ") if one]


def test_every_call_is_on_the_page():
    """Nothing that a block may call is missing."""
    shown = {row[0].partition("(")[0].removeprefix("net.") for row in rows_below("What a block calls")}
    own = {name for name, what in vars(Tracer).items() if not name.startswith("_") and callable(what)}
    assert own - shown == {"whole", "row", "failed", "closed", "place", "applied"}


@pytest.mark.parametrize(("options", "squeezed"), [("", 4), (", squeeze: 0.5", 8), (", squeeze: -", 16)])
def test_dash_is_none_and_nothing_is_the_default(example, options, squeezed):
    layers = f"layers:\n  - conv: {{k: 3, c: 16}}\n  - gated: {{gate: [conv: {{k: 1, c: 16}}]{options}}}\n"
    (example / "net.yaml").write_text(f"archprof: 1\ninput: 3x8x8\n{layers}", encoding="utf-8")
    done = archprof(example, "summary", "net.yaml", "--format", "json")
    (gate,) = (row for row in json.loads(done.stdout)["layers"] if row["path"] == "1.gate.0.conv")
    assert gate["inputs"][0]["shape"][0] == squeezed


@pytest.mark.parametrize(
    ("address", "path"),
    [("layers[1].gate[0].k", "soft.gate.0.conv"), ("soft.gate[0].kernel", "soft.gate.0.conv"),
     ("inner.k", "bare.gate.inner.conv")],
)  # fmt: skip
def test_layers_in_a_column_of_ones_own_have_addresses(example, address, path):
    text = FILES["gate.yaml"].replace("gate: [conv: {k: 3, c: 1}]", "gate: [{id: inner, conv: {k: 3, c: 1}}]")
    (example / "gate.yaml").write_text(text, encoding="utf-8")
    done = archprof(example, "summary", f"gate.yaml@{address}=5", "--format", "json")
    assert {row["path"]: row["kernel"] for row in json.loads(done.stdout)["layers"]}[path] == [5, 5]
    (example / "child.yaml").write_text(
        f'archprof: 1\nextends: gate.yaml\nset: {{"{address}": 5}}\n'
        'insert: [{after: "soft.gate[0]", layers: [sigmoid]}]\n',
        encoding="utf-8",
    )
    done = archprof(example, "summary", "./child.yaml", "--format", "json")
    kernels = {row["path"]: row["kernel"] for row in json.loads(done.stdout)["layers"]}
    assert (kernels[path], "soft.gate.1" in kernels) == ([5, 5], True)


def test_address_of_an_outer_layer_tells_which_is_meant(example):
    done = archprof(example, "summary", "gate.yaml@layers[1].k=5")
    assert done.stderr == (
        "layers[1].k=5: `layers[1].k` names nothing: `layers[1]` is a `gated`, and has no `k`\n"
        "  help: did you mean `layers[1].gate[0].k`?\n"
    )


def test_costs_of_the_example_by_hand(example):
    """A conv without a norm has a bias; a batch norm two parameters a channel; the norm of the last layers two as
    well."""

    def block(k, t):
        wide = 32 * t
        weights = k * k * 32 + 32 * wide + wide * 32
        return weights + 2 * 32 + wide + 2 * wide + 32, weights * 8 * 8

    parts = [block(7, 4), block(7, 4), block(5, 2)]
    params = 4 * 4 * 3 * 32 + 2 * 32 + sum(part[0] for part in parts) + 2 * 32 + 32 * 10 + 10
    macs = 4 * 4 * 3 * 32 * 8 * 8 + sum(part[1] for part in parts) + 32 * 10
    shown = archprof(example, "summary", "tiny_v2.yaml").stdout
    assert f"params {params:,} " in shown
    assert f"MACs {macs:,} " in shown


def test_schema_knows_installed_blocks(example):
    shown = archprof(example, "schema").stdout
    assert '"block.grn_block"' in shown
    assert '"mish"' in shown
    assert archprof(example, "schema").returncode == 0


def test_unknown_names_are_compared_with_installed_ones(example):
    (example / "net.yaml").write_text(FILES["tiny_v2.yaml"].replace("grn_block:", "grn_blok:"), encoding="utf-8")
    assert archprof(example, "validate", "net.yaml").stderr == (
        "net.yaml:9:5: unknown block `grn_blok`\n  in layers[1]\n  help: did you mean `grn_block`?\n"
    )


CODE = """
from archprof.language.block import Block
from archprof.ir.operators.base import Operator
word = "no block"
class Thing(Operator):
    name = "other"
class Loose(Thing):
    name = "thing"
    columns = None
OTHER = Block("other", None, (), "")
THING = Block("thing", None, None, "")
"""
FILES_OF_ODD = {"odd.py": CODE, "broken.py": "x = 1 / 0\n", "leaves.py": "raise SystemExit(7)\n"}
MEND = "mend or uninstall the package"
PACKAGE = "of the package `odd-blocks`"
NO_MODULE = "cannot be imported: ModuleNotFoundError: No module named 'missing'"
BAD = [
    ("archprof.blocks", "odd:word", f"`thing` {PACKAGE} (`odd:word`) is no block",
     "an entry point in `archprof.blocks` names an `archprof.language.block.Block`"),
    ("archprof.blocks", "odd:OTHER", f"`thing` {PACKAGE} (`odd:OTHER`) is a block named `other`",
     "the entry point and the block need one name"),
    ("archprof.operators", "odd:word", f"`thing` {PACKAGE} (`odd:word`) is no operator",
     "an entry point in `archprof.operators` names a subclass of `archprof.ir.operators.base.Operator`"),
    ("archprof.operators", "odd:Thing", f"`thing` {PACKAGE} (`odd:Thing`) is an operator named `other`",
     "the entry point and the operator need one name"),
    ("archprof.blocks", "odd:nothing",
     f"`thing` {PACKAGE} (`odd:nothing`) cannot be imported: AttributeError: module 'odd' has no attribute 'nothing'",
     MEND),
    ("archprof.blocks", "missing:x", f"`thing` {PACKAGE} (`missing:x`) {NO_MODULE}", MEND),
    ("archprof.operators", "broken:x",
     f"`thing` {PACKAGE} (`broken:x`) cannot be imported: ZeroDivisionError: division by zero", MEND),
    ("archprof.blocks", "leaves:x", f"`thing` {PACKAGE} (`leaves:x`) cannot be imported: SystemExit: 7", MEND),
    ("archprof.blocks", "odd:THING", f"`thing` {PACKAGE} (`odd:THING`) is no whole block",
     "its `apply` is a function, its `columns` a tuple of `archprof.ir.columns.Column`"),
    ("archprof.operators", "odd:Loose", f"`thing` {PACKAGE} (`odd:Loose`) is no whole operator",
     "its `columns` are a tuple of `archprof.ir.columns.Column`"),
]  # fmt: skip


@pytest.mark.few(5)
@pytest.mark.parametrize(
    ("group", "value", "message", "advice"), BAD, ids=[f"{group} {value}" for group, value, _, _ in BAD]
)
def test_package_that_cannot_be_used(tmp_path, group, value, message, advice):
    install(tmp_path, "odd-blocks", {group: {"thing": value}}, FILES_OF_ODD)
    (tmp_path / "net.yaml").write_text("archprof: 1\ninput: 3x8x8\nlayers:\n  - thing: {c: 8}\n", encoding="utf-8")
    done = archprof(tmp_path, "validate", "net.yaml")
    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        f"net.yaml:4:5: {message}\n  in layers[0]\n  help: {advice}\n",
    )


def test_activation_that_cannot_be_used(tmp_path):
    install(tmp_path, "odd-blocks", {"archprof.operators": {"thing": "missing:x"}}, {})
    (tmp_path / "net.yaml").write_text(
        "archprof: 1\ninput: 3x8x8\nlayers:\n  - conv: {c: 8, act: thing, k: 1}\n", encoding="utf-8"
    )
    assert archprof(tmp_path, "validate", "net.yaml").stderr == (
        f"net.yaml:4:23: `thing` {PACKAGE} (`missing:x`) {NO_MODULE}\n"
        "  in layers[0].act\n  help: mend or uninstall the package\n"
    )


def test_one_name_from_two_packages(tmp_path):
    for name in ("one-blocks", "two-blocks"):
        install(tmp_path, name, {"archprof.blocks": {"thing": "odd:word"}}, {"odd.py": CODE})
    (tmp_path / "net.yaml").write_text("archprof: 1\ninput: 3x8x8\nlayers:\n  - thing\n", encoding="utf-8")
    assert archprof(tmp_path, "validate", "net.yaml").stderr == (
        "net.yaml:4:5: `thing` is offered by several packages: `one-blocks` and `two-blocks`\n"
        "  in layers[0]\n  help: uninstall all but one\n"
    )


def test_packages_are_not_looked_through_for_names_that_are_known(tmp_path):
    install(
        tmp_path,
        "odd-blocks",
        {"archprof.blocks": {"conv": "missing:x"}, "archprof.operators": {"relu": "missing:x"}},
        {},
    )
    (tmp_path / "net.yaml").write_text(
        "archprof: 1\ninput: 3x8x8\nlayers:\n  - conv: {c: 8, act: relu, k: 1}\n", encoding="utf-8"
    )
    assert archprof(tmp_path, "validate", "net.yaml").stderr == ""
    code = (
        "import sys; from archprof.language.expand import read_network; read_network('mobilenet_v3_large'); "
        "print('importlib.metadata' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
