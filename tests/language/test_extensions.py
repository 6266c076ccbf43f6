"""Blocks and operators of other packages: the how-to's example works as printed, and packages that do not are told by
name."""

import re
import subprocess
import sys
import tomllib

import pytest

from tests.docs.markdown import ROOT, blocks
from tests.language.installed import archprof, install

PAGE = (ROOT / "docs" / "how-to" / "custom-blocks.md").read_text(encoding="utf-8")
FILES = {block.mark.removeprefix("file: "): block.text for block in blocks(PAGE) if block.mark.startswith("file: ")}
PROJECT = tomllib.loads(FILES["pyproject.toml"])["project"]
PRINTED = [
    (found[1], found[2].split(), block.text)
    for block in blocks(PAGE)
    if (found := re.fullmatch(r"prints(?: with (\w+))?: archprof (.*)", block.mark))
]


@pytest.fixture
def example(tmp_path):
    install(tmp_path, PROJECT["name"], PROJECT["entry-points"], FILES)
    return tmp_path


@pytest.mark.parametrize(
    ("instead", "arguments", "printed"), PRINTED, ids=[instead or "as printed" for instead, _, _ in PRINTED]
)
def test_page_shows_what_is_printed(example, instead, arguments, printed):
    if instead:
        entries = next(example.glob("*.dist-info")) / "entry_points.txt"
        entries.write_text(entries.read_text(encoding="utf-8").replace("GRN_BLOCK", instead), encoding="utf-8")
    done = archprof(example, *arguments)
    assert done.stdout + done.stderr == printed
    assert done.returncode == (2 if instead else 0)


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
