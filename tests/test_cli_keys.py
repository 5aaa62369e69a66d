"""One model a key: the command does what a loop over as many models does."""

import csv

import pytest
from cli_helpers import replay
from crash_helpers import SMALL, cases

from streamrnn import RNNRegressor


@pytest.mark.parametrize("more", [[], ["--max-keys", 2], ["--drop", "a"]])
def test_keys_are_a_loop_of_models(more, tmp_path):
    case = cases(150)["keys"]
    source = case.write(tmp_path)
    path = tmp_path / "p.csv"
    result = replay(source, *SMALL, *case.args, *more, "--predictions", path)
    assert result.exit_code == 0, result.output
    models, made, last, known, errors = {}, [], {}, 0, []
    for row in csv.DictReader(case.text.splitlines()):
        key, y = row["sensor"], float(row["y"])
        x = {} if "--drop" in more else {"a": float(row["a"])}
        model = models.setdefault(key, RNNRegressor(hidden_size=4, truncation=8))
        made.append((key, y, model.predict_one(x)))
        model.learn_one(x, y)
        errors.append(abs(y - last.get(key, 0.0)))
        last[key] = y
        known += 1
    with open(path, newline="") as file:
        found = [
            (r["key"], float(r["target"]), float(r["prediction"])) for r in csv.DictReader(file)
        ]
    assert found == made
    line = next(line for line in result.stdout.splitlines() if line.startswith("last value"))
    assert float(line.split()[2]) == pytest.approx(sum(errors[1:]) / (known - 1), rel=1e-4)
    assert "units a key" in result.stdout


def test_a_row_without_a_key(tmp_path):
    source = tmp_path / "s.csv"
    source.write_text("sensor,a,y\nu,1,2\n,1,2\nv,1,2\n")
    args = [source, *SMALL, "--target", "y", "--key", "sensor", "--task", "regression"]
    result = replay(*args)
    assert result.exit_code == 3
    assert "line 3, column 'sensor': is missing. Every row needs" in result.stderr
    skipped = replay(*args, "--on-error", "skip", "--predictions", tmp_path / "p.csv")
    assert skipped.exit_code == 0
    rows = [line.split(",")[:2] for line in (tmp_path / "p.csv").read_text().splitlines()[1:]]
    assert rows == [["1", "u"], ["3", "v"]]
