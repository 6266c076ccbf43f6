"""Whether a traced network is plainly sound: told by its fragments, each of which is looked at once, however often it
is applied."""

from collections.abc import Iterable

from archprof.ir.graph import INPUT, Edge
from archprof.language.fragment import Application, Call, Fragment, Reservation


def is_sound(fragment: Fragment, outputs: Iterable[Edge], inputs: Iterable[int]) -> bool:
    """Tell whether no two operators of a network stand at one path, each leads to an output, all that is registered is
    there, and all *inputs* are read. Where weights are shared or tied, and for anything else, its graph has to tell."""
    network = _Network()
    edges = set(outputs)
    if any(edge.node == INPUT for edge in edges) or not network.place(fragment, ""):
        return False
    read = network.inputs_read(fragment, edges)
    return read is not None and read.issuperset(inputs) and network.registered <= network.paths


def leads_on(fragment: Fragment) -> bool:
    """Tell whether each operator of a fragment leads to what comes out of it, or to a place that others may name."""
    ends = [x.edge for x in (fragment.result, *fragment.exports)]
    return _Network().inputs_read(fragment, ends) is not None


class _Network:
    """A network while its fragments are looked at."""

    def __init__(self) -> None:
        self.paths: set[str] = set()
        self.registered: set[str] = set()
        self._read: dict[tuple[int, frozenset[int]], frozenset[int] | None] = {}

    def place(self, fragment: Fragment, prefix: str) -> bool:
        """Tell whether all operators of a fragment stand at paths of their own."""
        paths = self.paths
        for part in fragment.parts:
            if isinstance(part, Call):
                path = prefix + part.name if part.name else prefix[:-1]
                if path in paths or part.tied:
                    return False
                paths.add(path)
            elif isinstance(part, Application):
                if not self.place(part.fragment, prefix + part.prefix):
                    return False
            elif isinstance(part, Reservation) and not part.left_out:
                self.registered.update([prefix + name for name in part.names])
        return True

    def inputs_read(self, fragment: Fragment, edges: Iterable[Edge]) -> frozenset[int] | None:
        """Return which inputs lead to some edges of a fragment; None where an operator of it leads to none of them."""
        wanted: list[set[int]] = [set() for _ in fragment.parts]
        wanted.append(set())  # the last place is that of `INPUT`
        for node, k in edges:
            wanted[node].add(k)
        for index in range(len(fragment.parts) - 1, -1, -1):
            part = fragment.parts[index]
            if isinstance(part, Call):
                if not wanted[index]:
                    return None
                for node, k in part.inputs:
                    wanted[node].add(k)
            elif isinstance(part, Application) and (wanted[index] or part.fragment.size):
                read = self._inputs_of(part.fragment, frozenset(wanted[index]))
                if read is None:
                    return None
                for place in read:
                    node, k = part.inputs[place]
                    wanted[node].add(k)
        return frozenset(wanted[INPUT])

    def _inputs_of(self, fragment: Fragment, outputs: frozenset[int]) -> frozenset[int] | None:
        """Return which inputs lead to some outputs of an application, as `inputs_read` does."""
        asked = (id(fragment), outputs)
        if asked not in self._read:
            ends = (fragment.result, *fragment.exports) if outputs != _RESULT else (fragment.result,)
            self._read[asked] = self.inputs_read(fragment, [ends[k].edge for k in outputs])
        return self._read[asked]


_RESULT = frozenset((0,))
