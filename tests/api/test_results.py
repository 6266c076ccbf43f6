"""What the Python API returns prints as the command line does, is its JSON as a dict, and HTML in which no name is
markup."""

import json
import pickle

import jsonschema
import pytest

import archprof
from archprof.analysis.measurement import MeasuredModules
from archprof.analysis.summary import Summary
from archprof.costs.measured import with_measured
from archprof.render.json_schema import result_schema
from archprof.runtime.measure import MeasuredRow
from tests.cli.console import archprof as call

HOSTILE = "<script>alert(1)</script>\x1b[31m"


def measured(**rows: MeasuredRow) -> archprof.Measurement:
    total = sum(row.macs for row in rows.values())
    second = [row.macs_torch for row in rows.values() if row.macs_torch is not None]
    params = sum(row.params for row in rows.values())
    return archprof.Measurement(
        "both" if second else "fvcore", "2.13", rows, params, total, sum(second) if second else None
    )


LAYERS = measured(
    a=MeasuredRow(1_000, 12_345), b=MeasuredRow(0, 0), c=MeasuredRow(2, 0, None, {"fft_fft": 2, "cdist": 1})
)


@pytest.mark.parametrize("reference", ["mobilenet_v2", "v2@width=0.75", "resnet50_fpn"])
def test_a_report_prints_as_its_summary_does(capsys, reference):
    report = archprof.analyze(reference)
    assert f"{report}\n" == call(capsys, "summary", reference).out
    assert report.to_dict() == json.loads(call(capsys, "summary", reference, "--format", "json").out)


def test_a_report_has_a_short_form():
    report = archprof.analyze("mobilenet_v2", width=0.75)
    expected = "<Report of mobilenet_v2@width=0.75: 2,636,424 params, 209,069,792 MACs, 153 operators>"
    assert repr(report) == expected
    assert str([report]) == f"[{expected}]"
    assert repr(pickle.loads(pickle.dumps(report))) == expected
    assert isinstance(report, archprof.Report)


def test_a_measurement_prints_as_a_table():
    assert (
        str(LAYERS)
        == """\
path  params    MACs  not counted
──────────────────────────────────────────
a      1,000  12,345
c          2       0  fft_fft ×2, cdist ×1

measured by fvcore on torch 2.13: params 1,002 · MACs at least 12,345 (12.35k)
not counted: fft_fft ×2, cdist ×1
convention archprof 1: MACs of convolutions and linear layers, bias not counted; batch 1, inference"""
    )
    assert repr(LAYERS) == "<Measurement by fvcore: 1,002 params, at least 12,345 MACs, 3 rows>"
    assert pickle.loads(pickle.dumps(LAYERS)) == LAYERS


def test_two_counters_stand_side_by_side():
    assert str(measured(a=MeasuredRow(4, 5, 6))).splitlines()[:5] == [
        "path  params  MACs  torch",
        "─────────────────────────",
        "a          4     5      6",
        "",
        "measured by fvcore and torch on torch 2.13: params 4 · MACs 5 (5) · MACs (torch) 6",
    ]


def test_a_measurement_as_a_dict():
    found = LAYERS.to_dict()
    jsonschema.validate(found, result_schema("measurement", MeasuredModules))
    assert json.loads(json.dumps(found)) == found
    del found["convention"]
    assert found == {
        "schema": 2,
        "counter": "fvcore",
        "torch": "2.13",
        "totals": {"params": 1_002, "macs": 12_345, "not_counted": {"fft_fft": 2, "cdist": 1}},
        "modules": [
            {"path": "a", "params": 1_000, "macs": 12_345},
            {"path": "b", "params": 0, "macs": 0},
            {"path": "c", "params": 2, "macs": 0, "not_counted": {"fft_fft": 2, "cdist": 1}},
        ],
    }


def test_html_is_a_table_whose_names_are_text():
    html = measured(**{HOSTILE: MeasuredRow(1, 2, None, {"a&b": 1})})._repr_html_()
    name = "&lt;script&gt;alert(1)&lt;/script&gt;\\x1b[31m"
    left, right = ('<td style="text-align: left">', '<td style="text-align: right">')
    assert html.splitlines()[:6] == [
        "<table>",
        "<thead><tr><th>path</th><th>params</th><th>MACs</th><th>not counted</th></tr></thead>",
        "<tbody>",
        f"<tr>{left}{name}</td>{right}1</td>{right}2</td>{left}a&amp;b ×1</td></tr>",
        "</tbody></table>",
        "<p>measured by fvcore on torch 2.13: params 1 · MACs at least 2 (2)</p>",
    ]


def test_html_of_a_report(tmp_path):
    file = tmp_path / "net.yaml"
    file.write_text("archprof: 1\ntitle: '<b>&'\ninput: 3x8x8\nlayers: [conv2d: {k: 1, c: 4}, avg_pool]\n")
    html = archprof.analyze(file)._repr_html_()
    assert "<caption>&lt;b&gt;&amp; · input 3×8×8</caption>" in html
    assert html.count("<tr>") == 1 + 2
    # 3·4 weights at 64 places; pooling has no MACs.
    assert [part.partition("%")[0] for part in html.split("; width: ")[1:]] == ["100.0", "0.0"]


def test_a_report_as_a_strip():
    """Each block that multiplies is a bar, as wide as its MACs: they end where all are."""
    report = archprof.analyze("mobilenet_v3_large")
    (axes,) = report.plot().axes
    bars = [bar.get_extents().transformed(axes.transData.inverted()) for bar in axes.patches]
    assert len(bars) == 1 + 15 + 1 + 2  # Howard et al. 2019, Table 1: without pooling and dropout
    assert round(bars[0].width) == 5_419_008
    assert round(bars[-1].x1) == axes.get_xlim()[1] == report.totals.macs
    assert report.plot("params").axes[0].get_xlim()[1] == report.totals.params
    with pytest.raises(archprof.UsageError, match="unknown metric `mac`"):
        report.plot("mac")


def test_a_summary_names_what_counters_skip():
    report = archprof.analyze("mobilenet_v2")
    found = archprof.Measurement("fvcore", "2.13", {"0": MeasuredRow(0, 0, None, {"fft_fft": 2})}, 0, 0)
    beside = with_measured(report, found)
    assert isinstance(beside, archprof.Report)
    assert beside.to_dict()["measured"]["not_counted"] == {"fft_fft": 2}
    assert "\nnot counted: fft_fft ×2\n" in str(beside)
    assert "not counted: " not in str(report)
    jsonschema.validate(beside.to_dict(), result_schema("summary", Summary))
