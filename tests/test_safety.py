"""Nothing diverges: real streams, rescaled, disturbed and stuck, with all that learns numbers.

Errors are held against those of the last good value, over the last third of a stream.
"""

import math

import numpy as np
import pytest
from estimator_helpers import PLAIN
from river import datasets

from streamrnn import (
    KeyedModel,
    RNNAnomalyDetector,
    RNNForecaster,
    RNNMultiTargetRegressor,
    RNNRegressor,
    RNNTransformer,
)

#: Samples of a stream at most.
LENGTH = 450
SPIKE = 1e9

SMALL = {"hidden_size": 6, "truncation": 6}


# --- streams: inputs (T, n) and targets (T,), of which the next one is asked


def _series(values):
    y = np.array(list(values), float)[:LENGTH]
    return np.concatenate([y[:1], y[:-1]])[:, None], y


def _polls():
    rows = list(datasets.TrumpApproval())[:LENGTH]
    names = [name for name in rows[0][0] if name != "ordinal_date"]
    return np.array([[x[name] for name in names] for x, _ in rows]), np.array([y for _, y in rows])


def _sine():
    noise = np.random.default_rng(3).normal(size=LENGTH)
    return _series(np.sin(np.arange(LENGTH) / 5) + 0.1 * noise)


STREAMS = {
    "water": _series(y for _, y in list(datasets.WaterFlow())),
    "polls": _polls(),
    "passengers": _series(y for _, y in datasets.AirlinePassengers()),
    "sine": _sine(),
}


# --- what happens to them: to one array of columns, (T, n), which is changed


def _rescaled(factor, shift):
    return lambda columns, rng: columns * factor + shift


def _put(where, value):
    def disturbed(columns, rng):
        columns[where] = value
        return columns

    return disturbed


def _spikes(columns, rng):
    columns[rng.random(columns.shape) < 0.01] = SPIKE
    return columns


def _gaps(columns, rng):
    columns[rng.random(columns.shape) < 0.3] = math.nan
    return columns


def _constant_at_first(columns, rng):
    columns[:70] = columns[70]
    return columns


def _new_level(columns, rng):
    columns[len(columns) // 3 :] += 30 * columns.std(axis=0)
    return columns


#: What teaches as well as the stream itself.
HARMLESS = {
    "unchanged": _rescaled(1.0, 0.0),
    "times 1e6": _rescaled(1e6, 0.0),
    "times 1e-9": _rescaled(1e-9, 0.0),
    "plus 1e6": _rescaled(1.0, 1e6),
    "gaps": _gaps,
}
#: What needs a clip.
HARMFUL = {
    "a spike": _put(slice(70, 71), SPIKE),
    "a spike at first": _put(slice(1), -9999.0),
    "a spike as second": _put(slice(1, 2), SPIKE),
    "an outage": _put(slice(70, 75), -9999.0),
    "spikes": _spikes,
    "constant at first": _constant_at_first,
}
#: Of these the usual size of a change does not recover, if changes are predicted.
BAD_START = {name: HARMFUL[name] for name in ("a spike at first", "a spike as second")}
HARMFUL_LATER = {name: change for name, change in HARMFUL.items() if name not in BAD_START}
#: What is no harm, but must not be taken for it.
REAL_CHANGE = {"a new level": _new_level}


def disturbed(stream, change):
    """The stream, and which of its targets are good; NaN are not."""
    X, y = STREAMS[stream]
    rng = np.random.default_rng(8)
    columns = change(np.column_stack([X, y]), rng)
    X, y = columns[:, :-1], columns[:, -1]
    return X, y, np.isfinite(y) & (y != SPIKE) & (y != -9999.0)


def times_the_last_value(said, y, good, of_changes):
    """How large the errors are beside those of the last good value, in the last third.

    Of changes only those that are not from a bad value count.
    """
    assert np.isfinite(said[np.argmax(good) + 1 :]).all()  # once there was a target to predict
    before = np.maximum.accumulate(np.where(good, np.arange(len(y)), 0))[:-1]
    last = np.concatenate([y[:1], y[before]])
    counted = good & (np.arange(len(y)) >= 2 * len(y) // 3)
    if of_changes:
        counted[1:] &= good[:-1] | np.isnan(y[:-1])
    return np.abs(said - y)[counted].mean() / np.abs(last - y)[counted].mean()


# --- estimators: what each predicts of the next target


def _regressor(X, y, **arguments):
    return RNNRegressor(**SMALL, **arguments).replay(X, y)


def _keyed(X, y, **arguments):
    model = KeyedModel(RNNRegressor(**SMALL, **arguments), "key")
    said = []
    for row, goal in zip(X, y, strict=True):
        x = {"key": 1, **dict(enumerate(row.tolist()))}
        said.append(model.predict_one(x))
        model.learn_one(x, goal)
    return np.array(said)


def _targets(X, y, **arguments):
    model = RNNMultiTargetRegressor(**SMALL, **arguments)
    return model.replay(X, {"a": y, "b": X[:, 0]})[:, 0]


def _forecaster(X, y, **arguments):
    model, said = RNNForecaster(**SMALL, **arguments), []
    for goal in y.tolist():
        said.append(model.forecast(1)[0])
        model.learn_one(goal)
    return np.array(said)


def _direct_forecaster(X, y, **arguments):
    return _forecaster(X, y, direct=2, **arguments)


ESTIMATORS = {
    "regressor": _regressor,
    "keyed": _keyed,
    "targets": _targets,
    "forecaster": _forecaster,
    "direct forecaster": _direct_forecaster,
}

#: Today's defaults, and other ways to be robust.
OPTIONS = {
    "defaults": {},
    "clip 3, memory 500": {"scale_clip": 3.0, "scale_memory": 500},
    "clip 5": {"scale_clip": 5.0},
}
#: Levels in place of changes, by gradient alone.
OF_LEVELS = {"head": "linear", "loss": "squared", "predict_change": False}
ROBUST = {name: words for name, words in OPTIONS.items() if words}
#: What errors are at most beside those of the last value: an untaught network's, on so short
#: streams, are up to four times as large.
MOST = 8.0
#: The same after a level has changed by 30 standard deviations: what was learnt is of no use there.
MOST_AFTER_A_CHANGE = 15.0

each_estimator = pytest.mark.parametrize("estimator", ESTIMATORS)


def errors(run, changes, **arguments):
    """How large they are beside the last value's, by stream and what happens to it."""
    found = {}
    for stream in STREAMS:
        for name, change in changes.items():
            X, y, good = disturbed(stream, change)
            said = run(X, y, lr=0.01, **arguments)
            of_changes = arguments.get("predict_change", True)
            found[stream, name] = times_the_last_value(said, y, good, of_changes)
    return found


def worst(found):
    """The greatest, and where it is, for the message of a failing test."""
    return max((error, where) for where, error in found.items())


@each_estimator
@pytest.mark.parametrize("options", OPTIONS)
def test_units_and_gaps_do_no_harm(estimator, options):
    found = errors(ESTIMATORS[estimator], HARMLESS, **OPTIONS[options])
    assert worst(found) < (MOST,)


@each_estimator
@pytest.mark.parametrize("options", OPTIONS)
def test_a_clip_survives_bad_readings(estimator, options):
    found = errors(ESTIMATORS[estimator], HARMFUL_LATER, **OPTIONS[options])
    assert worst(found) < (MOST,)


@each_estimator
@pytest.mark.parametrize("options", OPTIONS)
def test_a_clip_survives_a_bad_start(estimator, options):
    found = errors(ESTIMATORS[estimator], BAD_START, **OPTIONS[options])
    assert worst(found) < (MOST,)


@each_estimator
@pytest.mark.parametrize("options", ROBUST)
def test_where_levels_are_predicted_not_even_the_next_one_is_harmed(estimator, options):
    found = errors(ESTIMATORS[estimator], HARMFUL, **OF_LEVELS, **ROBUST[options])
    assert worst(found) < (MOST,)


@each_estimator
@pytest.mark.parametrize("options", OPTIONS)
def test_a_new_level_is_followed(estimator, options):
    found = errors(ESTIMATORS[estimator], REAL_CHANGE, **OPTIONS[options])
    assert worst(found) < (MOST_AFTER_A_CHANGE,)


@each_estimator
def test_without_a_clip_predictions_stay_finite_at_least(estimator):
    found = errors(ESTIMATORS[estimator], HARMFUL, scale_clip=None, **OF_LEVELS)
    assert max(found.values()) > 1000  # else this file tests nothing


@pytest.mark.parametrize(
    "parts",
    [
        {"cell": "rnn_relu", "loss": "absolute", "optimizer": "sgd", "clip_norm": None},
        {"cell": "gru", "loss": "quantile", "optimizer": "rmsprop"},
    ],
    ids=lambda parts: " ".join(str(part) for part in parts.values()),
)
def test_other_cells_losses_and_optimizers_survive(parts):
    found = errors(_regressor, {**HARMLESS, **HARMFUL_LATER}, scale_clip=4.0, **parts)
    assert worst(found) < (MOST,)
    found = errors(_regressor, REAL_CHANGE, scale_clip=4.0, **parts)
    assert worst(found) < (MOST_AFTER_A_CHANGE,)


@each_estimator
@pytest.mark.parametrize("options", OPTIONS)
def test_a_constant_is_predicted_as_it_is(estimator, options):
    X, y = np.full((60, 2), 1e6 + 0.1), np.full(60, -3e5 - 0.1)
    said = ESTIMATORS[estimator](X, y, **OPTIONS[options])
    assert (said[2:] == y[2:]).all()


@each_estimator
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize(("factor", "shift"), [(1e6, 0.0), (1e-9, 0.0), (1.0, 1e6), (4.0, -1e3)])
def test_predictions_are_in_the_units_of_what_is_learnt(estimator, options, factor, shift):
    """A factor and a shift of the whole stream, an outage included, are those of predictions."""
    X, y, _ = disturbed("sine", _put(slice(70, 75), 1e4))
    words = {"dtype": "float64", "lr": 0.01, **OPTIONS[options]}
    expected = ESTIMATORS[estimator](X, y, **words) * factor + shift
    found = ESTIMATORS[estimator](X * factor + shift, y * factor + shift, **words)
    np.testing.assert_allclose(found[5:], expected[5:], rtol=1e-5, atol=1e-4 * factor)


def test_a_network_that_runs_away_is_bounded_by_the_clip():
    X, y, _ = disturbed("sine", HARMLESS["unchanged"])
    wild = {**PLAIN[RNNRegressor], "cell": "rnn_relu", "loss": "absolute", "optimizer": "sgd"}
    wild |= {"clip_norm": None, "lagged_target": True, "lr": 3.0}
    assert np.abs(_regressor(X, y, **wild | {"scale_clip": 4.0})).max() < 4.5 * y.std()
    assert np.abs(_regressor(X, y, **wild)).max() > 100 * y.std()


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("change", {**HARMLESS, **HARMFUL, **REAL_CHANGE})
def test_scores_of_anomalies_stay_scores(options, change):
    """With a clip, those of normal samples are later what they would have been."""
    for score in ("error", "lasting"):
        found = _scores(change, score=score, **OPTIONS[options])
        assert np.isfinite(found).all()
        assert (found >= 0).all()
        assert (found < 1).all()
    # The usual size of errors rests on the first ones, whatever the scaling makes of them.
    if options != "defaults" and change not in ("a spike at first", "a spike as second"):
        # How rare an error is depends on the errors before: that is no measure of the scaling.
        usual = _scores("unchanged", score="error", **OPTIONS[options])
        found = _scores(change, score="error", **OPTIONS[options])
        assert abs(np.median(found[-150:]) - np.median(usual[-150:])) < 0.2


def _scores(change, **arguments):
    X, y, _ = disturbed("sine", {**HARMLESS, **HARMFUL, **REAL_CHANGE}[change])
    model, found = RNNAnomalyDetector(**SMALL, lr=0.01, **arguments), []
    for row in np.column_stack([X, y]).tolist():
        x = {i: value for i, value in enumerate(row) if not math.isnan(value)}
        found.append(model.score_one(x))
        model.learn_one(x)
    return np.array(found)


@pytest.mark.parametrize("options", ROBUST)
@pytest.mark.parametrize("change", HARMFUL)
def test_features_for_other_models_still_move(options, change):
    """After what harms, a hidden state tells as much of the stream as it would have."""
    spread = _hidden("unchanged", **ROBUST[options])[-150:].std(axis=0).max()
    hidden = _hidden(change, **ROBUST[options])
    assert np.isfinite(hidden).all()
    assert hidden[-150:].std(axis=0).max() > 0.3 * spread


def _hidden(change, **arguments):
    X, y, _ = disturbed("sine", {**HARMLESS, **HARMFUL}[change])
    model, found = RNNTransformer(**SMALL, lr=0.01, **arguments), []
    for row, goal in zip(X, y, strict=True):
        x = dict(enumerate(row.tolist()))
        found.append(list(model.transform_one(x).values()))
        model.learn_one(x, goal)
    return np.array(found)
