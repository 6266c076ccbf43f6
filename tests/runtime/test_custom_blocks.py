"""The how-to's own operators as torch modules: what fvcore counts on them is what their formulas say."""

from tests.language.installed import archprof, install
from tests.language.test_extensions import FILES, PROJECT


def test_example_of_the_how_to_measures_as_it_counts(tmp_path):
    install(tmp_path, PROJECT["name"], PROJECT["entry-points"], FILES)
    done = archprof(tmp_path, "summary", "tiny_v2.yaml", "--measure", "--counter", "both")
    assert (done.returncode, done.stderr) == (0, "")
