"""Steps that a model takes otherwise than by learning: for late targets, observing, and rolling."""

from __future__ import annotations

import abc
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from streamrnn.learner import ADVANCE, LABEL, OBSERVE, ROLL
from streamrnn.statistics import FILLED, SAMPLES


class Onward(abc.ABC):
    """Takes steps with the one sample in ``x``, ``y`` and ``out``; `Running` runs them."""

    statistics: np.ndarray
    y: np.ndarray
    _rolling = 0

    @abc.abstractmethod
    def _do_one(self, task: int, age: int = 0) -> None:
        """Do any task with the one sample in ``x``, ``y`` and ``out``."""

    @property
    @abc.abstractmethod
    def _halves(self) -> tuple[np.ndarray, np.ndarray]:
        """Views of the arena's halves."""

    # --- targets that come late

    def advance_one(self) -> None:
        """Predict the sample in ``x`` and take its step; its target will come later, by `label`.

        With ``update_every=1`` this is `run_one` with a target that is not known. Otherwise it
        makes no update, which waits for the target of the ``update_every``-th sample.
        """
        self.y[:, :-1] = np.nan
        self._do_one(ADVANCE)

    @property
    def n_samples(self) -> int:
        """How many steps were taken: the counter ``samples``."""
        return int(self.statistics[SAMPLES])

    def age_of(self, serial: int) -> int | None:
        """Return how many steps ago a sample was, or None if it has left the window.

        Parameters
        ----------
        serial
            What the counter ``samples`` was after its step.
        """
        age = self.n_samples - serial
        return age if 0 <= age < self.statistics[FILLED] else None

    def label(self, age: int) -> None:
        """Learn from the target in ``y``, which is that of an old step; there is no new one.

        It is scaled as if it had come with the newest sample. If an update is due with that step,
        the gradient goes back from there over what the window still has, so `advance_one` and
        ``label(0)`` give the bits of `run_one`. A target that is not known changes nothing; one for
        a step that has a target takes its place.

        Parameters
        ----------
        age
            How many steps before the newest one, as `age_of` returns it.

        Raises
        ------
        ValueError
            If there is no such step in the window.
        """
        filled = int(self.statistics[FILLED])
        if not 0 <= age < filled:
            raise ValueError(f"age={age!r}, but the window holds the newest {filled} steps")
        self._do_one(LABEL, age)

    # --- knowing without learning

    def observe_one(self) -> None:
        """Predict the sample in ``x``, take its step, and know the target in ``y``; learn nothing.

        The state, the window and what is known of targets go on; weights, what heads learn by
        themselves, the optimizer, all moments and the shrinkage stay. The sample never teaches
        later, either: in a window of several losses it has none, and an update that would have been
        due with it is left out. A target of weight 0 is not known.
        """
        self._do_one(OBSERVE)

    # --- rolling forward

    @contextmanager
    def rolling(self) -> Iterator[None]:
        """Let `roll_one` go forward without learning; at the end the model is as it was.

        Nothing else may be done with the model meanwhile but to predict: its state is not that
        after the newest sample.
        """
        _, own = self._halves
        kept, counted = own.copy(), self.statistics.copy()
        self._rolling += 1
        try:
            yield
        finally:
            self._rolling -= 1
            own[:] = kept
            self.statistics[:] = counted

    def roll_one(self) -> None:
        """Predict the sample in ``x``, and go on as if its target were what was predicted.

        Nothing is learnt, and all is as it was after the end of `rolling`. A state that is not
        finite starts again from zero, as in learning.

        Raises
        ------
        RuntimeError
            Outside of `rolling`.
        """
        if not self._rolling:
            raise RuntimeError("roll_one() is for `with model.rolling():`, which undoes it")
        self._do_one(ROLL)
