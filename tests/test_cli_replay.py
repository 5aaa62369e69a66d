"""``streamrnn replay``: the numbers it shows are those that a few lines of Python give."""

import json
import math
from itertools import pairwise

import pytest
from cli_helpers import COMPRESS, baseline, metrics_of, replay, use_spy, write
from river import compose, datasets, linear_model, metrics, preprocessing
from streamrnn_cli.baselines import linear

CSV = "time,a,y\n09:00,1,10\n10:00,2,12\n11:00,,15\n12:00,4,11\n"
JSONL = "".join(
    json.dumps({"y": y, "a": a, "time": time}) + "\n"
    for time, a, y in [("09:00", 1, 10), ("10:00", 2, 12), ("11:00", None, 15), ("12:00", 4, 11)]
)


@pytest.fixture
def spies(monkeypatch):
    return use_spy(monkeypatch)


def water_flow():
    return [y for _, y in datasets.WaterFlow()]


@pytest.mark.usefixtures("spies")
class TestBaselines:
    def test_last_value_on_water_flow(self, tmp_path):
        y = water_flow()
        errors = [after - before for before, after in pairwise(y)]
        outcome = metrics_of(tmp_path, "river:WaterFlow")
        found = baseline(outcome, "last value")
        assert found["MAE"] == pytest.approx(sum(map(abs, errors)) / len(errors))
        assert found["MAE"] == pytest.approx(0.631, abs=5e-4)
        assert found["RMSE"] == pytest.approx(math.sqrt(sum(e * e for e in errors) / len(errors)))
        # The network is a stand-in here, and predicts the last value too.
        assert outcome["model"]["metrics"] == found

    def test_running_mean_on_water_flow(self, tmp_path):
        y = water_flow()
        errors = [abs(y[t] - sum(y[:t]) / t) for t in range(1, len(y))]
        found = baseline(metrics_of(tmp_path), "running mean")
        assert found["MAE"] == pytest.approx(sum(errors) / len(errors))

    def test_linear_regression_gets_the_same_lags(self, tmp_path):
        y = water_flow()
        model = preprocessing.StandardScaler() | linear_model.LinearRegression()
        mae = metrics.MAE()
        for t, target in enumerate(y):
            x = {f"target[t-{lag}]": y[t - lag] for lag in (1, 2) if t >= lag}
            if t:
                mae.update(target, model.predict_one(x))
            model.learn_one(x, target)
        found = baseline(metrics_of(tmp_path, "--lags", 2), "LinearRegression")
        assert found["MAE"] == pytest.approx(mae.get())

    def test_labels(self, tmp_path):
        labels = ["a", "a", "b", "b", "b", "b", "c", "b", "a"]
        path = write(tmp_path / "s.csv", "y\n" + "\n".join(labels) + "\n")
        outcome = metrics_of(tmp_path, path, "--target", "y")
        assert outcome["task"] == "classification"
        assert outcome["rows"]["scored"] == 8
        assert baseline(outcome, "last label")["accuracy"] == 4 / 8
        # Most frequent before each row: a a a a b b b b (the fourth is a tie).
        assert baseline(outcome, "most frequent label")["accuracy"] == 3 / 8

    def test_two_classes_one_against_the_rest_is_plain_logistic_regression(self, tmp_path):
        model = preprocessing.StandardScaler() | linear_model.LogisticRegression()
        accuracy = metrics.Accuracy()
        for t, (x, y) in enumerate(datasets.Phishing()):
            if t:
                accuracy.update(y, model.predict_one(x))
            model.learn_one(x, y)
        outcome = metrics_of(tmp_path, "river:Phishing", "--lags", 0)
        found = baseline(outcome, "LogisticRegression")
        assert found["accuracy"] == pytest.approx(accuracy.get(), abs=2 / 1249)

    def test_one_that_overflows_does_not_end_the_run(self, tmp_path):
        path = write(tmp_path / "s.csv", "a,y\n1,1\n1e300,2\n-1e300,2\n3,4\n")
        outcome = metrics_of(tmp_path, path, "--target", "y")
        assert baseline(outcome, "LinearRegression") == {"MAE": None, "RMSE": None, "R2": None}
        assert baseline(outcome, "last value")["MAE"] == pytest.approx(1.0)


class TestSources:
    @pytest.mark.parametrize("compression", COMPRESS)
    @pytest.mark.parametrize(("suffix", "text"), [(".csv", CSV), (".jsonl", JSONL)])
    def test_files(self, tmp_path, spies, suffix, text, compression):
        path = write(tmp_path / f"s{suffix}{compression}", text, compression)
        outcome = metrics_of(tmp_path, path, "--target", "y", "--time", "time")
        assert outcome["rows"]["used"] == 4
        assert baseline(outcome, "last value")["MAE"] == pytest.approx((2 + 3 + 4) / 3)
        assert spies[0].seen("a") == [1, 2, None, 4]

    @pytest.mark.parametrize("compression", COMPRESS)
    @pytest.mark.parametrize("text", [CSV, "\n" + CSV, JSONL, "\ufeff" + JSONL, "\ufeff" + CSV])
    def test_standard_input(self, tmp_path, spies, text, compression):
        stdin = COMPRESS[compression](text.encode())
        metrics_of(tmp_path, "-", "--target", "y", "--time", "time", stdin=stdin)
        assert spies[0].seen("a") == [1, 2, None, 4]

    def test_format_overrides_the_suffix(self, tmp_path, spies):
        path = write(tmp_path / "s.csv", JSONL)
        metrics_of(tmp_path, path, "--format", "jsonl", "--target", "y", "--drop", "time")
        assert spies[0].seen("a") == [1, 2, None, 4]

    @pytest.mark.parametrize("mark", [";", "\t"])
    def test_other_separators(self, tmp_path, spies, mark):
        path = write(tmp_path / "s.csv", CSV.replace(",", mark).replace("time", '"time, h"'))
        metrics_of(tmp_path, path, "--target", "y", "--drop", "time, h")
        assert spies[0].seen("a") == [1, 2, None, 4]

    def test_a_nameless_column_is_called_by_its_number(self, tmp_path, spies):
        path = write(tmp_path / "s.csv", ",a,y\n0,1,2\n1,2,3\n")
        metrics_of(tmp_path, path, "--target", "y", "--drop", "column 1")
        assert spies[0].calls == [["a"]]

    def test_json_rows_with_other_columns(self, tmp_path, spies):
        rows = [{"a": 1, "y": 1}, {"y": 2, "a": 2}, {"b": 3, "y": 3}, {"a": "4", "b": True}]
        path = write(tmp_path / "s.jsonl", "\n".join(map(json.dumps, rows)))
        outcome = metrics_of(tmp_path, path, "--target", "y", "--lags", 0)
        assert spies[0].calls == [["a"], ["b"], ["a", "b"]]
        assert spies[0].seen("a") == [1, 2, None, 4]
        assert spies[0].seen("b") == [None, None, 3, 1]
        assert outcome["rows"]["without_target"] == 1

    def test_a_river_feature_can_be_the_target(self, tmp_path, spies):
        args = ["river:ChickWeights", "--target", "diet", "--task", "regression"]
        outcome = metrics_of(tmp_path, *args)
        assert outcome["target"] == "diet"
        assert spies[0].calls[0] == ["chick", "target", "time"]


class TestOptions:
    def test_limit(self, tmp_path, spies):
        y = water_flow()[:10]
        outcome = metrics_of(tmp_path, "--limit", 10)
        assert outcome["rows"] == {
            "used": 10,
            "scored": 9,
            "skipped": 0,
            "without_target": 0,
            "missing_cells": 0,
        }
        expected = sum(abs(a - b) for a, b in pairwise(y)) / 9
        assert baseline(outcome, "last value")["MAE"] == pytest.approx(expected)
        assert len(spies[0].events) == 20

    @pytest.mark.usefixtures("spies")
    def test_nothing_behind_the_limit_is_looked_at(self, tmp_path):
        path = write(tmp_path / "s.csv", CSV + "not a row\n")
        args = [path, "--target", "y", "--drop", "time"]
        assert replay(*args, "--limit", 4).exit_code == 0
        assert replay(*args, "--limit", 5).exit_code == 3

    def test_drop_with_commas_and_repeated(self, tmp_path, spies):
        path = write(tmp_path / "s.csv", 'a,b,c,"d,e",y\n1,x,x,x,1\n2,x,x,x,2\n')
        metrics_of(tmp_path, path, "--target", "y", "--drop", "b, c", "--drop", "d,e")
        assert spies[0].calls == [["a"]]

    @pytest.mark.usefixtures("spies")
    def test_task_is_guessed_and_said(self, tmp_path):
        path = write(tmp_path / "s.csv", CSV)
        guessed = replay(path, "--target", "y", "--time", "time")
        assert "regression of 'y'" in guessed.stdout
        assert "If that is wrong: --task classification" in guessed.stderr
        told = replay(path, "--target", "y", "--time", "time", "--task", "classification")
        assert "classification of 'y'" in told.stdout
        assert told.stderr == ""

    @pytest.mark.usefixtures("spies")
    def test_one_letter_too_many_is_shown(self, tmp_path):
        path = write(tmp_path / "s.csv", "y\n1\n2\n3o\n4\n")
        said = replay(path, "--target", "y").stderr
        assert "holds labels such as '3o': classification." in said

    @pytest.mark.parametrize("cells", [["true", "false"], [True, False], ["up", 1]])
    @pytest.mark.usefixtures("spies")
    def test_labels_are_guessed(self, tmp_path, cells):
        text = "".join(json.dumps({"y": cell}) + "\n" for cell in cells)
        outcome = metrics_of(tmp_path, write(tmp_path / "s.jsonl", text), "--target", "y")
        assert outcome["task"] == "classification"

    def test_labels_are_spelt_as_in_the_file(self, tmp_path, spies):
        path = write(tmp_path / "s.csv", "y\n01\n1\n1.0\nTrue\n")
        metrics_of(tmp_path, path, "--target", "y", "--task", "classification")
        learnt = [event[2] for event in spies[0].events if event[0] == "learn"]
        assert learnt == ["01", "1", "1.0", "True"]

    @pytest.mark.usefixtures("spies")
    def test_quiet(self, tmp_path):
        path = write(tmp_path / "s.csv", CSV)
        result = replay(path, "--target", "y", "--drop", "time", "--quiet")
        assert result.exit_code == 0
        assert result.stderr == ""
        assert "last value" in result.stdout

    @pytest.mark.parametrize(
        "args",
        [
            ["--lr", "0"],
            ["--lr", "nan"],
            ["--clip-norm", "inf"],
            ["--hidden-size", "0"],
            ["--predictions", "p.xls"],
            ["--predictions", "missing/p.csv"],
            ["--predictions", "-", "--metrics-json", "-"],
            ["--target", "target", "--drop", "target"],
            ["--task", "clustering"],
        ],
    )
    def test_wrong_use(self, args):
        result = replay(*args, "--limit", 3)
        assert result.exit_code == 2
        assert result.stdout == ""

    def test_a_table_over_the_source(self, tmp_path):
        path = write(tmp_path / "s.csv", CSV)
        result = replay(path, "--target", "y", "--predictions", path)
        assert result.exit_code == 2
        assert path.read_text() == CSV


class TestMissing:
    @pytest.mark.parametrize("cell", ["", "NA", "NaN", "null", "None", "?", "nan", " "])
    def test_spellings(self, tmp_path, spies, cell):
        path = write(tmp_path / "s.csv", f"a,y\n1,1\n{cell},2\n3,{cell}\n4,4\n")
        outcome = metrics_of(tmp_path, path, "--target", "y", "--task", "regression")
        assert spies[0].seen("a") == [1, None, 3, 4]
        learnt = [event[2] for event in spies[0].events if event[0] == "learn"]
        assert learnt[:2] + learnt[3:] == [1, 2, 4]
        assert math.isnan(learnt[2])
        assert outcome["rows"]["missing_cells"] == 1
        assert outcome["rows"]["without_target"] == 1
        assert outcome["rows"]["scored"] == 2

    def test_label(self, tmp_path, spies):
        path = write(tmp_path / "s.csv", "a,y\n1,u\n2,NA\n3,v\n")
        outcome = metrics_of(tmp_path, path, "--target", "y")
        assert [e[2] for e in spies[0].events if e[0] == "learn"] == ["u", None, "v"]
        assert outcome["rows"]["scored"] == 1

    @pytest.mark.usefixtures("spies")
    def test_counts_are_shown_if_there_are_any(self, tmp_path):
        path = write(tmp_path / "s.csv", "a,y\n1,1\n,2\n1,x\n3,\n")
        args = [path, "--target", "y", "--task", "regression", "--on-error", "skip"]
        lines = replay(*args).stdout.splitlines()
        assert lines[-1] == "rows skipped 1, rows without target 1, missing cells 1"
        assert "missing" not in replay("--limit", 5).stdout

    @pytest.mark.usefixtures("spies")
    def test_nothing_to_score_is_not_zero(self, tmp_path):
        path = write(tmp_path / "s.csv", "y\n1\n")
        outcome = metrics_of(tmp_path, path, "--target", "y")
        assert outcome["model"]["metrics"] == {"MAE": None, "RMSE": None, "R2": None}
        assert "n/a" in replay(path, "--target", "y").stdout


@pytest.mark.usefixtures("spies")
def test_metrics_json(tmp_path):
    args = ["--lr", 0.01, "--update-every", 4, "--clip-norm", 0, "--limit", 100]
    outcome = metrics_of(tmp_path, *args)
    assert outcome["source"] == "river:WaterFlow"
    assert outcome["task"] == "regression"
    assert outcome["parameters"] == {
        "cell": "lstm",
        "hidden_size": 32,
        "num_layers": 1,
        "truncation": 32,
        "update_every": 4,
        "loss_window": 4,
        "optimizer": "adam",
        "lr": 0.01,
        "clip_norm": None,
        "seed": 42,
        "lags": 1,
    }
    model = outcome["model"]
    assert model["counters"]["updates"] == 7
    assert model["memory_bytes"] == 2048
    assert model["us_per_sample"] == pytest.approx(1e6 * model["seconds"] / 100)
    assert model["samples_per_second"] == pytest.approx(100 / model["seconds"])
    assert outcome["seconds"] >= model["seconds"]
    assert [entry["name"] for entry in outcome["baselines"]] == [
        "last value",
        "running mean",
        "LinearRegression",
    ]


@pytest.mark.usefixtures("spies")
def test_metrics_json_on_standard_output():
    result = replay("--limit", 5, "--metrics-json", "-")
    assert json.loads(result.stdout)["rows"]["used"] == 5
    assert "last value" in result.stderr


@pytest.mark.usefixtures("spies")
def test_table():
    lines = replay().stdout.splitlines()
    assert lines[0] == "river:WaterFlow: regression of 'target', 1,268 rows, 1,267 scored"
    assert lines[2].split() == ["model", "MAE", "RMSE", "R2", "us/sample"]
    assert lines[4].split()[:4] == ["lstm,", "32", "units", "0.63101"]
    assert lines[5].split()[:3] == ["last", "value", "0.63101"]
    assert lines[9].startswith("lstm, 32 units: ")
    assert lines[9].endswith(" in all, 2.0 KiB")
    assert len({len(line) for line in lines[2:8]}) == 1


def test_scaler_and_model_are_a_pipeline():
    """The comparison above would mean little if the scaler was not in front."""
    assert isinstance(linear("regression")["LinearRegression"], compose.Pipeline)
