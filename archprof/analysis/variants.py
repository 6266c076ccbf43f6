"""One spec, read once, at any settings."""

from collections.abc import Iterable

from archprof.analysis.totals import counts_of
from archprof.costs.metrics import Counts
from archprof.costs.report import Report, analyze_graph
from archprof.errors import Problems
from archprof.ir.graph import Graph
from archprof.language.expand import expand, trace_network
from archprof.language.spellings import spellings
from archprof.spec.load import read_tree, resolve
from archprof.spec.same import are_same, is_at
from archprof.spec.types import Spec, spec_of
from archprof.spec.variant import Setting, parse_reference

Settings = tuple[Setting, ...]


class Variants:
    """The networks that one spec describes: itself at any settings behind those of its name."""

    def __init__(self, model: str | Graph, what: str = "a setting") -> None:
        """Read the spec of a model, by its name or from where its graph comes; raises SpecError where it cannot be
        read, UsageError where *what* is wanted of a graph that comes from none."""
        if isinstance(model, str):
            target, self.behind = parse_reference(model)
            self.tree = read_tree(target, spellings)
        else:
            spec = spec_of(model.origin, what)
            assert spec.tree is not None
            self.tree, self.behind = spec.tree, spec.asked

    def spec(self, settings: Iterable[Setting] = ()) -> Spec:
        """Return the spec at some settings; raises SpecError with everything that is wrong with its keys there."""
        return resolve(self.tree, (*self.behind, *settings), spellings)

    def graph(self, settings: Iterable[Setting] = ()) -> Graph:
        """Return the network at some settings; raises SpecError with everything that is wrong there."""
        problems = Problems()
        return expand(resolve(self.tree, (*self.behind, *settings), spellings, problems), problems)

    def totals(self, settings: Iterable[Setting] = ()) -> tuple[Spec, Counts]:
        """Return the spec at some settings and what its network counts to; raises SpecError with everything that is
        wrong there."""
        problems = Problems()
        spec = resolve(self.tree, (*self.behind, *settings), spellings, problems)
        return spec, counts_of(trace_network(spec, problems).fragment)

    def report(self, settings: Iterable[Setting] = ()) -> Report:
        """Return the costs at some settings; raises SpecError with everything that is wrong there."""
        return analyze_graph(self.graph(settings))

    def listed(self) -> tuple[Settings, ...]:
        """Return the settings that the spec lists in `expect` and `published`, its own first, each network once; with
        settings behind its name that are not its own, those alone.

        Raises SpecError for settings that cannot be.
        """
        own = self.spec()
        if not is_at(own, (), spellings):
            return ((),)
        found: list[tuple[Spec, Settings]] = [(own, ())]
        listed = [entry.at for entry in own.expect] + [entry.at for entry in own.published]
        for at in dict.fromkeys(listed):
            spec = self.spec(at)
            if not any(are_same(spec, other, spellings) for other, _ in found):
                found.append((spec, at))
        return tuple([at for _, at in found])
