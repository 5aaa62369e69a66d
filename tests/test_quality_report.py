"""What is made of measured quality: plans, results files, tables, charts, the document."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import fmean

import pytest
from quality import __main__ as script
from quality import document, measure, ours, tables
from quality.baselines import deep_river
from quality.catalogue import STREAMS
from quality.published import PUBLISHED
from quality.scores import FIGURES
from quality.streams import TASKS

from streamrnn import RNNRegressor


@pytest.fixture
def nothing_set(monkeypatch):
    monkeypatch.delenv("STREAMRNN_DATA", raising=False)
    monkeypatch.delenv("STREAMRNN_PEER_DEEP_RIVER", raising=False)


@pytest.fixture
def report():
    return json.loads(document.RESULTS.read_text())


# --- what is run


def test_all_streams_without_data_are_named(nothing_set):
    jobs, left_out = measure.planned([], [], 2, quick=True)
    missing = {name for name, why in left_out.items() if why == measure.NO_DATA}
    assert missing == {name for name, (_, needs_data) in STREAMS.items() if needs_data}
    assert {job.stream for job in jobs} == set(STREAMS) - missing


def test_seeds_are_for_those_that_have_some(nothing_set):
    jobs, left_out = measure.planned(["ChickWeights"], [], 3, quick=False)
    seeds = {}
    for job in jobs:
        seeds.setdefault(job.row, []).append(job.seed)
    assert seeds["RNNRegressor"] == [1, 2, 3]
    assert seeds["LinearRegression"] == seeds["ARF"] == [1]
    assert left_out == {"deep-river LSTM": measure.NO_PEER}
    quick, _ = measure.planned(["ChickWeights"], [], 1, quick=True)
    assert {job.row for job in quick} < set(seeds)
    assert "ARF" not in {job.row for job in quick}


def test_patterns_that_fit_nothing_are_told(nothing_set, capsys):
    with pytest.raises(SystemExit) as ended:
        script.main(["--only", "Mars*"])
    assert ended.value.code == 2
    assert "AirlinePassengers" in capsys.readouterr().err


def test_a_row_that_fails_is_told_and_others_go_on(nothing_set, monkeypatch):
    class Broken(RNNRegressor):
        def predict_one(self, x, t=None):
            raise ZeroDivisionError("for the test")

    monkeypatch.setitem(ours.TUNED, "regression", {"Broken": lambda seed, stream: Broken()})
    jobs = [measure.Job("ChickWeights", row, 1) for row in ("Broken, tuned", "last target")]
    with ThreadPoolExecutor(1) as pool:
        found, failed = measure.run(jobs, pool)
    assert list(found["ChickWeights"]) == ["last target"]
    assert failed == {"ChickWeights: Broken, tuned": "ZeroDivisionError: for the test"}


def test_only_the_start_of_a_stream_is_run_if_the_row_says_so(nothing_set, monkeypatch):
    row = measure.rows_of("ChickWeights")["last target"]._replace(limit=100)
    monkeypatch.setattr(measure, "rows_of", lambda name: {"last target": row})
    assert measure.do(measure.Job("ChickWeights", "last target", 1))["steps"] == 100


# --- results


def results(rows, name="ChickWeights", left_out=None):
    return {
        "streams": {name: rows},
        "described": {
            name: {
                "task": "regression",
                "kind": "regression",
                "about": "weights",
                "steps": 578,
                "counted": 578,
            }
        },
        "left_out": left_out or {},
    }


def row(*errors, family="baseline", steps=578):
    figures = {"MAE": list(errors), "RMSE": [2 * error for error in errors]}
    return {
        "family": family,
        "figures": figures,
        "us": [3.0] * len(errors),
        "steps": steps,
        "measured": "2024-05-06 07:08 UTC",
        "with": "River 1",
    }


def test_new_rows_take_the_place_of_old_ones_and_others_stay():
    old = results({"gone": row(0.0), "ARF": row(1.0), "kNN": row(2.0)}, left_out={"SRP": "why"})
    new = results({"kNN": row(3.0), "SRP": row(4.0)}, left_out={"ARF": "not there", "d": "why"})
    found = measure.merged(old, new)
    mae = {name: one["figures"]["MAE"] for name, one in found["streams"]["ChickWeights"].items()}
    assert mae == {"ARF": [1.0], "kNN": [3.0], "SRP": [4.0]}
    assert found["left_out"] == {"d": "why"}
    assert measure.merged(None, new)["streams"] == new["streams"]


def test_seeds_are_in_their_order(nothing_set, monkeypatch):
    jobs = [measure.Job("ChickWeights", "last target", seed) for seed in (3, 1, 2)]
    monkeypatch.setattr(
        measure,
        "do",
        lambda job: {"figures": {"MAE": float(job.seed)}, "us": 1.0, "steps": 578},
    )
    with ThreadPoolExecutor(1) as pool:
        found, failed = measure.run(jobs, pool)
    assert found["ChickWeights"]["last target"]["figures"] == {"MAE": [1.0, 2.0, 3.0]}
    assert failed == {}


def test_tables_have_the_best_first_and_say_what_was_cut():
    rows = {
        "worse": row(30.0, steps=100),
        "best": row(9.0, 10.0, 11.0, family="ours"),
        "wild": row(1e9),
    }
    lines = tables.markdown(results(rows), "regression").splitlines()
    assert [line.split("|")[1].strip() for line in lines[3:6]] == [
        "**best**", "worse (first 100 steps)", "wild"
    ]  # fmt: skip
    assert "| 10.0 ± 1 | 20.0 ± 2 | 3 | River 1, 2024-05-06 |" in lines[3]
    assert "| > 1000 | > 1000 |" in lines[5]
    assert "- ChickWeights: weights." in lines


def test_horizons_are_columns_of_one_block_and_published_rows_come_last():
    names = ["Lorenz, 1 ahead", "Lorenz, 5 ahead"]
    one = {"family": "ours", "us": [1.0], "steps": 9, "measured": "2024-05-06", "with": "x"}
    rows = {"mine": {**one, "figures": {"NMSE": [0.5], "last 1000": [0.25]}}}
    about = {"task": "chaotic", "kind": "chaotic", "about": "made", "steps": 9, "counted": 9}
    found = {
        "streams": {names[0]: rows, names[1]: {}},
        "described": dict.fromkeys(names, about),
        "left_out": {},
    }
    (block,) = tables.blocks(found, "chaotic")
    assert block.heads[:2] == ["NMSE, 1 ahead", "NMSE, 5 ahead"]
    assert block.lines[0].cells == [[0.5], None, [0.25], None]
    assert {line.family for line in block.lines[1:]} == {"published"}
    assert "SnAp-1, published" in tables.text(found)


def test_published_figures_are_of_streams_and_figures_that_there_are():
    kinds = {"ETTh1": "rows", "NYC taxi": "taxi"}
    for name, ones in PUBLISHED.items():
        assert name in STREAMS
        for one in ones:
            assert one.source
            assert set(one.figures) <= set(FIGURES[kinds.get(name, "chaotic")])


def test_a_measurement_from_the_command_line(nothing_set, tmp_path, capsys):
    path = tmp_path / "found.json"
    arguments = ["--only", "Phishing", "--workers", "1", "--json", str(path)]
    script.main([*arguments, "--model", "last label"])
    script.main([*arguments, "--model", "kNN"])
    assert "kappa-temporal" in capsys.readouterr().out
    rows = json.loads(path.read_text())["streams"]["Phishing"]
    assert rows["last label"]["figures"]["kappa-temporal"] == [0.0]
    assert 0.85 < rows["kNN"]["figures"]["accuracy"][0] < 0.92


# --- what is kept in the repository


def test_the_document_says_what_was_measured():
    assert document.main(["--check"]) == 0


def test_a_changed_figure_makes_the_document_stale(report, tmp_path):
    report["streams"]["Phishing"]["kNN"]["figures"]["accuracy"] = [0.5]
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(report))
    assert document.main(["--check", "--results", str(path)]) == 1


def test_a_document_without_markers_is_refused(report):
    with pytest.raises(ValueError, match="lacks"):
        document.rewritten("no markers", report)


def test_the_results_are_complete_and_hold_no_paths(report):
    assert list(report["streams"]) == list(STREAMS)
    assert report["left_out"] == {}
    assert "/" not in json.dumps(report)
    for name, rows in report["streams"].items():
        kind = report["described"][name]["kind"]
        mine = [one for one in rows.values() if one["family"] == "ours"]
        assert mine, name
        assert any(one["family"] == "baseline" for one in rows.values())
        assert report["described"][name]["task"] in TASKS
        for one in rows.values():
            assert set(one["figures"]) == set(FIGURES[kind])
        for one in mine:
            assert len(one["us"]) == script.SEEDS == len(next(iter(one["figures"].values())))


def test_deep_river_is_in_the_results(report):
    assert deep_river.NEXT[0] in STREAMS
    assert "deep-river LSTM" in report["streams"]["Elec2"]
    assert report["streams"]["Elec2"]["deep-river LSTM"]["with"].startswith("deep-river 0.")


def test_charts_are_drawn(report, tmp_path):
    pytest.importorskip("matplotlib", reason="Matplotlib is not installed (extra 'bench')")
    from quality import charts

    files = charts.write(report, tmp_path)
    assert [path.stem for path in files] == [f"quality-{task}" for task in TASKS]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in files)


#: How the README calls streams and rows that are called more here.
SHORT_ROWS = {
    "Holt-Winters multiplicative": "HoltWinters(.3, .1, .6), multiplicative",
    "SNARIMAX": "SNARIMAX(p=1, d=1, sp=1)",
    "RLS-AR(24)": "RLS-AR(24), all columns",
    "kNN": "kNN, last 48 values",
}


def test_the_readme_says_what_was_measured(report):
    text = (Path(document.__file__).parents[2] / "README.md").read_text()
    table = text.split("**How good the predictions are**")[1].split("| estimator |")[0]
    cells = [line.strip("| ").split(" | ") for line in table.splitlines() if line[:1] == "|"]
    found = 0
    for title, figure, ours_said, beside in cells[2:]:
        name = title.replace(",", " ").split()[0] if title[:3] != "NYC" else "NYC taxi"
        rows = report["streams"][name]
        for said in [ours_said, *beside.split(", ")]:
            row, _, value = said.rpartition(" ")
            one = next(
                rows[n] for n in (SHORT_ROWS.get(row, row), f"{row}, one a column") if n in rows
            )
            assert f"{fmean(one['figures'][figure]):.3g}" == value, (name, row)
            found += 1
    assert found == 21
