"""A reference → a Spec: read, follow `extends`, apply edits and settings, then type what the file says."""

import os
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from archprof.errors import Location, Problems, SpecError, did_you_mean, problem, suggest
from archprof.inputs import is_stream, real_path
from archprof.limits import MAX_EXTENDS
from archprof.spec import catalog
from archprof.spec.header import BUILT_IN, NETWORK, TOP_LEVEL, interpret, multiply, read_multiplier
from archprof.spec.kept import kept
from archprof.spec.layers import Spellings, full_form
from archprof.spec.nodes import Map, Node, Scalar, describe, shorten
from archprof.spec.reader import parse, parse_value, read_file
from archprof.spec.types import OpenSpace, Spec, Tree
from archprof.spec.values import mapping, scalar, sequence
from archprof.spec.variant import Setting, parse_reference

if TYPE_CHECKING:
    from archprof.spec.edits import Assignment

MULTIPLIERS = ("width", "depth")
MERGED = ("defaults", "knobs", "width", "init", "source", "blocks")
NOT_INHERITED = ("name", "title", "aliases", "expect", "published", "note", "budget")
EDITS = ("extends", "set", "insert", "remove", "import")


def load(
    reference: str,
    settings: Iterable[Setting] = (),
    *,
    spellings: Spellings,
    text: str | None = None,
    problems: Problems | None = None,
) -> Spec:
    """Return the Spec that *reference* names, with *settings* behind those of the reference.

    *reference* is a catalog name, an alias, a path or `-`, each with `@knob=value,…` behind it if wanted. *text* stands
    in for the file's content. Raises SpecError with everything that is wrong. With *problems*, what does not keep the
    layers from being read is added there instead.
    """
    target, behind = parse_reference(reference)
    return resolve(read_tree(target, spellings, text), (*behind, *settings), spellings, problems)


def read_tree(target: str, spellings: Spellings, text: str | None = None) -> Tree:
    """Return the merged nodes of the spec that *target* (a name, path or `-`) names."""
    file = target if catalog.is_path(target) else str(catalog.find(target))
    return _tree(file, read_file(file) if text is None else text, spellings, ())


def resolve(tree: Tree, settings: Iterable[Setting], spellings: Spellings, problems: Problems | None = None) -> Spec:
    """Return the Spec of a tree at some settings. Raises SpecError, or adds to *problems*, as `load` does."""
    asked = tuple(dict(settings).items())
    found = Problems()
    found.found.extend(tree.problems)
    nodes: list[Assignment] = []
    for key, value in asked:
        with found:
            place = Location(f"{key}={value}", 0, 0)
            nodes.append((Scalar(key, *place), parse_value(value, place)))
    root: Map = tree.root
    knobs: dict[str, Scalar] = {}
    space: OpenSpace | None = None
    with found:
        root, knobs = _applied(root, nodes, spellings)
    if tree.leaves_open or any(_leaves_open(value) for _, value in asked):
        try:
            root, knobs, space = _drawn(root, tree.base, knobs, spellings)
        except SpecError as error:  # whoever reads cells would blame those that hold choices
            found.found.extend(error.problems)
            problems = None
    return interpret(root, tree.base, knobs, asked, found, problems)._replace(tree=tree, open=space)


def _leaves_open(text: str) -> bool:
    """Tell whether a text may hold a choice; few do, and are looked through."""
    return "choice" in text and re.search(r"\bchoice[\"']?\s*:", text) is not None


def _drawn(
    root: Map, base: Mapping[str, Scalar], knobs: Mapping[str, Scalar], spellings: Spellings
) -> tuple[Map, dict[str, Scalar], "OpenSpace | None"]:
    """Return a spec with its choices drawn, as `network` says or by their defaults; its knobs; and the space, None
    where no choice is left. Raises SpecError for choices that are none."""
    from archprof.spec.choices import choices_of
    from archprof.spec.chosen import chosen
    from archprof.spec.ranks import default_pick, pick, read_rank

    spellings = spellings.within(root)
    root = full_form(root, spellings)
    choices = choices_of(root, {**base, **knobs})
    left = dict(knobs)
    rank = left.pop(NETWORK, None)
    if not choices:
        if rank is not None:
            advice = f"leave out `{NETWORK}`: nothing is left to draw"
            raise problem(f"`{NETWORK}` of a single network", rank.location, help=advice)
        return root, left, None
    picked = default_pick(choices) if rank is None else pick(choices, read_rank(rank.text, choices, rank.location))
    network, drawn = chosen(root, choices, picked, spellings)
    return network, {**drawn, **left}, OpenSpace(root, choices, picked, rank is not None)


# A family's networks extend the same few files.
_parsed = lru_cache(maxsize=32)(parse)


def _tree(file: str, text: str, spellings: Spellings, chain: tuple[str, ...]) -> Tree:
    shown = "<stdin>" if file == "-" else file
    root = _parsed(text, shown)
    problems = Problems()
    _check_keys(root, problems)
    if "name" not in root.entries:
        root = root.with_entry("name", Scalar(_name_of(shown), shown, 1, 1))
    if (wanted := root.get("import")) is not None:
        with problems:
            root = _with_imports(file, root, wanted, spellings, chain, problems)
    extends = root.get("extends")
    leaves_open = _leaves_open(text)
    if extends is None:
        return Tree(root, _NO_SETTINGS, tuple(problems.found), leaves_open)
    try:
        parent = _parent(file, root, extends, spellings, chain)
        merged, base, drawn = _above(parent.root, parent.base, root, spellings)
    except SpecError as error:
        raise SpecError([*problems.found, *error.problems]) from None
    leaves_open |= parent.leaves_open and not drawn
    return Tree(merged, base, (*parent.problems, *problems.found), leaves_open)


# Of all specs that extend no other one: what is kept is known by what it is made of.
_NO_SETTINGS: dict[str, Scalar] = {}


def _parent(file: str, root: Map, extends: Node, spellings: Spellings, chain: tuple[str, ...]) -> Tree:
    """Return the tree of the spec that a file extends."""
    target, _ = parse_reference(scalar(extends, "the name of a spec").text, extends.location)
    path = _parent_file(target, root.file, extends.location)
    here = real_path(file)
    if real_path(path) in (*chain, here):
        raise problem(f"`extends: {shorten(target)}` leads back to a file that extends this one", extends.location)
    if len(chain) + 1 >= MAX_EXTENDS:
        raise problem(f"a chain of more than {MAX_EXTENDS} files that extend each other", extends.location)
    return _tree(path, _read_parent(path, target, extends.location), spellings, (*chain, here))


# A family's networks extend one that extends another itself.
@kept(32)
def _above(
    parent: Map, base: dict[str, Scalar], root: Map, spellings: Spellings
) -> tuple[Map, dict[str, Scalar], bool]:
    """Return a parent's nodes with the settings behind its name in `extends`, the edits and the child's keys on top;
    the settings of both, the parent's being *base*; and whether they draw a network of a space."""
    extends = scalar(root.entries["extends"][1], "the name of a spec")
    _, behind = parse_reference(extends.text, extends.location)
    nodes = [(Scalar(key, *extends.location), parse_value(value, extends.location)) for key, value in behind]
    changed, knobs = _applied(parent, nodes, spellings)
    drawn = NETWORK in knobs
    if drawn:
        changed, knobs = _network(changed, base, knobs, spellings)
    return _merge(_edited(changed, root, spellings), root), _rebase(base, knobs), drawn


def _network(
    root: Map, base: Mapping[str, Scalar], knobs: Mapping[str, Scalar], spellings: Spellings
) -> tuple[Map, dict[str, Scalar]]:
    """Return the network of a space that a spec extends, whose own settings are *base*, without what makes it a space;
    and its knobs."""
    network, drawn, _ = _drawn(root, base, knobs, spellings)
    entries = {key: entry for key, entry in network.entries.items() if key != "space"}
    return network._replace(entries=entries), drawn


def _with_imports(
    file: str, root: Map, wanted: Node, spellings: Spellings, chain: tuple[str, ...], problems: Problems
) -> Map:
    """Return a spec with the blocks of the files that it imports; what is wrong with those goes to *problems*."""
    from archprof.spec.own_blocks import imported

    for entry in sequence(wanted, "a list of specs", "as in `import: [mobilenetv4_conv_small]`"):
        with problems:
            name = scalar(entry, "the name of a spec")
            theirs = _blocks_of(file, root, name, spellings, chain)
            root = root.with_entry("blocks", imported(theirs, root.get("blocks"), name.location))
    return root


def _blocks_of(file: str, root: Map, name: Scalar, spellings: Spellings, chain: tuple[str, ...]) -> Map:
    """Return the blocks of the file that an import names. Raises SpecError where it has none, or cannot be read."""
    path, here = _parent_file(name.text, root.file, name.location), real_path(file)
    if real_path(path) in (*chain, here):
        raise problem(f"`import: {shorten(name.text)}` leads back to a file that imports this one", name.location)
    if len(chain) + 1 >= MAX_EXTENDS:
        raise problem(f"a chain of more than {MAX_EXTENDS} files that import each other", name.location)
    found = _tree(path, _read_parent(path, name.text, name.location, "import from"), spellings, (*chain, here))
    if found.problems:
        raise SpecError(found.problems)
    blocks = found.root.get("blocks")
    if not isinstance(blocks, Map):
        raise problem(f"`{shorten(name.text)}` defines no blocks", name.location, help="name a spec that has `blocks`")
    return blocks


def _edited(parent: Map, child: Map, spellings: Spellings) -> Map:
    """Return the parent's tree with the edits of the child, if it has any."""
    if not any(child.get(keyword) for keyword in EDITS[1:4]):
        return parent
    from archprof.spec.edits import edit

    return edit(parent, child, spellings)


def _name_of(file: str) -> str:
    """Return a name for a spec that states none: its file's stem, with `_` for what a name may not hold."""
    stem = "stdin" if file == "<stdin>" else Path(file.split(":", 2)[-1] if catalog.is_git(file) else file).stem
    return re.sub("[^A-Za-z0-9_.-]", "_", stem).lstrip("_.-") or "network"


def _parent_file(target: str, child: str, location: Location) -> str:
    if not catalog.is_path(target):
        found = _found_at_revision if catalog.is_git(child) else _found
        return found(target, child, location)
    if is_stream(target):
        raise problem("a spec cannot extend standard input", location, help="name a spec of the catalog or a file")
    if catalog.is_git(target):
        return target
    if not catalog.is_git(child):
        return _beside(child, target)
    from archprof.spec import git

    return git.sibling(child, target, location)


def _found(name: str, child: str, location: Location) -> str:
    return str(catalog.find(name, location))


def _beside(child: str, target: str) -> str:
    """Return a path that counts from the folder of *child*, short where that is the same file: behind a link, `..` is
    another folder."""
    path = Path(child).parent / target
    short = os.path.normpath(path)
    return short if real_path(short) == real_path(str(path)) else str(path)


def _found_at_revision(name: str, child: str, location: Location) -> str:
    """Return the file of a network that a spec at a revision extends: at the same revision where the catalog is part of
    the repository."""
    from archprof.spec import git

    revision = git.parse_place(child).revision
    try:
        folder = git.parse_place(git.at_revision(revision, str(catalog.root()))).path
    except SpecError:  # an installed catalog has no revisions
        return str(catalog.find(name, location))
    named = [path for path in git.files_below(revision, folder) if path.endswith(f"/{name}.yaml")]
    return str(git.Place(revision, named[0])) if named else git.at_revision(revision, str(catalog.find(name, location)))


def _read_parent(path: str, target: str, location: Location, how: str = "extend") -> str:
    try:
        return read_file(path)
    except SpecError as error:
        if error.problems[0].location:
            raise
        reason = error.problems[0].message
        raise problem(
            f"cannot {how} `{shorten(target)}`: {reason}", location, help="a path counts from this file's folder"
        ) from None


def _check_keys(root: Map, problems: Problems) -> None:
    version = root.get("archprof")
    if version is not None and not (isinstance(version, Scalar) and version.text == "1"):
        raise problem(
            f"language version {describe(version)} is not known here: there is version 1",
            version.location,
            help="write `archprof: 1`",
        )
    if version is None:
        problems.add(
            "`archprof` is missing", root.location, help="a spec starts with `archprof: 1`, the version of its language"
        )
    for key, (marker, _) in root.entries.items():
        if key not in TOP_LEVEL:
            problems.add(f"unknown key `{shorten(key)}`", marker.location, help=suggest(key, TOP_LEVEL, "keys"))
        if key in EDITS[1:4] and "extends" not in root.entries:
            problems.add(f"`{key}` without `extends`", marker.location, help="edits change a parent: name it")


def _applied(root: Map, nodes: list["Assignment"], spellings: Spellings) -> tuple[Map, dict[str, Scalar]]:
    """Return the tree with the settings that are addresses carried out, and the others, which set knobs."""
    if not nodes:
        return root, {}
    from archprof.spec.edits import assign
    from archprof.spec.walk import is_place

    declared = root.get("knobs")
    names = [*BUILT_IN, *(declared.entries if isinstance(declared, Map) else ())]
    if _has_choices(root):
        names.append(NETWORK)
    knobs: dict[str, Scalar] = {}
    edits: list[Assignment] = []
    problems = Problems()
    for key, value in nodes:
        with problems:
            if key.text in names:
                knobs[key.text] = scalar(value, f"a value for `{key.text}`")
            elif key.text == NETWORK:
                advice = "`archprof list --kind space` shows those whose networks have ranks"
                raise problem(f"`{NETWORK}` is asked of a network that is no space", key.location, help=advice)
            elif not re.search(r"[.\[]", key.text) and not is_place(root, key.text, spellings):
                close = did_you_mean(key.text[:100], names)
                known = [name for name in names if name not in ("width", "depth", "classes") or name in root.entries]
                advice = f"{close} knobs: {', '.join(known)}; a place is written `layers[1].rows[2].k`".strip()
                raise problem(
                    f"`{shorten(key.text)}` is neither a knob nor a place of this network", key.location, help=advice
                )
            else:
                edits.append((key, value))
    if edits:
        with problems:
            root = assign(root, edits, spellings)
    problems.raise_any()
    return root, knobs


@kept(16)
def _has_choices(root: Map) -> bool:
    """Tell whether a tree has choices, which is asked for all settings that a spec lists."""
    from archprof.spec.choices import has_choices

    return has_choices(root)


def _rebase(base: dict[str, Scalar], knobs: dict[str, Scalar]) -> dict[str, Scalar]:
    """Return the parent's own settings with the variant's on top: multipliers multiply, the rest replaces."""
    merged = {**base, **knobs}
    for name in MULTIPLIERS:
        if name in base and name in knobs:
            merged[name] = knobs[name]._replace(
                text=str(multiply(read_multiplier(base[name], name), read_multiplier(knobs[name], name)))
            )
    return merged


def _merge(parent: Map, child: Map) -> Map:
    """Return the parent's keys with the child's on top; some merge entry by entry, some are not inherited."""
    problems = Problems()
    entries = {key: entry for key, entry in parent.entries.items() if key not in NOT_INHERITED}
    for key, (marker, value) in child.entries.items():
        if key in EDITS:
            continue
        below = parent.get(key)
        if key in MERGED and isinstance(below, Map):
            with problems:
                own = mapping(value, f"`{key}`")
                value = own._replace(entries={**below.entries, **own.entries})
        entries[key] = (marker, value)
    problems.raise_any()
    return child._replace(entries=entries)
