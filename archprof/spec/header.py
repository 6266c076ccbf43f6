"""Everything of a spec but its layers: merged nodes → typed values, all errors at once."""

import math
import re
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

from archprof.costs.metrics import NAMES
from archprof.errors import Problem, Problems, SpecError, problem
from archprof.ir.origin import Source
from archprof.ir.values import Value
from archprof.limits import MAX_CHANNELS
from archprof.named_tuple import NamedTuple
from archprof.spec.inputs import UNNAMED, read_inputs, read_resolution, resized, shortest_size
from archprof.spec.kept import kept
from archprof.spec.nodes import Map, Node, Scalar, Seq, describe
from archprof.spec.types import Expected, Knob, Published, SpaceRule, Spec, WidthRule
from archprof.spec.values import (
    NAME,
    count,
    few,
    flag,
    integer,
    mapping,
    number,
    scalar,
    sequence,
    text,
    word,
    wrong,
)
from archprof.spec.variant import parse_settings

if TYPE_CHECKING:
    from archprof.spec.budget import Budget
    from archprof.spec.own_blocks import OwnBlock

TOP_LEVEL = (
    "archprof", "name", "title", "aliases", "source", "follows", "extends", "import", "input", "classes", "defaults",
    "width", "depth", "knobs", "init", "blocks", "layers", "outputs", "stages", "freeze", "set", "insert", "remove",
    "expect", "published", "budget", "note", "space",
)  # fmt: skip
# So many options a message names one by one.
_MOST_SHOWN = 12
# Without the `-` of ids, which is a minus in an expression.
_KNOB = r"[A-Za-z_][A-Za-z0-9_]*\Z"
# What is expected of a space beside the counts of the network that stands for it: how many networks it has.
NETWORKS = "networks"
# The counts that papers print.
PUBLISHED = (*NAMES, "flops")
# What is said of them: where they are printed, in what source, why they differ, in which copy they were read again.
PUBLISHED_WORDS = ("where", "source", "note", "checked")
# Which of a space's networks is meant, by its rank.
NETWORK = "network"
BUILT_IN = ("width", "depth", "resolution", "classes")
# What is said of a space.
SPACE = ("resolution", "version")


# What has to be right before a cell can be read.
_NEEDED_BY_CELLS = ("classes", "defaults", "width", "depth", "knobs", "blocks", "layers", "stages")


def interpret(
    root: Map,
    base: Mapping[str, Scalar],
    given: Mapping[str, Scalar],
    asked: tuple[tuple[str, str], ...],
    noted: Problems,
    problems: Problems | None = None,
) -> Spec:
    """Return the Spec of a merged tree; *base* are the chain's own knob settings, *given* the asked ones, *noted* what
    is wrong already.

    Raises SpecError with every problem of the header. With *problems*, what does not keep the layers from being read is
    added there instead.
    """
    keys = _keys_of(root)
    for wrong_key in keys.problems:
        with noted:
            raise SpecError([wrong_key])
    found, usable = dict(keys.found), keys.usable
    settings: dict[str, object] = {}
    if usable:
        before = len(noted.found)
        with noted:
            settings = _settings(found, base, given)
        usable = len(noted.found) == before
    if problems is None or not usable:
        noted.raise_any()
    else:
        problems.found.extend(noted.found)
    taken, resolution = found.pop("input"), settings["resolution"]
    found["inputs"] = resized(taken, resolution) if isinstance(resolution, tuple) else taken
    found["classes"] = settings["classes"]
    found["title"] = found["title"] or found["name"]
    if resolution is not None:
        size = shortest_size(dict(asked).get("resolution", ""), taken)
        asked = tuple([(name, size if name == "resolution" else text) for name, text in asked])
    return Spec(
        **found, file=root.file, settings=settings, asked=asked, outputs=root.get("outputs"), freeze=root.get("freeze")
    )


class _Keys(NamedTuple):
    """What the keys of the top level say, whatever is asked; what is wrong with them; whether cells can be read."""

    found: Mapping[str, Any]
    problems: tuple[Problem, ...]
    usable: bool


@kept(64)
def _keys_of(root: Map) -> _Keys:
    """Return what the keys of a merged tree say."""
    noted = Problems()
    found: dict[str, Any] = {
        "name": "", "title": "", "aliases": (), "source": Source(), "follows": "", "note": "", "classes": None,
        "defaults": {}, "width": None, "depth": None, "knobs": {}, "init": {}, "stages": (), "expect": (),
        "published": (), "budget": (), "space": None, "blocks": {},
        "input": {UNNAMED: Value((1, 1, 1))}, "layers": Seq(()),
    }  # fmt: skip
    failed: set[str] = set()
    for key, read in _READERS.items():
        node = root.get(key)
        if node is not None:
            failed.add(key)
            with noted:
                found[key] = read(node)
                failed.discard(key)
        elif key in _MISSING:
            failed.add(key)
            noted.add(f"`{key}` is missing", root.location, help=_MISSING[key])
    words = {name: knob.choices for name, knob in found["knobs"].items() if knob.choices}
    if words or any(column.choices for block in found["blocks"].values() for column in block.columns):
        from archprof.spec.compared import wrong_words

        for wrong in wrong_words(found["layers"], found["blocks"], words):
            with noted:
                raise SpecError([wrong])
    return _Keys(found, tuple(noted.found), failed.isdisjoint(_NEEDED_BY_CELLS))


_MISSING = {
    "input": "say what the network takes: `input: 3x224x224`",
    "layers": "list the network's layers, or name a parent with `extends`",
}


def _settings(found: Mapping[str, Any], base: Mapping[str, Scalar], given: Mapping[str, Scalar]) -> dict[str, object]:
    """Return every knob's value: a multiplier is the product of the spec's own and the asked one, any other the last
    one said."""
    values: dict[str, object] = {"width": 1.0, "depth": 1.0, "resolution": None, "classes": found["classes"]}
    problems = Problems()
    for name, knob in found["knobs"].items():
        with problems:
            values[name] = read_knob(knob, given.get(name) or base.get(name) or knob.default)
    for name in ("width", "depth"):
        factors = []
        for node in (base.get(name), given.get(name)):
            if node is None:
                continue
            with problems:
                if found[name] is None:
                    advice = (
                        f"a spec that has one says `{name}: {{…}}`; knobs here: "
                        f"{', '.join((*found['knobs'], 'resolution', 'classes'))}"
                    )
                    raise problem(f"this network has no {name} multiplier", node.location, help=advice)
                factors.append(read_multiplier(node, name))
        values[name] = reduce(multiply, factors, 1.0) if len(factors) != 1 else factors[0]
    resolution = given.get("resolution") or base.get("resolution")
    if resolution is not None:
        with problems:
            values["resolution"] = read_resolution(resolution, found["input"])
    classes = given.get("classes") or base.get("classes")
    if classes is not None:
        with problems:
            if found["classes"] is None:
                raise problem(
                    "this network has no classes", classes.location, help="a spec that has some says `classes: 1000`"
                )
            values["classes"] = integer(classes, 1, MAX_CHANNELS, "the number of classes")
    problems.raise_any()
    return values


def read_multiplier(node: Scalar, name: str) -> Any:
    """Return a width or depth multiplier."""
    return number(node, 0.001, 1000, f"a {name} multiplier") if node.value is None else node.value


def multiply(first: Any, second: Any) -> Any:
    """Return the product of two multipliers as their decimals have it: 0.7 × 0.1 is 0.07, which binary fractions miss
    by a hair."""
    if not isinstance(first, int | float) or not isinstance(second, int | float):
        return first * second
    from decimal import Decimal

    return float(Decimal(repr(first)) * Decimal(repr(second)))


def _some_of(options: Sequence[str]) -> str:
    """Return options one behind the other; of many the first and the last, and how many they are."""
    quoted = [f"`{option}`" for option in options]
    if len(quoted) <= _MOST_SHOWN:
        return ", ".join(quoted)
    return f"{len(quoted)}: {', '.join(quoted[:3])} … {quoted[-1]}"


def read_knob(knob: Knob, node: Scalar) -> object:
    """Return a knob's value from its text; raises SpecError outside its range or words."""
    if node.value is not None:
        return node.value
    if knob.draws and node.text not in [option.text for option in knob.draws]:
        message = f"`{knob.name}` is drawn, and never {describe(node)}"
        raise problem(message, node.location, help=f"one of {_some_of([option.text for option in knob.draws])}")
    if knob.choices:
        return word(node, knob.choices, "value", f" of `{knob.name}`")
    if knob.type == "bool":
        return flag(node)
    if knob.type == "int":
        return integer(node, int(max(knob.low, -(10**9))), int(min(knob.high, 10**9)), f"an integer for `{knob.name}`")
    return number(node, knob.low, knob.high, f"a number for `{knob.name}`")


def _name(node: Node) -> str:
    name = text(node)
    if not NAME.match(name):
        raise wrong(node, "a name", "letters, digits, `_`, `-` and `.`")
    return name


def _names(node: Node) -> tuple[str, ...]:
    return tuple(_name(item) for item in sequence(node, "a list of names"))


def read_source(node: Node) -> Source:
    """Return where a network is described."""
    return Source(**{key: text(value) for key, value in mapping(node, "`source`", Source._fields).pairs()})


def _width(node: Node) -> WidthRule:
    rule = mapping(node, "`width`", WidthRule._fields)
    divisor, expand = rule.get("divisor"), rule.get("expand")
    plain = isinstance(divisor, Scalar) and divisor.text == "-"
    problems = Problems()
    found = WidthRule()
    with problems:
        found = found._replace(
            divisor=None if plain else 8 if divisor is None else integer(divisor, 1, 1024, "a divisor")
        )
    with problems:
        found = found._replace(
            expand=word(expand, ("scale", "ratio"), "rule for expanded widths") if expand else "scale"
        )
    problems.raise_any()
    return found


def _depth(node: Node) -> str:
    rule = mapping(node, "`depth`", ("round",)).get("round")
    return word(rule, ("ceil",), "rounding") if rule else "ceil"


def _knobs(node: Node) -> dict[str, Knob]:
    problems = Problems()
    knobs: dict[str, Knob] = {}
    for name, (marker, declaration) in mapping(node, "`knobs`").entries.items():
        with problems:
            if not re.match(_KNOB, name):
                raise wrong(marker, "a knob's name", "letters, digits and `_`, starting with a letter")
            if name in BUILT_IN:
                raise problem(f"`{name}` is a knob that every network has", marker.location, help="choose another name")
            if name == NETWORK:
                message = f"`{name}` is a network of a space, by its rank"
                raise problem(message, marker.location, help="choose another name")
            knobs[name] = _knob(name, declaration)
    problems.raise_any()
    return knobs


def _knob(name: str, node: Node) -> Knob:
    fields = mapping(node, f"knob `{name}`", ("type", "default", "min", "max", "choices", "doc", "choice"))
    if "choice" in fields.entries:
        return _drawn_knob(name, fields)
    default, kind, choices = fields.get("default"), fields.get("type"), fields.get("choices")
    if default is None:
        raise problem(f"knob `{name}` needs a `default`", node.location)
    if (kind is None) == (choices is None):
        advice = "`type: int`, `float` or `bool`; or `choices: [a, b]`"
        raise problem(f"knob `{name}` needs one of `type` and `choices`", node.location, help=advice)
    low, high = fields.get("min"), fields.get("max")
    knob = Knob(
        name,
        word(kind, ("int", "float", "bool"), "type") if kind else "choice",
        scalar(default, "a default"),
        number(low, -1e9, 1e9) if low else -math.inf,
        number(high, -1e9, 1e9) if high else math.inf,
        tuple(text(choice) for choice in sequence(choices, "a list of words")) if choices else (),
        text(doc) if (doc := fields.get("doc")) else "",
    )
    read_knob(knob, knob.default)
    return knob


def _drawn_knob(name: str, fields: Map) -> Knob:
    """Return a knob that a space draws: its type is that of all options, unless it is said."""
    from archprof.spec.choices import knob_draw

    draw, kind, doc = knob_draw(name, fields), fields.get("type"), fields.get("doc")
    for key in ("min", "max", "choices"):
        if key in fields.entries:
            message = f"`{key}` of a knob that is drawn"
            raise problem(message, fields.entries[key][0].location, help="its `choice` says all that it can be")
    options = tuple(scalar(option, "an option") for option in draw.options)
    typed = word(kind, ("int", "float", "bool"), "type") if kind else _type_of(options)
    words = tuple(option.text for option in options) if typed == "choice" else ()
    said = text(doc) if doc else ""
    knob = Knob(name, typed, options[draw.default], -math.inf, math.inf, words, said, options)
    for option in options:
        read_knob(knob, option)
    return knob


def _type_of(options: tuple[Scalar, ...]) -> str:
    """Return the narrowest type of a knob that all options are of."""
    forms = {"int": r"[+-]?[0-9]+", "float": r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)", "bool": "true|false|yes|no"}
    kinds = (name for name, form in forms.items() if all(re.fullmatch(form, one.text) for one in options))
    return next(kinds, "choice")


def _space(node: Node) -> SpaceRule:
    fields = mapping(node, "`space`", SPACE)
    sizes, version = fields.get("resolution"), fields.get("version")
    values: tuple[str, ...] = ()
    if sizes is not None:
        from archprof.spec.axis import parse_axis  # which spaces alone need

        typed = [sizes] if isinstance(sizes, Scalar) else sequence(sizes, "resolutions", 'as in `"128:224:4"`')
        try:
            values = parse_axis(("resolution", ",".join(scalar(one, "a resolution").text for one in typed))).values
        except SpecError as error:
            found = error.problems[0]
            raise problem(found.message, sizes.location, where="space.resolution", help=found.help) from None
    return SpaceRule(values, integer(version, 1, 1_000_000, "a version") if version else 1)


def _defaults(node: Node) -> dict[str, tuple[Scalar, Node]]:
    return mapping(node, "`defaults`").entries


# What an initialisation is of.
INIT = ("conv", "linear", "conv_bias", "linear_bias", "layers")


def _init(node: Node) -> dict[str, Node]:
    return dict(mapping(node, "`init`", INIT).pairs())


def _own_blocks(node: Node) -> "dict[str, OwnBlock]":
    from archprof.spec.own_blocks import read_blocks  # which few specs have

    return read_blocks(node)


def _layers(node: Node) -> Seq:
    advice = "as in `layers: [conv: {k: 3, c: 32}, avg_pool, linear: classes]`"
    if not sequence(node, "a list of layers", advice):
        raise problem("a network without layers", node.location, help=advice)
    assert isinstance(node, Seq)
    return node


def _stages(node: Node) -> tuple[Scalar, ...]:
    return tuple(scalar(item, "the id of a layer") for item in sequence(node, "a list of ids"))


def _records(node: Node, key: str, read: Any) -> tuple[Any, ...]:
    problems = Problems()
    records = []
    listed = sequence(node, f"a list for `{key}`", f"as in `{key}: [{{params: 3504872, macs: 300774272}}]`")
    for item in few(listed, key):
        with problems:
            records.append(read(item))
    problems.raise_any()
    return tuple(records)


def _budget(node: Node) -> "tuple[Budget, ...]":
    from archprof.spec.budget import read_budgets  # which few specs have

    return read_budgets(node)


def _at(fields: Map) -> tuple[tuple[str, str], ...]:
    node = fields.get("at")
    return parse_settings(text(node), node.location) if node else ()


def read_expected(node: Node) -> tuple[Expected, ...]:
    """Return the exact numbers of an `expect`; raises SpecError with every entry that is wrong."""
    return _records(node, "expect", _expected)


def _expected(node: Node) -> Expected:
    fields = mapping(node, "`expect`", ("at", *NAMES, NETWORKS))
    advice = "an integer; rounded numbers belong into `published`"
    counts = {key: count(value, "an exact count", advice) for key, value in fields.pairs() if key != "at"}
    if not counts:
        help = f"any of {', '.join((*NAMES, NETWORKS))}"
        raise problem("an entry of `expect` without a count", node.location, help=help)
    return Expected(_at(fields), counts, fields)


def _published(node: Node) -> Published:
    kinds = (*PUBLISHED, "top1", "top5")
    fields = mapping(node, "`published`", ("at", *kinds, *PUBLISHED_WORDS))
    numbers = {key: text(value) for key, value in fields.pairs() if key in kinds}
    if not numbers:
        raise problem("an entry of `published` without a number", node.location, help=f"any of {', '.join(kinds)}")
    words = {key: text(value) if (value := fields.get(key)) else "" for key in PUBLISHED_WORDS}
    return Published(_at(fields), numbers, node=fields, **words)


_READERS: Mapping[str, Any] = {
    "name": _name,
    "title": text,
    "aliases": _names,
    "source": read_source,
    "follows": text,
    "note": text,
    "input": read_inputs,
    "classes": lambda node: integer(node, 1, MAX_CHANNELS, "the number of classes"),
    "defaults": _defaults,
    "width": _width,
    "depth": _depth,
    "knobs": _knobs,
    "init": _init,
    "blocks": _own_blocks,
    "layers": _layers,
    "stages": _stages,
    "expect": read_expected,
    "published": lambda node: _records(node, "published", _published),
    "budget": _budget,
    "space": _space,
}
