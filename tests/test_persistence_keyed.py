"""Models of many keys as files: those in memory and on disk, who comes next, who has expired."""

import copy
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from estimator_helpers import member_of

import streamrnn
from streamrnn import FormatError, KeyedModel, RNNClassifier, RNNRegressor

SMALL = {"hidden_size": 4, "truncation": 4}
START = datetime(2020, 1, 1)
LIMITS = {
    "plain": {},
    "on disk": {"max_keys": 2},
    "expiring": {"ttl": 5, "max_keys": 3},
    "by time": {"ttl": timedelta(minutes=4), "time": "t"},
    "shared": {"weights": "shared"},
    "shared on disk": {"weights": "shared", "max_keys": 2, "ttl": 30},
}


def keyed(kind=RNNRegressor, **arguments):
    model = member_of(arguments.get("weights"), kind, **SMALL, seed=None)
    return KeyedModel(model, key=["site", "id"], **arguments)


def run(model, first, last):
    """Keys of two parts; a feature, and for a classifier a label, that come late."""
    answers = []
    rng = np.random.default_rng(first)
    for i in range(first, last):
        number = int(rng.integers(0, 5))
        x = {"site": 1, "id": np.int64(number), "a": rng.normal()}
        if model.time is not None:
            x["t"] = START + timedelta(minutes=i)
        if i > 15:
            x["late"] = rng.normal()
        y = x["a"] if not isinstance(model.model, RNNClassifier) else ("b" if i % 3 else number)
        answers.append(model.predict_one(x))
        model.learn_one(x, y)
    return answers


@pytest.mark.parametrize("kind", [RNNRegressor, RNNClassifier])
@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("n", [0, 40])
def test_a_loaded_model_goes_on_bit_for_bit(kind, limits, n, tmp_path):
    path = tmp_path / "model"
    model = keyed(kind, **LIMITS[limits])
    run(model, 0, n)
    model.save(path)
    for loaded in (streamrnn.load(path), KeyedModel.load(path), type(model).load(path)):
        original = copy.deepcopy(model)
        assert type(loaded) is type(model)
        assert loaded.to_bytes() == path.read_bytes()
        assert loaded.counters == model.counters
        assert list(loaded) == list(model)
        assert run(loaded, n, n + 40) == run(original, n, n + 40)
        assert loaded.to_bytes() == original.to_bytes()
        assert loaded.counters == original.counters
        assert list(loaded) == list(original)


def test_looking_at_a_model_on_disk_changes_nothing():
    model = keyed(max_keys=2)
    run(model, 0, 40)
    before = model.to_bytes()
    for number in range(6):
        model.predict_one({"site": 1, "id": number, "a": 1.0})
    assert model.to_bytes() == before


def test_slots_that_are_free_again_are_not_saved():
    model, fewer = keyed(), keyed()
    run(model, 0, 40)
    size = len(model.to_bytes())
    for key in list(model)[:-1]:
        model.forget(key)
    assert len(model.to_bytes()) < size / 2
    loaded = streamrnn.from_bytes(model.to_bytes())
    assert list(loaded) == list(model)
    assert run(loaded, 40, 60) == run(model, 40, 60)
    assert fewer.counters["keys"] == 0


def test_times_of_data_frames_are_kept():
    model = KeyedModel(RNNRegressor(**SMALL), key="id", time="t", ttl=timedelta(days=2))
    times = pd.date_range("2020-01-01", periods=6, tz="Europe/Berlin")
    frame = pd.DataFrame({"id": list("abcabc"), "t": times, "a": range(6)})
    model.replay(None, frame, range(6))
    loaded = streamrnn.from_bytes(model.to_bytes())
    assert list(loaded) == list(model)
    np.testing.assert_array_equal(
        loaded.replay(None, frame, range(6)), model.replay(None, frame, range(6))
    )


def test_a_folder_that_is_not_here_is_told_and_not_made(tmp_path):
    folder = tmp_path / "models"
    model = keyed(max_keys=2, spill_dir=folder)
    run(model, 0, 20)
    data = model.to_bytes()
    loaded = streamrnn.from_bytes(data)
    assert loaded.spill_dir == folder
    assert isinstance(loaded.spill_dir, Path)
    folder.rmdir()
    with pytest.warns(UserWarning, match=r"spill_dir=.*models' is no folder here"):
        loaded = streamrnn.from_bytes(data)
    assert loaded.spill_dir is None
    assert not folder.exists()
    assert run(loaded, 20, 40) == run(model, 20, 40)


def test_extracted_models_are_saved_too():
    model = keyed(weights="shared")
    run(model, 0, 20)
    single = model.extract(next(iter(model)))
    loaded = streamrnn.from_bytes(single.to_bytes())
    x = {"a": 0.5}
    assert loaded.predict_one(x) == single.predict_one(x)


def test_what_cannot_be_saved_is_named():
    with pytest.raises(TypeError, match=r"key=<function.*cannot be saved"):
        KeyedModel(RNNRegressor(**SMALL), key=lambda x: x["id"]).to_bytes()

    class Mine(RNNRegressor):
        pass

    with pytest.raises(TypeError, match="model is of the class Mine, which is not streamrnn's"):
        KeyedModel(Mine(**SMALL), key="id").to_bytes()


def test_a_single_model_is_no_keyed_one():
    with pytest.raises(FormatError, match=r"holds a streamrnn.KeyedRegressor, and not what RNN"):
        RNNRegressor.from_bytes(keyed().to_bytes())
    with pytest.raises(FormatError, match=r"holds a streamrnn.KeyedRegressor, and not what Keyed"):
        type(keyed(RNNClassifier)).from_bytes(keyed().to_bytes())
