"""The site's navigation is the map that readers see: the headings of docs/index.md, and the pages listed below each;
behind the gallery stand the families of networks that it lists."""

import re
from pathlib import Path
from typing import Any


def on_config(config: Any) -> Any:
    """Write the navigation into the configuration, as mkdocs asks hooks to."""
    text = Path(config["docs_dir"], "index.md").read_text(encoding="utf-8")
    _, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
    config["nav"] = [{"Home": "index.md"}, *({section.partition("\n")[0]: _listed(section)} for section in sections)]
    families = sorted(Path(config["docs_dir"], "families").glob("*.md"))
    next(section for section in config["nav"] if "Networks" in section)["Networks"] += [
        {page.stem: f"families/{page.name}"} for page in families
    ]
    return config


def _listed(section: str) -> list[dict[str, str]]:
    return [{title: page} for title, page in re.findall(r"^- \[([^\]]+)\]\(([^)]+\.md)\)", section, flags=re.MULTILINE)]
