"""archprof schema: JSON Schemas, for editors and for readers of results."""

from importlib import import_module
from typing import Annotated, Any

import typer

from archprof.cli import options
from archprof.render.documents import NAMES, OTHERS, RESULTS, WITH_FLOPS, WITH_MEMORY


def command(
    name: Annotated[
        str,
        typer.Argument(
            help="spec, the language; config and baseline, files of `check`; lock; measurement; or a command.",
            metavar="[NAME]",
        ),
    ] = "spec",
    output: options.Output = None,
) -> None:
    """The JSON Schema of the spec language, of budgets, baselines and locks, or of what a command prints.

    For editors: point the YAML support at the file that `archprof schema -o archprof.schema.json` writes.
    """
    from archprof.cli.output import write
    from archprof.errors import suggest, usage_error
    from archprof.render.schema_text import schema_text

    if name not in NAMES:
        raise usage_error(f"there is no schema `{name}`", help=suggest(name, NAMES, "schemas"))
    write(schema_text(_schema(name)), output)


def _schema(name: str) -> dict[str, Any]:
    if name == "spec":
        from archprof.language.schema import spec_schema

        return spec_schema()
    if name == "config":
        from archprof.spec.config import config_schema

        return config_schema()
    if name == "lock":
        from archprof.captures.lock_schema import lock_schema

        return lock_schema()
    from archprof.costs.metrics import OF_NETWORK
    from archprof.render.json_schema import result_schema

    module, _, record = {**RESULTS, **OTHERS}[name].partition(":")
    derived = ("flops",) if name in WITH_FLOPS else (*OF_NETWORK,) if name in WITH_MEMORY else ()
    return result_schema(name, getattr(import_module(module), record), derived)
