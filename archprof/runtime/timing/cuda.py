"""Time on a CUDA device: graphs that are captured and replayed, between events. All that touches one is here."""

from collections.abc import Callable

import torch

from archprof.named_tuple import NamedTuple
from archprof.runtime.timing.rounds import Sample, Sampler

# Runs before anything is captured: libraries choose their kernels in the first ones.
_WARM_UP = 3
# A sample lasts so long at least, in µs.
_SAMPLE_US = 500.0
_MOST_REPLAYS = 50


class _Captured(NamedTuple):
    """A graph of so many runs, and what it runs: a graph knows weights and inputs by their addresses alone, and
    capturing the next one gives memory back that nobody holds."""

    graph: torch.cuda.CUDAGraph
    run: Callable[[], object]
    runs: int
    replays: int

    def sample(self) -> Sample:
        """Replay it, behind one replay that is not timed: that finds the host late, and what others ran before."""
        self.graph.replay()
        return Sample(_elapsed(self.graph.replay, self.replays) / self.runs)


def graph_sampler(run: Callable[[], object], runs: int) -> Sampler:
    """Return what replays a graph of so many *runs*: a replay costs the host one launch, so that small kernels follow
    each other as closely as the device lets them."""
    _warm_up(run)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(runs):
            run()
    graph.replay()
    return _Captured(graph, run, runs, _repeats(_elapsed(graph.replay, 1))).sample


def eager_sampler(run: Callable[[], object]) -> Sampler:
    """Return what calls a function from Python, as often as a sample takes: small kernels wait for their launch."""
    _warm_up(run)
    repeats = _repeats(_elapsed(run, 1))
    return lambda: Sample(_elapsed(run, repeats))


def _repeats(us: float) -> int:
    return min(max(int(_SAMPLE_US / us) if us else _MOST_REPLAYS, 1), _MOST_REPLAYS)


def _warm_up(run: Callable[[], object]) -> None:
    """Run on a stream of its own, as capturing asks for."""
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(_WARM_UP):
            run()
    torch.cuda.current_stream().wait_stream(stream)


def _elapsed(run: Callable[[], object], times: int) -> float:
    """Return the µs of one of so many runs, between two events on the device."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    start.record()
    for _ in range(times):
        run()
    end.record()
    end.synchronize()
    return float(start.elapsed_time(end)) * 1000 / times
