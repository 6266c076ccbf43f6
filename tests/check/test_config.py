"""The configuration: its schema says what its reader says; errors stand where they are, in TOML too."""

import json
import tomllib

import jsonschema
import pytest
import yaml

from tests.check.repository import PARAMS, SPEC
from tests.cli.console import archprof
from tests.docs.markdown import ROOT, blocks, pages


@pytest.fixture
def schema(capsys):
    return json.loads(archprof(capsys, "schema", "config").out)


def configs():
    """Yield each configuration of the documentation, and that of this repository."""
    yield tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["archprof"]
    for path in pages():
        for block in blocks(path.read_text(encoding="utf-8")):
            if block.mark == "file: archprof.yaml":
                yield yaml.safe_load(block.text)


@pytest.mark.parametrize("config", [*configs()])
def test_what_is_documented_fits_the_schema(schema, config):
    jsonschema.validate(config, schema)


@pytest.mark.parametrize(
    ("entry", "good"),
    [
        ("{model: tiny.yaml, macs: 220M}", True),
        ("{model: tiny.yaml, macs: [220M, 5M], params: {min: 1}}", True),
        ("{model: tiny.yaml, where: kind=pointwise, macs: {share: 90%}}", True),
        ("{model: tiny.yaml, where: {stage: 1, kind: standard}, macs: 1M}", True),
        ("{model: tiny.yaml, expect: true, size_fp16: 1 MiB}", True),
        ("{model: tiny.yaml, at: resolution=16, macs: 220M}", True),
        ("{model: tiny.yaml, at: [resolution=16], macs: 220M}", False),
        ("{macs: 220M}", False),
        ("{model: tiny.yaml}", False),
        ("{model: tiny.yaml, mcas: 1}", False),
        ("{model: tiny.yaml, macs: {most: 1}}", False),
        ("{model: tiny.yaml, macs: {}}", False),
        ("{model: tiny.yaml, where: {sort: se}, macs: 1}", False),
        ("{model: tiny.yaml, where: kind=se, macs: {share: 3}}", False),
        ("{model: [], macs: 1}", False),
        ("3", False),
    ],
)
def test_reader_and_schema_agree(capsys, folder, schema, entry, good):
    (folder / "tiny.yaml").write_text(f"{SPEC}expect: [{{params: {PARAMS}}}]\n")
    (folder / "archprof.yaml").write_text(f"budgets:\n  - {entry}\n")
    valid = jsonschema.validators.validator_for(schema)(schema).is_valid(yaml.safe_load(f"budgets: [{entry}]"))
    assert (valid, archprof(capsys, "check").code != 2) == (good, good)


def test_the_schema_of_the_language_knows_budgets(capsys):
    schema = json.loads(archprof(capsys, "schema").out)
    spec = yaml.safe_load(SPEC)
    for budget, good in (
        ({"macs": "220M"}, True),
        ([{"at": "width=0.5", "macs": 1}], True),
        ({"mcas": 1}, False),
        ({"model": "x", "macs": 1}, False),
    ):
        assert jsonschema.validators.validator_for(schema)(schema).is_valid({**spec, "budget": budget}) == good


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            (
                "[tool.archprof]\nbudgets = [\n  {model = 'a.yaml', macs = 1},\n"
                "  {model = 'b.yaml', params = 'many'},\n]\n"
            ),
            "pyproject.toml:4:32: `many` is no limit",
        ),
        ("[tool.archprof]\nbudget = []\n", "pyproject.toml:2:1: unknown key `budget`"),
        (
            "[tool.archprof]\nmobilenet_v2 = 3\n",
            "unknown key `mobilenet_v2` in the configuration\n  help: keys: baseline, budgets, as in "
            "`budgets: [{model: v2, macs: 301M}]`\n",
        ),
        ("[tool.archprof]\nbudgets = 3\n", "pyproject.toml:2:11: expected a list of budgets, not `3`"),
        ("[tool.archprof\n", "pyproject.toml:1:15: this is not valid TOML"),
        ("x = 1\n[[tool.archprof.budgets]]\nmacs = 1\n", "a budget without `model`"),
        (
            "[[tool.archprof.budgets]]\nmodel = 'a.yaml'\nmacs = 1\n[[tool.archprof.budgets]]\nmodel = []\nmacs = 1\n",
            "pyproject.toml:5:1: a budget for no network\n  help: leave it out, or name one in `model`",
        ),
    ],
)
def test_errors_of_pyproject(capsys, folder, text, told):
    (folder / "pyproject.toml").write_text(text)
    for name in ("a", "b"):
        (folder / f"{name}.yaml").write_text(SPEC)
    result = archprof(capsys, "check")
    assert (result.code, told in result.err) == (2, True), result.err


@pytest.mark.parametrize(
    "text",
    ["", "- 1\n", "[" * 100_000, "budgets: &a []\n", "budgets: [{model: x, macs: 1, macs: 2}]\n", "\x00", "a: b: c\n"],
)
def test_hostile_configurations(capsys, folder, text):
    (folder / "archprof.yaml").write_text(text)
    result = archprof(capsys, "check")
    assert (result.code, result.err.startswith("archprof.yaml:")) == (2, True), result.err


def test_a_config_that_is_not_there(capsys, folder):
    assert archprof(capsys, "check", "--config", "none.yaml").err.startswith("no such file: `none.yaml`")
    (folder / "pyproject.toml").write_text("[project]\n")
    assert archprof(capsys, "check", "--config", "pyproject.toml").err.startswith(
        "`pyproject.toml` has no `[tool.archprof]`"
    )


def test_both_endings_of_its_name(capsys, folder):
    (folder / "archprof.yml").write_text("budgets: [{model: mobilenet_v2, macs: 1}]\n")
    assert archprof(capsys, "check").code == 1
    (folder / "archprof.yaml").write_text("budgets: [{model: mobilenet_v2, macs: 1G}]\n")
    assert archprof(capsys, "check") == (
        2,
        "",
        "`archprof.yaml` and `archprof.yml` side by side\n  help: budgets stand in one of them\n",
    )


def test_the_search_ends_at_the_repository(capsys, folder, monkeypatch):
    (folder / "archprof.yaml").write_text("budgets: [{model: mobilenet_v2, macs: 1}]\n")
    (folder / "inner" / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder / "inner")
    assert archprof(capsys, "check").err.startswith("there is nothing to check")


def test_one_baseline_at_a_time(capsys):
    assert archprof(capsys, "check", "--baseline", "b.json", "--against", "git:HEAD").err.startswith(
        "`--against` and `--baseline` at once"
    )


@pytest.mark.parametrize("text", ["", "HEAD:x", "git:", "git:HEAD:x"])
def test_a_revision_that_is_none(capsys, text):
    assert archprof(capsys, "check", "--against", text).err.startswith(f"`--against {text}` names no revision")


@pytest.mark.parametrize("text", ["macs", "mcas=1", "macs=", "macs=x"])
def test_an_option_that_is_no_limit(capsys, text):
    result = archprof(capsys, "check", "mobilenet_v2", "--max-increase", text)
    assert (result.code, result.err.startswith(f"--max-increase {text}: ")) == (2, True)


@pytest.mark.parametrize(("text", "what"), [("", "empty"), ("[1]", "a list"), ("text", "a single value")])
def test_a_file_that_is_no_configuration(capsys, folder, text, what):
    (folder / "archprof.yaml").write_text(text)
    told = (
        f"archprof.yaml:1:1: the file is {what}, not a mapping\n  help: as in `budgets: "
        f"[{{model: mobilenet_v2, macs: 301M}}]`\n"
    )
    assert archprof(capsys, "check") == (2, "", told)


def test_a_network_that_cannot_be_read_is_told_where_it_is_named(capsys, folder):
    (folder / "archprof.yaml").write_text(
        "budgets:\n  - {model: none.yaml, macs: 1M}\n  - {model: mobilenet_v2@wide=2, macs: 1M}\n"
    )
    lines = [line for line in archprof(capsys, "check").err.splitlines() if not line.startswith("  help")]
    assert lines == [
        "archprof.yaml:2:5: no such file: `none.yaml`",
        "archprof.yaml:3:5: `wide` is neither a knob nor a place of this network",
        "  in wide=2",
    ]
