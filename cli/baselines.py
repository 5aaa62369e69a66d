"""What the network has to beat: honest, cheap models on the same rows.

The simple ones look at past targets only; all that they know fits into a checkpoint. The linear
models are River's own with its default settings, behind its `StandardScaler`, and get the last
targets as features. Logistic regression knows two classes only, and a stream does not say how many
are to come: one against the rest takes each class in when it appears, and with two classes predicts
what the plain model does.
"""

from collections.abc import Callable
from typing import Any, Protocol

from .settings import Task


class Simple(Protocol):
    """A model of past targets."""

    def predict(self) -> Any:
        """Return the next target."""

    def learn(self, target: Any) -> None:
        """Take in a target."""

    def state(self) -> Any:
        """Return what it knows, as JSON can say it."""

    def restore(self, state: Any) -> None:
        """Take over what `state` returned."""


class LastValue:
    """Predict the last target again: 0, or no label, before the first."""

    def __init__(self, first: Any = None) -> None:
        self._last = first

    def predict(self) -> Any:
        """Return the last target."""
        return self._last

    def learn(self, target: Any) -> None:
        """Remember the target."""
        self._last = target

    def state(self) -> Any:
        """Return the last target."""
        return self._last

    def restore(self, state: Any) -> None:
        """Take over what `state` returned."""
        self._last = float(state) if isinstance(self._last, float) else state


class RunningMean:
    """Predict the mean of all targets, 0 before the first."""

    def __init__(self) -> None:
        self._n, self._mean = 0, 0.0

    def predict(self) -> float:
        """Return the mean."""
        return self._mean

    def learn(self, target: float) -> None:
        """Take in a target."""
        self._n += 1
        self._mean += (target - self._mean) / self._n

    def state(self) -> Any:
        """Return count and mean."""
        return [self._n, self._mean]

    def restore(self, state: Any) -> None:
        """Take over what `state` returned."""
        n, mean = state
        self._n, self._mean = int(n), float(mean)
        if self._n < 0:
            raise ValueError(f"a mean of {n} numbers")


class MostFrequent:
    """Predict the label that came most often, of equals the one that came first."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def predict(self) -> str | None:
        """Return that label, None before the first."""
        return max(self._counts, key=self._counts.__getitem__, default=None)

    def learn(self, target: str) -> None:
        """Count a label."""
        self._counts[target] = self._counts.get(target, 0) + 1

    def state(self) -> Any:
        """Return labels and counts, in the order in which they came."""
        return list(self._counts.items())

    def restore(self, state: Any) -> None:
        """Take over what `state` returned."""
        self._counts = {str(label): int(n) for label, n in state}


def simple(task: Task) -> dict[str, Callable[[], Simple]]:
    """Return makers of the simple models for a task, by their names in the table."""
    if task == "regression":
        return {"last value": lambda: LastValue(0.0), "running mean": RunningMean}
    return {"last label": LastValue, "most frequent label": MostFrequent}


def linear(task: Task) -> dict[str, Any]:
    """Return a fresh linear model for a task by its name in the table."""
    from river import linear_model, multiclass, preprocessing

    scaler = preprocessing.StandardScaler()
    if task == "regression":
        return {"LinearRegression": scaler | linear_model.LinearRegression()}
    logistic = multiclass.OneVsRestClassifier(linear_model.LogisticRegression())
    return {"LogisticRegression": scaler | logistic}
