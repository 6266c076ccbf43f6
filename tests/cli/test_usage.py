"""Wrong calls: whole messages, exit 2, nothing on standard output."""

import csv
import json

import pytest

from archprof.cli import COMMANDS
from archprof.spec import catalog
from tests.cli.console import archprof

ALONE = (
    "which only `archprof summary`, `compare`, `diff`, `explain`, `memory`, `latency`, `bench`, `report`, `draw` and "
    "`lock` take"
)
CASES = {
    "sumary v2": "archprof: no such command `sumary`\n  help: did you mean `summary`?\n",
    "mobilenetv2": (
        "archprof: no such command `mobilenetv2`\n  help: `archprof summary mobilenetv2` says what it costs\n"
    ),
    "./my_net.yaml": (
        "archprof: no such command `./my_net.yaml`\n  help: `archprof summary ./my_net.yaml` says what it costs\n"
    ),
    "efficientnet": (
        "archprof: no such command `efficientnet`\n  help: `archprof list efficientnet` shows the networks called so\n"
    ),
    "flops v2": (
        "archprof: no such command `flops`\n  help: `archprof summary NETWORK` prints params, MACs and, with "
        "`--flops`, FLOPs\n"
    ),
    "help": (
        "archprof: no such command `help`\n  help: `archprof --help`, or `archprof summary --help` for that of a "
        "command\n"
    ),
    "summary v2 --json": "archprof summary: there is no `--json`\n  help: `--format json`, or `-o FILE.json`\n",
    "compare v2 --markdown": (
        "archprof compare: there is no `--markdown`\n  help: `--format markdown`, or `-o FILE.md`\n"
    ),
    "cost --kernel 3": "archprof cost: there is no `--kernel`\n  help: `--k 3` is the kernel, of `cost`\n",
    "summary v1 --alpha 0.5": (
        "archprof summary: there is no `--alpha`\n  help: `--width 0.5` is the width multiplier\n"
    ),
    "sweep v2 --image-size 160": (
        "archprof sweep: there is no `--image-size`\n  help: `--resolution 160` is the input size\n"
    ),
    "solve v2 --max-flops 300M": (
        "archprof solve: there is no `--max-flops`\n  help: FLOPs are 2 × MACs: `--max-macs` or `--target-macs` of "
        "half as many\n"
    ),
    "sweep v2 --pareto": (
        "archprof sweep: option `--pareto` requires an argument\n  help: `archprof sweep --help` lists what there is\n"
    ),
    "check v2 --max-increase 5%": ("--max-increase 5%: `5%` states no limit\n  help: as in `--max-increase macs=5%`\n"),
    "summary .": "`.` is a directory, not a spec\n  help: name a file in it, such as `my_net.yaml`\n",
    "cost --conv conv2d": (
        "unknown kind of convolution `conv2d`\n  help: kinds: std, pw, dw, dw-linear, group, mix, bottleneck, "
        "inverted, se, linear\n"
    ),
    "cost --conv std --k 0": "`--k 0` is out of range\n  help: sides from 1 to 65,536\n",
    "cost --padding 1x70000": "`--padding 1x70000` is out of range\n  help: sides from 0 to 65,536\n",
    "cost --k 3x": "`--k 3x` is not a size\n  help: write `3`, or `1x7` (height × width)\n",
    "summary mobilenet_v2.yaml": (
        "no such file: `mobilenet_v2.yaml`\n  help: `mobilenet_v2` is in the catalog, by its name alone\n"
    ),
    "summary": (
        "archprof summary: missing argument `MODEL`\n  help: as in `archprof summary v2 --width 0.75 --resolution "
        "192`; `archprof summary --help` tells more\n"
    ),
    "diff v1": (
        "archprof diff: missing argument `B`\n  help: as in `archprof diff v1 v2`; `archprof diff --help` tells more\n"
    ),
    "summary v2 --widht 1": "archprof summary: no such option: --widht\n  help: did you mean `--width`?\n",
    "summary v2 extra": (
        "archprof summary: got unexpected extra argument(s) (extra)\n  help: as in `archprof summary v2 --width 0.75 "
        "--resolution 192`; `archprof summary --help` tells more\n"
    ),
    "summary v2 --format xml": "unknown format `xml`\n  help: formats: table, markdown, csv, json\n",
    "summary v2 --sort mac": (
        "unknown sort key `mac`\n  help: did you mean `macs`? keys: params, trainable, buffers, macs, activations\n"
    ),
    "summary v2 --set width": "`width` is not a setting\n  help: write `width=0.75`, or `layers[1].rows[2].k=5`\n",
    "summary v2 --top 0": (
        "archprof summary: `--top` takes a whole number from 1 on, not `0`\n  help: `archprof summary --help` lists "
        "what there is\n"
    ),
    "sweep v2 --batch 1.5": (
        "archprof sweep: `--batch` takes a whole number from 1 on, not `1.5`\n  help: `archprof sweep --help` lists "
        "what there is\n"
    ),
    "cost --t six": (
        "archprof cost: `--t` takes a number, not `six`\n  help: `archprof cost --help` lists what there is\n"
    ),
    "sweep v2 --timeout -1": (
        "archprof sweep: `--timeout` takes a number from 0 on, not `-1.0`\n  help: `archprof sweep --help` lists what "
        "there is\n"
    ),
    **{
        f"{command} --full --depth 1": (
            "`--full` and `--depth` at once\n  help: all rows, or folded ones: leave one out\n"
        )
        for command in ("summary v2", "memory v2", "latency v2 --device h100", "bench v2")
    },
    "list nothing*": "no network matches `nothing*`\n  help: `archprof list` without a pattern shows all\n",
    "summary mobilenet_v?": (
        "`mobilenet_v?` matches 2 networks, of which `archprof summary` takes one\n  help: mobilenet_v1, mobilenet_v2; "
        "`archprof compare` takes several\n"
    ),
    "diff v1 nothing*": "`nothing*` matches nothing\n  help: `archprof list` shows the catalog\n",
    "compare v1 no*@width=0.5": "`no*@width=0.5` matches nothing\n  help: `archprof list` shows the catalog\n",
    "show v2 --batch 8": (
        "archprof show: there is no `--batch`\n  help: counts are of one image; `memory` and `summary --bytes` take a "
        "batch and a number format\n"
    ),
    "memory v2 --batch-size 8": (
        "archprof memory: there is no `--batch-size`\n  help: `--batch 32` is the batch, of `memory` and `summary "
        "--bytes`\n"
    ),
    "sweep v2 --flops": (
        "archprof sweep: there is no `--flops`\n  help: FLOPs are 2 × MACs; `summary` and `compare` show them\n"
    ),
    "solve v2 --max macs=200M": (
        "archprof solve: there is no `--max`\n  help: limits are `--max-macs 220M`, `--max-params 4M` and the like, of "
        "`check`, `solve` and `sweep`\n"
    ),
    "solve v2 --target-params 4M": (
        "archprof solve: there is no `--target-params`\n  help: `--max-params 4M` finds the largest that fits\n"
    ),
    "solve v2 --max-macs 0.3GFLOPs": (
        "`0.3GFLOPs` counts FLOPs, the limit MACs\n  help: a MAC is two FLOPs: write half, or `0.3G` where it is one "
        "there\n"
    ),
    "check v2 --max macs": "--max macs: `macs` states no limit\n  help: as in `--max macs=220M`\n",
    "check v2 --max-increase macs": (
        "--max-increase macs: `macs` states no limit\n  help: as in `--max-increase macs=1%`\n"
    ),
    "summary v2 --input 224x224x3": (
        "resolution=224x224x3: `224x224x3` has 224 channels, the network takes 3\n  help: channels first: `3x224x224`\n"
    ),
    "summary v2 --input 1x28x28": (
        "resolution=1x28x28: `1x28x28` has 1 channel, the network takes 3\n  help: `--set input=1x28x28` changes them\n"
    ),
    "summary v2 --input 1x3x224x224": (
        "resolution=1x3x224x224: `1x3x224x224` has a batch\n  help: without it: `3x224x224`\n"
    ),
    "summary v2 --input 3,224,224": (
        "resolution=3,224,224: expected a resolution, not `3,224,224`\n  help: write `3x224x224`\n"
    ),
    "summary v2 --input (224,224)": (
        "resolution=(224,224): expected a resolution, not `(224,224)`\n  help: write `224x224`\n"
    ),
    "summary v2 --input large": (
        "resolution=large: expected a resolution, not `large`\n  help: as in `192`, `192x256` or `3x192x256`\n"
    ),
    "sweep v2 --input 3x64x64,1x64x64": (
        "resolution=1x64x64: `1x64x64` has 1 channel, the network takes 3\n  help: `--set input=1x64x64` changes them\n"
    ),
    **{
        f"{command} {model}": f"`{model}` is {what}, {ALONE}\n  help: {more}`archprof lock` writes it to a file, "
        "`x.lock.json`, for `check`; the rest needs a block table\n"
        for command, model, what, more in (
            ("show", "torchvision:resnet50", "a model of torchvision", "`resnet50` is in the catalog; "),
            ("sweep", "timm:beit_base_patch16_224", "a model of timm", ""),
            ("show", "x.py:Net", "Python code", ""),
            ("validate", "nets.small:Net(width=0.5)", "Python code", ""),
        )
    },
    "verify --analytic x.pth": (
        "`x.pth` is a file of torch, which archprof does not take yet\n  help: it takes networks of the catalog "
        "(`archprof list`), specs, locks of models, programs of torch.export and ONNX files: `my_net.yaml`, "
        "`exported.pt2`, `net.onnx`, `git:REV:path`, `-`\n"
    ),
    "summary nets/x.onnx": "no such file: `nets/x.onnx`\n  help: a path counts from the current folder\n",
    "show torchvision.models.resnet50": (
        "there is no network `torchvision.models.resnet50`\n  help: a model of torchvision is written "
        "`torchvision:resnet50`\n"
    ),
    "summary net.py": (
        "`net.py` is Python code, and no network yet\n"
        "  help: name a module, a class or a function in it: `net.py:Net`\n"
    ),
    "schema sumary": "there is no schema `sumary`\n  help: did you mean `summary`?\n",
    "summary v2 --counter torch": "`--counter` counts nothing without `--measure`\n",
    "cost --conv grup": "unknown kind of convolution `grup`\n  help: did you mean `group`?\n",
    "cost --conv group --in 64 --groups 3": (
        "64 input channels are not divisible by 3 groups\n  help: choose groups that divide both\n"
    ),
    "cost --conv std --k 3+5": (
        "several kernels mixed in `std`\n  help: a plus mixes kernels, for `--conv mix`; a comma lists them\n"
    ),
    "cost --conv std --size 4 --k 7 --padding 0": "a window of 7 is larger than the padded input of 4\n",
    "cost --conv std --groups 4": (
        "`--groups` means nothing to `--conv std`\n  help: leave it out, or ask for another kind\n"
    ),
    "cost --conv std,se --t 4": "`--t` means nothing to `--conv std,se`\n",
    "cost --conv mix --out 80": "`--out` means nothing to `--conv mix`\n",
    "cost --versus std:k=3,groups=2": "`groups` means nothing in `--versus std:k=3,groups=2`\n",
    "cost --versus std:kk=3": (
        "`kk=3` in `--versus std:kk=3` is no option\n  help: write `k=3,n=2`; options: k, n, in, "
    ),
    "compare v1 v2 --by stge": "unknown grouping `stge`\n  help: did you mean `stage`? groupings: stage, kind, layer\n",
    "diff v1 v2 --ignore nrm": "`--ignore nrm` names no kind and no field\n  help: did you mean `norm`?\n",
    "summary mobilenet_v4": "there is no network `mobilenet_v4`\n  help: did you mean `mobilenetv4_conv_large` or",
}


@pytest.mark.parametrize("arguments", CASES)
def test_message(capsys, arguments):
    result = archprof(capsys, *arguments.split())
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(CASES[arguments])


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("mobilenet-v3-large-paper", "mobilenet_v3_large_paper lraspp_mobilenet_v3_large_paper"),
        ("WideResNet", "wide_resnet101_2 wide_resnet50_2"),
        ("SPNASNet", "spnasnet_100"),
        ("*minimalistic", "mobilenet_v3_large_minimalistic mobilenet_v3_small_minimalistic"),
        ("with 5×5", "vgg13_5x5 vgg16_5x5"),
    ],
)
def test_list_looks_for_a_word_in_names_aliases_and_titles(capsys, pattern, names):
    listed = archprof(capsys, "list", pattern, "--format", "csv").out.splitlines()[1:]
    assert [line.partition(",")[0] for line in listed] == names.split()


@pytest.mark.parametrize(
    ("arguments", "models"),
    [
        ("compare vgg1?_bn@classes=10 MobileNetV2", ["vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn", "mobilenet_v2"]),
        ("sweep ghostnet-1* --classes 10", ["ghostnet_100", "ghostnet_130"]),
        ("check ghostnet-1* --max-macs 1G", ["ghostnet_100", "ghostnet_130"]),
    ],
)
def test_commands_that_take_many_take_patterns(capsys, arguments, models):
    result = archprof(capsys, *arguments.split(), "--format", "csv")
    named = [word for line in result.out.splitlines() for word in line.replace("@", ",").split(",")]
    assert result.code == 0
    assert [word for word in dict.fromkeys(named) if word in catalog.files()] == models


def test_ratios_relate_to_a_network_of_any_spelling(capsys):
    exact = archprof(capsys, "compare", "v1", "v2", "--relative-to", "mobilenet_v2")
    assert archprof(capsys, "compare", "v1", "v2", "--relative-to", "MobileNetV2") == exact


def test_ratios_relate_to_a_file_as_it_is_typed(capsys, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("archprof: 1\nextends: mobilenet_v2\nname: its_own\n")
    for typed in (str(path), f"{path}@width=0.5"):
        models = ("v1", str(path), f"{path}@width=0.5")
        exact = archprof(capsys, "compare", *models, "--relative-to", typed.replace(str(path), "its_own"))
        assert exact.code == 0
        assert archprof(capsys, "compare", *models, "--relative-to", typed) == exact


@pytest.mark.parametrize("command", ["summary", "show", "validate", "explain", "solve --max-macs 200M"])
@pytest.mark.parametrize("model", ["MobileNetV2@resolution=96", "mobilenet_v2*@resolution=96"])
def test_every_command_knows_a_network_by_any_spelling(capsys, command, model):
    name, *options = command.split()
    exact = archprof(capsys, name, "mobilenet_v2@resolution=96", *options)
    assert archprof(capsys, name, model, *options) == exact
    assert exact.err == ""


@pytest.mark.parametrize(
    ("first", "exact"),
    [
        ("summary v2 --input 3x192x160", "summary v2 --resolution 192x160"),
        ("compare v2 --resolution 3×512×512", "compare v2@resolution=512"),
        ("solve v2 --max-macs 0.15GMACs", "solve v2 --max-macs 150M"),
        ("solve v2 --max-macs 1.5e8", "solve v2 --max-macs 150M"),
        ("sweep v2 --max-params 3.5e6 --width 0.5,1", "sweep v2 --max-params 3.5M --width 0.5,1"),
        ("cost --conv standard,depthwise,pointwise,grouped", "cost --conv std,dw,pw,group"),
        ("cost --conv Depthwise_Separable,inverted_residual", "cost --conv dw,inverted"),
    ],
)
def test_what_people_type_first(capsys, first, exact):
    expected, found = (archprof(capsys, *line.split(), "--format", "json") for line in (exact, first))
    assert (found.code, found.err) == (0, "")
    assert _totals(json.loads(found.out)) == _totals(json.loads(expected.out))


@pytest.mark.parametrize(
    ("typed", "named"),
    [("3x192x192", "192"), ("192x192", "192"), ("0192", "192"), ("3×192×160", "192x160"), ("192x160", "192x160")],
)
def test_a_resolution_is_named_in_the_fewest_words(capsys, typed, named):
    found = archprof(capsys, "summary", f"v2@resolution={typed}", "--format", "json").out
    assert json.loads(found)["model"] == f"mobilenet_v2@resolution={named}"
    swept = archprof(capsys, "sweep", "v2", "--input", f"{typed},{named}", "--format", "json").out
    assert [one["settings"] for one in json.loads(swept)["variants"]] == [{"resolution": named}]
    for command, key in (("check --max-macs 1G", "models"), ("verify --analytic", "proofs")):
        told = archprof(capsys, *command.split(), f"v2@resolution={typed}", "--format", "json").out
        assert f"mobilenet_v2@resolution={named}" in [one["model"] for one in json.loads(told)[key]]
    solved = archprof(capsys, "solve", "v2", "--max-macs", "150M", "--input", typed, "--format", "json").out
    assert json.loads(solved)["best"]["settings"]["resolution"] == named


def _totals(document):
    """Return the numbers of a document, without the words that they were asked for with."""
    if isinstance(document, dict):
        return {key: _totals(value) for key, value in document.items()}
    if isinstance(document, list):
        return [_totals(one) for one in document]
    return document if isinstance(document, int) else None


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_has_a_short_form_everywhere(capsys, option):
    assert archprof(capsys, option).out.startswith("Usage: archprof [OPTIONS] COMMAND")
    for command in COMMANDS:
        assert f"Usage: archprof {command} [OPTIONS]" in archprof(capsys, command, option).out


@pytest.mark.parametrize("command", ["summary v2", "summary v2 --full", "compare v2", "compare v1 v2 --by layer"])
def test_flops_are_twice_the_macs(capsys, command):
    """In every format that machines read, and there only where they are asked for."""
    for view, asked in ((command, False), (f"{command} --flops", True)):
        rows = [*csv.DictReader(archprof(capsys, *view.split(), "--format", "csv").out.splitlines())]
        counts = [*_counts(json.loads(archprof(capsys, *view.split(), "--format", "json").out))]
        assert len(rows) > 0 < len(counts)
        assert all(("flops" in one) == asked for one in (*rows, *counts))
        if asked:
            assert all(int(one["flops"]) == 2 * int(one["macs"]) for one in (*rows, *counts))


def _counts(document):
    """Every object of a document that has all counts."""
    inner = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    if isinstance(document, dict) and {"macs", "buffers"} <= document.keys():
        yield document
    for one in inner:
        yield from _counts(one)


@pytest.mark.parametrize("format", ["table", "markdown"])
@pytest.mark.parametrize("command", ["summary v2", "compare v1 v2"])
def test_flops_have_a_column(capsys, command, format):
    line = (*command.split(), "--format", format)
    # 2 × 300,774,272 of MobileNetV2, and 2 × 10,838,016 of its first layer
    count = "601,548,544" if command.startswith("compare") else "21,676,032"
    plain, asked = archprof(capsys, *line).out, archprof(capsys, *line, "--flops").out
    assert ("FLOPs (2 × MACs)" in plain, count in plain) == (False, False)
    assert ("FLOPs (2 × MACs)" in asked, count in asked) == (True, True)


def test_help_without_arguments(capsys):
    assert archprof(capsys) == archprof(capsys, "--help")
    assert archprof(capsys).out.startswith("Usage: archprof [OPTIONS] COMMAND")


def test_exit_code_of_a_difference(capsys):
    assert archprof(capsys, "diff", "v1", "v2").code == 0
    assert archprof(capsys, "diff", "v1", "v2", "--exit-code").code == 1
    assert archprof(capsys, "diff", "v1", "v1", "--exit-code").code == 0
