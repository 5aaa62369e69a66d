"""The command with the real network: it does what the same few lines of Python do."""

import csv

import numpy as np
import pytest
from cli_helpers import metrics_of, replay, write
from river import datasets

from streamrnn import RNNClassifier, RNNRegressor, cells, optimizers

SMALL = ["--hidden-size", 4, "--truncation", 8]


def predictions(path):
    with open(path, newline="") as file:
        return [row["prediction"] for row in csv.DictReader(file)]


def test_regression_is_the_loop_over_the_stream(tmp_path):
    """Across the border between two blocks, too: WaterFlow has 1,268 rows."""
    path = tmp_path / "p.csv"
    outcome = metrics_of(tmp_path, *SMALL, "--predictions", path)
    model = RNNRegressor(hidden_size=4, truncation=8)
    made = []
    for _, y in datasets.WaterFlow():
        made.append(model.predict_one({}))
        model.learn_one({}, y)
    assert [float(text) for text in predictions(path)] == made
    assert outcome["model"]["counters"]["samples"] == 1268
    assert outcome["model"]["counters"]["updates"] == 1267  # the first change starts from nowhere
    targets = [y for _, y in datasets.WaterFlow()]
    expected = np.abs(np.subtract(targets, made))[1:].mean()
    assert outcome["model"]["metrics"]["MAE"] == pytest.approx(expected)
    assert outcome["model"]["memory_bytes"] > 0


def test_classification_is_the_loop_over_the_stream(tmp_path):
    rng = np.random.default_rng(3)
    labels = [["up", "down", "flat"][i] for i in rng.integers(0, 2, 40).tolist() + [2, 1, 0] * 20]
    source = write(tmp_path / "s.csv", "y\n" + "\n".join(labels) + "\n")
    path = tmp_path / "p.csv"
    metrics_of(tmp_path, source, "--target", "y", *SMALL, "--predictions", path)
    model = RNNClassifier(hidden_size=4, truncation=8)
    made = []
    for y in labels:
        made.append(model.predict_one({}))
        model.learn_one({}, y)
    assert predictions(path) == [prediction or "" for prediction in made]


def test_what_the_engine_refuses_is_wrong_use():
    result = replay("--truncation", 4, "--update-every", 8, "--limit", 3)
    assert result.exit_code == 2
    assert "--update-every=8 is more than --truncation=4" in result.stderr
    assert replay("--hidden-size", 10_000_000, "--limit", 3).exit_code == 2
    mistyped = replay("--cell", "lsmt", "--limit", 3)
    assert mistyped.exit_code == 2
    assert "lstm" in mistyped.stderr
    assert replay("--optimizer", "adm", "--limit", 3).exit_code == 2


def test_trouble_is_named():
    wild = ["--cell", "rnn_relu", "--optimizer", "sgd", "--lr", 10_000, "--clip-norm", 0]
    result = replay("river:TrumpApproval", *wild, "--limit", 300, *SMALL)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].startswith("state resets ")
    refused = replay("--lr", 1e38, *SMALL)
    assert refused.exit_code == 2
    assert "--lr must be between 0 and 10000, got 1e+38" in refused.stderr


def test_the_help_names_every_cell_and_optimizer():
    words = replay("--help").stdout.replace(",", " ").replace("(", " ").split()
    assert set(cells.registry()) | set(optimizers.registry()) <= set(words)


def test_figures_tell_of_the_model_that_played(tmp_path):
    path = tmp_path / "m.safetensors"
    args = ["--drift", "adwin", "--drift-action", "reset_state", "--limit", 40, "--save", path]
    told = metrics_of(tmp_path, *SMALL, *args)["parameters"]
    assert (told["drift_detector"], told["drift_action"]) == ("ADWIN", "reset_state")
    # What is saved is what it says, and not what the options say.
    told = metrics_of(tmp_path, "--model", path, "--limit", 40)["parameters"]
    assert (told["hidden_size"], told["truncation"]) == (4, 8)
