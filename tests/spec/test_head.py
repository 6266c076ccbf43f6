"""What a list of the catalog tells of a spec: plain lines say the same as their YAML, or are left to it."""

import random

import pytest
import yaml

from archprof.errors import InputError
from archprof.spec import catalog
from archprof.spec.head import parsed_head, plain_head
from archprof.spec.index import listed_networks
from archprof.spec.variant import parse_settings

HEAD = """archprof: 1
name: net
title: Net-50 (2×), as in (3)
aliases: [n50, net.50]
extends: other@width=0.5   # a remark
source: {paper: Doe & Roe 2018, arxiv: "1801.04381", table: 2}
layers:
  - conv: {k: 3, c: 8}
"""
EXPECT = """expect:
  # a remark
  - {params: 12, macs: 1234567}
  - {at: "width=0.75,layers[2].se.divisor=8",  params: 3, trainable: 2, macs: 0}
"""


@pytest.fixture(scope="module")
def texts():
    """The texts of the catalog, by name."""
    return {name: path.read_text(encoding="utf-8") for name, path in catalog.files().items()}


def test_plain_lines_say_what_yaml_does(texts):
    """Of the whole catalog, by PyYAML, to which every scalar is text."""
    plain = {name: head for name, text in texts.items() if (head := plain_head(text.encode()))}
    assert len(plain) > 0.99 * len(texts)
    for name, head in plain.items():
        told = yaml.load(texts[name], yaml.CBaseLoader)
        assert head.title == told["title"]
        assert head.aliases == tuple(told.get("aliases", ()))
        assert {key: text for key, text in head.source._asdict().items() if text} == told.get("source", {})
        assert head.extends == told.get("extends", "")
        assert head.is_space == ("space" in told)
        assert [{**one.cost, "at": one.settings} for one in head.expect] == [
            {key: int(text) for key, text in one.items() if key != "at"} | {"at": dict(_settings(one))}
            for one in told.get("expect", ())
        ]
        assert head == parsed_head(str(catalog.files()[name]))


def _settings(entry):
    return parse_settings(entry["at"]) if "at" in entry else ()


def test_a_source_is_its_own_over_those_of_its_parents():
    listed = {network.model: network.source for network in listed_networks()}
    assert listed["mobilenet_v2"] == ("Sandler et al. 2018", "1801.04381", "2", "")
    assert catalog.files()["wide_resnet50_2"].read_text().count("source: {paper: Zagoruyko") == 1
    assert listed["wide_resnet50_2"].paper.startswith("Zagoruyko")


@pytest.mark.parametrize(
    ("plain", "other"),
    [
        ("archprof: 1", "archprof: 2"),
        ("archprof: 1\n", "---\narchprof: 1\n"),
        ("name: net", "title: other"),
        ("title: Net-50 (2×), as in (3)", "title: 'Net'"),
        ("title: Net-50 (2×), as in (3)", "title:"),
        ("title: Net-50 (2×), as in (3)", "title: Net\n  of two lines"),
        ("title: Net-50 (2×), as in (3)", "title: Net\n\n  of two lines"),
        ("title: Net-50", "title: Net #50"),
        ("title: Net-50", "title: Net  50"),
        ("title: Net-50", "title: Net: 50"),
        ("title: Net-50", "title: -"),
        ("title: Net-50", "title: !Net"),
        ("title: Net-50", "title: &Net"),
        ("title: Net-50", "title : Net"),
        ("title: Net-50", '"title": Net'),
        ("title: Net-50", "? title\n: Net"),
        ("title: Net-50", "title: Net\u2028"),
        ("title: Net-50", "title: Net\tof"),
        ("aliases: [n50, net.50]", "aliases: [n50,\n net.50]"),
        ("aliases: [n50, net.50]", "aliases: ['n50']"),
        ("aliases: [n50, net.50]", "aliases: [n50,]"),
        ("aliases: [n50, net.50]", "aliases: []"),
        ("aliases: [n50, net.50]", "aliases: n50"),
        ("aliases: [n50, net.50]", "aliases:\n  - n50"),
        ("aliases: [n50, net.50]", "aliases:\n- n50"),
        ("extends: other@width=0.5", "extends: [other]"),
        ("extends: other@width=0.5", "extends: other\nextends: more"),
        ("{paper: Doe & Roe 2018", "{paper: [Doe]"),
        ("{paper: Doe & Roe 2018", "{paper: {Doe: Roe}"),
        ("{paper: Doe & Roe 2018", "{paper: Doe, paper: Roe"),
        ("{paper: Doe & Roe 2018", "{papers: Doe"),
        ("{paper: Doe & Roe 2018", "{paper: Doe,"),
        ("{paper: Doe & Roe 2018", "{paper: 'Doe'"),
        ("{paper: Doe & Roe 2018", "{paper:"),
        ('"1801.04381"', '"18\\x30 1.04381"'),
        ('"1801.04381"', '"1801.\u200b04381"'),
        ('"1801.04381"', '" "'),
        ('"1801.04381"', '"1801"."04381"'),
        ("table: 2}", "table: 2,}"),
        ("table: 2}", "table: 2"),
        ("table: 2}", "table: 2}\n  more: 3"),
        ("source: {", "source:\n  {"),
        ("layers:\n", "Layers:\n"),
        ("layers:\n", "\ufefflayers:\n"),
        ("expect:\n", "expect: []\nspace:"),
        ("expect:\n", "expect: {}\nspace:"),
        ("- {params: 12,", "- {params: 12, params: 12,"),
        ("- {params: 12,", "- {param: 12,"),
        ("- {params: 12,", "- {params: 1_2,"),
        ("- {params: 12,", "- {params: -12,"),
        ("- {params: 12,", "- {params: '12',"),
        ("- {params: 12,", f"- {{params: {'1' * 400},"),
        ("- {params: 12,", "- {params:12,"),
        ("- {params: 12, macs: 1234567}", "- params: 12"),
        ("- {params: 12, macs: 1234567}", "- {}"),
        ("- {params: 12, macs: 1234567}", "- {at: width=1}"),
        ("- {params: 12, macs: 1234567}", "- {params: 12}\n" + "  - {params: 12}\n" * 100),
        ("width=0.75,", "width,"),
        ("macs: 0}", "macs: 0}\n   - {params: 3}"),
        ("macs: 0}", "macs: 0"),
    ],
)
def test_what_is_unusual_is_left_to_yaml(tmp_path, plain, other):
    file = tmp_path / "net.yaml"
    file.write_text(HEAD + EXPECT, encoding="utf-8")
    assert plain_head(file.read_bytes()) == parsed_head(str(file))
    assert plain in HEAD + EXPECT
    text = (HEAD + EXPECT).replace(plain, other, 1)
    assert plain_head(text.encode()) is None


@pytest.mark.parametrize("data", [b"", b"archprof: 1\nname: n\xff\n", b"\xff\xfe", b"archprof: 1\r\nname: n\r\n"])
def test_what_is_no_text_of_lines_is_left_to_yaml(data):
    assert plain_head(data) is None


# What means something to YAML, or to whoever looks for lines.
SIGNS = (*"\n :#-[]{}\"',&*!|>%@`\t?~=é×\u2028\u3000", "<<", ": ", " #", "\n  ", "\n- ", "title: a\n", "extends: b\n")


def test_a_line_that_was_changed_anywhere_says_what_yaml_does_or_nothing(tmp_path, texts):
    dice = random.Random(1)
    file = tmp_path / "net.yaml"
    plain = 0
    for _ in range(2000):
        text = dice.choice((HEAD + EXPECT, *texts.values()))
        ends = text.find("\nlayers:") + 1 or text.find("\nset:") + 1 or len(text)
        at = dice.randrange(ends)
        changed = (text[:at] + dice.choice(SIGNS) + text[at + dice.choice((0, 1)) :]).encode()
        if (head := plain_head(changed)) is None:
            continue
        file.write_bytes(changed)
        try:
            told = parsed_head(str(file))
        except InputError:  # a mistake in what is not told
            continue
        plain += 1
        assert head == told, changed.decode()
    assert plain > 200
