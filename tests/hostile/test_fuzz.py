"""Whatever is typed, beside whatever files, is answered or refused in words: no traceback, no silent exit, nothing that
a terminal obeys, and in time."""

import pytest

from tests.hostile.fuzz import case, play

PARTS = 20
CASES, THOROUGH = 500, 100_000


@pytest.mark.parametrize("part", range(PARTS))
def test_any_case(tmp_path, monkeypatch, request, part):
    """`python -m tests.hostile.fuzz NUMBER` shows a case that is named here."""
    monkeypatch.chdir(tmp_path)
    count = THOROUGH if request.config.getoption("--thorough") else CASES
    ended = ((number, play(case(number))) for number in range(part, count, PARTS))
    assert [(number, one.wrong) for number, one in ended if one.wrong] == []


def test_cases_are_those_of_their_numbers():
    assert case(4711) == case(4711) != case(4712)


def test_some_cases_are_answered(tmp_path, monkeypatch):
    """A trial whose every case is refused at the first line would find little."""
    monkeypatch.chdir(tmp_path)
    codes = [play(case(number)).code for number in range(300)]
    assert {0, 1, 2} == set(codes)
    assert sum(code < 2 for code in codes) > 20
