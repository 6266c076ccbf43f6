"""Limits: what they say, what they hold to, exactly; the verdict of each, and what is wrong with a budget."""

import json
import re

import pytest

from tests.check.repository import MACS, MORE_MACS, MORE_PARAMS, PARAMS, SPEC, heavier
from tests.cli.console import archprof


@pytest.fixture(autouse=True)
def spec(folder):
    (folder / "tiny.yaml").write_text(SPEC)


def verdicts(capsys, *arguments):
    """Return the exit code and the verdicts of a check."""
    result = archprof(capsys, "check", *arguments, "--format", "json")
    return result.code, json.loads(result.out)["verdicts"]


def config(folder, text):
    (folder / "archprof.yaml").write_text(f"budgets:\n{text}")


@pytest.mark.parametrize(
    ("option", "count"),
    [
        ("params", PARAMS),
        ("trainable", PARAMS),
        ("macs", MACS),
        ("flops", 2 * MACS),
        ("size", 4 * PARAMS),
        ("layers", 2),
        ("activations", 8 * 8 * (8 + 16)),
    ],
)
def test_a_limit_is_kept_to_the_last_digit(capsys, option, count):
    assert verdicts(capsys, "tiny.yaml", f"--max-{option}", str(count))[0] == 0
    code, [verdict] = verdicts(capsys, "tiny.yaml", f"--max-{option}", str(count - 1))
    assert (code, verdict["status"], verdict["limit"], verdict["actual"], verdict["difference"]) == (
        1,
        "fail",
        count - 1,
        count,
        1,
    )


@pytest.mark.parametrize(("metric", "width"), [("size", 4), ("size_fp16", 2), ("size_int8", 1)])
def test_sizes_are_bytes_of_the_parameters(capsys, metric, width):
    _, [verdict] = verdicts(capsys, "tiny.yaml", "--max", f"{metric}=1.5 KiB")
    assert (verdict["limit"], verdict["actual"]) == (1536, width * PARAMS)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("22k", 22_000),
        ("0.022M", 22_000),
        ("22,016", 22_016),
        ("22.0165k", 22_016),
        ("0.1 million", 100_000),
        ("1G", 10**9),
        ("2B", 2 * 10**9),
    ],
)
def test_units_are_those_of_the_field(capsys, text, limit):
    assert verdicts(capsys, "tiny.yaml", "--max-macs", text)[1][0]["limit"] == limit


def test_a_minimum_is_rounded_up_and_a_maximum_down(capsys):
    [high, low] = sorted(
        verdicts(capsys, "tiny.yaml", "--min", "macs=22.0155k", "--max", "macs=22.0165k")[1],
        key=lambda verdict: verdict["bound"],
    )
    assert (high["bound"], high["limit"], low["bound"], low["limit"]) == ("max", 22_016, "min", 22_016)


def test_too_few_is_a_failure_too(capsys):
    code, [verdict] = verdicts(capsys, "tiny.yaml", "--min", f"params={PARAMS + 1}")
    assert (code, verdict["difference"]) == (1, 1)


def test_exact_digits_where_rounded_ones_look_equal(capsys, folder):
    result = archprof(capsys, "check", "mobilenet_v2", "--max-macs", "300774271")
    assert "counted 300,774,272; the limit is 300,774,271, 1 too many" in result.out


@pytest.mark.parametrize(
    ("where", "macs"),
    [
        ("kind=pointwise", 8 * 8 * 8 * 16),
        ("stage=1", MACS),
        ('"1"', 8 * 8 * 8 * 16),
        ("path=0.conv", 8 * 8 * 3 * 3 * 3 * 8),
        ('"layers[0]"', 8 * 8 * 3 * 3 * 3 * 8),
        ("{kind: standard, stage: 1}", 8 * 8 * 3 * 3 * 3 * 8),
        ("kind=standard and stage=1", 8 * 8 * 3 * 3 * 3 * 8),
    ],
)
def test_rows_by_path_address_kind_and_stage(capsys, folder, where, macs):
    config(folder, f"  - {{model: tiny.yaml, where: {where}, macs: 1M}}\n")
    assert [verdict["actual"] for verdict in verdicts(capsys)[1]] == [macs]


def test_an_address_may_start_with_an_id(capsys, folder):
    (folder / "tiny.yaml").write_text(
        SPEC.replace("  - conv: {k: 1, c: 16}", "  - id: wide\n    conv: {columns: [k, c], rows: [[1, 16], [1, 4]]}")
    )
    for where in ('"wide.rows[1]"', "wide.1", '"layers[1].rows[1]"'):
        config(folder, f"  - {{model: tiny.yaml, where: {where}, macs: 1M}}\n")
        assert [verdict["actual"] for verdict in verdicts(capsys)[1]] == [8 * 8 * 16 * 4]


def test_a_share_is_of_the_whole_network(capsys, folder):
    # 8,192 of 22,016 MACs are 37.2 %
    config(
        folder,
        (
            "  - {model: tiny.yaml, where: kind=pointwise, macs: {share: 37.2%}}\n"
            "  - {model: tiny.yaml, where: kind=pointwise, macs: {share: 37.3%}}\n"
        ),
    )
    code, found = verdicts(capsys)
    assert (code, [(verdict["status"], verdict["limit"]) for verdict in found]) == (1, [("fail", 8189), ("pass", 8211)])


def test_patterns_and_variants(capsys, folder):
    """`**` reaches folders below and a setting behind a pattern holds for all it finds; a list takes files and networks
    of the catalog alike."""
    (folder / "more" / "deep").mkdir(parents=True)
    (folder / "more" / "deep" / "other.yaml").write_text(SPEC)
    config(
        folder, '  - {model: "**/*.yaml@resolution=4", macs: 1M}\n  - {model: [tiny.yaml, mobilenet_v*], params: 6M}\n'
    )
    (folder / "archprof.yaml").rename(folder / "budgets.yml")
    result = archprof(capsys, "check", "--config", "budgets.yml", "--format", "json")
    found = json.loads(result.out)["verdicts"]
    models = [(verdict["model"], verdict["metric"], verdict["actual"]) for verdict in found]
    assert models[:3] == [
        ("more/deep/other.yaml@resolution=4", "macs", MACS // 4),
        ("tiny.yaml@resolution=4", "macs", MACS // 4),
        ("tiny.yaml", "params", PARAMS),
    ]
    assert {"mobilenet_v1", "mobilenet_v2"} < {model for model, _, _ in models}


def test_named_networks_are_checked_alone_against_all_that_speaks_of_them(capsys, folder):
    (folder / "tiny.yaml").write_text(SPEC + "budget: [{layers: 2}, {at: resolution=4, macs: 5504}]\n")
    config(folder, "  - {model: tiny.yaml, macs: 1M}\n  - {model: mobilenet_v2, macs: 1}\n")
    code, found = verdicts(capsys, "./tiny.yaml", "--max-params", "1k")
    assert (code, [verdict["metric"] for verdict in found]) == (0, ["macs", "layers", "params", "macs"])
    assert [verdict["model"] for verdict in found][-1] == "tiny.yaml@resolution=4"


def test_a_spec_does_not_inherit_a_budget(capsys, folder):
    (folder / "tiny.yaml").write_text(SPEC + "budget: {macs: 1}\n")
    (folder / "child.yaml").write_text("archprof: 1\nextends: ./tiny.yaml\n")
    assert archprof(capsys, "check", "tiny.yaml").code == 1
    assert "no budget speaks of these networks" in archprof(capsys, "check", "child.yaml").err


def test_expect_is_a_budget_of_exactly_that(capsys, folder):
    (folder / "tiny.yaml").write_text(
        SPEC + f"expect: [{{params: {PARAMS}, macs: {MACS + 1}}}, {{at: resolution=4, macs: {MACS // 4}}}]\n"
    )
    config(folder, "  - {model: tiny.yaml, expect: true}\n")
    code, found = verdicts(capsys)
    assert (code, [verdict["status"] for verdict in found]) == (1, ["pass", "fail", "pass"])


@pytest.mark.parametrize("asked", ["resolution=4", "resolution=04", "resolution=4x4"])
@pytest.mark.parametrize(
    ("budget", "configured"),
    [
        ("", "{model: tiny.yaml, expect: true}"),
        ("", "{model: tiny.yaml@resolution=4, expect: true}"),
        ("", "{model: tiny.yaml@resolution=04, macs: 5503}"),
        ("", "{model: tiny.yaml, at: resolution=4, macs: 5503}"),
        ("budget: {expect: true}", ""),
        ("budget: {at: resolution=4, expect: true}", ""),
        ("budget: {at: resolution=4x4, macs: 5503}", ""),
    ],
)
def test_what_speaks_of_a_variant_holds_in_whatever_words_it_is_asked_for(capsys, folder, asked, budget, configured):
    """At 4·4 positions it has 5,504 MACs, a quarter of those at 8·8: here 5,503 are expected, or allowed."""
    assert MACS == 4 * 5504
    expect = f"expect: [{{macs: {MACS}}}, {{at: resolution=4, macs: 5503}}]\n"
    (folder / "tiny.yaml").write_text(f"{SPEC}{expect}{budget}\n")
    config(folder, f"  - {configured}\n" if configured else "  []\n")
    code, found = verdicts(capsys, f"tiny.yaml@{asked}", "--max-params", "1k")
    told = [(verdict["status"], verdict["metric"], verdict["actual"]) for verdict in found]
    assert (code, told) == (1, [("fail", "macs", 5504), ("pass", "params", PARAMS)])


def test_a_default_given_is_no_variant(capsys, folder):
    """The spec at its own size is checked as the spec is: with all that its `expect` lists, once."""
    (folder / "tiny.yaml").write_text(SPEC + f"expect: [{{macs: {MACS}}}, {{at: resolution=4, macs: 5504}}]\n")
    config(folder, "  - {model: [tiny.yaml, tiny.yaml@resolution=8], expect: true}\n")
    for models in ([], ["tiny.yaml@resolution=8"], ["tiny.yaml", "./tiny.yaml@resolution=8x8"]):
        code, found = verdicts(capsys, *models)
        assert (code, [verdict["actual"] for verdict in found]) == (0, [MACS, 5504])


def test_pyproject_holds_budgets_too(capsys, folder):
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "x"\n\n[tool.archprof]\n[[tool.archprof.budgets]]\nmodel = "tiny.yaml"\nmacs = "1k"\n\n'
        '[[tool.archprof.budgets]]\nmodel = "tiny.yaml"\nmcas = 1\n'
    )
    result = archprof(capsys, "check")
    assert (result.code, result.err) == (
        2,
        "pyproject.toml:11:1: unknown key `mcas` in a budget\n  help: did you mean `macs`?\n",
    )
    assert "1 of 1 budget exceeded" in result.out


def test_a_config_is_found_above_and_its_paths_count_from_it(capsys, folder, monkeypatch):
    config(folder, "  - {model: tiny.yaml, macs: 1M}\n")
    (folder / "sub").mkdir()
    monkeypatch.chdir(folder / "sub")
    assert [verdict["model"] for verdict in verdicts(capsys)[1]] == ["../tiny.yaml"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("  - {model: tiny.yaml, macs: 220Q}\n", "archprof.yaml:2:30: `220Q` is no limit\n  help: `220M`, `5.4 MiB`;"),
        ("  - {model: tiny.yaml, macs: +2m}\n", "archprof.yaml:2:30: `+2m` is no limit\n  help: write `+2M`\n"),
        ("  - {model: tiny.yaml, macs: 3_000}\n", "archprof.yaml:2:30: `3_000` is no limit\n  help: write `3000`\n"),
        (
            "  - {model: tiny.yaml, max_macs: 1}\n",
            "archprof.yaml:2:24: unknown key `max_macs` in a budget\n  help: did you mean `macs`?\n",
        ),
        ("  - {model: tiny.yaml, macs: 3%}\n", "archprof.yaml:2:30: `3%` of what?"),
        ("  - {model: tiny.yaml, macs: {share: 3%}}\n", "archprof.yaml:2:38: a share without `where`"),
        ("  - {model: tiny.yaml, where: kind=se, macs: {share: 103%}}\n", "`103%` is no share"),
        ("  - {model: tiny.yaml}\n", "archprof.yaml:2:5: a budget without a limit"),
        ("  - {macs: 1}\n", "archprof.yaml:2:5: a budget without `model`"),
        ("  - {model: tiny.yaml, where: sort=se, macs: 1}\n", "archprof.yaml:2:31: unknown place `sort`"),
        ("  - {model: tiny.yaml, where: stage=0, macs: 1}\n", "archprof.yaml:2:31: `0` is no stage"),
        ("  - {model: tiny.yaml, macs: [1, {}]}\n", "archprof.yaml:2:34: expected a limit on macs, not a mapping"),
        ("  - {model: tiny.yaml, macs: +1%}\n", "archprof.yaml:2:30: `+1%` counts from a baseline, and there is none"),
        ("  - {model: nothing/**/*.yaml, macs: 1}\n", "archprof.yaml:2:13: `nothing/**/*.yaml` matches nothing"),
        ("  - {model: tiny.yaml, where: kind=se, macs: 1}\n", "archprof.yaml:2:5: `kind=se` names no row of tiny.yaml"),
        (
            "  - {model: tiny.yaml, macs: {max: 1k, min: 2k}}\n",
            "two budgets that contradict: macs of tiny.yaml at least 2,000, at most 1,000",
        ),
        (
            "  - {model: tiny.yaml, macs: {max: 1k}}\n  - {model: t*.yaml, macs: {min: 2k}}\n",
            "the other stands at archprof.yaml:2:36",
        ),
    ],
)
def test_what_is_wrong_is_exit_2_and_the_rest_is_checked(capsys, folder, text, told):
    config(folder, f"{text}  - {{model: tiny.yaml, params: {PARAMS - 1}}}\n")
    result = archprof(capsys, "check")
    assert (result.code, told in result.err) == (2, True), result.err
    assert re.search(r"✗ +tiny\.yaml +params", result.out)


def test_a_wrong_spec_does_not_hide_the_others(capsys, folder):
    (folder / "bad.yaml").write_text(SPEC.replace("conv", "cnov", 1))
    result = archprof(capsys, "check", "bad.yaml", "tiny.yaml", "--max-macs", "1")
    assert (result.code, "bad.yaml:5:5: unknown block `cnov`" in result.err, "✗  tiny.yaml" in result.out) == (
        2,
        True,
        True,
    )


def test_a_pattern_that_may_be_empty(capsys, folder):
    config(folder, "  - {model: nothing/*.yaml, macs: 1}\n")
    assert archprof(capsys, "check").code == 2
    assert archprof(capsys, "check", "--allow-empty").code == 0


def test_a_place_that_some_networks_of_a_pattern_have(capsys, folder):
    (folder / "other.yaml").write_text(SPEC.replace("  - conv: {k: 1, c: 16}\n", ""))
    config(folder, "  - {model: '[ot]*.yaml', where: kind=pointwise, macs: 1M}\n")
    assert [verdict["model"] for verdict in verdicts(capsys)[1]] == ["tiny.yaml"]


def test_nothing_to_check(capsys, folder):
    result = archprof(capsys, "check")
    assert (result.code, result.err.splitlines()[0]) == (2, "there is nothing to check")
    (folder / "archprof.yaml").write_text("budgets: []\n")
    assert archprof(capsys, "check").code == 2


def test_what_grew_is_named_with_its_line(capsys, folder):
    assert archprof(capsys, "check", "tiny.yaml", "--write-baseline", "b.json").code == 0
    # a layer in front moves every path, but it is the one that is new
    (folder / "tiny.yaml").write_text(SPEC.replace("layers:\n", "layers:\n  - conv: {k: 1, c: 3}\n"))
    code, found = verdicts(capsys, "tiny.yaml", "--baseline", "b.json")
    assert (code, [verdict["grown"] for verdict in found]) == (
        1,
        [
            [{"path": "0", "delta": 3 * 3 + 3, "location": "tiny.yaml:5:5"}],
            [{"path": "0", "delta": 8 * 8 * 3 * 3, "location": "tiny.yaml:5:5"}],
        ],
    )


def test_more_than_a_share_and_more_than_an_amount(capsys, folder):
    assert archprof(capsys, "check", "tiny.yaml", "--write-baseline", "b.json").code == 0
    (folder / "tiny.yaml").write_text(heavier(SPEC))
    for limit, code in (("1% and 44", 0), ("1% and 43", 1), ("20% and 1", 0), ("1%", 1), ("44", 0), ("43", 1)):
        assert verdicts(capsys, "tiny.yaml", "--baseline", "b.json", "--max-increase", f"params={limit}")[0] == code, (
            limit
        )
    assert MORE_PARAMS == 44
    assert (
        verdicts(capsys, "tiny.yaml", "--baseline", "b.json", "--max-increase", f"macs={MORE_MACS},params=12.5%")[0]
        == 0
    )
    _, found = verdicts(capsys, "tiny.yaml", "--baseline", "b.json", "--max-increase", "params=12.4%")
    assert [verdict["limit"] for verdict in found] == [PARAMS * 1124 // 1000]


def test_better_than_it_was_is_told(capsys, folder):
    (folder / "tiny.yaml").write_text(heavier(SPEC, 2))
    archprof(capsys, "check", "tiny.yaml", "--write-baseline", "b.json")
    (folder / "tiny.yaml").write_text(SPEC)
    result = archprof(capsys, "check", "tiny.yaml", "--baseline", "b.json")
    # 88 of 456 parameters less
    assert (
        result.code,
        "params 19.3 % under the baseline: tighten with `archprof check --write-baseline FILE`" in result.out,
    ) == (0, True)


def test_what_got_better_is_told_once_and_of_which_rows(capsys, folder):
    (folder / "tiny.yaml").write_text(heavier(SPEC, 2))
    archprof(capsys, "check", "tiny.yaml", "--write-baseline", "b.json")
    (folder / "tiny.yaml").write_text(SPEC)
    config(folder, "  - {model: tiny.yaml, macs: [+0, 1M]}\n  - {model: tiny.yaml, where: path=1, params: [+0, +1%]}\n")
    better = [
        f"tiny.yaml: {what} % under the baseline: tighten with `archprof check --write-baseline FILE`"
        for what in ("MACs 20.0", "params of path=1 18.2")
    ]
    for format, mark in (("table", "✓ "), ("github", "::notice title=archprof::")):
        out = archprof(capsys, "check", "--baseline", "b.json", "--format", format).out.replace("%25", "%")
        assert [line for line in out.splitlines() if "under" in line] == [f"{mark}{line}" for line in better]


def test_a_limit_stated_twice_is_one(capsys, folder):
    (folder / "tiny.yaml").write_text(f"{SPEC}budget: {{macs: 1k}}\n")
    (folder / "archprof.yaml").write_text(
        "budgets:\n  - {model: tiny.yaml, macs: 1k}\n  - {model: '*.yaml', macs: [1k, 2k]}\n"
    )
    code, found = verdicts(capsys)
    assert (code, [verdict["text"] for verdict in found]) == (1, ["1k", "2k"])


def test_a_parent_has_one_name_wherever_it_is_extended(capsys, folder):
    (folder / "nets").mkdir()
    (folder / "tiny.yaml").write_text(SPEC.replace("conv", "cnov", 1))
    (folder / "nets" / "child.yaml").write_text("archprof: 1\nextends: ../tiny.yaml\n")
    result = archprof(capsys, "check", "tiny.yaml", "nets/child.yaml", "--max-macs", "1k")
    assert (result.code, result.err.count("tiny.yaml:5:5: unknown block `cnov`")) == (2, 1)


def test_a_file_of_blocks_alone_is_no_network(capsys, folder):
    (folder / "blocks.yaml").write_text("archprof: 1\nblocks: {own: {layers: [conv: {k: 3, c: 8}]}}\n")
    assert archprof(capsys, "check", "*.yaml", "--max-macs", "1M", "--format", "csv") == (
        0,
        "status,model,metric,where,bound,text,limit,actual,difference,location\n"
        "pass,tiny.yaml,macs,,max,1M,1000000,22016,-977984,'--max-macs 1M\n",
        "",
    )
    assert archprof(capsys, "check", "blocks.yaml", "--max-macs", "1M").err == (
        "blocks.yaml:1:1: a file of blocks alone is no network\n"
        "  help: name the specs that import them; `archprof validate` takes it\n"
    )
    assert archprof(capsys, "check", "b*.yaml", "--max-macs", "1M").err.startswith("there is nothing to check\n")


@pytest.mark.parametrize(
    ("own", "budgets", "asked", "told"),
    [
        ("", "  - {model: tiny.yaml, macs: 1M, expect: true}\n", [], "archprof.yaml:2:5: "),
        ("budget: {macs: 1M, expect: true}\n", "  - {model: tiny.yaml, macs: 1M}\n", [], "tiny.yaml:8:9: "),
        ("", "  - {model: '*.yaml', macs: 1M, expect: true}\n", [], ""),
        ("", "  - {model: '*.yaml', macs: 1M, expect: true}\n", ["tiny.yaml"], ""),
    ],
)
def test_an_expectation_that_no_network_has(capsys, folder, own, budgets, asked, told):
    (folder / "tiny.yaml").write_text(SPEC + own)
    (folder / "other.yaml").write_text(f"{SPEC}expect: [{{params: {PARAMS}}}]\n")
    config(folder, budgets)
    result = archprof(capsys, "check", *asked)
    said = "`expect` of networks that expect nothing\n  help: a spec states its numbers: `expect: [{params: 5.5M}]`\n"
    assert (result.code, result.err) == ((2, told + said) if told else (0, ""))
