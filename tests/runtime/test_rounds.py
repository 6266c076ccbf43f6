"""Times of rounds: what is least, what is noise; by clocks that the tests turn."""

import pytest

from archprof.runtime.timing.rounds import Sample, Timing, host_sampler, interleaved, timing_of

NS = 1000  # in a µs


class Clock:
    """A clock that runs on by what is waited."""

    def __init__(self):
        self.now = 0

    def __call__(self):
        return self.now

    def wait(self, us):
        self.now += int(us * NS)


# µs of rounds, and of what is told of them: the least, by how much the halves differ.
ROUNDS = {
    "all the same": ([5.0, 5.0, 5.0, 5.0], 5.0, 0.0),
    "a slow one in each half": ([5.0, 9.0, 5.0, 7.0], 5.0, 0.0),
    "the second half slower": ([10.0, 12.0, 11.0, 13.0], 10.0, 0.1),
    "the first half slower": ([12.0, 13.0, 10.0, 11.0], 10.0, 0.2),
}


@pytest.mark.parametrize("name", ROUNDS)
def test_the_least_counts_and_the_halves_tell_the_spread(name):
    samples, us, spread = ROUNDS[name]
    found = timing_of(samples)
    assert (found.us, found.rounds) == (us, 4)
    assert found.spread == pytest.approx(spread)


def test_what_differs_by_more_than_a_tenth_is_noise():
    assert not timing_of([10.0, 11.0]).noisy
    assert timing_of([10.0, 11.1]).noisy
    assert Timing(10.0, 0.0, 4, lost=0.2).noisy


def test_a_step_of_the_clock_is_no_noise():
    assert timing_of([3.0, 4.0], tick=1.0) == Timing(3.0, 0.0, 2)
    assert timing_of([3.0, 5.0], tick=1.0).spread == pytest.approx(1 / 3)


def test_everything_is_measured_in_turn():
    seen = []

    def sampler(name):
        def sample():
            seen.append(name)
            return Sample(5.0)

        return sample

    interleaved({name: sampler(name) for name in "ab"}, 3)
    assert seen == list("ababab")


def test_what_is_noisy_is_measured_again_until_it_repeats():
    steady, wild = iter([5.0] * 4), iter([5.0, 5.0, 9.0, 9.0, 5.0, 5.0, 5.0, 5.0])
    found = interleaved({"steady": lambda: Sample(next(steady)), "wild": lambda: Sample(next(wild))}, 4)
    assert found == {"steady": Timing(5.0, 0.0, 4), "wild": Timing(5.0, 0.0, 8)}


def test_what_never_repeats_stays_noise():
    times = iter([2.0**-k for k in range(12)])
    [found] = interleaved({"": lambda: Sample(next(times))}, 4).values()
    assert (found.rounds, found.noisy) == (12, True)


# µs of a run, and how many runs a sample of at least 10 µs takes, at most 64.
REPEATS = {50.0: 1, 10.0: 1, 4.0: 2, 1.0: 10, 0.1: 64}


@pytest.mark.parametrize("us", REPEATS)
def test_a_sample_is_long_enough_for_the_clock(us):
    clock, runs = Clock(), []
    sample = host_sampler(lambda: runs.append(clock.wait(us)), clock=clock, busy=clock)
    runs.clear()
    found = sample()
    assert found.us == pytest.approx(us)
    assert found.lost == 0
    assert len(runs) == REPEATS[us]


def test_inputs_are_made_ready_outside_of_the_time():
    clock = Clock()
    sample = host_sampler(lambda: clock.wait(20), lambda: clock.wait(500), clock, clock)
    assert sample().us == 20


def test_time_in_which_others_have_the_processor_is_lost():
    clock, busy = Clock(), Clock()

    def run():
        clock.wait(4000)
        busy.wait(3000)

    assert host_sampler(run, clock=clock, busy=busy)() == Sample(4000.0, 0.25)


def test_progress_tells_each_round():
    told = []
    interleaved({"": lambda: Sample(1.0)}, 2, lambda *step: told.append(step))
    assert told == [(0, 2, "round 1"), (1, 2, "round 2")]
