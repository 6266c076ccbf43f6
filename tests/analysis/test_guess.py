"""How often a random number is explained: as often as the explanation says."""

import math
import random

import pytest

from archprof.analysis.guess import Guessed, guess, parse_seen
from archprof.analysis.variants import Variants
from archprof.costs.tools import CONVENTIONS

NETWORKS = ("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large", "resnet50", "efficientnet_b0")


@pytest.fixture(scope="module", params=NETWORKS)
def variants(request) -> Variants:
    return Variants(request.param)


def randoms(variants: Variants, digits: tuple[int, ...]) -> list[str]:
    """Return 60 numbers of so many digits, within a factor of two of the network's MACs, as they are printed in
    millions."""
    dice, macs = random.Random(20190701), variants.report().totals.macs
    numbers = []
    for _ in range(60):
        number, shown = macs * 2 ** dice.uniform(-1, 1) / 10**6, dice.choice(digits)
        numbers.append(f"{number:.{max(shown - len(str(int(number))), 0)}f}M MACs")
    return numbers


def answers(variants: Variants, numbers: list[str]) -> list[Guessed]:
    report, conventions = variants.report(), tuple(CONVENTIONS.values())
    return [guess(parse_seen(number), report, variants, conventions) for number in numbers]


@pytest.mark.few(1)
def test_random_numbers_are_explained_as_often_as_is_said(variants):
    found = answers(variants, randoms(variants, (3, 4)))
    explained = sum(any(one.fits for one in answer.guesses) for answer in found)
    said = [answer.chance or 0 for answer in found]
    deviation = math.sqrt(sum(chance * (1 - chance) for chance in said))
    assert abs(explained - sum(said)) <= 3 * deviation
    assert max(said) <= 0.1
    assert explained + sum(bool(answer.published) for answer in found) <= 8


@pytest.mark.few(1)
def test_random_integers_are_not_explained(variants):
    numbers = [str(random.Random(seed).randrange(10**8, 10**9)) for seed in range(60)]
    assert [answer.seen for answer in answers(variants, numbers) if answer.found] == []


def test_no_guess_is_another_network(variants):
    """The counts that are tried are those of the network itself: they are the same whatever the number is."""
    near, far = ({one.number for one in answer.guesses} for answer in answers(variants, ["41M MACs", "7.77G MACs"]))
    assert near == far
