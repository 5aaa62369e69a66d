"""Dates and datetimes as inputs: what they become, of which types, and that a cycle is learnt."""

import math
import pickle
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from estimator_helpers import SMALL, model_bytes

from streamrnn import RNNForecaster
from streamrnn.estimators.cycles import CYCLES, with_cycles

ALL = dict.fromkeys(CYCLES, 1)
#: A Wednesday, at a quarter of the day.
MOMENT = datetime(2024, 2, 7, 6)


def angles(sample, name="t"):
    """Shares of the cycles, from sine and cosine back."""
    found = {}
    for cycle in ALL:
        sine, cosine = sample[name, cycle, "sin"], sample[name, cycle, "cos"]
        assert math.hypot(sine, cosine) == pytest.approx(1)
        found[cycle] = math.atan2(sine, cosine) / (2 * math.pi) % 1
    return found


def test_shares_of_the_cycles():
    shares = angles(with_cycles({"t": MOMENT}, ALL))
    assert shares == pytest.approx({"day": 0.25, "week": 2.25 / 7, "year": 37.25 / 366})
    shares = angles(with_cycles({"t": datetime(2023, 12, 31, 18, 0, 0, 500_000)}, ALL))
    rest = 0.75 + 0.5 / 86_400
    assert shares == pytest.approx(
        {"day": rest, "week": (6 + rest) / 7, "year": (364 + rest) / 365}
    )


def test_harmonics_are_faster_waves():
    one, three = (with_cycles({"t": MOMENT}, {"week": n}) for n in (1, 3))
    assert three.items() > one.items()
    angle = 2 * math.pi * 2.25 / 7
    for k in (2, 3):
        assert three["t", "week", "sin", k] == pytest.approx(math.sin(k * angle))
        assert three["t", "week", "cos", k] == pytest.approx(math.cos(k * angle))
    assert len(three) == 6


@pytest.mark.parametrize("cycle", ALL)
def test_no_jump_where_a_cycle_ends(cycle):
    """Half a minute before midnight of the last day of a year, which is a Sunday, and after."""
    midnight, step = datetime(2024, 1, 1), timedelta(seconds=30)
    before, after = (with_cycles({"t": t}, {cycle: 1}) for t in (midnight - step, midnight + step))
    assert list(before) == list(after) == [("t", cycle, "sin"), ("t", cycle, "cos")]
    for name in before:
        assert before[name] == pytest.approx(after[name], abs=0.005)


@pytest.mark.parametrize(
    "moment",
    [
        pd.Timestamp(MOMENT),
        pd.Timestamp(MOMENT, tz="Europe/Berlin"),
        np.datetime64(MOMENT),
        np.datetime64("2024-02-07T06", "h"),
        np.datetime64(MOMENT, "ns"),
        MOMENT.replace(tzinfo=UTC),
        MOMENT.replace(tzinfo=timezone(timedelta(hours=-7))),
    ],
    ids=repr,
)
def test_one_moment_of_many_types(moment):
    """A time zone does not matter: people get up by the clock on their wall."""
    assert with_cycles({"t": moment}, ALL) == with_cycles({"t": MOMENT}, ALL)


@pytest.mark.parametrize("day", [date(2024, 2, 7), np.datetime64("2024-02-07")])
def test_a_date_is_its_first_moment(day):
    assert with_cycles({"t": day}, ALL) == with_cycles({"t": datetime(2024, 2, 7)}, ALL)


def test_several_moments_beside_other_features():
    x = {"from": MOMENT, "to": MOMENT + timedelta(hours=6), "a": 1.0, "b": np.int64(2)}
    given = dict(x)
    sample = with_cycles(x, {"day": 1})
    assert x == given
    assert sample.pop("a") == 1.0
    assert sample.pop("b") == 2
    expected = {"from": (1, 0), "to": (0, -1)}
    assert {name: None for name, _, _ in sample} == dict.fromkeys(expected)
    for name, (sine, cosine) in expected.items():
        assert sample[name, "day", "sin"] == pytest.approx(sine)
        assert sample[name, "day", "cos"] == pytest.approx(cosine)


def test_the_sample_is_a_new_one():
    x = {"a": 1.0}
    with_cycles(x, ALL)["b"] = 2.0
    assert x == {"a": 1.0}


@pytest.mark.parametrize("unknown", [None, pd.NaT, np.datetime64("NaT")], ids=repr)
def test_unknown_moments_are_missing(unknown):
    known = {"a": 1.0, "t": MOMENT}
    one, other = (RNNForecaster(**SMALL) for _ in range(2))
    for x in (known, {"a": 2.0}, known):
        one.learn_one(3.0, x if "t" in x else {**x, "t": unknown})
        other.learn_one(3.0, x)
    assert model_bytes(one) == model_bytes(other)
    assert one.feature_names == other.feature_names
    assert one.forecast(2, [{"t": unknown}, known]) == other.forecast(2, [{}, known])


@pytest.mark.parametrize(
    "value", [timedelta(hours=1), np.timedelta64(1, "h"), pd.Period("2024-02"), MOMENT.time()]
)
def test_other_times_are_refused(value):
    model = RNNForecaster(**SMALL)
    before = pickle.dumps(model)
    with pytest.raises(TypeError, match=r"feature 'span' is .* not a number"):
        model.learn_one(3.0, {"t": MOMENT, "span": value})
    assert pickle.dumps(model) == before


@pytest.mark.parametrize("direct", [None, 3])
def test_a_daily_cycle_is_learnt_from_the_calendar_alone(direct):
    """Of hours in no order: no value says anything of the next one."""
    rng = np.random.default_rng(3)
    model = RNNForecaster(
        hidden_size=8, truncation=4, lags=(), calendar=("day",), direct=direct, lr=0.01
    )

    def level(moment):
        return 100.0 + 20.0 * math.cos(2 * math.pi * (moment.hour - 15) / 24)

    moments = [MOMENT + timedelta(hours=int(h)) for h in rng.integers(0, 24 * 300, 3000)]
    for moment in moments[:2900]:
        model.learn_one(level(moment), {"t": moment})
    errors = [model.forecast(1, [{"t": moment}])[0] - level(moment) for moment in moments[2900:]]
    assert np.abs(errors).mean() < 2.0  # of a mean deviation of 12.7
