"""Wrong calls: whole messages, exit 2, nothing on standard output."""

import pytest

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
