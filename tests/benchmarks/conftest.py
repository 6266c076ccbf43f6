"""Figures that benchmarks note down are printed as a table at the end."""

import pytest

FIGURES: list[tuple[str, str, str]] = []


@pytest.fixture
def note():
    """A function that notes what was measured, its value, and the goal."""
    return lambda what, value, goal: FIGURES.append((what, value, goal))


def pytest_terminal_summary(terminalreporter):
    widths = [max(map(len, column)) for column in zip(*FIGURES, strict=True)]
    terminalreporter.section("figures")
    for line in FIGURES:
        terminalreporter.write_line("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)))
