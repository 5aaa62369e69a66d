"""The forecaster: River's contract, purity, copies, and what is refused."""

import copy
import os
import pickle
import subprocess
import sys
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from estimator_helpers import model_bytes
from forecaster_helpers import MODES, learn, moments, small, taught, wave
from river import base, checks, compose, datasets, evaluate, metrics, preprocessing

from streamrnn import RNNForecaster

# --- River's contract


class OneStep(base.Regressor):
    """A forecaster as a regressor: River's checks of regressors know more than of forecasters."""

    def __init__(self, direct: int | None = None):
        self.direct = direct
        self.model = small(direct)

    def learn_one(self, x, y):
        self.model.learn_one(y, x)

    def predict_one(self, x):
        return self.model.forecast(1, [x])[0]


def _rivers_checks():
    for model in (small(), small(3), OneStep(), OneStep(3)):
        for check in checks.yield_checks(model):
            label = f"{type(model).__name__}-{model.direct}-{check.__name__}"
            yield pytest.param(model, check, id=label)


@pytest.mark.parametrize(("model", "check"), list(_rivers_checks()))
def test_rivers_checks(model, check):
    assert not model._unit_test_skips()
    check(model.clone())


@MODES
def test_rivers_evaluation(direct):
    def evaluated(evaluation):
        return evaluation(datasets.AirlinePassengers(), small(direct), metrics.MAE(), horizon=3)

    final = evaluated(evaluate.evaluate)
    *_, (x, y, forecasts, metric) = evaluated(evaluate.iter_evaluate)
    assert [m.get() for m in final.metrics] == [m.get() for m in metric.metrics]
    assert all(0 < m.get() < 200 for m in final.metrics)
    assert len(forecasts) == 3
    assert (x["month"].month, y) == (9, 508)


@MODES
def test_behind_a_transformer(direct):
    scaled = compose.Select("load") | preprocessing.StandardScaler()
    scaled += compose.Select("time")
    pipeline, model, scaler = scaled | small(direct), small(direct), preprocessing.StandardScaler()
    for y, x in zip(wave(30), moments(30), strict=True):
        pipeline.learn_one(x, y)
        load = {"load": x["load"]}
        scaler.learn_one(load)
        model.learn_one(y, {**x, **scaler.transform_one(load)})
    coming = moments(4, start=30)
    expected = [{**x, **scaler.transform_one({"load": x["load"]})} for x in coming]
    found = pipeline.forecast(4, coming)
    assert found == model.forecast(4, expected)
    assert len(pipeline.forecast(2)) == 2
    assert model_bytes(pipeline["RNNForecaster"]) == model_bytes(model)


# --- forecasting changes nothing


@MODES
@pytest.mark.parametrize("n", [0, 2, 30])
def test_forecasting_leaves_the_model_byte_identical(direct, n):
    model = taught(direct, n)
    before, frozen = pickle.dumps(model), model_bytes(model)
    for horizon in range(5):
        first = model.forecast(horizon)
        assert len(first) == horizon
        assert all(type(y) is float for y in first)
        for xs in (moments(horizon), [{"new": 1.0, "load": None}] * horizon, [{}] * horizon):
            model.forecast(horizon, xs)
        assert model.forecast(horizon) == first
    assert pickle.dumps(model) == before
    assert model_bytes(model) == frozen


@MODES
def test_forecasts_between_samples_leave_no_trace(direct):
    quiet, asked = small(direct), small(direct)
    for t, (y, x) in enumerate(zip(wave(30), moments(30), strict=True)):
        for horizon in range(t % 5):
            asked.forecast(horizon)
            asked.forecast(horizon, deque(moments(horizon, t)))
        for model in (quiet, asked):
            model.learn_one(None if t % 7 == 3 else y, x)
    assert pickle.dumps(asked) == pickle.dumps(quiet)


def test_forecasts_of_other_threads_leave_no_trace():
    quiet, asked = small(), small()
    learning = threading.Event()
    learning.set()

    def ask():
        n = 0
        while learning.is_set() or not n:
            n += len(asked.forecast(5, moments(5))) == 5
        return n

    with ThreadPoolExecutor(2) as pool:
        askers = [pool.submit(ask) for _ in range(2)]
        learn(asked, wave(300), moments(300))
        learning.clear()
        assert all(asker.result() for asker in askers)
    assert pickle.dumps(asked) == pickle.dumps(learn(quiet, wave(300), moments(300)))


@MODES
def test_a_refused_forecast_leaves_no_trace(direct):
    model = taught(direct)
    before = pickle.dumps(model)
    xs = [moments(1)[0], {"load": 1.0}, {"load": "much"}]
    if direct:
        xs.reverse()
    with pytest.raises(TypeError, match="feature 'load' is 'much', a str, not a number"):
        model.forecast(3, xs)
    assert pickle.dumps(model) == before


# --- copies and seeds


@MODES
@pytest.mark.parametrize("at", [0, 2, 17])
@pytest.mark.parametrize(
    "duplicate",
    [
        lambda model: pickle.loads(pickle.dumps(model)),
        copy.deepcopy,
        copy.copy,
        lambda model: model.clone(include_attributes=True),
    ],
    ids=["pickle", "deepcopy", "copy", "clone"],
)
def test_copies_go_on_bit_equal(direct, duplicate, at):
    model = taught(direct, at)
    other = duplicate(model)
    for y, x in zip(wave(30)[at:], moments(30)[at:], strict=True):
        assert other.forecast(3) == model.forecast(3)
        model.learn_one(y, x)
        other.learn_one(y, x)
    assert model_bytes(other) == model_bytes(model)
    assert duplicate(model).to_bytes() == model.to_bytes()


def test_same_seed_same_bits_whatever_the_hash_seed():
    script = (
        "import datetime\n"
        "from streamrnn import RNNForecaster\n"
        "model = RNNForecaster(hidden_size=6, truncation=5, lags=(2, 1))\n"
        "for t in range(30):\n"
        "    x = {'b': t % 3, 'a': datetime.datetime(2020, 1, 1 + t), ('c', 1): t % 2}\n"
        "    model.learn_one(t % 7, x)\n"
        "print(model.forecast(3))\n"
    )
    answers = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "12345")
    ]
    assert answers[0] == answers[1]
    assert model_bytes(taught(seed=1)) == model_bytes(taught(seed=1)) != model_bytes(taught(seed=2))


# --- mistakes


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"lags": (0,)}, ValueError, "each of lags must be at least 1, got 0"),
        ({"lags": (2, -1)}, ValueError, "each of lags must be at least 1, got -1"),
        ({"lags": ("1",)}, TypeError, "each of lags must be an integer, got '1' of type str"),
        ({"lags": (1.5,)}, TypeError, r"each of lags must be an integer, got 1\.5 of type float"),
        ({"lags": (True,)}, TypeError, "each of lags must be an integer, got True"),
        ({"lags": 3}, TypeError, "lags must be a tuple of integers, got 3"),
        ({"lags": "12"}, TypeError, "lags must be a tuple of integers, got '12'"),
        ({"lags": (1, 10**30)}, ValueError, "each of lags must be at most 1000000, got 10{30}$"),
        ({"lags": (1, 2, 1)}, ValueError, r"lags=\(1, 2, 1\) has one of them twice"),
        ({"direct": 0}, ValueError, "direct must be at least 1, got 0"),
        ({"direct": 2.0}, TypeError, r"direct must be an integer, got 2\.0 of type float"),
        ({"calendar": "day"}, TypeError, "calendar must be a tuple of names of cycles, or pairs"),
        ({"calendar": ("dya",)}, ValueError, r"calendar='dya' is unknown \(did you mean 'day'\?\)"),
        ({"max_features": 0}, ValueError, "max_features must be at least 1, got 0"),
        ({"loss": "cross_entropy"}, ValueError, "RNNForecaster takes"),
    ],
)
def test_arguments_that_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        RNNForecaster(**arguments)


def test_arguments_that_are_taken():
    model = RNNForecaster(lags=[np.int64(2), 1], calendar=[])
    assert model.feature_names == [("lag", 2), ("lag", 1)]
    bare = learn(small(lags=(), calendar=()), wave(3), moments(3))
    assert bare.feature_names == ["load"]
    assert bare.forecast(0) == []
    assert learn(small(lags=()), [4.0] * 9).forecast(2) == [4.0, 4.0]
    assert bare.clone().feature_names == bare.clone().clone().feature_names == []


@pytest.mark.parametrize(
    ("y", "x", "message"),
    [
        ("3", None, "the target is '3', a str, not a number"),
        ({"a": 1}, 3.0, "the target is {'a': 1}, a dict, not a number"),
        (3.0, {"load": 1.0, "sky": "grey"}, "feature 'sky' is 'grey', a str, not a number"),
        (3.0, {"load": "much"}, "feature 'load' is 'much', a str, not a number"),
        (3.0, [1.0], r"a sample must be a dict of features by name, got \[1\.0\], a list"),
        (3.0, 0, "a sample must be a dict of features by name, got 0, a int"),
    ],
)
@MODES
def test_samples_that_are_refused(direct, y, x, message):
    model = taught(direct)
    before = pickle.dumps(model)
    with pytest.raises(TypeError, match=message):
        model.learn_one(y, x)
    assert pickle.dumps(model) == before


@pytest.mark.parametrize(
    ("horizon", "xs", "error", "message"),
    [
        (-1, None, ValueError, "horizon must be at least 0, got -1"),
        (2.0, None, TypeError, r"horizon must be an integer, got 2\.0"),
        (3, [{}] * 2, ValueError, "xs must be as many as horizon=3, got 2"),
        (3, [{}] * 4, ValueError, "xs must be as many as horizon=3, got 4"),
        (0, [{}], ValueError, "xs must be as many as horizon=0, got 1"),
        (
            1,
            {"load": 1.0},
            TypeError,
            "xs must be a list of samples, one for each moment, got {'lo",
        ),
        (1, 5, TypeError, "xs must be a list of samples, one for each moment, got 5, a int"),
        (1, [3.0], TypeError, r"a sample must be a dict of features by name, got 3\.0, a float"),
    ],
)
@MODES
def test_forecasts_that_are_refused(direct, horizon, xs, error, message):
    model = taught(direct)
    with pytest.raises(error, match=message):
        model.forecast(horizon, xs)


def test_no_further_than_the_network_predicts():
    with pytest.raises(ValueError, match="horizon=5 is more than direct=4"):
        taught(4).forecast(5)
    assert len(taught(None).forecast(40)) == 40


def test_moments_in_any_container():
    model, xs = taught(), moments(3, start=30)
    expected = model.forecast(3, xs)
    for given in (tuple(xs), deque(xs), iter(xs)):
        assert model.forecast(np.int64(3), given) == expected
