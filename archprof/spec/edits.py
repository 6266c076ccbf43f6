"""`set`, `insert` and `remove`: a variant's changes to its parent, all addressed to the parent as it is. And settings,
one after the other."""

from collections.abc import Iterable

from archprof.errors import Problems, SpecError, problem
from archprof.named_tuple import NamedTuple
from archprof.spec.address import NameStep, Step
from archprof.spec.kept import kept
from archprof.spec.layers import Spellings, column_names, find_ids, full_form
from archprof.spec.nodes import Map, Node, Scalar, Seq
from archprof.spec.values import mapping, scalar, sequence
from archprof.spec.walk import Walk, put, widen

Assignment = tuple[Scalar, Node]
Steps = tuple[Step, ...]


class Splice(NamedTuple):
    """A change of a list: *added* items before item *at*, which may be *removed*."""

    at: int
    removed: bool
    added: tuple[Node, ...]


def assign(root: Map, assignments: Iterable[Assignment], spellings: Spellings) -> Map:
    """Return the spec with settings applied, each to what those before it made.

    Raises SpecError for every address that names nothing.
    """
    problems, spellings = Problems(), spellings.within(root)
    for address, value in assignments:
        root = full_form(root, spellings)
        with problems:
            root = _mapping(put(root, tuple(Walk(root, address, spellings, find_ids(root, spellings)).steps), value))
    problems.raise_any()
    return root


def edit(parent: Map, child: Map, spellings: Spellings) -> Map:
    """Return the parent's tree with the child's `set`, `insert` and `remove` applied, of which there is one at least.

    Raises SpecError for an address that names nothing, edits of one place that contradict each other, or an entry not
    written as it should be.
    """
    spellings = spellings.within(parent)
    editor = _Editor(_written_out(parent, spellings), spellings)
    for keyword, read in (
        ("set", editor.read_changes),
        ("remove", editor.read_removals),
        ("insert", editor.read_insertions),
    ):
        entries = child.get(keyword)
        if entries is not None:
            with editor.problems:
                read(entries)
    editor.problems.raise_any()
    return editor.edited()


# A family's networks edit the same parent.
_written_out = kept(16)(full_form)


class _Editor:
    """The edits of one file, collected, then applied at once: no edit shifts the place of another."""

    def __init__(self, root: Map, spellings: Spellings) -> None:
        self.root = root
        self.problems = Problems()
        self._spellings = spellings
        self._ids = find_ids(root, spellings)
        self._changes: dict[Steps, Node] = {}
        self._named: dict[Steps, Step] = {}  # the norm or activation that edits name, where there can be one
        self._splices: dict[Steps, list[Splice]] = {}
        self._edited: set[Steps] = set()  # what is changed or removed
        self._around: set[Steps] = set()  # every place that holds one of those

    def read_changes(self, node: Node) -> None:
        for address, value in mapping(node, "`set`").entries.values():
            with self.problems:
                steps, _ = self._walk(address)
                self._claim(address, steps)
                self._changes[steps] = value

    def read_removals(self, node: Node) -> None:
        for entry in sequence(node, "a list of addresses"):
            with self.problems:
                address = scalar(entry, "an address")
                steps = self._item(address)
                self._claim(address, steps)
                self._splices.setdefault(steps[:-1], []).append(Splice(int(steps[-1]), True, ()))

    def read_insertions(self, node: Node) -> None:
        for entry in sequence(node, "a list of insertions"):
            with self.problems:
                self._insert(entry)

    def _insert(self, entry: Node) -> None:
        fields = mapping(entry, "an insertion", ("before", "after", "layers", "rows"))
        sides = [key for key in ("before", "after") if key in fields.entries]
        whats = [key for key in ("layers", "rows") if key in fields.entries]
        if len(sides) != 1 or len(whats) != 1:
            advice = 'as in `{after: "layers[3]", layers: [dropout: 0.2]}`'
            raise problem(
                "an insertion has one of `before`, `after` and one of `layers`, `rows`", entry.location, help=advice
            )
        (marker, items), address = fields.entries[whats[0]], scalar(fields.entries[sides[0]][1], "an address")
        steps = self._item(address)
        if (steps[-2] == "rows") != (whats[0] == "rows"):
            raise problem(
                f"`{whats[0]}` beside `{address.text}`",
                marker.location,
                help="`rows` go beside a row, `layers` beside a layer",
            )
        if any(steps[:length] in self._edited for length in range(len(steps))):
            raise _contradiction(address)
        index = int(steps[-1]) + (sides[0] == "after")
        self._splices.setdefault(steps[:-1], []).append(Splice(index, False, sequence(items, f"a list of {whats[0]}")))

    def _walk(self, address: Scalar) -> tuple[Steps, bool]:
        walk = Walk(self.root, address, self._spellings, self._ids)
        return tuple(walk.steps), walk.is_item

    def _item(self, address: Scalar) -> Steps:
        steps, is_item = self._walk(address)
        if not is_item:
            raise problem(
                f"`{address.text}` is no layer and no row",
                address.location,
                help="name one, such as `layers[3]` or `layers[1].rows[2]`",
            )
        return steps

    def _claim(self, address: Scalar, steps: Steps) -> None:
        prefixes = [steps[:length] for length in range(1, len(steps) + 1)]
        if steps in self._around or any(prefix in self._edited for prefix in prefixes):
            raise _contradiction(address)
        names = {steps[:length]: step for length, step in enumerate(steps) if isinstance(step, NameStep)}
        if any(self._named.setdefault(where, name) != name for where, name in names.items()):
            raise _contradiction(address)
        self._edited.add(steps)
        self._around.update(prefixes)

    def edited(self) -> Map:
        """Return the parent with all edits."""
        tree: Node = self.root
        # A block is renamed last: the other addresses lead through its old name.
        for steps, value in sorted(self._changes.items(), key=lambda change: change[0][-1] == "block"):
            tree = put(tree, steps, value)
        # Longer addresses first, so that an outer list is spliced after the lists inside it.
        for where in sorted(self._splices, key=len, reverse=True):
            tree = self._spliced(tree, where)
        return _mapping(tree)

    def _spliced(self, tree: Node, where: Steps) -> Node:
        changes = self._splices[where]
        if where[-1] == "rows":
            changes = [change._replace(added=self._widened(tree, where, change.added)) for change in changes]
        target = _at(tree, self._renamed(where))
        assert isinstance(target, Seq)
        gone = {change.at for change in changes if change.removed}
        added: dict[int, list[Node]] = {}
        for change in changes:
            added.setdefault(change.at, []).extend(change.added)
        items: list[Node] = []
        for index in range(len(target.items) + 1):
            items.extend(added.get(index, ()))
            items.extend(target.items[index : index + 1] if index not in gone else ())
        return put(tree, self._renamed(where), target._replace(items=tuple(items)))

    def _widened(self, tree: Node, where: Steps, rows: tuple[Node, ...]) -> tuple[Node, ...]:
        """Return inserted rows, written under the parent's columns, with cells for those that `set` has added."""
        before = len(column_names(_at(self.root, (*where[:-1], "columns"))))
        after = len(column_names(_at(tree, (*self._renamed(where)[:-1], "columns"))))
        return tuple(
            widen(Seq((row,)), after - before).items[0] if isinstance(row, Seq) and len(row.items) == before else row
            for row in rows
        )

    def _renamed(self, where: Steps) -> Steps:
        """Return steps that lead through blocks as they are called after `set`."""
        steps = list(where)
        for index in range(1, len(where)):
            name = self._changes.get((*where[:index], "block"))
            if isinstance(name, Scalar):
                steps[index] = name.text
        return tuple(steps)


def _contradiction(address: Scalar) -> SpecError:
    return problem(
        f"`{address.text}` is changed or removed by another edit too",
        address.location,
        help="edits of one file must not overlap: make it one",
    )


def _at(tree: Node, steps: Steps) -> Node | None:
    node: Node | None = tree
    for step in steps:
        node = (
            node.items[int(step)] if isinstance(node, Seq) else node.get(str(step)) if isinstance(node, Map) else None
        )
    return node


def _mapping(node: Node) -> Map:
    assert isinstance(node, Map)
    return node
