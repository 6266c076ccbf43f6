"""A question to a space at one input size, whatever it is: a chain of rows, or a grid of knobs."""

from archprof.devices.asked import On
from archprof.errors import UsageError
from archprof.language.spellings import spellings
from archprof.progress import Told, untold
from archprof.space.build import MAX_STATES, TooManyStates
from archprof.space.grid_search import GridSearch
from archprof.space.search import Answer, Question, Search
from archprof.spec.load import resolve
from archprof.spec.types import Tree
from archprof.spec.variant import Setting

# Beyond so many ways to draw what rows share, a grid has looked at all networks before a chain has traced its rows.
_MOST_HELD = 2_000


def answer(
    tree: Tree, settings: tuple[Setting, ...], resolution: str, question: Question, told: Told = untold
) -> Answer:
    """Return what a space answers at one input size; an empty one is the spec's own. It is *told* of rows before they
    are traced, and of networks before they are looked at.

    Raises SpecError for a spec that is wrong, UsageError for what is no space and for questions that it cannot answer.
    """
    chain_only = question.on is not None or question.pareto or question.scores is not None
    found = opened(tree, settings, resolution, question.on, told, MAX_STATES if chain_only else _MOST_HELD)
    try:
        return found.answer(question)
    except UsageError:
        if isinstance(found, Search):
            raise
    return opened(tree, settings, resolution, question.on, told).answer(question)


def opened(
    tree: Tree,
    settings: tuple[Setting, ...],
    resolution: str,
    on: On | None = None,
    told: Told = untold,
    most: int = MAX_STATES,
) -> Search | GridSearch:
    """Return a space at one input size, for all questions: as a chain where it is one, whose rows share no more than
    *most* ways to draw knobs if all that is drawn are knobs. Raises as `answer` does."""
    at = (("resolution", resolution),) if resolution else ()
    spec = resolve(tree, (*settings, *at), spellings)
    of_knobs = spec.open is not None and not spec.open.choices.layers
    try:
        return Search(tree, settings, resolution, on, told, most if of_knobs else MAX_STATES)
    except TooManyStates:
        if spec.open is None or not of_knobs:
            raise
        found = GridSearch(spec, spec.open, (*settings, *at), resolution, told)
        if not found.is_small:
            raise
        return found
