"""The language's hard examples: the page that promises them is read, and what it shows is counted."""

import re

import pytest

from archprof import limits
from archprof.language.expand import read_network
from archprof.spec.header import TOP_LEVEL
from tests.spec.networks import PROOF, costs

EXAMPLES = re.findall(
    r"^\*\*(.+?)\*\*.*?^```yaml\n(.*?)^```",
    PROOF.read_text(encoding="utf-8").partition("## Proof")[2],
    re.DOTALL | re.MULTILINE,
)
# Each confirmed by independent counters on the reference implementations: torchvision 0.28 (`reduced_tail=True`), the
# MixNet paper's code, maskrcnn-benchmark's body.
EXACT = {
    "V3's reduced tail.": (2_569_352, 182_302_720),
    "MixNet-L": (7_329_252, 555_251_792),
    "R-50-FPN with a dilated C5.": (23_454_912, 6_052_429_824),
}


@pytest.fixture(params=EXAMPLES, ids=[title for title, _ in EXAMPLES])
def example(request):
    return request.param


def test_page_has_the_examples_that_are_counted_here():
    assert set(EXACT) < {title for title, _ in EXAMPLES}


def test_example_expands(example):
    title, text = example
    if not text.startswith("archprof"):
        text = "archprof: 1\ninput: 192x28x28\nlayers:\n" + text
    found = costs(read_network("./example.yaml", text=text))
    assert found == EXACT.get(title, found)


def test_efficientnet_b3_by_compound_scaling():
    """Its parameters are torchvision's; at 224, where three counters agree, so are its MACs."""
    text = dict(EXAMPLES)["EfficientNet-B3"]
    assert costs(read_network("b3.yaml", text=text))[0] == 12_233_232
    assert costs(read_network("b3.yaml@resolution=224", text=text)) == (12_233_232, 962_708_240)


def test_inception_module_of_googlenet_3a():
    """Szegedy et al. 2015, Table 1: 159K weights and 128M multiply-adds, here with the biases."""
    text = "archprof: 1\ninput: 192x28x28\nlayers:\n" + dict(EXAMPLES)["Inception's branches"]
    weights = 192 * 64 + 192 * 96 + 9 * 96 * 128 + 192 * 16 + 25 * 16 * 32 + 192 * 32
    biases = 64 + 96 + 128 + 16 + 32 + 32
    graph = read_network("inception.yaml", text=text)
    assert costs(graph) == (weights + biases, weights * 28 * 28)
    assert graph.nodes[-1].output.shape == (64 + 128 + 32 + 32, 28, 28)


def test_variant_of_two_lines():
    """Ten classes instead of a thousand change the last layer alone: 990 rows of 1280 · 0.5 weights and a bias."""
    ten = costs(read_network("own.yaml", text=dict(EXAMPLES)["A variant of one's own"]))
    thousand = costs(read_network("mobilenet_v3_large@width=0.5"))
    assert thousand[0] - ten[0] == 990 * (640 + 1)
    assert thousand[1] - ten[1] == 990 * 640


def test_small_reduced_tail():
    text = """
archprof: 1
extends: mobilenet_v3_small
set:
  layers[1].rows[8].c: 48
  layers[1].rows[9].exp: 288
  layers[1].rows[9].c: 48
  layers[1].rows[10].exp: 288
  layers[1].rows[10].c: 48
  layers[4].c: 512
"""
    assert costs(read_network("tail.yaml", text=text)) == (1_099_672, 43_763_584)


def test_limits_are_those_of_the_page():
    table = dict(
        re.findall(
            r"^\| (.+?) \| ([\d,]+)[^|]*\|$",
            PROOF.read_text(encoding="utf-8").partition("| what | limit |")[2].partition("## ")[0],
            re.M,
        )
    )
    assert {what: int(limit.replace(",", "")) for what, limit in table.items()} == {
        "a file": limits.MAX_BYTES >> 20,
        "nesting": limits.MAX_DEPTH,
        "values, lists and mappings": limits.MAX_NODES,
        "a chain of `extends`": limits.MAX_EXTENDS,
        "operators in a network": limits.MAX_OPERATORS,
        "maps that these read": limits.MAX_READS,
        "repeats (`n`)": limits.MAX_REPEATS,
        "options of a `choice` that is a range": limits.MAX_OPTIONS,
        "channels of a map, typed features, classes": limits.MAX_CHANNELS,
        "a side of the input": limits.MAX_SIDE,
        "the length of an input that has no other side": limits.MAX_LENGTH,
        "a side of a kernel, a stride, a dilation, a padding": limits.MAX_KERNEL,
        "entries of `expect`, of `published`, of `budget`": limits.MAX_ENTRIES,
        "axes of a sweep": limits.MAX_AXES,
        "a number": limits.MAX_DIGITS,
    }


def test_keys_are_those_of_the_page():
    table = PROOF.read_text(encoding="utf-8").partition("## Top level")[2].partition("\n## ")[0]
    keys = [key for cell in re.findall(r"^\| (`.+?`) \|", table, re.MULTILINE) for key in re.findall(r"`(\w+)`", cell)]
    assert sorted(keys) == sorted(TOP_LEVEL)
