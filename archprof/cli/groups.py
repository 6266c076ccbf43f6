"""Options that stand together in several commands: a group is a record whose fields are options, and a command takes it
as one parameter."""

from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, get_type_hints


def ungrouped(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command whose groups stand in its signature as the options that they have, as typer reads it."""
    hints = get_type_hints(command, include_extras=True)
    groups = {name: kind for name, kind in hints.items() if hasattr(kind, "_field_defaults")}
    if not groups:
        return command

    @wraps(command)
    def called(**given: Any) -> None:
        made = {name: kind(**{field: given.pop(field) for field in kind._fields}) for name, kind in groups.items()}
        command(**given, **made)

    parameters = list(_parameters(command, hints, groups))
    called.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {one.name: one.annotation for one in parameters}
    del called.__wrapped__  # which has the groups: `get_type_hints` looks there for names
    return called


def _parameters(
    command: Callable[..., None], hints: Mapping[str, Any], groups: Mapping[str, Any]
) -> Iterator[Parameter]:
    for name, parameter in signature(command).parameters.items():
        if name not in groups:
            yield parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=hints[name])
            continue
        fields = get_type_hints(groups[name], include_extras=True)
        for field, default in groups[name]._field_defaults.items():
            yield Parameter(field, Parameter.KEYWORD_ONLY, default=default, annotation=fields[field])
