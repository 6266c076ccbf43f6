"""archprof summary: views that sum, formats that agree, files that are whole."""

import csv
import io
import json

import pytest

from tests.cli.console import archprof

# params, MACs at 224: the papers' tables, confirmed by independent counters
NETWORKS = {
    "mobilenet_v1": (4_231_976, 568_740_352),
    "mobilenet_v2": (3_504_872, 300_774_272),
    "mobilenet_v3_large": (5_483_032, 216_589_760),
    "mobilenet_v3_small": (2_542_856, 56_510_400),
}


def document(capsys, *arguments):
    result = archprof(capsys, "summary", *arguments, "--format", "json")
    assert (result.code, result.err) == (0, "")
    return json.loads(result.out)


@pytest.mark.parametrize("name", NETWORKS)
def test_json_has_every_row_and_the_exact_totals(capsys, name):
    found = document(capsys, name)
    assert (found["totals"]["params"], found["totals"]["macs"]) == NETWORKS[name]
    for count in ("params", "trainable", "buffers", "macs", "activations"):
        assert sum(layer[count] for layer in found["layers"]) == found["totals"][count]
    assert len({layer["path"] for layer in found["layers"]}) == len(found["layers"])


@pytest.mark.parametrize(
    "view", [[], ["--full"], ["--depth", "1"], ["--depth", "2"], ["--depth", "9"], ["--sort", "params"]]
)
def test_folded_rows_sum_to_the_network(capsys, view):
    result = archprof(capsys, "summary", "v3", *view, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.out)))
    assert sum(int(row["params"]) for row in rows) == 5_483_032
    assert sum(int(row["macs"]) for row in rows) == 216_589_760


def test_json_is_the_same_whatever_the_view(capsys):
    assert document(capsys, "v2") == document(capsys, "v2", "--depth", "1", "--sort", "macs", "--top", "3")


def test_settings_mean_the_same_behind_the_name_by_option_and_by_set(capsys):
    by_name = document(capsys, "v2@width=0.75,resolution=192")
    by_option = document(capsys, "mobilenet_v2", "--width", "0.75", "--resolution", "192")
    by_set = document(capsys, "v2", "--set", "width=0.75", "--set", "resolution=192")
    assert by_name == by_option == by_set
    # 2,636,424 / 153,941,888: TF slim's 2.61M (without batch norm) and 153M
    assert (by_name["totals"]["params"], by_name["totals"]["macs"]) == (2_636_424, 153_941_888)


def test_a_later_setting_wins(capsys):
    assert document(capsys, "v2@width=0.5", "--width", "0.75")["model"] == "mobilenet_v2@width=0.75"


def test_a_cell_by_its_address(capsys):
    plain = document(capsys, "v3")
    wider = document(capsys, "v3", "--set", "layers[1].rows[14].k=3")
    # one 5×5 depthwise convolution of 960 channels at 7×7 becomes a 3×3
    assert plain["totals"]["macs"] - wider["totals"]["macs"] == (25 - 9) * 960 * 7 * 7


def test_top_says_what_it_leaves_out(capsys):
    result = archprof(capsys, "summary", "v2", "--full", "--sort", "macs", "--top", "10")
    assert "143 rows of 153 left out; those shown have " in result.out


def test_standard_input(capsys, monkeypatch):
    text = b"archprof: 1\nname: mine\nextends: mobilenet_v2@width=0.5\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    found = document(capsys, "-")
    assert found["model"] == "mine"
    # 1,968,680: 1.95M of TF slim plus batch norm's
    assert found["totals"]["params"] == 1_968_680


@pytest.mark.parametrize(
    ("suffix", "start"),
    [("json", '{\n  "schema": 2'), ("csv", "path,op,input"), ("md", "**MobileNetV2"), ("txt", "MobileNetV2 ·")],
)
def test_the_suffix_of_a_file_gives_the_format(capsys, tmp_path, suffix, start):
    path = tmp_path / f"v2.{suffix}"
    result = archprof(capsys, "summary", "v2", "-o", str(path))
    assert result == (0, "", "")
    assert path.read_text(encoding="utf-8").startswith(start)


def test_another_suffix_names_no_format(capsys, tmp_path):
    path = tmp_path / "v2.xyz"
    result = archprof(capsys, "summary", "v2", "-o", str(path))
    advice = "suffixes: .txt, .md, .markdown, .csv, .json; or say `--format`"
    assert result == (2, "", f"the suffix of `{path}` names no format\n  help: {advice}\n")
    assert archprof(capsys, "summary", "v2", "-o", str(path), "--format", "csv").code == 0
    assert archprof(capsys, "summary", "v2", "-o", str(tmp_path / "bare")).code == 0


def test_results_are_the_same_on_every_machine(capsys):
    locations = {layer["location"].partition(":")[0] for layer in document(capsys, "v2")["layers"]}
    assert locations == {"specs/mobilenet/mobilenet_v2.yaml"}


def test_a_file_is_written_whole_or_not_at_all(capsys, tmp_path):
    path = tmp_path / "missing" / "v2.json"
    result = archprof(capsys, "summary", "v2", "-o", str(path))
    assert result == (2, "", f"cannot write `{path}`: no such file or directory\n  help: nothing was written\n")
    old = tmp_path / "old.json"
    old.write_text("old")
    assert archprof(capsys, "summary", "no_such_network", "-o", str(old)).code == 2
    assert old.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["old.json"]


def test_an_output_that_takes_only_ascii(capsys, monkeypatch):
    class Ascii(io.StringIO):
        encoding = "ascii"

    out = Ascii()
    monkeypatch.setattr("sys.stdout", out)
    assert archprof(capsys, "summary", "v2").code == 0
    assert out.getvalue().isascii()
    assert "16x112x112" in out.getvalue()
    assert "?" not in out.getvalue()


def test_formulas_and_differences_stay_true_in_ascii(capsys, monkeypatch):
    class Ascii(io.StringIO):
        encoding = "ascii"

    out = Ascii()
    monkeypatch.setattr("sys.stdout", out)
    assert archprof(capsys, "cost", "--conv", "dw", "--k", "3").code == 0
    assert archprof(capsys, "diff", "v2", "v2@layers[2].c=640").code == 0
    assert "K^2*M*F^2" in out.getvalue()
    assert "MACs 300,774,272 -> 290,099,072: -10,675,200" in out.getvalue()
