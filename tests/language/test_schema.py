"""The JSON Schema of the language: every shipped spec is right by it, and typical mistakes are not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from archprof.errors import InputError
from archprof.language.expand import read_network
from archprof.language.schema import spec_schema
from archprof.render.schema_text import schema_text
from archprof.spec import catalog
from archprof.spec.header import TOP_LEVEL

SCHEMA = spec_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
CASES = Path(__file__).parents[1] / "cases"
# What a schema of the form cannot see: places, sums, shapes, other files, and what a loader has already done away with.
BEYOND_FORM = (
    "yaml_", "shape_", "stated_", "extends_", "setting_", "outputs_", "from_", "id_of", "id_reserved", "freeze_",
    "stages_", "layers_that", "row_arity", "option_twice", "column_duplicate", "column_missing", "block_missing",
    "defaults_nobody", "cell_classes", "cell_repeats", "cell_printed", "cell_squeeze", "cell_multiple_overflow",
    "cell_expression", "cell_sexagesimal", "cell_channels_too_many", "top_input_order", "top_input_huge", "top_many",
    "defaults_not_taken", "defaults_twice", "own_block_", "import_", "register_unknown",
    "choice_block_column", "choice_block_not_drawn", "choice_block_option_", "choice_cell", "choice_depth",
    "choice_knob_", "choice_extends", "choice_network", "choice_repeat_of", "choice_row_of", "choice_row_width",
    "choice_set", "choice_skip", "condition_word", "tokens_to_map",
)  # fmt: skip


def problems(text):
    return [error.json_path for error in VALIDATOR.iter_errors(yaml.safe_load(text))]


def test_every_key_is_told():
    assert set(TOP_LEVEL) <= set(SCHEMA["properties"])
    assert all(schema["description"] for schema in SCHEMA["properties"].values())


@pytest.mark.few(100)
@pytest.mark.parametrize("path", catalog.files().values(), ids=catalog.files())
def test_shipped_spec_is_right(path):
    assert problems(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "name", sorted(path.stem for path in CASES.glob("*.yaml") if not path.stem.startswith(BEYOND_FORM))
)
def test_bad_spec_is_not(name):
    assert problems((CASES / f"{name}.yaml").read_text(encoding="utf-8"))


HEAD = "archprof: 1\ninput: 3x32x32\nclasses: 10\nlayers:\n"
RIGHT = [
    "- conv: {k: 3, c: 8}",
    "- conv: {columns: [k, c], rows: [[3, 8], {choice: [[3, 8], [{choice: [3, 5]}, 16]], default: 0}]}",
    "- conv: {kernel_size: 1x7, out: 6x, norm: {batch_norm: {eps: 1e-3}}, nl: HS}",
    "- conv: {k: 3, c: 8, p: [0, 1, 0, 1], bias: yes, act: -}",
    "- {id: stem, conv: {c: 8, k: 1}}",
    "- avg_pool",
    "- avg_pool:",
    "- {id: a, conv: {c: 8, k: 1}}\n  - {id: b, conv: {c: 8, k: 1}}\n  - {from: [a, b], add: }",
    (
        "- inverted_residual: {columns: [t, c, n, s, se], rows: [[6, 16, 1, 1, -], [6, 16, 2, 2, 0.25], [6, 16, 1, "
        "1, {gate: hardsigmoid}]]}"
    ),
    "- residual: [conv: {k: 3, c: 3}]",
    "- residual: {body: [conv: {k: 3, c: 3}], shortcut: [identity], act: {swish: {learnable: true}}}",
    "- branches: {split: true, paths: [[], [conv: {k: 1, c: 3}]]}",
    (
        "- {id: a, conv: {c: 8, k: 1}}\n  - {id: b, conv: {c: 8, k: 1}}\n"
        "  - {id: e, from: [a, b], each: {shared: true, join: add, layers: [relu]}}\n"
        "  - {from: [e, input], resize: bilinear}"
    ),
    "- repeat: {n: 3, layers: [conv: {k: 3, c: 8}]}",
    "- {conv: {c: 2*4, k: (1+2)}}",
    "- linear: classes",
    "- {conv: {k: 3, c: 8}, when: 1 < 2, id: a}",
    "- {conv: {k: 3, c: 8}, register: [b.conv], id: a}\n  - {conv: {k: 1, c: 8}, id: b}",
    "- mine: {c: 8}\nblocks: {mine: {columns: {c: {type: channels}}, layers: [conv: {k: 3, c: $c}]}}",
]
WRONG = [
    "- sequence: [mine: 8]",
    "- mine: {c: 8}\nblocks: {mine: {columns: {c: {type: chanels}}, layers: [conv: {k: 3, c: $c}]}}",
    "- {conv: {k: 3, c: 8}, relu: , when: 1 < 2}",
    "- {conv: {k: 3, c: 8}, register: b.conv}",
    "- konv: {k: 3, c: 8}",
    "- conv: {k: 3, c: 8, strid: 2}",
    "- conv: {k: three, c: 8}",
    "- conv: {k: 3, c: 0}",
    "- conv: {k: 3, c: 8, s: 0}",
    "- conv: {k: 3, c: 8, act: relu7}",
    "- conv: {k: 3, c: 8, norm: relu}",
    "- conv: {k: 3, c: 8, norm: {batch_norm: {epsilon: 0.1}}}",
    "- conv: {k: 3, c: 8}\n    avg_pool:",
    "- {id: stem}",
    "- {id: 3rd, conv: {c: 8, k: 1}}",
    "- [conv]",
    "- conv: {id: stem, c: 8, k: 1}",
    "- inverted_residual: {columns: [t, c]}",
    "- inverted_residual: {columns: [t, cc], rows: [[6, 16]]}",
    "- inverted_residual: {columns: [t, c], rows: [6, 16]}",
    "- residual: conv",
    "- branches: {paths: [conv]}",
    "- dropout: 2",
]


def test_a_block_may_come_from_another_file():
    assert problems(f"{HEAD}- sequence: [mine: 8]\nimport: [other.yaml]") == []


@pytest.mark.parametrize("layer", RIGHT)
def test_right_layer(layer):
    assert read_network("net.yaml", text=f"{HEAD}  {layer}\n").nodes
    assert problems(f"{HEAD}  {layer}\n") == []


@pytest.mark.parametrize("layer", WRONG)
def test_wrong_layer(layer):
    with pytest.raises(InputError):
        read_network("net.yaml", text=f"{HEAD}  {layer}\n")
    assert problems(f"{HEAD}  {layer}\n")


def test_schema_needs_no_heavy_module():
    code = (
        "import sys; from archprof.language.schema import spec_schema; spec_schema(); "
        "print({'torch', 'numpy', 'fvcore'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_what_is_printed_says_the_same_once():
    """It is a schema. Editors read it at every start: a megabyte that says everything many times is no file for
    them."""
    text = schema_text(SCHEMA)
    printed = json.loads(text)
    Draft202012Validator.check_schema(printed)
    assert len(text.encode()) < 270_000
    assert resolved(printed, printed["$defs"]) == resolved(SCHEMA, printed["$defs"])


def resolved(value, definitions):
    """A schema with what is shared back in its places, but for the definitions that it had itself."""
    if isinstance(value, list):
        return [resolved(one, definitions) for one in value]
    if not isinstance(value, dict):
        return value
    name = value.get("$ref", "").removeprefix("#/$defs/")
    if name.startswith("shared."):
        return resolved(definitions[name], definitions)
    return {key: resolved(one, definitions) for key, one in value.items() if not key.startswith("shared.")}
