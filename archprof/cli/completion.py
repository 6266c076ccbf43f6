"""Shell completion: what may stand at the cursor. Loaded only when a shell asks."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import typer

from archprof.cli.output import write_stdout
from archprof.errors import InputError
from archprof.named_tuple import NamedTuple

if TYPE_CHECKING:
    from archprof.spec.layers import ColumnNames, Spellings
    from archprof.spec.nodes import Map, Node
    from archprof.spec.types import Spec


class Candidate(NamedTuple):
    """A word that may stand at the cursor, and what it means."""

    value: str
    help: str = ""


class Request(NamedTuple):
    """What is asked for: the part of a word behind its last separator, of which command and parameter, about which
    network."""

    part: str
    command: str
    name: str
    model: str = ""


def answer(shell: str, app: typer.Typer, commands: Mapping[str, str]) -> int:
    """Print what may stand at the cursor, a word a line, as a shell's script wants it; return the exit code.

    *commands* are those of *app*, with what each is for.
    """
    words = _words(os.environ.get("_ARCHPROF_LINE", ""))
    found = candidates(words[1:], typer.main.get_command(app), commands)
    if shell == "bash":
        breaks = re.escape(os.environ.get("_ARCHPROF_BREAKS", ""))
        head = re.match(f".*[{breaks}]", words[-1]) if breaks else None
        lines = [one.value[head.end() if head else 0 :] for one in found]
    else:
        lines = [f"{one.value}\t{one.help}" for one in found]
    write_stdout("".join(f"{line}\n" for line in lines))
    return 0


def _words(line: str) -> list[str]:
    """Return the words of a command line that may end inside of a quote; the last one, where the cursor is, may be
    empty."""
    import shlex

    reader = shlex.shlex(line, posix=True)
    reader.whitespace_split, reader.commenters = True, ""
    words: list[str] = []
    try:
        words.extend(reader)
    except ValueError:  # the quote that is still open
        words.append(reader.token)
        return words
    return [*words, ""] if not line or line[-1].isspace() else words


def candidates(words: list[str], group: Any, commands: Mapping[str, str]) -> list[Candidate]:
    """Return what the last of the words behind `archprof`, a *group* of *commands*, may be."""
    *before, word = words
    name = next((one for one in before if one in commands), None)
    if name is None:
        options = _options(group.params) if word.startswith("-") else []
        return _starting([*options, *(Candidate(*item) for item in commands.items())], word)
    command = group.get_command(None, name)
    before = before[before.index(name) + 1 :]
    taking = {opt: one for one in command.params for opt in one.opts if opt.startswith("-") and not one.is_flag}
    option, sign, part = word.partition("=")
    if sign and option in taking:
        return _values(taking[option], name, part, _models(before, taking), f"{option}=")
    if before and before[-1] in taking:
        return _values(taking[before[-1]], name, word, _models(before, taking))
    if word.startswith("-"):
        return _starting(_options(command.params), word)
    given = _models(before, taking)
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    return _values(arguments[min(len(given), len(arguments) - 1)], name, word, given) if arguments else []


def _models(before: list[str], taking: Mapping[str, Any]) -> list[str]:
    """Return the words that are neither options nor their values."""
    pairs = zip(["", *before], before, strict=False)
    return [word for last, word in pairs if last not in taking and not word.startswith("-")]


def _options(params: Iterable[Any]) -> list[Candidate]:
    found = [one for one in params if one.param_type_name == "option" and not one.hidden]
    return [Candidate(opt, one.help or "") for one in found for opt in one.opts] + [Candidate("--help", "Show help.")]


def _starting(found: Iterable[Candidate], part: str, head: str = "") -> list[Candidate]:
    return [one._replace(value=f"{head}{one.value}") for one in found if one.value.startswith(part)]


def _values(param: Any, command: str, word: str, models: list[str], option: str = "") -> list[Candidate]:
    """Return the values of a parameter that a word, behind `--option=`, may be."""
    find = VALUES.get(param.name)
    if find is None:
        return []
    behind = re.match(r"(?s).*[@,]", word) if param.name in _LISTED else None
    head = behind[0] if behind else ""
    model = word.partition("@")[0] if "@" in head else models[0] if models else ""
    if param.name in _NETWORKS:
        find = _settings if "@" in head else find
    part = word[len(head) :]
    return _starting(
        find(Request(part, command, param.name, model)), "" if find is _networks else part, f"{option}{head}"
    )


# What may stand there, by the parameter.


def _networks(request: Request) -> Iterator[Candidate]:
    """Yield the names of the catalog that a word begins, however it is spelled."""
    from archprof.spec import catalog

    wanted = catalog.letters(request.part)
    for word, name in catalog.spellings():
        if catalog.letters(word).startswith(wanted):
            yield Candidate(word, "" if word == name else name)


def _settings(request: Request) -> Iterator[Candidate]:
    """Yield the knobs of a network, `width=`, and behind the sign the values that it lists."""
    spec = _spec(request.model)
    if spec is None:
        return
    key, sign, _ = request.part.partition("=")
    if sign:
        yield from (Candidate(f"{key}={value}") for value in _listed(spec, key))
        return
    built_in = {"width": "width multiplier", "depth": "depth multiplier", "classes": "number of classes"}
    for name, doc in built_in.items():
        if getattr(spec, name) is not None:
            yield Candidate(f"{name}=", doc)
    yield Candidate("resolution=", "input size")
    yield from (Candidate(f"{name}=", knob.doc) for name, knob in spec.knobs.items())


def _listed(spec: "Spec", name: str) -> Iterable[str]:
    """Return a knob's choices, or the values that a spec expects or prints numbers at."""
    knob = spec.knobs.get(name)
    if knob and knob.type in ("bool", "choice"):
        return knob.choices or ("true", "false")
    settings = [entry.at for entry in spec.expect] + [entry.at for entry in spec.published]
    return dict.fromkeys(value for at in settings for key, value in at if key == name)


def _places(request: Request) -> Iterator[Candidate]:
    """Yield knobs, and addresses step by step: `layers[`, `layers[1].`, `layers[1].k=`."""
    yield from _settings(request)
    spec = _spec(request.model)
    if spec is None or spec.tree is None or "=" in request.part:
        return
    from archprof.language.spellings import spellings
    from archprof.spec.layers import full_form

    steps = re.compile(r"[.\[]")
    found: dict[str, None] = {}
    named = spellings.within(spec.tree.root)
    for address in _addresses(full_form(spec.tree.root, named).get("layers"), "layers", named):
        if address.startswith(request.part):
            step = steps.search(address, len(request.part))
            found[address[: step.end()] if step else f"{address}="] = None
    yield from map(Candidate, found)


def _addresses(layers: "Node | None", at: str, spellings: "Spellings") -> Iterator[str]:
    """Yield the address of every cell of a list of layers in full form, by numbers and by ids."""
    from archprof.spec.layers import written_layer
    from archprof.spec.nodes import Map, Scalar, Seq

    for index, node in enumerate(layers.items if isinstance(layers, Seq) else ()):
        layer = written_layer(node) if isinstance(node, Map) else None
        if layer is not None and isinstance(layer.arguments, Map):
            names = spellings(layer.block.text)
            for place in (f"{at}[{index}]", *([layer.id.text] if isinstance(layer.id, Scalar) else [])):
                yield from _cells(layer.arguments, place, names, spellings)


def _cells(options: "Map", place: str, names: "ColumnNames", spellings: "Spellings") -> Iterator[str]:
    from archprof.spec.layers import column_names
    from archprof.spec.nodes import Seq

    for key, value in options.pairs():
        if key in names.lists:
            yield from _addresses(value, f"{place}.{key}", spellings)
        elif key in names.paths:
            for index, path in enumerate(value.items if isinstance(value, Seq) else ()):
                yield from _addresses(path, f"{place}.{key}[{index}]", spellings)
        elif key == "rows" and isinstance(value, Seq):
            columns = column_names(options.get("columns"))
            yield from (f"{place}.rows[{row}].{name}" for row in range(len(value.items)) for name in columns)
        elif key != "columns":
            yield f"{place}.{key}"


def _spec(model: str) -> "Spec | None":
    from archprof.language.spellings import spellings
    from archprof.spec.load import load

    with suppress(InputError):
        return load(model.partition("@")[0], spellings=spellings) if model not in ("", "-") else None
    return None


def _conventions(request: Request) -> Iterator[Candidate]:
    from archprof.costs.tools import CONVENTIONS

    yield from (Candidate(name, f"{one.unit} of {one.version}") for name, one in CONVENTIONS.items())


def _formats(request: Request) -> Iterator[Candidate]:
    from archprof.render.formats import formats_of

    yield from (Candidate(one.name) for one in formats_of(request.command))


def _metrics(request: Request) -> Iterator[Candidate]:
    from archprof.costs.metrics import NAMES, OF_NETWORK, TIMES, label_of

    known = {"memory": ("bytes",), **dict.fromkeys(("latency", "bench"), ("latency",)), "compare": (*NAMES, *TIMES)}
    known["sweep"] = (*NAMES, *OF_NETWORK, *TIMES)
    names = known.get(request.command, NAMES)
    yield from (Candidate(name, label_of(name)) for name in names)


def _limits(request: Request) -> Iterator[Candidate]:
    from archprof.costs.metrics import label_of
    from archprof.spec.budget import LIMITED

    yield from (Candidate(f"{name}=", label_of(name)) for name in LIMITED)


def _kinds(request: Request) -> Iterator[Candidate]:
    from archprof.analysis.cost import CONV_KINDS

    yield from (Candidate(name, kind.doc) for name, kind in CONV_KINDS.items())


def _schemas(request: Request) -> Iterator[Candidate]:
    from archprof.render.documents import NAMES

    yield from map(Candidate, NAMES)


def _devices(request: Request) -> Iterator[Candidate]:
    from archprof.devices.profile_file import known_devices

    yield from map(Candidate, known_devices())


def _words_of(*words: str) -> Callable[[Request], Iterator[Candidate]]:
    return lambda request: map(Candidate, words)


def _setup_words(request: Request) -> Iterator[Candidate]:
    """Yield the words of an option that says how a network runs."""
    from archprof.allocation.asked import WORDS

    yield from map(Candidate, WORDS[request.name])


_NETWORKS = ("model", "models", "before", "after", "relative_to")
# Parameters that take several values in one word.
_LISTED = (*_NETWORKS, "set", "conv", "max", "min", "max_increase", "pareto")
VALUES: Mapping[str, Callable[[Request], Iterator[Candidate]]] = {
    **dict.fromkeys((*_NETWORKS, "pattern"), _networks),
    "set": _places,
    "convention": _conventions,
    "format": _formats,
    **dict.fromkeys(("sort", "maximize", "pareto"), _metrics),
    **dict.fromkeys(("max", "min", "max_increase"), _limits),
    "conv": _kinds,
    "name": _schemas,
    "device": _devices,
    "on": _words_of("cpu", "cuda"),
    "runtime": _words_of("torch", "onnxruntime"),
    "execution": _words_of("graph", "eager", "compiled", "session"),
    "by": _words_of("stage", "kind", "layer"),
    **dict.fromkeys(("dtype", "train", "amp", "checkpoint", "layout", "kernels", "in_place"), _setup_words),
    "scale": _words_of("width", "compound"),
    "order": _words_of("best", "own"),
    "counter": _words_of("fvcore", "torch", "both"),
}
