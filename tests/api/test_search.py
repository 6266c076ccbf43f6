"""`archprof.search`: spaces by name, in the words of the command line."""

import json

import pytest

import archprof
from tests.cli.console import archprof as call

NAS = "space_nats_size"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", {}),
        ("--max-macs 20M --sample 3 --seed 2", {"max_macs": "20M", "sample": 3, "seed": 2}),
        ("--maximize params --top 2 --max-macs 20000000", {"maximize": "params", "top": 2, "max_macs": 20_000_000}),
        ("--pareto macs,-params", {"pareto": ("macs", "-params")}),
        ("--histogram macs --bins 4 --quantiles 0.25,0.5", {"histogram": "macs", "bins": 4, "quantiles": (0.25, 0.5)}),
        ("--resolution 32:64:32", {"resolution": "32:64:32"}),
        ("--sample 1 --max-peak 200KiB --dtype int8", {"sample": 1, "max_peak": "200KiB", "dtype": "int8"}),
        ("--sample 1 --drawn", {"sample": 1, "drawn": True}),
        ("--minimize latency --device h100 --max-macs 4M", {"minimize": "latency", "device": "h100", "max_macs": "4M"}),
    ],
)  # fmt: skip
def test_it_is_what_the_command_prints(capsys, line, words):
    found = archprof.search(NAS, **words)
    assert f"{found}\n" == call(capsys, "space", NAS, *line.split()).out
    assert found.to_dict() == json.loads(call(capsys, "space", NAS, *line.split(), "--format", "json").out)


def test_draws_are_left_out_by_their_places(capsys):
    """Five widths, of eight each: without two of them 8³ networks are left."""
    places = [place for one in archprof.search(NAS).choices if (place := one.place)]
    first, second = list(dict.fromkeys(places))[:2]
    found = archprof.search(NAS, {first: 8, second: 64})
    assert found.networks == 8**3
    assert repr(found) == f"<Space of {found.model}: 512 networks>"
    assert isinstance(found, archprof.Space)
    assert "<table>" in found._repr_html_()


def test_what_is_found_is_loaded_by_its_rank():
    found = archprof.search("space_ofa_mbv3", max_macs="200M", sample=2)
    assert [archprof.analyze("space_ofa_mbv3", network=one.network).totals for one in found.found] == [
        one.totals for one in found.found
    ]
    assert repr(found) == (
        "<Space of space_ofa_mbv3: 21,758,655,492,572,485,851 networks, 8,771,878,157,810 within the limits>"
    )


@pytest.mark.parametrize(
    ("model", "words", "message"),
    [
        (NAS, {"sample": 1, "minimize": "macs"}, "`sample` and `minimize` at once"),
        (NAS, {"drawn": True}, "`drawn` without `sample`"),
        (NAS, {"max_peak": "1MiB"}, "`max_peak` of networks that are not looked at one by one"),
        (NAS, {"max_latency": "1ms"}, 'latency on which device?\n  help: `device="h100"`, or'),
        (NAS, {"runtime": "torch"}, "`runtime` says how a device runs networks\n  help: `device` names one"),
        (NAS, {"dtype": "fp16"}, "how bytes are counted, but no limit on them\n  help: `max_peak` or `max_weights`"),
        (NAS, {"maximize": "score"}, "`maximize` names no count: `score`\n  help: `scores` says what"),
        (NAS, {"pareto": "macs"}, 'a front of 1 count\n  help: two or three: `pareto="macs,-score"`'),
        (NAS, {"quantiles": (2,)}, "quantiles 2: `2` is out of range"),
        (NAS, {"top": 0}, "`top` is a number from 1 on, not int `0`"),
        (NAS, {"max_macs": "much"}, "`much` is not a number as papers print them"),
        (NAS, {"fix": ["k"]}, "expected settings by address, not list"),
        ("mobilenet_v2", {}, "`mobilenet_v2` is one network: it leaves nothing to choose"),
        (3, {}, "`search` takes the name of a network, not int `3`"),
    ],
)
def test_what_it_does_not_take(model, words, message):
    with pytest.raises(archprof.ArchprofError) as raised:
        archprof.search(model, **words)
    assert str(raised.value).startswith(message)
