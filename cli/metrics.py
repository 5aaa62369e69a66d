"""How good predictions are: what River's metrics of each task say, counted a block at a time."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

from .settings import Task

if TYPE_CHECKING:
    import numpy as np


class Scores(Protocol):
    """The running metrics of one model."""

    count: int

    def update(self, targets: np.ndarray, predictions: np.ndarray) -> None:
        """Compare predictions with what came."""

    def values(self) -> dict[str, float]:
        """Return the metrics by name; NaN if a prediction was not finite or nothing was scored."""

    def state(self) -> Any:
        """Return all that it has counted, as JSON can say it."""

    def restore(self, state: Any) -> None:
        """Take over what `state` returned."""


class NumberScores:
    """MAE, RMSE and R2."""

    def __init__(self) -> None:
        self.count = 0
        self._absolute = 0.0
        self._squared = 0.0
        # Of the targets: mean, and sum of the squared distances from it.
        self._mean = 0.0
        self._spread = 0.0
        self._defined = True

    def update(self, targets: np.ndarray, predictions: np.ndarray) -> None:
        """Compare predictions with what came."""
        import numpy as np

        n = len(targets)
        if not n:
            return
        # A diverged model shows as such: River's R2 would call it 0 in some cases.
        self._defined = self._defined and bool(np.isfinite(predictions).all())
        if self._defined:
            with np.errstate(over="ignore"):
                errors = targets - predictions
                self._absolute += float(np.abs(errors).sum())
                self._squared += float((errors * errors).sum())
        # Chan, Golub and LeVeque (1983), eq. 2.1: two samples' moments as those of both.
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float(targets.mean())
            spread = float(((targets - mean) ** 2).sum())
        distance, total = mean - self._mean, self.count + n
        self._spread += spread + distance * distance * self.count * n / total
        self._mean += distance * n / total
        self.count = total

    def values(self) -> dict[str, float]:
        """Return the metrics by name."""
        if not self._defined or not self.count or not math.isfinite(self._squared):
            return dict.fromkeys(("MAE", "RMSE", "R2"), math.nan)
        return {
            "MAE": self._absolute / self.count,
            "RMSE": math.sqrt(self._squared / self.count),
            "R2": 1 - self._squared / self._spread if self._spread and self.count > 1 else 0.0,
        }

    def state(self) -> Any:
        """Return all that it has counted, as JSON can say it."""
        sums = [self._absolute, self._squared, self._mean, self._spread]
        return [self.count, self._defined, *(s if math.isfinite(s) else None for s in sums)]

    def restore(self, state: Any) -> None:
        """Take over what `state` returned."""
        self.count, self._defined, *sums = state
        kept = [math.inf if s is None else s for s in sums]
        self._absolute, self._squared, self._mean, self._spread = kept
        if min(self._absolute, self._squared, self._spread) < 0:
            raise ValueError(f"sums of squares are {kept}")


class LabelScores:
    """Accuracy, macro F1 and Cohen's kappa, by River from one table of counts."""

    def __init__(self) -> None:
        self.count = 0
        self._pairs: Counter[tuple[str, str | None]] = Counter()

    def update(self, targets: np.ndarray, predictions: np.ndarray) -> None:
        """Compare predictions with what came."""
        self.count += len(targets)
        self._pairs.update(zip(targets.tolist(), predictions.tolist(), strict=True))

    def values(self) -> dict[str, float]:
        """Return the metrics by name."""
        from river import metrics

        table = metrics.ConfusionMatrix()
        for (target, prediction), n in self._pairs.items():
            table.update(target, prediction, n)
        found = {
            "accuracy": metrics.Accuracy(cm=table),
            "macro_F1": metrics.MacroF1(cm=table),
            "kappa": metrics.CohenKappa(cm=table),
        }
        return {name: float(m.get()) if self.count else math.nan for name, m in found.items()}

    def state(self) -> Any:
        """Return all that it has counted, as JSON can say it."""
        return [[target, prediction, n] for (target, prediction), n in self._pairs.items()]

    def restore(self, state: Any) -> None:
        """Take over what `state` returned."""
        for target, prediction, n in state:
            self._pairs[target, prediction] = n
            self.count += n


def scores(task: Task) -> Scores:
    """Return fresh metrics for a task."""
    return NumberScores() if task == "regression" else LabelScores()
