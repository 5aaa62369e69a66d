"""What must not go wrong around the edges."""

import copy
import math
import pickle

import numpy as np
import pandas as pd
import pytest
from estimator_helpers import SMALL, model_bytes, plain
from river import optim

from streamrnn import RNNClassifier, RNNRegressor, cells, losses, optimizers


def test_a_shallow_copy_is_a_whole_model(stream):
    model = RNNClassifier(**SMALL)
    other = copy.copy(model)
    for t, (x, _) in enumerate(stream):
        model.learn_one(x, t % 5)
    assert other.labels == []
    assert other.predict_proba_one({}) == {}
    other.learn_one(*stream[0])
    assert len(model.labels) == 5


def test_unpickling_from_read_only_memory(stream):
    model = RNNRegressor(**SMALL)
    for x, y in stream:
        model.learn_one(x, y)
    buffers = []
    data = pickle.dumps(model, protocol=5, buffer_callback=buffers.append)
    frozen = [bytes(buffer.raw()) for buffer in buffers]
    loaded = pickle.loads(data, buffers=frozen)
    loaded.learn_one(*stream[0])
    model.learn_one(*stream[0])
    assert model_bytes(loaded) == model_bytes(model)


def test_threads_share_a_model_in_turns(stream):
    """Compiled code releases the GIL; predictions of other threads must not mix with learning."""
    import concurrent.futures

    model, alone = RNNRegressor(**SMALL), RNNRegressor(**SMALL)
    for each in (model, alone):
        for x, y in stream:
            each.learn_one(x, y)
    queries = [x for x, _ in stream] * 50
    expected = [alone.predict_one(x) for x in queries]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(model.predict_one, queries)) == expected


@pytest.mark.parametrize("columns", [[0, 1, 2], ["a", 1, ("b", 2)]])
def test_columns_of_a_frame_may_have_any_name(columns):
    X = np.arange(12.0).reshape(4, 3)
    model = RNNRegressor(**SMALL)
    model.replay(pd.DataFrame(dict(zip(columns, X.T, strict=True))), [1, 2, 3, 4])
    assert set(model.feature_names) == set(columns)


@pytest.mark.parametrize("unit", ["ns", "us"])
def test_dates_are_no_numbers(unit):
    stamps = pd.date_range("2026-01-01", periods=2).as_unit(unit)
    frame = pd.DataFrame({"a": [1.0, 2.0], "t": stamps})
    for X in (frame, pd.DataFrame({"a": [1.0, 2.0], "t": stamps - stamps[0]})):
        with pytest.raises(TypeError, match="feature 't'"):
            RNNRegressor(**SMALL).replay(X, [1, 2])
    known = RNNRegressor(**SMALL)
    known.learn_one({"a": 1.0, "t": 1.0}, 1.0)
    for value in (np.datetime64("2026-01-01", unit), np.timedelta64(1, unit), 1j, b"1"):
        for model in (RNNRegressor(**SMALL), known):
            with pytest.raises(TypeError, match="feature 't'"):
                model.learn_one({"a": 1.0, "t": value}, 1.0)
    with pytest.raises(TypeError, match="the target is"):
        RNNRegressor(**SMALL).replay(np.zeros((2, 1)), stamps.to_numpy())


def test_masked_values_are_missing():
    X = np.ma.masked_array([[1.0, 2.0], [3.0, 4.0]], mask=[[False, True], [False, False]])
    model = RNNRegressor(**SMALL)
    model.replay(X, [1.0, 2.0])
    assert model.counters["missing_values"] == 1
    text = np.ma.masked_array([["a", "2"]], mask=[[True, False]])
    with pytest.raises(TypeError, match="feature 1 is '2'"):
        RNNRegressor(**SMALL).replay(text, [1.0])


def test_a_dict_that_invents_values_is_not_asked_to(stream):
    from collections import Counter, defaultdict

    model = RNNRegressor(**SMALL)
    for x, y in stream:
        model.learn_one(x, y)
    expected = model.predict_one({"a": 1.0})
    inventive = defaultdict(float, a=1.0)
    assert model.predict_one(inventive) == model.predict_one(Counter(a=1)) == expected
    assert dict(inventive) == {"a": 1.0}
    for odd in ([1.0, 2.0, 3.0], "abc", None):
        with pytest.raises(TypeError, match="must be a dict"):
            model.predict_one(odd)


@pytest.mark.parametrize(
    ("weights", "features", "error"),
    [
        ({"head.bias": [1e39]}, None, "not finite in float32"),
        ({"head.bias": "text"}, None, "no array of numbers"),
        ({"weight_ih_l0": 3.0}, None, "weight_ih_l0"),
        ({}, ["a", "a", "b"], "a name twice"),
    ],
)
def test_refused_weights_leave_no_trace(stream, weights, features, error):
    source = plain(RNNRegressor, **SMALL)
    source.learn_one(*stream[0])
    target = plain(RNNRegressor, **SMALL)
    before = pickle.dumps(target)
    with pytest.raises(ValueError, match=error):
        target.set_weights({**source.get_weights(), **weights}, features=features)
    assert pickle.dumps(target) == before


@pytest.mark.parametrize(
    "arguments",
    [
        {"optimizer": optimizers.Adam(beta1=1.0)},
        {"optimizer": optimizers.Adam(eps=0.0)},
        {"optimizer": optimizers.RMSProp(rho=5.0)},
        {"loss": losses.Quantile(q=5.0)},
        {"cell": cells.LSTM(forget_bias=math.nan)},
        {"lr": 1e39},
    ],
)
def test_numbers_that_would_ruin_the_weights_are_refused(arguments):
    with pytest.raises(ValueError, match="must be"):
        RNNRegressor(**arguments)


@pytest.mark.parametrize("argument", ["cell", "head", "loss", "optimizer", "activations"])
def test_a_plugin_of_another_kind_is_refused(argument):
    stranger = losses.Squared() if argument != "loss" else optimizers.Adam()
    with pytest.raises(TypeError, match=f"{argument} must be one of"):
        RNNRegressor(**{argument: stranger})


class Broken(optim.base.Scheduler):
    calls = 0

    def get(self, t):
        Broken.calls += 1
        return 0.01 if t < 3 else math.nan


def test_a_schedule_that_goes_wrong_stops_learning_and_predicting_never_asks_it(stream):
    model = plain(RNNRegressor, **SMALL, lr=Broken())
    for x, y in stream[:3]:
        model.learn_one(x, y)
    calls, before = Broken.calls, pickle.dumps(model._model)
    model.predict_one(stream[3][0])
    assert Broken.calls == calls
    with pytest.raises(ValueError, match=r"lr, from .* for update 3 must be"):
        model.learn_one(*stream[3])
    assert pickle.dumps(model._model) == before


def test_predictions_are_finite_even_if_the_state_explodes():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(500, 3)), rng.normal(size=500)
    words = {"cell": "rnn_relu", "loss": "absolute", "optimizer": "sgd", "lr": 0.1}
    model = RNNRegressor(hidden_size=8, truncation=8, clip_norm=None, **words)
    assert np.isfinite(model.replay(X, y)).all()
    assert all(np.isfinite(array).all() for array in model.get_weights().values())
