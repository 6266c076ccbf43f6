"""What a number that somebody saw may be: one that a source prints, or what a tool counts, in one unit or another.

The network is never another one: what was published is looked up at every setting, and of the network as it was asked
for, every way of counting is tried. docs/explanation/why-tools-differ.md says how the chance is reckoned.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from math import log

from archprof.analysis.document import Head, head
from archprof.analysis.explain import rewritings, where_published
from archprof.analysis.variants import Variants
from archprof.costs.convention import ARCHPROF, Convention
from archprof.costs.priced import convention_total, pricing_all
from archprof.costs.report import Report, Row, analyze_graph
from archprof.ir.terms import NOTHING, total
from archprof.language.expand import expand
from archprof.language.spellings import spellings
from archprof.named_tuple import NamedTuple
from archprof.spec.header import PUBLISHED
from archprof.spec.load import resolve
from archprof.spec.printed_number import COUNTS, PrintedNumber, parse_printed, verdict
from archprof.spec.same import is_at
from archprof.spec.types import Published, Spec
from archprof.spec.variant import Setting
from archprof.units import plural

# What a random number would hit more often than this explains nothing.
LIKELY = Fraction(1, 10)
# What a random number would hit so many times as often as the best answer is no answer beside that.
BESIDE = 2
# Random numbers are drawn within this factor of the number that was seen.
AROUND = 2
_UNIT = re.compile(r"\s*(?:(?P<params>param(?:eter)?s?)|(?:m|mult|multi)-?adds?|macs?|flops?)\s*\Z", re.IGNORECASE)
_LETTER = re.compile(r"([A-Za-z]*)\Z")
_IN_A_NOTE = re.compile(r"(?<![\w.,])(?:\d{1,3}(?:,\d{3})+|\d{1,20})(?:\.\d{1,20})?[kKMGBT]?(?!\w)")


class Seen(NamedTuple):
    """A number that somebody saw, with its precision; *of* says whether it counts `operations` or `params`, where that
    was typed too; *scale* is what its letter stands for."""

    text: str
    printed: PrintedNumber
    of: str = ""
    scale: int = 1

    @property
    def digits(self) -> int:
        """How many digits were printed."""
        return len(str(self.printed.steps))

    @property
    def binary(self) -> Fraction:
        """How much more the letter stands for where M is 2²⁰."""
        return Fraction(1024, 1000) ** ((len(str(self.scale)) - 1) // 3)


class PrintedThere(NamedTuple):
    """A published number that is the one seen: what it counts, at which settings, what we count there, and the source's
    or the spec's word on it.

    *settings* is None where those are the ones that were asked for, and empty where they are the network's own.
    *chance* is the share of random numbers that would be found published too.
    """

    what: str
    text: str
    where: str
    settings: Mapping[str, str] | None
    counted: int
    verdict: str
    note: str
    chance: float


class Guess(NamedTuple):
    """What a number may be: one that a convention counts, perhaps if some operators were *written* otherwise.

    *verdict* is `equal` or `truncated` where it fits at the precision that was typed. *far* says how far-fetched it is:
    0 is our own count. *chance* is the share of random numbers that something no more far-fetched would give too; it
    *fits* where that share is small.
    """

    number: int
    what: str
    convention: str
    written: str
    verdict: str
    difference: Fraction
    far: int
    chance: float
    fits: bool


class Guessed(NamedTuple):
    """What a number that was seen may be: where it was published, and all that was tried, best first.

    *chance* is the share of random numbers of as many *digits* to which a guess would be offered, none where they are
    too few to tell. *untried* are the conventions of which it is not known what they count of the network in all.
    """

    head: Head
    seen: str
    digits: int
    chance: float | None
    published: tuple[PrintedThere, ...]
    guesses: tuple[Guess, ...]
    untried: tuple[str, ...] = ()

    @property
    def found(self) -> bool:
        """Whether anything is known to give the number."""
        return bool(self.published) or any(guess.fits for guess in self.guesses)

    @property
    def fitting(self) -> tuple[Guess, ...]:
        """The guesses that fit."""
        return tuple(guess for guess in self.guesses if guess.fits)

    @property
    def likely(self) -> tuple[Guess, ...]:
        """Those that fit, without what a random number would hit much more often than the best of them."""
        best = min((guess.chance for guess in self.fitting), default=0)
        return tuple(guess for guess in self.fitting if guess.chance <= BESIDE * best)


class _Count(NamedTuple):
    number: int
    what: str
    convention: str
    far: int
    written: str = ""


class _Try(NamedTuple):
    """A count as it may have been printed: in decimal or binary units, rounded or cut."""

    counted: _Count
    binary: bool
    cut: bool

    @property
    def far(self) -> int:
        return self.counted.far + self.cut + 2 * self.binary

    @property
    def what(self) -> str:
        return f"{self.counted.what}, in units of 1024" if self.binary else self.counted.what


def parse_seen(text: str) -> Seen:
    """Return the number of `234.8M`, `0.22 GFLOPs`, `5.48M params`. Raises SpecError for a text that is no number."""
    unit = _UNIT.search(text)
    of = "" if unit is None else "params" if unit["params"] else "operations"
    number = (text[: unit.start()] if unit else text).strip()
    printed, letter = parse_printed(number), _LETTER.search(number)
    assert letter is not None
    return Seen(text.strip(), printed, of, COUNTS.get(letter[1]) or COUNTS[letter[1].removesuffix("s")])


def guess(seen: Seen, report: Report, variants: Variants | None, conventions: tuple[Convention, ...]) -> Guessed:
    """Return what a number may be, best first: those that fit, the least far-fetched before others, then the nearest.
    What was published is looked up among the *variants* of the network, if it has any.

    Raises SpecError where the settings of something published cannot be.
    """
    whole = pricing_all(report, conventions)
    tries = list(_tries(seen, _counts(seen, report, whole, params=ARCHPROF in conventions)))
    chances = _chances(seen, tries)
    guesses: dict[tuple[int, str, bool], Guess] = {}
    for one in sorted(tries, key=lambda one: one.far):
        made = _guess(seen, one, chances[one.far])
        known = guesses.get((made.number, made.convention, one.binary))
        if known is None or (made.verdict != "differs" and known.verdict == "differs"):
            guesses[made.number, made.convention, one.binary] = made
    ordered = sorted(
        guesses.values(),
        key=lambda one: (
            not one.fits,
            one.verdict == "differs",
            one.far if one.verdict != "differs" else one.far > 1,
            _distance(one),
        ),
    )
    offered = max((chance for chance in chances.values() if chance <= LIKELY), default=None)
    published = () if variants is None else tuple(_published(seen, variants, report))
    untried = tuple(one.name for one in conventions if one not in whole) if seen.of != "params" else ()
    return Guessed(head(report), seen.text, seen.digits, offered, published, tuple(ordered), untried)


def _distance(one: Guess) -> Fraction:
    """Return by which factor a guess is off, either way."""
    wanted = one.number - one.difference
    return max(one.number / wanted, wanted / one.number) if one.number else Fraction(10**20)


def _guess(seen: Seen, one: _Try, chance: float) -> Guess:
    step = seen.printed.step * (seen.binary if one.binary else 1)
    printed = PrintedNumber(seen.printed.steps, step)
    number, _, convention, _, written = one.counted
    result = verdict(number, printed, False)
    if result == "truncated" and not one.cut:
        result = "differs"
    fits = result != "differs" and chance <= LIKELY
    return Guess(number, one.what, convention, written, result, number - printed.value, one.far, chance, fits)


def _tries(seen: Seen, counts: Iterable[_Count]) -> Iterator[_Try]:
    for count in counts:
        yield _Try(count, False, False)
        yield _Try(count, False, True)
        if seen.scale > 1:
            yield _Try(count, True, False)


def _chances(seen: Seen, tries: Iterable[_Try]) -> dict[int, float]:
    """Return the chance of each degree of far-fetchedness: that of everything up to it."""
    by_degree: dict[int, set[PrintedNumber]] = {}
    for one in tries:
        number = one.counted.number / (seen.binary if one.binary else Fraction(1))
        by_degree.setdefault(one.far, set()).add(_print(number, seen.digits, cut=one.cut))
    prints: set[PrintedNumber] = set()
    chances = {}
    for far in sorted(by_degree):
        prints |= by_degree[far]
        chances[far] = _chance(seen, prints)
    return chances


def _print(number: Fraction, digits: int, *, cut: bool) -> PrintedNumber:
    """Return a number as it is printed with so many digits."""
    step = Fraction(10) ** (len(str(number.__floor__())) - digits)
    return PrintedNumber((number / step + (0 if cut else Fraction(1, 2))).__floor__(), step)


def _chance(seen: Seen, prints: Iterable[PrintedNumber]) -> float:
    """Return how likely a random number is printed as one of some numbers: of all within a factor of two of the one
    seen, equally likely on a logarithmic scale."""
    low, high = seen.printed.value / AROUND, seen.printed.value * AROUND
    near = {one for one in prints if low <= one.value <= high and one.steps}
    return min(sum(log((2 * one.steps + 1) / (2 * one.steps - 1)) for one in near) / log(AROUND**2), 1.0)


def _published(seen: Seen, variants: Variants, report: Report) -> Iterator[PrintedThere]:
    """Yield what a source prints as the number seen, or a note says of it: of the network asked for, or else at
    other settings."""
    spec = report.origin
    if not isinstance(spec, Spec):
        return
    printed = [(entry, what, parse_printed(entry.numbers[what])) for entry, what in _entries(spec, seen)]
    chance = _chance(seen, {_print(Fraction(one.value), seen.digits, cut=False) for *_, one in printed})
    rounded = chance <= LIKELY
    found = [
        (entry, what)
        for entry, what, number in printed
        if _is_seen(seen, number, rounded) or (_is_near(seen, number) and _is_told(seen, entry.note))
    ]
    here = [one for one in found if is_at(spec, one[0].at, spellings)]
    for entry, what in here or found:
        there = report if here else _report_at(variants, entry.at)
        counted, text = int(there.totals[what]), entry.numbers[what]
        result = verdict(counted, parse_printed(text), bool(entry.note))
        where, at = where_published(entry, spec.source.paper), None if here else dict(entry.at)
        yield PrintedThere(what, text, where, at, counted, result, entry.note, chance)


def _entries(spec: Spec, seen: Seen) -> Iterator[tuple[Published, str]]:
    kinds = {"params": ("params",), "operations": ("macs", "flops")}.get(seen.of, ("params", "macs", "flops"))
    for entry in spec.published:
        for what in PUBLISHED:
            if what in kinds and what in entry.numbers:
                yield entry, what


def _is_seen(seen: Seen, published: PrintedNumber, rounded: bool) -> bool:
    """Return whether a published number is the one seen, or, where that may be *rounded*, is rounded to it."""
    difference = abs(published.value - seen.printed.value)
    return difference <= (seen.printed.step / 2 if rounded else 0)


def _is_near(seen: Seen, published: PrintedNumber) -> bool:
    """Return whether a note may be about a published number: it is beside params and MACs both."""
    return published.value / AROUND <= seen.printed.value <= published.value * AROUND


def _is_told(seen: Seen, note: str) -> bool:
    """Return whether a note has a number that was seen with more than three digits."""
    told = map(parse_printed, _IN_A_NOTE.findall(note))
    return seen.digits > 3 and any(one.value == seen.printed.value for one in told)


def _report_at(variants: Variants, at: tuple[Setting, ...]) -> Report:
    return analyze_graph(expand(resolve(variants.tree, at, spellings)))


def _counts(seen: Seen, report: Report, conventions: tuple[Convention, ...], *, params: bool) -> Iterator[_Count]:
    if seen.of != "params":
        yield from _operations(report, conventions)
    if seen.of != "operations" and params:
        yield from _params(report)


def _operations(report: Report, conventions: tuple[Convention, ...]) -> Iterator[_Count]:
    totals = {one.name: convention_total(report, one) for one in conventions}
    for one in conventions:
        counted, far = totals[one.name], 0 if one is ARCHPROF else 1
        yield _Count(counted, one.unit, one.name, far)
        if one.unit == "MACs":
            yield _Count(2 * counted, "FLOPs, 2 per MAC", one.name, far + 1)
    units = {one.name: one.unit for one in conventions}
    if not report.origin.is_table:  # how operators could be written is a question about what `build` writes
        return
    for form in rewritings(report, conventions, totals):
        for name, counted in form.counts.items():
            yield _Count(counted, units[name], name, 2, f"{plural(form.operators, form.what)} as {form.otherwise}")


def _params(report: Report) -> Iterator[_Count]:
    totals = report.totals
    norms = sum(row.cost.params for row in report.rows if row.operator.kind == "norm")
    yield _Count(totals.params, "params", "", 0)
    yield _Count(totals.trainable, "trainable params", "", 1)
    yield _Count(totals.params + totals.buffers, "params and buffers", "", 1)
    yield _Count(totals.params - norms, "params without norms", "", 1)
    biases = sum(map(_biases, report.rows))
    yield _Count(totals.params - norms - biases, "params without norms and biases", "", 2)


def _biases(row: Row) -> int:
    # A layer that is called again has its parameters in its first row.
    weighted = row.operator.weighted and row.cost.params
    return int(total(row.operator.parameters().get("bias", NOTHING))) if weighted else 0
