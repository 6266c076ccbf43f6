"""Which files are specs, and have the numbers that they say they have."""

from collections.abc import Callable, Iterable

from archprof.analysis.document import ConventionText, convention_text
from archprof.analysis.expectations import check_published, unmet_expectations
from archprof.analysis.variants import Variants
from archprof.errors import Problem, problems_of
from archprof.language.expand import check_blocks, check_knobs, has_blocks_alone
from archprof.named_tuple import NamedTuple
from archprof.spec.types import Spec

# A number of `expect` is not what is counted; the spec itself is wrong.
UNMET, WRONG = 1, 2


class ValidatedSpec(NamedTuple):
    """A spec by the name that it was asked for by, and everything that is wrong with it."""

    model: str
    valid: bool
    problems: tuple[Problem, ...]


class Validation(NamedTuple):
    """Specs in the order in which they were asked for; *exit_code* is 0, or that of the worst of them."""

    convention: ConventionText
    exit_code: int
    models: tuple[ValidatedSpec, ...]


def validate(references: Iterable[str], build_space: Callable[[Spec], object] | None = None) -> Validation:
    """Return what is wrong with each of some specs, whatever it is: nothing rises.

    *build_space* goes through all options of a spec that is a space, where it is given: whoever knows of spaces hands
    it in.
    """
    found, exit_code = [], 0
    for reference in references:
        code, problems = _problems(reference, build_space)
        found.append(ValidatedSpec(reference, not problems, problems))
        exit_code = max(exit_code, code)
    return Validation(convention_text(), exit_code, tuple(found))


def _problems(reference: str, build_space: Callable[[Spec], object] | None) -> tuple[int, tuple[Problem, ...]]:
    try:
        variants = Variants(reference)  # once: what standard input has told, it does not tell again
        if has_blocks_alone(variants.tree) and not variants.behind:
            check_blocks(variants.tree)
            return 0, ()
        unmet = unmet_expectations(variants)
        spec = variants.spec()
        check_published(spec)
        check_knobs(spec)
        if build_space is not None and spec.open is not None and not spec.open.asked:
            build_space(spec)
    except Exception as error:  # whatever one file raises, the others are told of
        return WRONG, problems_of(error, reference)
    return UNMET if unmet else 0, tuple(unmet)
