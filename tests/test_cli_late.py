"""Targets that come late: the command does what the loop over one model does."""

import csv
import json

import numpy as np
import pytest
from cli_helpers import invoke, replay, write
from crash_helpers import SMALL, cases
from river import datasets, evaluate, metrics
from streamrnn_cli import late

from streamrnn import RNNRegressor
from streamrnn.estimators import events

ARGS = ["--target", "y", "--id", "id", "--task", "regression", "--quiet", *SMALL]


def twin():
    return RNNRegressor(hidden_size=4, truncation=8)


def played(tmp_path, rows, *more):
    """What comes of the rows: predictions by id, and the figures."""
    source = write(tmp_path / "s.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    path, figures = tmp_path / "p.csv", tmp_path / "f.json"
    result = replay(source, *ARGS, *more, "--predictions", path, "--metrics-json", figures)
    assert result.exit_code == 0, result.output
    with open(path, newline="") as file:
        made = list(csv.DictReader(file))
    return {row["id"]: float(row["prediction"]) for row in made}, json.loads(figures.read_text())


def test_before_after_twice_and_never(tmp_path):
    """Label with the event, three events later, twice, never; and one before any event."""
    rng = np.random.default_rng(4)
    rows = [{"id": "early", "y": 0.5}]
    for i in range(60):
        event = {"id": f"e{i}", "a": float(rng.normal())}
        if i % 5 == 0:
            event["y"] = float(rng.normal())
        rows.append(event)
        if i >= 3 and i % 5 in (1, 2, 3):
            rows.append({"id": f"e{i - 3}", "y": float(rng.normal())})
        if i >= 4 and i % 10 == 1:
            rows.append({"id": f"e{i - 3}", "y": float(rng.normal())})
    model, made, errors, known = twin(), {}, [], set()
    for row in rows:
        name, x = row["id"], {"a": row["a"]} if "a" in row else {}
        if name not in made:
            made[name] = model.predict_one(x, t=name)
        if "y" in row:
            model.learn_one({}, row["y"], t=name)
            if name not in known:
                known.add(name)
                errors.append(abs(row["y"] - made[name]))
    found, figures = played(tmp_path, rows)
    assert found == made
    # The first one cannot be known to anybody.
    assert figures["model"]["metrics"]["MAE"] == pytest.approx(np.mean(errors[1:]), rel=1e-12)
    assert figures["rows"]["scored"] == len(errors) - 1


def test_a_target_whose_event_never_came(tmp_path):
    rows = [{"id": i, "a": i / 7, "y": 1.0 + i % 3} for i in range(20)]
    lost = {"id": "nobody", "y": 3.0}
    expected, _ = played(tmp_path, rows)
    dead = tmp_path / "dead.jsonl"
    found, figures = played(tmp_path, [*rows[:10], lost, *rows[10:]], "--dead-letter", dead)
    assert found == expected
    assert figures["rows"]["skipped"] == 1
    assert json.loads(dead.read_text())["row"] == {"id": "nobody", "target": 3.0}
    source = tmp_path / "s.jsonl"
    result = replay(source, *ARGS)
    assert result.exit_code == 3
    assert "row 11: a target whose event 'nobody' never came" in result.stderr


def test_ids_alone_change_nothing(tmp_path):
    """Each target comes with its event: bit for bit the run without ids."""
    text = cases(80)["csv"].text.splitlines()
    rows = [f"{line},{i}" for i, line in enumerate(text[1:])]
    source = write(tmp_path / "s.csv", "\n".join([f"{text[0]},id", *rows]) + "\n")
    predictions = []
    for given in (["--id", "id"], ["--drop", "id"], ["--drop", "id", "--delay", 0]):
        path = tmp_path / "p.csv"
        args = [source, "--target", "y", *given, *SMALL, "--baselines", "simple"]
        result = replay(*args, "--predictions", path)
        assert result.exit_code == 0, result.output
        with open(path, newline="") as file:
            predictions.append([row["prediction"] for row in csv.DictReader(file)])
    assert predictions[0] == predictions[1] == predictions[2]


@pytest.mark.parametrize("delay", [1, 5])
def test_a_delay_is_that_of_rivers_evaluation(delay, tmp_path):
    path, figures = tmp_path / "p.csv", tmp_path / "f.json"
    args = ["--delay", delay, *SMALL, "--quiet", "--metrics-json", figures]
    assert replay(*args, "--predictions", path).exit_code == 0
    events = [({}, y, {"t": i}) for i, (_, y) in enumerate(datasets.WaterFlow())]
    pairs = []

    class Noted(metrics.MAE):
        def update(self, y_true, y_pred, w=1.0):
            pairs.append((y_true, y_pred))
            super().update(y_true, y_pred, w)

    evaluate.progressive_val_score(events, twin(), Noted(), delay=delay)
    with open(path, newline="") as file:
        made = [float(row["prediction"]) for row in csv.DictReader(file)]
    assert made == [prediction for _, prediction in pairs]
    errors = [abs(target - prediction) for target, prediction in pairs]
    found = json.loads(figures.read_text())["model"]["metrics"]["MAE"]
    assert found == pytest.approx(np.mean(errors[1:]), rel=1e-12)


def test_keys_do_not_go_with_ids():
    for other in (["--id", "b"], ["--delay", 2]):
        result = invoke("replay", "--key", "a", *other)
        assert result.exit_code == 2
        assert "--key does not go with --id and --delay" in result.stderr


def test_targets_that_come_too_late_are_a_remark(tmp_path, forks):
    source = cases(60)["late targets"].write(tmp_path)
    args = ["replay", source, "--target", "y", "--id", "id", "--task", "regression"]
    child = forks.run([*args, *SMALL, "--truncation", 2])
    assert child.code == 0
    assert "came when its step had left the window" in child.stderr
    assert "Warning" not in child.stderr
    assert child.stderr.count("\n") == 1


def test_an_id_that_names_a_sensor_is_doubted_once(tmp_path):
    """Else a run of two events would be told of as if it were all."""
    text = "".join(f"{i % 2},{i},{i % 5}\n" for i in range(8))
    source = write(tmp_path / "s.csv", "id,a,y\n" + text)
    given = [one for one in ARGS if one != "--quiet"]
    result = replay(source, *given)
    assert result.exit_code == 0, result.output
    assert result.stderr.count("came before, with its target") == 1
    assert "what names a sensor is a --key" in result.stderr


def test_a_target_that_is_corrected_is_not_doubted(tmp_path):
    source = write(tmp_path / "s.jsonl", '{"id": 1, "a": 2, "y": 3}\n{"id": 1, "y": 4}\n')
    result = replay(source, *[one for one in ARGS if one != "--quiet"])
    assert result.exit_code == 0, result.output
    assert "came before" not in result.stderr


def test_an_event_that_the_model_has_forgotten_is_none_here(tmp_path, monkeypatch):
    """To the model its target would be a new event, without features."""
    assert late.MOST_EVENTS == events.KEPT
    monkeypatch.setattr(late, "MOST_EVENTS", 5)
    monkeypatch.setattr(events, "KEPT", 5)
    rows = [{"id": i, "a": 0.1 * i} for i in range(10)]
    rows += [{"id": 4, "y": 1.0}, {"id": 5, "y": 1.0}]
    _, figures = played(tmp_path, rows, "--on-error", "skip", "--delay", 2)
    assert figures["rows"]["skipped"] == 1
    assert figures["model"]["counters"]["samples"] == 10
