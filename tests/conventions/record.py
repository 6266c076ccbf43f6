"""`python -m tests.conventions.record TOOL`: write recorded/TOOL.json anew, in an environment where that tool runs.

Some tools cannot stand in the environment of the tests: their numbers are recorded, with the versions that they were
recorded with. What each needs:

    pip install --target elsewhere --no-deps ultralytics-thop==2.2.3
    pip install --target elsewhere --no-deps torchsummaryX==1.3.0 pandas==1.5.3 numpy==1.26.4 python-dateutil six pytz
    pip install --target elsewhere --no-deps thop==0.0.31.post1909230639
    PYTHONPATH=elsewhere python -m tests.conventions.record ultralytics-thop
"""

import json
import platform
import sys
from importlib.metadata import version as written_version

from packaging.version import Version

from tests.conventions.references import OLD_THOPS, RECORDED, REFERENCES

# Why a tool is not run by the tests, and the packages that its numbers depend on.
REASONS = {
    **dict.fromkeys(OLD_THOPS, "it is an older release of thop, and one excludes the other"),
    "ultralytics-thop": (
        "its module is named `thop`, as that of thop is, so that the two exclude each other; its licence is AGPL-3.0"
    ),
    "torchsummaryx": "it does not run with pandas 2 or newer, which numpy 2 needs; its package names no licence",
}
PACKAGES = {
    "ultralytics-thop": ("ultralytics-thop",),
    **dict.fromkeys(OLD_THOPS, ("thop",)),
    "torchsummaryx": ("torchsummaryX", "pandas", "numpy"),
}


def version(package: str) -> str:
    """Return the version of a package as pip spells it."""
    return str(Version(written_version(package)))


if __name__ == "__main__":
    from tests.conventions.tools import prints

    tool = sys.argv[1]
    versions = {package: version(package) for package in (*PACKAGES[tool], "torch")} | {
        "python": platform.python_version()
    }
    numbers = {reference: prints(tool, reference) for reference in REFERENCES}
    document = {"recorded": REASONS[tool], "version": version(PACKAGES[tool][0]), "with": versions, "numbers": numbers}
    (RECORDED / f"{tool}.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
