"""The models of a run, each with the time that its own calls took.

Both kinds predict every row before they learn from it.
"""

import math
import time
from typing import Any, Protocol

from .blocks import Block
from .settings import Task


class Contestant(Protocol):
    """A model that takes part in a run."""

    name: str
    seconds: float

    def play(self, block: Block) -> list[Any]:
        """Predict and learn the rows of a block one after the other; return the predictions."""


class Network:
    """The recurrent network, which replays a block in one call.

    Parameters
    ----------
    name
        Its name in the table.
    model
        An estimator with ``replay``.
    task
        Whether targets are numbers or labels.
    """

    def __init__(self, name: str, model: Any, task: Task) -> None:
        self.name = name
        self.model = model
        self._labels = task == "classification"
        self.seconds = 0.0

    def play(self, block: Block) -> list[Any]:
        """Predict and learn the rows of a block one after the other; return the predictions."""
        import numpy as np

        X = block.matrix()
        y = np.array(block.targets, dtype=object if self._labels else np.float64)
        started = time.perf_counter()
        predictions = self.model.replay(X, y, features=list(block.names))
        self.seconds += time.perf_counter() - started
        return predictions.tolist()


class Baseline:
    """A River model, driven row by row.

    Parameters
    ----------
    name
        Its name in the table.
    model
        Anything with ``predict_one`` and ``learn_one``.
    """

    def __init__(self, name: str, model: Any) -> None:
        self.name = name
        self.model = model
        self.seconds = 0.0
        self._diverged = False

    def play(self, block: Block) -> list[Any]:
        """Predict and learn the rows of a block one after the other; return the predictions."""
        rows = list(zip(block.dicts, block.targets, strict=True))
        predictions: list[Any] = []
        started = time.perf_counter()
        if not self._diverged:
            try:
                self._run(rows, predictions)
            except ArithmeticError:
                # Plain Python numbers raise on overflow. The others go on without this one.
                self._diverged = True
        self.seconds += time.perf_counter() - started
        return predictions + [math.nan] * (len(rows) - len(predictions))

    def _run(self, rows: list[tuple[dict[str, float], Any]], predictions: list[Any]) -> None:
        predict, learn = self.model.predict_one, self.model.learn_one
        for x, y in rows:
            predictions.append(predict(x))
            if y is not None:
                learn(x, y)
