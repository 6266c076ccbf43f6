"""How a network is to run, as it is asked for: the words that there are, which of them go together, and a setup in
words again."""

from collections.abc import Mapping

from archprof.errors import as_given, suggest, usage_error
from archprof.ir.setup import HALVES, IN_PLACE, KERNELS, LAYOUTS, OPTIMIZERS, WIDTHS, Setup

# The words that each may be, and what they are in messages.
WORDS: Mapping[str, tuple[str, ...]] = {
    "dtype": tuple(WIDTHS),
    "train": OPTIMIZERS,
    "amp": tuple(HALVES),
    "checkpoint": ("blocks",),
    "layout": LAYOUTS,
    "kernels": KERNELS,
    "in_place": IN_PLACE,
}
# What stands beside words as a number, and the least that it may be.
NUMBERS: Mapping[str, int] = {"batch": 1, "accumulate": 1, "patches": 2}
_CALLED = {
    "dtype": "number format", "train": "optimiser", "amp": "format of autocast", "checkpoint": "way to checkpoint",
    "layout": "layout", "kernels": "sort of kernels", "in_place": "kind of convolution",
}  # fmt: skip
_TRAINED = ("checkpoint", "accumulate")
_DEPLOYED = ("in_place", "patches")
_WHY = {
    "checkpoint": "a backward pass computes blocks again",
    "accumulate": "a step of training adds up the gradients of several passes",
}


def setup_of(asked: Mapping[str, object], option: str = "--{}") -> Setup:
    """Return the setup that words ask for, None being as good as none; *option* is how one is written where they come
    from.

    Raises UsageError for a word that there is not, and for words that contradict each other.
    """
    given = {name: value for name, value in asked.items() if value is not None}
    for name, value in given.items():
        if name in WORDS:
            check_word(name, value, spelled(name, option))
        else:
            check_number(value, spelled(name, option), NUMBERS[name])
    _refuse(given, option)
    return Setup(**given)  # type: ignore[arg-type]


def asks_best(order: str | None, setup: Setup, option: str = "--{}") -> bool:
    """Tell whether the best *order* is asked for. Raises UsageError for one that there is not, and in training."""
    words = ("own", "best")
    if order is not None and order not in words:
        raise usage_error(f"`{option.format('order')}` is no `{order}`", help=suggest(order, words, "there are"))
    if order == "best" and setup.train:
        advice = "the backward pass goes by the order of the forward pass"
        best = written("order", "best", option)
        raise usage_error(f"{best} and `{option.format('train')}` at once", help=advice)
    return order == "best"


def check_word(name: str, value: object, option: str) -> None:
    """Raise UsageError for a word that there is not, of those that an *option* may have."""
    if value in WORDS[name]:
        return
    called, words = _CALLED[name], WORDS[name]
    if value == "":
        raise usage_error(f"`{option}` names no {called}", help=f"as in `{option} {words[-1]}`: {', '.join(words)}")
    raise usage_error(f"unknown {called} `{value}`", help=suggest(str(value), words, "there are"))


def check_number(value: object, option: str, least: int = 1) -> None:
    """Raise UsageError where the value of an option is no whole number, or below the *least*."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise usage_error(f"`{option}` is a number from {least} on, not {as_given(value)}")


def _refuse(given: Mapping[str, object], option: str) -> None:
    """Raise UsageError for what contradicts itself."""
    for name in _TRAINED:
        if name in given and "train" not in given:
            train = f"`{option.format('train')}`"
            raise usage_error(f"`{option.format(name)}` without {train}", help=f"{_WHY[name]}: say {train} too")
    dtype = given.get("dtype")
    for name in _DEPLOYED:
        if name in given and dtype != "int8":
            int8 = written("dtype", "int8", option)
            raise usage_error(f"`{spelled(name, option)}` without {int8}", help="it is how microcontrollers run int8")
    if dtype == "int8" and "train" in given:
        advice = f"nothing learns in int8; `{option.format('amp')}` trains in half precision"
        train = written("train", given["train"], option)
        raise usage_error(f"{written('dtype', dtype, option)} and {train} at once", help=advice)
    if dtype == "int8" and "kernels" in given:
        advice = "int8 is inference as microcontrollers run it, by kernels of their own"
        kernels = written("kernels", given["kernels"], option)
        raise usage_error(f"{written('dtype', dtype, option)} and {kernels} at once", help=advice)
    if "amp" in given and dtype not in (None, "fp32"):
        amp = written("amp", given["amp"], option)
        raise usage_error(f"{written('dtype', dtype, option)} and {amp} at once", help="autocast starts from fp32")


def spelled(name: str, option: str) -> str:
    """Return how a word's name is written where *option* is how one is: `--in-place`, or `in_place`."""
    return option.format(name.replace("_", "-") if option.startswith("-") else name)


def written(name: str, word: object, option: str) -> str:
    """Return a word as it is given where *option* is how one is written: `--dtype int8`, or `dtype="int8"`."""
    sign, quote = (" ", "") if option.startswith("-") else ("=", '"')
    return f"`{option.format(name)}{sign}{quote}{word}{quote}`"


def setup_text(setup: Setup) -> str:
    """Return a setup in words: `batch 32, fp32, training with adamw, autocast to bf16, cuda`."""
    said = [f"batch {setup.batch:,}", setup.dtype]
    said.append(f"training with {setup.train}" if setup.train else "inference")
    if setup.amp:
        said.append(f"autocast to {setup.amp}")
    if setup.checkpoint:
        said.append(f"{setup.checkpoint} computed again")
    if setup.accumulate > 1:
        said.append(f"{setup.accumulate:,} passes a step")
    if setup.layout == "channels_last":
        said.append("channels last")
    if setup.in_place:
        said.append(f"{setup.in_place} in place")
    if setup.patches > 1:
        said.append(f"{setup.patches} × {setup.patches} patches")
    return ", ".join(said if setup.dtype == "int8" else [*said, setup.kernels])
