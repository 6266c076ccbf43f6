"""`python -m tests.docs.rewrite`: write what the documentation prints anew, from the commands and the code. Read the
diff before you keep it."""

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.docs import gallery, pictures, reference
from tests.docs.console import actual
from tests.docs.markdown import pages


def rewrite_reference() -> None:
    """Write the pages that are read off the code."""
    for path, page in reference.pages().items():
        path.write_text(page(), encoding="utf-8")


def rewrite_console(path: Path) -> None:
    """Write the output of a page's commands anew."""
    page = path.read_text(encoding="utf-8")
    lines = page.splitlines(keepends=True)
    with TemporaryDirectory() as folder:
        replaced = list(actual(page, Path(folder)))
    for block, text in reversed(replaced):
        lines[block.start : block.stop] = [text]
    path.write_text("".join(lines), encoding="utf-8")


def rewrite_pictures(path: Path) -> None:
    """Draw the pictures of a page anew."""
    with TemporaryDirectory() as folder:
        for file, drawn in pictures.drawn(path, Path(folder)):
            file.write_bytes(drawn)


if __name__ == "__main__":
    rewrite_reference()
    gallery.rewrite()
    for page in pages():
        rewrite_console(page)
        rewrite_pictures(page)
