"""How good predictions are: River's metrics for each task."""

import math
from collections.abc import Sequence
from typing import Any

from .settings import Task


class Scores:
    """The running metrics of one model.

    Parameters
    ----------
    task
        Which metrics to take.
    """

    def __init__(self, task: Task) -> None:
        from river import metrics

        self._metrics: dict[str, Any]
        self._updated: list[Any]
        if task == "regression":
            self._metrics = {"MAE": metrics.MAE(), "RMSE": metrics.RMSE(), "R2": metrics.R2()}
            self._updated = list(self._metrics.values())
        else:
            # The three share one table of counts, so that one update does for all.
            table = metrics.ConfusionMatrix()
            self._metrics = {
                "accuracy": metrics.Accuracy(cm=table),
                "macro_F1": metrics.MacroF1(cm=table),
                "kappa": metrics.CohenKappa(cm=table),
            }
            self._updated = [table]
        self.count = 0
        self._defined = True

    def update(self, targets: Sequence[Any], predictions: Sequence[Any]) -> None:
        """Compare predictions with what came."""
        self.count += len(targets)
        for target, prediction in zip(targets, predictions, strict=True):
            # A diverged model shows as such: River's R2 would call it 0 in some cases.
            if isinstance(prediction, float) and not math.isfinite(prediction):
                self._defined = False
                return
            try:
                for metric in self._updated:
                    metric.update(target, prediction)
            except OverflowError:
                self._defined = False
                return

    def values(self) -> dict[str, float]:
        """Return the metrics by name; NaN if a prediction was not finite or nothing was scored."""
        known = self._defined and self.count > 0
        return {
            name: float(metric.get()) if known else math.nan
            for name, metric in self._metrics.items()
        }
