"""What is asked of a device's profile, and whether it was calibrated for that."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archprof.errors import UsageError, suggest, usage_error
from archprof.named_tuple import NamedTuple

if TYPE_CHECKING:
    from archprof.devices.profile import Profile


class Asked(NamedTuple):
    """What is asked of a device's profile: images at once, number format, layout, runtime and execution; None where
    anything is welcome, and then it is the profile's first."""

    batch: int | None = None
    dtype: str | None = None
    layout: str | None = None
    runtime: str | None = None
    execution: str | None = None


class AskedOf(NamedTuple):
    """A device by its name or the path of its profile, and what is asked of it."""

    device: str
    asked: Asked = Asked()


class On(NamedTuple):
    """A device by its profile, and what is asked of it."""

    profile: "Profile"
    asked: Asked = Asked()

    @property
    def batch(self) -> int:
        """The batch. Raises UsageError for one that the profile was not calibrated for."""
        return chosen(self.profile, self.asked)[0]


def on_device(device: str | None, asked: Asked, option: str = "--{}") -> On | None:
    """Return a device by its profile, with what is asked of it; None without one. *option* is how a word is written
    where it comes from. Raises UsageError for what a device alone has and for what its profile was not calibrated
    for."""
    found = asked_of(device, asked, option)
    if found is None:
        return None
    from archprof.devices.profile_file import read_profile

    on = On(read_profile(found.device), found.asked)
    chosen(*on)
    return on


def asked_of(device: str | None, asked: Asked, option: str = "--{}") -> AskedOf | None:
    """Return a device by its name, with what is asked of it; None without one. Raises UsageError for what only a device
    has."""
    if device is not None:
        return AskedOf(device, asked)
    for name in ("runtime", "execution"):
        if getattr(asked, name) is not None:
            says = f"`{option.format(name)}` says how a device runs networks"
            raise usage_error(says, help=f"`{option.format('device')}` names one")
    return None


def chosen(profile: "Profile", asked: Asked) -> tuple[int, str]:
    """Return the batch and the execution that are asked of a profile, its first unless one is. Raises UsageError for
    what it was not calibrated for."""
    for name in ("dtype", "layout", "runtime"):
        has, wanted = getattr(profile.setup, name), getattr(asked, name)
        if wanted not in (None, has):
            raise _lacks(profile, f"{name} {has}, not {wanted}", _unknown(name, wanted))
    batch = profile.batches[0] if asked.batch is None else asked.batch
    if batch not in profile.fits:
        raise _lacks(profile, f"{_of_batches(profile.batches)}, not {batch}")
    if asked.execution not in (None, *executions(profile)):
        said = f"execution {' or '.join(executions(profile))}, not {asked.execution}"
        raise _lacks(profile, said, _unknown("execution", asked.execution))
    return batch, asked.execution or profile.setup.execution


def executions(profile: "Profile") -> tuple[str, ...]:
    """Return how networks may run on a device; of one that replays graphs calls from Python may be known too."""
    own = profile.setup.execution
    eager = own == "graph" and any(fit.network.eager_us for fit in profile.fits.values())
    return (own, "eager") if eager else (own,)


def _of_batches(batches: Sequence[int]) -> str:
    return f"{'batch' if len(batches) == 1 else 'batches'} {' and '.join(map(str, batches))}"


def _unknown(name: str, word: str | None) -> str:
    """Return the words that profiles know where this is none of them."""
    from archprof.devices.profile import DTYPES, EXECUTIONS, RUNTIMES
    from archprof.ir.setup import LAYOUTS

    known = {"dtype": DTYPES, "layout": LAYOUTS, "runtime": RUNTIMES, "execution": EXECUTIONS}[name]
    return "" if word is None or word in known else f"{suggest(word, known, 'those of profiles')}; leave it out here"


def _lacks(profile: "Profile", what: str, unknown: str = "") -> UsageError:
    advice = unknown or "leave it out, or make a profile at it: `archprof calibrate`"
    return usage_error(f"the profile `{profile.name}` is of {what}", help=advice)
