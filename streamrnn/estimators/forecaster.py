"""A recurrent forecaster for River: the next values of a series, one or many steps ahead."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from river.time_series.base import Forecaster

from streamrnn._checks import check_choice, check_count
from streamrnn.blueprint import Blueprint
from streamrnn.estimators.arguments import blueprint_of
from streamrnn.estimators.base import RecurrentEstimator
from streamrnn.estimators.calendar import CYCLES, with_calendar
from streamrnn.estimators.features import target
from streamrnn.estimators.outline import only
from streamrnn.estimators.outputs.number import Number
from streamrnn.estimators.parameters import documented


@documented(
    '``"squared"``, ``"absolute"``, ``"huber"``, ``"quantile"``',
    example="Quantile(q=0.9)",
    scale_target=True,
    supervised=False,
)
class RNNForecaster(RecurrentEstimator, Forecaster):
    """Recurrent network that forecasts a series, and learns from each of its values as it comes.

    A step of the network sees the values before it (`lags`), what is known of the moment (`x`), and
    predicts the value of that moment. Forecasts further ahead are fed with those before them
    (recursive), or all come at once (`direct`).

    {parameters}
    lags
        Which earlier values are inputs, 1 being the last: (1, 24) for an hourly series with a daily
        season. The hidden state remembers more than that.
    direct
        None, the default: forecasts of any horizon, each fed with those before it. A number: the
        network predicts so many steps at once, which does not pile up errors but learns each
        moment's targets only when the last of them is there; of `xs` it sees the first alone.
    calendar
        Which cycles of a ``datetime`` in `x` become inputs, as sine and cosine: of ``"day"``,
        ``"week"``, ``"year"``. Datetimes themselves are no inputs.

    Examples
    --------
    >>> from river import datasets, evaluate, metrics
    >>> from streamrnn import RNNForecaster
    >>> model = RNNForecaster(hidden_size=16, truncation=12, lags=(1, 12), lr=0.01)
    >>> metric = evaluate.evaluate(datasets.AirlinePassengers(), model, metrics.MAE(), horizon=3)
    >>> len(model.forecast(horizon=6))
    6
    """

    def __init__(
        self,
        cell: Any = "lstm",
        hidden_size: int = 32,
        num_layers: int = 1,
        truncation: int = 32,
        update_every: int = 1,
        loss_window: int = 1,
        activations: Any = "stored",
        optimizer: Any = "adam",
        lr: Any = None,
        clip_norm: float | None = 1.0,
        clip_value: float | None = None,
        l2: float = 0.0,
        l1: float = 0.0,
        weight_decay: float | None = None,
        loss: Any = "squared",
        head: Any = "linear",
        init: str = "default",
        scale_inputs: bool = True,
        scale_target: bool = True,
        max_features: int | None = 1000,
        lags: tuple[int, ...] = (1,),
        direct: int | None = None,
        calendar: tuple[str, ...] = ("day", "week", "year"),
        dtype: str = "float32",
        seed: int | None = 42,
    ) -> None:
        self._keep_arguments(locals())
        self._build()

    def _prepare(self) -> None:
        for lag in self.lags:
            check_count("lags", lag, 1)
        for cycle in self.calendar:
            check_choice("calendar", cycle, tuple(CYCLES))
        if self.direct is not None:
            check_count("direct", self.direct, 1)
        super()._prepare()
        #: The last values, the newest last, where one is unknown what was predicted.
        self._past: deque[float] = deque(maxlen=max(self.lags, default=1))
        #: The last values, NaN where one is unknown: the target of a step.
        self._target: deque[float] = deque(maxlen=self._n_steps)

    @property
    def _n_steps(self) -> int:
        """Steps that the network predicts at once."""
        return self.direct or 1

    def _new_outputs(self) -> Number:
        return Number(self._n_steps)

    def _blueprint(self, seed: int | None = None) -> Blueprint:
        """Return what the model is made of.

        A direct forecast's target is complete some steps later: the ring is longer by so many.
        """
        return blueprint_of(
            self, (self._outputs.task,), self._n_steps, seed, delay=self._n_steps - 1
        )

    def _kept_state(self) -> dict[str, Any]:
        return {"past": list(self._past), "target": list(self._target)}

    def _restore_state(self, kept: dict[str, Any]) -> None:
        past, values = only(kept, "past", "target")
        for numbers, own in ((past, self._past), (values, self._target)):
            own.extend(target(number) for number in numbers)

    def _sample(self, x: Mapping[Hashable, Any] | None, past: Sequence[float]) -> dict:
        """Return the inputs of a step: features of the moment, the calendar, the values before."""
        sample = with_calendar(x or {}, self.calendar)
        for lag in self.lags:
            sample["lag", lag] = past[-lag] if lag <= len(past) else math.nan
        return sample

    def learn_one(self, y: float | None, x: Mapping[Hashable, Any] | None = None) -> None:
        """Advance the hidden state by one step, then learn.

        Parameters
        ----------
        y
            The series' value. If it is unknown (None, NaN, infinite), nothing is learnt from it,
            and what was predicted stands for it as a lag.
        x
            What is known of the moment besides, by name; numbers and datetimes.

        Raises
        ------
        TypeError
            If a feature or the value is no number; nothing has changed then.
        """
        value, model = target(y), self._model
        with model.lock:
            self._accept(self._sample(x, self._past))
            self._target.append(value)
            if self._n_steps == 1:
                self._put_target()
                model.run_one(True)
            else:
                self._learn_direct()
            self._past.append(value if math.isfinite(value) else model.answer.item(0))

    def _put_target(self) -> None:
        goal = self._model.goal
        for i, value in enumerate(self._target):
            goal[i] = value
        goal[-1] = 1.0

    def _learn_direct(self) -> None:
        """Take the step; let the step whose target is now complete learn it."""
        model = self._model
        model.advance_one()
        age = model.age_of(model.counters["samples"] - (self._n_steps - 1))
        if age is not None:
            self._put_target()
            model.label(age)

    def forecast(
        self, horizon: int, xs: Sequence[Mapping[Hashable, Any]] | None = None
    ) -> list[float]:
        """Forecast the next values. Changes nothing.

        Parameters
        ----------
        horizon
            How many.
        xs
            What is known of each of those moments, as `learn_one` has it.

        Returns
        -------
        list
            `horizon` numbers, in the series' units, the next one first.

        Raises
        ------
        ValueError
            If there are not as many `xs`, or `direct` is less than `horizon`.
        TypeError
            If a feature is no number.
        """
        check_count("horizon", horizon, 0)
        if xs is not None and len(xs) != horizon:
            raise ValueError(f"xs has {len(xs)} samples, the horizon is {horizon}")
        if self.direct is not None and horizon > self.direct:
            raise ValueError(f"horizon={horizon} is more than direct={self.direct}")
        moments = [{}] * horizon if xs is None else list(xs)
        with self._model.lock:
            if self.direct is not None:
                first = self._sample(moments[0] if moments else None, self._past)
                return self._predict_row(first)[:horizon].tolist()
            return self._rolled(moments)

    def _rolled(self, moments: Sequence[Mapping[Hashable, Any]]) -> list[float]:
        """Forecast moment by moment, each forecast standing for the value in the next ones."""
        model, past = self._model, self._past.copy()
        forecasts = []
        with model.rolling():
            for x in moments:
                self._features.fill(self._sample(x, past), model.row)
                model.roll_one()
                forecasts.append(model.answer.item(0))
                past.append(forecasts[-1])
        return forecasts
