"""A reference → a Spec: read, follow `extends`, apply edits and settings, then type what the file says."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from archprof.errors import Location, Problems, problem, suggest
from archprof.spec import catalog
from archprof.spec.address import Spellings
from archprof.spec.edits import Assignment, assign, edit
from archprof.spec.header import TOP_LEVEL, interpret
from archprof.spec.nodes import Map, Node, Scalar, shorten
from archprof.spec.reader import parse, parse_value, read_file
from archprof.spec.types import Spec
from archprof.spec.values import mapping, number, scalar
from archprof.spec.variant import Reference, Setting, parse_reference

MAX_EXTENDS = 16
MULTIPLIERS = ("width", "depth")
MERGED = ("defaults", "knobs", "width", "init", "source")
NOT_INHERITED = ("name", "title", "aliases", "expect", "published", "note", "budget")
EDITS = ("extends", "set", "insert", "remove")


class Tree(NamedTuple):
    """A spec's nodes with its parents merged in, and the knob settings that the chain of `extends` made its own."""

    root: Map
    base: dict[str, Scalar]


def load(reference: str, settings: Iterable[Setting] = (), *, spellings: Spellings, text: str | None = None) -> Spec:
    """Return the Spec that *reference* names, with *settings* behind those of the reference.

    *reference* is a catalog name, an alias, a path or `-`, each with `@knob=value,…` behind it if wanted. *text* stands in for the file's content.
    Raises SpecError with everything that is wrong.
    """
    target, behind = parse_reference(reference)
    return resolve(read_tree(target, spellings, text), (*behind, *settings), spellings)


def read_tree(target: str, spellings: Spellings, text: str | None = None) -> Tree:
    """Return the merged nodes of the spec that *target* (a name, path or `-`) names."""
    file = target if catalog.is_path(target) else str(catalog.find(target))
    return _tree(file, read_file(file) if text is None else text, spellings, ())


def resolve(tree: Tree, settings: Iterable[Setting], spellings: Spellings) -> Spec:
    """Return the Spec of a tree at some settings."""
    asked = tuple(dict(settings).items())
    nodes = [(Scalar(key, f"{key}={value}", 1, 1), parse_value(value, f"{key}={value}")) for key, value in asked]
    knobs, edits = _partition(tree.root, nodes)
    root = assign(tree.root, edits, spellings) if edits else tree.root
    return interpret(root, tree.base, knobs, asked)


def _tree(file: str, text: str, spellings: Spellings, chain: tuple[str, ...]) -> Tree:
    shown = "<stdin>" if file == "-" else file
    root = parse(text, shown)
    _check_keys(root)
    if "name" not in root.entries:
        root = root.with_entry("name", Scalar(Path(shown).stem.strip("<>"), shown, 1, 1))
    extends = root.get("extends")
    if extends is None:
        for keyword in EDITS[1:]:
            if keyword in root.entries:
                raise problem(f"`{keyword}` without `extends`", root.entries[keyword][0].location, help="edits change a parent: name it")
        return Tree(root, {})
    target, behind = parse_reference(scalar(extends, "the name of a spec").text, extends.location)
    path = _parent_file(target, shown, extends.location)
    here = str(Path(file).resolve())
    if str(Path(path).resolve()) in (*chain, here):
        raise problem(f"`extends: {shorten(target)}` leads back to a file that extends this one", extends.location)
    if len(chain) + 1 >= MAX_EXTENDS:
        raise problem(f"a chain of more than {MAX_EXTENDS} `extends`", extends.location)
    parent = _tree(path, _read_parent(path, target, extends.location), spellings, (*chain, here))
    nodes = [(Scalar(key, *extends[1:4]), _reparsed(value, extends)) for key, value in behind]
    knobs, edits = _partition(parent.root, nodes)
    merged = edit(assign(parent.root, edits, spellings) if edits else parent.root, root, spellings)
    return Tree(_merge(merged, root), _rebase(parent.base, knobs))


def _parent_file(target: str, child: str, location: Location) -> str:
    if not catalog.is_path(target):
        return str(catalog.find(target, location))
    if target == "-":
        raise problem("a spec cannot extend standard input", location, help="name a spec of the catalog or a file")
    return str(Path(child).parent / target)


def _read_parent(path: str, target: str, location: Location) -> str:
    try:
        return read_file(path)
    except Exception as error:
        first = str(error).splitlines()[0]
        raise problem(f"cannot extend `{shorten(target)}`: {first}", location, help="a path counts from this file's folder") from None


def _reparsed(value: str, extends: Node) -> Node:
    """Return the node of a setting inside `extends`, placed where the `extends` stands."""
    node = parse_value(value, extends.file)
    return node._replace(line=extends.line, column=extends.column)


def _check_keys(root: Map) -> None:
    problems = Problems()
    for key, (marker, _) in root.entries.items():
        with problems:
            if key not in TOP_LEVEL:
                raise problem(f"unknown key `{shorten(key)}`", marker.location, help=suggest(key, TOP_LEVEL, "keys"))
    with problems:
        version = root.get("archprof")
        if version is None:
            raise problem("`archprof` is missing", root.location, help="a spec starts with `archprof: 1`, the version of its language")
        if not isinstance(version, Scalar) or version.text != "1":
            raise problem("this version of archprof reads language version 1", version.location, help="write `archprof: 1`")
    problems.raise_any()


def _partition(root: Map, nodes: list[Assignment]) -> tuple[dict[str, Scalar], list[Assignment]]:
    """Split settings into those of knobs and those of addresses."""
    declared = root.get("knobs")
    names = {"width", "depth", "resolution", "classes", *(declared.entries if isinstance(declared, Map) else ())}
    knobs: dict[str, Scalar] = {}
    edits: list[Assignment] = []
    for key, value in nodes:
        if key.text in names:
            knobs[key.text] = scalar(value, f"a value for `{key.text}`")
        elif key.text.isidentifier() and key.text not in root.entries and key.text not in ("freeze",) and not _is_id(root, key.text):
            raise problem(
                f"`{shorten(key.text)}` is neither a knob nor an address of this network",
                key.location if key.file.endswith((".yaml", ".yml")) else None,
                help=suggest(key.text, sorted(names), "knobs") + "; an address is written `layers[1].rows[2].k`",
            )
        else:
            edits.append((key, value))
    return knobs, edits


def _is_id(root: Map, name: str) -> bool:
    from archprof.spec.address import find_ids

    return name in find_ids(root)


def _rebase(base: dict[str, Scalar], knobs: dict[str, Scalar]) -> dict[str, Scalar]:
    """Return the parent's own settings with the variant's on top: multipliers multiply, the rest replaces."""
    merged = {**base, **knobs}
    for name in MULTIPLIERS:
        if name in base and name in knobs:
            product = number(base[name], 0, 1000) * number(knobs[name], 0, 1000)
            merged[name] = knobs[name]._replace(text=repr(product))
    return merged


def _merge(parent: Map, child: Map) -> Map:
    """Return the parent's keys with the child's on top; some merge entry by entry, some are not inherited."""
    entries = {key: entry for key, entry in parent.entries.items() if key not in NOT_INHERITED}
    for key, (marker, value) in child.entries.items():
        if key in EDITS:
            continue
        below = parent.get(key)
        if key in MERGED and isinstance(below, Map):
            own = mapping(value, f"`{key}`")
            value = own._replace(entries={**below.entries, **own.entries})
        entries[key] = (marker, value)
    return child._replace(entries=entries)
