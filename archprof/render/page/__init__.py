"""Results as a page: one HTML file that opens anywhere and loads nothing (extra `report`)."""

import hashlib
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

from archprof.analysis.document import as_object
from archprof.errors import printable, usage_error
from archprof.render.page.columns import as_columns

_HERE = Path(__file__).parent
# In the order in which they need each other.
_SCRIPTS = (
    "vendored/d3-hierarchy.min.js",
    "script/document.js",
    "script/elements.js",
    "script/tree.js",
    "script/charts.js",
    "script/blocks.js",
    "script/table.js",
    "script/memory.js",
    "script/roofline.js",
    "script/networks.js",
    "script/sweep.js",
    "script/main.js",
)


def to_page(document: Any, page: object = None) -> str:
    """Return a result as HTML, its data as the document that is its JSON. Raises UsageError without Jinja2."""
    try:
        from jinja2 import Environment, FileSystemLoader
    except ModuleNotFoundError:
        raise usage_error(
            "a page needs Jinja2, which is not installed", help="pip install 'archprof[report]'"
        ) from None
    template = Environment(autoescape=True, loader=FileSystemLoader(_HERE)).get_template("page.html")
    style = _text("page.css")
    script = f"(() => {{\n{''.join(map(_text, _SCRIPTS))}}})();\n"
    return template.render(
        title=printable(document.title),
        networks=len(document.networks),
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        data=_data(as_object(document)),
        command=printable(document.command),
        version=document.version,
    )


def _text(name: str) -> str:
    return (_HERE / name).read_text("utf-8")


def _hash(text: str) -> str:
    """Return what a content security policy knows a script or a style by."""
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _data(value: dict[str, Any]) -> str:
    """Return a document as JSON that no parser of HTML takes for anything else: without `<`, `>` and `&`."""
    text = json.dumps(as_columns(value), separators=(",", ":"))
    return text.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")
