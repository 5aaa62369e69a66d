"""Concept drift: a detector from River watches the errors, and something is done as they grow."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from river import base

from streamrnn._checks import check_choice, check_number
from streamrnn.estimators.errors import Distances, Mistakes

#: What River knows: detectors of numbers, and those of right and wrong.
DETECTORS = (base.DriftDetector, base.BinaryDriftDetector)

#: Whether errors grew is told by two running means of about this many samples. The longer one must
#: have forgotten a model's first learning, which many detectors do not report.
_RECENT, _BEFORE = 30, 200

#: River says that this one gets a 1 for an error, but it reports that its values fall.
_FED_WITH_RIGHT = "FHDDM"


@dataclass(frozen=True)
class RaiseLearningRate:
    """Learn faster for a while after a drift: the action ``"raise_lr"``.

    The learning rate is multiplied by `factor`, which then halves every `half_life` samples until
    it is 1 again. A further drift starts it anew.

    Parameters
    ----------
    factor
        Multiplies the learning rate at first; at least 1. With ADWIN on six synthetic streams with
        abrupt drifts and two real ones, medians over five seeds, 3 changed the mean error by -12 to
        +3 %, and 10 with a half-life of 50 by -22 to +11 %.
    half_life
        Samples with a known target after which the factor has halved; more than 0. 150 was better
        than 50 on all synthetic streams where ADWIN found something, and worse on the real ones.

    Raises
    ------
    ValueError, TypeError
        If a parameter is out of range or no number.

    Examples
    --------
    >>> from streamrnn import RaiseLearningRate
    >>> action = RaiseLearningRate(factor=4, half_life=100)
    >>> [action.factor_after(n) for n in (0, 100, 200, 300)]
    [4.0, 2.0, 1.0, 1.0]
    """

    factor: float = 3.0
    half_life: float = 150.0

    def __post_init__(self) -> None:
        check_number("factor", self.factor, 1.0)
        check_number("half_life", self.half_life, 0.0, above=True)

    def factor_after(self, n_samples: int) -> float:
        """Return what multiplies the learning rate `n_samples` after the drift."""
        return max(1.0, self.factor * 0.5 ** (n_samples / self.half_life))


def _reset_optimizer(estimator: Any) -> None:
    estimator._model.reset_optimizer()


def _reset_state(estimator: Any) -> None:
    estimator.reset_state()


#: The actions that have a name.
ACTIONS: dict[str, RaiseLearningRate | Callable[[Any], Any]] = {
    "raise_lr": RaiseLearningRate(),
    "reset_optimizer": _reset_optimizer,
    "reset_state": _reset_state,
}


class DriftWatch:
    """Feeds a detector with an estimator's errors, and acts when it finds that they grew.

    A change after which the errors are smaller, such as a model's first learning, is counted and
    not acted on: most detectors report it too.

    Parameters
    ----------
    detector
        Any drift detector of River. It is cloned, so what is given stays as it is.
    action
        What to do on a drift: ``"raise_lr"`` (see `RaiseLearningRate`, which can be given too),
        ``"reset_optimizer"``, ``"reset_state"``, or a function that is called with the estimator.
        What that raises reaches whoever was learning; the drift is counted then. On the streams of
        `RaiseLearningRate`, resetting the state changed the mean error by -9 to 0 %, resetting the
        optimizer by -13 to +6 %.
    errors
        How wrong a prediction is: `Mistakes` or `Distances`.

    Raises
    ------
    ValueError
        If the action is unknown, or a detector of right and wrong is to watch distances.
    TypeError
        If `detector` is none, or `action` is a class or can neither be looked up nor called.
    """

    def __init__(self, detector: Any, action: Any, errors: Mistakes | Distances) -> None:
        check_detector(detector, isinstance(errors, Mistakes))
        self._action = checked_action(action)
        self._detector = copy.deepcopy(detector).clone()  # cloning may draw a number from it
        self._is_binary = isinstance(detector, base.BinaryDriftDetector)
        self._errors = errors
        self._n, self._recent, self._before = 0, 0.0, 0.0  # means of errors, see _keep
        self._raised: RaiseLearningRate | None = None  # while the learning rate is raised
        self._since = 0  # samples since it was
        self.drifts = 0
        self.improvements = 0
        self.last_drift: int | None = None

    @property
    def counters(self) -> dict[str, int]:
        """Number of ``drifts`` (the errors grew) and ``improvements`` (they fell)."""
        return {"drifts": self.drifts, "improvements": self.improvements}

    def saw(self, goal: Any, guess: Any, estimator: Any) -> None:
        """Take in how wrong a prediction was; act if that makes a drift.

        To be called after learning from a sample, by whoever holds the model's lock.

        Parameters
        ----------
        goal
            The targets as numbers, (targets,). Nothing is learnt from NaN, a missing one.
        guess
            What was predicted before learning from the sample, (targets,).
        estimator
            Whose prediction it was.
        """
        error = self._errors(goal, guess)
        if not math.isfinite(error):
            return
        if self._raised is not None:
            self._follow(self._raised, estimator)
        self._keep(error)
        self._detector.update(self._fed(error))
        if self._detector.drift_detected:
            self._on_change(estimator)

    def _fed(self, error: float) -> float | bool:
        """Return what the detector gets of an error."""
        if not self._is_binary:
            return error
        # By name: River's detectors bring its data sets along, a second that others need not wait.
        is_fed_with_right = any(
            kind.__name__ == _FED_WITH_RIGHT and kind.__module__.startswith("river.")
            for kind in type(self._detector).__mro__
        )
        return (error > 0.0) != is_fed_with_right

    def _keep(self, error: float) -> None:
        """Keep the mean error of the last few samples, and of some more."""
        self._n = n = self._n + 1
        self._recent += (error - self._recent) / (n if n < _RECENT else _RECENT)
        self._before += (error - self._before) / (n if n < _BEFORE else _BEFORE)

    def _on_change(self, estimator: Any) -> None:
        if self._recent < self._before:
            self.improvements += 1
            return
        self.drifts += 1
        self.last_drift = estimator.counters["samples"]
        if isinstance(self._action, RaiseLearningRate):
            self._since = -1
            self._follow(self._action, estimator)
        else:
            self._action(estimator)

    def _follow(self, raised: RaiseLearningRate, estimator: Any) -> None:
        """Set the learning rate for the next sample."""
        self._since += 1
        factor = raised.factor_after(self._since)
        estimator._model.rate_factor = factor
        self._raised = raised if factor > 1.0 else None

    def state(self) -> dict[str, Any]:
        """Return all that was learnt, as plain data and a copy of the detector."""
        return {
            "detector": copy.deepcopy(self._detector),
            "targets": self._errors.state(),
            "errors": (self._n, self._recent, self._before),
            "raised_since": None if self._raised is None else self._since,
            "drifts": self.drifts,
            "improvements": self.improvements,
            "last_drift": self.last_drift,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` returned, of a watch with the same arguments.

        Raises
        ------
        ValueError
            If parts are missing or unknown, or the detector is of another class; nothing has
            changed then.
        """
        own = self.state()
        if state.keys() != own.keys():
            raise ValueError(f"a drift watch has {sorted(own)}, got {sorted(state)}")
        if type(state["detector"]) is not type(self._detector):
            raise ValueError(
                f"the detector is a {type(self._detector).__name__}, got {state['detector']!r}"
            )
        n, recent, before = state["errors"]
        self._errors.restore(state["targets"])
        self._detector = copy.deepcopy(state["detector"])
        self._n, self._recent, self._before = n, recent, before
        since = state["raised_since"]
        if since is not None and isinstance(self._action, RaiseLearningRate):
            self._raised, self._since = self._action, since
        else:
            self._raised, self._since = None, 0
        self.drifts, self.improvements = state["drifts"], state["improvements"]
        self.last_drift = state["last_drift"]


def watch_for(detector: Any, action: Any, is_classification: bool) -> DriftWatch | None:
    """Return what an estimator with these arguments holds: None without a detector.

    Raises
    ------
    ValueError, TypeError
        As `DriftWatch` does; the action is checked without a detector, too.
    """
    checked_action(action)
    if detector is None:
        return None
    return DriftWatch(detector, action, Mistakes() if is_classification else Distances())


def check_detector(detector: Any, is_classification: bool) -> None:
    """Raise unless `detector` can watch the errors of the task."""
    if isinstance(detector, type) and issubclass(detector, DETECTORS):
        raise TypeError(f"drift_detector is the class {detector.__name__}: give an object of it")
    if not isinstance(detector, DETECTORS):
        raise TypeError(
            f"drift_detector must be a drift detector of River, such as drift.ADWIN(), got "
            f"{detector!r} of type {type(detector).__name__}"
        )
    if isinstance(detector, base.BinaryDriftDetector) and not is_classification:
        raise ValueError(
            f"drift_detector={type(detector).__name__} tells right from wrong, and a regression "
            "is neither: take one for numbers, such as drift.ADWIN()"
        )


def checked_action(action: Any) -> RaiseLearningRate | Callable[[Any], Any]:
    """Return what to do on a drift; raise unless `action` says it."""
    if isinstance(action, str):
        check_choice("drift_action", action, tuple(ACTIONS))
        return ACTIONS[action]
    if isinstance(action, type):
        raise TypeError(f"drift_action is the class {action.__name__}: give an object of it")
    if not isinstance(action, RaiseLearningRate) and not callable(action):
        raise TypeError(
            f"drift_action must be one of {', '.join(ACTIONS)}, a RaiseLearningRate or a function "
            f"of the estimator, got {action!r} of type {type(action).__name__}"
        )
    return action
