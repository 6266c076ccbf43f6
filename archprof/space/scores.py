"""Scores of choices, from a table: what a space gains by each option, as one more sum along its networks."""

import csv
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from io import StringIO

from archprof.errors import Location, Problems, problem, suggest
from archprof.inputs import read_bytes
from archprof.limits import MAX_BYTES
from archprof.named_tuple import NamedTuple
from archprof.space.automaton import Arc, Automaton
from archprof.space.build import Space, Step
from archprof.spec.choices import option_text

SCORE = "score"
_COLUMNS = ("place", "choice", "score")
# More decimals than any training prints.
_MOST_DECIMALS = 9
_LARGEST = Decimal(10) ** 6


class Scores(NamedTuple):
    """Scores by place and option, as integers of which *scale* are 1."""

    of: Mapping[tuple[str, str], int]
    scale: int
    places: Mapping[tuple[str, str], Location]


def read_scores(path: str) -> Scores:
    """Return the scores of a CSV file with the columns `place`, `choice` and `score`.

    Raises SpecError with every line that is none.
    """
    try:
        data = read_bytes(path, MAX_BYTES + 1).decode("utf-8-sig")
    except (OSError, ValueError) as error:
        raise problem(f"cannot read `{path}`: {getattr(error, 'strerror', None) or error}".lower()) from None
    if len(data) > MAX_BYTES:
        raise problem(f"`{path}` is larger than 1 MiB, the limit of a table of scores")
    lines = csv.reader(StringIO(data, newline=""))
    if tuple(next(lines, ())) != _COLUMNS:
        raise problem("expected the columns `place,choice,score`", Location(path, 1, 1))
    problems = Problems()
    found: dict[tuple[str, str], Decimal] = {}
    places: dict[tuple[str, str], Location] = {}
    for line in lines:
        here = Location(path, lines.line_num, 1)
        with problems:
            if not line:
                continue
            if len(line) != len(_COLUMNS):
                raise problem(f"a line of {len(line)} cells, not {len(_COLUMNS)}", here)
            key = (line[0].strip(), line[1].strip())
            if key in found:
                raise problem(f"`{key[0]}` has two scores for `{key[1]}`", here)
            found[key], places[key] = _score(line[2], here), here
    problems.raise_any()
    if not found:
        raise problem(f"`{path}` has no scores", Location(path, 1, 1))
    decimals = max(max(-int(score.as_tuple().exponent), 0) for score in found.values())
    scale = 10**decimals
    return Scores({key: int(score * scale) for key, score in found.items()}, scale, places)


def _score(text: str, here: Location) -> Decimal:
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        raise problem(f"`{text[:40]}` is not a number", here) from None
    if not value.is_finite() or abs(value) > _LARGEST:
        raise problem(f"`{text[:40]}` is out of range", here, help=f"at most {_LARGEST:,}")
    if -int(value.as_tuple().exponent) > _MOST_DECIMALS:
        raise problem(f"`{text[:40]}` has too many decimals", here, help=f"round it to {_MOST_DECIMALS}")
    return value


def scored(space: Space, scores: Scores) -> Space:
    """Return a space with scores as one more metric of its automaton; options that no line names score 0.

    A line speaks of a place, `layers[1].rows[0].k`, at each repeat, or of one repeat of it, `layers[1].rows[0].k[2]`.
    Raises SpecError for lines that name no place or no option.
    """
    _check(space, scores)
    arcs = tuple(
        tuple([Arc(arc.target, (*arc.costs, _sum(space, scores, step))) for arc, step in zip(own, steps, strict=True)])
        for own, steps in zip(space.automaton.arcs, space.steps, strict=True)
    )
    automaton = Automaton((*space.automaton.metrics, SCORE), arcs)
    return space._replace(automaton=automaton)


def _sum(space: Space, scores: Scores, step: Step) -> int:
    drawn = ((draw.place, option_text(draw.options[digit])) for draw, digit in space.draws_of(step))
    return sum(_of(scores, place, option, step.repeat) for place, option in drawn)


def _of(scores: Scores, place: str, option: str, repeat: int) -> int:
    own = scores.of.get((f"{place}[{repeat}]", option), 0) if repeat >= 0 else 0
    return scores.of.get((place, option), 0) + own


def _check(space: Space, scores: Scores) -> None:
    known = dict(_named(space))
    repeated = {
        f"{draw.place}[{step.repeat}]": draw.place
        for steps in space.steps
        for step in steps
        if step.repeat >= 0
        for draw, _ in space.draws_of(step)
    }
    problems = Problems()
    for place, option in scores.of:
        here = scores.places[place, option]
        at = place if place in known else repeated.get(place, "")
        if not at:
            advice = suggest(place, (*known, *repeated), "draws", known)
            problems.add(f"`{place}` is no draw of this space", here, help=advice)
        elif option not in known[at]:
            problems.add(f"`{place}` never draws `{option}`", here, help=f"one of {', '.join(known[at])}")
    problems.raise_any()


def _named(space: Space) -> Iterator[tuple[str, tuple[str, ...]]]:
    for draw in space.choices.draws():
        yield draw.place, tuple(map(option_text, draw.options))
