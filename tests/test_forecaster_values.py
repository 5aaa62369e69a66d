"""Forecasts: the twin, what is unknown, and that something is learnt."""

import copy
import math
import pickle

import numpy as np
import pytest
from estimator_helpers import model_bytes
from forecaster_helpers import LAGS, MODES, learn, moments, small, small_plain, taught, wave
from naive import ForecastingTwin, Twin

from streamrnn import RNNForecaster

# --- the right thing is forecast and learnt

WINDOWS = [
    {"truncation": 4, "activations": "stored"},
    {"truncation": 6, "activations": "stored", "update_every": 2, "loss_window": 2},
    {"truncation": 5, "activations": "recomputed", "loss_window": 3},
]

#: How a forecaster is made. A step learns no change before it has a last value: that of a forecast.
KINDS = pytest.mark.parametrize(
    ("make", "of_changes"), [(small_plain, False), (small, True)], ids=["levels", "changes"]
)


def with_twin(direct, **arguments):
    """A model that knows its two features, and a twin with its weights."""
    words = {"optimizer": "adam", "lr": 0.02, "clip_norm": 1.0, **arguments}
    model = small_plain(direct, hidden_size=4, dtype="float64", **words)
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
    model = taught(make=small_plain, scale_inputs=False, scale_target=False)
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


@KINDS
def test_a_direct_step_learns_when_its_last_value_is_there(make, of_changes):
    model = make(4)
    for t, y in enumerate(wave(10), start=1):
        model.learn_one(y)
        assert model.counters["updates"] == max(0, t - 3 - 4 * of_changes)


@pytest.mark.parametrize("direct", [1, 2, 4])
def test_a_direct_gradient_goes_back_as_far_as_a_recursive_one(direct):
    """As far as `truncation` says from the step that made the forecast."""
    words = {"lags": (), "clip_norm": None, "scale_inputs": False, "lr": 0.0}
    model = small_plain(direct, truncation=3, dtype="float64", init="torch", **words)

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


@KINDS
def test_targets_that_are_known_in_part_are_learnt(make, of_changes):
    model = make(3)
    learn(model, [1.0, None, None, 4.0, None, None, None, None, None])
    # Steps 1 (1, -, -), 2 (-, -, 4), 3 (-, 4, -) and 4 (4, -, -) had something to learn.
    assert model.counters["updates"] == (0 if of_changes else 4)
    assert model.counters["missing_targets"] == 7


@MODES
def test_what_is_known_of_the_moments_matters(direct):
    model = small_plain(direct, lags=(), lr=0.01)
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


def waves():
    """What the calendar's columns are called; the first harmonic is the cycle itself."""
    for cycle, n in (("day", 12), ("week", 3), ("year", 1)):
        for harmonic in range(1, n + 1):
            for part in ("cos", "sin"):
                yield ("time", cycle, part, harmonic)[: 4 if harmonic > 1 else 3]


@MODES
def test_features_come_and_go(direct):
    model = taught(direct)
    names = model.feature_names
    assert names[:3] == [("lag", 1), ("lag", 3), "load"]
    assert sorted(names[3:], key=repr) == sorted(waves(), key=repr)
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
@KINDS
def test_a_break_in_the_series(make, of_changes, direct):
    model = taught(direct, make=make, lags=LAGS)
    weights = model.get_weights()
    model.reset_state()
    assert all((weights[name] == array).all() for name, array in model.get_weights().items())
    ys = wave(12)
    updates = model.counters["updates"]
    for t, y in enumerate(ys, start=1):
        model.learn_one(y)
        # No direct target has values from both sides.
        assert model.counters["updates"] - updates == max(
            0, t + 1 - (direct or 1) * (1 + of_changes)
        )
        past = dict(zip(model.feature_names, model._model.row.tolist(), strict=True))
        assert math.isnan(past["lag", 3]) == (t <= 3)
    assert model.counters["missing_targets"] == 0


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
