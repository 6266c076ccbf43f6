"""Budgets: limits on what a network may cost, as a spec's `budget`, a config file or an option states them."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

from archprof.costs.metrics import DERIVED, MEMORY, NAMES, OF_NETWORK, TIMES
from archprof.devices.asked import Asked, AskedOf
from archprof.errors import Location, Problems, SpecError, UsageError, problem, suggest
from archprof.ir.setup import INFERENCE, Setup
from archprof.limits import MAX_BATCH
from archprof.named_tuple import NamedTuple
from archprof.spec.nodes import Map, Node, Scalar, Seq, describe, shorten
from archprof.spec.printed_number import parse_printed, units_of, without_noun
from archprof.spec.uncounted import Allowed, read_allowed
from archprof.spec.values import few, flag, integer, mapping, scalar, text
from archprof.spec.variant import parse_settings

# What a budget can limit: whatever is counted, and `layers`, those that multiply.
LIMITED = (*NAMES, *DERIVED, "layers", *OF_NETWORK, *TIMES)
# What only a network as a whole has, and no row of it.
_WHOLE = {**OF_NETWORK, **TIMES}
# How a limit on such is stated.
_STATED = {**dict.fromkeys(MEMORY, "320KiB"), **dict.fromkeys(TIMES, "2ms")}
# Beside limits.
_KEYS = ("at", "where", "expect", "allow_uncounted", *Setup._fields, "device", "runtime", "execution")
# What times alone have.
_ON = ("device", "runtime", "execution")
_NUMBERS = {"batch": "a batch", "accumulate": "a number of passes", "patches": "a number of patches along a side"}
BOUNDS = ("max", "min", "share")
PLACES = ("path", "address", "kind", "stage")
_PERCENT = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?) ?%\Z", re.ASCII)
_SIGNS = ("+", "-", "−")
_STAGE = re.compile(r"[1-9][0-9]{0,5}(/[1-9][0-9]{0,5})?")
_AND = re.compile(r"\s+and\s+")
# What `300m` and `300_000_000` are, written as papers do.
_PLAIN = r"[0-9]+(\.[0-9]+)?[KMGBT]?"
_FORMS = "`220M`, `5.4 MiB`; over a baseline `+1%`, `+100k`, or, where both must be exceeded, `+1% and +100k`"


class LimitTerm(NamedTuple):
    """One number of a limit: an amount, or, where *relative*, what is added to the baseline: an amount, or a percentage
    of it."""

    value: Fraction
    relative: bool = False
    percent: bool = False

    def resolve(self, before: int | None) -> Fraction:
        """Return the amount, given what the baseline has (which an absolute term does not need)."""
        if not self.relative:
            return self.value
        assert before is not None
        return before + (before * self.value / 100 if self.percent else self.value)


class Limit(NamedTuple):
    """One bound of one metric, as typed. Of several terms all must be exceeded; a `share` is a percentage of the whole
    network's. Bytes of memory are those at a *setup*, times those *on* a device."""

    metric: str
    bound: str
    text: str
    terms: tuple[LimitTerm, ...]
    location: Location
    setup: Setup = INFERENCE
    on: AskedOf | None = None

    @property
    def relative(self) -> bool:
        return any(term.relative for term in self.terms)

    def at(self, setup: Setup, on: AskedOf | None) -> "Limit":
        """Return the limit at a setup, if it is one on bytes of memory, or on a device, if it is one on a time."""
        if self.metric in MEMORY:
            return self._replace(setup=setup)
        return self._replace(on=on) if self.metric in TIMES else self


class Where(NamedTuple):
    """Which rows a budget is about: those that fit every entry; the whole network where there is none."""

    text: str = ""
    path: str = ""
    address: str = ""
    kind: str = ""
    stage: int | str | None = None  # the stride, less than 1 in words; or `head`


class Budget(NamedTuple):
    """Limits on a network or on some of its rows, at some settings; *expect* asks for exactly the numbers of the spec's
    own `expect`. What it *allows* not to be counted holds for its networks, whatever limits them."""

    where: Where
    limits: tuple[Limit, ...]
    location: Location
    expect: bool = False
    at: tuple[tuple[str, str], ...] = ()
    allows: Allowed = Allowed()


def read_budgets(node: Node) -> tuple[Budget, ...]:
    """Return the budgets of a spec's `budget`: one mapping, or a list of them. Raises SpecError with everything that is
    wrong."""
    problems, found = Problems(), []
    for item in few(node.items, "budget") if isinstance(node, Seq) else (node,):
        with problems:
            found.append(read_budget(item))
    problems.raise_any()
    return tuple(found)


def read_budget(node: Node, beside: Iterable[str] = ()) -> Budget:
    """Return one budget; *beside* are keys that stand in the same mapping and are read elsewhere."""
    what = "a budget"
    fields = mapping(node, what, (*beside, *_KEYS, *LIMITED))
    problems, limits = Problems(), []
    where, at = Where(), fields.get("at")
    for key, value in fields.pairs():
        with problems:
            if key == "where":
                where = read_where(value)
            elif key in LIMITED:
                limits += _limits(key, value)
    expect, allows = False, None
    with problems:
        allows = read_allowed(asked) if (asked := fields.get("allow_uncounted")) else None
    with problems:
        expect = flag(asked) if (asked := fields.get("expect")) else False
        if expect and where != Where():
            raise problem("`expect` speaks of the whole network", fields.location, help="leave out `where`")
    with problems:
        given = {name: word for name in (*Setup._fields, *_ON) if (word := fields.get(name))}
        limits = _at(limits, given, fields.location)
    problems.raise_any()
    if not limits and not expect and allows is None:
        raise problem(
            "a budget without a limit", node.location, help=f"any of {', '.join(LIMITED)}, as in `macs: 220M`"
        )
    shares = [limit for limit in limits if limit.bound == "share"]
    if shares and where == Where():
        raise problem(
            "a share without `where`",
            shares[0].location,
            help="say of which rows: `{where: kind=se, macs: {share: 3%}}`",
        )
    parts = [limit for limit in limits if limit.metric in _WHOLE and where != Where()]
    if parts:
        advice = f"leave out `where`; `{'size' if parts[0].metric in MEMORY else 'macs'}` and `params` are of rows too"
        raise problem(f"`{parts[0].metric}` is of the whole network", parts[0].location, help=advice)
    settings = parse_settings(text(at), at.location) if at else ()
    return Budget(where, tuple(limits), fields.location, expect, settings, allows or Allowed())


def _at(limits: Sequence[Limit], given: Mapping[str, Node], location: Location) -> list[Limit]:
    """Return limits with what is *given* of a setup and of a device."""
    timed = any(limit.metric in TIMES for limit in limits)
    if not timed:
        for name in _ON:
            if name in given:
                advice = "it is where `latency` is limited: `{latency: 2ms, device: h100}`"
                raise problem(f"`{name}` without a limit on a time", given[name].location, help=advice)
    setup, on = INFERENCE, None
    if timed:
        on = _device(given, location)
    if not timed or any(limit.metric in MEMORY for limit in limits):
        setup = _setup({name: node for name, node in given.items() if name in Setup._fields}, location)
    return [
        limit._replace(setup=setup)
        if limit.metric in MEMORY
        else limit._replace(on=on)
        if limit.metric in TIMES
        else limit
        for limit in limits
    ]


def _device(given: Mapping[str, Node], location: Location) -> AskedOf:
    """Return the device that a budget, at *location*, states: a path counts from the file that it stands in."""
    if "device" not in given:
        advice = "as in `{latency: 2ms, device: h100}`"
        raise problem("a limit on a time, and no device", location, help=advice)
    words = {name: text(node) for name, node in given.items() if name in Asked._fields and name != "batch"}
    batch = integer(given["batch"], 1, MAX_BATCH, _NUMBERS["batch"]) if "batch" in given else None
    return AskedOf(beside(text(given["device"]), location), Asked(batch=batch, **words))


def beside(device: str, location: Location) -> str:
    """Return the path of a profile as it counts from the file that names it; a name of a device as it is."""
    if not location.line or not device.endswith(".json"):
        return device
    return os.path.join(os.path.dirname(location.file), device)


def _setup(given: Mapping[str, Node], location: Location) -> Setup:
    """Return the setup of bytes that a budget, at *location*, states."""
    if not given:
        return INFERENCE
    from archprof.allocation.asked import NUMBERS, check_word, setup_of

    words: dict[str, object] = {}
    for name, node in given.items():
        if name in _NUMBERS:
            words[name] = integer(node, NUMBERS[name], MAX_BATCH, _NUMBERS[name])
            continue
        word = scalar(node, f"a word for `{name}`")
        with _placed(word.location):
            check_word(name, word.text, name)
        words[name] = word.text
    with _placed(location):
        return setup_of(words, "{}")


@contextmanager
def _placed(location: Location) -> Iterator[None]:
    """Raise what is wrong with words of a setup where they stand."""
    try:
        yield
    except UsageError as error:
        wrong = error.problems[0]
        raise problem(wrong.message, location, help=wrong.help) from None


def _limits(metric: str, node: Node) -> list[Limit]:
    """Return the limits of `220M`, `[220M, +1%]` or `{max: 220M, min: 200M, share: 3%}`."""
    if not isinstance(node, Map):
        return [read_limit(metric, "max", item) for item in _each(node)]
    if not node.entries:
        raise problem(f"`{metric}` without a limit", node.location, help=f"any of {', '.join(BOUNDS)}")
    fields = mapping(node, f"`{metric}`", BOUNDS)
    problems, found = Problems(), []
    for bound, value in fields.pairs():
        for item in _each(value):
            with problems:
                found.append(read_limit(metric, bound, item))
    problems.raise_any()
    return found


def _each(node: Node) -> tuple[Node, ...]:
    return node.items if isinstance(node, Seq) and node.items else (node,)


def read_limit(metric: str, bound: str, node: Node) -> Limit:
    """Return one limit. Raises SpecError for what is no limit, saying which forms there are."""
    typed = scalar(node, f"a limit on {metric}")
    if metric in _WHOLE and (typed.text.strip().startswith(_SIGNS) or bound == "share"):
        advice = f"state an amount: `{metric}: {_STATED.get(metric, '900M')}`"
        raise problem(f"no baseline has the `{metric}` of a network", typed.location, help=advice)
    if bound == "share":
        return Limit(metric, bound, typed.text, (LimitTerm(_share(typed), percent=True),), typed.location)
    return Limit(
        metric,
        bound,
        typed.text,
        tuple(_term(part, metric, typed) for part in _AND.split(typed.text.strip())),
        typed.location,
    )


def _share(typed: Scalar) -> Fraction:
    match = _PERCENT.match(typed.text.strip())
    if not match or Fraction(match[1]) > 100:
        raise problem(f"{describe(typed)} is no share", typed.location, help="a percentage of the whole network: `3%`")
    return Fraction(match[1])


def _term(part: str, metric: str, typed: Scalar) -> LimitTerm:
    sign = part[:1] if part.startswith(_SIGNS) else ""
    bare = without_noun(part.removeprefix(sign).strip(), metric, typed.location)
    percent = _PERCENT.match(bare)
    if percent and not sign:
        raise problem(
            f"`{shorten(part)}` of what?",
            typed.location,
            help=f"over a baseline it is `+{shorten(bare)}`; of the whole network, `share: {shorten(bare)}`",
        )
    try:
        value = Fraction(percent[1]) if percent else parse_printed(bare, typed.location, units_of(metric)).value
    except SpecError:
        plain = bare.upper().replace("_", "")
        if metric in TIMES:
            raise problem(f"{describe(typed)} is no time", typed.location, help="such as `2ms`, `850us`") from None
        advice = f"write `{sign}{plain}`" if plain != bare and re.fullmatch(_PLAIN, plain) else _FORMS
        raise problem(f"{describe(typed)} is no limit", typed.location, help=advice) from None
    return LimitTerm(-value if sign in _SIGNS[1:] else value, bool(sign), bool(percent))


def increase(metric: str, typed: Scalar) -> Limit:
    """Return the limit of `--max-increase macs=1%`: a number without a sign is one over the baseline."""
    signed = " and ".join(part if part.startswith(_SIGNS) else f"+{part}" for part in _AND.split(typed.text.strip()))
    return read_limit(metric, "max", typed._replace(text=signed))


def read_where(node: Node) -> Where:
    """Return which rows are meant: `kind=se`, `stage=8`, a path, an address, or a mapping of several of them."""
    if isinstance(node, Map):
        fields = {key: scalar(value, f"a {key}") for key, value in mapping(node, "`where`", PLACES).pairs()}
        if not fields:
            raise problem("`where` without a place", node.location, help=f"any of {', '.join(PLACES)}")
        return _where(fields, " and ".join(f"{key}={value.text}" for key, value in fields.items()))
    typed = scalar(node, "`kind=…`, `stage=…`, a path or an address")
    fields = {}
    for part in _AND.split(text(typed)):
        key, sign, value = part.partition("=")
        if not sign:
            key, value = "address" if "[" in part else "path", part
        if key not in PLACES:
            raise problem(f"unknown place `{shorten(key)}`", typed.location, help=suggest(key, PLACES, "places"))
        fields[key] = scalar(typed._replace(text=value), f"a {key}")
    return _where(fields, text(typed))


def _where(fields: Mapping[str, Scalar], said: str) -> Where:
    stage = _stage(fields["stage"]) if "stage" in fields else None
    words = {key: fields[key].text for key in ("path", "address", "kind") if key in fields}
    return Where(said, stage=stage, **words)


def _stage(node: Scalar) -> int | str:
    """Return a stride, one below 1 in words. Raises SpecError for what is none."""
    if node.text == "head":
        return node.text
    if not _STAGE.fullmatch(node.text):
        advice = "the stride of its output, such as `stage=8`, `stage=1/2` behind upsampling, or `stage=head`"
        raise problem(f"{describe(node)} is no stage", node.location, help=advice)
    stride = Fraction(node.text)
    return int(stride) if stride.denominator == 1 else str(stride)


def budget_schema(beside: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of one budget; *beside* are further properties."""
    from archprof.allocation.asked import NUMBERS, WORDS

    amount = {"type": ["string", "number"], "description": _FORMS.replace("`", "")}
    amounts: dict[str, Any] = {"anyOf": [amount, {"type": "array", "items": amount, "minItems": 1}]}
    share = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? ?%$", "description": "of the whole network's"}
    bounds = {
        "type": "object",
        "properties": {"max": amounts, "min": amounts, "share": share},
        "additionalProperties": False,
        "minProperties": 1,
    }
    places = {
        "path": {"type": ["string", "number"]},
        "address": {"type": "string"},
        "kind": {"type": "string"},
        "stage": {"type": ["integer", "string"]},
    }
    where = {
        "anyOf": [
            {"type": ["string", "number"]},
            {"type": "object", "properties": places, "additionalProperties": False, "minProperties": 1},
        ]
    }
    limits = {metric: {"anyOf": [*amounts["anyOf"], bounds]} for metric in LIMITED}
    names = {"type": "array", "items": {"type": "string"}}
    allowed = {"anyOf": [{"type": ["boolean", "string"]}, names], "description": "operators whose MACs nobody knows"}
    number = {"type": "integer", "maximum": MAX_BATCH}
    numbers = {name: {**number, "minimum": least} for name, least in NUMBERS.items()}
    setup = {name: numbers.get(name) or {"enum": [*WORDS[name]]} for name in Setup._fields}
    own = {"at": {"type": "string"}, "where": where, "expect": {"type": "boolean"}, "allow_uncounted": allowed, **setup}
    own |= {name: {"type": "string"} for name in _ON}
    properties = {**beside, **own, **limits}
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "anyOf": [{"required": [key]} for key in ("expect", "allow_uncounted", *LIMITED)],
    }
