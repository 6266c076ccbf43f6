"""`set`, `insert` and `remove`: a variant's changes to its parent, all addressed to the parent as it is."""

from collections.abc import Iterable

from archprof.errors import Problems, problem
from archprof.spec.address import Spellings, Step, Walk, full_form, put
from archprof.spec.nodes import Map, Node, Scalar, Seq
from archprof.spec.values import mapping, scalar, sequence, wrong

Assignment = tuple[Scalar, Node]


def assign(root: Map, assignments: Iterable[Assignment], spellings: Spellings) -> Map:
    """Return the spec with a node put at each address.

    Raises SpecError for every address that names nothing.
    """
    root = full_form(root, spellings)
    problems = Problems()
    tree = _assigned(root, assignments, spellings, problems)
    problems.raise_any()
    return tree


def _assigned(root: Map, assignments: Iterable[Assignment], spellings: Spellings, problems: Problems) -> Map:
    found: list[tuple[tuple[Step, ...], Node]] = []
    for address, value in assignments:
        with problems:
            found.append((tuple(Walk(root, address.text, spellings, address.location).steps), value))
    tree: Node = root
    # A block is renamed last: the other addresses lead through its old name.
    for steps, value in sorted(found, key=lambda change: change[0][-1] == "block"):
        tree = put(tree, steps, value)
    assert isinstance(tree, Map)
    return tree


def edit(parent: Map, child: Map, spellings: Spellings) -> Map:
    """Return the parent's tree with the child's `set`, `insert` and `remove` applied.

    Raises SpecError for an address that names nothing, or an entry that is not written as it should be.
    """
    root = full_form(parent, spellings)
    splices: dict[tuple[Step, ...], list[tuple[int, bool, tuple[Node, ...]]]] = {}
    problems = Problems()
    changes = child.get("set")
    assignments: Iterable[Assignment] = ()
    with problems:
        assignments = mapping(changes, "a mapping of addresses").entries.values() if changes else ()
    tree: Node = _assigned(root, assignments, spellings, problems)
    for keyword, splice in (("remove", _removal), ("insert", _insertion)):
        entries = child.get(keyword)
        with problems:
            for entry in sequence(entries, "a list") if entries else ():
                with problems:
                    where, change = splice(root, entry, spellings)
                    splices.setdefault(where, []).append(change)
    problems.raise_any()
    # Longer addresses first, so that an outer list is spliced after the lists inside it.
    for where in sorted(splices, key=len, reverse=True):
        tree = _splice(tree, where, splices[where])
    assert isinstance(tree, Map)
    return tree


def _place(root: Map, node: Node, spellings: Spellings) -> tuple[tuple[Step, ...], int]:
    address = scalar(node, "an address")
    steps = Walk(root, address.text, spellings, address.location).steps
    if not isinstance(steps[-1], int) or (len(steps) > 2 and isinstance(steps[-2], int) and "rows" in steps):
        raise problem(f"`{address.text}` is no layer and no row", address.location, help="name one, such as `layers[3]` or `layers[1].rows[2]`")
    return tuple(steps[:-1]), steps[-1]


def _removal(root: Map, entry: Node, spellings: Spellings) -> tuple[tuple[Step, ...], tuple[int, bool, tuple[Node, ...]]]:
    where, index = _place(root, entry, spellings)
    return where, (index, True, ())


def _insertion(root: Map, entry: Node, spellings: Spellings) -> tuple[tuple[Step, ...], tuple[int, bool, tuple[Node, ...]]]:
    fields = mapping(entry, "an insertion", ("before", "after", "layers", "rows"))
    side = [key for key in ("before", "after") if fields.get(key)]
    what = [key for key in ("layers", "rows") if fields.get(key)]
    if len(side) != 1 or len(what) != 1:
        raise wrong(entry, "one of `before`, `after` and one of `layers`, `rows`", 'as in `{after: "layers[3]", layers: [dropout: 0.2]}`')
    where, index = _place(root, fields.entries[side[0]][1], spellings)
    if (where[-1] == "rows") != (what[0] == "rows"):
        raise wrong(fields.entries[what[0]][0], "rows beside a row, layers beside a layer")
    items = sequence(fields.entries[what[0]][1], f"a list of {what[0]}")
    return where, (index + (side[0] == "after"), False, items)


def _splice(tree: Node, where: tuple[Step, ...], changes: list[tuple[int, bool, tuple[Node, ...]]]) -> Node:
    target = tree
    for step in where:
        target = target.items[step] if isinstance(target, Seq) and isinstance(step, int) else target.get(str(step))  # type: ignore
    assert isinstance(target, Seq)
    gone = {index for index, removes, _ in changes if removes}
    items: list[Node] = []
    for index in range(len(target.items) + 1):
        for place, removes, added in changes:
            if place == index and not removes:
                items.extend(added)
        if index < len(target.items) and index not in gone:
            items.append(target.items[index])
    return put(tree, where, target._replace(items=tuple(items)))
