"""Learning from samples with a target: one at a time, weighted, late, watched for drift."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from streamrnn._checks import check_number
from streamrnn.estimators.base import RecurrentEstimator
from streamrnn.estimators.drift import DriftWatch, watch_for
from streamrnn.estimators.events import Event, Events
from streamrnn.estimators.outline import only


class SupervisedEstimator(RecurrentEstimator):
    """Base of the estimators that learn a target from a sample."""

    lagged_target: bool
    drift_detector: Any
    drift_action: Any

    def _prepare(self) -> None:
        super()._prepare()
        self._events = Events()
        is_classification = self._outputs.task != "regression"
        self._watch = watch_for(self.drift_detector, self.drift_action, is_classification)

    @property
    def _supervised(self) -> bool:
        return True

    def learn_one(
        self, x: Mapping[Hashable, Any], y: Any = None, w: float = 1.0, t: Hashable | None = None
    ) -> None:
        """Advance the hidden state by one step, then learn.

        Parameters
        ----------
        x
            Features by name. New ones get a column of small seeded weights.
        y
            Target. If it is unknown (None, NaN, infinite), the state advances and nothing is learnt
            from this sample. What is new in it, a label or the name of a target, gets an output.
        w
            Weight of the sample in the loss, at least 0, where the state only advances. (River's
            trees and rules give it by its place, the third, to the models in their leaves.)
        t
            Id of the event, any hashable but None. The state advances when an event is first seen,
            by this method or in a prediction, and never again for the same one; its target then
            trains the step that it belongs to, for as long as that is among the last `truncation`
            ones, and is counted as late after that. None, the default: every call is a new event.

        Raises
        ------
        TypeError
            If a feature or the target is of the wrong kind; nothing has changed then.
        ValueError
            If the weight is negative or not finite, or the loss cannot tell that many labels apart;
            nothing has changed then.
        """
        if type(w) is not float or w != 1.0:
            check_number("w", w, 0.0)
        model = self._model
        with model.lock:
            if t is not None:
                event = self._events.get(t)
                if event is not None:
                    self._learn_late(t, event, y, w)
                    return
            is_known = self._outputs.put(y, model.goal)
            if not (self._features.fill(x, model.row) and is_known):
                self._make_room(x, y)
            model.goal[-1] = w
            model.run_one(True)
            if t is not None:
                self._remember(t, model.answer)
            if self._watch is not None:
                self._saw(self._watch, model.y[0], model.answer)

    def observe_one(self, x: Mapping[Hashable, Any], y: Any = None) -> None:
        """Advance the hidden state by one step and know the target; learn nothing.

        What `learn_one` would do for a model that is as it should be for ever: the state goes on,
        and a target that is known is the last one from then on, so far as predictions start from it
        or are told of it. Weights, the optimizer, scaling and the watch for drift stay as they are,
        and the sample never teaches later. Features, labels and names of targets that the model
        does not know are ignored.

        Parameters
        ----------
        x
            Features by name.
        y
            Target; None, NaN and infinite: it is not known.

        Raises
        ------
        TypeError
            If a feature or the target is of the wrong kind; nothing has changed then.

        Examples
        --------
        >>> from streamrnn import RNNRegressor
        >>> model = RNNRegressor(hidden_size=8)
        >>> for t in range(50):
        ...     model.learn_one({"phase": t % 2}, float(t % 2))
        >>> updates = model.counters["updates"]
        >>> model.observe_one({"phase": 0}, 0.0)
        >>> model.counters["samples"], model.counters["updates"] - updates
        (51, 0)
        """
        model = self._model
        with model.lock:
            self._outputs.put(y, model.goal)
            self._features.fill(x, model.row)
            model.goal[-1] = 1.0
            model.observe_one()

    def _make_room(self, x: Mapping[Hashable, Any], y: Any) -> None:
        """Check a sample that has something new; grow, and take it in. All or nothing."""
        new = self._unseen_outputs(y)
        self._accept(x)
        self._welcome(y, new)
        self._features.fill(x, self._model.row)

    def _welcome(self, y: Any, new: Sequence[Hashable]) -> None:
        """Give what is new in a target its outputs, and write the target to where they are."""
        if new:
            self._add_outputs(new)
        self._outputs.pass_over(y)
        self._outputs.put(y, self._model.goal)

    def _unseen_outputs(self, y: Any) -> list[Hashable]:
        """Return the names that are to get an output, in a target that the outputs have passed.

        Raises as `learn_one` does.
        """
        new = self._outputs.unseen(y)
        if new:
            self._n_outputs_with(new)
        return new

    def _check_sample(self, x: Mapping[Hashable, Any], y: Any, w: float) -> None:
        """Raise what `learn_one` would raise; change nothing."""
        check_number("w", w, 0.0)
        self._outputs.put(y, self._model.goal)
        self._unseen_outputs(y)
        self._checked(x)

    def _learn_late(self, t: Hashable, event: Event, y: Any, w: float) -> None:
        """Let a target train the step that it belongs to, if the window still has it."""
        model = self._model
        if not self._outputs.put(y, model.goal):
            self._welcome(y, self._unseen_outputs(y))
        goal = model.goal
        goal[-1] = w
        if w == 0.0 or all(value != value for value in goal[:-1]):
            return
        age = model.age_of(event.sample)
        if age is None:
            self._events.count_late(t, model.blueprint.shape.truncation)
            return
        model.label(age)
        if self._watch is not None:
            self._saw(self._watch, model.y[0], np.array(event.answer))

    def _saw(self, watch: DriftWatch, targets: np.ndarray, answer: np.ndarray) -> None:
        """Show what came, with its weight, and what was predicted to the watch for drift.

        A weight of 0 is that of a target which is not known.
        """
        if targets[-1] > 0.0:
            watch.saw(targets[:-1], self._outputs.guess(answer), self)

    def _predicted(self, x: Mapping[Hashable, Any], t: Hashable | None) -> np.ndarray:
        """Return the network's prediction; take the step if an event is seen for the first time."""
        return self._predict_row(x) if t is None else self._predict_event(x, t)

    def _predict_event(self, x: Mapping[Hashable, Any], t: Hashable) -> np.ndarray:
        """Return what was predicted for an event; if it is a new one, take its step."""
        event = self._events.get(t)
        if event is not None:
            return np.array(event.answer)
        answer = self._predict_row(x).copy()  # of the features that it knew so far
        self._accept(x)
        self._model.advance_one()
        self._remember(t, answer)
        return answer

    def _remember(self, t: Hashable, answer: np.ndarray) -> None:
        """Keep what was predicted for the event of the newest step: by the outputs of today."""
        known = answer[: self._outputs.n_answers]
        self._events.saw(t, self._model.n_samples, known)

    def _kept_state(self) -> dict[str, Any]:
        watched = None if self._watch is None else self._watch.state()
        return {"events": self._events.kept(), "watch": watched}

    def _restore_state(self, kept: dict[str, Any]) -> None:
        events, watched = only(kept, "events", "watch")
        self._events.restore(events)
        if (watched is None) != (self._watch is None):
            raise ValueError("a watch for drift goes with a drift_detector")
        if self._watch is not None:
            self._watch.restore(watched)

    @property
    def counters(self) -> dict[str, int]:
        """What was counted so far.

        ``samples`` learnt from or passed by, ``updates`` made, of these ``clipped``; updates
        ``skipped`` because the gradient was not finite; ``missing_values`` among the features
        (absent, None, NaN, infinite); ``missing_targets``; ``state_resets`` because the state was
        not finite; ``late_targets`` of events that had left the window; ``drifts`` and
        ``improvements`` that the `drift_detector` found: errors that grew, or fell.
        """
        with self._model.lock:
            watched = {"drifts": 0, "improvements": 0}
            if self._watch is not None:
                watched = self._watch.counters
            return {
                **self._model.counters,
                "late_targets": self._events.late_targets,
                **watched,
            }
