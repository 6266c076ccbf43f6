"""The documentation says what is: every command prints what a page shows, every spec in it is valid, every link leads
somewhere."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest

import archprof
from archprof.cli import COMMANDS, run
from archprof.spec import catalog
from archprof.spec.budget import LIMITED
from tests.docs import coverage, gallery, pictures, reference
from tests.docs.console import actual, execute, plain_terminal
from tests.docs.markdown import ROOT, anchors, blocks, links, pages


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", pages(), ids=relative)
def test_commands_print_what_the_page_shows(path, tmp_path):
    for block, text in actual(path.read_text(encoding="utf-8"), tmp_path):
        assert block.text == text, f"{relative(path)}:{block.start}: `python -m tests.docs.rewrite` writes it anew"


def whole_specs():
    """Yield each block that is a spec by itself: not a part of one, nor a file of its page's, which may be wrong on
    purpose."""
    for path in pages():
        for block in blocks(path.read_text(encoding="utf-8")):
            if block.language == "yaml" and block.text.startswith("archprof: 1\n") and not block.mark:
                yield pytest.param(block.text, id=f"{relative(path)}:{block.start}")


@pytest.mark.parametrize("text", [*whole_specs()])
def test_specs_are_valid(text, tmp_path, capsys):
    file = tmp_path / "spec.yaml"
    file.write_text(text, encoding="utf-8")
    assert run(["validate", str(file)]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("path", pages(), ids=relative)
def test_links_lead_somewhere(path):
    page = path.read_text(encoding="utf-8")
    for link in links(page):
        if link.startswith("https://"):
            continue
        target, _, anchor = link.partition("#")
        file = path.parent / target if target else path
        assert file.exists(), link
        assert not anchor or anchor in anchors(file.read_text(encoding="utf-8")), link


READ = [path for path in pages() if path != gallery.PAGE and path.parent != gallery.FAMILIES]
PICTURED = [path for path in READ if "![" in path.read_text(encoding="utf-8")]


@pytest.mark.few(8)
@pytest.mark.parametrize("path", PICTURED, ids=relative)
def test_pictures_are_what_their_titles_draw(path, tmp_path):
    if not shutil.which("dot") and any(command.startswith("archprof draw") for _, command in pictures.titles(path)):
        pytest.skip("dot is not installed: `apt-get install graphviz`")
    drawn = dict(pictures.drawn(path, tmp_path))
    assert len(drawn) == path.read_text(encoding="utf-8").count("![")
    for file, picture in drawn.items():
        assert file.read_bytes() == picture, f"{relative(file)}: `python -m tests.docs.rewrite` draws it anew"


def test_every_picture_is_shown():
    shown = {file for path in READ for file, _ in pictures.titles(path)}
    assert shown == set(pictures.FOLDER.iterdir())


@pytest.mark.parametrize(
    ("path", "page"), [*reference.pages().items()], ids=[relative(path) for path in reference.pages()]
)
def test_reference_is_that_of_the_code(path, page):
    assert path.read_text(encoding="utf-8") == page(), "`python -m tests.docs.rewrite` writes it anew"


_FAMILIES = gallery.families()


def test_the_gallery_has_every_family_and_every_network():
    page = gallery.PAGE.read_text(encoding="utf-8")
    assert page.startswith(gallery.TEXT), "`python -m tests.docs.rewrite` writes it anew"
    rows = page.removeprefix(gallery.TEXT).splitlines()
    assert [row.partition("]")[0] for row in rows] == [f"| [{family}" for family in _FAMILIES]
    assert {path.name for path in gallery.FAMILIES.iterdir()} == {f"{family}.md" for family in _FAMILIES}
    assert {path.name for path in gallery.STRIPS.iterdir()} == {f"{name}.svg" for name in catalog.paths()}


@pytest.mark.few(6)
@pytest.mark.parametrize("family", _FAMILIES)
def test_the_gallery_is_that_of_the_catalog(family):
    row, wanted = gallery.of_family(family, _FAMILIES[family])
    there = {path: path.read_text(encoding="utf-8") for path in wanted}
    assert there == wanted, "`python -m tests.docs.rewrite` writes it anew"
    assert f"{row}\n" in gallery.PAGE.read_text(encoding="utf-8")


def test_strips_are_small():
    assert all(path.stat().st_size <= 4 * 1024 for path in gallery.STRIPS.iterdir())


def test_the_readme_says_how_many_models_are_captured():
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    said = " ".join(page.split())
    for library, one in coverage.outcome().items():
        assert f"{one['exact']:,} of {one['tried']:,} of {library}" in said


def test_every_page_is_in_the_index():
    index = ROOT / "docs" / "index.md"
    linked = {
        (index.parent / link).resolve()
        for link in links(index.read_text(encoding="utf-8"))
        if not link.startswith("https://")
    }
    assert linked == {path for path in pages() if path.parent != gallery.FAMILIES} - {index, ROOT / "README.md"}


def test_the_readme_fits_on_two_screens():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 130


def test_the_readme_names_every_command():
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [command for command in COMMANDS if f"**`{command}`**" not in page] == []


def test_the_python_page_has_every_function():
    page = (ROOT / "docs" / "reference" / "python.md").read_text(encoding="utf-8")
    functions = [name for name in archprof.__all__ if name.islower()]
    assert [name for name in functions if f"| `{name}(" not in page] == []


def test_the_map_calls_pages_by_their_titles():
    index = ROOT / "docs" / "index.md"
    listed = re.findall(r"^- \[(.*?)\]\((.*?)\)", index.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for title, page in listed:
        assert f"# {title}\n" in (index.parent / page).read_text(encoding="utf-8")


def test_the_installation_has_every_extra():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = (ROOT / "docs" / "how-to" / "install.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE) == [*project["optional-dependencies"]]


# These measure, run other libraries or read a file that the reader has.
NOT_RUN = {"bench", "calibrate", "lock", "validate"}
EXAMPLES = re.findall(
    r"^\| \*\*`(\w+)`\*\* .* `(archprof .*)` \|$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE
)


@pytest.mark.parametrize("command", [command for name, command in EXAMPLES if name not in NOT_RUN])
def test_the_readme_gives_commands_that_work(command, tmp_path):
    with plain_terminal(tmp_path):
        printed, exit_code = execute(f"$ {command}")
    assert exit_code == 0, printed


def test_budgets_page_has_a_row_for_every_metric():
    page = (ROOT / "docs" / "reference" / "budgets.md").read_text(encoding="utf-8")
    table = page.partition("## Metrics")[2].partition("## Limits")[0]
    assert [metric for metric in LIMITED if f"`{metric}`" not in table] == []
