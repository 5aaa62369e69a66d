"""``streamrnn forecast``: what comes after a series, when, and how good that was along the way."""

import csv
import datetime
import io
import json
import math

import numpy as np
import pytest
from cli_helpers import invoke, write
from streamrnn_cli.forecasting.times import after, speller

from streamrnn import RNNForecaster, RNNRegressor, load

SMALL = ["--cell", "rnn", "--hidden-size", "4", "--truncation", "4"]
START = datetime.datetime(2024, 3, 1)


def value(t):
    return round(math.sin(t / 3) + 0.1 * (t % 4), 4)


def series(n, start=0, extra=None):
    """Hours and values; `extra` gives a further column."""
    lines = ["when,y" if extra is None else "when,y,sky,a"]
    for t in range(start, start + n):
        line = f"{START + datetime.timedelta(hours=t)},{value(t)}"
        lines.append(line if extra is None else f"{line},{extra(t)}")
    return "\n".join(lines) + "\n"


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def forecast(*args, stdin=None):
    done = invoke("forecast", *args, *SMALL, stdin=stdin)
    assert done.exit_code == 0, done.output
    return done


def small(**words):
    return RNNForecaster(cell="rnn", hidden_size=4, truncation=4, **words)


def test_it_is_the_loop_over_the_series(tmp_path):
    n, horizon = 60, 5
    source = write(tmp_path / "s.csv", series(n))
    done = forecast(source, "-H", horizon)
    model = small()
    moments = [START + datetime.timedelta(hours=t) for t in range(n + horizon)]
    errors = []
    for t in range(n):
        # Values from t on are not learnt yet; the first one is learnt from nothing.
        if 0 < t <= n - horizon:
            xs = [{"when": moment} for moment in moments[t : t + horizon]]
            made = model.forecast(horizon, xs)
            errors.append([made[h] - value(t + h) for h in range(horizon)])
        model.learn_one(value(t), {"when": moments[t]})
    expected = model.forecast(horizon, [{"when": moment} for moment in moments[n:]])
    found = rows(done.stdout)
    assert [float(one["forecast"]) for one in found] == expected
    assert [one["time"] for one in found] == [str(moment) for moment in moments[n:]]
    assert [one["step"] for one in found] == ["1", "2", "3", "4", "5"]
    mae, rmse, first, last = (
        float(cell) for cell in _line(done.stderr, "rnn, 4 units  ").split()[3:]
    )
    errors = np.array(errors)
    assert mae == pytest.approx(np.abs(errors).mean(), rel=1e-4)
    assert rmse == pytest.approx(np.sqrt((errors**2).mean()), rel=1e-4)
    assert first == pytest.approx(np.abs(errors[:, 0]).mean(), rel=1e-4)
    assert last == pytest.approx(np.abs(errors[:, -1]).mean(), rel=1e-4)


def _line(text, begin):
    return next(line for line in text.splitlines() if line.startswith(begin))


def test_rivals_and_every_so_many_rows(tmp_path):
    n, horizon, season = 50, 3, 4
    source = write(tmp_path / "s.csv", series(n))
    figures = tmp_path / "f.json"
    forecast(
        *(source, "-H", horizon, "--season", season, "--try-every", 5),
        *("-o", tmp_path / "o.jsonl", "--metrics-json", figures),
    )
    outcome = json.loads(figures.read_text())
    origins = [t for t in range(season, n - horizon + 1) if t % 5 == 0]
    last = [abs(value(t - 1) - value(t + h)) for t in origins for h in range(horizon)]
    before = [abs(value(t + h - season) - value(t + h)) for t in origins for h in range(horizon)]
    names = [one["name"] for one in outcome["models"]]
    assert names == ["rnn, 4 units", "last value", "4 rows before"]
    assert outcome["forecasts"] == len(origins)
    assert outcome["models"][1]["metrics"]["MAE"] == pytest.approx(np.mean(last))
    assert outcome["models"][2]["metrics"]["MAE"] == pytest.approx(np.mean(before))
    written = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
    assert outcome["forecast"] == written
    assert [one["step"] for one in written] == [1, 2, 3]


def test_a_single_column_with_missing_values():
    text = "y\n" + "".join("\n" if t % 7 == 3 else f"{value(t)}\n" for t in range(80))
    # An empty line would be no row at all.
    done = forecast("-", "-H", 2, stdin=text.replace("\n\n", "\nNA\n"))
    found = rows(done.stdout)
    assert list(found[0]) == ["step", "forecast"]
    assert all(math.isfinite(float(one["forecast"])) for one in found)
    assert "of them missing" in done.stderr
    assert "column 'y' is the target" in done.stderr


def test_other_columns_need_their_future(tmp_path):
    def extra(t):
        return f"{'sun' if t % 3 else 'rain'},{t % 5}"

    source = write(tmp_path / "s.csv", series(60, extra=extra))
    alone = write(tmp_path / "alone.csv", series(60))
    future = write(tmp_path / "f.csv", series(4, start=60, extra=extra))
    args = ["--target", "y", "-H", 3]
    without = forecast(source, *args)
    assert "'sky', 'a' not used" in without.stderr
    assert without.stdout == forecast(alone, *args).stdout
    told = forecast(source, *args, "--encode", "sky", "--future", future)
    assert [one["time"] for one in rows(told.stdout)] == [
        one["time"] for one in rows(without.stdout)
    ]
    assert told.stdout != without.stdout
    # What is to come matters.
    other = write(tmp_path / "g.csv", future.read_text().replace("sun", "rain"))
    changed = forecast(source, *args, "--encode", "sky", "--future", other)
    assert changed.stdout != told.stdout


def test_a_saved_forecaster_goes_on(tmp_path):
    whole = write(tmp_path / "s.csv", series(60))
    first = write(tmp_path / "a.csv", series(40))
    second = write(tmp_path / "b.csv", series(20, start=40))
    kept, again = tmp_path / "m.safetensors", tmp_path / "n.safetensors"
    forecast(first, "-H", 3, "--save", kept)
    assert isinstance(load(kept), RNNForecaster)
    before = kept.read_bytes()
    went_on = forecast(second, "-H", 3, "--model", kept, "--save", again)
    assert went_on.stdout == forecast(whole, "-H", 3).stdout
    assert kept.read_bytes() == before != again.read_bytes()


def test_direct(tmp_path):
    source = write(tmp_path / "s.csv", series(60))
    kept = tmp_path / "m.safetensors"
    done = forecast(source, "-H", 3, "--direct", "--calendar", "day:2", "--save", kept)
    assert len(rows(done.stdout)) == 3
    assert load(kept).direct == 3
    refused = invoke("forecast", source, "-H", 4, "--model", kept)
    assert refused.exit_code == 2
    assert "-H 4 is too far" in refused.stderr


def test_too_short_to_be_tried(tmp_path):
    source = write(tmp_path / "s.csv", series(5))
    done = forecast(source, "-H", 24)
    assert len(rows(done.stdout)) == 24
    assert "too short" in done.stderr


def test_times_that_do_not_ascend(tmp_path):
    lines = series(12).splitlines()
    source = write(tmp_path / "s.csv", "\n".join([lines[0], *lines[:0:-1]]) + "\n")
    done = forecast(source, "-H", 2)
    assert "times do not ascend" in done.stderr
    assert list(rows(done.stdout)[0]) == ["step", "forecast"]


@pytest.mark.parametrize(
    ("code", "said", "args"),
    [
        (3, "no such file", ["--future", "none.csv"]),
        (3, "begins at 2024-03-01 00:00:00", ["--future", "s.csv"]),
        (3, "has 2 rows, and 24 values are to be forecast", ["--future", "f.csv"]),
        (3, "has no 'a', 'sky', which s.csv has", ["--future", "g.csv", "-H", 2]),
        (3, "has no 'a', 'sky', which s.csv has", ["--future", "g.csv", "--encode", "sky"]),
        (2, "no RNNForecaster", ["--model", "m.safetensors"]),
        (2, "must be none, or such as", ["--calendar", "moon"]),
        (2, "is not a whole number from 1 on", ["--lags", "1,x"]),
        (2, "--cell='x' is unknown", ["--cell", "x"]),
        (2, "name the same file", ["--metrics-json", "-"]),
        (2, "it would be overwritten", ["--future", "f.csv", "-o", "f.csv"]),
        (2, "cannot write", ["-o", "no/such.csv"]),
    ],
)
def test_what_cannot_be(tmp_path, monkeypatch, code, said, args):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "s.csv", series(30, extra=lambda t: f"1,{t}"))
    write(tmp_path / "f.csv", series(2, start=30, extra=lambda t: f"1,{t}"))
    write(tmp_path / "g.csv", series(2, start=30))
    RNNRegressor(hidden_size=2).save(tmp_path / "m.safetensors")
    done = invoke("forecast", "s.csv", "--target", "y", *args)
    assert done.exit_code == code, done.output
    assert said in done.stderr.splitlines()[-1]
    assert done.stdout == ""


@pytest.mark.parametrize("command", ["forecast", "compare", "predict"])
def test_a_source_that_never_ends_is_for_live(command):
    model = ["m.safetensors"] if command == "predict" else []
    done = invoke(command, *model, "tcp://127.0.0.1:1", "--target", "y")
    assert done.exit_code == 2
    assert "never ends: streamrnn live is for it" in done.stderr


def test_one_standard_input():
    done = invoke("forecast", "-", "--future", "-", stdin="y\n1\n")
    assert done.exit_code == 2
    assert "cannot both be standard input" in done.stderr


def days(*texts):
    return [datetime.datetime.fromisoformat(text) for text in texts]


@pytest.mark.parametrize(
    ("before", "next_ones"),
    [
        (["2024-01-01", "2024-02-01", "2024-03-01"], ["2024-04-01", "2024-05-01"]),
        (["2023-11-30", "2023-12-31", "2024-01-31"], ["2024-02-29", "2024-03-31"]),
        (["2023-01-01", "2023-04-01", "2023-07-01"], ["2023-10-01", "2024-01-01"]),
        (["2020-02-29", "2021-02-28", "2022-02-28"], ["2023-02-28", "2024-02-29"]),
        (["2024-01-01", "2024-01-02", "2024-01-05", "2024-01-06"], ["2024-01-07", "2024-01-08"]),
        # A month is missing.
        (["2024-01-15", "2024-02-15", "2024-04-15", "2024-05-15"], ["2024-06-15", "2024-07-15"]),
    ],
)
def test_moments_after(before, next_ones):
    assert after(days(*before), 2) == days(*next_ones)


def test_no_moments_after():
    assert after(days("2024-01-02", "2024-01-01"), 1) is None
    assert after(days("2024-01-02"), 1) is None
    assert after([], 1) is None


@pytest.mark.parametrize(
    ("cell", "spelt"),
    [
        ("2024-01-31", "2024-02-01"),
        ("2024-01-31T00:00", "2024-02-01T00:00"),
        ("2024-01-31 00:00:00", "2024-02-01 00:00:00"),
        (datetime.datetime(2024, 1, 31), "2024-02-01T00:00:00"),
        (1706659200, 1706745600),
        ("1706659200.5", 1706745600.0),
        (1706659200000, 1706745600000),
    ],
)
def test_moments_are_spelt_as_in_the_source(cell, spelt):
    made = speller(cell)(datetime.datetime(2024, 2, 1))
    assert made == spelt
    assert type(made) is type(spelt)
