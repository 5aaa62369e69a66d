"""``streamrnn inspect``: what a file holds, and whether the model in it looks healthy."""

import json
import math
import zipfile

import numpy as np
import pytest
from click.testing import CliRunner
from golden_models import FOLDER
from streamrnn_cli import checkpoint
from streamrnn_cli.findings import verdict
from streamrnn_cli.inspection import _of_gradient
from streamrnn_cli.loading import load_model
from streamrnn_cli.main import commands

import streamrnn
from streamrnn import KeyedModel, RNNClassifier, RNNRegressor

FILES = sorted(FOLDER.glob("*.safetensors"))
SMALL = {"hidden_size": 3, "truncation": 4}
ARGUMENTS = {"cell": "rnn", **SMALL, "head": "linear"}


def inspect(*args):
    result = CliRunner().invoke(commands, ["inspect", *map(str, args)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def as_data(*args):
    result = inspect(*args, "--json")
    assert result.exit_code == 0, result.output

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(result.output, parse_constant=refuse)


def refused(*args):
    result = inspect(*args)
    assert result.output.count("Error: ") == 1
    return result.exit_code, result.output.splitlines()[-1]


@pytest.fixture
def saved(tmp_path):
    """A small model that nothing was learnt by, with names."""
    model = RNNRegressor(**ARGUMENTS)
    model.set_weights({name: array + 0.1 for name, array in sized(model).items()}, ["load", "hour"])
    path = tmp_path / "model.safetensors"
    model.save(path)
    return path


def sized(model):
    """Weights of a model with two features and the last target."""
    weights = dict(model.get_weights())
    weights["weight_ih_l0"] = np.full((3, 3), 0.2)
    return weights


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_kept_model_can_be_inspected(path):
    model, found = load_model(str(path)), as_data(path)
    assert found["class"] == type(model).__name__
    assert found["counters"] == dict(model.counters)
    assert found["format"] == 1
    text = inspect(path).output
    assert f"{path}: {found['class']}(" in text
    if "n_keys" in found:
        assert found["n_keys"] == len(model) == len(found["keys"])
        key = found["keys"][0]
        assert as_data(path, "--key", key)["class"] == found["model"]["class"]
        assert f"key {str(key)!r}" in inspect(path, "--key", key).output
    else:
        profile = model.gradient_profile()
        assert [len(layer["norms"]) for layer in found["gradient"]] == [profile.shape[1]] * len(
            profile
        )
        assert found["weights"].keys() == model.weight_health().keys()
        assert "gradient, layer 0: " in text


def test_only_arguments_that_are_not_the_defaults_are_told(saved):
    found = as_data(saved)
    assert found["arguments"] == ARGUMENTS
    assert found["features"] == ["load", "hour"]
    text = inspect(saved).output.splitlines()
    assert "RNNRegressor(cell='rnn', hidden_size=3, truncation=4, head='linear')" in text[0]
    assert text[1] == "features (2): 'load', 'hour'"
    assert "gradient, layer 0: no target is known in the window" in text


RUN = {
    "source": "meter.csv",
    "task": "regression",
    "roles": {"target": "load"},
    "position": {"byte": 120, "line": 12},
    "engine": {"seen": 1234, "skipped": 2},
}


def test_a_checkpoint_has_the_model_inside(saved, tmp_path):
    path = tmp_path / "run.ckpt"
    checkpoint.save(str(path), streamrnn.load(saved), RUN)
    assert load_model(str(path)).to_bytes() == saved.read_bytes()
    found = as_data(path)
    assert found["run"]["rows"] == 1234
    assert found["run"]["position"] == RUN["position"]
    assert found["features"] == ["load", "hour"]
    said = "checkpoint of a run: meter.csv, regression of 'load', 1,234 rows, 2 left out"
    assert said in inspect(path).output.splitlines()


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"run.json": b"{}"}, "no item named 'model.safetensors'"),
        ({"model.safetensors": b"", "run.json": b"{"}, "Expecting property name"),
        ({"model.safetensors": b"", "run.json": b"[]"}, "list indices"),
        ({"model.safetensors": b"", "run.json": b'{"format": 9}'}, "it has format 9"),
    ],
)
def test_zips_that_are_no_checkpoints(members, message, tmp_path):
    path = tmp_path / "run.ckpt"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    code, line = refused(path)
    assert code == 3
    assert "is no checkpoint that can be used" in line
    assert message in line


def test_a_checkpoint_without_its_run(saved, tmp_path):
    path = tmp_path / "run.ckpt"
    checkpoint.save(str(path), streamrnn.load(saved), {"source": "meter.csv"})
    code, line = refused(path)
    assert code == 3
    assert "is no checkpoint that can be used" in line


def test_what_is_no_model_is_told_in_one_line(saved, tmp_path):
    cut = tmp_path / "cut.ckpt"
    with zipfile.ZipFile(cut, "w") as archive:
        archive.write(saved, "model.safetensors")
    cut.write_bytes(cut.read_bytes()[:300])
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(saved.read_bytes()[:-1] + b"\0\1"[saved.read_bytes()[-1] == 0 :][:1])
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    for path, said in (
        (tmp_path / "none", "no such file"),
        (tmp_path, "is a directory"),
        (text, "is no model saved by streamrnn, or was cut short"),
        (damaged, "is damaged"),
        (cut, "is no checkpoint that can be used"),
    ):
        code, line = refused(path)
        assert code == 3
        assert line.startswith(f"Error: {path}: ")
        assert said in line
    assert refused(tmp_path / "model.safetensor")[1].endswith("Did you mean 'model.safetensors'?")


# --- keys


def test_keys_are_named_as_they_are_written(tmp_path):
    fleet = KeyedModel(RNNClassifier(**SMALL), key=["site", "floor"])
    plain = KeyedModel(RNNRegressor(**SMALL), key="id")
    for i in range(30):
        fleet.learn_one({"site": "north", "floor": i, "a": 1.0}, "up")
        plain.learn_one({"id": i}, 1.0)
    path, other = tmp_path / "fleet", tmp_path / "plain"
    fleet.save(path)
    plain.save(other)
    found = as_data(path)
    assert (found["n_keys"], len(found["keys"])) == (30, 20)
    assert found["keys"][0] == ["north", 0]
    assert found["arguments"] == {"key": ["site", "floor"]}
    assert "keys (30): 'north,0', 'north,1'" in inspect(path).output
    one = as_data(path, "--key", "north,7")
    assert one["key"] == ["north", 7]
    assert one["labels"] == ["up"]
    assert as_data(other, "--key", 7)["counters"]["samples"] == 1
    code, line = refused(path, "--key", "nort,7")
    assert code == 2
    assert "Did you mean 'north,7'?" in line
    code, line = refused(other, "--key", "a cellar")
    assert code == 2
    assert line.endswith("key 'a cellar'. Without --key some of the keys are listed.")


def test_a_model_without_keys_has_none(saved):
    code, line = refused(saved, "--key", "x")
    assert code == 2
    assert "leave out --key" in line


# --- what is said of it


@pytest.mark.parametrize(
    ("norms", "said"),
    [
        ([], "no target is known in the window"),
        ([0.0, 0.0], "the loss sends none"),
        ([1.0, math.nan], "not finite"),
        ([1.0, 0.5, 0.02], "reaches back all 3 steps of the window"),
        ([1.0, 0.5, 0.001], "reaches back 2 steps: below 1 % of the newest from lag 2"),
        ([1.0, 0.001, 0.5, 0.001, 0.0], "reaches back 3 steps: below 1 % of the newest from lag 3"),
        ([1.0, 0.0], "reaches back 1 step: below 1 % of the newest from lag 1"),
        ([1.0, 4.0, 16.0], "grows on the way back: 16 times the newest at lag 2"),
    ],
)
def test_verdicts(norms, said):
    assert verdict(_of_gradient(norms)) == said


def test_what_looks_wrong_is_named(tmp_path):
    model = RNNRegressor(**SMALL)
    for i in range(20):
        model.learn_one({"site": 7.0, "x": math.sin(i)}, math.cos(i))
    model._model.parts.parameters[:] = np.inf
    path = tmp_path / "model"
    model.save(path)
    text = inspect(path).output
    assert "gradient, layer 0: not finite" in text
    assert "  never changed: 'site'" in text
    assert "  weight_hh_l0: 100.0% not finite" in text
    assert as_data(path)["gradient"][0]["norms"][-1] is None
    assert streamrnn.load(path).counters["samples"] == 20


def test_the_chart_falls_with_the_gradient(tmp_path):
    path = FOLDER / "format1_default_regressor.safetensors"
    lines = [line for line in inspect(path).output.splitlines() if line.startswith("  lag ")]
    norms = as_data(path)["gradient"][0]["norms"]
    lags = [int(line.split()[1]) for line in lines]
    assert lags == sorted({0, 1, 2, 4, len(norms) - 1})
    for lag, line in zip(lags, lines, strict=True):
        bar = line.count("#")
        assert bar == round(24 * max(0.0, 1 + math.log10(norms[lag] / max(norms)) / 4))
