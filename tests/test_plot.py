"""``streamrnn plot``: what was recorded is read back right, drawn, and refused in one line."""

import csv
import io
import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from click.testing import CliRunner
from streamrnn_cli.main import commands
from streamrnn_cli.monitor import recorded
from streamrnn_cli.monitor.recorded import Choice, snapshot_of


def plot(*args):
    """Run ``streamrnn plot`` in this process."""
    result = CliRunner().invoke(commands, ["plot", *map(str, args)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def a_run(rng, n=3000):
    """Rows from 11 on, their targets with gaps, and predictions."""
    targets = np.cumsum(rng.normal(size=n))
    predictions = targets + rng.normal(size=n)
    targets[rng.random(n) < 0.1] = np.nan
    return list(range(11, 11 + n)), targets, predictions


def as_csv(path, rows, targets, predictions):
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(["row", "time", "target", "prediction"])
    for row, target, prediction in zip(rows, targets, predictions, strict=True):
        known = target is not None and target == target
        writer.writerow([row, f"t{row}", target if known else "", prediction])
    path.write_text(table.getvalue())
    return path


@pytest.fixture
def recording(rng, tmp_path):
    return as_csv(tmp_path / "made.csv", *a_run(rng))


def errors_by_hand(targets, predictions, wanted):
    """Mean distances of the predictions and of the last target known before each row."""
    own, naive, last, begun = [], [], np.nan, False
    for place, (target, prediction) in enumerate(zip(targets, predictions, strict=True)):
        if not np.isnan(target):
            if place in wanted:
                if begun:
                    own.append(abs(target - prediction))
                    naive.append(abs(target - last))
                begun = True
            last = target
    return np.nanmean(own), np.nanmean(naive)


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        (Choice(), range(3000)),
        (Choice(first=1011, end=2010), range(1000, 2000)),
        (Choice(last=700), range(2300, 3000)),
    ],
)
def test_the_errors_are_those_of_the_rows_wanted(rng, tmp_path, choice, wanted):
    rows, targets, predictions = a_run(rng)
    path = as_csv(tmp_path / "made.csv", rows, targets, predictions)
    seen = snapshot_of(str(path), choice, "auto")
    assert seen["task"] == "regression"
    assert seen["rows"] == len(wanted)
    assert seen["series"]["row"][0] == 11 + wanted[0]
    assert seen["series"]["time"][-1] == f"t{11 + wanted[-1]}"
    own, naive = errors_by_hand(targets, predictions, wanted)
    assert seen["errors"]["overall"] == pytest.approx({"prediction": own, "last value": naive})


def test_jsonl_and_csv_say_the_same(rng, tmp_path):
    rows, targets, predictions = a_run(rng, 500)
    as_csv(tmp_path / "a.csv", rows, targets, predictions)
    lines = [
        {"row": r, "time": f"t{r}", "target": None if t != t else t, "prediction": p}
        for r, t, p in zip(rows, targets.tolist(), predictions.tolist(), strict=True)
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)))
    first, second = (
        snapshot_of(str(tmp_path / name), Choice(), "auto") for name in ("a.csv", "a.jsonl")
    )
    assert {**first, "about": None} == {**second, "about": None}


def test_few_rows_are_held_at_a_time(recording, monkeypatch):
    held = []

    class Watched(recorded.Monitor):
        def played(self, rows, *others):
            held.append(len(rows))
            super().played(rows, *others)

    monkeypatch.setattr(recorded, "Monitor", Watched)
    snapshot_of(str(recording), Choice(), "auto")
    assert held == [1024, 1024, 952]


def test_labels_are_classification(rng, tmp_path):
    labels = ["up", "down", None, "up"] * 50
    path = as_csv(tmp_path / "made.csv", range(200), labels, ["up"] * 200)
    seen = snapshot_of(str(path), Choice(), "auto")
    assert seen["task"] == "classification"
    assert seen["errors"]["overall"]["prediction"] == pytest.approx(50 / 149)
    assert plot(path, "-o", tmp_path / "a.svg").exit_code == 0
    told = snapshot_of(str(path), Choice(), "classification")
    assert told["errors"] == seen["errors"]


def test_a_png_has_both_lines_on_it(recording):
    from matplotlib.image import imread

    result = plot(recording)
    assert result.exit_code == 0, result.output
    assert "3,000 rows" in result.output
    pixels = imread(recording.with_suffix(".png"))[..., :3]
    blue = np.array([0x1F, 0x83, 0xD6]) / 255
    assert (np.abs(pixels - blue).max(axis=2) < 0.02).sum() > 500
    assert pixels.shape[0] > 600


def test_an_svg_is_one(recording, tmp_path):
    assert plot(recording, "-o", tmp_path / "a.svg", "--last", 100).exit_code == 0
    assert ET.parse(tmp_path / "a.svg").getroot().tag.endswith("svg")


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_dollars_in_names_are_no_mathematics(tmp_path, suffix):
    path = tmp_path / "a$\\b$.csv"
    # A letter that not every font has, either: it is no reason for a warning.
    path.write_text("row,target,prediction\n" + "1,$\\frac$,y$\n2,y$,\u65e5\n" * 3, "utf-8")
    result = plot(path, "-o", tmp_path / f"a{suffix}")
    assert result.exit_code == 0, result.output


def test_a_page_of_predictions_leaves_out_what_nobody_knows(recording, tmp_path):
    assert plot(recording, "-o", tmp_path / "a.html").exit_code == 0
    text = (tmp_path / "a.html").read_text("utf-8")
    assert text.count("<section>") == 4
    assert "Saturation" not in text
    assert "rows a second" not in text


def test_a_snapshot_is_drawn_as_it_is(recording, tmp_path):
    seen = snapshot_of(str(recording), Choice(), "auto")
    (tmp_path / "run.json").write_text(json.dumps({"rows": 3, "monitor": seen}))
    assert plot(tmp_path / "run.json", "-o", tmp_path / "a.html").exit_code == 0
    assert "Saturation" in (tmp_path / "a.html").read_text("utf-8")
    assert plot(tmp_path / "run.json", "-o", tmp_path / "a.png").exit_code == 0


@pytest.mark.parametrize("suffix", [".png", ".html"])
def test_a_snapshot_that_was_changed_is_told_of(recording, tmp_path, suffix):
    seen = snapshot_of(str(recording), Choice(), "auto")
    for name, value in (("names", None), ("series", {}), ("errors", 7), ("marks", ["x"])):
        (tmp_path / "run.json").write_text(json.dumps(seen | {name: value}))
        result = plot(tmp_path / "run.json", "-o", tmp_path / f"run{suffix}")
        assert result.exit_code == 3, result.output
        assert "cannot be drawn" in result.output.splitlines()[-1]
        assert not (tmp_path / f"run{suffix}").exists()
    (tmp_path / "run.json").write_text("[" * 100_000)
    assert "nested too deeply" in plot(tmp_path / "run.json").output


GOOD = "row,target,prediction\n1,2,3\n"


@pytest.mark.parametrize(
    ("name", "text", "options", "code", "message"),
    [
        ("a.csv", "row,value\n1,2\n", [], 3, "there is no column 'target'"),
        ("a.csv", "row,target,prediction\nx,1,2\n", [], 3, "line 2: 'x' is no number of a row"),
        ("a.csv", "row,target,prediction\n", [], 3, "has no rows"),
        ("a.csv", "step,forecast\n1,2\n", [], 3, "that replay, live or predict wrote"),
        ("a.csv", GOOD, ["--from", "5"], 3, "none of its rows is wanted"),
        ("a.csv", GOOD, ["--last", "5", "--to", "3"], 2, "--last goes with neither"),
        ("a.csv", GOOD, ["-o", "a.pdf"], 2, "must end in .png, .svg or .html"),
        ("a.csv", GOOD, ["-o", "absent/a.png"], 2, "cannot write"),
        ("a.csv", GOOD + "2,up,1\n", ["--task", "regression"], 3, "row 2: 'up' is no number"),
        ("a.jsonl", '{"row": 1,\n', [], 3, "line 1: not JSON"),
        ("a.jsonl", '{"row": 1, "target": 2, "prediction": 3}\n[1]\n', [], 3, "line 2: not an obj"),
        ("a.json", '{"rows": 1}', [], 3, "no course of a run"),
        ("a.json", "{", [], 3, "not JSON"),
        ("a.json", "{}", ["--last", "2"], 2, "are for files of --predictions"),
    ],
)
def test_mistakes_end_in_one_line(tmp_path, monkeypatch, name, text, options, code, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text(text)
    result = plot(name, *options)
    assert result.exit_code == code, result.output
    assert message in result.output.splitlines()[-1]
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]


def test_a_file_that_is_absent_and_one_that_would_be_overwritten(tmp_path):
    assert "cannot read" in plot(tmp_path / "absent.csv").output
    (tmp_path / "a.svg").write_text(GOOD)
    assert "would be overwritten" in plot(tmp_path / "a.svg", "-o", tmp_path / "a.svg").output


def test_without_matplotlib_one_line_says_what_to_install(tmp_path, monkeypatch):
    def absent(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr("importlib.import_module", absent)
    from streamrnn_cli.plot import check_output

    with pytest.raises(Exception, match=r"pip install 'streamrnn\[plot\]'"):
        check_output(None, None, "a.png")
