"""Wrong calls: whole messages, exit 2, nothing on standard output."""

import pytest

from archprof.spec import catalog
from tests.cli.console import archprof

CASES = {
    "sumary v2": "archprof: no such command `sumary`\n  help: did you mean `summary`?\n",
    "summary": "archprof summary: missing argument `MODEL`\n  help: `archprof summary --help` lists what there is\n",
    "summary v2 --widht 1": "archprof summary: no such option: --widht\n  help: did you mean `--width`?\n",
    "summary v2 extra": (
        "archprof summary: got unexpected extra argument(s) (extra)\n  help: `archprof summary --help` lists what "
        "there is\n"
    ),
    "summary v2 --format xml": "unknown format `xml`\n  help: formats: table, markdown, csv, json\n",
    "summary v2 --sort mac": (
        "unknown sort key `mac`\n  help: did you mean `macs`? keys: params, trainable, buffers, macs, activations\n"
    ),
    "summary v2 --set width": "`width` is not a setting\n  help: write `width=0.75`, or `layers[1].rows[2].k=5`\n",
    "summary v2 --top 0": (
        "archprof summary: invalid value for `--top`: 0 is not in the range x>=1\n  help: `archprof summary --help` "
    ),
    "list nothing*": "no network matches `nothing*`\n  help: `archprof list` without a pattern shows all\n",
    "summary mobilenet_v?": (
        "`mobilenet_v?` matches 2 networks, of which `archprof summary` takes one\n  help: mobilenet_v1, mobilenet_v2; "
        "`archprof compare` takes several\n"
    ),
    "diff v1 nothing*": "`nothing*` matches nothing\n  help: `archprof list` shows the catalog\n",
    "compare v1 no*@width=0.5": "`no*@width=0.5` matches nothing\n  help: `archprof list` shows the catalog\n",
    "schema sumary": "there is no schema `sumary`\n  help: did you mean `summary`?\n",
    "summary v2 --counter torch": "`--counter` counts nothing without `--measure`\n",
    "cost --conv grup": "unknown kind of convolution `grup`\n  help: did you mean `group`?\n",
    "cost --conv group --in 64 --groups 3": (
        "64 input channels are not divisible by 3 groups\n  help: choose groups that divide both\n"
    ),
    "cost --conv std --k 3+5": (
        "several kernels mixed in `std`\n  help: a plus mixes kernels, for `--conv mix`; a comma lists them\n"
    ),
    "cost --conv std --k 0": "`--k 0` is not a size\n  help: write `3`, or `1x7` (height × width)\n",
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
    "summary mobilenet_v4": "there is no network `mobilenet_v4`\n  help: did you mean `mobilenet_v",
}


@pytest.mark.parametrize("arguments", CASES)
def test_message(capsys, arguments):
    result = archprof(capsys, *arguments.split())
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(CASES[arguments])


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("mobilenet-v2", "mobilenet_v2"),
        ("MobileNetV2", "mobilenet_v2"),
        ("SE-ResNet", "se_resnet50"),
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


@pytest.mark.parametrize("command", ["summary", "show", "validate", "explain", "solve --max-macs 200M"])
@pytest.mark.parametrize("model", ["MobileNetV2@width=0.5", "mobilenet_v2*@width=0.5"])
def test_every_command_knows_a_network_by_any_spelling(capsys, command, model):
    name, *options = command.split()
    exact = archprof(capsys, name, "mobilenet_v2@width=0.5", *options)
    assert archprof(capsys, name, model, *options) == exact
    assert exact.err == ""


def test_help_without_arguments(capsys):
    assert archprof(capsys) == archprof(capsys, "--help")
    assert archprof(capsys).out.startswith("Usage: archprof [OPTIONS] COMMAND")


@pytest.mark.parametrize(
    "command", ["summary", "show", "list", "validate", "schema", "verify", "cost", "diff", "compare"]
)
def test_every_command_has_help(capsys, command):
    result = archprof(capsys, command, "--help")
    assert (result.code, result.err) == (0, "")
    assert f"Usage: archprof {command} [OPTIONS]" in result.out


def test_exit_code_of_a_difference(capsys):
    assert archprof(capsys, "diff", "v1", "v2").code == 0
    assert archprof(capsys, "diff", "v1", "v2", "--exit-code").code == 1
    assert archprof(capsys, "diff", "v1", "v1", "--exit-code").code == 0
