"""How wrong a prediction is, in numbers that a drift detector can compare."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

from streamrnn.estimators.features import is_missing, target
from streamrnn.scaling import LIMIT

#: Errors of a regression count up to this many standard deviations of the target: one spike is no
#: drift, and few errors of a model that learns anything are larger.
GREATEST_DISTANCE = 3.0


class Mistakes:
    """The errors of a classification: 1 if the label is wrong, 0 if it is right.

    Of several labels by name, the share that is wrong. NaN where the label or the prediction is
    missing.
    """

    def __call__(self, y: Any, y_pred: Any) -> float:
        """Return how wrong a prediction is."""
        if isinstance(y, Mapping) and isinstance(y_pred, Mapping):
            errors = [self(y[name], y_pred[name]) for name in y if name in y_pred]
            known = [error for error in errors if not math.isnan(error)]
            return sum(known) / len(known) if known else math.nan
        if is_missing(y) or is_missing(y_pred) or y != y:
            return math.nan
        return float(y_pred != y)

    def state(self) -> dict[Hashable, tuple[float, ...]]:
        """Return what was learnt from the targets, as plain data: nothing."""
        return {}

    def restore(self, state: Mapping[Hashable, tuple[float, ...]]) -> None:
        """Take over what `state` returned."""


class Distances:
    """The errors of a regression: |y - y_pred| in standard deviations of the target, 3 at most.

    Detectors compare with fixed numbers (PageHinkley's threshold of 50; ADWIN's bound is for values
    within [0, 1]), so errors in the target's units would make what they find a matter of units: of
    targets times a thousand PageHinkley reports a drift every 30 samples. Held against the errors'
    own running mean instead, a good model's smallest wobble is a drift. Of several targets by name,
    the mean. NaN where a target or a prediction is missing or all targets have been equal so far.
    """

    def __init__(self) -> None:
        self._moments: dict[Hashable, tuple[float, ...]] = {}  # count, mean, M2 (Welford 1962)

    def __call__(self, y: Any, y_pred: Any) -> float:
        """Return how wrong a prediction is; keep what the target tells of its spread."""
        if not isinstance(y, Mapping):
            return self._of_one(None, y, y_pred)
        errors = [self._of_one(name, y[name], y_pred.get(name)) for name in y]
        known = [error for error in errors if not math.isnan(error)]
        return sum(known) / len(known) if known else math.nan

    def _of_one(self, name: Hashable, y: Any, y_pred: Any) -> float:
        value = target(y)
        if not abs(value) <= LIMIT:  # or it is NaN
            return math.nan
        count, mean, m2 = self._moments.get(name, (0.0, 0.0, 0.0))
        change = value - mean
        count += 1.0
        mean += change / count
        m2 += change * (value - mean)
        self._moments[name] = (count, mean, m2)
        if is_missing(y_pred) or not m2 > 0.0:
            return math.nan
        error = abs(value - y_pred) / math.sqrt(m2 / count)
        return GREATEST_DISTANCE if GREATEST_DISTANCE < error < math.inf else error

    def state(self) -> dict[Hashable, tuple[float, ...]]:
        """Return the targets' moments, as plain data."""
        return dict(self._moments)

    def restore(self, state: Mapping[Hashable, tuple[float, ...]]) -> None:
        """Take over what `state` returned."""
        self._moments = dict(state)
