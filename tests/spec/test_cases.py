"""Bad specs: what each is told, word for word. `cases/name.yaml` is the spec, `cases/name.err` the whole message.

After a change that is meant (a block has a new column): pytest tests/spec/test_cases.py --update-golden, and read the
difference.
"""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from archprof.errors import InputError
from archprof.language.expand import read_network
from archprof.spec import catalog

CASES = Path(__file__).parents[1] / "cases"
NAMES = sorted(path.stem for path in CASES.glob("*.yaml"))
# Of the processor's time, generously: the slowest, a network of too many operators, takes two on an ordinary machine.
SECONDS = 20
ON_THE_COMMAND_LINE = [
    "block_unknown",
    "row_arity",
    "several_kinds_at_once",
    "yaml_billion_laughs",
    "shape_groups",
    "extends_addresses",
    "setting_cell_of_wrong_type",
]


def reference(name):
    """Return what a user would type: the case's file, with the settings of its first line (`# at: width=0`) behind
    it."""
    file = f"{name}.yaml"
    settings = re.match("# at: (.*)\n", (CASES / file).read_text(encoding="utf-8"))
    return f"{file}@{settings[1]}" if settings else file


def told(text):
    """Return a message without the place where the catalog happens to lie."""
    return text.replace(str(catalog.root()), "specs")


@pytest.mark.parametrize("name", NAMES)
def test_bad_spec_is_told_what_is_wrong(name, monkeypatch, request):
    monkeypatch.chdir(CASES)
    start = time.process_time()
    with pytest.raises(InputError) as raised:
        read_network(reference(name))
    message = told(f"{raised.value}\n")
    if request.config.getoption("update_golden"):
        Path(f"{name}.err").write_text(message, encoding="utf-8")
    assert message == Path(f"{name}.err").read_text(encoding="utf-8")
    assert time.process_time() - start < SECONDS


@pytest.mark.parametrize("name", ON_THE_COMMAND_LINE)
def test_command_line_tells_the_same_and_leaves_with_2(name):
    done = subprocess.run(
        [sys.executable, "-m", "archprof", "validate", reference(name)],
        cwd=CASES,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, told(done.stderr)) == (
        2,
        "",
        (CASES / f"{name}.err").read_text(encoding="utf-8"),
    )


def test_every_message_has_its_case():
    assert {path.stem for path in CASES.glob("*.err")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_messages_keep_the_house_style(name):
    """A place, a lower-case sentence without a full stop; then only `in`, `help:` and `note:` lines."""
    for line in (CASES / f"{name}.err").read_text(encoding="utf-8").splitlines():
        if line.startswith("  "):
            assert re.match(r"  (in [a-z]\S*|help: \S.*|note: \S.*)$", line), line
        else:
            place, _, message = line.partition(": ")
            assert re.match(r"\S+\.yaml:\d+:\d+$|[\w.\[\]]+=\S*|`width=` is not a setting$", place), line
            assert not message[:1].isupper(), line
        assert not line.endswith("."), line


def test_standard_input_has_a_name_too():
    text = (CASES / "shape_groups.yaml").read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "archprof", "validate", "-"], input=text, capture_output=True, text=True, check=False
    )
    wanted = (CASES / "shape_groups.err").read_text(encoding="utf-8").replace("shape_groups.yaml", "<stdin>")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", wanted)


def test_settings_are_named_as_they_were_typed():
    arguments = ["summary", "mobilenet_v3_large", "--width", "wide", "--set", "layers[1].rows[2].k=abc"]
    done = subprocess.run([sys.executable, "-m", "archprof", *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "width=wide: expected a width multiplier, not `wide`\n  help: a number from 0.001 to 1,000\n"
