"""Which layers of a space have parameters that are not trained, by what is drawn."""

from collections.abc import Iterable

from archprof.costs.metrics import METRICS
from archprof.language.expand import bind
from archprof.language.spellings import spellings
from archprof.spec.choices import option_text
from archprof.spec.load import resolve
from archprof.spec.own_blocks import names_in
from archprof.spec.types import OpenSpace, Spec

# What counts trained parameters alone.
TRAINED = tuple(metric.name for metric in METRICS if metric.trained)


class Frozen:
    """The ids that `freeze` freezes; *knobs* are those that it asks for and that are drawn."""

    def __init__(self, spec: Spec, space: OpenSpace) -> None:
        self._spec = spec
        self._draws = {draw.place: draw for draw in space.choices.knobs}
        names = frozenset() if spec.freeze is None else names_in(spec.freeze)
        self.knobs = names & self._draws.keys()
        self._ids: dict[tuple[tuple[str, str], ...], tuple[str, ...]] = {}

    @property
    def ever(self) -> frozenset[str]:
        """The ids that are frozen in some network, or that might be."""
        return frozenset(stage.text for stage in self._spec.stages) if self.knobs else frozenset(self.ids(()))

    def ids(self, knobs: Iterable[tuple[str, int]]) -> tuple[str, ...]:
        """Return the ids with some knobs drawn, by the numbers of their options. Raises SpecError for what `freeze`
        cannot say."""
        if self._spec.freeze is None:
            return ()
        options = {name: self._draws[name].options[digit] for name, digit in knobs if name in self.knobs}
        drawn = tuple([(name, option_text(option)) for name, option in options.items()])
        if drawn not in self._ids:
            assert self._spec.tree is not None
            spec = resolve(self._spec.tree, (*self._spec.asked, *drawn), spellings) if drawn else self._spec
            self._ids[drawn] = bind(spec).frozen
        return self._ids[drawn]
