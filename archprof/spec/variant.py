"""`name@knob=value,…`: the one grammar for a network at some settings."""

from collections.abc import Iterable

from archprof.errors import Location, problem
from archprof.named_tuple import NamedTuple
from archprof.spec.nodes import shorten

Setting = tuple[str, str]
_FILES = (".yaml", ".yml", ".lock.json", ".pt2", ".onnx")


class Reference(NamedTuple):
    """A network as a user names it: a catalog name, an alias, a path or `-`, and settings behind it."""

    target: str
    settings: tuple[Setting, ...] = ()


def parse_reference(text: str, location: Location | None = None) -> Reference:
    """Return the target and settings of `mobilenet_v2@width=0.75,resolution=192`.

    An `@` without a `=` behind it belongs to the target: paths may hold one. Raises SpecError for settings that are
    none, and for what archprof reads no networks from yet.
    """
    target, sign, tail = text.rpartition("@")
    if not sign or "=" not in tail or tail.endswith(_FILES):
        target, tail = text, ""
    if (":" in target or "." in target) and not target.endswith(_FILES):
        from archprof.spec.planned import not_yet

        answer = not_yet(target, location)
        if answer:
            raise answer
    return Reference(target, parse_settings(tail, location) if tail else ())


def parse_settings(text: str, location: Location | None = None) -> tuple[Setting, ...]:
    """Return the settings of `width=0.75,resolution=192`; commas inside brackets belong to the value."""
    return tuple(parse_setting(part, location) for part in split_values(text))


def parse_setting(text: str, location: Location | None = None) -> Setting:
    """Return one `knob=value` or `address=value`."""
    key, sign, value = text.partition("=")
    key, value = key.strip(), value.strip()
    if not sign or not key or not value:
        raise problem(
            f"`{shorten(text)}` is not a setting", location, help="write `width=0.75`, or `layers[1].rows[2].k=5`"
        )
    if not text.isprintable():
        message = f"`{shorten(text)}` has a character that cannot be printed"
        raise problem(message, location, help="settings stand in tables and names: plain text only")
    return key, value


def settings_text(settings: Iterable[Setting]) -> str:
    """Return settings as they are typed behind a name: `width=0.75,resolution=192`."""
    return ",".join(f"{key}={value}" for key, value in settings)


def split_values(text: str) -> list[str]:
    """Return what stands between the commas of a list; those inside brackets belong to a value."""
    parts, depth = [""], 0
    for char in text:
        depth += (char in "[{(") - (char in "]})")
        if char == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += char
    return parts
