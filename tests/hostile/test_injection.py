"""Names from files and from the command line: whatever they hold, no terminal, runner, spreadsheet or reader of a
report takes any of it for its own."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from unicodedata import category
from xml.etree import ElementTree

import pytest

from archprof.errors import Location, Problem, printable, printable_lines, usage_error
from archprof.render.documents import NAMES as SCHEMAS
from tests.cli.console import archprof

HOSTILE = {
    "escape": "\x1b[31mred\x9b2J",
    "title": "\x1b]0;title\x07",
    "return": "a\r::error::b\u2028::error::c\x85d",
    "newline": "a\n::error::b",
    "command": "::error title=x::y",
    "old command": "a ##[error]x ##vso[task.complete]y",
    "bidi": "\u202eabc\u2066d",
    "zero width": "a\u200bb\u2060c\ufeff",
    "flood": "e" + "\u0301\u0488" * 20 + "\u3164\u034f",
    "no text": "\udcff",
    "formula": "=cmd()",
    "plus": "+1+cmd|' /C calc'!A0",
    "minus": "-2+3",
    "at": "@SUM(1)",
    "signs": '|a`b``c"\'\\"d\\',
    "markup": "<script>alert(1)</script><!-- &lt; [bold red]x[/]",
    "markdown": "# [a](javascript:b) ![c](d) **e** ~~f~~ $\\frac{$",
    "percent": "%0A::error::x%25%0D",
}
# What files can hold, and no argument nor name of a file.
HELD = {**HOSTILE, "no character": "\ud800", "nul": "a\0b"}
TABLES = ("table", "markdown", "csv", "json")
REPORTS = (*TABLES, "github", "gitlab", "openmetrics", "junit", "sarif", "html")
NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?")
SPEC = """\
archprof: 1
title: {0}
note: {0}
follows: {0}
source: {{paper: {0}, arxiv: {0}, table: {0}, url: {0}}}
input: 3x8x8
classes: 10
width: {{divisor: 1}}
knobs: {{k: {{choices: [a, {0}], default: a, doc: {0}}}}}
layers:
  - id: stem
    conv: {{k: 3, c: 8}}
  - conv: {{k: 1, c: 16}}
  - avg_pool
  - {{identity: , when: $k == a}}
  - linear: classes
published:
  - {{macs: 1M, where: {0}, source: {0}, note: {0}}}
"""
# A spec, and a key or a cell of it that is replaced.
WRONG_SPECS = (
    ("title", "{0}"),
    ("note", "note: {0}"),
    ("follows", "{0}: 1"),
    ("source", "source: {{{0}: a}}"),
    ("input", "input: {0}"),
    ("classes", "classes: {0}"),
    ("width", "width: {{{0}: 1}}"),
    ("knobs", "knobs: {{{0}: {{type: int, default: 1}}}}"),
    ("knobs", "knobs: {{k: {{type: {0}, default: 1}}}}"),
    ("knobs", "knobs: {{k: {{choices: [a, b], default: {0}}}}}"),
    ("follows", "aliases: [{0}]"),
    ("follows", "name: {0}"),
    ("follows", "extends: {0}"),
    ("follows", 'extends: "./{1}.yaml"'),
    ("follows", 'extends: "mobilenet_v2@{1}=1"'),
    ("follows", "set: {{{0}: 1}}"),
    ("follows", "stages: [{0}]"),
    ("follows", "outputs: {{{0}: stem}}"),
    ("follows", "freeze: [{0}]"),
    ("follows", "init: {{conv: {0}}}"),
    ("follows", "defaults: {{{0}: 1}}"),
    ("follows", "defaults: {{act: {0}}}"),
    ("follows", "expect: [{{{0}: 1}}]"),
    ("follows", "expect: [{{at: {0}, macs: 1}}]"),
    ("follows", "budget: [{{{0}: 1}}]"),
    ("follows", "budget: [{{macs: {0}}}]"),
    ("follows", "budget: [{{macs: 1k, where: {0}}}]"),
    ("  - id", "  - id: {0}"),
    ("    conv", "    {0}: {{k: 3, c: 8}}"),
    ("    conv", "    conv: {{{0}: 3, c: 8, k: 1}}"),
    ("    conv", "    conv: {{k: {0}, c: 8}}"),
    ("    conv", '    conv: {{k: 3, c: "${1}"}}'),
    ("  - avg", "  - {0}"),
    ("  - avg", "  - add: {0}"),
    ("  - avg", "  - conv: {{columns: [k, {0}], rows: [[1, 2]]}}"),
    ("  - avg", "  - conv: {{columns: [k, c], rows: [[1, {0}]]}}"),
    ("  - avg", "  - !{2} a"),
    ("  - avg", "  - &{2} a"),
    ("  - avg", "  - {2}"),
)
# `{}` is what is hostile, `net` a spec.
ARGUMENTS = """
{} --{} --{}=1 -{} summary schema list cost validate compare diff sweep solve explain check verify show
list {}|list {}*|schema {}|validate {}|validate ./{}|show {}|summary {}|summary ./{}.yaml|summary net@{}=1
verify {} --analytic|verify {}* --analytic|explain {}|compare net {}|diff net {}|sweep {}|solve {} --max-macs 1M
check {}|check *{}* --max-macs 1k|check git:{}: --max-macs 1k
summary net --{}|summary net --{}=1|summary net {}|summary net --widht {}|summary net --set {}|summary net --set {}=1
summary net --set layers[0].{}=1|summary net --set layers[0].k={}|summary net --width {}|summary net --resolution {}
summary net --classes {}|summary net --sort {}|summary net --top {}|summary net --depth {}|summary net --convention {}
summary net --counter {} --measure|summary net --format {}|show net --format {}|list --format {}|cost --format {}
compare net net --format {}|diff net net --format {}|solve net --max-macs 1M --format {}|explain net --format {}
check net --max-macs 1k --format {}|verify net --analytic --format {}|validate net --format {}
schema -o none/{}|schema config {}
summary net -o {}.xyz|summary net -o none/{}.txt|summary net -o {}/
cost --conv {}|cost --k {}|cost --in {}|cost --size {}|cost --versus {}|cost --versus {}=1|cost --t {}|cost --{}
compare net net --by {}|compare net net --sort {}|compare net net --relative-to {}|compare net net --plot {}
draw {}|draw net -o {}.xyz|draw net -o none/{}.svg|draw net --direction {}|draw net --set {}=1
draw bottleneck --set {}=1|draw bottleneck --set k={}|draw bottleneck --input {}|draw net --depth {}
diff net net --ignore {}|explain net --number {}|explain net --convention {}
sweep net --width {}|sweep net --set {}=1,2|sweep net --set layers[0].k={}|sweep net --max-macs {}
sweep net --sort {}|sweep net --format {}|sweep net -o {}.csv --resume|sweep net --sample {}|sweep net --pareto {}
solve net --max-macs {}|solve net --max-macs 1M --maximize {}|solve net --max-macs 1M --scale {}
solve net --max-macs 1M --width {}|solve net --target-macs {}
check net --max-macs {}|check net --max {}=1|check net --max macs={}|check net --max-increase {}|check --config {}
check net --max-macs 1k --baseline {}|check net --against {}|check net --max-macs 1k --report {}=a
check net --max-macs 1k --report json=none/{}|check net --max-macs 1k --write-baseline none/{}
"""


@pytest.fixture(params=[*HOSTILE.values()], ids=[*HOSTILE])
def hostile(request):
    """A text that means something to whatever shows or reads it."""
    return request.param


@pytest.fixture(params=[*HELD.values()], ids=[*HELD])
def held(request):
    """A hostile text that stands in a file."""
    return request.param


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty current folder, outside of a code host's run."""
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def named(text):
    """The name of a spec."""
    return f"{text.replace('/', '_')}.yaml"


def quoted(text):
    """A text as YAML holds whatever there is: in quotes, with escapes."""
    return json.dumps(text)


def assert_harmless(text, commands=""):
    """Nothing that a terminal obeys, nobody sees, or a runner takes for a command that is not one of *commands*."""
    assert "Traceback" not in text
    assert "##" not in text
    for line in text.split("\n"):
        assert line.isprintable(), ascii(line)
        assert not set(line) & set("\u3164\u034f"), ascii(line)
        assert not re.search("M{5}", "".join(category(char)[0] for char in line)), ascii(line)
        assert not line.lstrip().startswith("::") or (commands and re.match(commands, line)), line


def assert_readable(text, format):
    """A format's reader makes of it what is meant, and nothing else."""
    if format == "jsonl":
        assert [json.loads(line) for line in text.splitlines()]
    elif format in ("json", "gitlab", "sarif"):
        json.loads(text)
    elif format == "junit":
        ElementTree.fromstring(text)
    elif format == "csv":
        rows = list(csv.reader(io.StringIO(text, newline="")))
        assert len({len(row) for row in rows}) == 1
        cells = [cell for row in rows for cell in row if not NUMBER.fullmatch(cell)]
        assert [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@"))] == []
    elif format == "openmetrics":
        samples = [line for line in text.splitlines() if not line.startswith("#")]
        assert [line for line in samples if not re.fullmatch(r'\w+\{network="([^"\\]|\\["\\n])*"\} \d+', line)] == []
    elif format == "markdown":
        plain = re.sub(r"\\[!-/:-@\[-`{-~]", "", text)
        assert not re.search(r"[<`\[\]~$&]|^ *([-+#=]|\d+[.)])", plain, re.MULTILINE)
        for table in re.findall(r"(?:^\|.*\n)+", plain, re.MULTILINE):
            assert len({line.count("|") for line in table.splitlines()}) == 1


def tried(capsys, *arguments, format="table"):
    result = archprof(capsys, *arguments)
    shown = [ascii(argument) for argument in arguments]
    assert result.code in (0, 1, 2), shown
    assert result.out or result.err or result.code == 0, shown
    assert_harmless(result.out, r"::(error|notice) [^:]*::" if format == "github" else "")
    assert_harmless(result.err)
    if result.out:
        assert_readable(result.out, format)
    return result


def asked(model, word):
    """The command lines that show a network, one of whose knobs takes *word*, with their formats."""
    knob = f"k={word}"
    for format in TABLES:
        for command in (
            ["summary", model],
            ["summary", model, "--full", "--convention", "fvcore"],
            ["show", model],
            ["compare", model, f"{model}@{knob}"],
            ["compare", model, f"{model}@{knob}", "--by", "layer"],
            ["diff", model, f"{model}@{knob},classes=3"],
            ["explain", model, "--set", knob],
            ["explain", model, "--number", "22k"],
            ["verify", model, "--analytic"],
            ["validate", model, f"{model}@none={word}"],
            ["solve", model, "--max-macs", "20k", "--width", "0.5:1", "--set", knob],
            ["sweep", model, "--set", f"k=a,{word}"],
            ["sweep", model, f"{model}@{knob}", "--classes", "3,4"],
        ):
            yield format, command
    yield "jsonl", ["sweep", model, "--set", f"k=a,{word}"]
    for format in REPORTS:
        yield format, ["check", model, "--max-macs", "1k", "--max-params", "1M"]


@pytest.mark.few(3)
def test_whatever_a_spec_says_and_is_called(capsys, folder, hostile):
    """In the name of a file, and in every text of its spec, where control characters are refused."""
    name, word = named(hostile), hostile if hostile.isprintable() else "plain"
    (folder / name).write_text(SPEC.format(quoted(word)))
    model = f"./{name}"
    # A setting is read as YAML: some words would have to stand in quotes there.
    for format, command in asked(model, "a" if re.match("[@|#%]", word) else word):
        assert tried(capsys, *command, "--format", format, format=format).out
    # As the word itself, at the start of its line.
    tried(capsys, "validate", name)
    tried(capsys, "check", name, "--max-macs", "1k", "--write-baseline", "b.json")
    tried(capsys, "check", name, "--max-macs", "+1%", "--baseline", "b.json")
    tried(capsys, "solve", model, "--max-macs", "20k", "--width", "0.5:1", "--write-spec", "a.yaml")
    if os.path.exists("a.yaml"):
        tried(capsys, "validate", "a.yaml")


@pytest.mark.few(3)
def test_whatever_is_wrong_in_a_spec(capsys, folder, held):
    word = re.sub(r"[\s,\[\]{}]", "", held).encode("utf-8", "replace").decode()
    for number, (key, line) in enumerate(WRONG_SPECS):
        text = SPEC.format('"plain"')
        wrong = line.format(quoted(held), quoted(held)[1:-1], word)
        before, _, after = f"\n{text}".partition(f"\n{key}")
        (folder / f"{number}.yaml").write_text(f"{before}\n{wrong}\n{after.partition(chr(10))[2]}"[1:])
    names = [f"{number}.yaml" for number in range(len(WRONG_SPECS))]
    tried(capsys, "validate", *names)
    for format in TABLES:
        assert tried(capsys, "validate", *names, "--format", format, format=format).out
    for format in ("markdown", "junit"):
        tried(capsys, "check", "*.yaml", "--max-macs", "1k", "--format", format, format=format)


@pytest.mark.few(3)
def test_whatever_is_typed(capsys, folder, hostile):
    (folder / "net.yaml").write_text(SPEC.format('"plain"'))
    for line in re.split(r"[|\n]", ARGUMENTS.strip()):
        arguments = [re.sub("^net", "./net.yaml", part).replace("{}", hostile) for part in line.split(" ")]
        tried(capsys, *arguments, format="json" if arguments == ["schema"] else "table")


@pytest.mark.few(3)
def test_whatever_a_configuration_says(capsys, folder, held):
    (folder / "tiny.yaml").write_text(SPEC.format('"plain"'))
    text = quoted(held)
    for budget in (
        f"{{model: tiny.yaml, {text}: 1}}",
        f"{{model: {text}, macs: 1k}}",
        f"{{model: tiny.yaml, macs: {text}}}",
        f"{{model: tiny.yaml, macs: 1k, where: {text}}}",
        f"{{model: tiny.yaml, macs: 1k, where: {{kind: {text}}}}}",
        f"{{model: tiny.yaml, macs: 1k, where: {{path: {text}}}}}",
        f"{{model: tiny.yaml, macs: 1k, where: {{stage: {text}}}}}",
        f"{{model: tiny.yaml, macs: {{{text}: 1k}}}}",
        text,
    ):
        (folder / "archprof.yaml").write_text(f"budgets:\n  - {budget}\n")
        for format in ("github", "gitlab"):
            tried(capsys, "check", "--format", format, format=format)
    for line in (f"baseline: {text}", f"{text}: 1"):
        (folder / "archprof.yaml").write_text(f"{line}\nbudgets: [{{model: tiny.yaml, macs: 1k}}]\n")
        tried(capsys, "check")
    (folder / "archprof.yaml").unlink()
    if "\ud800" not in held:
        (folder / "pyproject.toml").write_text(f"[tool.archprof]\n{text} = 1\n", encoding="utf-8")
        tried(capsys, "check")


@pytest.mark.few(3)
def test_whatever_a_baseline_says(capsys, folder, held):
    (folder / "tiny.yaml").write_text(SPEC.format('"plain"'))
    archprof(capsys, "check", "tiny.yaml", "--max-macs", "1k", "--write-baseline", "b.json")
    kept = (folder / "b.json").read_text()
    for word in ("tiny.yaml", "schema", "layers", "archprof 1", "commit", "3.conv", "conv", "macs", "float32"):
        (folder / "b.json").write_text(kept.replace(json.dumps(word), quoted(held)))
        for format in ("table", "sarif"):
            arguments = ("check", "tiny.yaml", "--max-increase", "macs=0", "--baseline", "b.json")
            tried(capsys, *arguments, "--format", format, format=format)
    (folder / "b.json").write_text(f"{{{quoted(held)}: 1, {quoted(held)}: 2}}")
    tried(capsys, "check", "tiny.yaml", "--max-increase", "macs=0", "--baseline", "b.json")


@pytest.mark.few(3)
@pytest.mark.parametrize("format", ["table", "csv", "json"])
@pytest.mark.parametrize("command", ["summary", "sweep"])
def test_an_output_that_takes_only_ascii(folder, command, format):
    (folder / "ネット\udcff.yaml").write_text(SPEC.format('"é"'))
    line = [sys.executable, "-m", "archprof", command, "./ネット\udcff.yaml", "--set", "k=é", "--format", format]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii:strict"}
    ended = subprocess.run(line, env=environment, capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout.isascii()


def test_a_terminal_is_told_which_network_is_at_work(capsys, monkeypatch, folder, hostile):
    (folder / named(hostile)).write_text(SPEC.format('"plain"'))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    told = archprof(capsys, "verify", f"./{named(hostile)}", "--analytic", "--jobs", "1").err
    # The line is drawn over the one before.
    assert told.count("\r\x1b[K") == 2
    assert_harmless(told.replace("\r\x1b[K", "\n"))


@pytest.mark.few(1)
@pytest.mark.parametrize("hostile", ["$\\frac{$", "<a>&"])
def test_a_picture_shows_names_as_they_are(capsys, folder, hostile):
    (folder / "net.yaml").write_text(SPEC.format(quoted(hostile)))
    model = f"./net.yaml@k={hostile}"
    assert archprof(capsys, "compare", model, "v1", "--plot", "a.svg").code == 0
    assert archprof(capsys, "draw", model, "-o", "d.svg").code == 0
    assert archprof(capsys, "draw", model, "-o", "d.pdf").code == 0
    assert archprof(capsys, "sweep", model, "v1", "--width", "0.5,1", "--plot", "b.svg").code == 0
    for name in ("a.svg", "b.svg", "d.svg"):
        ElementTree.parse(folder / name)


def test_a_sweep_goes_on_under_any_name(capsys, folder, hostile):
    """What is streamed to a file is what is streamed to a terminal."""
    name = named(hostile)
    (folder / name).write_text(SPEC.format('"plain"'))
    for format in ("csv", "jsonl", "parquet"):
        assert archprof(capsys, "sweep", f"./{name}", "--classes", "3,4", "-o", f"a.{format}").code == 0
    shown = tried(capsys, "sweep", f"./{name}", "--classes", "3,4", "--format", "csv", format="csv").out
    assert (folder / "a.csv").read_text(encoding="utf-8") == shown


def test_an_exception_is_as_printable_as_a_message(hostile):
    error = usage_error(f"unknown `{hostile}`", Location(hostile, 1, 2), help=hostile, note=hostile)
    assert_harmless(str(error))
    assert str(error).count("\n") == 2
    assert_harmless(printable_lines(f"{hostile}\n{hostile}"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ネット é × ✓ − 👍", "plain ネット é × ✓ − 👍"),
        ("Việt e\u0302\u0301", "Việt e\u0302\u0301"),
        ("\x1b[31m", r"\x1b[31m"),
        ("a\nb\u2028c\u202ed", r"a\nb\u2028c\u202ed"),
        ("\udcff", r"\udcff"),
        ("\u3164", r"\u3164"),
        ("##[error]", r"#\x23[error]"),
        ("# 1 # 2", "# 1 # 2"),
        ("e" + "\u0301" * 5, "e" + "\u0301" * 4 + r"\u0301"),
        ("\\x1b", r"\x1b"),
    ],
)
def test_printable(text, shown):
    assert printable(text) == shown
    assert printable(shown) == shown


def test_a_message_keeps_its_lines_and_no_line_is_a_command():
    problem = Problem("::a", Location("::error::b\n.yaml", 1, 2), "c\n", "::d", "##[e]")
    assert str(problem).split("\n") == [
        r"\x3a:error::b\n.yaml:1:2: ::a",
        r"  in c\n",
        "  help: ::d",
        r"  note: #\x23[e]",
    ]
    assert printable_lines("a\n  ::error::b\n: :c") == "a\n  \\x3a:error::b\n: :c"


def test_schemas_are_harmless(capsys):
    for name in SCHEMAS:
        tried(capsys, "schema", name, format="json")
