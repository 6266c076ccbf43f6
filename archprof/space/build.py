"""A space of networks → its automaton: every row traced alone, once for each option and each map that reaches it.

Costs come from the same rows as those of one network: bound, traced and counted as `summary` and `sweep` do it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

from archprof.errors import Problem, UsageError, problem, usage_error
from archprof.ir.graph import INPUT, Edge
from archprof.language.expand import expand
from archprof.language.fragment import Feature
from archprof.language.spellings import spellings
from archprof.named_tuple import NamedTuple
from archprof.progress import Told, untold
from archprof.space.automaton import Arc, Automaton, Path
from archprof.space.parts import Part, Parted, parted
from archprof.space.rows import Digits, LayerPart, Rows
from archprof.space.traced import Costs, Traced, TracedRows
from archprof.spec.choices import Choices, Draw, LayerPick, Pick, RowDraws, RowForms, RowPick, ways
from archprof.spec.load import resolve
from archprof.spec.nodes import Node, Scalar
from archprof.spec.types import OpenSpace, Spec

if TYPE_CHECKING:
    from archprof.devices.asked import On

# So many states of a space are held at most; a space of more is no chain in earnest.
MAX_STATES = 500_000

# What an arc draws.
Of = Literal["", "knob", "table", "form", "row", "repeat", "depth"]


class TooManyStates(UsageError):
    """A space that is no chain in earnest: what its rows share has too many forms to be held from row to row."""

    def __init__(self, most: int) -> None:
        advice = "draws that many rows share are held until the last: fix some of them"
        super().__init__([Problem(f"more than {most:,} states", help=advice)])


class Step(NamedTuple):
    """What an arc draws, the options by their numbers: those of a knob (its number is that of the *row*), of a layer's
    table, the form of a row, those of the row in a form, of one of its repeats, or how many of these there are, where
    they end; nothing where it only goes on. What it *builds* has numbers that are the same where that is."""

    of: Of = ""
    layer: int = -1
    row: int = -1
    digits: Digits = ()
    repeat: int = -1
    form: int = 0
    builds: tuple[int, ...] = ()


class State(NamedTuple):
    """What the rows to come can tell of those behind: the map that goes in, the knobs that are drawn and still asked
    for, and what is drawn for the whole table or the whole row."""

    x: tuple[Any, ...]
    knobs: tuple[tuple[str, int], ...] = ()
    table: Digits = ()
    once: Digits = ()


# The arcs that leave a state: each to a state of a later position.
_Leaving = list[tuple[Step, int, State, Costs]]
# What is drawn from a state, where that leads, and what it costs.
_Arcs = Iterable[tuple[Step, State, Costs]]


class Space(NamedTuple):
    """A space of networks at one setting: its spec, its automaton, and what each arc draws."""

    spec: Spec
    choices: Choices
    automaton: Automaton
    steps: tuple[tuple[Step, ...], ...]

    def draws_of(self, step: Step) -> Iterator[tuple[Draw, int]]:
        """Yield what an arc draws: each draw with the number of its option."""
        draws: tuple[Draw, ...] = ()
        if step.of == "knob":
            draws = (self.choices.knobs[step.row],)
        elif step.of == "table":
            draws = self.choices.layers[step.layer].table
        elif step.of == "form":
            drawn = self.choices.layers[step.layer].rows[step.row].draw
            draws = (drawn,) if drawn else ()
        elif step.of:
            row = self.choices.layers[step.layer].rows[step.row].forms[step.form]
            depth = (row.depth,) if row.depth else ()
            of_row = row.once if row.each else (*row.once, *depth)
            draws = {"repeat": row.each, "depth": depth, "row": of_row}[step.of]
        yield from zip(draws, step.digits, strict=True)

    @property
    def chances(self) -> tuple[tuple[float, ...], ...]:
        """How probable each arc is where a network is drawn choice by choice, as training code does it: every option of
        a draw as probable as any other, a depth before what its repeats draw."""
        return tuple(map(self._chances, self.steps))

    def _chances(self, steps: tuple[Step, ...]) -> tuple[float, ...]:
        repeats = [step for step in steps if step.of == "repeat"]
        if not repeats or len(repeats) == len(steps):
            return (1 / len(steps),) * len(steps) if steps else ()
        first = repeats[0]
        depths = self.choices.layers[first.layer].rows[first.row].forms[first.form].repeats
        ends = 1 / sum(depth >= first.repeat for depth in depths)
        return tuple([(1 - ends) / len(repeats) if step.of == "repeat" else ends for step in steps])

    def pick(self, path: Path) -> Pick:
        """Return what was drawn along a path."""
        knobs: dict[str, int] = {}
        tables: dict[int, Digits] = {}
        forms: dict[tuple[int, int], int] = {}
        once: dict[tuple[int, int], Digits] = {}
        each: dict[tuple[int, int], list[Digits]] = {}
        node = 0
        for number in path:
            step = self.steps[node][number]
            if step.of == "knob":
                knobs[self.choices.knobs[step.row].place] = step.digits[0]
            elif step.of == "table":
                tables[step.layer] = step.digits
            elif step.of == "form":
                forms[step.layer, step.row] = step.form
            elif step.of == "row":
                once[step.layer, step.row] = step.digits
            elif step.of == "repeat":
                each.setdefault((step.layer, step.row), []).append(step.digits)
            node = self.automaton.arcs[node][number].target
        layers = {}
        for index, layer in self.choices.layers.items():
            rows = []
            for number, row in enumerate(layer.rows):
                at, form = (index, number), forms.get((index, number), 0)
                drawn = _picked(row.forms[form], once.get(at, ()), tuple(each.get(at, ())))
                rows.append(drawn._replace(form=form))
            layers[index] = LayerPick(tables.get(index, ()), tuple(rows))
        return Pick(tuple([knobs[draw.place] for draw in self.choices.knobs]), layers)


def _picked(row: RowDraws, once: Digits, each: tuple[Digits, ...]) -> RowPick:
    """Return what was drawn for a row; of one whose repeats are alike, the depth is the last of those drawn *once*."""
    if row.each:
        return RowPick(once, row.repeats.index(len(each)), each)
    depth = once[-1] if row.depth else 0
    return RowPick(once[: len(row.once)], depth, ((),) * row.repeats[depth])


def space_of(spec: Spec, on: "On | None" = None, told: Told = untold, most: int = MAX_STATES) -> Space:
    """Return the space of which a spec is one network; *on* a device its automaton has the times of rows too. It is
    *told* of each row before that is traced.

    Raises UsageError for a spec that is one network alone, or that was asked for one of them; TooManyStates where its
    rows share more than *most* ways to draw knobs; SpecError for an option that does not fit where it is drawn, and
    for what is no chain.
    """
    if spec.open is None:
        advice = "`archprof list --kind space` shows those of the catalog; a cell is a choice as `{choice: [3, 5, 7]}`"
        raise usage_error(f"`{spec.variant}` is one network: it leaves nothing to choose", help=advice)
    if spec.open.asked:
        raise usage_error(f"`{spec.variant}` is one network of its space", help="leave out `network`")
    return _Builder(spec, spec.open, on, told, most).build()


def each_option(spec: Spec) -> None:
    """Expand a space with each option of its knobs in turn, the others by default. Raises SpecError for one that does
    not fit."""
    assert spec.tree is not None
    assert spec.open is not None
    for draw in spec.open.choices.knobs:
        for option in draw.options:
            assert isinstance(option, Scalar)
            expand(resolve(spec.tree, (*spec.asked, (draw.place, option.text)), spellings))


class _Builder:
    """An automaton while it grows, position by position: the states of each, with the arcs that leave them."""

    def __init__(self, spec: Spec, space: OpenSpace, on: "On | None", told: Told, most: int) -> None:
        self._spec, self._space, self._most = spec, space, most
        self._told, self._begun = told, 0
        self._choices = space.choices
        self._on = on
        self._rows = Rows(spec, space)
        self._traced = TracedRows(spec, self._rows, on)
        self._metrics = self._traced.metrics
        self._positions: list[dict[State, _Leaving]] = []
        self._states = 0

    def build(self) -> Space:
        """Return the space."""
        if len(self._spec.inputs) > 1:
            raise usage_error("a space takes one input", help="what several inputs meet in is no chain")
        [value] = self._spec.inputs.values()
        x = Feature(Edge(INPUT, 0), value, value.channels)
        self._positions.append({State(self._traced.known(x)): []})
        # The time of a row is not that of its parts.
        parts = None if self._on else parted(self._spec, self._space, self._rows, self._traced, x, self._told)
        if parts is None:
            self._row_by_row()
        else:
            self._part_by_part(parts)
        return self._numbered()

    def _part_by_part(self, parted: Parted) -> None:
        """Draw the knobs one after the other, each part counted as soon as its own are drawn."""
        left = list(parted.parts)
        drawn: set[str] = set()
        for number, draw in enumerate(self._choices.knobs):
            self._knob(number, draw)
            drawn.add(draw.place)
            for part in [part for part in left if drawn.issuperset(part.knobs)]:
                left.remove(part)
                self._go(partial(_counted, part))
            self._forget(frozenset(drawn.difference(*[part.knobs for part in left])))
        self._go(lambda _: [(Step(), State(()), parted.rest)])

    def _row_by_row(self) -> None:
        """Go through the layers, knobs drawn where the first asks for them."""
        waiting = dict(enumerate(self._choices.knobs))
        last = self._last_uses()
        if self._most_held(last) > self._most:
            raise TooManyStates(self._most)
        for index in range(len(self._rows.layers)):
            for number, draw in list(waiting.items()):
                if draw.place in self._rows.uses(index):
                    del waiting[number]
                    self._knob(number, draw)
            self._layer(index, frozenset(name for name, at in last.items() if at <= index))
        for number, draw in waiting.items():  # which nothing asks for
            self._knob(number, draw)
            self._forget(frozenset({draw.place}))
        self._join()

    def _most_held(self, last: Mapping[str, int]) -> int:
        """Return how many ways there are to draw the knobs that are held side by side, where those are most."""
        most, held = 1, list[Draw]()
        for index in range(len(self._rows.layers)):
            uses = self._rows.uses(index)
            held += [draw for draw in self._choices.knobs if draw.place in uses and draw not in held]
            most = max(most, ways(tuple(held)))
            held = [draw for draw in held if last[draw.place] > index]
        return most

    def _last_uses(self) -> dict[str, int]:
        names = {draw.place for draw in self._choices.knobs}
        return {name: index for index in range(len(self._rows.layers)) for name in names & self._rows.uses(index)}

    # Positions

    def _go(self, arcs: Callable[[State], _Arcs]) -> None:
        """Go on from every state of the last position to those of a new one."""
        before, here = self._positions[-1], len(self._positions)
        self._positions.append({})
        for state, leaving in before.items():
            for step, to, costs in arcs(state):
                self._arc(leaving, step, here, to, costs)

    def _arc(self, leaving: _Leaving, step: Step, position: int, to: State, costs: Costs = ()) -> None:
        """Draw an arc, one more of those that leave a state, to a state of a later position, which is new perhaps."""
        target = self._positions[position]
        if to not in target:
            target[to] = []
            self._states += 1
            if self._states > MAX_STATES:
                raise TooManyStates(MAX_STATES)
        leaving.append((step, position, to, costs))

    def _knob(self, number: int, draw: Draw) -> None:
        def drawn(state: State) -> _Arcs:
            for digit in range(len(draw.options)):
                knobs = (*state.knobs, (draw.place, digit))
                yield Step("knob", row=number, digits=(digit,)), state._replace(knobs=knobs), ()

        self._go(drawn)

    def _forget(self, knobs: frozenset[str]) -> None:
        """Go on without some knobs."""
        if any(name in knobs for state in self._positions[-1] for name, _ in state.knobs):
            self._meet(lambda state: state._replace(knobs=tuple([one for one in state.knobs if one[0] not in knobs])))

    def _join(self) -> None:
        """End in one state, whatever comes out."""
        if len(self._positions[-1]) > 1:
            self._meet(lambda _: State(()))

    def _meet(self, forget: Callable[[State], State]) -> None:
        """Go on with less to tell states by."""
        self._go(lambda state: [(Step(), forget(state), ())])

    def _layer(self, index: int, done: frozenset[str]) -> None:
        """Go through a layer; knobs that are *done* behind it are forgotten."""
        draws = self._choices.layers.get(index)
        if draws is None:
            self._plain(index)
        else:
            if draws.table:
                self._draw(Step("table", index), draws.table, lambda state, digits: state._replace(table=digits))
            for number in range(len(draws.rows)):
                self._row(index, number, draws.rows[number])
            if draws.table:
                self._meet(lambda state: state._replace(table=()))
        self._forget(done)

    def _tell(self, address: str) -> None:
        """Tell of a row before it is traced, or of a layer that leaves nothing open."""
        layers, draws = len(self._rows.layers), self._choices.layers.values()
        self._told(self._begun, layers + sum([len(layer.rows) - 1 for layer in draws]), address)
        self._begun += 1

    def _plain(self, index: int) -> None:
        """Go through a layer that leaves nothing open."""
        self._tell(f"layers[{index}]")

        def through(state: State) -> _Arcs:
            found = self._cost(index, (), state, lambda: self._rows.layers[index])
            yield Step(builds=found.builds), state._replace(x=found.x), found.costs

        self._go(through)

    def _draw(self, step: Step, draws: tuple[Draw, ...], held: Callable[[State, Digits], State]) -> None:
        """Draw what is held from here on."""
        self._go(lambda state: [(step._replace(digits=drawn), held(state, drawn), ()) for drawn in _all_digits(draws)])

    def _row(self, index: int, number: int, row: RowForms) -> None:
        """Go through a row, in each of its forms, which come one behind the other; where they end they meet."""
        self._tell(row.forms[0].address)
        if row.draw is None:
            self._form(Step("row", index, number), row.forms[0])
            return
        before, ends = self._positions[-1], []
        for form, drawn in enumerate(row.forms):
            start = len(self._positions)
            self._positions.append({})
            for state, leaving in before.items():
                self._arc(leaving, Step("form", index, number, (form,), form=form), start, state)
            self._form(Step("row", index, number, form=form), drawn)
            ends.append(self._positions[-1])
        end = len(self._positions)
        self._positions.append({})
        for states in ends:
            for state, leaving in states.items():
                self._arc(leaving, Step(), end, state)

    def _form(self, step: Step, row: RowDraws) -> None:
        if not row.each:
            self._row_at_once(step, row)
            return
        self._check_frozen(step, row)
        if row.once:
            self._draw(step, row.once, lambda state, digits: state._replace(once=digits))
        first, last = len(self._positions) - 1, max(row.repeats)
        end = first + last + 1  # where those that end early meet the others
        self._positions += [{} for _ in range(last + 1)]
        for repeat in range(last + 1):
            for state, leaving in self._positions[first + repeat].items():
                if repeat in row.repeats:
                    depth = row.repeats.index(repeat)
                    ended = step._replace(of="depth", digits=(depth,)) if row.depth else Step()
                    self._arc(leaving, ended, end, state._replace(once=()))
                if repeat < last:
                    for drawn, to, costs in self._repeated(step._replace(of="repeat", repeat=repeat), row, state):
                        self._arc(leaving, drawn, first + repeat + 1, to, costs)

    def _check_frozen(self, step: Step, row: RowDraws) -> None:
        """Raise SpecError for a row that is frozen by its id and whose repeats draw: where they differ they are rows of
        their own, and one of them alone has the id."""
        if max(row.repeats) < 2 or not (frozen := self._rows.frozen.ever):
            return
        table = (0,) * len(self._choices.layers[step.layer].table)
        picked = RowPick((0,) * len(row.once), 0, (), step.form)
        digits = (0,) * len(row.each)
        written = partial(self._rows.run, step.layer, step.row, table, picked, digits, first=True, repeats=1)
        [bound] = self._rows.bound(LayerPart(step.layer, (), (step.row, step.form)), written).rows
        if bound.id in frozen:
            message = (
                f"`{bound.id}` is frozen, and its repeats draw apart: which of them has the id hangs on what they draw"
            )
            advice = "give the id to the whole layer, or draw `per: row`"
            raise problem(message, bound.location, where=row.address, help=advice)

    def _repeated(self, step: Step, row: RowDraws, state: State) -> _Arcs:
        """Yield the ways to draw one repeat of a row."""
        picked, first = RowPick(state.once, 0, (), step.form), step.repeat == 0
        for digits in _all_digits(row.each):
            run = partial(self._rows.run, step.layer, step.row, state.table, picked, digits)
            asked = (step.row, step.form, state.table, state.once, digits, first)
            found = self._cost(step.layer, asked, state, partial(run, first=first, repeats=1))
            yield step._replace(digits=digits, builds=found.builds), state._replace(x=found.x), found.costs

    def _row_at_once(self, step: Step, row: RowDraws) -> None:
        """Go through a row whose repeats are alike."""

        def drawn(state: State) -> _Arcs:
            for digits, depth in product(_all_digits(row.once), range(len(row.depth.options) if row.depth else 1)):
                found = self._repeats(step, row, state, digits, depth)
                made = step._replace(digits=(*digits, depth) if row.depth else digits, builds=found.builds)
                yield made, state._replace(x=found.x), found.costs

        self._go(drawn)

    def _repeats(self, step: Step, row: RowDraws, state: State, digits: Digits, depth: int) -> Traced:
        """Return what comes out of all repeats of a row, and what they cost: one by one, where those behind the first
        are alike, so that each is traced once, however many there may be."""
        picked = RowPick(digits, depth, (), step.form)
        run = partial(self._rows.run, step.layer, step.row, state.table, picked, ())
        asked = (step.row, step.form, state.table, digits)
        if row.depth is None or not row.alike:
            return self._cost(step.layer, (*asked, depth), state, partial(run, first=True))
        found = Traced(state.x, (0,) * len(self._metrics))
        for repeat in range(row.repeats[depth]):
            first = repeat == 0
            written = partial(run, first=first, repeats=1)
            more = self._cost(step.layer, (*asked, first), state._replace(x=found.x), written)
            costs = tuple([one + other for one, other in zip(found.costs, more.costs, strict=True)])
            found = Traced(more.x, costs, (*found.builds, *more.builds))
        return found

    def _cost(self, index: int, asked: tuple[Any, ...], state: State, written: Callable[[], Node]) -> Traced:
        """Return what comes out of a layer, or of a part of it, for a state."""
        knobs = tuple([pair for pair in state.knobs if pair[0] in self._rows.uses(index)])
        return self._traced.of(LayerPart(index, knobs, asked), state.x, written)

    def _numbered(self) -> Space:
        """Return the space, its states numbered from the input to the output."""
        numbers: dict[tuple[int, State], int] = {}
        for position, states in enumerate(self._positions):
            for state in states:
                numbers[position, state] = len(numbers)
        none = (0,) * len(self._metrics)
        arcs: list[tuple[Arc, ...]] = []
        steps: list[tuple[Step, ...]] = []
        for states in self._positions:
            for leaving in states.values():
                arcs.append(tuple([Arc(numbers[at, to], costs or none) for _, at, to, costs in leaving]))
                steps.append(tuple([step for step, *_ in leaving]))
        return Space(self._spec, self._choices, Automaton(self._metrics, tuple(arcs)), tuple(steps))


def _counted(part: Part, state: State) -> _Arcs:
    """Yield the one way to go on once the knobs of a part are drawn: it costs what the part does."""
    knobs = dict(state.knobs)
    yield Step(), state, part.costs[tuple([knobs[name] for name in part.knobs])]


def _all_digits(draws: tuple[Draw, ...]) -> Iterator[Digits]:
    """Yield all ways to make some draws, the last one changing first."""
    return product(*[range(len(draw.options)) for draw in draws])
