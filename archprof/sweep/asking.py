"""What has to be there before variants are asked about: numpy, and a device where times are asked for."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from archprof.costs.metrics import TIMES
from archprof.errors import usage_error

if TYPE_CHECKING:
    from archprof.devices.asked import On


def require_numpy(command: str) -> None:
    """Raise UsageError, with what to install, where numpy is not installed."""
    try:
        import numpy  # noqa: F401
    except ModuleNotFoundError:
        message = f"`{command}` needs numpy, which is not installed"
        raise usage_error(message, help="pip install 'archprof[sweep]'") from None


def check_timed(counts: Iterable[str], on: "On | None", device: str = "--device h100") -> None:
    """Raise UsageError where a time is asked for, and no device; *device* is how one is named where that is asked."""
    if on is None and any(name in TIMES for name in counts):
        raise usage_error("latency on which device?", help=f"`{device}`, or a file of `archprof calibrate`")
