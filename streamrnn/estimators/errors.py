"""How wrong a prediction is, in numbers that a drift detector can compare."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from streamrnn.scaling import LIMIT

#: Errors of a regression count up to this many standard deviations of the target: one spike is no
#: drift, and few errors of a model that learns anything are larger.
GREATEST_DISTANCE = 3.0


def _numbers(goal: Any, guess: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return both as vectors of one length; NaN for what was not guessed."""
    goal, guess = (np.atleast_1d(np.asarray(given, np.float64)) for given in (goal, guess))
    missing = len(goal) - len(guess)
    return goal, np.pad(guess, (0, missing), constant_values=math.nan) if missing > 0 else guess


class Mistakes:
    """The errors of a classification: 1 if the label is wrong, 0 if it is right.

    Of several labels at once, the share that is wrong. NaN where no label is known.
    """

    def __call__(self, goal: Any, guess: Any) -> float:
        """Return how wrong a prediction is: the labels as numbers, and those that were guessed."""
        goal, guess = _numbers(goal, guess)
        known = ~np.isnan(goal + guess)
        return float((goal != guess)[known].mean()) if known.any() else math.nan

    def state(self) -> list[list[float]]:
        """Return what was learnt from the targets, as plain data: nothing."""
        return []

    def restore(self, state: list[list[float]]) -> None:
        """Take over what `state` returned."""


class Distances:
    """The errors of a regression: |y - y_pred| in standard deviations of the target, 3 at most.

    Detectors compare with fixed numbers (PageHinkley's threshold of 50; ADWIN's bound is for values
    within [0, 1]), so errors in the target's units would make what they find a matter of units: of
    targets times a thousand PageHinkley reports a change every 30 samples. Held against the errors'
    own running mean instead, a good model's small wobbles are drifts. Of several targets, the
    mean. NaN where no target and its prediction are known or all targets have been equal so far.
    """

    def __init__(self) -> None:
        self._moments = np.zeros((3, 0))  # count, mean, M2 of each target (Welford 1962)

    def __call__(self, goal: Any, guess: Any) -> float:
        """Return how wrong a prediction is; keep what the targets tell of their spread."""
        goal, guess = _numbers(goal, guess)
        known = np.abs(goal) <= LIMIT  # NaN is not
        count, _, m2 = self._with(np.where(known, goal, 0.0), known)
        errors = np.abs(goal - guess)
        counted = known & np.isfinite(errors) & (m2 > 0.0)
        if not counted.any():
            return math.nan
        distances = errors[counted] / np.sqrt(m2[counted] / count[counted])
        return float(np.minimum(distances, GREATEST_DISTANCE).mean())

    def _with(self, values: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Take known values into the moments, of as many targets as there are by now."""
        missing = len(values) - self._moments.shape[1]
        if missing > 0:
            self._moments = np.pad(self._moments, ((0, 0), (0, missing)))
        count, mean, m2 = self._moments
        change = np.where(known, values - mean, 0.0)
        count += known
        mean += change / np.maximum(count, 1.0)
        m2 += change * np.where(known, values - mean, 0.0)
        return self._moments

    def state(self) -> list[list[float]]:
        """Return the targets' moments, as plain data."""
        return self._moments.tolist()

    def restore(self, state: list[list[float]]) -> None:
        """Take over what `state` returned."""
        self._moments = np.array(state, np.float64).reshape(3, -1)
