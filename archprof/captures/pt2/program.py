"""An exported program, checked as far as its head goes: inputs, outputs, what it holds, and what its symbols may be."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archprof.captures.calls import HeldTensor
from archprof.captures.pt2.archive import MAX_BYTES, Texts, no_program, read_texts
from archprof.captures.pt2.outputs import output_names
from archprof.errors import UsageError, printable
from archprof.inputs import shown_name
from archprof.json_fields import MOST_COUNT, MOST_SIZE, Refused, field, flag, integer, items, mapping, shown, text
from archprof.json_text import FileKind, JsonText
from archprof.named_tuple import NamedTuple

MAJOR, MINOR = 8, 20
_KIND = FileKind("program", MAX_BYTES, 'export the module again: `torch.export.save(…, "x.pt2")`')

Record = Mapping[str, Any]


class Range(NamedTuple):
    """What a symbol may be: from a size to a size, None where there is no end."""

    least: int
    most: int | None

    def __str__(self) -> str:
        return f"from {self.least:,}" + ("" if self.most is None else f" to {self.most:,}")


class Holdings(NamedTuple):
    """What a program holds: each tensor by the name that the graph has for it, and each parameter that is another's
    tensor, too, by its own name."""

    tensors: Mapping[str, HeldTensor]
    tied: Mapping[str, str]


class Program(NamedTuple):
    """A program: *inputs* are the tensors that it takes, *outputs* the names in the graph of those that it returns, by
    where they stand; *guards* hold for all sizes that it takes."""

    file: str
    text: JsonText
    torch: str
    graph: Record
    inputs: tuple[str, ...]
    held: Holdings
    outputs: Mapping[str, str]
    ranges: Mapping[str, Range]
    guards: Sequence[str]

    def wrong(self, error: Refused, name: str = "", where: str = "") -> UsageError:
        """Return the error for what may not stand in a file, at the first place where the graph has a name."""
        return self.text.wrong(str(error), f'"{name}"' if name else "", where)


def read_program(path: str) -> Program:
    """Return the program in a file; `git:REV:path` is one at a revision, `-` one from standard input.

    Raises UsageError, with the place, for a file that holds none, and SpecError where git has no such file.
    """
    texts, path = read_texts(path), shown_name(path)
    source = JsonText(path, texts.program, _KIND)
    document = source.parse()
    try:
        return _program(path, source, mapping(document), texts)
    except Refused as error:
        raise source.wrong(str(error)) from None


def _program(path: str, source: JsonText, document: Record, texts: Texts) -> Program:
    _check_version(path, field(document, "schema_version", mapping))
    module = field(document, "graph_module", mapping)
    signature = field(module, "signature", mapping)
    specs = [union(one) for one in field(signature, "input_specs", items)]
    returned = [union(one) for one in field(signature, "output_specs", items)]
    leaves = [_leaf(spec) for kind, spec in returned if kind == "user_output"]
    return Program(
        path,
        source,
        field(document, "torch_version", text),
        field(module, "graph", mapping),
        tuple(_user_inputs(specs)),
        _held(specs, _addresses(path, texts.weights)),
        output_names(leaves, _tree(module)),
        field(document, "range_constraints", _ranges),
        [guard for guard in field(document, "guards_code", items, []) if isinstance(guard, str)],
    )


def _check_version(path: str, version: Record) -> None:
    major, minor = (field(version, key, lambda value: integer(value, 0, MOST_SIZE)) for key in ("major", "minor"))
    if major != MAJOR:
        raise no_program(path, f"its schema is {major}.{minor}, and {MAJOR} is read here")
    if minor > MINOR:
        newer = f"`{path}` has schema {major}.{minor}, newer than {MAJOR}.{MINOR}: what that added is not looked at"
        sys.stderr.write(printable(newer) + "\n")


def union(value: Any) -> tuple[str, Any]:
    """Return which of its forms a union has, and what that holds."""
    found = mapping(value)
    if len(found) != 1:
        raise Refused(f"expected an object with one key, not {shown(value)}")
    (item,) = found.items()
    return item


def name_of(value: Any) -> str:
    """Return the name of a tensor or an argument."""
    name = mapping(value).get("name")
    if not isinstance(name, str):
        raise Refused(f"expected a name, not {shown(value)}")
    return name


def _user_inputs(specs: list[tuple[str, Any]]) -> Iterator[str]:
    for kind, spec in specs:
        if kind == "user_input":
            form, argument = field(mapping(spec), "arg", union)
            if form == "as_tensor":
                yield name_of(argument)


def _leaf(spec: Any) -> str | None:
    """Return the name of what is returned, None for what is no tensor."""
    form, argument = field(mapping(spec), "arg", union)
    return name_of(argument) if form == "as_tensor" else None


_HELD = {"parameter": "parameter_name", "buffer": "buffer_name", "tensor_constant": "tensor_constant_name"}


def _held(specs: list[tuple[str, Any]], addresses: Mapping[str, Any]) -> Holdings:
    tensors: dict[str, HeldTensor] = {}
    tied: dict[str, str] = {}
    first: dict[Any, str] = {}
    for kind, found in specs:
        if kind not in _HELD:
            continue
        spec = mapping(found)
        name, own = field(spec, "arg", name_of), field(spec, _HELD[kind], text)
        if name in tensors:
            raise Refused(f"two inputs are called {shown(name)}")
        if kind == "tensor_constant":
            tensors[name] = HeldTensor("", "constant")
            continue
        canonical = first.setdefault((kind, addresses.get(own, own)), own)
        tensors[name] = HeldTensor(canonical, kind)
        if kind == "parameter":
            tied[own] = canonical
    return Holdings(tensors, tied)


def _addresses(path: str, weights: bytes) -> Mapping[str, Any]:
    """Return where each tensor lies: two that lie at one place are one."""
    if not weights:
        return {}
    found = mapping(JsonText(path, weights, _KIND).parse())
    addresses = {}
    for name, value in field(found, "config", mapping).items():
        record = mapping(value)
        meta = record.get("tensor_meta") or {}
        place = {key: mapping(meta).get(key) for key in ("sizes", "strides", "storage_offset")}
        addresses[name] = f"{record.get('path_name')} {place}"
    return addresses


def _tree(module: Record) -> str:
    """Return how what is returned is put together, as torch writes it; empty where nothing says so."""
    calls = field(module, "module_call_graph", items, [])
    signature = mapping(calls[0]).get("signature") if calls else None
    found: str = field(mapping(signature), "out_spec", _plain, "") if signature else ""
    return found


def _plain(value: Any) -> str:
    if not isinstance(value, str):
        raise Refused(f"expected a text, not {shown(value)}")
    return value


def _ranges(found: Any) -> dict[str, Range]:
    ranges = {}
    for name, value in mapping(found).items():
        if name.isidentifier():
            least, most = (field(mapping(value), key, _bound, None) for key in ("min_val", "max_val"))
            ranges[name] = Range(max(least or 0, 0), most if most is None or most <= MOST_SIZE else None)
    return ranges


def _bound(value: Any) -> int | None:
    return None if value is None else integer(value, -(MOST_COUNT**2), MOST_COUNT**2)


def requires_grad(record: Any) -> bool:
    """Tell whether a tensor learns."""
    learns: bool = field(mapping(record), "requires_grad", flag)
    return learns
