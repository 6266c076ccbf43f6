"""A question to a space at one input size, whatever it is: a chain of rows, or a grid of knobs."""

from archprof.devices.asked import On
from archprof.language.spellings import spellings
from archprof.progress import Told, untold
from archprof.space.build import TooManyStates
from archprof.space.grid_search import GridSearch
from archprof.space.search import Answer, Question, Search
from archprof.spec.load import resolve
from archprof.spec.types import Tree
from archprof.spec.variant import Setting


def answer(
    tree: Tree, settings: tuple[Setting, ...], resolution: str, question: Question, told: Told = untold
) -> Answer:
    """Return what a space answers at one input size; an empty one is the spec's own. It is *told* of rows before they
    are traced, and of networks before they are looked at.

    Raises SpecError for a spec that is wrong, UsageError for what is no space and for questions that it cannot answer.
    """
    return opened(tree, settings, resolution, question.on, told).answer(question)


def opened(
    tree: Tree, settings: tuple[Setting, ...], resolution: str, on: On | None = None, told: Told = untold
) -> Search | GridSearch:
    """Return a space at one input size, for all questions: as a chain where it is one. Raises as `answer` does."""
    try:
        return Search(tree, settings, resolution, on, told)
    except TooManyStates:
        at = (("resolution", resolution),) if resolution else ()
        spec = resolve(tree, (*settings, *at), spellings)
        if spec.open is None or spec.open.choices.layers:
            raise
        found = GridSearch(spec, spec.open, (*settings, *at), resolution, told)
        if not found.is_small:
            raise
        return found
