"""Results as a page: one HTML file that opens anywhere and loads nothing (extra `report`)."""

import hashlib
import json
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archprof.analysis.document import as_object
from archprof.errors import printable, usage_error
from archprof.render.page.columns import as_columns
from archprof.units import percent

if TYPE_CHECKING:
    from archprof.analysis.budgets import Verdict
    from archprof.analysis.check import Outcome
    from archprof.analysis.report_page import ReportPage
    from archprof.sweep.swept_file import SweptPage

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


def to_page(document: "ReportPage | SweptPage") -> str:
    """Return networks, or a sweep, as HTML. Raises UsageError without Jinja2."""
    networks = len(document.networks)
    return _rendered(document, document.title, command=printable(document.command), networks=networks)


def to_budget_page(outcome: "Outcome", page: object = None) -> str:
    """Return what came of a check as HTML: its table, with how full each budget is. Raises UsageError without
    Jinja2."""
    from archprof.render.check import check_table
    from archprof.render.table import printable_table

    table = printable_table(check_table(outcome))
    return _rendered(outcome, table.title, budgets=table, gauges=list(map(_gauge, outcome.verdicts)))


def _gauge(verdict: "Verdict") -> dict[str, Any] | None:
    """Return how full a budget is, for an element `meter`; nothing of one that is no end of a range, or of an
    estimate."""
    if not verdict.limit or verdict.bound == "exactly" or verdict.estimates:
        return None
    most = 1.5 * verdict.limit
    share = f"{percent(verdict.actual, verdict.limit)} of the limit"
    best = most if verdict.bound == "min" else 0
    return {"limit": verdict.limit, "actual": verdict.actual, "most": most, "best": best, "share": share}


def _rendered(document: Any, title: str, **shown: Any) -> str:
    """Return the template with a document as its data."""
    try:
        from jinja2 import Environment, FileSystemLoader
    except ModuleNotFoundError:
        raise usage_error(
            "a page needs Jinja2, which is not installed", help="pip install 'archprof[report]'"
        ) from None
    from archprof import __version__

    template = Environment(autoescape=True, loader=FileSystemLoader(_HERE)).get_template("page.html")
    style = _text("page.css")
    script = f"/*\n{_text('vendored/d3-hierarchy.LICENSE')}*/\n(() => {{\n{''.join(map(_text, _SCRIPTS))}}})();\n"
    return template.render(
        title=printable(title),
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        data=_data(as_object(document)),
        version=__version__,
        **shown,
    )


def _text(name: str) -> str:
    return (_HERE / name).read_text("utf-8")


def _hash(text: str) -> str:
    """Return what a content security policy knows a script or a style by."""
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _data(value: dict[str, Any]) -> str:
    """Return a document as JSON that no parser of HTML, and no runner of CI that prints it, takes for anything else:
    without `<`, `>`, `&` and `##`."""
    text = json.dumps(as_columns(value), separators=(",", ":")).replace("##", r"#\u0023")
    return text.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")
