"""What of others is in every page: as it was published, with its licence."""

from hashlib import sha256

from tests.docs.markdown import ROOT

FOLDER = ROOT / "archprof" / "render" / "page" / "vendored"


def test_the_script_is_the_one_that_the_registry_had():
    found = sha256((FOLDER / "d3-hierarchy.min.js").read_bytes()).hexdigest()
    assert f"\nscript={found} " in (FOLDER / "update").read_text()


def test_its_licence_is_in_every_page(pages):
    assert (FOLDER / "d3-hierarchy.LICENSE").read_text() in pages("lenet5").read_text("utf-8")
