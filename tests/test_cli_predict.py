"""``streamrnn predict``: what Python says comes out, and the model's file stays."""

import csv
import hashlib
import io
import json
import math

import numpy as np
import pytest
from cli_helpers import invoke, write

from streamrnn import KeyedModel, RNNClassifier, RNNForecaster, RNNRegressor

N = 120


def rows(start, stop, target=True):
    """Lines of a stream in which a word tells of the next value."""
    lines = ["when,sky,a,y" if target else "when,sky,a"]
    for t in range(start, stop):
        sky = "sun" if t % 3 else "rain"
        day, hour = divmod(t, 24)
        line = f"2024-01-{day + 1:02}T{hour:02}:00:00,{sky},{math.sin(t / 5):.3f}"
        lines.append(f"{line},{math.sin(t / 5 + 1) + t % 3:.3f}" if target else line)
    return "\n".join(lines) + "\n"


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def columns(text):
    found = list(csv.DictReader(io.StringIO(text)))
    return {name: [row[name] for row in found] for name in found[0]}


def small(kind=RNNRegressor, **words):
    return kind(cell="rnn", hidden_size=4, truncation=4, **words)


@pytest.fixture
def learnt(tmp_path):
    """A model that has learnt y of a, and its file."""
    model = small()
    t = np.arange(N)
    model.replay(np.sin(t / 5)[:, None], np.sin(t / 5 + 1), features=["a"])
    model.save(tmp_path / "m.safetensors")
    return model, tmp_path / "m.safetensors"


@pytest.fixture
def checkpoint(tmp_path):
    """What a run with words and a calendar leaves."""
    source = write(tmp_path / "past.csv", rows(0, N))
    path = tmp_path / "run.ck"
    done = invoke(
        *("replay", source, "--target", "y", "--encode", "sky", "--calendar", "day"),
        *("--cell", "rnn", "--hidden-size", 4, "--truncation", 4, "--checkpoint", path),
    )
    assert done.exit_code == 0, done.output
    return path


def test_a_saved_model_is_what_replay_without_learning_says(tmp_path, learnt):
    model, path = learnt
    before = digest(path)
    source = write(tmp_path / "s.csv", rows(N, 2 * N))
    done = invoke("predict", path, source, "--target", "y", "--drop", "sky", "-q")
    assert done.exit_code == 0, done.stderr
    made = columns(done.stdout)
    a, y = (
        np.array([row.split(",")[i] for row in rows(N, 2 * N).split()[1:]], float) for i in (2, 3)
    )
    expected = model.replay(a[:, None], y, features=["a"], learn=False)
    assert [float(one) for one in made["prediction"]] == expected.tolist()
    assert digest(path) == before


def test_predicting_twice_is_the_same(tmp_path, learnt):
    source = write(tmp_path / "s.csv", rows(N, 2 * N))
    args = ["predict", learnt[1], source, "--target", "y", "--drop", "sky"]
    assert invoke(*args).stdout == invoke(*args).stdout


def test_a_checkpoint_knows_the_columns(tmp_path, checkpoint):
    before = digest(checkpoint)
    source = write(tmp_path / "s.csv", rows(N, 2 * N))
    done = invoke("predict", checkpoint, source)
    assert done.exit_code == 0, done.stderr
    made = columns(done.stdout)
    assert list(made) == ["row", "time", "target", "prediction"]
    assert "frozen" in done.stderr
    assert "does not know" not in done.stderr
    assert "misses" not in done.stderr
    assert digest(checkpoint) == before
    # From the model of the run, and not from a fresh one: the word tells a lot.
    errors = [
        abs(float(y) - float(p)) for y, p in zip(made["target"], made["prediction"], strict=True)
    ]
    assert np.mean(errors) < 0.5


def test_targets_need_not_be_there(tmp_path, checkpoint):
    source = write(tmp_path / "s.csv", rows(N, 2 * N, target=False))
    done = invoke("predict", checkpoint, source)
    assert done.exit_code == 0, done.stderr
    made = columns(done.stdout)
    assert set(made["target"]) == {""}
    assert all(math.isfinite(float(one)) for one in made["prediction"])
    assert "0 scored" in done.stderr


def test_known_targets_are_the_last_ones(tmp_path, learnt):
    with_targets = write(tmp_path / "s.csv", rows(N, 2 * N))
    without = write(tmp_path / "t.csv", rows(N, 2 * N, target=False))
    told = invoke("predict", learnt[1], with_targets, "--target", "y", "--drop", "sky", "-q")
    untold = invoke("predict", learnt[1], without, "--drop", "sky", "-q")
    a, b = (columns(one.stdout)["prediction"] for one in (told, untold))
    assert a[0] == b[0]
    assert a[2] != b[2]


def test_standard_input_as_json(learnt):
    lines = "".join(json.dumps({"a": t / 10}) + "\n" for t in range(3))
    done = invoke("predict", learnt[1], "-", "-q", stdin=lines)
    assert done.exit_code == 0, done.stderr
    assert len(columns(done.stdout)["prediction"]) == 3


def test_one_remark_on_columns_that_do_not_fit(tmp_path, learnt):
    source = write(tmp_path / "s.csv", "b,c\n" + "1,2\n" * 3000)
    done = invoke("predict", learnt[1], source)
    assert done.exit_code == 0, done.stderr
    assert done.stderr.count("the model does not know 'b', 'c', and it misses 'a'") == 1


def test_labels(tmp_path):
    model = small(RNNClassifier)
    for t in range(N):
        model.learn_one({"a": t % 2}, "odd" if t % 2 else "even")
    path = tmp_path / "m.safetensors"
    model.save(path)
    source = write(tmp_path / "s.csv", "a,y\n" + "0,even\n1,odd\n" * 20)
    done = invoke("predict", path, source, "--target", "y", "-q")
    assert columns(done.stdout)["prediction"] == ["even", "odd"] * 20


def test_keys(tmp_path):
    model = KeyedModel(small(), key="site")
    for t in range(N):
        model.learn_one({"site": "n" if t % 2 else "s", "a": 1.0}, float(t % 2))
    path = tmp_path / "m.safetensors"
    model.save(path)
    source = write(tmp_path / "s.csv", "site,a,y\nn,1,1\ns,1,0\n")
    done = invoke("predict", path, source, "--target", "y")
    assert done.exit_code == 0, done.stderr
    assert [round(float(one)) for one in columns(done.stdout)["prediction"]] == [1, 0]


def test_what_cannot_be(tmp_path, learnt):
    source = write(tmp_path / "s.csv", rows(0, 5))
    other = write(tmp_path / "t.csv", rows(0, 5))
    forecaster = tmp_path / "f.safetensors"
    RNNForecaster(hidden_size=2).save(forecaster)
    for code, said, args in [
        (2, "streamrnn forecast --model goes on with it", [forecaster, source]),
        (3, "no such column (from --target)", [learnt[1], source, "--target", "z"]),
        (3, "is no model", [other, source]),
        (3, "no such file", [tmp_path / "none", source]),
    ]:
        done = invoke("predict", *args)
        assert done.exit_code == code, done.output
        assert said in done.stderr.splitlines()[-1]


def test_the_model_is_not_written_over(tmp_path, learnt):
    source = write(tmp_path / "s.csv", rows(0, 5))
    path = tmp_path / "m.csv"
    learnt[0].save(path)
    done = invoke("predict", path, source, "--predictions", path)
    assert done.exit_code == 2
    assert "MODEL and --predictions name the same file" in done.stderr


def test_a_source_must_be_named(tmp_path):
    """Not a data set that the model has never heard of."""
    result = invoke("predict", tmp_path / "any.safetensors")
    assert result.exit_code == 2
    assert "Give SOURCE after MODEL" in result.stderr
