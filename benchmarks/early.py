"""How early detectors find anomalies that last: the score of the Numenta Anomaly Benchmark.

After Lavin & Ahmad 2015, Evaluating real-time anomaly detection algorithms - the Numenta Anomaly
Benchmark, with its standard profile. In every window the first detection counts, the more the
earlier it is; every detection elsewhere costs a little, least just behind a window; a window
without any costs as much as a perfect one brings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from ranking import windows_of

#: What a sample flagged outside of all windows costs; a window is worth 1, missing one costs 1.
FALSE_ALARM = 0.11
#: Share of a stream in which detections do not count, and the length from which it is no more.
PROBATION, LONGEST = 0.15, 5000


class Stream(NamedTuple):
    """What a detector said of one stream."""

    labels: np.ndarray  #: 1 inside of windows, 0 otherwise, (T,)
    scores: np.ndarray  #: larger for what is more anomalous, (T,)


class Early(NamedTuple):
    """How well a detector does at its best threshold, one for all streams."""

    nab: float  #: 100 for one who flags the first sample of each window, 0 for one who flags none
    delay: float  #: share of a window that has gone by at its first detection, mean; 1 if missed
    found: float  #: share of the windows with a detection
    threshold: float


def early_detection(streams: Sequence[Stream]) -> Early:
    """Return how early the windows of all streams are found at the threshold best for NAB's score.

    Raises
    ------
    ValueError
        If there is no window behind the probation.
    """
    gains = np.concatenate([_gains(stream) for stream in streams])
    n_windows = sum(len(_windows(stream)) for stream in streams)
    if n_windows == 0:
        raise ValueError("no stream has a window of anomalies behind its probation")
    gains = gains[np.argsort(-gains[:, 0], kind="stable")]
    totals = np.cumsum(gains[:, 1])
    is_last = np.append(gains[1:, 0] < gains[:-1, 0], True)  # of samples with the same score
    best = int(np.argmax(np.where(is_last, totals, -np.inf)))
    threshold = gains[best, 0] if totals[best] > 0 else np.inf
    delays = [delay for stream in streams for delay in _delays(stream, threshold)]
    return Early(
        nab=float(100 * max(totals[best], 0.0) / (2 * n_windows)),
        delay=float(np.mean(delays)),
        found=float(np.mean([delay < 1 for delay in delays])),
        threshold=float(threshold),
    )


def _probation(n: int) -> int:
    return int(PROBATION * min(n, LONGEST))


def _windows(stream: Stream) -> list[tuple[int, int]]:
    start = _probation(len(stream.labels))
    return [(max(first, start), last) for first, last in windows_of(stream.labels) if last > start]


def _delays(stream: Stream, threshold: float) -> list[float]:
    """Return by window what share of it has gone by before its first detection."""
    delays = []
    for first, last in _windows(stream):
        flagged = np.flatnonzero(stream.scores[first:last] >= threshold)
        delays.append(flagged[0] / (last - first) if len(flagged) else 1.0)
    return delays


def _gains(stream: Stream) -> np.ndarray:
    """Return what flagging samples adds to the score of one who flags none, (events, 2).

    Each row is a score, and what is gained when the threshold falls to it.
    """
    start = _probation(len(stream.labels))
    costs = FALSE_ALARM * _sigmoid(_behind(stream))
    outside = np.flatnonzero(stream.labels == 0)
    outside = outside[outside >= start]
    parts = [np.column_stack([stream.scores[outside], costs[outside]])]
    parts += [_window_gains(stream.scores[first:last]) for first, last in _windows(stream)]
    return np.concatenate(parts)


def _window_gains(scores: np.ndarray) -> np.ndarray:
    """Return the rows of one window: only samples above all before them can be its first one."""
    before = np.maximum.accumulate(np.append(-np.inf, scores[:-1]))
    at = np.flatnonzero(scores > before)
    n = len(scores)
    worth = _sigmoid(-(n - at) / n) / _sigmoid(-1.0)
    return np.column_stack([scores[at], worth - np.append(worth[1:], -1.0)])


def _behind(stream: Stream) -> np.ndarray:
    """Return how far samples are behind the last window, in its length; inf before the first."""
    at = np.arange(len(stream.labels))
    behind = np.full(len(at), np.inf)
    for first, last in _windows(stream):
        behind[last:] = (at[last:] - (last - 1)) / max(last - first - 1, 1)
    return behind


def _sigmoid(position: np.ndarray | float) -> np.ndarray:
    """Return NAB's worth of a place: 1 far before the end of a window, 0 there, -1 far behind."""
    near = np.minimum(position, 3.0)
    return np.where(np.asarray(position) > 3.0, -1.0, 2.0 / (1.0 + np.exp(5.0 * near)) - 1.0)
