"""How far long work has come, for whoever shows it."""

from collections.abc import Callable

# Is told, before each step, how many steps are done, of how many, and the name of the next.
Told = Callable[[int, int, str], None]


def untold(done: int, size: int, step: str) -> None:
    """Tell nobody."""
