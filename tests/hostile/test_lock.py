"""Locks whose values anybody has changed: counted or refused, never a fault of ours."""

import json
import random
from typing import Any

import pytest

from tests.cli.console import archprof
from tests.docs.markdown import ROOT

LOCK = (ROOT / "tests" / "captures" / "schema_1.lock.json").read_text(encoding="utf-8")
VALUES: tuple[Any, ...] = (
    *(0, 1, 2, 3, 8, 16, 2**31, 2**53, 10**40, -1, 1.5, 1e300, True, None, [], {}, [0], [1, 1], [8, 16, 16], [1] * 63),
    *("", "x", "a.b", "a#2", ":", "::error::", "\x1b[2J", "é", "\u202e", "module", "complex64"),
    *("Conv2d", "Linear", "Split", "Concat", "Mean", "Permute", "MaxPool2d", "GroupNorm", "Unflatten", "ResizeLike"),
)
COMMANDS = (
    "summary net.lock.json",
    "summary net.lock.json --full --format json",
    "compare net.lock.json v1",
    "diff net.lock.json old.lock.json",
    "check net.lock.json --max-macs 1M",
)


def changed(found, dice):
    """Return the lock with another value somewhere, of the same type more often than not."""
    places: list[tuple[Any, Any]] = [(found, "nodes")]
    for holder, key in places:
        inner = holder[key]
        keys = inner.keys() if isinstance(inner, dict) else range(len(inner)) if isinstance(inner, list) else ()
        places += [(inner, one) for one in keys]
    holder, key = dice.choice(places[1:])
    alike = [value for value in VALUES if type(value) is type(holder[key])]
    holder[key] = dice.choice(alike if alike and dice.random() < 0.7 else VALUES)
    return found


@pytest.mark.few(30)
@pytest.mark.parametrize("seed", range(60))
def test_no_value_is_a_fault_of_ours(capsys, tmp_path, monkeypatch, seed):
    monkeypatch.chdir(tmp_path)
    found = changed(json.loads(LOCK), random.Random(seed))
    (tmp_path / "old.lock.json").write_text(LOCK)
    (tmp_path / "net.lock.json").write_text(json.dumps(found))
    for line in COMMANDS:
        result = archprof(capsys, *line.split())
        assert result.code in (0, 1, 2)
        assert "a fault of archprof" not in result.err
        assert "\x1b" not in result.out + result.err
        assert not any(text.startswith("::") for text in (result.out + result.err).splitlines())
