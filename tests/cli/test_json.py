"""What commands print as JSON is what their schemas say, and the same thing has the same name everywhere."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

import archprof as api
from archprof.render.documents import OTHERS, RESULTS
from archprof.runtime.measure import MeasuredRow
from tests.cli.console import archprof

# A profile of a few networks.
SMALL = Path(__file__).parents[1] / "devices" / "small.json"
# A command line for each result, and some for what a result may leave out.
COMMANDS = {
    "summary": [
        "summary v3",
        "summary resnet50_fpn",
        "summary v2 --convention fvcore,torch --width 0.5",
        "summary v1 --flops",
        "summary v1 --bytes --batch 2",
        "summary v2 --bytes --train adamw --amp bf16",
    ],
    "show": ["show v1", "show mixnet_s"],
    "list": ["list"],
    "validate": ["validate v1 v2", "validate v1 nothing"],
    "cost": ["cost", "cost --conv mix --k 3+5", "cost --conv std,se,linear --versus pw:k=1"],
    "memory": [
        "memory v3",
        "memory resnet50_fpn --batch 2",
        "memory v2 --train adamw --amp bf16 --batch 8",
        "memory v1 --fits 1GiB",
        "memory v1 --fits 1KiB --train sgd",
        "memory lenet5 --order best",
    ],
    "bench": ["bench lenet5 --rounds 4", "bench lenet5 --rounds 4 --runtime onnxruntime"],
    "calibrate": [f"calibrate --verify {SMALL}"],
    "latency": ["latency v3 --device h100", "latency replknet_31b --device h100 --batch 32"],
    "compare": [
        "compare v1 v2 v3",
        "compare v2 resnet18 --convention thop --flops",
        "compare v1 v2 --bytes",
        "compare v1 v2 --device h100",
    ],
    "diff": ["diff v3 mobilenet_v3_large_14rows", "diff v2 v2", "diff resnet50 mobilenet_v2"],
    "sweep": [
        "sweep v1 v2 --width 0.5,1",
        "sweep v2 --max-macs 1k",
        "sweep resnet18 --set layers[0].g=1,3",
        "sweep v2 --width 0.5,1 --device h100",
    ],
    "solve": [
        "solve v2 --max-macs 150M",
        "solve v2 --target-macs 100M",
        "solve v2 --max-params 1k",
        "solve v2 --max-latency 1ms --device h100",
    ],
    "space": [
        "space space_nats_size",
        "space space_spos_shufflenet --max-macs 300M --histogram macs",
        "space space_spos_shufflenet --sample 3 --max-macs 350M --max-weights 20MiB",
        "space space_spos_shufflenet --maximize params --max-macs 350M --resolution 192,224 --jobs 1",
        "space space_spos_shufflenet --pareto macs,-params,-activations --max-macs 1k",
    ],
    "explain": ["explain v3", "explain v1 --convention thop"],
    "explain-number": ["explain v3 --number 234.8M", "explain v3 --number 1.5"],
    "check": [
        "check v2 --max-macs 200M --max-params 4M",
        "check v2 --min macs=1G",
        "check nothing --max-macs 1",
        "check v2 --max-latency 1ms --device h100",
    ],
    "verify": ["verify v1 v2 --analytic"],
}
LINES = [(name, line) for name, lines in COMMANDS.items() for line in lines]


@pytest.fixture(scope="module")
def schemas():
    return {}


@pytest.fixture(scope="module")
def printed():
    """What command lines have printed, so that each runs once."""
    return {}


def result_of(capsys, printed, line):
    if line not in printed:
        printed[line] = archprof(capsys, *line.split(), "--format", "json").out
    return json.loads(printed[line])


# What commands need beside archprof.
NEEDED = {"bench": ("torch", "onnxruntime"), "calibrate": ("scipy", "sklearn")}


def need(name):
    for package in NEEDED.get(name, ()):
        pytest.importorskip(package)


def schema_of(capsys, schemas, name):
    if name not in schemas:
        schemas[name] = json.loads(archprof(capsys, "schema", name).out)
    return schemas[name]


def test_every_result_has_a_command_here():
    assert {*COMMANDS} == {*RESULTS}


@pytest.mark.few(27)
@pytest.mark.parametrize(("name", "line"), LINES, ids=[line for _, line in LINES])
def test_what_is_printed_fits_its_schema(capsys, schemas, printed, name, line):
    need(name)
    found = result_of(capsys, printed, line)
    jsonschema.validate(found, schema_of(capsys, schemas, name))
    assert found["schema"] == 2


@pytest.mark.few(8)
@pytest.mark.parametrize("name", RESULTS)
def test_a_schema_is_one_and_lets_nothing_else_in(capsys, schemas, printed, name):
    need(name)
    schema = schema_of(capsys, schemas, name)
    jsonschema.Draft202012Validator.check_schema(schema)
    found = result_of(capsys, printed, COMMANDS[name][0])
    assert not jsonschema.Draft202012Validator(schema).is_valid({**found, "more": 1})
    for key in schema["required"]:
        assert not jsonschema.Draft202012Validator(schema).is_valid({k: v for k, v in found.items() if k != key})


def test_a_baseline_fits_its_schema(capsys, schemas, tmp_path):
    path, large = tmp_path / "baseline.json", tmp_path / "large.yaml"
    # A layer of 10¹² weights on 512×512: more MACs than a double can tell apart.
    layers = "  - conv2d: {c: 1000000, k: 1}\n" * 2
    large.write_text(f"archprof: 1\ninput: 1x512x512\nlayers:\n{layers}")
    assert archprof(capsys, "check", "v2", str(large), "--max-params", "5T", "--write-baseline", str(path)).code == 0
    found = json.loads(path.read_text(encoding="utf-8"))
    schema = schema_of(capsys, schemas, "baseline")
    jsonschema.validate(found, schema)
    for wrong in ({**found, "more": 1}, {**found, "models": {"v2": {**found["models"]["mobilenet_v2"], "more": 1}}}):
        assert not jsonschema.Draft202012Validator(schema).is_valid(wrong)


def test_a_measurement_fits_its_schema(capsys, schemas):
    found = api.Measurement("both", "2.13", {"a": MeasuredRow(4, 5, 6, {"cdist": 1})}, 4, 5, 6)
    schema = schema_of(capsys, schemas, "measurement")
    jsonschema.validate(found.to_dict(), schema)
    assert not jsonschema.Draft202012Validator(schema).is_valid({**found.to_dict(), "more": 1})


def test_integers_that_a_double_would_round_are_decimal_strings(capsys, tmp_path):
    path = tmp_path / "large.yaml"
    layers = "  - conv2d: {c: 1000000, k: 1, bias: false}\n" * 2
    path.write_text(f"archprof: 1\ninput: 1x512x512\nlayers:\n{layers}")
    found = json.loads(archprof(capsys, "summary", str(path), "--format", "json").out)
    weights = 10**6 + 10**12
    assert (found["totals"]["params"], found["totals"]["activations"]) == (weights, 2 * 10**6 * 512 * 512)
    # 2⁵³ is some 9.0·10¹⁵: the second layer alone has 2.6·10¹⁷ MACs.
    assert found["totals"]["macs"] == str(weights * 512 * 512)
    assert [layer["macs"] for layer in found["layers"]] == [10**6 * 512 * 512, str(10**12 * 512 * 512)]
    line = json.loads(archprof(capsys, "sweep", str(path), "--format", "jsonl").out)
    assert (line["params"], line["macs"]) == (weights, str(weights * 512 * 512))
    [variant] = json.loads(archprof(capsys, "sweep", str(path), "--format", "json").out)["variants"]
    assert variant["totals"] == found["totals"]


def test_networks_are_told_alike(capsys):
    """Every result about one network starts with the same keys, and names models, totals and tensors alike."""
    starts = []
    for line in (
        "summary v2",
        "show v2",
        "memory v2",
        "latency v2 --device h100",
        "explain v2",
        "explain v2 --number 300M",
    ):
        found = json.loads(archprof(capsys, *line.split(), "--format", "json").out)
        starts.append({key: found[key] for key in list(found)[:9]})
    assert all(start == starts[0] for start in starts)
    assert starts[0]["inputs"] == {"input": {"shape": [3, 224, 224], "dtype": "float32"}}
    compared = json.loads(archprof(capsys, "compare", "v2", "v1", "--format", "json").out)["models"][0]
    assert {key: compared[key] for key in ("model", "title", "inputs", "totals")} == {
        key: starts[0][key] for key in ("model", "title", "inputs", "totals")
    }


def test_only_what_has_flops_lets_them_in(capsys, schemas):
    found = {name for name in (*RESULTS, *OTHERS) if '"flops"' in json.dumps(schema_of(capsys, schemas, name))}
    assert found == {"summary", "compare"}


# Keys whose meaning depends on what they are a part of.
AMBIGUOUS = {
    "inputs": "by name those of a network, in a list those of a part of it",
    "outputs": "as inputs",
    "difference": "of counts; of a printed number and a count",
    "before": "a network, a path, a count, totals",
    "after": "as before",
    "delta": "totals, or of one metric",
    "version": "a number of ours, a text of others",
    "convention": "what is counted; of a guess its name",
    "measured": "of a network, a layer, a convolution",
    "ratio": "of squeeze-excite as it is asked for, and of costs",
    "totals": "of a convolution also what it moves",
    "stage": "the stride, or `head`",
    "models": "in a list; in a baseline by name",
    "value": "of bytes an integer, of a time a number",
    "low": "of an estimate; of an interval that gives the same, a setting",
    "high": "as low",
    "fitting": "of a sweep how many variants; of a space between which bounds, and their share",
    "limits": "of a search with what it found; of a space by metric",
    "networks": "of a bench in a list; of a space how many",
    "kernels": "of a convolution their sizes; of a setup whose run",
}


def test_a_key_means_the_same_everywhere(capsys, schemas):
    """In whatever result a key stands, what stands behind it has the same form."""
    forms: dict[str, dict[str, list[str]]] = {}
    for name in (*RESULTS, *OTHERS):
        schema = schema_of(capsys, schemas, name)
        for key, form in forms_of(schema, schema.get("$defs", {})):
            forms.setdefault(key, {}).setdefault(form, []).append(name)
    unlike = {key: found for key, found in forms.items() if len(found) > 1}
    assert {key: found for key, found in unlike.items() if key not in AMBIGUOUS} == {}


def forms_of(schema, definitions):
    """Every key in a schema, with the sort of what stands behind it."""
    schema = {**schema, **definitions.get(schema.get("$ref", "").removeprefix("#/$defs/"), {})}
    for key, found in schema.get("properties", {}).items():
        yield key, form_of(found, definitions)
    inside = [*schema.get("properties", {}).values(), *schema.get("anyOf", ()), schema.get("items")]
    for inner in [*inside, schema.get("additionalProperties")]:
        if isinstance(inner, dict):
            yield from forms_of(inner, definitions)


def form_of(schema, definitions):
    schema = {**schema, **definitions.get(schema.get("$ref", "").removeprefix("#/$defs/"), {})}
    if "anyOf" in schema:
        return " or ".join(sorted({form_of(one, definitions) for one in schema["anyOf"]} - {"null"}))
    items = schema.get("items") or next(iter(schema.get("prefixItems", ())), None)
    inner = f" of {form_of(items, definitions)}" if isinstance(items, dict) else ""
    return f"{schema.get('type') or sorted(schema)[0]}{inner}"


def test_every_key_is_told_of(capsys, schemas):
    reference = Path(__file__).parents[2] / "docs" / "reference"
    told = "".join((reference / name).read_text(encoding="utf-8") for name in ("json.md", "budgets.md"))
    for name in (*RESULTS, *OTHERS):
        schema = schema_of(capsys, schemas, name)
        keys = {key for key, _ in forms_of(schema, schema.get("$defs", {}))}
        assert {key for key in keys if not re.search(rf"`{key}`", told)} == set(), name
