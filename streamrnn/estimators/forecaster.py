"""A recurrent forecaster for River: the next values of a series, one or many steps ahead."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from river.time_series.base import Forecaster

from streamrnn._checks import check_count
from streamrnn.blueprint import Blueprint
from streamrnn.estimators.arguments import blueprint_of
from streamrnn.estimators.base import RecurrentEstimator
from streamrnn.estimators.cycles import checked_cycles, with_cycles
from streamrnn.estimators.features import FeatureIndex, check_sample, target
from streamrnn.estimators.outline import count, only
from streamrnn.estimators.outputs.number import Number
from streamrnn.estimators.parameters import documented
from streamrnn.estimators.past import Past, listed
from streamrnn.heads.rls import RLS
from streamrnn.scaling import LIMIT, UNSCALED_LIMIT

#: Two days of an hourly series, and four years of a monthly one; all may matter alike.
_HEAD = RLS(lags=48, ridge=30.0, decay=0.0)


@documented(
    '``"huber"`` (the default: a jump pulls no harder than a bad guess), ``"squared"``,\n'
    '        ``"absolute"``, ``"quantile"``',
    example="Quantile(q=0.9)",
    scale_target=True,
    supervised=False,
)
class RNNForecaster(RecurrentEstimator, Forecaster):
    """Recurrent network that forecasts a series, and learns from each of its values as it comes.

    A step of the network sees earlier values (`lags`) and what is known of the moment (`x`), and
    predicts the value of that moment. Forecasts further ahead are made recursively, each standing
    for the value in the steps after it, or all at once (`direct`); Taieb et al. 2012 compare the
    two.

    Neither a scaler nor an encoder of dates is needed in front.

    {parameters}
    lags
        Which earlier values are inputs of the network, 1 being the last: (1, 168) for an hourly
        series with a weekly season. The default is the last alone, since the hidden state remembers
        more, and the default head reads the last 48 changes itself. () is for a series that `x`
        explains. Lags do not count towards `max_features`.
    direct
        None, the default: forecasts of any horizon, made recursively. A number: the network
        predicts that many values at once. Errors do not pile up, but a step learns only when the
        last of these values is there, and of `xs` it sees the first alone. For quantiles: made
        recursively, they would stand for values.
    calendar
        Which cycles of each date or datetime in `x` become inputs, as sines and cosines: of
        ``"day"``, ``"week"``, ``"year"``, each by its name, or with the number of its harmonics:
        ``("day", 12)``, the default, has waves of 24, 12, 8 ... 2 hours. The time of day is that of
        the clock in `x`. Dates and datetimes are no inputs otherwise.

    {raises}

    Notes
    -----
    River's ``evaluate.evaluate`` asks for forecasts before the model is told the current value, and
    compares them with the values after it: every model is judged as if it forecast one moment too
    early.

    References
    ----------
    Taieb, Bontempi, Atiya, Sorjamaa 2012, A review and comparison of strategies for multi-step
    ahead time series forecasting, Expert Systems with Applications 39(8).

    Examples
    --------
    >>> import datetime
    >>> from streamrnn import RNNForecaster
    >>> model = RNNForecaster(hidden_size=8, truncation=8)
    >>> hours = [datetime.datetime(2024, 1, 1) + datetime.timedelta(hours=t) for t in range(2030)]
    >>> for hour in hours[:2028]:
    ...     model.learn_one(20.0 if 8 <= hour.hour < 18 else 10.0, {"time": hour})
    >>> [hour.hour for hour in hours[2028:]]
    [12, 13]
    >>> [round(y) for y in model.forecast(2, [{"time": hour} for hour in hours[2028:]])]
    [20, 20]
    """

    def __init__(
        self,
        cell: Any = "lstm",
        hidden_size: int = 32,
        num_layers: int = 1,
        truncation: int = 48,
        update_every: int = 1,
        loss_window: int = 1,
        activations: Any = "stored",
        optimizer: Any = "adam",
        lr: Any = None,
        clip_norm: float | str | None = 1.0,
        clip_value: float | None = None,
        clip_units: float | None = None,
        l2: float = 0.0,
        l1: float = 0.0,
        weight_decay: float | None = None,
        l2_init: float = 0.0,
        shrink: float = 0.0,
        perturb: float = 0.0,
        loss: Any = "huber",
        head: Any = _HEAD,
        init: str = "default",
        scale_inputs: bool = True,
        scale_target: bool = True,
        scale_clip: float | None = 4.0,
        scale_memory: int | None = None,
        predict_change: bool = True,
        max_features: int | None = 1000,
        lags: tuple[int, ...] = (1,),
        direct: int | None = None,
        calendar: tuple[Any, ...] = (("day", 12), ("week", 3), ("year", 1)),
        dtype: str = "float32",
        seed: int | None = 42,
    ) -> None:
        self._keep_arguments(locals())
        self._build()

    def _prepare(self) -> None:
        if self.direct is not None:
            check_count("direct", self.direct, 1)
        self._cycles = checked_cycles(self.calendar)
        #: The last values; where one is unknown, what was predicted.
        self._past = Past(self.lags)
        super()._prepare()
        self._features = FeatureIndex(limit=self.max_features, own=self._past.names)
        #: The values that the oldest step still to learn is to predict, NaN where one is unknown.
        self._targets: deque[float] = deque(maxlen=self._n_steps)
        self._n_unknown = 0

    def _build(self) -> None:
        super()._build()
        self._model.grow(len(self._past.names), self._model.sizes.n_outputs)

    @property
    def _n_steps(self) -> int:
        """Values that the network predicts at once."""
        return self.direct or 1

    def _new_outputs(self) -> Number:
        return Number(self._n_steps)

    def _blueprint(self, seed: int | None = None) -> Blueprint:
        """Return what the model is made of.

        A direct forecast's targets are complete some steps later: the ring is longer by so many.
        """
        n = self._n_steps
        return blueprint_of(self, (self._outputs.task,), n, seed, delay=n - 1, is_series=n > 1)

    def _kept_state(self) -> dict[str, Any]:
        targets = list(self._targets)
        return {"past": self._past.values, "targets": targets, "n_unknown": self._n_unknown}

    def _restore_state(self, kept: dict[str, Any]) -> None:
        past, targets, n_unknown = only(kept, "past", "targets", "n_unknown")
        for value in past:
            self._past.append(target(value))
        self._targets.extend(target(value) for value in targets)
        self._n_unknown = count(n_unknown, "unknown values")

    def _sample(self, x: Mapping[Hashable, Any] | None, past: Past) -> dict:
        """Return the inputs of a step: features of the moment, its calendar, the values before."""
        if x is None:
            sample = {}
        else:
            check_sample(x)
            sample = with_cycles(x, self._cycles)
        past.put(sample)
        return sample

    def learn_one(self, y: float | None, x: Mapping[Hashable, Any] | None = None) -> None:
        """Advance the hidden state by one step, then learn.

        Parameters
        ----------
        y
            The series' value. If it is unknown (None, NaN, infinite or beyond 1e100; 1e10 without
            `scale_target`), nothing is learnt from it, and what was predicted stands for it as a
            lag.
        x
            What else is known of its moment, by name: numbers, dates and datetimes. New features
            get a column of small seeded weights; missing ones count as their mean. ``("lag", n)``
            is the name of a lag.

        Raises
        ------
        TypeError
            If the value or a feature is of the wrong type; nothing has changed then.
        """
        value, model = self._number(y), self._model
        with model.lock:
            self._accept(self._sample(x, self._past))
            self._targets.append(value)
            is_unknown = math.isnan(value)
            has_guess = is_unknown and self._has_learnt()
            self._step()
            if is_unknown:
                self._n_unknown += 1
            self._past.append(model.answer.item(0) if has_guess else value)

    def _number(self, y: Any) -> float:
        """Return a value of the series; NaN if it is unknown, or too large to work with."""
        value = target(y)
        return value if abs(value) <= (LIMIT if self.scale_target else UNSCALED_LIMIT) else math.nan

    def _has_learnt(self) -> bool:
        """Say whether any target was learnt; before, predictions are no guess."""
        counters = self._model.counters
        return counters["samples"] > counters["missing_targets"]

    def _step(self) -> None:
        """Take the step in the model's row; let that one learn whose targets are now complete."""
        model = self._model
        if self._n_steps == 1:
            self._put_targets()
            model.run_one(True)
            return
        model.advance_one()
        age = model.age_of(model.n_samples - (self._n_steps - 1))
        if age is not None:
            self._put_targets()
            model.label(age)

    def _put_targets(self) -> None:
        goal = self._model.goal
        for i, value in enumerate(self._targets):
            goal[i] = value
        goal[-1] = 1.0

    def forecast(
        self, horizon: int, xs: Iterable[Mapping[Hashable, Any]] | None = None
    ) -> list[float]:
        """Forecast the next values. Changes nothing.

        Parameters
        ----------
        horizon
            How many.
        xs
            What is known of each of these moments, as `learn_one` has it; new features are ignored.
            None: nothing is known, which leaves the calendar out, too.

        Returns
        -------
        list
            `horizon` numbers, in the series' units, the next one first.

        Raises
        ------
        ValueError
            If `horizon` is negative or more than `direct`, or `xs` are not as many.
        TypeError
            If `horizon` is no integer, `xs` are not several samples, or a feature is of the wrong
            type.

        Examples
        --------
        >>> from streamrnn import RNNForecaster
        >>> model = RNNForecaster(hidden_size=8, truncation=8, direct=3)
        >>> for t in range(1000):
        ...     model.learn_one(t % 4)
        >>> [round(y) for y in model.forecast(horizon=3)]
        [0, 1, 2]
        """
        check_count("horizon", horizon, 0)
        if self.direct is not None and horizon > self.direct:
            raise ValueError(
                f"horizon={horizon} is more than direct={self.direct}, the values that the network "
                "predicts"
            )
        moments = [None] * horizon if xs is None else listed(xs)
        if len(moments) != horizon:
            raise ValueError(f"xs must be as many as horizon={horizon}, got {len(moments)}")
        if not moments:
            return []
        with self._model.lock:
            if self.direct is None:
                return self._rolled(moments)
            answer = self._predict_row(self._sample(moments[0], self._past))
            return answer[:horizon].tolist()

    def _rolled(self, moments: Sequence[Mapping[Hashable, Any] | None]) -> list[float]:
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

    def reset_state(self) -> None:
        """Start again from a zero hidden state and no earlier values, as at a break in the series.

        What was learnt stays: weights, optimizer, scaling. Direct targets that are not complete are
        dropped, and with ``update_every > 1`` the losses since the last update.
        """
        with self._model.lock:
            super().reset_state()
            self._past.forget()

    @property
    def counters(self) -> dict[str, int]:
        """What was counted so far.

        ``samples`` learnt from or passed by, ``updates`` made, of these ``clipped``; updates
        ``skipped`` because the gradient was not finite; ``missing_values`` among the features
        (absent, None, NaN, infinite), lags from before the first value included;
        ``missing_targets``, values of the series that were unknown; ``state_resets`` because the
        state was not finite.
        """
        with self._model.lock:
            # The model's own count has the steps, too, whose targets are still to come.
            return {**self._model.counters, "missing_targets": self._n_unknown}
