"""What a model's targets and predictions are: as JSON, and as one value that a chart can show."""

import math
from dataclasses import dataclass
from typing import Any

import click

from ..settings import Task


@dataclass
class Kind:
    """Targets of one kind.

    Parameters
    ----------
    task
        Whether charts show numbers or labels.
    several
        Whether a target has several parts by name.
    shown
        The part that charts show, of several numbers; found with the first target.
    """

    task: Task
    several: bool = False
    shown: str | None = None

    def point(self, value: Any) -> Any:
        """Return the value that stands for a target or a prediction; NaN or None if unknown."""
        if self.task == "regression":
            if self.several:
                value = self._part(value)
            return _number(value)
        if self.several and value is not None:
            # What holds, as one label: a set is right if all of it is.
            return " + ".join(sorted(str(name) for name, holds in value.items() if holds)) or "none"
        return None if value is None else str(value)

    def example(self) -> Any:
        """Return a target of this kind."""
        value: Any = 0.0 if self.task == "regression" else "a"
        if not self.several:
            return value
        return {"a": 0.0} if self.task == "regression" else {"a": True}

    def _part(self, values: Any) -> Any:
        if not isinstance(values, dict):
            return None
        if self.shown is None and values:
            self.shown = min(values)
        return values.get(self.shown)


def kind_of(model: Any, name: str) -> Kind:
    """Return what the targets of a model are; a usage error if it cannot be served.

    Parameters
    ----------
    model
        The estimator.
    name
        Its file, for the message.
    """
    from river import base

    for type_, kind in (
        (base.MultiTargetRegressor, Kind("regression", several=True)),
        (base.MultiLabelClassifier, Kind("classification", several=True)),
        (base.Regressor, Kind("regression")),
        (base.Classifier, Kind("classification")),
    ):
        if isinstance(model, type_):
            return kind
    raise click.UsageError(
        f"{name}: an {type(model).__name__} cannot be served: models with predict_one and a "
        "target can, such as RNNRegressor, RNNClassifier and KeyedModel."
    )


def as_json(value: Any) -> Any:
    """Return a prediction as JSON can say it; what is no finite number is null."""
    if isinstance(value, dict):
        return {str(name): as_json(part) for name, part in value.items()}
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value.item() if hasattr(value, "item") else str(value)


def _number(value: Any) -> float:
    try:
        number = math.nan if value is None else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return number
