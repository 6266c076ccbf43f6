"""What layers take: floats or numbers of words, maps or tokens. What torch could not run is told at its row."""

import pytest

import archprof
from archprof.errors import SpecError

# Inputs and layers; what is said of them, and where.
WRONG = {
    "words that are multiplied": ("16:int64", "- linear: 5", "`linear` of int64 numbers", "layers[0]"),
    "flags that are normalised": ("8x8:bool", "- softmax", "`softmax` of bool numbers", "layers[0]"),
    "words in a block": ("16:int64", "- residual: [layer_norm]", "`layer_norm` of int64 numbers", "layers[0].body[0]"),
    "an embedding of a map": (
        "3x8x8", "- embedding: {size: 9, c: 4}",
        "`embedding` of float32 numbers, which name no row of its table", "layers[0]",
    ),
    "an embedding of flags": (
        "8x8:bool", "- embedding: {size: 9, c: 4}",
        "`embedding` of bool numbers, which name no row of its table", "layers[0]",
    ),
    "words in a row": (
        "{a: 16:int64, b: 16:int64}", "- {from: [a, b], concat: }",
        "16 has no channels to concatenate", "layers[0]",
    ),
    "a table of positions of a map": (
        "8x16", "- position_embedding: {size: 100}", "a table of positions for 8×16", "layers[0].size",
    ),
    "a product of tokens and maps": (
        "{a: 8x8x8, b: 8x8x8}", "- {id: t, from: a, tokens: }\n  - {from: [t, b], matmul: }",
        "a product of 64×8 and 8×8×8: images are an axis in front of both", "layers[1]",
    ),
    "a product with features": (
        "{a: 8x8x8, b: 8:float32}", "- {from: [a, b], matmul: }",
        "a product of 8×8×8 and 8: images are an axis in front of both", "layers[0]",
    ),
    "windows of what is no map": (
        "64:int64", "- {id: e, embedding: {size: 10, c: 8}}\n  - {from: [e, e], window_reverse: 4}",
        "windows of 64×8, which is no map", "layers[1]",
    ),
    "parts of channels that are last": (
        "8x8x8", "- permute: channels_last\n  - part_softmax: 2",
        "a softmax of parts needs a feature map (C×H×W), not 8×8×8", "layers[1]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_told_at_its_row(case, tmp_path):
    inputs, layers, message, where = WRONG[case]
    file = tmp_path / "a.yaml"
    file.write_text(f"archprof: 1\ninput: {inputs}\nlayers:\n  {layers}\n", encoding="utf-8")
    with pytest.raises(SpecError) as raised:
        archprof.analyze(file)
    [found] = raised.value.problems
    assert (found.message, found.where) == (message, where)
    assert found.location is not None
    assert found.location.line > 3


@pytest.mark.parametrize(
    ("inputs", "layers", "params"),
    [
        ("64:int64", "[embedding: {size: 9, c: 4}, position_embedding: {size: 100}]", 9 * 4 + 100 * 4),
        ("64:int64", "[identity, embedding: {size: 9, c: 4}, linear: 3]", 9 * 4 + 4 * 3 + 3),
        ("3x8x8", "[part_softmax: 3, tokens, position_embedding]", 64 * 3),
        ("1x1000", "[conv1d: {k: 320, s: 160, c: 4}, conv1d: {k: 3, d: 512, p: 512, c: 4}]", (320 + 3 * 4) * 4 + 8),
    ],
)
def test_what_fits_is_built_as_it_is_counted(inputs, layers, params, tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text(f"archprof: 1\ninput: {inputs}\nlayers: {layers}\n", encoding="utf-8")
    assert archprof.analyze(file).totals.params == archprof.measure(file).params == params
