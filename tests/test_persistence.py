"""Estimators as files: n samples, save, load, n more are 2n samples, bit for bit, anywhere."""

import copy
import json
import math
import os
import pickle
import subprocess
import sys
import threading
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from river import optim

import streamrnn
from streamrnn import FormatError, KeyedModel, RNNClassifier, RNNRegressor
from streamrnn._registry import plugin
from streamrnn.optimizers.protocol import update

SMALL = {"hidden_size": 4, "truncation": 4}
OTHER = SMALL | {
    "cell": "gru",
    "num_layers": 2,
    "activations": "recomputed",
    "loss_window": 3,
    "update_every": 2,
    "optimizer": "momentum",
    "lr": optim.schedulers.InverseScaling(0.05),
    "dtype": "float64",
    "seed": None,
}
LABELS = ["low", np.int64(7), ("high", 1), datetime(2020, 1, 1, tzinfo=timezone.utc)]  # noqa: UP017
CASES = {
    "regressor": (RNNRegressor, SMALL),
    "another": (RNNRegressor, OTHER),
    "classifier": (RNNClassifier, SMALL),
    "logistic": (RNNClassifier, SMALL | {"loss": "logistic"}),
}


def samples(first, last, n_labels=None):
    """Samples with features that come late, go missing or have odd names."""
    for i in range(first, last):
        x = {"a": math.sin(i), ("b", 2): math.cos(3 * i), 3: None if i % 5 == 0 else i % 7}
        if i >= 10:
            x["late"] = i % 2
        y = math.sin(i + 1) if n_labels is None else LABELS[(3 * i + i // 5) % n_labels]
        yield x, None if i % 11 == 0 else y


def learnt(case, last=25):
    kind, arguments = CASES[case]
    model = kind(**copy.deepcopy(arguments))
    run(model, case, 0, last)
    return model


def run(model, case, first, last):
    n_labels = {"classifier": 4, "logistic": 2}.get(case)
    answers = []
    for x, y in samples(first, last, n_labels):
        answers.append(model.predict_one(x))
        model.learn_one(x, y)
    return answers


@pytest.fixture(params=CASES)
def case(request):
    return request.param


@pytest.mark.parametrize("n", [0, 2, 25])
def test_a_loaded_model_goes_on_bit_for_bit(case, n, tmp_path):
    path = tmp_path / "model.safetensors"
    model = learnt(case, n)
    model.save(path)
    for loaded in (
        type(model).load(path),
        streamrnn.load(str(path)),
        streamrnn.from_bytes(model.to_bytes()),
        type(model).from_bytes(bytearray(path.read_bytes())),
    ):
        original = copy.deepcopy(model)
        assert type(loaded) is type(model)
        assert loaded.to_bytes() == model.to_bytes() == path.read_bytes()
        assert run(loaded, case, n, n + 30) == run(original, case, n, n + 30)
        assert loaded.to_bytes() == original.to_bytes()
        assert loaded.counters == original.counters
        assert loaded.feature_names == original.feature_names


def test_another_process_goes_on_bit_for_bit(case, tmp_path):
    path, after = tmp_path / "model", tmp_path / "after"
    model = learnt(case)
    model.save(path)
    run(model, case, 25, 60)
    script = (
        "import sys, streamrnn, test_persistence as here\n"
        "model = streamrnn.load(sys.argv[1])\n"
        "here.run(model, sys.argv[2], 25, 60)\n"
        "model.save(sys.argv[3])\n"
    )
    paths = [str(Path(__file__).parent), str(Path(streamrnn.__file__).parents[1])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": "123"}
    command = [sys.executable, "-c", script, path, case, after]
    subprocess.run(command, check=True, env=environment)
    assert after.read_bytes() == model.to_bytes()


def test_predicting_and_saving_change_nothing(case):
    model = learnt(case)
    before, pickled = model.to_bytes(), pickle.dumps(model)
    model.predict_one({"a": 5.0, "new": 1.0})
    assert model.to_bytes() == before
    assert pickle.dumps(model) == pickled


def test_arguments_come_back_as_they_were(case):
    model = learnt(case, 0)
    loaded = streamrnn.from_bytes(model.to_bytes())
    assert repr(loaded) == repr(model)
    for name in model._get_params():
        assert type(getattr(loaded, name)) is type(getattr(model, name)), name
    assert loaded.clone().to_bytes() == model.clone().to_bytes() or model.seed is None


def test_labels_keep_their_types(case):
    model = learnt("classifier")
    loaded = streamrnn.from_bytes(model.to_bytes())
    assert loaded.labels == model.labels
    assert [type(label) for label in loaded.labels] == [type(label) for label in model.labels]


def test_a_seed_that_was_drawn_is_kept():
    model = RNNRegressor(**SMALL, seed=None)
    loaded = streamrnn.from_bytes(model.to_bytes())
    assert loaded.seed is None
    model.learn_one({"new": 1.0}, 1.0)  # draws weights
    loaded.learn_one({"new": 1.0}, 1.0)
    assert loaded.to_bytes() == model.to_bytes()


def test_weights_without_names_are_kept():
    model = RNNRegressor(**SMALL)
    weights = learnt("regressor").get_weights()
    model.set_weights(weights)
    loaded = streamrnn.from_bytes(model.to_bytes())
    for name, array in loaded.get_weights().items():
        np.testing.assert_array_equal(array, weights[name])
    run(model, "regressor", 0, 5)
    run(loaded, "regressor", 0, 5)
    assert loaded.to_bytes() == model.to_bytes()


def test_bits_that_are_no_numbers_are_kept():
    model = learnt("regressor")
    parameters = model._model.parts.parameters
    parameters[:2] = np.array([0x7FC00123, 0x80000000], np.uint32).view(np.float32)
    loaded = streamrnn.from_bytes(model.to_bytes())
    assert loaded._model.arena.tobytes() == model._model.arena.tobytes()


@pytest.mark.parametrize("wrapped", [False, True])
def test_further_attributes_of_a_model_are_kept_and_checked(wrapped):
    model = RNNRegressor(**SMALL)
    model = KeyedModel(model, key="id") if wrapped else model
    kept = model._bank if wrapped else model._model
    kept.rate_factor = 0.5
    for loaded in (streamrnn.from_bytes(model.to_bytes()), pickle.loads(pickle.dumps(model))):
        assert (loaded._bank if wrapped else loaded._model).rate_factor == 0.5
    vars(kept)["_rate_factor"] = -1.0
    with pytest.raises(FormatError, match=r"rate_factor must be .* at least 0, got -1\.0"):
        streamrnn.from_bytes(model.to_bytes())


def test_types_of_numpy_as_arguments():
    model = RNNRegressor(**SMALL, dtype=np.float64)
    assert streamrnn.from_bytes(model.to_bytes()).dtype is np.float64


# --- classes


def test_a_class_loads_its_own_files_only(tmp_path):
    path = tmp_path / "model"
    learnt("classifier").save(path)
    with pytest.raises(FormatError, match=r"model: holds a streamrnn.RNNClassifier, and not"):
        RNNRegressor.load(path)
    with pytest.raises(FormatError, match=r"load it with RNNClassifier.load or streamrnn.load"):
        KeyedModel.load(path)


class Wide(RNNRegressor):
    """A user's class: arguments of its own, and something that it keeps."""

    def __init__(self, width: int = 4):
        super().__init__(hidden_size=width, truncation=4)
        self.width = width
        self._seen = np.zeros(2)

    def learn_one(self, x, y):
        super().learn_one(x, y)
        self._seen += (1, y)

    def _kept_state(self):
        return {"seen": self._seen, "names": ("a", {"b": 1})}

    def _restore_state(self, kept):
        assert kept["names"] == ("a", {"b": 1})
        self._seen = kept["seen"]


def test_classes_of_users_load_through_themselves():
    model = Wide(width=3)
    for i in range(5):
        model.learn_one({"a": i}, float(i))
    data = model.to_bytes()
    loaded = Wide.from_bytes(data)
    assert type(loaded) is Wide
    assert (loaded.width, loaded.hidden_size) == (3, 3)
    model.learn_one({"a": 5}, 5.0)
    loaded.learn_one({"a": 5}, 5.0)
    assert loaded._seen.tolist() == [6.0, 15.0]
    assert loaded.to_bytes() == model.to_bytes()
    with pytest.raises(FormatError, match="holds a Wide, which is no class of streamrnn"):
        streamrnn.from_bytes(data)
    with pytest.raises(FormatError, match="holds a Wide, which is no class of streamrnn"):
        RNNRegressor.from_bytes(data)


# --- what is not plain data


def halved(optimizer, lr, t, parameters, gradient, slots):
    for i in range(parameters.size):
        parameters[i] -= parameters.dtype.type(lr / 2) * gradient[i]


@plugin(name="halved", n_slots=0, elementwise=True)
class Halved(NamedTuple):
    lr: float = 0.01


update.register(Halved)(halved)


class Colour(Enum):
    RED = 1
    BLUE = 2


def test_plugins_of_others_are_given_on_loading(tmp_path):
    path = tmp_path / "model"
    model = RNNRegressor(**SMALL, optimizer=Halved(lr=0.1))
    model.save(path)
    with pytest.raises(FormatError, match="needs the plug-in 'halved'"):
        RNNRegressor.load(path)
    assert RNNRegressor.load(path, plugins=[Halved]).optimizer == Halved(lr=0.1)


def test_enums_as_labels():
    model = RNNClassifier(**SMALL)
    for colour in Colour:
        model.learn_one({"a": 1.0}, colour)
    loaded = streamrnn.from_bytes(model.to_bytes(), plugins=[Colour])
    assert loaded.labels == [Colour.RED, Colour.BLUE]
    with pytest.raises(FormatError, match="needs the Enum 'Colour'"):
        streamrnn.from_bytes(model.to_bytes())


def test_what_cannot_be_saved_is_named_and_nothing_is_written(tmp_path):
    class Odd:
        pass

    model = RNNClassifier(**SMALL)
    model.learn_one({"a": 1.0}, Odd())
    with pytest.raises(TypeError, match=r"labels=.*Odd.*pickle takes more"):
        model.save(tmp_path / "model")
    schedule = type("Mine", (), {"get": lambda self, t: 0.1})()
    with pytest.raises(TypeError, match=r"lr=.*cannot be saved"):
        RNNRegressor(**SMALL, lr=schedule).save(tmp_path / "model")
    assert os.listdir(tmp_path) == []


def test_nothing_is_executed_on_loading(tmp_path):
    path = tmp_path / "model"
    path.write_bytes(pickle.dumps(os.getcwd))
    with pytest.raises(FormatError, match="is no model saved by streamrnn"):
        streamrnn.load(path)
    with pytest.raises(FileNotFoundError):
        streamrnn.load(tmp_path / "absent")


def test_a_failure_leaves_the_old_model(tmp_path, monkeypatch):
    path = tmp_path / "model"
    model = learnt("regressor")
    model.save(path)
    before = path.read_bytes()
    model.learn_one({"a": 1.0}, 1.0)
    monkeypatch.setattr(os, "replace", lambda *names: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        model.save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["model"]


def test_the_header_tells_a_reader_what_it_is(tmp_path):
    from safetensors import safe_open

    path = tmp_path / "model"
    learnt("classifier").save(path)
    with safe_open(path, "np") as file:
        document = json.loads(file.metadata()["streamrnn"])
        assert set(file.keys()) == {"arena", "statistics"}
    assert document["class"] == "streamrnn.RNNClassifier"
    assert document["arguments"]["hidden_size"] == 4


def test_saving_while_another_thread_learns():
    model, twin = learnt("regressor"), learnt("regressor")
    moments = {twin.to_bytes()}
    for i in range(300):
        twin.learn_one({"a": math.sin(i)}, 0.5)
        moments.add(twin.to_bytes())

    def learn():
        for i in range(300):
            model.learn_one({"a": math.sin(i)}, 0.5)

    thread = threading.Thread(target=learn)
    thread.start()
    seen = set()
    while thread.is_alive():
        seen.add(model.to_bytes())
    thread.join()
    assert seen <= moments
