"""Forecasts: River's contract, the twin, what is missing, and that something is learnt."""

import copy
import datetime
import math
import os
import pickle
import subprocess
import sys
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from estimator_helpers import SMALL, model_bytes
from naive import ForecastingTwin, Twin
from river import base, checks, compose, datasets, evaluate, metrics, preprocessing

from streamrnn import RNNForecaster

MODES = pytest.mark.parametrize("direct", [None, 4], ids=["recursive", "direct"])
LAGS = (1, 3)


def small(direct=None, **arguments):
    return RNNForecaster(**{**SMALL, "lags": LAGS, "direct": direct, **arguments})


def moments(n, start=0):
    """What is known of some hours: a number and the time."""
    first = datetime.datetime(2024, 2, 28)
    return [
        {"load": math.cos(t), "time": first + datetime.timedelta(hours=t)}
        for t in range(start, start + n)
    ]


def wave(n):
    return [50.0 + 7.0 * math.sin(0.7 * t) + t % 3 for t in range(n)]


def learn(model, ys, xs=None):
    for y, x in zip(ys, xs or [None] * len(ys), strict=True):
        model.learn_one(y, x)
    return model


def taught(direct=None, n=30, **arguments):
    return learn(small(direct, **arguments), wave(n), moments(n))


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


# --- the right thing is forecast and learnt

WINDOWS = [
    {"truncation": 4, "activations": "stored"},
    {"truncation": 6, "activations": "stored", "update_every": 2, "loss_window": 2},
    {"truncation": 5, "activations": "recomputed", "loss_window": 3},
]


def with_twin(direct, **arguments):
    """A model that knows its two features, and a twin with its weights."""
    words = {"optimizer": "adam", "lr": 0.02, "clip_norm": 1.0, **arguments}
    model = RNNForecaster(hidden_size=4, lags=LAGS, direct=direct, dtype="float64", **words)
    model.learn_one(None, {"a": 3.0, "b": -1.0})
    scaling = {"scale_inputs": True, "scale_target": True}
    words["truncation"] += (direct or 1) - 1
    core = Twin("lstm", model.get_weights(), **scaling, **words)
    twin = ForecastingTwin(core, LAGS, direct)
    twin.learn(None, [3.0, -1.0])
    return model, twin


@pytest.mark.parametrize("window", WINDOWS, ids=lambda window: "-".join(map(str, window.values())))
@pytest.mark.parametrize("direct", [None, 2, 5])
def test_as_the_twin_has_it(direct, window, rng):
    """With values that are missing at the start, in the middle and for longer than a forecast."""
    model, twin = with_twin(direct, **window)
    ys = 20 + np.cumsum(rng.normal(size=60))
    ys[[0, 1, 9, 20, 21, *range(30, 37), 59]] = math.nan
    X = rng.normal(size=(65, 2))
    X[12, 1] = math.nan
    for t, y in enumerate(ys):
        horizon = t % ((direct or 5) + 1)
        rows = X[t : t + horizon]
        found = model.forecast(horizon, [dict(zip("ab", row, strict=True)) for row in rows])
        if horizon:
            assert found == pytest.approx(twin.forecast(horizon, rows), rel=1e-7, abs=1e-8), t
        model.learn_one(y if t % 2 else float(y), dict(zip("ab", X[t], strict=True)))
        twin.learn(y, X[t])
    for name, array in twin.twin.weights.items():
        np.testing.assert_allclose(model.get_weights()[name], array, rtol=0, atol=1e-8)
    expected = {**twin.twin.counters, "missing_targets": 14}
    assert {name: model.counters[name] for name in expected} == expected
    assert model.counters["updates"] > 15


def test_a_recursive_forecast_is_fed_with_those_before_it():
    """Where nothing is scaled or learnt: there a step depends on its inputs and the state alone."""
    model = taught(scale_inputs=False, scale_target=False)
    model._model.rate_factor = 0.0
    by_hand, unknown, forecasts = copy.deepcopy(model), copy.deepcopy(model), []
    coming = moments(6, start=30)
    for x in coming:
        forecasts += by_hand.forecast(1, [x])
        by_hand.learn_one(forecasts[-1], x)
        assert unknown.forecast(1, [x]) == forecasts[-1:]
        unknown.learn_one(None, x)
    assert model.forecast(6, coming) == forecasts
    assert len(set(forecasts)) == 6


def test_one_direct_step_is_the_recursive_one():
    one, other = taught(1), taught(None)
    assert model_bytes(one) == model_bytes(other)
    assert one.forecast(1) == other.forecast(1)


def test_a_shorter_direct_forecast_is_the_beginning_of_a_longer():
    model = taught(4)
    assert model.forecast(2) == model.forecast(4)[:2]


def test_lags_are_the_values_before():
    model = small(lags=(1, 4))
    for t in range(8):
        model.learn_one(10.0 * t)
        row = dict(zip(model.feature_names, model._model.row.tolist(), strict=True))
        assert row["lag", 1] == pytest.approx(10.0 * (t - 1) if t else math.nan, nan_ok=True)
        assert row["lag", 4] == pytest.approx(10.0 * (t - 4) if t > 3 else math.nan, nan_ok=True)
    assert model.feature_names == [("lag", 1), ("lag", 4)]


def test_a_direct_step_learns_when_its_last_value_is_there():
    model = small(4)
    for t, y in enumerate(wave(10), start=1):
        model.learn_one(y)
        assert model.counters["updates"] == max(0, t - 3)


@pytest.mark.parametrize("direct", [1, 2, 4])
def test_a_direct_gradient_goes_back_as_far_as_a_recursive_one(direct):
    """As far as `truncation` says from the step that made the forecast."""
    words = {"lags": (), "clip_norm": None, "scale_inputs": False, "lr": 0.0}
    model = small(direct, truncation=3, dtype="float64", init="torch", **words)

    def gradient(at):
        """Of the losses of the last step that has learnt; only step `at` has had an input."""
        fresh = copy.deepcopy(model)
        for t in range(10):
            fresh.learn_one(0.1, {"a": float(t == at)})
        return abs(fresh._gradients()["weight_ih_l0"]).max()

    model.learn_one(0.1, {"a": 0.0})
    last = 9 - (direct - 1)
    reached = [at for at in range(10) if gradient(at) > 0]
    assert reached == [last - 2, last - 1, last]


# --- what is unknown


@MODES
@pytest.mark.parametrize("unknown", [None, math.nan, math.inf, 1e200, np.float32("nan")])
def test_unknown_values_are_counted_and_stand_for_themselves(direct, unknown):
    model = taught(direct)
    (expected,) = model.forecast(1)
    model.learn_one(unknown)
    model.learn_one(55.0)
    assert model.counters["missing_targets"] == 1
    assert model.counters["samples"] == 32
    assert expected in model._model.row.tolist() or expected in model._past._values
    for array in model.get_weights().values():
        assert np.isfinite(array).all()


@MODES
def test_nothing_is_known_before_the_first_value(direct):
    """A lag of 0, which an untaught network says, would be an outlier for long."""
    model = small(direct)
    for _ in range(8):
        model.learn_one(None)
        assert all(math.isnan(value) for value in model._past._values)
    assert model.forecast(3) == [0.0, 0.0, 0.0]
    assert model.counters["updates"] == 0
    assert model.counters["missing_targets"] == 8
    learn(model, [1e6 + y for y in wave(30)])
    assert model.counters["missing_targets"] == 8
    assert all(abs(y - 1e6) < 200 for y in model.forecast(3))


def test_targets_that_are_known_in_part_are_learnt():
    model = small(3)
    learn(model, [1.0, None, None, 4.0, None, None, None, None, None])
    # Steps 1 (1, -, -), 2 (-, -, 4), 3 (-, 4, -) and 4 (4, -, -) had something to learn.
    assert model.counters["updates"] == 4
    assert model.counters["missing_targets"] == 7


@MODES
def test_what_is_known_of_the_moments_matters(direct):
    model = small(direct, lags=(), lr=0.01)
    for t in range(600):
        model.learn_one(10.0 * (t % 5 in (1, 3)), {"on": float(t % 5 in (1, 3))})
    off, on = ([{"on": value}] * 3 for value in (0.0, 1.0))
    assert model.forecast(3, on)[0] > 8
    assert model.forecast(3, off)[0] < 2
    if direct is None:
        assert min(model.forecast(3, on)) > 7
        assert max(model.forecast(3, off)) < 3
    assert model.forecast(3, [off[0], *on[:2]])[0] == model.forecast(3, off)[0]
    assert model.forecast(2) == model.forecast(2, [{}, None])


@MODES
def test_absurd_values_and_gaps_do_no_lasting_harm(direct, rng):
    model = small(direct, lr=0.01)
    for t in range(4000):
        y = 5.0 + math.sin(t)
        if t < 2000 and rng.random() < 0.2:
            y = rng.choice([math.nan, 1e150, -1e30, 1e9, math.inf])
        x = {"a": rng.choice([1.0, 1e80, math.nan]), "b": -1e300} if rng.random() < 0.1 else None
        model.learn_one(y, x)
        assert all(map(math.isfinite, model.forecast(4)))
    assert model.counters["skipped"] == model.counters["state_resets"] == 0
    for array in model.get_weights().values():
        assert np.isfinite(array).all()


@MODES
def test_features_come_and_go(direct):
    model = taught(direct)
    names = [("lag", 1), ("lag", 3), "load"]
    names += [("time", c, s) for c in ("day", "week", "year") for s in ("cos", "sin")]
    assert model.feature_names == names
    model.learn_one(50.0, {"wind": 3.0})
    assert model.feature_names == [*names, "wind"]
    for x in (None, {}, {"load": None, "time": None, "wind": math.nan}):
        model.learn_one(50.0, x)
    assert model.feature_names == [*names, "wind"]
    assert all(math.isfinite(y) for y in model.forecast(3, [{"wind": 2.0}, {}, {"load": 1.0}]))


def test_as_many_features_as_are_allowed_and_all_lags():
    model = small(max_features=1)
    with pytest.warns(UserWarning, match="'wind' is passed over: max_features=1 is reached"):
        model.learn_one(3.0, {"load": 1.0, "wind": 2.0})
    learn(model, wave(9), [{f"x{t}": 1.0} for t in range(9)])
    assert model.feature_names == [("lag", 1), ("lag", 3), "load"]
    assert pickle.loads(pickle.dumps(model)).forecast(3) == model.forecast(3)


@MODES
def test_memory_does_not_grow(direct):
    model = taught(direct, 50, lags=(1, 20))
    before = len(pickle.dumps(model)), model._raw_memory_usage
    learn(model, wave(500), moments(500))
    assert len(pickle.dumps(model)) <= before[0] + 20
    assert model._raw_memory_usage <= before[1] + 200


@MODES
def test_a_break_in_the_series(direct):
    model = taught(direct, lags=LAGS)
    weights = model.get_weights()
    model.reset_state()
    assert all((weights[name] == array).all() for name, array in model.get_weights().items())
    ys = wave(12)
    updates = model.counters["updates"]
    for t, y in enumerate(ys, start=1):
        model.learn_one(y)
        # No direct target has values from both sides.
        assert model.counters["updates"] - updates == max(0, t - (direct or 1) + 1)
        past = dict(zip(model.feature_names, model._model.row.tolist(), strict=True))
        assert math.isnan(past["lag", 3]) == (t <= 3)
    assert model.counters["missing_targets"] == 0


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
        ({"calendar": "day"}, TypeError, "calendar must be a tuple of names of cycles, got 'day'"),
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


# --- something is learnt


def periodic(n):
    return [float((0, 3, 1, 4, 1, 5)[t % 6]) for t in range(n)]


def henon(n):
    """Chaos of two values: each is 1 - 1.4 times the last one squared + 0.3 times that before."""
    ys = [0.1, 0.3]
    for _ in range(n - 2):
        ys.append(1 - 1.4 * ys[-1] ** 2 + 0.3 * ys[-2])
    return ys


@MODES
@pytest.mark.parametrize(("series", "share"), [(periodic, 0.05), (henon, 0.3)])
def test_it_beats_the_last_value(series, share, direct):
    """Mean absolute error 1 to 3 steps ahead on the last 200 of 5000 values."""
    ys, errors, naive = series(5003), [], []
    model = RNNForecaster(hidden_size=8, truncation=8, lags=(1, 2), lr=0.01, direct=direct)
    for t in range(5000):
        model.learn_one(ys[t])
        if t >= 4800:
            forecasts = model.forecast(3)
            coming = ys[t + 1 : t + 4]
            errors.append(np.abs(np.subtract(forecasts, coming)))
            naive.append(np.abs(np.subtract(ys[t], coming)))
    ratio = np.mean(errors, axis=0) / np.mean(naive, axis=0)
    assert (ratio < share).all()
