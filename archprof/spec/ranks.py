"""Networks of a space by rank: which network a number is, which number a network has, and what stands for the space."""

from collections.abc import Iterator

from archprof.errors import Location, problem
from archprof.spec.choices import Choices, Draw, LayerPick, Pick, RowDraws, RowForms, RowPick, ways
from archprof.spec.nodes import Node


def pick(choices: Choices, rank: int) -> Pick:
    """Return the network of a *rank*, which is at least 0 and below the number of networks.

    Digits in a mixed radix, the first draw the most significant: knobs, then layer by layer its table's draws, and row
    by row its form, those made once, the depth (options in their order), those of the repeats one after the other.
    """
    left = rank
    layers: dict[int, LayerPick] = {}
    for index, layer in reversed(list(choices.layers.items())):
        rows: list[RowPick] = []
        for row in reversed(layer.rows):
            left, within = divmod(left, row.networks)
            rows.append(_pick_row(row, within))
        left, within = divmod(left, ways(layer.table))
        layers[index] = LayerPick(_digits(layer.table, within), tuple(reversed(rows)))
    return Pick(_digits(choices.knobs, left), dict(sorted(layers.items())))


def _pick_row(row: RowForms, rank: int) -> RowPick:
    form = 0
    while rank >= (number := row.forms[form].networks):
        rank -= number
        form += 1
    return _pick_form(row.forms[form], rank)._replace(form=form)


def _pick_form(row: RowDraws, rank: int) -> RowPick:
    each = ways(row.each)
    once, within = divmod(rank, sum(each**repeats for repeats in row.repeats))
    depth = 0
    while within >= (number := each ** row.repeats[depth]):
        within -= number
        depth += 1
    drawn: list[tuple[int, ...]] = []
    for _ in range(row.repeats[depth]):
        within, one = divmod(within, each)
        drawn.append(_digits(row.each, one))
    return RowPick(_digits(row.once, once), depth, tuple(reversed(drawn)))


def _digits(draws: tuple[Draw, ...], rank: int) -> tuple[int, ...]:
    digits = []
    for draw in reversed(draws):
        rank, digit = divmod(rank, len(draw.options))
        digits.append(digit)
    return tuple(reversed(digits))


def rank_of(choices: Choices, picked: Pick) -> int:
    """Return the rank of a network: the inverse of `pick`."""
    rank = _number(choices.knobs, picked.knobs)
    for index, layer in choices.layers.items():
        drawn = picked.layers[index]
        rank = rank * ways(layer.table) + _number(layer.table, drawn.table)
        for row, own in zip(layer.rows, drawn.rows, strict=True):
            rank = rank * row.networks + _row_number(row, own)
    return rank


def _row_number(row: RowForms, drawn: RowPick) -> int:
    before = sum(form.networks for form in row.forms[: drawn.form])
    return before + _form_number(row.forms[drawn.form], drawn)


def _form_number(row: RowDraws, drawn: RowPick) -> int:
    each = ways(row.each)
    number = 0
    for digits in drawn.each:
        number = number * each + _number(row.each, digits)
    number += sum(each**repeats for repeats in row.repeats[: drawn.depth])
    whole: int = sum(each**repeats for repeats in row.repeats)
    return int(_number(row.once, drawn.once) * whole + number)


def _number(draws: tuple[Draw, ...], digits: tuple[int, ...]) -> int:
    number = 0
    for draw, digit in zip(draws, digits, strict=True):
        number = number * len(draw.options) + digit
    return number


def default_pick(choices: Choices) -> Pick:
    """Return the network that stands for the space: the default of every draw."""

    def defaults(draws: tuple[Draw, ...]) -> tuple[int, ...]:
        return tuple([draw.default for draw in draws])

    def row(row: RowForms) -> RowPick:
        form = row.draw.default if row.draw else 0
        draws = row.forms[form]
        depth = draws.depth.default if draws.depth else 0
        return RowPick(defaults(draws.once), depth, (defaults(draws.each),) * draws.repeats[depth], form)

    layers = {
        index: LayerPick(defaults(layer.table), tuple(map(row, layer.rows))) for index, layer in choices.layers.items()
    }
    return Pick(defaults(choices.knobs), layers)


def named_draws(choices: Choices, picked: Pick) -> Iterator[tuple[str, Node]]:
    """Yield what was drawn, by the place of each draw; a repeat's behind its number: `layers[1].rows[0].k[2]`."""
    for draw, digit in zip(choices.knobs, picked.knobs, strict=True):
        yield draw.place, draw.options[digit]
    for index, layer in choices.layers.items():
        drawn = picked.layers[index]
        for draw, digit in zip(layer.table, drawn.table, strict=True):
            yield draw.place, draw.options[digit]
        for forms, own in zip(layer.rows, drawn.rows, strict=True):
            row = forms.forms[own.form]
            if forms.draw is not None:
                yield forms.draw.place, forms.draw.options[own.form]
            for draw, digit in zip(row.once, own.once, strict=True):
                yield draw.place, draw.options[digit]
            if row.depth is not None:
                yield row.depth.place, row.depth.options[own.depth]
            for number, digits in enumerate(own.each):
                for draw, digit in zip(row.each, digits, strict=True):
                    yield f"{draw.place}[{number}]", draw.options[digit]


def read_rank(text: str, choices: Choices, location: Location) -> int:
    """Return the rank that is typed behind `network=`. Raises SpecError for one that there is not."""
    last = choices.networks - 1
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(last)) or int(text) > last:
        raise problem(f"there is no network `{text[:60]}`", location, help=f"a rank from 0 to {last}")
    return int(text)
