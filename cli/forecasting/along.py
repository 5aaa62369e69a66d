"""Learning a series value by value, and forecasting along the way to see how good that is."""

from __future__ import annotations

import math
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from ..blocks import Block
from ..moments import moment, moments
from ..scoreboard import Scoreboard
from .rivals import Past

if TYPE_CHECKING:
    import numpy as np

#: Moments that are remembered, to see how they follow each other.
MOMENTS = 1000


class Steps:
    """Errors of forecasts at each number of steps ahead, (horizon,)."""

    def __init__(self, horizon: int) -> None:
        import numpy as np

        self._count = np.zeros(horizon)
        self._absolute = np.zeros(horizon)
        self._squared = np.zeros(horizon)

    def update(self, forecasts: list[float], values: list[float]) -> None:
        """Compare one forecast with what came; NaN for a value that is unknown."""
        import numpy as np

        came = np.asarray(values, float)
        known = np.isfinite(came)
        with np.errstate(over="ignore", invalid="ignore"):
            errors = np.where(known, np.asarray(forecasts, float) - np.where(known, came, 0.0), 0.0)
            self._count += known
            self._absolute += np.abs(errors)
            self._squared += errors * errors

    def values(self) -> dict[str, float]:
        """Return the errors: of all steps together, at the first and at the last."""
        import numpy as np

        n = float(self._count.sum())
        last = f"MAE at {len(self._count)}"
        if not n or not math.isfinite(float(self._squared.sum())):
            return dict.fromkeys(("MAE", "RMSE", "MAE at 1", last), math.nan)
        with np.errstate(invalid="ignore"):
            each = self._absolute / self._count
        return {
            "MAE": float(self._absolute.sum()) / n,
            "RMSE": math.sqrt(float(self._squared.sum()) / n),
            "MAE at 1": float(each[0]),
            last: float(each[-1]),
        }


class Learner:
    """A forecaster that learns a series, some steps behind what has been read.

    What is read ahead is what a forecast is compared with, and tells of the moments it is for.

    Parameters
    ----------
    name
        Its name in the table.
    model
        An `RNNForecaster`.
    horizon
        Values in a forecast.
    season
        Of the rival, or None.
    every
        Values between two forecasts.
    """

    def __init__(self, name: str, model: Any, horizon: int, season: int | None, every: int) -> None:
        self.name = name
        self.model = model
        self.seconds = 0.0
        self.past = Past(season)
        self.errors = [Steps(horizon) for _ in range(1 + len(self.past.names))]
        self.tried = 0
        self._horizon = horizon
        self._every = every
        self._learnt = 0
        self._ahead: deque[tuple[float, dict[str, Any]]] = deque()

    def take(self, value: float, x: dict[str, Any]) -> None:
        """Read a value, and what is known of its moment."""
        self._ahead.append((value, x))
        if len(self._ahead) == self._horizon:
            if self.past.is_enough and self._learnt % self._every == 0:
                self._try()
            self._learn()

    def finish(self) -> None:
        """Learn what has been read ahead."""
        while self._ahead:
            self._learn()

    def _try(self) -> None:
        values = [value for value, _ in self._ahead]
        made = self.model.forecast(self._horizon, [x for _, x in self._ahead])
        for errors, one in zip(self.errors, [made, *self.past.forecasts(len(made))], strict=True):
            errors.update(one, values)
        self.tried += 1

    def _learn(self) -> None:
        value, x = self._ahead.popleft()
        started = time.perf_counter()
        self.model.learn_one(value, x)
        self.seconds += time.perf_counter() - started
        self.past.append(value)
        self._learnt += 1


class Series(Scoreboard):
    """The rows of a series, for one learner.

    Parameters
    ----------
    learner
        Who learns.
    time
        The name of the column of times, or None.
    """

    def __init__(
        self,
        learner: Learner,
        time: str | None,
    ) -> None:
        # All that is asked of it there is how long it took.
        contestants: list[Any] = [learner]
        super().__init__("regression", contestants)
        self._learner = learner
        self._time = time
        self.moments: deque[Any] = deque(maxlen=MOMENTS)
        #: As the source spells the last time.
        self.last_time: Any = None
        #: What the pass took and left out, once it is over.
        self.took, self.skipped = 0.0, 0

    def play(self, block: Block) -> list[np.ndarray]:
        """Read the rows of a block."""
        import numpy as np

        self.saw(block)
        self.without_target += len(block) - int(block.is_known.sum())
        for value, x in zip(block.targets.tolist(), self._samples(block), strict=True):
            self._learner.take(value, x)
        return [np.full(len(block), math.nan)]

    def _samples(self, block: Block) -> list[dict[str, Any]]:
        samples = samples_of(block, self._time)
        if block.times is not None and self._time is not None:
            found = [x[self._time] for x in samples if self._time in x]
            self.moments.extend(found)
            if found:
                self.last_time = next(t for t in reversed(block.times) if moment(t) is not None)
        return samples


def samples_of(block: Block, time: str | None) -> list[dict[str, Any]]:
    """Return what is known of each row's moment, as `RNNForecaster` takes it."""
    samples: list[dict[str, Any]] = list(block.dicts())
    if block.times is not None and time is not None:
        for x, one in zip(samples, moments(block.times), strict=True):
            if one is not None:
                x[time] = one
    return samples
