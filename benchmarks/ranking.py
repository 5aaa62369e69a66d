"""How well scores rank anomalies above what is normal."""

from __future__ import annotations

import numpy as np


def roc_auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return how often an anomaly scores more than what is normal; half of the ties count.

    Parameters
    ----------
    labels
        1 for an anomaly, 0 otherwise, (T,).
    scores
        Larger for what is more anomalous, (T,).
    """
    normal = np.sort(scores[labels == 0])
    anomalous = scores[labels == 1]
    below = np.searchsorted(normal, anomalous, "left")
    up_to = np.searchsorted(normal, anomalous, "right")
    return float((below + up_to).mean() / 2 / len(normal))


def pr_auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the average precision: the mean of the precision at the score of each anomaly."""
    every, anomalous = np.sort(scores), np.sort(scores[labels == 1])
    flagged = len(every) - np.searchsorted(every, anomalous, "left")
    right = len(anomalous) - np.searchsorted(anomalous, anomalous, "left")
    return float((right / flagged).mean())


def windows_of(labels: np.ndarray) -> list[tuple[int, int]]:
    """Return first and one behind the last sample of each stretch of anomalies."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], labels, [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def windows_auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the ROC-AUC of the greatest score in each window among those of `by_window`."""
    return roc_auc(*by_window(labels, scores))


def windows_pr_auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the average precision over windows, those of `by_window`.

    A window is found once, however many of its samples are flagged, and all that is flagged in one
    normal stretch is one false alarm.
    """
    return pr_auc(*by_window(labels, scores))


def by_window(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which are windows of anomalies, 1, or normal stretches, 0, and their greatest scores.

    Stretches are as long as windows are on average, and come after the first 15 %, which NAB gives
    to learning.
    """
    windows = windows_of(labels)
    length = int(np.mean([last - first for first, last in windows]))
    greatest = [scores[first:last].max() for first, last in windows]
    at = int(0.15 * len(labels))
    while at + length <= len(labels):
        if labels[at : at + length].any():
            at += 1
            continue
        greatest.append(scores[at : at + length].max())
        at += length
    of_window = np.arange(len(greatest)) < len(windows)
    return of_window.astype(int), np.array(greatest)
