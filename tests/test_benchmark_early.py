"""How early anomalies are found: NAB's score and figures over windows, on hand-made streams."""

import math

import early
import numpy as np
import pytest
import ranking
from early import Stream, early_detection

N, FIRST, LAST = 1000, 400, 500


def windowed(*flagged):
    """A stream with one window, samples 400 to 499, and a detector that flags some samples."""
    labels, scores = np.zeros(N, int), np.zeros(N)
    labels[FIRST:LAST] = 1
    scores[list(flagged)] = 1.0
    return Stream(labels, scores)


def sigmoid(y):
    return 2 / (1 + math.exp(5 * y)) - 1


def test_who_flags_the_first_sample_of_a_window_is_perfect():
    found = early_detection([windowed(FIRST), windowed(FIRST, FIRST + 50, LAST - 1)])
    assert found.nab == pytest.approx(100)
    assert (found.delay, found.found, found.threshold) == (0.0, 1.0, 1.0)


def test_who_flags_nothing_scores_nothing():
    """A constant score can only flag all or nothing, and all costs more than it brings."""
    found = early_detection([windowed()])
    assert (found.nab, found.delay, found.found, found.threshold) == (0.0, 1.0, 0.0, math.inf)


@pytest.mark.parametrize("at", [0, 1, 50, 99])
def test_the_later_the_less(at):
    worth = sigmoid(-(100 - at) / 100) / sigmoid(-1)
    found = early_detection([windowed(FIRST + at)])
    assert found.nab == pytest.approx(100 * (worth + 1) / 2)
    assert found.delay == pytest.approx(at / 100)


@pytest.mark.parametrize(
    ("at", "cost"),
    [
        (200, 1.0),  # before any window
        (LAST, -sigmoid(1 / 99)),  # just behind one: almost nothing
        (LAST + 98, -sigmoid(1.0)),
        (LAST + 299, 1.0),  # more than three lengths behind
        (149, 0.0),  # in the probation
    ],
)
def test_false_alarms_cost_by_how_far_they_are_behind_a_window(at, cost):
    found = early_detection([windowed(FIRST, at)])
    assert found.nab == pytest.approx(100 * (2 - 0.11 * cost) / 2)


def test_probation_ends_at_750_samples():
    stream = Stream(np.zeros(10_000, int), np.zeros(10_000))
    stream.labels[5000:5100] = 1
    stream.scores[[749, 750, 5000]] = 1.0
    assert early_detection([stream]).nab == pytest.approx(100 * (2 - 0.11) / 2)


def test_one_threshold_for_all_streams():
    loud, quiet = windowed(FIRST), windowed(FIRST)
    quiet.scores[:] *= 0.5
    both = early_detection([loud, quiet])
    assert both.nab == pytest.approx(100)
    assert both.threshold == 0.5
    loud.scores[200:390] = 0.5  # what flags the quiet stream's window flags these, too
    both = early_detection([loud, quiet])
    assert both.nab == pytest.approx(50)
    assert (both.threshold, both.found, both.delay) == (1.0, 0.5, 0.5)


def slow_score(streams, threshold):
    """NAB's score at a threshold, sample by sample."""
    total = windows = 0
    for labels, scores in streams:
        start, last_end, width = int(0.15 * min(len(labels), 5000)), None, 0
        edges = ranking.windows_of(labels)
        windows += len(edges)
        for first, end in edges:
            hits = [i for i in range(first, end) if scores[i] >= threshold]
            total += sigmoid(-(end - hits[0]) / (end - first)) / sigmoid(-1) if hits else -1
        for i in range(start, len(labels)):
            for first, end in edges:
                if end <= i:
                    last_end, width = end, end - first
            if labels[i] or scores[i] < threshold:
                continue
            behind = math.inf if last_end is None else (i - last_end + 1) / (width - 1)
            total += 0.11 * (-1 if behind > 3 else sigmoid(behind))
    return 100 * (total + windows) / (2 * windows)


def test_the_best_threshold_is_that_of_trying_all(rng):
    streams = []
    for n in (300, 500):
        labels = np.zeros(n, int)
        labels[120:150] = labels[220:260] = 1
        scores = rng.normal(size=n).round(1) + labels  # with ties
        streams.append(Stream(labels, scores))
    each = {
        t: slow_score(streams, t) for t in np.unique(np.concatenate([s.scores for s in streams]))
    }
    found = early_detection(streams)
    assert found.nab == pytest.approx(max(each.values()))
    assert each[found.threshold] == pytest.approx(found.nab)


def test_without_a_window_there_is_nothing_to_say():
    with pytest.raises(ValueError, match="no stream has a window of anomalies"):
        early_detection([Stream(np.zeros(100, int), np.zeros(100))])


# --- precision over windows


def test_a_window_is_found_once_and_a_stretch_is_one_false_alarm():
    labels, scores = np.zeros(1000, int), np.zeros(1000)
    labels[300:400] = labels[700:800] = 1
    scores[350] = 3.0  # one sample of a window will do
    scores[500:520] = 2.0  # twenty of one stretch, 400 to 500 being another, are one false alarm
    scores[[710, 720]] = 1.0
    flags, greatest = ranking.by_window(labels, scores)
    assert flags.sum() == 2
    assert sorted(greatest[flags == 0])[-2:] == [0.0, 2.0]
    # At the first window's score: 1 of 1; at the second's: 2 of 3.
    assert ranking.windows_pr_auc(labels, scores) == pytest.approx((1 + 2 / 3) / 2)


def test_windows_are_stretches_of_labels():
    assert ranking.windows_of(np.array([1, 1, 0, 1, 0, 0, 1])) == [(0, 2), (3, 4), (6, 7)]
    assert early._probation(100) == 15
