"""Every wrong argument to the Python API is answered in plain words, by an error of ours."""

from pathlib import Path

import pytest

import archprof
from archprof.errors import UsageError

NAMED = 'as in `"mobilenet_v2"`, or the path of a file: `"specs/mine.yaml"`'
LATE = 'set it by name, as in `archprof.load("mobilenet_v2", width=0.75)`'
FUNCTIONS = [archprof.load, archprof.expand, archprof.analyze, archprof.build]


def said(error: pytest.ExceptionInfo[archprof.ArchprofError]) -> list[str]:
    return str(error.value).split("\n  help: ")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (None, "None"),
        ({}, "dict `{}`"),
        (5, "int `5`"),
        (["mobilenet_v2"], "list `['mobilenet_v2']`"),
        (dict, "the class `dict`"),
        (b"mobilenet_v2", "bytes `b'mobilenet_v2'`"),
        ("x " * 30, None),
    ],
)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_names_no_network(function, given, shown):
    with pytest.raises(archprof.InputError) as error:
        function(given)
    if shown is not None:
        assert said(error) == [f"`{function.__name__}` takes the name of a network, not {shown}", NAMED]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_path_may_be_an_object(function):
    with pytest.raises(archprof.SpecError, match=r"^no such file: `none/of\.yaml`"):
        function(Path("none/of.yaml"))
    with pytest.raises(archprof.SpecError, match=r"no such file: `\./mobilenet_v2`"):
        function(Path("mobilenet_v2"))


@pytest.mark.parametrize("function", FUNCTIONS[1:])
def test_settings_that_come_too_late(function):
    spec = archprof.load("mobilenet_v2")
    for given, kind in ((spec, "Spec"), (archprof.expand(spec), "Graph")):
        with pytest.raises(UsageError) as error:
            function(given, width=0.5)
        assert said(error) == [f"a {kind} has its settings already: `width` comes too late", LATE]


def test_a_graph_is_taken_everywhere():
    graph = archprof.expand("mobilenet_v2", width=0.5)
    assert archprof.expand(graph) is graph
    assert archprof.analyze(graph).totals == archprof.analyze("mobilenet_v2", width=0.5).totals


@pytest.mark.parametrize("settings", [5, ["width"], "width=2"])
def test_settings_that_are_no_mapping(settings):
    with pytest.raises(UsageError) as error:
        archprof.load("mobilenet_v2", settings)
    kind = type(settings).__name__
    help = 'as in `load("mobilenet_v2", {"layers[1].rows[2].k": 5}, width=0.75)`'
    assert said(error) == [f"expected settings by address, not {kind} `{settings}`", help]


def test_words_that_compare_and_diff_do_not_take():
    with pytest.raises(UsageError) as error:
        archprof.compare("v2", "v3", relative_to=1)  # type: ignore[arg-type]
    assert said(error) == ["`relative_to` is the name of a network, not int `1`"]
    with pytest.raises(UsageError) as error:
        archprof.diff("v2", "v3", ignore=("norms",))
    assert said(error)[0] == "`ignore norms` names no kind and no field"
    assert repr(archprof.diff("v2", "v3", ignore="norm")) == repr(archprof.diff("v2", "v3", ignore=("norm",)))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"quantiles": 0.5}, "`quantiles` are words or numbers in a row, not float `0.5`"),
        ({"pareto": 3}, "`pareto` are words or numbers in a row, not int `3`"),
        ({"pareto": ["macs", 3]}, "`pareto` are words or numbers in a row, not list `['macs', 3]`"),
        ({"minimize": 3}, "`minimize` is the name of a count, not int `3`"),
        ({"histogram": "macs", "bins": 20_000}, "a histogram of 20,000 bins"),
        ({"sample": 2, "seed": -1}, "`seed` is a number from 0 on, not int `-1`"),
        ({"seed": "a"}, "`seed` is a number from 0 on, not str `a`"),
    ],
)
def test_words_that_search_does_not_take(words, message):
    with pytest.raises(UsageError) as error:
        archprof.search("space_nats_size", **words)
    assert said(error)[0] == message
