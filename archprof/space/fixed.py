"""Draws of a space that are left out: each is one that it has, at one of its options."""

from collections.abc import Sequence

from archprof.errors import suggest, usage_error
from archprof.language.spellings import spellings
from archprof.space.report import Request
from archprof.spec.choices import Draw, option_text
from archprof.spec.load import resolve
from archprof.spec.variant import Setting

# Which of two options it is may be written in several ways.
_FLAGS = ("true", "false", "yes", "no", "✓", "✗", "-")


def check_fixed(request: Request, fixed: Sequence[Setting], written: str) -> None:
    """Raise UsageError for a setting, which is *written* so (`--fix`), that leaves no draw out or is none of its
    options."""
    settings = list(request.settings)
    for place, value in fixed:
        before, named = _draws(request, settings), f"`{written} {place}={value}`"
        at = place.rpartition("[")[0]
        if place not in before and at in before:
            advice = f"all that it has are one: `{written} {at}={value}`"
            raise usage_error(f"{named} of one repeat", help=advice)
        settings.append((place, value))
        left_out = before.keys() - _draws(request, settings).keys()
        if not left_out:
            raise usage_error(f"{named} leaves no draw out", help=suggest(place, before, "draws"))
        known = {option_text(option) for name in left_out for option in before[name].options}
        if len(left_out) == 1 and value not in (*known, *_FLAGS):
            options = ", ".join(map(option_text, before[place].options[:20])) if place in before else ""
            raise usage_error(f"{named} is never drawn", help=f"one of {options}" if options else "")


def _draws(request: Request, settings: Sequence[Setting]) -> dict[str, Draw]:
    tree, behind = request._replace(settings=()).read()
    found = resolve(tree, (*behind, *settings), spellings).open
    return {} if found is None else {draw.place: draw for draw in found.choices.draws()}
