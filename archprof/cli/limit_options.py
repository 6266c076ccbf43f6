"""The options that say how much a network may cost: the same words in a check, a sweep and a search."""

from typing import Annotated

import typer

from archprof.named_tuple import NamedTuple


def _most(option: str, help: str) -> object:
    return typer.Option(option, help=help, metavar="LIMIT")


class Limits(NamedTuple):
    """What a network may cost at most."""

    max_params: Annotated[str | None, _most("--max-params", "At most so many parameters: `5.5M`.")] = None
    max_macs: Annotated[str | None, _most("--max-macs", "At most so many multiply-accumulates: `220M`.")] = None
    max_activations: Annotated[str | None, _most("--max-activations", "At most so many activations.")] = None
    max_peak: Annotated[str | None, _most("--max-peak", "At most so many bytes at once beside weights: `320KiB`.")] = (
        None
    )
    max_weights: Annotated[str | None, _most("--max-weights", "At most so many bytes of weights: `4MiB`.")] = None
    max_train_macs: Annotated[
        str | None, _most("--max-train-macs", "At most so many MACs in training, forward and backward.")
    ] = None
    max_latency: Annotated[
        str | None, _most("--max-latency", "At most so long on a `--device`, as predicted: `2ms`.")
    ] = None

    def by_metric(self) -> dict[str, str | None]:
        """Return the limits by the names of the metrics."""
        return {option.removeprefix("max_"): limit for option, limit in self._asdict().items()}
