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


def windows_auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the ROC-AUC of the greatest score in each window of anomalies.

    It is held against the greatest in stretches of normal samples, as long as windows are on
    average, after the first 15 %, which NAB gives to learning.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], labels, [0]])))
    windows = list(zip(edges[::2], edges[1::2], strict=True))
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
    return roc_auc(of_window.astype(int), np.array(greatest))
