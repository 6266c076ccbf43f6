"""Times that repeat: the minima of rounds in which everything is measured in turn, and how far they can be trusted."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from time import perf_counter_ns
from typing import NamedTuple, TypeVar

# By how much the minima of the two halves of the rounds may differ: above that a time is noise, and no profile has it.
NOISE = 0.10
# A sample lasts so long at least, in µs: the clock's steps are nothing beside it.
_SAMPLE_US = 10.0
_MOST_REPEATS = 64
# What is noisy gets as many rounds again, so often.
_AGAIN = 2

Key = TypeVar("Key", bound=Hashable)
# Measures once, and returns the µs of one run.
Sampler = Callable[[], float]
# Is told, before each step, how many steps are done, of how many, and the name of the next.
Told = Callable[[int, int, str], None]


class Timing(NamedTuple):
    """The least µs of all rounds, and the spread: by how much the minima of both halves of the rounds differ, as a part
    of the smaller one."""

    us: float
    spread: float
    rounds: int

    @property
    def noisy(self) -> bool:
        """Whether it does not repeat: the minima of the halves differ by more than 10 %."""
        return self.spread > NOISE


def timing_of(samples: list[float]) -> Timing:
    """Return the time of what took so many µs in each of at least two rounds."""
    half = len(samples) // 2
    first, second = sorted((min(samples[:half]), min(samples[half:])))
    return Timing(first, (second - first) / first if first else 0.0, len(samples))


def host_sampler(
    run: Callable[[], object],
    prepare: Callable[[], object] | None = None,
    clock: Callable[[], int] = perf_counter_ns,
) -> Sampler:
    """Return what measures a function of the host by a *clock* of nanoseconds: once a sample, unless that is too short
    for the clock. What it reads of others' is in caches if *prepare* brings it there; weights are where the rest of a
    round has left them, as in a network."""

    def elapsed(times: int) -> float:
        start = clock()
        for _ in range(times):
            run()
        return (clock() - start) / 1000 / times

    elapsed(2)  # libraries choose kernels, and pack weights
    once = elapsed(1)
    repeats = min(max(int(_SAMPLE_US / once) if once else _MOST_REPEATS, 1), _MOST_REPEATS)

    def sample() -> float:
        if prepare is not None:
            prepare()
        return elapsed(repeats)

    return sample


def interleaved(samplers: Mapping[Key, Sampler], rounds: int, told: Told | None = None) -> dict[Key, Timing]:
    """Return how long everything takes, each measured once in every round, so that what disturbs the machine for a
    while disturbs all alike. What is noisy is measured in further rounds, twice at most."""
    samples: dict[Key, list[float]] = {key: [] for key in samplers}
    _measure(samplers, samplers, samples, rounds, told)
    for _ in range(_AGAIN):
        noisy = [key for key, found in samples.items() if timing_of(found).noisy]
        _measure(samplers, noisy, samples, rounds, None)
    return {key: timing_of(found) for key, found in samples.items()}


def _measure(
    samplers: Mapping[Key, Sampler],
    keys: Iterable[Key],
    samples: dict[Key, list[float]],
    rounds: int,
    told: Told | None,
) -> None:
    keys = list(keys)
    for number in range(rounds):
        if told:
            told(number, rounds, f"round {number + 1}")
        for key in keys:
            samples[key].append(samplers[key]())
