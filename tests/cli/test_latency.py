"""Latency on a device in every command: times that are arithmetic on one that is made up, and the interval decides."""

import csv
import json
import re

import pytest

import archprof
from archprof.devices.profile_text import write_profile
from tests.cli.console import archprof as call
from tests.devices.profiles import DEPTHWISE, MOVING, NORM, RELU, SPEC, made_up


@pytest.fixture
def toy(tmp_path):
    """The path of a profile, beside a network that it knows."""
    (tmp_path / "net.yaml").write_text(SPEC, encoding="utf-8")
    write_profile(made_up(), str(tmp_path / "toy.json"))
    return tmp_path / "toy.json"


def ran(capsys, line, toy, **more):
    words = line.format(toy=toy, net=toy.parent / "net.yaml", **more).split()
    return call(capsys, *words)


def document(capsys, line, toy):
    return json.loads(ran(capsys, f"{line} --format json", toy).out)


def test_a_network_takes_what_its_calls_were_measured_to_take(capsys, toy):
    found = document(capsys, "latency {net} --device {toy}", toy)
    assert [(one["path"], one["ms"], one["basis"]) for one in found["layers"]] == [
        ("0", 0.007, "measured"), ("1", 0.005, "measured"), ("2", 0.002, "measured"),
    ]  # fmt: skip
    assert found["calls_ms"] == pytest.approx(0.014)
    assert found["estimates"]["latency"]["value"] == pytest.approx(0.014)
    assert found["shares"] == {"measured": 1.0}
    # 9 taps on 256 places are 2,304 MACs, 1.152 µs of the device's 2,000 a µs; what goes in and out and the weights
    # are 2·(256 + 256 + 36) bytes, 1.096 µs of its 1,000 a µs; the smallest kernel takes 1 µs.
    assert found["layers"][0]["bound"] == "compute"
    assert found["layers"][0]["roofline_ms"] == pytest.approx(0.001152)
    assert found["layers"][0]["macs"] == 2304


@pytest.mark.parametrize(("batch", "ms"), [(1, 0.014), (8, 0.112)])
def test_each_batch_has_its_own_times(capsys, toy, batch, ms):
    found = document(capsys, f"latency {{net}} --device {{toy}} --batch {batch}", toy)
    assert found["estimates"]["latency"]["value"] == pytest.approx(ms)
    assert found["device"]["batch"] == batch


def test_from_python_no_kernel_is_launched_faster(capsys, toy):
    """Three kernels of 20 µs each."""
    found = document(capsys, "latency {net} --device {toy} --execution eager", toy)
    assert found["estimates"]["latency"]["value"] == pytest.approx(0.060)


def test_what_was_not_measured_takes_what_a_formula_says(capsys, toy):
    """ReLU reads and writes 256 halves: 1,024 bytes of 10⁶ a µs behind 3 µs."""
    profile = made_up({DEPTHWISE: 7.0, NORM: 5.0}, {"relu": MOVING})
    write_profile(profile, str(toy), anew=True)
    found = document(capsys, "latency {net} --device {toy}", toy)
    assert found["layers"][2]["ms"] == pytest.approx((3 + 1024e-6) / 1000)
    assert found["layers"][2]["basis"] == "predicted"
    assert found["shares"]["predicted"] == pytest.approx(3.001024 / 15.001024)


def test_what_the_profile_does_not_know_is_told(capsys, toy):
    write_profile(made_up({DEPTHWISE: 7.0, NORM: 5.0}), str(toy), anew=True)
    found = document(capsys, "latency {net} --device {toy}", toy)
    assert found["out_of_range"] == {"relu": 1}
    assert found["layers"][2]["basis"] == "out of range"
    assert found["estimates"]["latency"]["high"] is None
    shown = ran(capsys, "latency {net} --device {toy}", toy).out
    assert "out of the profile's range, taken at the roofline, is relu ×1" in shown.replace("\n  ", " ")
    checked = ran(capsys, "check {net} --max-latency 1ms --device {toy}", toy)
    assert checked.code == 2
    assert f"the time of {toy.parent / 'net.yaml'} is out of the profile's range: relu ×1" in checked.err


@pytest.mark.parametrize(
    ("format", "place", "longest"),
    [
        ("github", "::error file=net.yaml,line=5,col=5,", ". Has most: 0 +0.007 ms (net.yaml:5:5); 1 +0.005 ms"),
        ("junit", "", ">0 +0.007 ms net.yaml:5:5\n1 +0.005 ms"),
        ("table", "", "  0         +0.007 ms  ████████████  net.yaml:5:5"),
    ],
)
def test_where_a_time_goes_is_told_in_its_unit(capsys, toy, monkeypatch, format, place, longest):
    monkeypatch.chdir(toy.parent)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(toy.parent))
    checked = call(capsys, "check", "net.yaml", "--max-latency", "1us", "--device", "toy.json", "--format", format)
    assert (checked.code, place in checked.out, longest in checked.out) == (1, True, True), checked.out


# A profile of the network at 8×8 alone, of whose kinds no formula is known.
OUT_OF_RANGE = "its time is out of the profile's range: conv2d ×1, batch_norm ×1, relu ×1"


def test_a_sweep_takes_no_roofline_for_a_time(capsys, toy):
    found = document(capsys, "sweep {net} --resolution 8,16 --device {toy}", toy)
    assert [one["settings"] for one in found["variants"]] == [{"resolution": "8"}]
    assert found["variants"][0]["estimates"]["latency"]["value"] == pytest.approx(0.014)
    assert [(one["settings"], one["reason"]) for one in found["impossible"]] == [({"resolution": "16"}, OUT_OF_RANGE)]


def test_what_is_looked_for_is_in_the_range_of_the_profile(capsys, toy):
    found = document(capsys, "solve {net} --max-latency 1ms --device {toy} --resolution 8,16", toy)
    assert found["best"]["settings"] == {"resolution": "8"}
    beyond = ran(capsys, "solve {net} --max-latency 1ms --device {toy} --resolution 16,32", toy)
    assert (beyond.code, OUT_OF_RANGE in beyond.err.replace("\n  ", " ")) == (2, True)


def test_what_only_takes_at_least_so_long_stands_behind_all_others(capsys, toy):
    (toy.parent / "other.yaml").write_text(SPEC.replace("8x8", "2x2"), encoding="utf-8")
    line = "compare {other} {net} --device {toy} --sort latency --format {format}"
    other = toy.parent / "other.yaml"
    found = json.loads(ran(capsys, line, toy, other=other, format="json").out)
    assert [one["latency"]["estimates"]["latency"]["high"] for one in found["models"]][1:] == [None]
    assert [one["model"] for one in found["models"]] == ["net", "other"]
    known, beyond = csv.DictReader(ran(capsys, line, toy, other=other, format="csv").out.splitlines())
    assert known["latency_estimates_latency_high"] != ""
    assert beyond["latency_estimates_latency_high"] == ""


def test_a_solution_as_a_table_for_machines_has_its_time(capsys, toy):
    line = "solve {net} --max-latency 1ms --device {toy} --resolution 8,16 --format csv"
    (best,) = csv.DictReader(ran(capsys, line, toy).out.splitlines())
    assert float(best["estimates_latency_value"]) == pytest.approx(0.014)


# The middle is 14 µs, and the interval 14·exp(∓0.1).
MAYBE = "warning: {net}: latency on toy, batch 1, graph ≤ {limit} may be exceeded: predicted 0.014 ms (0.013–0.015)"


@pytest.mark.parametrize(
    ("limit", "code", "told"), [("16us", 0, ""), ("15us", 0, MAYBE), ("13us", 0, MAYBE), ("0.012ms", 1, "")]
)
def test_the_end_of_the_interval_that_exceeds_a_limit_for_certain_decides(capsys, toy, limit, code, told):
    found = ran(capsys, f"check {{net}} --max-latency {limit} --device {{toy}}", toy)
    assert (found.code, found.err.strip()) == (code, told.format(net=toy.parent / "net.yaml", limit=limit))
    assert archprof.check(str(toy.parent / "net.yaml"), latency=limit, device=str(toy)).exit_code == code


def test_a_time_beside_its_limit_is_its_whole_interval(capsys, toy):
    found = ran(capsys, "check {net} --max-latency 16us --device {toy}", toy).out
    assert "  0.016 ms  0.014 ms (0.013–0.015)\n" in found


@pytest.mark.parametrize("model", ["v2", "v3", "shufflenet_v2_x1_0"])
def test_as_many_columns_as_are_told_show_all(capsys, toy, monkeypatch, model):
    monkeypatch.setenv("COLUMNS", "70")
    told = re.search(r"or ([0-9]+)\s+columns", ran(capsys, f"latency {model} --device h100", toy).out)
    assert told is not None
    for more in (0, 1, 8):
        monkeypatch.setenv("COLUMNS", str(int(told[1]) + more))
        assert "left out" not in ran(capsys, f"latency {model} --device h100", toy).out


def test_a_budget_in_a_file_names_a_profile_beside_it(capsys, toy):
    path = toy.parent / "archprof.yaml"
    path.write_text("budgets:\n  - {model: net.yaml, latency: 100us, device: toy.json, batch: 8}\n", encoding="utf-8")
    found = ran(capsys, "check --config {config}", toy, config=path)
    assert found.code == 1
    assert "latency on toy, batch 8, graph ≤ 100us" in found.out


LACKS = "the profile `toy` is of {}\n  help: leave it out, or make a profile at it: `archprof calibrate`\n"
WHICH = "latency on which device?\n  help: `--device h100`, or a file of `archprof calibrate`\n"
WRONG = {
    "latency {net} --device {toy} --batch 4": LACKS.format("batches 1 and 8, not 4"),
    "latency {net} --device {toy} --dtype fp32": LACKS.format("dtype fp16, not fp32"),
    "latency {net} --device {toy} --sort ms": "unknown sort key `ms`\n  help: keys: latency\n",
    "check {net} --max-latency 1ms": (
        "a limit on a time, and no device\n  help: as in `--max-latency 2ms --device h100`\n"
    ),
    "check {net} --max-macs 1M --device {toy}": (
        "`--device` without a limit on a time\n  help: `--max-latency 2ms` is one\n"
    ),
    "check {net} --max-latency fast --device {toy}": (
        "--max-latency fast: `fast` is no time\n  help: such as `2ms`, `850us`\n"
    ),
    "latency {net}": (
        "archprof latency: missing option `--device`\n  help: as in `archprof latency v2 --device h100`; `archprof "
        "latency --help` tells more\n"
    ),
    "latency {net} --device {toy} --layout nhwc": (
        "the profile `toy` is of layout channels_last, not nhwc\n"
        "  help: those of profiles: channels_first, channels_last; leave it out here\n"
    ),
    "latency {net} --device {toy} --against {toy}": (
        "{toy}:1:1: this is no result of a bench: `batch` is missing\n"
        "  help: `archprof bench NETWORK -o measured.json` makes one\n"
    ),
    "compare {net} --train sgd --device {toy}": (
        "`--device` and `--train` at once\n  help: a device's profile is of inference\n"
    ),
    "compare {net} --runtime torch": "`--runtime` says how a device runs networks\n  help: `--device` names one\n",
    "sweep {net} --max-latency 1ms": WHICH,
    "solve {net} --max-latency 1ms": WHICH,
    **{
        f"{command} {{net}} --max-macs 1G --kernels cpu --device {{toy}}": (
            "`--device` and `--kernels` at once\n  help: a device's kernels are its own\n"
        )
        for command in ("sweep", "solve")
    },
    "sweep {net} --train sgd --device {toy}": (
        "`--device` and `--train` at once\n  help: a device's profile is of inference\n"
    ),
}


@pytest.mark.parametrize("line", WRONG)
def test_what_contradicts_itself_is_told(capsys, toy, line):
    found = ran(capsys, line, toy)
    assert (found.code, found.err) == (2, WRONG[line].replace("{toy}", str(toy)))


def test_networks_side_by_side(capsys, toy):
    found = document(capsys, "compare {net} --device {toy}", toy)
    assert found["models"][0]["latency"]["estimates"]["latency"]["value"] == pytest.approx(0.014)
    assert found["device"]["name"] == "toy"
    by_time = document(capsys, "compare v3 v1 v2 --device h100 --sort latency", toy)["models"]
    times = [one["latency"]["estimates"]["latency"]["value"] for one in by_time]
    assert times == sorted(times)


LINES = ["--width 0.5:1:0.25 --resolution 160,224", "--width 0.75,1 --set layers[1].rows[2].k=3,5"]


@pytest.mark.few(3)
@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("model", ["mobilenet_v2", "mobilenet_v3_large", "shufflenet_v2_x1_0"])
def test_a_sweep_has_the_times_of_each_variant_alone(capsys, toy, model, line):
    if model.startswith("shuffle"):
        line = "--resolution 160:224:32"
    elif "rows" in line and model == "mobilenet_v2":
        line = "--width 0.75,1 --set layers[1].rows[2].n=3,4"
    swept = document(capsys, f"sweep {model} {line} --device h100 --batch 32", toy)["variants"]
    for one in swept:
        behind = ",".join(f"{name}={value}" for name, value in one["settings"].items())
        alone = archprof.latency(f"{model}@{behind}", device="h100", batch=32).estimate
        found = one["estimates"]["latency"]
        assert [found[end] for end in ("value", "low", "high")] == pytest.approx(alone[:3], rel=1e-5)


def test_candidates_part_ways_where_nothing_ran_yet(capsys, toy):
    """A residual's shortcut adds only where the width keeps its channels."""
    (toy.parent / "parts.yaml").write_text(
        "archprof: 1\ninput: 16x7x9\nwidth: {divisor: 8}\nlayers:\n"
        "  - {residual: {body: [{conv: {columns: [c, k], rows: [[16, 1], [1x, 1]]}}], n: 1}}\n"
    )
    found = ran(capsys, "solve {parts} --max-macs 100M --device h100", toy, parts=toy.parent / "parts.yaml")
    assert (found.code, "a fault" in found.err) == (0, False), found.err


# Sizes in no order, some of which give as many tokens or windows as others.
SIZES = {
    "deit_tiny_patch16_224": "--resolution 448,224,230 --classes 7,100",
    "cait_xxs24_224": "--resolution 256,224",
    "swin_t": "--resolution 448,224,96 --batch 32",
    "mixer_b32_224": "--resolution 256,224",
    "mobilevit_xs": "--resolution 320,224",
    "levit_128s": "--resolution 256,224 --batch 32",
    "gpt2": "--resolution 96,32,64",
    "crnn": "--set input=1x32x128,1x32x96",
    "m5": "--resolution 16000,8000",
}


@pytest.mark.few(5)
@pytest.mark.parametrize("model", SIZES)
def test_sizes_in_any_order_have_the_times_of_each_alone(capsys, toy, model):
    line = SIZES[model]
    batch = 32 if "--batch" in line else 1
    swept = document(capsys, f"sweep {model} {line} --device h100", toy)["variants"]
    assert swept
    for one in swept:
        behind = ",".join(f"{name}={value}" for name, value in one["settings"].items())
        alone = archprof.latency(f"{model}@{behind}", device="h100", batch=batch).estimate
        found = one["estimates"]["latency"]
        assert [found[end] for end in ("value", "low", "high")] == pytest.approx(alone[:3], abs=1.1e-6)


def test_channels_that_are_no_multiple_of_8_in_different_ways(capsys, toy):
    """In one class, of some kernels the input is misaligned, of others the output."""
    swept = document(capsys, "sweep mobilenet_v1 --width 0.1:0.9:0.05 --resolution 96,224 --device h100", toy)[
        "variants"
    ]
    for one in swept[::5]:
        behind = ",".join(f"{name}={value}" for name, value in one["settings"].items())
        alone = archprof.latency(f"mobilenet_v1@{behind}", device="h100").estimate
        assert one["estimates"]["latency"]["value"] == pytest.approx(alone.value, rel=1e-5)


def test_a_network_is_looked_for_that_runs_in_time(capsys, toy):
    line = "solve v2 --max-latency 0.58ms --device h100 --resolution 160:224:32"
    found = document(capsys, line, toy)
    best = found["best"]
    assert best["estimates"]["latency"]["value"] <= 0.58
    behind = ",".join(f"{name}={value}" for name, value in best["settings"].items())
    assert archprof.latency(f"v2@{behind}", device="h100").estimate.value == pytest.approx(
        best["estimates"]["latency"]["value"], rel=1e-5
    )
    assert found["limits"][0]["max"] == 580_000
    assert found["above"]["estimates"]["latency"]["value"] > 0.58


def test_in_python_it_is_what_the_command_prints(capsys, toy):
    found = archprof.latency("v3", device="h100", batch=32, width=0.75)
    line = "latency v3 --device h100 --batch 32 --width 0.75"
    assert f"{found}\n" == ran(capsys, line, toy).out
    assert found.to_dict() == document(capsys, line, toy)
    assert repr(found).startswith("<Latency of mobilenet_v3_large@width=0.75: ")
    graph = archprof.expand("v3", width=0.75)
    assert archprof.latency(graph, device="h100", batch=32).estimate == found.estimate


def test_kernels_of_the_made_up_network():
    """What the made-up device was measured on is what the network runs."""
    assert RELU.named() == {"elements": 4 * 8 * 8}
    assert NORM.named() == {"channels": 4, "places": 64}


@pytest.mark.parametrize(
    ("device", "words"),
    [("epyc", "--kernels cpu"), ("h100", "--kernels cuda --dtype fp16 --layout channels_last")],
)
def test_bytes_on_a_device_are_those_of_its_kernels(capsys, device, words):
    on = ("v1", "--device", device, "--max-peak", "1GiB", "--format", "json")
    held = json.loads(call(capsys, "memory", "v1", *words.split(), "--format", "json").out)
    swept = json.loads(call(capsys, "sweep", *on).out)
    solved = json.loads(call(capsys, "solve", *on, "--width", "1").out)
    assert swept["setup"] == solved["setup"] == held["setup"]
    assert swept["variants"][0]["totals"]["peak"] == held["peak_bytes"]
