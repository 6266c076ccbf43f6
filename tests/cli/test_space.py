"""`archprof space`: a small space whose 24 networks are costed by hand, asked for in every way."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections import Counter
from itertools import product
from typing import NamedTuple

import jsonschema
import pytest

from tests.cli.console import archprof

TINY = """archprof: 1
name: tiny
input: 3x8x8
classes: 10
space: {resolution: "8,16", version: 2}
defaults: {norm: batch_norm, act: relu}
knobs: {stem: {choice: [4, 8]}}
layers:
  - conv: {k: 3, c: $stem}
  - conv:
      columns: [k, c, n]
      rows: [[{choice: [1, 3]}, 8, {choice: [1, 2]}]]
  - block: {choice: [skip, {conv: {k: 3}}], columns: [c], rows: [[8]]}
  - avg_pool
  - linear: classes
"""
SCORES = """place,choice,score
stem,8,1.5
layers[1].rows[0].k,3,0.25
layers[1].rows[0].k[1],3,0.5
layers[2].rows[0].block,{conv: {k: 3}},1
"""
# For each stem a row of one or two kernels, and a third of 3: 2 + 2² + 2², since one and a skipped block are the same
# as two whose second has a kernel of 3.
CONVENTION = """networks are counted choice by choice: 20 differ in what they build
convention archprof 1: MACs of convolutions and linear layers, bias not counted;
  batch 1, inference
"""


class Network(NamedTuple):
    """A network of the small space: what it draws, how probable it is choice by choice, and what it costs."""

    stem: int
    kernels: tuple[int, ...]
    block: bool
    chance: float
    params: int
    macs: int
    score: float


def every(side=8):
    """All networks in the order of their ranks, each layer's product added up."""
    found = []
    for stem in (4, 8):
        for kernels in (*product((1, 3), repeat=1), *product((1, 3), repeat=2)):
            for block in (False, True):
                weights, norms, came = 27 * stem, stem, stem
                for k in kernels:
                    weights, norms, came = weights + k * k * came * 8, norms + 8, 8
                weights, norms = weights + 576 * block, norms + 8 * block
                score = 1.5 * (stem == 8) + 0.25 * kernels.count(3) + 0.5 * (kernels[1:] == (3,)) + block
                chance = 1 / 2 / 2 / 2 ** len(kernels) / 2
                macs = side**2 * weights + 80
                found.append(Network(stem, kernels, block, chance, weights + 2 * norms + 90, macs, score))
    return found


EVERY = every()


@pytest.fixture
def space(capsys, tmp_path, monkeypatch):
    """Return a function that asks the small space."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")
    (tmp_path / "scores.csv").write_text(SCORES, encoding="utf-8")

    def asked(line, model="tiny.yaml"):
        return archprof(capsys, "space", model, *line.split())

    return asked


@pytest.fixture
def told(space):
    """Return a function that asks the small space and reads its JSON."""
    return lambda line, model="tiny.yaml": json.loads(space(f"{line} --format json", model).out)


def test_there_are_24():
    assert len(EVERY) == 2 * (2 + 2**2) * 2 == 24
    assert sum(one.chance for one in EVERY) == 1
    assert (EVERY[0].macs, EVERY[0].params) == (64 * (27 * 4 + 4 * 8) + 80, 27 * 4 + 4 * 8 + 2 * 12 + 90)


# What people see


def test_choices_and_how_many_of_those_that_fit_take_them(space, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    fits = [one for one in EVERY if one.macs <= 50_000]
    assert len(fits) == 9
    assert sum(one.chance for one in fits) == 0.40625
    assert Counter(one.stem for one in fits) == {4: 7, 8: 2}
    assert Counter(one.kernels[0] for one in fits) == {1: 7, 3: 2}
    assert Counter(one.kernels[1] for one in fits if one.kernels[1:]) == {1: 4, 3: 1}
    assert Counter(one.block for one in fits) == {False: 7, True: 2}
    result = space("--max-macs 50k")
    assert (result.code, result.err) == (0, "")
    assert result.out == (
        """tiny: 24 networks · MACs 9,040 … 124,496, median 54,864

place                    choice          networks, each  share, each
────────────────────────────────────────────────────────────────────
stem                     4                            7      77.78 %
                         8                            2      22.22 %
layers[1].rows[0].k[0]   1                            7      77.78 %
                         3                            2      22.22 %
layers[1].rows[0].k[1]   1                            4      44.44 %
                         3                            1      11.11 %
layers[1].rows[0].n      1                            4      44.44 %
                         2                            5      55.56 %
layers[2].rows[0].block  skip                         7      77.78 %
                         {conv: {k: 3}}               2      22.22 %

within the limits: 9 (37.50 %; drawn choice by choice: 40.62 %)
params 254 … 2,098
"""
        + CONVENTION
    )


@pytest.mark.parametrize("limits", [(50_000, 400), (60_000, 900), (124_000, 700)])
def test_options_within_two_limits_are_those_of_the_networks_that_keep_both(told, limits):
    fits = [one for one in EVERY if one.macs <= limits[0] and one.params <= limits[1]]
    found = told("--max-macs {} --max-params {}".format(*limits))
    assert found["fitting"]["low"] == found["fitting"]["high"] == len(fits) > 0
    numbers = {(one["place"], one["choice"]): (one["networks"], one["fits"]) for one in found["choices"]}
    expected = {
        **{("stem", str(c)): sum(one.stem == c for one in fits) for c in (4, 8)},
        **{("layers[1].rows[0].n", str(n)): sum(len(one.kernels) == n for one in fits) for n in (1, 2)},
        **{
            (f"layers[1].rows[0].k[{at}]", str(k)): sum(one.kernels[at : at + 1] == (k,) for one in fits)
            for at in (0, 1)
            for k in (1, 3)
        },
        ("layers[2].rows[0].block", "skip"): sum(not one.block for one in fits),
        ("layers[2].rows[0].block", "{conv: {k: 3}}"): sum(one.block for one in fits),
    }
    assert numbers == {key: (number, number > 0) for key, number in expected.items()}


def test_what_is_not_known_of_options_is_said(space, told, monkeypatch):
    """Where ways are too many to count with three limits, how many take an option is not known, but whether any does;
    where they are too many to compare neither is, where no limit alone rules it out."""
    line = "--max-macs 50k --max-params 500 --max-activations 1500"
    counted = {one["choice"]: one["networks"] for one in told(line)["choices"] if one["place"] == "stem"}
    assert min(counted.values()) > 0
    assert sum(counted.values()) == told(line)["fitting"]["low"] == told(line)["fitting"]["high"]
    monkeypatch.setattr("archprof.space.several._MOST_COMPARED", 0)
    note = "how many networks take each option is not known within these limits\n"
    fits = {one["choice"]: one["fits"] for one in told(line)["choices"] if one["place"] == "stem"}
    assert fits == {"4": True, "8": True}
    assert note in space(line).out
    monkeypatch.setattr("archprof.space.labels._MAX_CANDIDATES", 1)
    assert [line.split()[-2:] for line in space(line).out.splitlines() if line.startswith("stem")] == [["may", "fit"]]
    assert "`may fit`: that no network that keeps the limits takes it is not ruled out\n" in space(line).out
    assert {one["fits"] for one in told(line)["choices"] if one["place"] == "stem"} == {None}
    sizes = space("--resolution all --max-macs 50k").out
    assert "how many networks take each option is told at one size: name one `--resolution`\n" in sizes


def test_choices_that_are_drawn_as_often_are_one_row(space, monkeypatch, capsys):
    """A network of Once-for-All has 9 · 9 forms of two repeats, 9³ of three and 9⁴ of four: of 7371 each kernel is a
    third, of the third repeat's a third of 7290, of the fourth's of 6561."""
    monkeypatch.setenv("COLUMNS", "80")
    table = archprof(capsys, "space", "space_ofa_mbv3", "--resolution", "224").out.split("\n\n")[1]
    assert table == (
        """place                       choice               networks, each  share, each
────────────────────────────────────────────────────────────────────────────
layers[2].rows[0…4].k[0…1]  3, 5, 7   7,252,885,164,190,828,617      33.33 %
layers[2].rows[0…4].k[2]    3, 5, 7   7,173,183,129,419,500,830      32.97 %
layers[2].rows[0…4].k[3]    3, 5, 7   6,455,864,816,477,550,747      29.67 %
layers[2].rows[0…4].t[0…1]  3, 4, 6   7,252,885,164,190,828,617      33.33 %
layers[2].rows[0…4].t[2]    3, 4, 6   7,173,183,129,419,500,830      32.97 %
layers[2].rows[0…4].t[3]    3, 4, 6   6,455,864,816,477,550,747      29.67 %
layers[2].rows[0…4].n       2           239,106,104,313,983,361       1.10 %
                            3         2,151,954,938,825,850,249       9.89 %
                            4        19,367,594,449,432,652,241      89.01 %"""
    )
    assert [7371**5 // 3, 2430 * 7371**4, 2187 * 7371**4] == [
        7_252_885_164_190_828_617, 7_173_183_129_419_500_830, 6_455_864_816_477_550_747
    ]  # fmt: skip


def test_csv_has_a_line_for_each_option(space):
    lines = [*csv.DictReader(io.StringIO(space("--max-macs 50k --format csv").out))]
    assert [(line["place"], line["choice"], line["networks"], line["fits"]) for line in lines] == [
        ("stem", "4", "7", "True"),
        ("stem", "8", "2", "True"),
        ("layers[1].rows[0].k[0]", "1", "7", "True"),
        ("layers[1].rows[0].k[0]", "3", "2", "True"),
        ("layers[1].rows[0].n", "1", "4", "True"),
        ("layers[1].rows[0].n", "2", "5", "True"),
        ("layers[1].rows[0].k[1]", "1", "4", "True"),
        ("layers[1].rows[0].k[1]", "3", "1", "True"),
        ("layers[2].rows[0].block", "skip", "7", "True"),
        ("layers[2].rows[0].block", "{conv: {k: 3}}", "2", "True"),
    ]
    assert float(lines[0]["share"]) == 7 / 9


def test_names_that_end_in_numbers_are_not_counted_as_siblings(capsys):
    table = archprof(capsys, "space", "space_nas_bench_201").out.split("\n\n")[1]
    assert [line.split()[0] for line in table.splitlines()[2:]] == ["e01", "e02", "e12", "e03", "e13", "e23"]


def test_many_options_are_named_by_their_ends(space, tmp_path):
    (tmp_path / "many.yaml").write_text(TINY.replace("[4, 8]", '"8:512:8"'), encoding="utf-8")
    assert "stem                     8, 16, … 512 (64 options)  " in space("", "many.yaml").out


def test_a_histogram(space, monkeypatch):
    """Bars are 24 long where most networks are: 19.2 for 8 of 10, 14.4 for 6."""
    monkeypatch.setenv("COLUMNS", "80")
    counted = Counter(min((one.macs - 9_040) * 3 // (124_496 - 9_040), 2) for one in EVERY)
    assert counted == {0: 8, 1: 10, 2: 6}
    bars = ("█" * 19, "█" * 24, "█" * 14)
    assert space("--histogram macs --bins 3").out == (
        f"""tiny: 24 networks · MACs 9,040 … 124,496, median 54,864

MACs from       to  networks    share  up to here
───────────────────────────────────────────────────────────────────────────
    9,040   47,524         8  33.33 %     33.33 %  {bars[0]}
   47,525   86,009        10  41.67 %     75.00 %  {bars[1]}
   86,010  124,496         6  25.00 %       100 %  {bars[2]}

params 254 … 2,098
"""
        + CONVENTION
    )


def test_quantiles_are_of_all_networks(space):
    assert "25.00 % of all networks: at most 29,520 MACs\n" in space("--quantiles 0.25 --max-macs 60k").out


def test_the_best_within_a_limit_on_bytes(space, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert space("--minimize macs --top 2 --max-peak 5KiB").out == (
        """tiny: 24 networks · MACs 9,040 … 124,496, median 54,864

network  params    MACs  peak bytes
───────────────────────────────────
      0     254   9,040       4,096
      4     334  13,136       4,096

no network within the limits is better: the search is exact
params 254 … 2,098
"""
        + CONVENTION
        + "bytes of weights, and of activations at their peak: batch 1, fp32, inference,\n  cuda\n"
    )


def test_where_nothing_fits_it_leaves_with_1(space):
    for line in ("--max-macs 1k", "--max-macs 1k --sample 3", "--max-macs 1k --minimize params"):
        result = space(line)
        assert (result.code, result.err) == (1, "no network of the space keeps the limits\n")
        assert "within the limits: 0 (0 %; drawn choice by choice: 0 %)\n" in result.out
    choices = space("--max-macs 1k").out
    assert choices.count("never fits\n") == 4  # the stem, both kernels as one, how many, the block
    assert space("--max-peak 64 --minimize macs").code == 1


def test_a_pipe_takes_plain_text(space, tmp_path):
    line = [sys.executable, "-m", "archprof", "space", "tiny.yaml", "--max-macs", "50k"]
    for colors in ({}, {"NO_COLOR": "1"}):
        done = subprocess.run(
            line, cwd=tmp_path, env={**os.environ, **colors}, capture_output=True, text=True, check=True
        )
        assert done.stdout == space("--max-macs 50k").out
        assert (done.stderr, "\x1b" in done.stdout) == ("", False)


# What programs read


def test_json_is_what_its_schema_says(capsys, told):
    schema = json.loads(archprof(capsys, "schema", "space").out)
    for line in ("", "--max-macs 50k", "--histogram params", "--sample 3 --max-peak 5KiB", "--pareto macs,-params"):
        jsonschema.validate(told(line), schema)
    found = told("--max-macs 50k")
    fits = [one for one in EVERY if one.macs <= 50_000]
    assert (found["model"], found["version"], found["networks"], found["resolutions"]) == ("tiny", 2, 24, [])
    assert found["fitting"] == {"low": 9, "high": 9, "share": 9 / 24, "drawn": 0.40625}
    assert found["ranges"] == [
        {"metric": "macs", "least": EVERY[0].macs, "greatest": EVERY[-1].macs, "median": 54_864},
        {"metric": "params", "least": EVERY[0].params, "greatest": EVERY[-1].params},
    ]
    assert sorted(one.macs for one in EVERY)[11] == 54_864
    deep = [one for one in found["choices"] if one["place"] == "layers[1].rows[0].n"]
    assert [one["networks"] for one in deep] == [sum(len(one.kernels) == n for one in fits) for n in (1, 2)]


def test_more_networks_than_a_double_can_tell_apart_are_decimal_strings(capsys):
    found = json.loads(archprof(capsys, "space", "space_ofa_mbv3", "--minimize", "macs", "--format", "json").out)
    assert found["networks"] == str((9**2 + 9**3 + 9**4) ** 5)
    assert found["found"][0]["network"] == 0
    found = json.loads(archprof(capsys, "space", "space_ofa_mbv3", "--maximize", "macs", "--format", "json").out)
    assert found["found"][0]["network"] == str((9**2 + 9**3 + 9**4) ** 5 - 1)


def test_csv_has_a_line_for_each_row(space):
    lines = list(csv.DictReader(io.StringIO(space("--minimize macs --top 24 --format csv").out)))
    order = sorted(range(24), key=lambda rank: (EVERY[rank].macs, rank))
    assert [(int(one["macs"]), int(one["params"])) for one in lines] == [
        (EVERY[int(one["network"])].macs, EVERY[int(one["network"])].params) for one in lines
    ]
    assert [int(one["macs"]) for one in lines] == [EVERY[rank].macs for rank in order]
    assert sorted(int(one["network"]) for one in lines) == list(range(24))
    bins = list(csv.DictReader(io.StringIO(space("--histogram params --bins 5 --format csv").out)))
    assert [*bins[0]] == ["low", "high", "networks", "share", "up_to"]
    assert sum(int(one["networks"]) for one in bins) == 24


# What is looked for


@pytest.mark.parametrize(("option", "sign"), [("--minimize", 1), ("--maximize", -1)])
@pytest.mark.parametrize("metric", ["macs", "params", "score"])
@pytest.mark.parametrize("limit", [None, 1_000])
def test_the_best_are_those_of_all(told, option, sign, metric, limit):
    line = f"{option} {metric} --top 5 --scores scores.csv" + (f" --max-params {limit}" if limit else "")
    values = sorted(sign * getattr(one, metric) for one in EVERY if one.params <= (limit or 10**9))
    found = told(line)["found"]
    assert [sign * getattr(EVERY[one["network"]], metric) for one in found] == values[:5]
    assert all(one["score"] == EVERY[one["network"]].score for one in found)
    assert all(one["totals"]["macs"] == EVERY[one["network"]].macs for one in found)
    assert len({one["network"] for one in found}) == 5


@pytest.mark.parametrize("limits", [(60_000, 900), (124_000, 2_098), (10**6, 700), (50_000, 10**6), (9_000, 900)])
def test_the_most_within_a_limit_of_its_own_and_another(told, limits):
    values = sorted(-one.macs for one in EVERY if one.macs <= limits[0] and one.params <= limits[1])
    found = told("--maximize macs --top 5 --max-macs {} --max-params {}".format(*limits))["found"]
    assert [-EVERY[one["network"]].macs for one in found] == values[:5]
    assert all(EVERY[one["network"]].params <= limits[1] for one in found)


def test_a_front_of_score_and_macs_is_that_of_all(told):
    beaten = {
        (one.macs, one.score)
        for one in EVERY
        for other in EVERY
        if other.macs <= one.macs and other.score >= one.score and (other.macs, other.score) != (one.macs, one.score)
    }
    wanted = sorted({(one.macs, one.score) for one in EVERY} - beaten)
    for line in ("--pareto macs,-score", "--pareto macs,-score,params"):
        found = told(f"{line} --scores scores.csv")["found"]
        points = [(one["totals"]["macs"], one["score"]) for one in found]
        assert points == wanted if line.endswith("score") else set(wanted) <= set(points)
    limited = told("--pareto macs,-score --scores scores.csv --max-macs 60k")["found"]
    assert [(one["totals"]["macs"], one["score"]) for one in limited] == [one for one in wanted if one[0] <= 60_000]


WHOLE = {
    "--max-weights 4000": lambda one: one["totals"]["weights"] <= 4000,
    "--max-latency 0.04ms --device h100": lambda one: one["estimates"]["latency"]["value"] <= 0.04,
}


@pytest.mark.parametrize("limit", WHOLE)
def test_a_front_within_a_limit_on_whole_networks(told, limit):
    """As of all networks, which a sample of 24 lists with their bytes and times."""
    far = "--max-latency 1s --device h100" if "latency" in limit else "--max-weights 1GiB"
    kept = [EVERY[one["network"]] for one in told(f"--sample 24 {far}")["found"] if WHOLE[limit](one)]
    assert 0 < len(kept) < 24
    points = {(one.macs, one.score) for one in kept}
    wanted = [one for one in sorted(points) if not any(a <= one[0] and b >= one[1] for a, b in points - {one})]
    found = told(f"--pareto macs,-score --scores scores.csv {limit}")
    assert [(one["totals"]["macs"], one["score"]) for one in found["found"]] == wanted
    assert "complete_to" not in found  # all of it


def test_a_front_that_is_given_up_says_from_where_on(space, told, monkeypatch):
    monkeypatch.setattr("archprof.space.search.MOST_EXPANDED", 2)
    whole = "--scores scores.csv --max-peak 1GiB"
    front = [(one["totals"]["macs"], one["score"]) for one in told("--pareto macs,-score --scores scores.csv")["found"]]
    for line, turned, said in (
        ("macs,-score", front, "from {:,} MACs"),
        ("-score,macs", front[::-1], "up to {:g} score"),
    ):
        found = told(f"--pareto={line} {whole}")
        assert [(one["totals"]["macs"], one["score"]) for one in found["found"]] == turned[:2]
        assert found["complete_to"] == turned[2][turned is not front]
        out = space(f"--pareto={line} {whole}").out.replace("\n  ", " ")
        assert f"{said.format(found['complete_to'])} it was given up after 2 networks\n" in out


@pytest.mark.parametrize("drawn", ["", " --drawn"])
def test_a_sample_keeps_the_limits_and_is_as_it_says(told, drawn):
    """χ² of 9 networks has 8 degrees of freedom: above 26.1 once in 1,000 times."""
    fits = [rank for rank, one in enumerate(EVERY) if one.macs <= 50_000]
    if drawn:
        found = [one["network"] for one in told("--max-macs 50k --sample 900 --drawn")["found"]]
    else:
        found = [told(f"--max-macs 50k --sample 1 --seed {seed}")["found"][0]["network"] for seed in range(90)]
    whole = sum(EVERY[rank].chance for rank in fits)
    expected = {rank: len(found) * (EVERY[rank].chance / whole if drawn else 1 / 9) for rank in fits}
    counted = Counter(found)
    assert set(counted) <= set(fits)
    assert sum((counted[rank] - number) ** 2 / number for rank, number in expected.items()) < 26.1


def test_a_sample_is_of_different_networks_as_many_as_there_are(told):
    assert sorted(one["network"] for one in told("--sample 100")["found"]) == list(range(24))
    both = told("--sample 100 --resolution 8,16 --jobs 1")["found"]
    assert len({(one["network"], one["settings"]["resolution"]) for one in both}) == 48
    assert len(told("--sample 5 --resolution 8,16 --jobs 1")["found"]) == 5
    assert len(told("--sample 5 --drawn --resolution 8,16 --jobs 1")["found"]) == 5
    assert told("--sample 5 --seed 3") == told("--sample 5 --seed 3")
    assert told("--sample 5 --seed 3") != told("--sample 5 --seed 4")


def test_bytes_are_those_of_archprof_memory(capsys, told, tmp_path):
    """A stem of 32 channels puts out 32·64 floats, which its norm reads and writes: 16,384 bytes; one of 4 a half of
    what the layers behind it do."""
    (tmp_path / "wide.yaml").write_text(TINY.replace("[4, 8]", "[4, 32]"), encoding="utf-8")
    documents = [
        json.loads(archprof(capsys, "memory", f"wide.yaml@network={rank}", "--format", "json").out)
        for rank in range(24)
    ]
    peaks = [found["peak_bytes"] for found in documents]
    weights = [found["resident"]["weight_bytes"] for found in documents]
    assert [peaks[rank] for rank in (0, 23)] == [2 * 8 * 64 * 4, 2 * 32 * 64 * 4]
    for line, fits in (
        ("--max-peak 5000", {rank for rank in range(24) if peaks[rank] <= 5_000}),
        ("--max-weights 6000", {rank for rank in range(24) if weights[rank] <= 6_000}),
        (
            "--max-peak 5000 --max-weights 3000 --max-macs 1M",
            {rank for rank in range(24) if peaks[rank] <= 5_000 and weights[rank] <= 3_000},
        ),
    ):
        assert 0 < len(fits) < 24
        found = told(f"{line} --sample 100", "wide.yaml")
        assert {one["network"] for one in found["found"]} == fits
        assert found["tries"] == 24
        for one in found["found"]:
            assert (one["totals"]["peak"], one["totals"]["weights"]) == (peaks[one["network"]], weights[one["network"]])
        best = told(f"{line} --maximize params", "wide.yaml")["found"][0]
        assert best["totals"]["params"] == max(
            found["totals"]["params"] for found in (documents[rank] for rank in fits)
        )


def test_a_sample_within_limits_on_counts_and_on_bytes_is_as_large_as_asked(space, told, tmp_path):
    """Of networks that are drawn within one limit those are left aside that exceed another."""
    (tmp_path / "wide.yaml").write_text(TINY.replace("[4, 8]", "[4, 32]"), encoding="utf-8")
    every_one = told("--max-peak 1GiB --sample 100", "wide.yaml")["found"]
    limits = {"macs": 80_000, "params": 2_800, "peak": 5_000}
    fits = {one["network"] for one in every_one if all(one["totals"][name] <= most for name, most in limits.items())}
    assert (len(every_one), len(fits)) == (24, 10)
    line = "--max-macs 80k --max-params 2800 --max-peak {} --sample {}"
    for seed in range(1, 9):
        found = told(f"{line.format(5000, 4)} --seed {seed}", "wide.yaml")
        ranks = {one["network"] for one in found["found"]}
        assert (len(ranks), ranks <= fits) == (4, True)
        assert 4 <= found["tries"] <= 24
    assert {one["network"] for one in told(line.format(5000, 100), "wide.yaml")["found"]} == fits
    none = space(line.format(64, 4), "wide.yaml")
    assert (none.code, none.err) == (1, "no network of the space keeps the limits\n")


@pytest.mark.parametrize(
    "line",
    ["--sample 3", "--sample 3 --drawn", "--minimize macs", "--sample 3 --max-macs 100k --max-params 2k"],
)
def test_so_many_networks_are_looked_at_before_it_is_given_up(space, monkeypatch, line):
    monkeypatch.setattr("archprof.space.search.MOST_EXPANDED", 7)
    result = space(f"--max-peak 64 {line}")
    tried = int(result.err.removeprefix("none of the ").split()[0])
    assert result == (1, result.out, f"none of the {tried} networks that were tried keeps the limits\n")
    assert tried == 7 or (7 < tried < 24 and "--max-macs" in line)


@pytest.mark.parametrize("jobs", [1, 2])
def test_several_resolutions_are_the_sums_of_each(told, jobs):
    whole = told(f"--resolution all --max-macs 50k --jobs {jobs}")
    fits = [sum(one.macs <= 50_000 for one in every(side)) for side in (8, 16)]
    assert (whole["resolutions"], whole["networks"]) == (["8", "16"], 48)
    assert (whole["fitting"]["low"], whole["fitting"]["high"]) == (sum(fits), sum(fits))
    drawn = [sum(one.chance for one in every(side) if one.macs <= 50_000) for side in (8, 16)]
    assert whole["fitting"]["drawn"] == sum(drawn) / 2
    assert whole["ranges"][0] == {"metric": "macs", "least": EVERY[0].macs, "greatest": every(16)[-1].macs}
    bins = told(f"--resolution 8,16 --histogram macs --bins 7 --jobs {jobs}")["histogram"]
    sums = [one.macs for side in (8, 16) for one in every(side)]
    assert [one["networks"] for one in bins] == [
        sum(one["low"] <= macs <= one["high"] for macs in sums) for one in bins
    ]
    assert sum(one["networks"] for one in bins) == 48
    best = told(f"--resolution 8,16 --maximize params --max-macs 60k --top 2 --jobs {jobs}")["found"]
    wanted = sorted(-one.params for side in (8, 16) for one in every(side) if one.macs <= 60_000)
    assert [-one["totals"]["params"] for one in best] == wanted[:2]


def test_no_bins_where_nothing_fits(told):
    for line in ("", " --resolution 8,16"):
        assert told(f"--histogram macs --max-macs 1k --jobs 1{line}")["histogram"] == []


def test_draws_that_are_fixed(told):
    for line in ("--fix stem=8", "--set stem=8"):
        found = told(f"{line} --minimize macs --top 100")
        assert found["networks"] == 12
        assert [one["totals"]["macs"] for one in found["found"]] == sorted(one.macs for one in EVERY if one.stem == 8)
    both = told("--fix stem=8 --fix layers[1].rows[0].n=1 --minimize macs --top 100")
    assert both["networks"] == 4
    assert told("", "tiny.yaml@stem=8")["model"] == "tiny@stem=8"


def test_a_network_is_written_as_a_plain_spec(capsys, space, tmp_path):
    for line, rank in (
        ("--maximize params", 23),
        ("--minimize macs", 0),
        ("--maximize params --max-macs 60k --fix layers[1].rows[0].k=1", None),
    ):
        result = space(f"{line} --write-spec found.yaml --format json")
        found = json.loads(result.out)["found"][0]
        assert found["network"] == rank or rank is None
        assert "choice" not in (tmp_path / "found.yaml").read_text(encoding="utf-8")
        assert archprof(capsys, "validate", "found.yaml").code == 0
        totals = json.loads(archprof(capsys, "summary", "found.yaml", "--format", "json").out)["totals"]
        assert totals == found["totals"]
    # The network of the last rank: stem 8, twice a kernel of 3, and the block.
    space("--maximize params --write-spec found.yaml")
    assert (tmp_path / "found.yaml").read_text(encoding="utf-8") == (
        """archprof: 1
name: found
title: "tiny, network 23"
input: 3x8x8
classes: 10
defaults: {norm: batch_norm, act: relu}
knobs: {stem: {type: int, default: 8}}
layers:
  - conv: {k: 3, c: $stem}
  - conv: {columns: [k, c, n], rows: [[3, 8, 2]]}
  - sequence: {layers: [{conv: {k: 3, c: 8}}]}
  - avg_pool
  - linear: {c: classes}
expect:
  - {params: 2098, macs: 124496}
"""
    )


def test_nothing_is_written_where_nothing_fits(space, tmp_path):
    assert space("--max-macs 1k --minimize macs --write-spec found.yaml --plot found.svg").code == 1
    assert space("--max-macs 1k --histogram macs --plot found.svg").code == 1
    assert [path for path in tmp_path.iterdir() if path.stem == "found"] == []


@pytest.mark.parametrize("line", ["--histogram macs", "--pareto macs,-params", "--sample 10"])
def test_a_picture(space, tmp_path, line):
    pytest.importorskip("matplotlib")
    for name, start in (("a.svg", b"<?xml"), ("a.png", b"\x89PNG")):
        assert space(f"{line} --plot {name}").code == 0
        assert (tmp_path / name).read_bytes().startswith(start)


ROWS = [
    *("1 of 5 · tiny.yaml: layers[0]", "2 of 5 · tiny.yaml: layers[1].rows[0]"),
    *("3 of 5 · tiny.yaml: layers[2].rows[0]", "4 of 5 · tiny.yaml: layers[3]", "5 of 5 · tiny.yaml: layers[4]"),
    *(f"{number} of 12 · tiny.yaml: sums of macs" for number in range(1, 13)),
]


@pytest.mark.parametrize(
    ("line", "steps"),
    [
        ("--resolution 8", ROWS),
        ("--resolution 8 --max-peak 1MiB --minimize macs", [*ROWS, "1 of 2,000 · tiny.yaml: networks, at most"]),
        (
            "--resolution all --jobs 1",
            ["1 of 2 · tiny.yaml: resolution 8", "2 of 2 · tiny.yaml: resolution 16"],
        ),
    ],
    ids=["rows", "networks", "resolutions"],
)
def test_a_terminal_is_told_how_far_it_is(space, monkeypatch, line, steps):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    before, *drawn, after = space(line).err.split("\r\x1b[K")
    assert (before, after) == ("", "")
    assert [re.sub(r" · \d+ s left", "", step) for step in drawn] == steps


# Messages

WRONG = {
    "--sample 1 --minimize macs": (
        "`--sample` and `--minimize` at once\n  help: look for one sort of network at a time\n"
    ),
    "--minimize macs --maximize params": (
        "`--minimize` and `--maximize` at once\n  help: look for one sort of network at a time\n"
    ),
    "--drawn": "`--drawn` without `--sample`\n  help: it says how a sample is drawn\n",
    "--seed 0": "`--seed` without `--sample`\n  help: it says which sample\n",
    "--bins 20": "`--bins` without `--histogram`\n  help: it says of how many bins a histogram is\n",
    "--pareto macs,-params --top 1": (
        "`--top` without `--minimize` or `--maximize`\n  help: it says how many of the best\n"
    ),
    "--pareto macs,-macs": "a front of macs twice\n  help: name each count once\n",
    "--resolution all --quantiles 0.5": (
        "quantiles over several sizes\n  help: name one `--resolution`; a histogram is of all\n"
    ),
    "--set resolution=8 --resolution 16": (
        "`--resolution` of a space at a resolution: 8\n  help: say one of the two\n"
    ),
    "--minimize macs --write-spec a.txt": (
        "`--write-spec a.txt`\n  help: the name of a spec's file ends with `.yaml`\n"
    ),
    "--fix layers[1].rows[0].k=5": "`--fix layers[1].rows[0].k=5` is never drawn\n  help: one of 1, 3\n",
    "--fix layers[1].rows[0].k[0]=3": (
        "`--fix layers[1].rows[0].k[0]=3` of one repeat\n  help: all that it has are one: `--fix "
        "layers[1].rows[0].k=3`\n"
    ),
    "--fix layers[1].rows[0].c=4": (
        "`--fix layers[1].rows[0].c=4` leaves no draw out\n  help: did you mean `layers[1].rows[0].n`? draws: stem, "
        "layers[1].rows[0].n, layers[1].rows[0].k, layers[2].rows[0].block\n"
    ),
    "--scores scores.csv": (
        "`--scores` without what it is for\n  help: `--maximize score`, or `--pareto macs,-score`\n"
    ),
    "--write-spec a.yaml": ("`--write-spec` of no network\n  help: look for one: `--minimize macs`, `--sample 1`\n"),
    "--pareto macs": "a front of 1 count\n  help: two or three: `--pareto macs,-score`\n",
    "--pareto macs,params,trainable,-activations": (
        "a front of 4 counts\n  help: two or three: `--pareto macs,-score`\n"
    ),
    "--pareto macs,params": (
        "a front of costs alone says little: the cheapest network of each count, and few between\n  help: one of the "
        "counts should be the larger the better: `--pareto macs,-score --scores scores.csv`\n"
    ),
    "--pareto macs,-score": (
        "`--pareto` names no count: `score`\n  help: `--scores FILE` says what each choice is worth\n"
    ),
    "--pareto score,macs,params --scores scores.csv": (
        "`--pareto score,macs,params` looks for the least score\n  help: what is the better the larger has a `-`: "
        "`--pareto macs,params,-score`\n"
    ),
    "--histogram macs --sample 2 --format csv": (
        "a histogram and networks in one CSV\n  help: ask for one of them, or `--format json` for both\n"
    ),
    "--maximize score": (
        "`--maximize` names no count: `score`\n  help: `--scores FILE` says what each choice is worth\n"
    ),
    "--maximize mac": (
        "`--maximize` names no count: `mac`\n  help: did you mean `macs`? counts: params, trainable, buffers, macs, "
        "activations\n"
    ),
    "--histogram peak": (
        "`--histogram` names no count: `peak`\n  help: counts: params, trainable, buffers, macs, activations\n"
    ),
    "--histogram macs --max-params 1k --max-activations 1M": (
        "a histogram of macs within more limits\n  help: leave out `--max-activations`; of one count it is exact, "
        "within a limit of its own too\n"
    ),
    "--max-latency 1ms": "latency on which device?\n  help: `--device h100`, or a file of `archprof calibrate`\n",
    "--max-train-macs 1M": (
        "`--max-train-macs` is no limit of a space\n  help: it is not counted along rows; `archprof summary` has it of "
        "each network\n"
    ),
    "--max-peak 1KiB": (
        "`--max-peak` of networks that are not looked at one by one\n  help: bytes are no sums along rows: ask for "
        "some by `--sample` or `--minimize`\n"
    ),
    "--max-latency 1ms --device h100 --histogram macs": (
        "a histogram within `--max-latency`, which is of whole networks\n  help: how many keep it is told without "
        "one, between two bounds; a histogram counts networks within limits on counts\n"
    ),
    "--max-macs 50k --max-weights 1KiB --histogram macs --sample 2": (
        "a histogram within `--max-weights`, which is of whole networks\n  help: leave one out; a histogram counts "
        "networks within limits on counts\n"
    ),
    "--batch 2": (
        "how bytes are counted, but no limit on them\n  help: `--max-peak` or `--max-weights` counts them\n"
    ),
    "--sample 2 --max-peak 5KiB --resolution 8,16 --jobs 1": (
        "a sample over several sizes within a limit on bytes\n  help: name one `--resolution`\n"
    ),
    "--resolution large": (
        "resolution=large: expected a resolution, not `large`\n  help: as in `192`, `192x256` or `3x192x256`\n"
    ),
    "--resolution 1:100000:1": (
        "a space at 100,000 sizes, each of which is counted for itself\n  help: at most 1,000: take a larger step, as "
        "in `--resolution 128:224:32`\n"
    ),
    "--resolution 64000:68000:1000": (
        "resolution=66000: `66000` is out of range\n  help: a resolution from 1 to 65,536\n"
    ),
    "--resolution 8,0": "resolution=0: `0` is out of range\n  help: a resolution from 1 to 65,536\n",
    "--plot a.svg": (
        "nothing to draw\n  help: `--histogram macs`, `--pareto macs,-score`, `--sample 1000`\n"
    ),
    "--width 0.5": (
        "width=0.5: this network has no width multiplier\n  help: a spec that has one says `width: {…}`; knobs here: "
        "stem, resolution, classes\n"
    ),
    "--max-macs many": (
        "`many` is not a number as papers print them\n  help: such as `3.4M`, `0.219G`, `569 million`, `4,209,088`\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize("line", WRONG)
def test_what_does_not_go_together_is_told(space, line):
    result = space(line)
    assert (result.code, result.out) == (2, "")
    assert result.err == WRONG[line]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            "v2",
            "`mobilenet_v2` is one network: it leaves nothing to choose\n  help: `archprof list --kind space` shows "
            "those of the catalog; a cell is a choice as `{choice: [3, 5, 7]}`\n",
        ),
        ("tiny.yaml@network=3", "`tiny@network=3` is one network of its space\n  help: leave out `network`\n"),
        (
            "tiny.yaml@network=24",
            "network=24: there is no network `24`\n  help: a rank from 0 to 23\n",
        ),
    ],
)
def test_what_is_no_space_is_told(space, model, message):
    assert space("", model) == (2, "", message)


def test_a_space_that_names_no_resolutions(space, tmp_path):
    (tmp_path / "other.yaml").write_text(
        TINY.replace('space: {resolution: "8,16", version: 2}\n', ""), encoding="utf-8"
    )
    assert space("--resolution all", "other.yaml") == (
        2,
        "",
        "`tiny` names no resolutions\n  help: say some: `--resolution 128:224:32`\n",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("place,score\nstem,1\n", "scores.csv:1:1: expected the columns `place,choice,score`\n"),
        ("", "scores.csv:1:1: expected the columns `place,choice,score`\n"),
        ("place,choice,score\n", "scores.csv:1:1: `scores.csv` has no scores\n"),
        (
            "place,choice,score\nstem,4\nstem,8,many\nstem,4,1\nstem,4,2\nstem,8,1e9\nstem,8,0.0000000001\nstem,8,nan\n",
            "scores.csv:2:1: a line of 2 cells, not 3\n"
            "scores.csv:3:1: `many` is not a number\n"
            "scores.csv:5:1: `stem` has two scores for `4`\n"
            "scores.csv:6:1: `1e9` is out of range\n  help: at most 1,000,000\n"
            "scores.csv:7:1: `0.0000000001` has too many decimals\n  help: round it to 9\n"
            "scores.csv:8:1: `nan` is out of range\n  help: at most 1,000,000\n",
        ),
        (
            "place,choice,score\nstme,4,1\nstem,6,1\nlayers[1].rows[0].k[0],5,1\n",
            "scores.csv:2:1: `stme` is no draw of this space\n  help: did you mean `stem`? draws: stem, "
            "layers[1].rows[0].n, layers[1].rows[0].k, layers[2].rows[0].block\n"
            "scores.csv:3:1: `stem` never draws `6`\n  help: one of 4, 8\n"
            "scores.csv:4:1: `layers[1].rows[0].k[0]` never draws `5`\n  help: one of 1, 3\n",
        ),
        (
            "place,choice,score\nlayers[1].rows[0].k[2],3,1\nstem[0],8,1\n",
            "scores.csv:2:1: `layers[1].rows[0].k[2]` is no draw of this space\n  help: did you mean "
            "`layers[1].rows[0].k[1]`? draws: stem, layers[1].rows[0].n, layers[1].rows[0].k, "
            "layers[2].rows[0].block\n"
            "scores.csv:3:1: `stem[0]` is no draw of this space\n  help: did you mean `stem`? draws: stem, "
            "layers[1].rows[0].n, layers[1].rows[0].k, layers[2].rows[0].block\n",
        ),
    ],
)
def test_a_table_of_scores_that_is_none(space, tmp_path, text, message):
    (tmp_path / "scores.csv").write_text(text, encoding="utf-8")
    assert space("--maximize score --scores scores.csv") == (2, "", message)


@pytest.mark.parametrize("limits", ["--max-params 1000", "--max-params 1000 --max-macs 60000", "--max-params 1"])
def test_a_histogram_within_the_limit_of_another_count(told, limits):
    asked = dict(zip(limits.split()[::2], map(int, limits.split()[1::2]), strict=True))
    fits = [one for one in EVERY if one.params <= asked["--max-params"] and one.macs <= asked.get("--max-macs", 10**9)]
    found = told(f"{limits} --histogram macs --bins 4")
    assert [one["networks"] for one in found["histogram"]] == [
        sum(one["low"] <= of.macs <= one["high"] for of in fits) for one in found["histogram"]
    ]
    assert sum(one["networks"] for one in found["histogram"]) == len(fits)


def test_a_histogram_between_bounds_is_none(space, monkeypatch):
    monkeypatch.setattr("archprof.space.joint._MAX_PAIRS", 0)
    monkeypatch.setattr("archprof.space.cells._CELLS", 2)
    assert space("--max-params 1000 --histogram macs") == (
        2,
        "",
        "a histogram of macs within a limit on params: how many fit is known between bounds\n  help: leave out "
        "`--max-params`; of one count it is exact, within a limit of its own too\n",
    )


def test_scores_as_a_spreadsheet_writes_them(space, tmp_path):
    wanted = space("--maximize score --scores scores.csv").out
    (tmp_path / "scores.csv").write_text(f"\ufeff{SCORES}\n\n", encoding="utf-8")
    assert space("--maximize score --scores scores.csv").out == wanted


UNBUILT = """archprof: 1
name: f
input: 3x16x16
knobs: {w1: {choice: [0, 1]}, w2: {choice: [0, 1]}}
blocks:
  cell:
    layers:
      - {id: a, from: input, conv2d: {k: 3, c: $in}}
      - {id: b, from: input, conv2d: {k: 3, c: $in}}
      - {id: p, from: [a, b], pick: $w1}
      - {id: q, from: [a, b], pick: $w2}
      - {from: [p, q], add: }
layers: [conv2d: {k: 3, c: 8}, cell]
"""


def test_a_network_that_cannot_be_built_is_told(space, tmp_path):
    (tmp_path / "f.yaml").write_text(UNBUILT, encoding="utf-8")
    message = (
        "f.yaml:13:32: an operator leads to no output\n  in layers[1]\n"
        "  help: use it, or leave it out there by a condition: `when`\n"
    )
    assert space("--minimize macs", "f.yaml") == (2, "", message)
    assert space("--fix w1=0", "f.yaml") == (2, "", f"{message}  note: `w2=0` is drawn\n")


def test_sizes_are_sampled_apart(space):
    """Of one seed both would draw the same ranks."""
    found = json.loads(space("--resolution all --sample 40 --seed 3 --format json").out)["found"]
    ranks = {size: [one["network"] for one in found if one["settings"]["resolution"] == size] for size in ("8", "16")}
    assert len(found) == sum(len(set(ones)) for ones in ranks.values()) == 40
    assert ranks["8"][:10] != ranks["16"][:10]
    assert "; each is `tiny@resolution=…,network=…`" in space("--resolution all --sample 2").out


def test_a_written_network_says_what_was_fixed(space, tmp_path):
    assert space("--fix stem=8 --minimize macs --write-spec a.yaml").code == 0
    assert 'title: "tiny, stem=8, network 0"' in (tmp_path / "a.yaml").read_text(encoding="utf-8")


def test_a_front_is_drawn_over_its_counts(space, tmp_path):
    pytest.importorskip("matplotlib")
    for line, labels in {
        "--pareto params,-score --scores scores.csv": ("parameters", "score"),
        "--pareto latency,-macs --device h100": ("latency on h100, ms", "MACs (convention archprof 1)"),
    }.items():
        assert space(f"{line} --plot a.svg").code == 0
        drawn = (tmp_path / "a.svg").read_text(encoding="utf-8")
        assert all(label in drawn for label in labels), labels


def test_scores_that_cannot_be_read(space, tmp_path):
    assert space("--maximize score --scores nothing.csv") == (
        2,
        "",
        "cannot read `nothing.csv`: no such file or directory\n",
    )
    (tmp_path / "scores.csv").write_bytes(b"place,choice,score\nstem,\xff,1\n")
    result = space("--maximize score --scores scores.csv")
    assert (result.code, result.err.startswith("cannot read `scores.csv`: 'utf-8' codec can't decode")) == (2, True)


# Rows to choose from, one with a draw of its own and one with an expression; a ratio, an activation, a flag.
ROWS_DRAWN = """archprof: 1
name: rows
input: 3x8x8
classes: 10
knobs: {w: {choice: [4, 8]}}
layers:
  - conv: {k: 3, c: $w, bias: {choice: [true, false]}}
  - inverted_residual:
      columns: [k, t, c, se, nl]
      rows:
        - choice:
            - [3, 2, 8, 0.25, RE]
            - [{choice: [3, 5]}, 2, "max($w, 8)", -, HS]
            - [3, {choice: [2, 3, 4]}, 8, {choice: [0.25, 0.5]}, {choice: [RE, HS]}]
        - [3, 2, 8, {choice: [0.25, 0.5]}, {choice: [RE, HS]}]
  - avg_pool
  - linear: classes
"""


@pytest.mark.parametrize(("number", "forms"), [(0, 1), (1, 2), (2, 3 * 2 * 2)])
def test_a_draw_of_rows_is_fixed_by_the_number_of_the_row(capsys, told, tmp_path, number, forms):
    """What is left are the networks whose row that is, with the same costs; the name it has then is that of others."""
    (tmp_path / "rows.yaml").write_text(ROWS_DRAWN, encoding="utf-8")
    place = "layers[1].rows[0]"
    every_one = told("--minimize macs --top 1000", "rows.yaml")["found"]
    assert len(every_one) == 2 * 2 * (1 + 2 + 12) * 4
    drawn = {one["network"]: one["totals"] for one in every_one}
    fixed = told(f"--fix {place}={number} --minimize macs --top 1000", "rows.yaml")
    assert fixed["networks"] == len(fixed["found"]) == 2 * 2 * forms * 4
    starts = {0: 0, 1: 1, 2: 3}[number]
    # Knobs first, then the row, its forms one after the other, then the other row: 4 ways each.
    ranks = [rank for rank in drawn if starts <= rank // 4 % 15 < starts + forms]
    counts = sorted((drawn[rank]["macs"], drawn[rank]["params"]) for rank in ranks)
    assert sorted((one["totals"]["macs"], one["totals"]["params"]) for one in fixed["found"]) == counts
    document = archprof(capsys, "summary", f"{fixed['model']}".replace("rows@", "rows.yaml@") + ",network=0")
    assert (document.code, document.err) == (0, "")


@pytest.mark.parametrize(
    ("fix", "message"),
    [
        ("layers[1].rows[1].se=-", "`--fix layers[1].rows[1].se=-` is never drawn\n  help: one of 0.25, 0.5\n"),
        ("layers[1].rows[1].se=no", "`--fix layers[1].rows[1].se=no` is never drawn\n  help: one of 0.25, 0.5\n"),
        ("layers[1].rows[1].nl=relu", "`--fix layers[1].rows[1].nl=relu` is never drawn\n  help: one of RE, HS\n"),
        ("layers[1].rows[0]=3", "`--fix layers[1].rows[0]=3` is never drawn\n  help: one of 0, 1, 2\n"),
        ("layers[0].bias=-1", "`--fix layers[0].bias=-1` is never drawn\n  help: one of true, false\n"),
        ("layers[1].rows=-", "`--fix layers[1].rows=-` is never drawn\n  help: one of 0, 1, 2\n"),
    ],
)
def test_what_is_never_drawn_is_not_fixed(space, tmp_path, fix, message):
    (tmp_path / "rows.yaml").write_text(ROWS_DRAWN, encoding="utf-8")
    assert space(f"--fix {fix}", "rows.yaml") == (2, "", message)


@pytest.mark.parametrize("word", ["false", "no", "-"])
def test_yes_and_no_are_fixed_in_other_words(told, tmp_path, word):
    (tmp_path / "rows.yaml").write_text(ROWS_DRAWN, encoding="utf-8")
    assert told(f"--fix layers[0].bias={word}", "rows.yaml")["networks"] == 2 * 15 * 4
