"""archprof schema: JSON Schemas, for editors and for readers of results."""

from typing import Annotated

import typer

from archprof.cli import options

NAMES = ("spec", "check", "summary")


def command(
    name: Annotated[
        str, typer.Argument(help="spec, the language; check, its configuration; summary, its JSON.", metavar="[NAME]")
    ] = "spec",
    output: options.Output = None,
) -> None:
    """The JSON Schema of the spec language, or of a result.

    For editors: point the YAML support at the file that `archprof schema -o archprof.schema.json` writes.
    """
    import json

    from archprof.cli.output import write_file, write_stdout
    from archprof.errors import suggest, usage_error

    if name == "spec":
        from archprof.language.schema import spec_schema as schema
    elif name == "check":
        from archprof.spec.config import config_schema as schema
    elif name == "summary":
        from archprof.render.json import summary_schema as schema
    else:
        raise usage_error(f"there is no schema `{name}`", help=suggest(name, NAMES, "schemas"))
    text = json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
    write_file(output, text) if output else write_stdout(text)
