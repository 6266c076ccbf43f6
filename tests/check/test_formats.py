"""Reports: what each format's reader makes of them, whatever stands in names and paths."""

import csv
import json
import os
import re
from io import StringIO
from xml.etree import ElementTree

import jsonschema
import pytest

from tests.check.repository import SPEC
from tests.cli.console import archprof

HOSTILE = {
    "spaces": "a b  c.yaml",
    "newline": "a\n::error::b\r.yaml",
    "command": "::error file=x::y.yaml",
    "percent": "100%25 %0A%.yaml",
    "cdata": "]]><x a='&\"'>.yaml",
    "markup": "[bold red]x[,red] [link=file:]\\[y.yaml",
    "markdown": "`|*_<b>_*|` @x.yaml",
    "control": "\x1b[31m\x07x.yaml",
    "wide": "ネット ≤ 5 %.yaml",
    "no text": os.fsdecode(b"\xff\xfe.yaml"),
}
TEXTS = ("table", "markdown", "csv", "json", "github", "gitlab", "openmetrics", "junit", "sarif", "html")

# The parts of SARIF 2.1.0 (OASIS, errata 01) that a log of ours has, as strictly as its schema says them or more so: no
# Python package ships the whole schema.
_MESSAGE = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}


def _object(properties, required=()):
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


_ARTIFACT = _object(
    {
        "uri": {"type": "string", "format": "uri-reference", "pattern": r"^[A-Za-z0-9._~/%-]+$"},
        "uriBaseId": {"const": "%SRCROOT%"},
    }
)
_REGION = _object({"startLine": {"type": "integer", "minimum": 1}, "startColumn": {"type": "integer", "minimum": 1}})
_LOCATION = _object(
    {"physicalLocation": _object({"artifactLocation": _ARTIFACT, "region": _REGION}, ["artifactLocation"])}
)
_LEVEL = {"enum": ["none", "note", "warning", "error"]}
_RULE = _object(
    {"id": {"type": "string"}, "shortDescription": _MESSAGE, "defaultConfiguration": _object({"level": _LEVEL})}, ["id"]
)
_RESULT = _object(
    {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": _LEVEL,
        "message": _MESSAGE,
        "locations": {"type": "array", "items": _LOCATION, "minItems": 1},
    },
    ["message"],
)
_DRIVER = _object(
    {
        "name": {"type": "string"},
        "version": {"type": "string"},
        "rules": {"type": "array", "items": _RULE, "uniqueItems": True},
    },
    ["name"],
)
_RUN = _object(
    {
        "tool": _object({"driver": _DRIVER}, ["driver"]),
        "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
        "results": {"type": "array", "items": _RESULT},
    },
    ["tool"],
)
SARIF = _object(
    {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "items": _RUN},
    },
    ["version", "runs"],
)


@pytest.fixture(params=[*HOSTILE.values()], ids=[*HOSTILE])
def hostile(request, folder):
    """A spec under a name that means something to some reader."""
    (folder / request.param).write_text(SPEC)
    return request.param


def report(capsys, format, *arguments):
    result = archprof(capsys, "check", *arguments, "--max-macs", "1k", "--max-params", "1M", "--format", format)
    assert result.code == 1, result.err
    return result.out


def plain(name):
    """Return a name as it is shown where a control character cannot stand."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in name)


def test_text_keeps_to_its_lines(capsys, hostile):
    out = report(capsys, "table", f"./{hostile}")
    assert [line[:1] for line in out.splitlines() if plain(hostile) in line] == ["✓", "✗", "✗", "M", "M"]
    assert not any(line.lstrip().startswith("::") for line in out.splitlines())
    assert all(char.isprintable() or char == "\n" for char in out)


def test_markdown_has_as_many_cells_as_columns(capsys, hostile):
    out = report(capsys, "markdown", f"./{hostile}")
    rows = [line for line in out.splitlines() if line.startswith("| ✗")]
    assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [8]
    assert not re.search(r"(?<!\\)<", rows[0])


def test_csv(capsys, hostile):
    rows = list(csv.DictReader(StringIO(report(capsys, "csv", f"./{hostile}"), newline="")))
    shown = hostile.encode("utf-8", "backslashreplace").decode()
    assert [row["model"] for row in rows] == [shown, shown] or plain(hostile) != hostile


def test_json(capsys, hostile):
    document = json.loads(report(capsys, "json", f"./{hostile}"))
    assert [verdict["status"] for verdict in document["verdicts"]] == ["pass", "fail"]
    assert document["verdicts"][0]["model"] == hostile


def test_workflow_commands(capsys, hostile):
    """As the runner reads them: properties end at the first `::`, are split at commas, and then unescaped."""
    first, *others = report(capsys, "github", f"./{hostile}").splitlines()
    read = re.fullmatch(r"::(\w+) (.*?)::(.*)", first)
    assert read
    kind, properties, _ = read.groups()
    found = dict(part.split("=", 1) for part in properties.split(","))
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        found = {key: value.replace(code, char) for key, value in found.items()}
    shown = re.sub("[^\r\n]+", lambda match: plain(match[0]), hostile)
    assert (kind, found["file"], found["line"], found["col"]) == ("error", shown, "5", "5")
    assert [line for line in others if line.startswith("::")] == []


def test_code_quality(capsys, hostile):
    [issue] = json.loads(report(capsys, "gitlab", f"./{hostile}"))
    assert sorted(issue) == ["check_name", "description", "fingerprint", "location", "severity"]
    assert issue["location"] == {"path": hostile, "lines": {"begin": 5}}
    assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")


def test_the_same_mistake_twice_is_two_issues(capsys, folder):
    def fingerprints(text):
        (folder / "tiny.yaml").write_text(text)
        issues = json.loads(archprof(capsys, "check", "tiny.yaml", "--max-macs", "1M", "--format", "gitlab").out)
        return [issue["fingerprint"] for issue in issues]

    wrong = SPEC.replace("conv", "cnov")
    found = fingerprints(wrong)
    assert len(set(found)) == len(found) == 2
    assert fingerprints(f"# moves lines\n{wrong}") == found


def test_openmetrics(capsys, hostile):
    out = report(capsys, "openmetrics", f"./{hostile}")
    lines = out.removesuffix("\n").split("\n")
    assert lines[-1] == "# EOF"
    samples = [line for line in lines if not line.startswith("#")]
    found = {}
    for line in samples:
        read = re.fullmatch(r'(\w+)\{network="((?:[^"\\\n]|\\.)*)"\} (\d+)', line, re.DOTALL)
        assert read
        name, label, value = read.groups()
        found[name] = (re.sub(r"\\(.)", lambda match: {"n": "\n"}.get(match[1], match[1]), label), int(value))
    assert found["archprof_macs"][1] == 22_016
    assert found["archprof_budgets_exceeded"][1] == 1


def test_junit(capsys, hostile):
    root = ElementTree.fromstring(report(capsys, "junit", f"./{hostile}"))
    [suite] = root
    assert (suite.get("name"), suite.get("tests"), suite.get("failures"), suite.get("errors")) == (
        plain(hostile),
        "2",
        "1",
        "0",
    )
    assert [case.get("name") for case in suite] == ["params ≤ 1M", "MACs ≤ 1k"]
    assert [child.tag for case in suite for child in case] == ["failure"]


def test_sarif(capsys, hostile):
    document = json.loads(report(capsys, "sarif", f"./{hostile}"))
    jsonschema.validate(document, SARIF)
    [result] = document["runs"][0]["results"]
    assert (
        document["runs"][0]["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "archprof/macs"
    )
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 5, "startColumn": 5}


@pytest.mark.parametrize("format", TEXTS)
def test_what_is_wrong_is_in_every_format_that_is_kept(capsys, folder, hostile, format):
    (folder / hostile).write_text(SPEC.replace("conv", "cnov", 1))
    result = archprof(
        capsys, "check", f"./{hostile}", "--max-macs", "1k", "--report", f"{format}=out", "--format", "json"
    )
    assert result.code == 2
    text = (folder / "out").read_text(encoding="utf-8")
    assert ("unknown block" in text) == (format not in ("table", "csv", "openmetrics"))
    if format == "junit":
        assert [suite.get("errors") for suite in ElementTree.fromstring(text)] == ["1"]
    if format == "sarif":
        jsonschema.validate(json.loads(text), SARIF)


def test_names_in_a_config_and_in_a_baseline(capsys, folder, hostile):
    if hostile.isprintable():
        (folder / "archprof.yaml").write_text(
            f"budgets:\n  - {{model: {json.dumps(hostile, ensure_ascii=False)}, macs: 1k}}\n"
        )
        pattern = any(sign in hostile for sign in "*?[")
        assert archprof(capsys, "check").code == 1 or pattern
    if "\udcff" in hostile:
        return
    assert archprof(capsys, "check", f"./{hostile}", "--write-baseline", "b.json").code in (0, 1)
    (folder / "none.yaml").write_text("budgets: []")
    assert archprof(capsys, "check", f"./{hostile}", "--baseline", "b.json", "--config", "none.yaml").code == 0


def test_ten_errors_at_most(capsys, folder):
    names = [f"net{index}.yaml" for index in range(12)]
    for name in names:
        (folder / name).write_text(SPEC)
    lines = report(capsys, "github", *names).splitlines()
    assert [line.startswith("::error ") for line in lines] == [True] * 10 + [False]
    assert lines[9].endswith("::3 more: net9.yaml, net10.yaml, net11.yaml")


def test_several_reports_at_once(capsys, folder):
    (folder / "tiny.yaml").write_text(SPEC)
    reports = [part for format in TEXTS for part in ("--report", f"{format}=out.{format}")]
    assert archprof(capsys, "check", "tiny.yaml", "--max-macs", "1k", *reports).code == 1
    for format in TEXTS:
        assert (folder / f"out.{format}").read_text(encoding="utf-8") == report_text(capsys, format)


def report_text(capsys, format):
    return archprof(capsys, "check", "tiny.yaml", "--max-macs", "1k", "--format", format).out


def test_the_page_of_a_job(capsys, folder, monkeypatch):
    (folder / "tiny.yaml").write_text(SPEC)
    (folder / "page.md").write_text("above\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "page.md"))
    archprof(capsys, "check", "tiny.yaml", "--max-macs", "1k")
    page = (folder / "page.md").read_text()
    assert page.startswith("above\n**1 of 1 budget exceeded**\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "none" / "page.md"))
    result = archprof(capsys, "check", "tiny.yaml", "--max-macs", "1k")
    assert (result.code, "cannot write the job's summary" in result.err, "1 of 1 budget exceeded" in result.out) == (
        2,
        True,
        True,
    )


@pytest.mark.parametrize("checkout", ["repository", "link", ".git"])
def test_paths_count_from_the_checkout(capsys, folder, monkeypatch, checkout):
    top = folder / "repository"
    (top / "sub").mkdir(parents=True)
    (top / "sub" / "tiny.yaml").write_text(SPEC)
    (folder / "link").symlink_to("repository")
    monkeypatch.chdir(top / "sub")
    if checkout == ".git":
        (top / ".git").mkdir()
    else:
        monkeypatch.setenv("GITHUB_WORKSPACE", str(folder / checkout))
    assert report(capsys, "github", "tiny.yaml").startswith("::error file=sub/tiny.yaml,line=5,col=5,")


@pytest.mark.parametrize(
    ("options", "file"),
    [
        (["--report", "junit=out", "--report", "sarif=out"], "out"),
        (["--report", "junit=out", "--report", "sarif=./link"], "./link"),
        (["--report", "json=b.json", "--write-baseline", "b.json"], "b.json"),
        (["-o", "out.md", "--report", "junit=out.md"], "out.md"),
    ],
)
def test_two_results_in_one_file(capsys, folder, options, file):
    (folder / "tiny.yaml").write_text(SPEC)
    (folder / "link").symlink_to("out")
    result = archprof(capsys, "check", "tiny.yaml", "--max-macs", "1M", *options)
    assert result == (2, "", f"two results go to `{file}`\n  help: name a file for each\n")


@pytest.mark.parametrize("text", ["junit", "junit=", "xml=out"])
def test_a_report_that_is_none(capsys, folder, text):
    (folder / "tiny.yaml").write_text(SPEC)
    assert archprof(capsys, "check", "tiny.yaml", "--max-macs", "1k", "--report", text).code == 2


def test_what_cannot_be_written_keeps_nothing_else_from_being_told(capsys, folder, monkeypatch):
    (folder / "tiny.yaml").write_text(SPEC)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "page.md"))
    reports = [part for path in ("none/a.xml", "b.xml") for part in ("--report", f"junit={path}")]
    result = archprof(capsys, "check", "tiny.yaml", "--max-macs", "1k", "--write-baseline", "none/b.json", *reports)
    assert [line for line in result.err.splitlines() if "cannot" in line] == [
        "cannot write `none/b.json`: no such file or directory",
        "cannot write `none/a.xml`: no such file or directory",
    ]
    assert (result.code, "✗  tiny.yaml" in result.out, (folder / "b.xml").exists(), (folder / "page.md").exists()) == (
        2,
        True,
        True,
        True,
    )


def test_a_name_in_angle_brackets_is_a_place(capsys, folder):
    (folder / "<b>.yaml").write_text(SPEC)
    assert report(capsys, "github", "./<b>.yaml").startswith("::error file=<b>.yaml,line=5,")


def test_where_there_is_nothing_to_count_from_no_limit_is_made_up(capsys, folder):
    (folder / "tiny.yaml").write_text(SPEC)
    result = archprof(
        capsys, "check", "tiny.yaml", "--write-baseline", "b.json", "--max-increase", "macs=1%", "--format", "json"
    )
    [verdict] = json.loads(result.out)["verdicts"]
    assert (verdict["status"], verdict["limit"], verdict["difference"], verdict["actual"]) == (
        "new",
        None,
        None,
        22_016,
    )


def test_a_narrow_room_folds_names_and_widens_no_mark(capsys, folder, monkeypatch):
    name = f"{'long_' * 12}name.yaml"
    (folder / name).write_text(SPEC)
    monkeypatch.setenv("COLUMNS", "80")
    table = report(capsys, "table", name).partition("\n\nleft out")[0].splitlines()
    assert max(map(len, table)) == 80
    assert [line[:4] for line in table if line.startswith(("✓", "✗"))] == ["✓  l", "✗  l"]
    assert table[-1].endswith("name.yaml  MACs ≤ 1k        1,000  22,016     +21,016")
