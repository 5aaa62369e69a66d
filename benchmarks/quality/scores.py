"""How good predictions are: the figures of each kind of stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from quality.streams import Stream

#: Takes what was predicted and what came, in the scored range, and what came before that.
Figure = Callable[[np.ndarray, np.ndarray, np.ndarray], float]


def mse(predicted: np.ndarray, actual: np.ndarray, before: np.ndarray) -> float:
    """Return the mean of the squared errors."""
    return float(((predicted - actual) ** 2).mean())


def mae(predicted: np.ndarray, actual: np.ndarray, before: np.ndarray) -> float:
    """Return the mean of the errors' sizes."""
    return float(np.abs(predicted - actual).mean())


def rmse(predicted: np.ndarray, actual: np.ndarray, before: np.ndarray) -> float:
    """Return the root of the mean squared error."""
    return mse(predicted, actual, before) ** 0.5


def nmse(predicted: np.ndarray, actual: np.ndarray, before: np.ndarray) -> float:
    """Return the mean squared error over the variance of what came."""
    return mse(predicted, actual, before) / float(actual.var())


def nrmse(predicted: np.ndarray, actual: np.ndarray, before: np.ndarray) -> float:
    """Return the root of `nmse`."""
    return nmse(predicted, actual, before) ** 0.5


def mape(predicted: np.ndarray, actual: np.ndarray, before: np.ndarray) -> float:
    """Return the sum of the errors' sizes over the sum of the values' sizes, percent."""
    return float(100 * np.abs(predicted - actual).sum() / np.abs(actual).sum())


def at_the_end(predicted: np.ndarray, actual: np.ndarray, before: np.ndarray) -> float:
    """Return the mean of the last five means of squared errors over 200 steps each."""
    return float(((predicted - actual) ** 2)[-1000:].mean())


def accuracy(predicted: np.ndarray, actual: np.ndarray, before: np.ndarray) -> float:
    """Return the share of the labels that were right; no prediction is a wrong one."""
    return float((predicted == actual).mean())


def kappa_temporal(predicted: np.ndarray, actual: np.ndarray, before: np.ndarray) -> float:
    """Return how much better than the label before, from 1 for perfect: Zliobaite et al. 2015.

    (p - p_before) / (1 - p_before), where p is the accuracy and p_before that of the label before.
    """
    last = np.concatenate([before[-1:], actual])[: len(actual)] if len(before) else None
    hits = actual[1:] == actual[:-1] if last is None else actual == last
    of_last = float(hits.sum()) / len(actual)  # the very first label has none before it
    return (accuracy(predicted, actual, before) - of_last) / (1 - of_last)


#: What is measured, by the kind of a stream; the first figure puts rows in their order.
FIGURES: dict[str, dict[str, Figure]] = {
    "rows": {"MSE": mse, "MAE": mae},
    "series": {"MAE": mae, "RMSE": rmse},
    "taxi": {"MAPE, %": mape, "NRMSE": nrmse},
    "regression": {"MAE": mae, "RMSE": rmse},
    "classification": {"accuracy": accuracy, "kappa-temporal": kappa_temporal},
    "chaotic": {"NMSE": nmse, "last 1000": at_the_end},
}
#: Figures of which more is better.
RISING = {"accuracy", "kappa-temporal"}


def scored(stream: Stream, predictions: list[Any]) -> dict[str, float]:
    """Return the figures of a stream's predictions, over the steps that count."""
    if stream.kind != "classification":  # as River's regressors say before they know anything
        predictions = [0.0 if one is None else one for one in predictions]
    first, names = stream.first, list(stream.ys[0]) if isinstance(stream.ys[0], dict) else None
    before, actual = (_numbers(part, names) for part in (stream.ys[:first], stream.ys[first:]))
    predicted = _numbers(predictions[first:], names)
    if predicted.shape != actual.shape:
        raise ValueError(f"{predicted.shape} predictions for {actual.shape} targets")
    found = FIGURES[stream.kind]
    return {name: figure(predicted, actual, before) for name, figure in found.items()}


def _numbers(values: list[Any], names: list[str] | None) -> np.ndarray:
    """Return numbers, rows of numbers, or what dicts have under these names; None is NaN."""
    if names is not None:
        values = [[value[name] for name in names] for value in values]
    return np.array(values, float)
