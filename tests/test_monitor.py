"""The monitor: bounded, honest about extremes, and the same after a break."""

import json
import math
import threading
import types

import numpy as np
import pytest
from streamrnn_cli.monitor import Monitor, diagnosis, ledger, marks, series
from streamrnn_cli.monitor.latency import Latency
from streamrnn_cli.monitor.plain import plain
from streamrnn_cli.monitor.series import thin


class Model:
    """A network that tells about itself: counters grow as told, weights move by a known share."""

    drift_detector = object()
    _raw_memory_usage = 4096

    def __init__(self):
        self.counters = {"updates": 0, "clipped": 0, "skipped": 0, "missing_values": 0, "drifts": 0}
        self.weights = np.ones(4)
        self.asked = 0

    def flat_weights(self):
        self.weights = self.weights * 1.5
        return self.weights

    def gradient_profile(self):
        self.asked += 1
        return np.array([[9.0, 9.0], [1.0, math.nan]])

    def gate_saturation(self):
        return {"input": 0.25, "forget": 0.5}


def play(monitor, targets, predictions, size=100, first=0, seconds=1e-6):
    """Tell the monitor of a run, in blocks; predictions are one row a contestant."""
    for begin in range(0, len(targets), size):
        end = min(begin + size, len(targets))
        rows = range(first + begin, first + end)
        told = [each[begin:end] for each in predictions]
        monitor.played(rows, None, targets[begin:end], told, seconds * (end - begin))


def run_of(rng, n):
    """Targets with gaps, and predictions of two contestants."""
    targets = rng.normal(size=n)
    targets[rng.random(n) < 0.1] = math.nan
    return targets, [rng.normal(size=n), rng.normal(size=n)]


def naive_errors(targets, predictions):
    """The mean distance where a target is known, the first one left out."""
    known = [i for i, t in enumerate(targets) if not math.isnan(t)][1:]
    return sum(abs(targets[i] - predictions[i]) for i in known) / len(known)


@pytest.mark.parametrize("size", [1, 7, 300, 1024])
def test_errors_equal_a_plain_loop_at_any_size_of_block(rng, size):
    targets, predictions = run_of(rng, 3000)
    monitor = Monitor("regression", ["net", "last"])
    play(monitor, targets, predictions, size)
    seen = monitor.snapshot()["errors"]
    for name, own in zip(["net", "last"], predictions, strict=True):
        assert seen["overall"][name] == pytest.approx(naive_errors(targets, own))
    assert sum(seen["rows"]) == np.isfinite(targets).sum() - 1
    begin = seen["row"][4] + 1
    part = slice(begin, seen["row"][5] + 1)
    expected = np.nanmean(np.abs(targets[part] - predictions[1][part]))
    assert seen["values"]["last"][5] == pytest.approx(expected)


def test_labels_are_right_or_wrong():
    monitor = Monitor("classification", ["net", "majority"])
    targets = ["a", None, "b", "a", "b"]
    monitor.played(range(5), None, targets, [[None, "a", None, "a", "a"], ["a"] * 5], 0.1)
    seen = monitor.snapshot()
    assert seen["errors"]["overall"] == {"net": 2 / 3, "majority": 2 / 3}
    assert seen["recent"]["prediction"] == [None, "a", None, "a", "a"]
    assert seen["rates"]["unknown"] == [0.2]


def test_what_diverged_has_no_error_but_the_others_have():
    monitor = Monitor("regression", ["net", "last"])
    monitor.played(
        range(3), None, [0.0, 1.0, 2.0], [[0, 1, 1], [math.nan, math.inf, math.nan]], 0.1
    )
    assert monitor.snapshot()["errors"]["overall"] == {"net": 0.5, "last": None}


def naive_thin(values, width):
    kept = set()
    for begin in range(0, len(values[0]), width):
        places = range(begin, min(begin + width, len(values[0])))
        kept.add(places[-1])
        for column in values:
            kept.add(max(places, key=lambda i: (column[i], -i)))
    return sorted(kept)


@pytest.mark.parametrize("width", [1, 2, 7, 64, 1000])
def test_thinning_is_what_a_loop_would_do(rng, width):
    values = [rng.integers(0, 5, 300).astype(float), rng.normal(size=300)]
    assert thin(values, np.arange(300), width).tolist() == naive_thin(values, width)


def test_thinning_again_is_thinning_once(rng):
    values, positions = rng.normal(size=500), np.arange(500)
    once = thin([values], positions, 8)
    twice = thin([values], positions, 4)
    assert twice[thin([values[twice]], positions[twice], 8)].tolist() == once.tolist()


@pytest.mark.parametrize("size", [1, 700])
def test_spikes_stay_in_long_runs(rng, size):
    n = 60_000
    targets, prediction = rng.normal(size=n), rng.normal(size=n)
    targets[12_345], targets[45_678], prediction[33_333], prediction[7] = 99, -99, 77, -77
    monitor = Monitor("regression", ["net"])
    play(monitor, targets, [prediction], size)
    points = monitor.snapshot()["series"]
    rows = points["row"]
    assert 1000 < len(rows) <= series.LIMIT
    assert rows == sorted(rows)
    assert rows[-1] == n - 1
    assert {7, 12_345, 33_333, 45_678} <= set(rows)
    for name, column in (("target", targets), ("prediction", prediction)):
        assert points[name] == [column[row] for row in rows]


def test_the_last_rows_are_kept_as_they_are(rng):
    targets, predictions = run_of(rng, 5000)
    monitor = Monitor("regression", ["net", "last"])
    play(monitor, targets, predictions, 333)
    recent = monitor.snapshot()["recent"]
    assert recent["row"] == list(range(4500, 5000))
    assert recent["prediction"] == predictions[0][4500:].tolist()
    assert [t is None for t in recent["target"]] == np.isnan(targets[4500:]).tolist()


def test_what_is_kept_does_not_grow_with_the_run(rng):
    sizes = []
    monitor = Monitor("regression", ["net", "last"], Model())
    for part in range(6):
        targets, predictions = run_of(rng, 40_000)
        play(monitor, targets, predictions, 250, first=40_000 * part)
        for row in range(200):
            monitor.mark("checkpoint", 40_000 * part + row)
        sizes.append(len(json.dumps(monitor.snapshot(), allow_nan=False)))
    assert max(sizes[2:]) < 1.5 * sizes[1]
    seen = monitor.snapshot()
    assert len(seen["errors"]["row"]) <= ledger.LIMIT
    assert len(seen["marks"]) == marks.LIMIT
    assert seen["mark_counts"] == {"checkpoint": 1200}
    assert seen["marks"][0]["row"] == 0
    assert seen["marks"][-1]["row"] == 200_199


def test_of_long_labels_and_times_the_beginning_is_kept():
    texts = [f"{number} {'x' * 5000}" for number in range(600)]
    monitor = Monitor("classification", ["net"])
    monitor.played(range(600), texts, texts, [texts[::-1]], 0.1)
    seen = monitor.snapshot()
    for points in (seen["series"], seen["recent"]):
        for name in ("time", "target", "prediction"):
            assert {len(text) for text in points[name]} == {200}
    assert seen["series"]["target"][7].startswith("7 xxx")
    assert seen["errors"]["overall"] == {"net": 1.0}
    assert len(json.dumps(monitor.state())) < 1_000_000


@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("size", [3, 600])
def test_a_run_goes_on_from_its_state(rng, task, size):
    n = 9000
    if task == "regression":
        targets, predictions = run_of(rng, n)
    else:
        targets = [str(label) if label else None for label in rng.integers(0, 4, n)]
        predictions = [list(map(str, rng.integers(1, 4, n))) for _ in range(2)]
    whole, first = (Monitor(task, ["net", "last"], about={"title": "t"}) for _ in range(2))
    play(whole, targets, predictions, size)
    half = 4200
    play(first, targets[:half], [p[:half] for p in predictions], size)
    second = Monitor(task, ["net", "last"], about={"title": "t"})
    second.restore(json.loads(json.dumps(first.state(), allow_nan=False)))
    assert second.snapshot() == first.snapshot()
    play(second, targets[half:], [p[half:] for p in predictions], size, first=half)
    expected, got = whole.snapshot(), second.snapshot()
    assert got["recent"] == expected["recent"]
    assert got["errors"]["overall"] == pytest.approx(expected["errors"]["overall"])
    assert got["rows"] == n
    assert got["latency"] == expected["latency"]


def test_a_state_of_another_run_is_refused():
    state = Monitor("regression", ["net"]).state()
    with pytest.raises(ValueError, match="names"):
        Monitor("regression", ["other"]).restore(state)
    with pytest.raises(ValueError, match="task"):
        Monitor("classification", ["net"]).restore(state)


def test_drifts_are_found_in_the_counters():
    model = Model()
    monitor = Monitor("regression", ["net"], model)
    monitor.played([10], None, [1.0], [[1.0]], 1e-6)
    model.counters["drifts"] = 2
    monitor.played([11], None, [1.0], [[1.0]], 1e-6)
    monitor.mark("resume", 12, "after a break")
    assert monitor.snapshot()["marks"] == [
        {"kind": "drift", "row": 11, "text": "2 in this block"},
        {"kind": "resume", "row": 12, "text": "after a break"},
    ]


def test_rates_are_of_the_run_alone():
    model = Model()
    model.counters |= {"updates": 50, "clipped": 50}
    monitor = Monitor("regression", ["net"], model)
    model.counters |= {"updates": 150, "clipped": 75, "missing_values": 600}
    monitor.played(range(300), None, np.zeros(300), [np.zeros(300)], 0.003)
    rates = monitor.snapshot()["rates"]
    assert (rates["updates"], rates["clipped"], rates["missing"]) == ([100], [0.25], [2.0])
    assert rates["rows_per_second"] == pytest.approx([100_000])


def test_the_speed_of_a_few_rows_is_not_shown_by_itself():
    monitor = Monitor("regression", ["net"])
    for rows, seconds in ((300, 0.3), (300, 0.6), (10, 5.0)):
        monitor.played(range(rows), None, np.zeros(rows), [np.zeros(rows)], seconds)
    rates = monitor.snapshot()["rates"]
    assert rates["rows"] == [300, 310]
    assert rates["rows_per_second"] == pytest.approx([1000, 310 / 5.6])


def test_the_model_is_asked_how_it_is(monkeypatch):
    monkeypatch.setattr(diagnosis, "PAUSE", 0)
    model = Model()
    monitor = Monitor("regression", ["net"], model)
    play(monitor, np.zeros(900), [np.zeros(900)], 300)
    seen = monitor.snapshot()
    assert seen["gradient"] == [[299, [1.0, None]], [599, [1.0, None]], [899, [1.0, None]]]
    assert seen["saturation"]["gates"] == {"input": [0.25] * 3, "forget": [0.5] * 3}
    assert seen["update_size"]["value"] == [None, pytest.approx(0.5), pytest.approx(0.5)]
    assert seen["memory_bytes"] == 4096
    assert seen["no_diagnostics"] is None


def test_diagnoses_are_bounded_in_number_and_in_time(monkeypatch):
    monkeypatch.setattr(diagnosis, "PAUSE", 0)
    model = Model()
    model.flat_weights = lambda: np.ones(2)
    monitor = Monitor("regression", ["net"], model)
    for block in range(700):
        monitor.played(range(300 * block, 300 * block + 300), None, *_zeros(300), 0.01)
    columns = monitor.snapshot()["gradient"]
    assert 100 <= len(columns) <= diagnosis.LIMIT
    assert columns[-1][0] > 0.98 * 300 * 700
    monkeypatch.setattr(diagnosis, "PAUSE", 1e9)
    monkeypatch.setattr(diagnosis, "FIRST_PAUSE", 1e9)
    before = model.asked
    for _ in range(10):
        monitor.played(range(300), None, *_zeros(300), 0.01)
    assert model.asked <= before + 4  # the stride, once


def _zeros(n):
    return np.zeros(n), [np.zeros(n)]


def test_a_model_that_cannot_be_asked_says_why():
    class Silent:
        counters = types.MappingProxyType({})

    monitor = Monitor("regression", ["net"], Silent())
    play(monitor, *_zeros(600), 300)
    assert "Silent does not tell about itself" in monitor.snapshot()["no_diagnostics"]
    assert monitor.snapshot()["gradient"] == []


def test_a_short_run_is_asked_when_it_is_looked_at(monkeypatch):
    monitor = Monitor("regression", ["net"], Model())
    monitor.played([5], None, [1.0], [[1.0]], 1e-6)
    seen = []
    other = threading.Thread(target=lambda: seen.append(monitor.snapshot()))
    other.start()
    other.join()
    assert seen[0]["gradient"] == []  # by another thread: the model may be at work
    assert monitor.snapshot()["gradient"] == [[5, [1.0, None]]]


def test_nothing_was_played_yet():
    for task in ("regression", "classification"):
        seen = Monitor(task, ["net"]).snapshot()
        assert json.loads(json.dumps(seen, allow_nan=False)) == seen
        assert seen["latency"]["p50"] is None
        assert seen["series"]["row"] == []


def test_percentiles_are_right_within_three_percent(rng):
    times = np.exp(rng.normal(2, 1, 5000))
    latency = Latency()
    for each in times:
        latency.add(each, 1)
    seen = latency.snapshot()
    assert seen["max"] == times.max()
    for percent in (50, 90, 99):
        expected = np.percentile(times, percent, method="inverted_cdf")
        assert seen[f"p{percent}"] == pytest.approx(expected, rel=0.03)


def test_times_are_told_as_text():
    import datetime

    day = datetime.datetime(2024, 2, 29, 12)
    monitor = Monitor("regression", ["net"])
    monitor.played([1, 2], [day, "later"], [1.0, 2.0], [[0.0, 0.0]], 0.1)
    assert monitor.snapshot()["series"]["time"] == ["2024-02-29T12:00:00", "later"]
    assert plain({1: np.float64("nan"), "a": np.arange(2), "b": object}) == {
        "1": None,
        "a": [0, 1],
        "b": "<class 'object'>",
    }
