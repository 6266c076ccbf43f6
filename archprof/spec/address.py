"""The grammar that names a place in a spec: `layers[1].rows[2].k`."""

import re
from functools import lru_cache

from archprof.errors import Location, problem
from archprof.spec.nodes import shorten

Step = str | int


class NameStep(str):
    """A step to a name that stands alone in its mapping, with its options: another name there gives way to it."""

    __slots__ = ()


# Compiled only where there is an address.
_SEGMENT = r"\.?([A-Za-z_0-9][A-Za-z0-9_-]*)|\[([0-9]{1,6})\]"


def parse_address(text: str, location: Location | None = None) -> tuple[Step, ...]:
    """Return the steps of an address: `layers[1].rows[2].k` gives ("layers", 1, "rows", 2, "k").

    Raises SpecError when the text does not follow the grammar of docs/reference/spec.md.
    """
    steps = _steps(text)
    if not steps:
        raise problem(
            f"`{shorten(text)}` is not an address",
            location,
            help="write it as `layers[1].rows[2].k`, or start with an id",
        )
    return steps


@lru_cache(maxsize=1024)
def _steps(text: str) -> tuple[Step, ...]:
    """Return the steps of an address; none of what is none."""
    steps: list[Step] = []
    segment, position = re.compile(_SEGMENT, re.ASCII), 0
    while position < len(text):
        match = segment.match(text, position)
        # A key needs a dot before it, but for the first, which must have none.
        if not match or (match[1] and (text[position] == ".") != bool(steps)) or (match[2] and not steps):
            return ()
        steps.append(match[1] if match[1] else int(match[2]))
        position = match.end()
    return tuple(steps)


def format_address(steps: tuple[Step, ...]) -> str:
    """Return the text of an address."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")
