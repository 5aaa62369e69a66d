"""``backend=`` where there is no device: what users are told, and who is asked to do what.

A device is played by the CPU here, which notes what it was given. What one really does:
`test_backend_simulated`.
"""

import copy
import pickle

import numpy as np
import pytest
from estimator_helpers import SMALL, model_bytes
from river import drift

import streamrnn
from streamrnn import (
    KeyedModel,
    RNNClassifier,
    RNNMultiLabelClassifier,
    RNNMultiTargetRegressor,
    RNNRegressor,
)
from streamrnn.backends import choosing
from streamrnn.backends.cuda import device, models
from streamrnn.backends.home import HOME, Home
from streamrnn.bank import Bank

ROWS = 90
FEATURES = ["a", "b"]


@pytest.fixture
def block(rng):
    X = rng.normal(size=(ROWS, 2))
    keys = [f"k{i}" for i in rng.integers(0, 7, ROWS)]
    return keys, X, np.tanh(X[:, 0] + np.roll(X[:, 1], 1))


@pytest.fixture
def no_device(monkeypatch):
    monkeypatch.setattr(device, "available", lambda: "there is none")


class Pretended(Home):
    """A device that leaves the work to the CPU."""

    name = "cuda"

    def __init__(self, noted):
        self.noted = noted

    def leave(self):
        self.noted.append("leave")

    def run(self, bank, slots, bounds, X, Y, out, task):
        self.noted.append(("cuda", len(X)))
        return False


@pytest.fixture
def noted(monkeypatch):
    """Pretend that there is a device; the list fills with what it is given."""
    noted = []

    def home_of(backend):
        return HOME if backend == "cpu" else Pretended(noted)

    def run_block_on_device(model, X, Y, out, task):
        noted.append(("cuda", len(X)))
        model._run_block(X, Y, out, task)

    monkeypatch.setattr(device, "available", lambda: None)
    monkeypatch.setattr(Bank, "_home_of", staticmethod(home_of))
    monkeypatch.setattr(models, "run_block_on_device", run_block_on_device)
    return noted


def rows_on_device(noted):
    return sum(one[1] for one in noted if one != "leave")


@pytest.fixture
def fast_device(monkeypatch, noted):
    """Let every trial pay, and the device win: each look at the clock takes as long as is told."""
    ticks = iter(range(1_000_000))
    monkeypatch.setattr(choosing, "WORTHWHILE", 0.0)
    monkeypatch.setattr(choosing, "MARGIN", 0.0)
    monkeypatch.setattr(choosing, "CHOOSER", choosing.Chooser(lambda: next(ticks)))
    return noted


# --- the parameter


def test_it_is_a_parameter_like_others():
    model = KeyedModel(RNNRegressor(**SMALL), key="k", backend="auto")
    assert model.backend == "auto"
    assert model.clone().backend == "auto"
    assert model.clone({"backend": "cuda"}).backend == "cuda"
    assert model._get_params()["backend"] == "auto"
    assert "backend" in repr(model)
    with pytest.raises(ValueError, match=r"backend='cude' is unknown .did you mean 'cuda'"):
        KeyedModel(RNNRegressor(**SMALL), key="k", backend="cude")
    with pytest.raises(ValueError, match="backend='gpu' is unknown"):
        RNNRegressor(**SMALL).replay(np.zeros((2, 1)), np.zeros(2), backend="gpu")


def test_it_may_be_changed_at_any_time():
    model = KeyedModel(RNNRegressor(**SMALL), key="k")
    model.backend = "cuda"
    assert model.clone().backend == "cuda"
    model.mutate({"backend": "cpu"})
    assert model.backend == "cpu"
    with pytest.raises(ValueError, match="backend='gpu' is unknown"):
        model.backend = "gpu"
    with pytest.raises(ValueError, match="not a mutable attribute"):
        model.mutate({"max_keys": 3})


def test_copies_and_pickles_have_it_and_files_do_not(block):
    keys, X, y = block
    model = KeyedModel(RNNRegressor(**SMALL), key="k")
    model.replay(keys, X, y, features=FEATURES)
    written = model.to_bytes()
    model.backend = "cuda"
    assert model.to_bytes() == written
    assert streamrnn.from_bytes(model.to_bytes()).backend == "cpu"
    assert copy.deepcopy(model).backend == pickle.loads(pickle.dumps(model)).backend == "cuda"

    state = model.__getstate__()
    del state["_backend"]  # pickled before there was a choice
    older = KeyedModel.__new__(type(model))
    older.__setstate__(state)
    assert older.backend == "cpu"
    assert older.to_bytes() == written


# --- without a device


def test_a_model_of_keys_says_what_is_missing_when_it_is_given_a_block(no_device, block):
    keys, X, y = block
    model = KeyedModel(RNNRegressor(**SMALL), key="k", backend="cuda")
    model.learn_one({"k": "k1", "a": 1.0}, 2.0)
    before = model.to_bytes()
    for learn in (True, False):
        with pytest.raises(streamrnn.DeviceError, match=r"^.*there is none$"):
            model.replay(keys, X, y, features=FEATURES, learn=learn)
    assert model.to_bytes() == before
    assert model.predict_one({"k": "k1", "a": 1.0}) is not None
    model.backend = "auto"
    model.replay(keys, X, y, features=FEATURES)
    assert model.counters["samples"] == ROWS + 1


def test_a_single_model_says_what_is_missing(no_device, block):
    _, X, y = block
    model = RNNRegressor(**SMALL)
    with pytest.raises(streamrnn.DeviceError, match=r"^.*there is none$"):
        model.replay(X, y, features=FEATURES, backend="cuda")
    assert model.feature_names == []
    assert streamrnn.cuda_missing() == "there is none"
    assert isinstance(streamrnn.DeviceError("x"), RuntimeError)


def test_without_a_device_auto_is_the_cpu(no_device, block, monkeypatch):
    monkeypatch.setattr(choosing, "WORTHWHILE", 0.0)
    monkeypatch.setattr(choosing, "SOUND", 1e-9)
    monkeypatch.setattr(choosing, "CHOOSER", choosing.Chooser())
    keys, X, y = block
    got, expected = [
        KeyedModel(RNNRegressor(**SMALL), key="k", backend=backend) for backend in ("auto", "cpu")
    ]
    np.testing.assert_array_equal(
        got.replay(keys, X, y, features=FEATURES), expected.replay(keys, X, y, features=FEATURES)
    )
    assert got.to_bytes() == expected.to_bytes()


def test_a_detector_of_drift_keeps_a_model_on_the_cpu(fast_device, block):
    _, X, y = block
    model = RNNRegressor(**SMALL, drift_detector=drift.ADWIN())
    with pytest.raises(ValueError, match=r"^backend='cuda' does not go with a drift_detector"):
        model.replay(X, y, features=FEATURES, backend="cuda")
    assert model.counters["samples"] == 0
    model.replay(X, y, features=FEATURES, backend="auto")
    assert model.counters["samples"] == ROWS
    assert not fast_device


# --- who is asked to do what


@pytest.mark.parametrize("learn", [True, False])
def test_blocks_of_keys_go_to_the_device_and_single_samples_do_not(noted, block, learn):
    keys, X, y = block
    model = KeyedModel(RNNRegressor(**SMALL), key="k", backend="cuda")
    model.learn_one({"k": "k1", "a": 1.0, "b": 2.0}, 2.0)
    model.predict_one({"k": "k2"})
    assert not noted
    for _ in range(2):
        model.replay(keys, X, y, features=FEATURES)
    assert rows_on_device(noted) == 2 * ROWS
    model.replay(keys, X, y, features=FEATURES, learn=learn)
    assert rows_on_device(noted) == 3 * ROWS
    assert "leave" not in noted
    model.backend = "cpu"
    assert noted.pop() == "leave"
    model.replay(keys, X, y, features=FEATURES)
    assert rows_on_device(noted) == 3 * ROWS


@pytest.mark.parametrize("backend", ["cuda", "auto"])
def test_a_copy_goes_on_where_the_model_was(fast_device, block, backend):
    keys, X, y = block
    model = KeyedModel(RNNRegressor(**SMALL), key="k", backend=backend, max_keys=3)
    model.replay(keys, X, y, features=FEATURES)
    twin = copy.deepcopy(model)
    np.testing.assert_array_equal(
        model.replay(keys, X, y, features=FEATURES), twin.replay(keys, X, y, features=FEATURES)
    )
    assert twin.to_bytes() == model.to_bytes()


def test_rows_that_are_shared_out_are_learnt_as_if_they_were_not(fast_device, block):
    keys, X, y = block
    got, expected = [
        KeyedModel(RNNRegressor(**SMALL), key="k", backend=backend) for backend in ("auto", "cpu")
    ]
    for _ in range(3):
        predictions = got.replay(keys, X, y, features=FEATURES)
        np.testing.assert_array_equal(predictions, expected.replay(keys, X, y, features=FEATURES))
    assert got.to_bytes() == expected.to_bytes()
    assert 0 < rows_on_device(fast_device) < 3 * ROWS
    assert "leave" not in fast_device


def test_what_auto_does_on_the_cpu_brings_back_the_models_that_it_is_about(fast_device, block):
    """The others stay on the device."""
    keys, X, y = block
    fetched = []
    model = KeyedModel(RNNRegressor(**SMALL), key="k", backend="auto")
    for _ in range(2):
        model.replay(keys, X, y, features=FEATURES)
    assert model._bank.backend == "cuda"
    model._bank._place.fetch = lambda slots: fetched.extend(slots)
    model.replay(["k1"] * 5, X[:5], y[:5], features=FEATURES)  # one narrow stream
    assert fetched == [model._population.roster.resident["k1"]]


TARGETS = {
    RNNRegressor: lambda t: float(t % 5),
    RNNClassifier: lambda t: "abcd"[(t // 20) % 4],
    RNNMultiTargetRegressor: lambda t: {"s": float(t % 3)} | ({"t": 1.0 * t} if t > 40 else {}),
    RNNMultiLabelClassifier: lambda t: {"odd": t % 2 == 1} | ({"late": t > 60} if t > 40 else {}),
}


def targets_of(kind):
    made = [TARGETS[kind](t) for t in range(ROWS)]
    if not isinstance(made[0], dict):
        return np.array(made)
    names = list(dict.fromkeys(name for one in made for name in one))
    return {name: [one.get(name) for one in made] for name in names}


@pytest.mark.parametrize("learn", [True, False])
@pytest.mark.parametrize("kind", TARGETS)
def test_blocks_of_one_model_go_to_the_device(noted, block, kind, learn):
    _, X, _ = block
    y = targets_of(kind)
    got, expected = kind(**SMALL), kind(**SMALL)
    for learning in (True, learn):
        here, there = [
            model.replay(X, y, features=FEATURES, learn=learning, backend=backend)
            for model, backend in ((expected, "cpu"), (got, "cuda"))
        ]
        np.testing.assert_array_equal(here, there)
    assert model_bytes(got) == model_bytes(expected)
    # A row with something new is not worth the way.
    assert 2 * ROWS - 8 <= rows_on_device(noted) <= 2 * ROWS
    assert all(rows > 1 for _, rows in noted)


@pytest.mark.parametrize(("units", "goes"), [(255, False), (256, True)])
def test_one_narrow_stream_never_goes_by_itself(fast_device, monkeypatch, units, goes, block):
    monkeypatch.setenv("STREAMRNN_NUM_THREADS", "1")
    _, X, y = block
    model = RNNRegressor(hidden_size=units, truncation=2)
    model.replay(X, y, features=FEATURES, backend="auto")
    assert bool(fast_device) is goes
