"""How the quality of predictions is measured: nothing looks ahead, all are scored alike."""

import math
from datetime import datetime, timedelta

import numpy as np
import pytest
from quality import made, ours
from quality.baselines import rows as baselines
from quality.baselines.forecasters import Later
from quality.baselines.naive import LastTarget, Seasonal
from quality.baselines.neighbours import Neighbours
from quality.baselines.rls import Autoregression, LeastSquares, VectorAutoregression
from quality.catalogue import STREAMS, p2, rows_to_come, stream
from quality.protocol import Forecasting, PerColumn, Supervised, WithPast, prequential
from quality.scores import FIGURES, scored
from quality.streams import LAST, TASKS, VALUE, Stream, ahead, several_ahead, with_last

from streamrnn import RNNForecaster, RNNRegressor


def described(kind="chaotic", **more):
    return {"name": "made", "task": "chaotic", "kind": kind, "about": "", **more}


class Spy:
    """Notes in which order it is asked and told."""

    def __init__(self):
        self.notes = []

    def answer(self, t, x):
        self.notes.append(("asked", t))
        return 0.0

    def learn(self, t, x, y):
        self.notes.append(("told", t))


# --- streams


def test_p1_asks_for_the_row_that_follows():
    values = np.column_stack([np.arange(40.0), np.arange(40.0) ** 2])
    made_of = rows_to_come(["a", "b"], values, learnt=10, first=20)
    scaled = (values - values[:10].mean(0)) / values[:10].std(0)
    assert len(made_of.xs) == 39
    assert made_of.xs[5] == dict(zip("ab", scaled[5], strict=True))
    assert made_of.ys[5] == made_of.xs[6]
    assert made_of.ys[made_of.first] == dict(zip("ab", scaled[20], strict=True))


def test_p2_asks_for_the_next_three_from_the_13th_value_on():
    series = p2("line", [float(t) for t in range(20)], 4)
    assert series.first == 12
    assert series.xs[12] == {VALUE: 12.0}
    assert series.ys[12] == [13.0, 14.0, 15.0]
    assert series.ys[-1] == [17.0, 18.0, 19.0]
    predictions, _ = prequential(series, Forecasting(Seasonal(), series))
    assert scored(series, predictions)["MAE"] == 2.0  # the last value is 1, 2 and 3 too little
    season, _ = prequential(series, Forecasting(Seasonal(4), series))
    assert scored(series, season)["MAE"] == 4.0


def test_the_target_before_is_told_and_the_first_row_only_gives_that():
    told = with_last([{"a": 1}, {"a": 2}, {"a": 3}], [10, 20, 30], **described())
    assert told.xs == [{"a": 2, LAST: 10}, {"a": 3, LAST: 20}]
    assert told.ys == [20, 30]


@pytest.mark.parametrize("horizon", [1, 2, 5])
def test_a_target_is_learnt_when_its_value_is_there_and_not_before(horizon):
    spy = Spy()
    prequential(ahead([float(t) for t in range(30)], horizon, **described()), spy)
    for at, (what, t) in enumerate(spy.notes):
        told = [s for kind, s in spy.notes[:at] if kind == "told"]
        if what == "asked":  # at step t the values up to t are known, targets of steps up to t - h
            assert told == list(range(max(0, t - horizon + 1)))


def test_several_values_are_learnt_when_the_last_is_there():
    spy = Spy()
    prequential(several_ahead([float(t) for t in range(10)], 3, **described()), spy)
    assert spy.notes[:5] == [("asked", 0), ("asked", 1), ("asked", 2), ("told", 0), ("asked", 3)]


@pytest.mark.parametrize("horizon", [1, 4])
def test_our_models_learn_late_targets_at_their_own_steps(horizon):
    values = np.sin(np.arange(1500) / 3).tolist()
    made_of = ahead(values, horizon, **described(first=1300))
    model = RNNRegressor(hidden_size=8, truncation=8, lr=0.01, seed=1)
    predictions, _ = prequential(made_of, ours.contestant(model, made_of))
    assert model.counters["samples"] == len(made_of.xs)
    assert model.counters["late_targets"] == 0
    assert scored(made_of, predictions)["NMSE"] < 0.1


def test_a_model_that_forgets_learns_from_what_was_known_then():
    class Notes:
        def __init__(self):
            self.learnt = []

        def predict_one(self, x):
            return 0.0

        def learn_one(self, x, y):
            self.learnt.append((list(x.values()), y))

    made_of = ahead([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2, **described())
    model = Notes()
    prequential(made_of, WithPast(model, 2))
    assert model.learnt == [([1.0, 0.0], 3.0), ([2.0, 1.0], 4.0), ([3.0, 2.0], 5.0)]


def test_a_forecaster_is_told_moments_where_they_are_known():
    class Notes:
        def __init__(self):
            self.asked = []

        def learn_one(self, y, x):
            self.now = x

        def forecast(self, horizon, xs):
            self.asked.append((self.now, xs))
            return [0.0] * horizon

    moments = [datetime(2024, 1, 1) + timedelta(hours=t) for t in range(6)]
    made_of = ahead([float(t) for t in range(6)], 2, moments=moments, **described())
    model = Notes()
    prequential(made_of, Forecasting(model, made_of, tells_moments=True))
    assert model.asked[0] == ({"time": moments[0]}, [{"time": moments[1]}, {"time": moments[2]}])
    assert model.asked[-1][1][-1] == {"time": moments[5]}


def test_what_lags_the_target_by_itself_is_not_told_it():
    told = tiny("regression")
    models = [RNNRegressor(hidden_size=4, lagged_target=lagged) for lagged in (False, True)]
    for model in models:
        prequential(told, ours.contestant(model, told))
    assert [model.feature_names for model in models] == [["a", "b", LAST], ["a", "b"]]


# --- figures


def of_labels(ys, first=0):
    return Stream("made", "classification", "classification", [{}] * len(ys), ys, "", first)


def test_kappa_is_zero_for_the_last_label_and_one_for_no_mistake():
    ys = [1, 1, 0, 0, 0, 1, 1, 0]
    labels = of_labels(ys)
    last, _ = prequential(labels, Supervised(LastTarget(None)))
    assert scored(labels, last) == {"accuracy": 0.5, "kappa-temporal": 0.0}
    assert scored(labels, ys) == {"accuracy": 1.0, "kappa-temporal": 1.0}
    found = scored(labels, [1 - y for y in ys])
    assert found == {"accuracy": 0.0, "kappa-temporal": -1.0}
    six = [*ys[:6], *(1 - y for y in ys[6:])]
    assert scored(labels, six)["kappa-temporal"] == pytest.approx((0.75 - 0.5) / 0.5)


def test_only_what_counts_is_scored_and_the_label_before_is_known_then():
    labels = of_labels([0, 1, 1, 1, 0], first=2)
    assert scored(labels, [9, 9, 1, 0, 0]) == {
        "accuracy": pytest.approx(2 / 3),
        "kappa-temporal": pytest.approx(0.0),  # the last label is right at steps 2 and 3, too
    }


def test_figures_of_numbers():
    actual = [1.0, 3.0, 5.0, 7.0]
    for kind, expected in {
        "series": {"MAE": 0.5, "RMSE": math.sqrt(0.5)},
        "taxi": {"MAPE, %": 100 * 2 / 16, "NRMSE": math.sqrt(0.5 / 5)},
    }.items():
        made_of = Stream("made", "", kind, [{}] * 5, [99.0, *actual], "", first=1)
        found = scored(made_of, [None, 1.0, 4.0, 5.0, 8.0])
        assert found == pytest.approx(expected)


def test_targets_by_name_are_compared_by_name():
    rows = Stream("made", "", "rows", [{}] * 2, [{"a": 1.0, "b": 2.0}] * 2, "")
    assert scored(rows, [{"b": 2.0, "a": 0.0}] * 2) == {"MSE": 0.5, "MAE": 0.5}


def test_the_end_is_the_mean_of_the_last_thousand_errors():
    made_of = Stream("made", "", "chaotic", [{}] * 2000, [0.0, 1.0] * 1000, "")
    predictions = [5.0] * 1000 + [y + t / 1000 for t, y in enumerate([0.0, 1.0] * 500)]
    expected = np.mean((np.arange(1000) / 1000) ** 2)
    assert scored(made_of, predictions)["last 1000"] == pytest.approx(expected)


def test_what_gives_no_number_for_some_steps_is_refused():
    made_of = Stream("made", "", "series", [{}] * 2, [[1.0, 2.0]] * 2, "")
    with pytest.raises(ValueError, match="predictions for"):
        scored(made_of, [[1.0], [1.0]])


# --- baselines


def test_least_squares_are_those_of_weighted_ridge_regression():
    rng = np.random.default_rng(0)
    X, forgetting = np.column_stack([rng.normal(size=(50, 3)), np.ones(50)]), 0.9
    y = X @ [1.0, -2.0, 0.5, 3.0] + rng.normal(size=50)
    model = LeastSquares(3, forgetting=forgetting)
    for x, goal in zip(X, y, strict=True):
        model.learn(x[:3], goal)
    w = forgetting ** np.arange(49, -1, -1)
    ridge = np.eye(4) * forgetting**50 / 100
    weights = np.linalg.solve((X.T * w) @ X + ridge, (X.T * w) @ y)
    assert model.predict(X[0, :3]) == pytest.approx(X[0] @ weights)


def test_autoregressions_find_a_wave():
    wave = np.sin(np.arange(120) / 4)
    model = Autoregression(3)
    for value in wave[:100]:
        model.learn_one(value)
    assert model.forecast(5) == pytest.approx(wave[100:105], abs=1e-2)
    rows = rows_to_come(["a", "b"], np.column_stack([wave, np.roll(wave, 1)]), learnt=50, first=90)
    each, _ = prequential(rows, PerColumn(lambda: Autoregression(3)))
    together, _ = prequential(rows, VectorAutoregression(2))
    assert scored(rows, each)["MSE"] < 1e-3
    assert scored(rows, together)["MSE"] < 1e-3


def test_neighbours_answer_by_what_is_nearest():
    numbers, labels = Neighbours(), Neighbours(votes=True)
    for t in range(10):
        numbers.learn_one({"a": 0.0}, float(t))
        labels.learn_one({"a": 0.0}, "left" if t < 6 else "right")
        numbers.learn_one({"a": 9.0}, 100.0)
        labels.learn_one({"a": 9.0}, "right")
    assert numbers.predict_one({"a": 1.0}) == 4.5
    assert labels.predict_one({"a": 1.0}) == "left"


def test_a_model_that_cannot_forecast_yet_repeats_the_last_value():
    model = Later(Seasonal(3), 2)
    model.learn_one(5.0)
    assert model.forecast(2) == [5.0, 5.0]


def tiny(kind):
    """Return a short stream of a kind that needs no data."""
    wave = (10 + np.sin(np.arange(90) / 3)).tolist()
    if kind == "rows":
        values = np.column_stack([wave, wave[::-1], np.arange(90) % 5])
        return rows_to_come(["a", "b", "c"], values, learnt=30, first=60)
    if kind == "series":
        return p2("wave", wave, 6)
    if kind == "taxi":
        moments = [datetime(2024, 1, 1) + timedelta(hours=t) for t in range(90)]
        made_of = ahead(wave, 5, moments=moments, season=6, **described("taxi", first=40))
        for x, at in zip(made_of.xs, moments, strict=False):
            x["time of day"] = at.hour
        return made_of
    if kind == "chaotic":
        return ahead([*wave] * 14, 3, **described(first=100)).head(1200)
    labels = kind == "classification"
    xs = [{"a": value, "b": t % 3} for t, value in enumerate(wave)]
    ys = [int(value > 10) if labels else value for value in wave]
    return with_last(xs, ys, name="TrumpApproval", task=kind, kind=kind, about="")


@pytest.mark.parametrize("kind", FIGURES)
def test_every_baseline_runs(kind):
    made_of = tiny(kind)
    found = {name: row for name, row in baselines(kind).items() if row.family != "peer"}
    assert len(found) >= 3
    for name, row in found.items():
        predictions, seconds = row.run(made_of, 1)
        assert seconds >= 0
        figures = scored(made_of, predictions)
        assert set(figures) == set(FIGURES[kind])
        assert not any(math.isnan(value) for value in figures.values()), name


@pytest.mark.parametrize("kind", FIGURES)
def test_our_rows_run_and_seeds_make_a_difference(kind):
    made_of = tiny(kind)
    for name, row in ours.rows(kind).items():
        first, again, other = (scored(made_of, row.run(made_of, seed)[0]) for seed in (1, 1, 2))
        assert first == again, name
        assert set(first) == set(FIGURES[kind])
        if kind != "classification":  # a few labels may all be right
            assert first != other, name


def test_a_direct_forecaster_of_one_step_is_a_forecaster():
    made_of = tiny("series")
    one = prequential(made_of, ours.contestant(RNNForecaster(seed=1, hidden_size=4), made_of))[0]
    assert len(one[-1]) == 3


# --- series by equations


def test_series_obey_their_equations():
    x = made.henon(50)
    assert x[2:] == pytest.approx(1 - 1.4 * x[1:-1] ** 2 + 0.3 * x[:-2])
    x = made.mackey_glass(100)
    assert x[18:] == pytest.approx(0.9 * x[17:-1] + 0.2 * x[:-18] / (1 + x[:-18] ** 10))
    x = made.laser(300)
    assert np.array_equal(x, np.round(x))
    assert (x.min(), x.max()) >= (0, 255)
    x = made.lorenz(2000)
    assert abs(x).max() < 25
    assert x.min() < -5 < 5 < x.max()


def test_every_stream_is_in_a_table():
    for name, (_, needs_data) in STREAMS.items():
        if needs_data or ("ahead" in name and not name.startswith("Hénon")):
            continue
        one = stream(name)
        assert one.name == name
        assert one.task in TASKS
        assert len(one.xs) == len(one.ys) > one.first
