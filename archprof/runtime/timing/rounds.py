"""Times that repeat: the minima of rounds in which everything is measured in turn, and how far they can be trusted."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from time import perf_counter_ns, process_time_ns
from typing import TypeVar

from archprof.named_tuple import NamedTuple
from archprof.progress import Told

# By how much the minima of the two halves of the rounds may differ: above that a time is noise, and no profile has it.
NOISE = 0.10
# A sample lasts so long at least, in µs: the clock's steps are nothing beside it.
_SAMPLE_US = 10.0
_MOST_REPEATS = 64
# Nothing else gets the processor in less.
_LOSABLE_NS = 1_000_000
# What is noisy gets as many rounds again, so often.
_AGAIN = 2

Key = TypeVar("Key", bound=Hashable)
# Measures once.
Sampler = Callable[[], "Sample"]


class Sample(NamedTuple):
    """The µs of a run, and the part of it in which something else had the processor."""

    us: float
    lost: float = 0.0


class Timing(NamedTuple):
    """The least µs of all rounds; the spread: by how much the least of both halves of the rounds differ, as a part of
    the smaller one; and which part of the least something else had the processor."""

    us: float
    spread: float
    rounds: int
    lost: float = 0.0

    @property
    def noisy(self) -> bool:
        """Whether it is noise: the least of both halves differ by more than 10 %, or so much of it was lost."""
        return max(self.spread, self.lost) > NOISE


def timing_of(samples: Sequence[float], tick: float = 0.0) -> Timing:
    """Return the time of what took so many µs in each of at least two rounds, by a clock that ticks so coarsely."""
    half = len(samples) // 2
    first, second = sorted((min(samples[:half]), min(samples[half:])))
    return Timing(first, max(second - first - tick, 0.0) / first if first else 0.0, len(samples))


def host_sampler(
    run: Callable[[], object],
    prepare: Callable[[], object] | None = None,
    clock: Callable[[], int] = perf_counter_ns,
    busy: Callable[[], int] = process_time_ns,
) -> Sampler:
    """Return what measures a function of the host by a *clock* of nanoseconds: once a sample, unless that is too short
    for the clock. What it reads of others' is in caches if *prepare* brings it there; weights are where the rest of a
    round has left them, as in a network. What the process was not *busy* was lost to others."""

    def elapsed(times: int) -> Sample:
        start, worked = clock(), busy()
        for _ in range(times):
            run()
        ns = clock() - start
        lost = 1 - (busy() - worked) / ns if ns else 0.0
        return Sample(ns / 1000 / times, max(lost, 0.0) if ns > _LOSABLE_NS else 0.0)

    elapsed(2)  # libraries choose kernels, and pack weights
    once = elapsed(1).us
    repeats = min(max(int(_SAMPLE_US / once) if once else _MOST_REPEATS, 1), _MOST_REPEATS)

    def sample() -> Sample:
        if prepare is not None:
            prepare()
        return elapsed(repeats)

    return sample


def interleaved(samplers: Mapping[Key, Sampler], rounds: int, told: Told | None = None) -> dict[Key, Timing]:
    """Return how long everything takes, each measured once in every round, so that what disturbs the machine for a
    while disturbs all alike. What is noisy is measured in further rounds, twice at most."""
    samples: dict[Key, list[Sample]] = {key: [] for key in samplers}
    _measure(samplers, samplers, samples, rounds, told)
    for _ in range(_AGAIN):
        noisy = [key for key, found in samples.items() if _of(found).noisy]
        _measure(samplers, noisy, samples, rounds, None)
    return {key: _of(found) for key, found in samples.items()}


def _of(samples: Sequence[Sample]) -> Timing:
    return timing_of([one.us for one in samples])._replace(lost=min(samples).lost)


def _measure(
    samplers: Mapping[Key, Sampler],
    keys: Iterable[Key],
    samples: dict[Key, list[Sample]],
    rounds: int,
    told: Told | None,
) -> None:
    keys = list(keys)
    for number in range(rounds):
        if told:
            told(number, rounds, f"round {number + 1}")
        for key in keys:
            samples[key].append(samplers[key]())
