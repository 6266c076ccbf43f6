"""Whether a network is sound is told by its traced rows as by its graph, and so are its totals."""

import gc

import pytest

from archprof.analysis.totals import counts_of
from archprof.costs.report import analyze_graph
from archprof.errors import SpecError
from archprof.language.expand import expand, outputs_of, trace_network
from archprof.language.soundness import is_sound
from archprof.language.spellings import spellings
from archprof.spec.load import load

HEAD = "archprof: 1\nclasses: 10\n"
IMAGE = HEAD + "input: 3x32x32\n"


def spec_of(text):
    return load("./net.yaml", spellings=spellings, text=text)


def outcome(read, text):
    try:
        return read(spec_of(text))
    except SpecError as error:
        return str(error)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (IMAGE + "layers: [{id: a, conv: {k: 3, c: 8}}, {conv: {k: 1, c: 8}, from: input}]", "`layers[0]` leads to no"),
        (
            IMAGE + "blocks: {b: {layers: [{id: a, conv: {k: 3, c: 8}}, {conv: {k: 1, c: 4}, from: input}]}}\n"
            "layers: [b]",
            "`layers[0]` leads to no output",
        ),
        (
            HEAD + "input: {x: 3x32x32, y: 3x32x32}\nlayers: [{conv: {k: 3, c: 8}}]",
            "no layer reads the input `y`",
        ),
        (IMAGE + "layers: [{id: '0', conv: {k: 3, c: 8}}]", "id"),
        (IMAGE + "layers: [{conv: {k: 3, c: 8}, register: [mine]}]", "no operator has the path `mine`"),
        (IMAGE + "outputs: [there]\nlayers: [{conv: {k: 3, c: 8}}]", "there is no layer `there`"),
    ],
    ids=["layer", "body", "input", "id", "register", "outputs"],
)
def test_what_is_wrong_is_told_in_the_same_words(text, message):
    told = outcome(trace_network, text)
    assert message in told
    assert told == outcome(expand, text)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("mobilenet_v3_large", True),
        ("densenet121", True),
        ("hrnet_w18", True),
        ("swin_t", True),
        ("retinanet_resnet50_fpn", False),  # one head on maps of five sizes
    ],
)
def test_totals_are_those_of_the_graph(name, plain):
    spec = load(name, spellings=spellings)
    traced = trace_network(spec)
    outputs = outputs_of(spec, traced.places, traced.fragment.result.edge)
    assert is_sound(traced.fragment, outputs.values(), ()) == plain
    assert counts_of(traced.fragment) == analyze_graph(expand(spec)).totals


def test_an_input_that_is_an_output_is_left_to_the_graph():
    spec = spec_of(
        HEAD + "input: {x: 3x32x32, y: 3x32x32}\noutputs: {a: x, b: 'layers[0]'}\nlayers: [{conv: {k: 3, c: 8}}]"
    )
    with pytest.raises(SpecError, match="no layer reads the input `y`"):
        trace_network(spec)


@pytest.mark.parametrize("model", ["resnet50", "mobilenet_v3_large", "densenet121"])
def test_a_trace_is_freed_by_whoever_lets_it_go(model):
    """It holds nothing that holds it, which only a search of all objects would find."""
    spec = load(model, spellings=spellings)
    trace_network(spec)  # what is imported or kept at the first time
    gc.collect()
    gc.disable()
    try:
        size = trace_network(spec).fragment.size
        assert gc.collect() < size
    finally:
        gc.enable()
