"""Variants: what is inherited, what is replaced, and edits that do not shift each other."""

import pytest

from archprof.errors import InputError
from archprof.ir.operators.conv import Conv2d
from archprof.language.expand import expand, read_network
from archprof.language.spellings import spellings
from archprof.spec.load import load, read_tree, resolve
from tests.spec.networks import costs, shapes

PARENT = """
archprof: 1
name: parent
title: The parent
aliases: [p]
source: {paper: Somebody 2020, table: 1}
input: 3x32x32
classes: 10
defaults: {act: relu}
width: {divisor: 8}
knobs:
  stem: {type: int, default: 16, min: 1, max: 64}
  pool: {choices: [module, function], default: module}
layers:
  - {id: stem, conv: {k: 3, s: 2, c: $stem}}
  - id: body
    inverted_residual:
      columns: [input, t, c, s, id]
      rows:
        - [16x16x16, 1, 16, 1, first]
        - [16x16x16, 6, 24, 2, second]
        - [8x8x24,   6, 24, 1, third]
  - residual: [conv: {k: 1, c: 24}, conv: {k: 3, c: 24, act: -}]
  - branches: {paths: [[conv: {k: 1, c: 8}], [conv: {k: 1, c: 8}, conv: {k: 3, c: 8}]]}
  - avg_pool: {form: $pool}
  - dropout: 0.2
  - linear: classes
expect:
  - {params: 1}
note: a note
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parent.yaml").write_text(PARENT, encoding="utf-8")
    return tmp_path


def child(text, at=""):
    return read_network(f"./child.yaml{at}", text=f"archprof: 1\nextends: parent.yaml\n{text}")


def flat(text, at=""):
    """Return the parent with its text changed, which is what edits promise to give."""
    return read_network(f"./parent.yaml{at}", text=text)


def edited(*changes):
    text = PARENT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return flat(text)


def same(first, second):
    """Tell whether two graphs are one network."""
    return [(node.path, node.op, node.inputs, node.output.shape) for node in first.nodes] == [
        (node.path, node.op, node.inputs, node.output.shape) for node in second.nodes
    ]


@pytest.mark.parametrize(
    ("edits", "changes"),
    [
        ("set: {'layers[0].k': 5}", [("k: 3, s: 2", "k: 5, s: 2")]),
        ("set: {stem.kernel_size: 5}", [("k: 3, s: 2", "k: 5, s: 2")]),
        ("set: {'layers[0].bias': false}", [("c: $stem}", "c: $stem, bias: false}")]),
        ("set: {'layers[0].id': entry}", [("id: stem", "id: entry")]),
        ("set: {'layers[1].rows[1].c': 32, third.c: 32, 'layers[2].body[1].c': 32}", [
            ("6, 24, 2", "6, 32, 2"), ("8x8x24,   6, 24", "8x8x32, 6, 32"), ("k: 3, c: 24", "k: 3, c: 32")]),
        ("set: {'body.rows[0].expand_ratio': 2}", [("1, 16, 1, first", "2, 16, 1, first")]),
        ("set: {second.k: 5}", [
            ("s, id]", "s, id, k]"), ("first]", "first, 3]"), ("second]", "second, 5]"), ("third]", "third, 3]")]),
        ("set: {second.se: ✓, second.k: 5, third.k: 5}", [
            ("s, id]", "s, id, se, k]"), ("first]", "first, -, 3]"), ("second]", "second, ✓, 5]"),
            ("third]", "third, -, 5]")]),
        ("set: {body.k: 5}", [("    inverted_residual:\n", "    inverted_residual:\n      k: 5\n")]),
        ("set: {'layers[5].p': 0.5}", [("dropout: 0.2", "dropout: 0.5")]),
        ("set: {'layers[5].rate': 0.5}", [("dropout: 0.2", "dropout: 0.5")]),
        ("set: {'layers[6].c': 7}", [("linear: classes", "linear: 7")]),
        ("set: {'layers[2].body[0].k': 3}", [("[conv: {k: 1, c: 24}", "[conv: {k: 3, c: 24}")]),
        ("set: {'layers[2].act': relu6}", [("residual: [conv: {k: 1, c: 24}, conv: {k: 3, c: 24, act: -}]",
            "residual: {act: relu6, body: [conv: {k: 1, c: 24}, conv: {k: 3, c: 24, act: -}]}")]),
        ("set: {'layers[3].paths[1][0].c': 16, 'layers[3].join': concat}", [
            ("[conv: {k: 1, c: 8}, conv: {k: 3", "[conv: {k: 1, c: 16}, conv: {k: 3")]),
        ("set: {'layers[3].paths[0]': []}", [("[[conv: {k: 1, c: 8}],", "[[],")]),
        ("set: {'layers[4]': {max_pool: {k: 8}}}", [("avg_pool: {form: $pool}", "max_pool: {k: 8}")]),
        ("set: {'layers[4]': avg_pool}", [("avg_pool: {form: $pool}", "avg_pool")]),
        ("set: {third: [8x8x24, 3, 24, 1, third]}", [("8x8x24,   6, 24", "8x8x24, 3, 24")]),
        ("set: {defaults.act: hardswish}", [("act: relu}", "act: hardswish}")]),
        ("set: {defaults.norm.batch_norm.eps: 0.001}", [
            ("act: relu}", "act: relu, norm: {batch_norm: {eps: 0.001}}}")]),
        ("set: {width.divisor: 4, classes: 5}", [("divisor: 8", "divisor: 4"), ("classes: 10", "classes: 5")]),
        ("defaults: {norm: batch_norm}", [("act: relu}", "act: relu, norm: batch_norm}")]),
        ("remove: [third]", [("        - [8x8x24,   6, 24, 1, third]\n", "")]),
        ('remove: ["layers[2].body[0]", second, third, "layers[5]"]', [
            ("[conv: {k: 1, c: 24}, conv: {k: 3, c: 24, act: -}]", "[conv: {k: 3, c: 16, act: -}]"),
            ("  - dropout: 0.2\n", ""),
            ("        - [16x16x16, 6, 24, 2, second]\n        - [8x8x24,   6, 24, 1, third]\n", "")]),
        ((
            'insert: [{after: stem, layers: [max_pool: {k: 3, s: 1, p: 1}, identity]}, '
            '{before: "layers[0]", layers: [identity]}]'
        ), [
            ("  - {id: stem", "  - identity\n  - {id: stem"),
            ("$stem}}\n", "$stem}}\n  - max_pool: {k: 3, s: 1, p: 1}\n  - identity\n")]),
        ("insert: [{after: first, rows: [[16x16x16, 2, 16, 1, -], [16x16x16, 3, 16, 1, -]]},"
         " {before: first, rows: [[16x16x16, 4, 16, 1, zeroth]]}]", [
            ("        - [16x16x16, 1", "        - [16x16x16, 4, 16, 1, zeroth]\n        - [16x16x16, 1"),
            ("first]\n", "first]\n        - [16x16x16, 2, 16, 1, -]\n        - [16x16x16, 3, 16, 1, -]\n")]),
        ("insert: [{after: first, rows: [[16x16x16, 2, 16, 1, -]]}]\nset: {second.k: 5}", [
            ("s, id]", "s, id, k]"), ("first]\n", "first, 3]\n        - [16x16x16, 2, 16, 1, -, 3]\n"),
            ("second]", "second, 5]"), ("third]", "third, 3]")]),
        ("remove: [first]\ninsert: [{before: first, rows: [[16x16x16, 2, 16, 1, first]]}]", [
            ("16x16x16, 1, 16, 1, first", "16x16x16, 2, 16, 1, first")]),
        ((
            'insert: [{after: "layers[2].body[1]", layers: [conv: {k: 1, c: 24}]}]\n'
            'remove: ["layers[2].body[0]"]\nset: {body.k: 5}'
        ), [
            ("[conv: {k: 1, c: 24}, conv: {k: 3, c: 24, act: -}]",
             "[conv: {k: 3, c: 24, act: -}, conv: {k: 1, c: 24}]"),
            ("    inverted_residual:\n", "    inverted_residual:\n      k: 5\n")]),
    ],
)  # fmt: skip
def test_edits_give_what_the_changed_text_gives(folder, edits, changes):
    if "second, third" in edits:
        edits += "\nset: {'layers[2].body[1].c': 16}"
    assert same(child(edits), edited(*changes))


def test_block_is_renamed_with_other_edits_inside(folder):
    edits = (
        "set: {body.block: mix_block, second.k: [3, 5]}\nremove: [third]\n"
        "insert: [{after: first, rows: [[16x16x16, 3, 16, 1, -]]}]\n"
    )
    graph = child(edits)
    wanted = edited(
        ("inverted_residual", "mix_block"),
        ("s, id]", "s, id, k]"),
        ("first]\n", "first, 3]\n        - [16x16x16, 3, 16, 1, -, 3]\n"),
        ("second]", "second, [3, 5]]"),
        ("        - [8x8x24,   6, 24, 1, third]\n", ""),
    )
    assert same(graph, wanted)


def test_what_is_inherited_and_what_is_not(folder):
    spec = child("source: {url: here}\n").origin
    assert (spec.name, spec.title, spec.aliases, spec.expect, spec.note) == ("child", "child", (), (), "")
    assert (spec.source.paper, spec.source.url, spec.input, spec.classes) == ("Somebody 2020", "here", (3, 32, 32), 10)


def test_keys_replace_the_parents(folder):
    graph = child("input: 3x64x64\nclasses: 7\n")
    assert graph.inputs["input"].shape == (3, 64, 64)
    assert graph.nodes[-1].output.shape == (7,)


def test_knobs_merge_by_name(folder):
    knobs = (
        "knobs: {stem: {type: int, default: 24}, extra: {type: bool, default: true}}\nset: {'layers[0].bias': $extra}\n"
    )
    graph = child(knobs)
    assert shapes(graph)["stem.conv"] == (24, 16, 16)
    assert graph.origin.settings["pool"] == "module"
    assert costs(child(knobs, "@extra=false"))[0] == costs(graph)[0] - 24


def test_settings_of_a_chain(folder):
    """Widths multiply, also through several files; a resolution, a number of classes or a knob replaces."""
    (folder / "half.yaml").write_text(
        "archprof: 1\nextends: parent.yaml@width=0.5,resolution=64,classes=3,stem=32\n", encoding="utf-8"
    )
    (folder / "again.yaml").write_text("archprof: 1\nextends: half.yaml@width=4,classes=5\n", encoding="utf-8")
    graph = read_network("./again.yaml@width=0.5,resolution=48x64")
    assert graph.origin.settings["width"] == 1.0
    assert graph.inputs["input"].shape == (3, 48, 64)
    assert graph.nodes[-1].output.shape == (5,)
    assert shapes(graph)["stem.conv"] == (32, 24, 32)


@pytest.mark.parametrize(
    ("own", "asked", "product"), [("0.7", "0.1", 0.07), ("1.1", "1.1", 1.21), ("1.3", "0.5", 0.65), ("0.35", "3", 1.05)]
)
def test_multipliers_multiply_as_decimals(folder, own, asked, product):
    (folder / "own.yaml").write_text(f"archprof: 1\nextends: parent.yaml@width={own}\n", encoding="utf-8")
    (folder / "both.yaml").write_text(f"archprof: 1\nextends: own.yaml@width={asked}\n", encoding="utf-8")
    assert read_network(f"./own.yaml@width={asked}").origin.settings["width"] == product
    assert read_network("./both.yaml").origin.settings["width"] == product


def test_address_settings_of_extends_come_before_the_edits(folder):
    (folder / "one.yaml").write_text(
        'archprof: 1\nextends: "parent.yaml@layers[0].k=5,stem=24"\nset: {stem.s: 1}\n', encoding="utf-8"
    )
    graph = read_network("./one.yaml@resolution=16")
    assert same(
        graph, flat(PARENT.replace("k: 3, s: 2", "k: 5, s: 1").replace("default: 16", "default: 24"), "@resolution=16")
    )


def test_settings_on_top_of_edits(folder):
    (folder / "one.yaml").write_text("archprof: 1\nextends: parent.yaml\nremove: [first]\n", encoding="utf-8")
    graph = read_network(
        "./one.yaml@body.rows[0].c=32,body.rows[1].c=32,layers[2].body[1].c=32,layers[0].k=5,layers[0].k=7,resolution=32"
    )
    assert shapes(graph)["body.second.project.conv"] == (32, 8, 8)
    assert "kernel_size=(7, 7)" in repr(graph.nodes[0].op)


def test_later_settings_see_what_earlier_ones_made(folder):
    graph = read_network(
        "./parent.yaml@layers[5]={max_pool: {k: 1}},layers[5].k=1x1,layers[4].form=function,layers[5].s=1,"
        "layers[4]=identity,layers[4].id=x"
    )
    assert graph.nodes[-3].op.name == "max_pool"


def test_same_tree_at_many_settings(folder):
    """A sweep reads once and resolves often: nothing of one setting stays for the next."""
    tree = read_tree("./parent.yaml", spellings)
    settings = [
        [],
        [("width", "0.5")],
        [("layers[0].k", "5")],
        [("second.k", "7"), ("stem", "24")],
        [("resolution", "64")],
        [],
    ]
    for asked in settings:
        at = "@" + ",".join(f"{key}={value}" for key, value in asked) if asked else ""
        assert same(expand(resolve(tree, asked, spellings)), read_network(f"./parent.yaml{at}"))


def test_stated_input_is_checked_where_the_file_says_it(folder):
    assert child("set: {'layers[0].s': 1}\n").nodes
    with pytest.raises(InputError, match=r"child\.yaml:3:20: the stated input is `9x9x24`"):
        child("set: {third.input: 9x9x24}\n")
    with pytest.raises(InputError, match=r"child\.yaml:3:34: the stated input is `8x8x16`"):
        child("insert: [{after: second, rows: [[8x8x16, 6, 24, 1, -]]}]\n")
    assert child("set: {third.input: 9x9x24}\n", "@resolution=64").nodes


def test_errors_point_into_the_file_that_said_it(folder):
    (folder / "parent.yaml").write_text(PARENT.replace("act: relu}", "act: relu7}"), encoding="utf-8")
    with pytest.raises(InputError) as raised:
        child("set: {second.t: six}\n")
    assert [(str(found.location), found.where) for found in raised.value.problems] == [
        ("./child.yaml:3:17", "layers[1].rows[1].t"),
        ("parent.yaml:9:17", "defaults.act"),
    ]


def test_names_of_files_that_are_no_names(folder):
    for file, name in (("my net (1).yaml", "my_net__1_"), ("_.yaml", "network"), ("réseau.yaml", "r_seau")):
        (folder / file).write_text("archprof: 1\nextends: parent.yaml\n", encoding="utf-8")
        assert load(f"./{file}", spellings=spellings).name == name


def test_extends_by_alias_and_from_another_folder(folder):
    (folder / "deeper").mkdir()
    (folder / "deeper" / "one.yaml").write_text("archprof: 1\nextends: ../parent.yaml\n", encoding="utf-8")
    assert same(read_network("deeper/one.yaml"), read_network("./parent.yaml"))
    assert same(read_network("./two.yaml", text="archprof: 1\nextends: v2\n"), read_network("mobilenet_v2"))


def test_a_file_that_changes_is_read_anew_by_all_that_extend_it(folder):
    """What is kept of trees that were merged before is of the texts that they were merged from."""
    text = "archprof: 1\nextends: parent.yaml@stem=32\nset: {'layers[2]': {residual: [conv: {k: 1, c: 24}]}}\n"
    (folder / "child.yaml").write_text(text, encoding="utf-8")
    (folder / "grandchild.yaml").write_text("archprof: 1\nextends: child.yaml\n", encoding="utf-8")

    def stem():
        first = read_network("./grandchild.yaml").nodes[0].op
        assert isinstance(first, Conv2d)
        return first.kernel_size, first.out_channels

    assert stem() == stem() == ((3, 3), 32)
    (folder / "parent.yaml").write_text(PARENT.replace("{k: 3, s: 2, c: $stem}", "{k: 5, s: 2, c: $stem}"))
    assert stem() == ((5, 5), 32)
    (folder / "child.yaml").write_text(text.replace("stem=32", "stem=48"), encoding="utf-8")
    assert stem() == ((5, 5), 48)
    (folder / "parent.yaml").write_text(PARENT)
    assert stem() == ((3, 3), 48)
