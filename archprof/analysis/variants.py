"""One spec, read once, at any settings."""

from collections.abc import Iterable

from archprof.analysis.report import Report, analyze_graph
from archprof.errors import Problems
from archprof.graph.block import spellings
from archprof.graph.expand import expand
from archprof.spec.load import read_tree, resolve
from archprof.spec.types import Published, Spec
from archprof.spec.variant import Setting, parse_reference


class Variants:
    """The networks that one spec describes: itself at any settings behind those of its name."""

    def __init__(self, reference: str) -> None:
        """Read the spec; raises SpecError where it cannot be read."""
        target, self._behind = parse_reference(reference)
        self._tree = read_tree(target, spellings)

    def report(self, settings: Iterable[Setting] = ()) -> Report:
        """Return the costs at some settings; raises SpecError with everything that is wrong there."""
        problems = Problems()
        return analyze_graph(expand(resolve(self._tree, (*self._behind, *settings), spellings, problems), problems))

    def published(self, spec: Spec) -> list[Published]:
        """Return what was published for the spec at its settings, in whatever words those were set."""
        return [published for published in spec.published if _same(resolve(self._tree, published.at, spellings), spec)]


def _same(one: Spec, other: Spec) -> bool:
    return _meant(one) == _meant(other)


def _meant(spec: Spec) -> Spec:
    """Return a spec without how its settings were put; a resolution is in its input."""
    return spec._replace(asked=(), settings={**spec.settings, "resolution": None})
