"""What the network has to beat: honest, cheap models on the same features and rows.

The linear models are River's own with its default settings, behind its `StandardScaler`. Logistic
regression knows two classes only, and a stream does not say how many are to come: one against the
rest takes each class in when it appears, and with two classes predicts what the plain model does.
"""

from typing import Any

from .settings import Task


class LastValue:
    """Predict the last target again, with the two methods of a River regressor."""

    def __init__(self) -> None:
        self._last = 0.0

    def predict_one(self, x: dict[str, float]) -> float:
        """Return the last target, 0 before the first."""
        return self._last

    def learn_one(self, x: dict[str, float], y: float) -> None:
        """Remember the target."""
        self._last = y


def baselines(task: Task) -> dict[str, Any]:
    """Return fresh baselines for the task by their names in the table."""
    from river import dummy, linear_model, multiclass, preprocessing, stats

    scaler = preprocessing.StandardScaler()
    if task == "regression":
        return {
            "last value": LastValue(),
            "running mean": dummy.StatisticRegressor(stats.Mean()),
            "LinearRegression": scaler | linear_model.LinearRegression(),
        }
    logistic = multiclass.OneVsRestClassifier(linear_model.LogisticRegression())
    return {
        "last label": dummy.NoChangeClassifier(),
        "most frequent label": dummy.PriorClassifier(),
        "LogisticRegression": scaler | logistic,
    }
