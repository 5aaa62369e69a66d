"""Blocks of samples of many keys, learnt in parallel over the keys."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from streamrnn.bank import Bank
from streamrnn.estimators.blockwise import Blockwise
from streamrnn.estimators.keys import checked_times, key_names, taken, taken_keys, without
from streamrnn.parallel import available_cores
from streamrnn.population import Population
from streamrnn.routing import check_ready


class KeyedBlocks:
    """How a `KeyedModel` takes blocks."""

    key: Any
    ttl: Any
    time: Any
    n_threads: int | None
    backend: str
    _bank: Bank
    _population: Population
    _estimator: Blockwise

    def replay(
        self,
        keys: Sequence[Hashable] | None,
        X: Any,
        y: Sequence[Any],
        features: Sequence[Hashable] | None = None,
        times: Sequence[Any] | None = None,
        w: Sequence[float] | None = None,
        learn: bool = True,
    ) -> np.ndarray:
        """Predict and learn from a block of samples of many keys, in parallel over the keys.

        With ``weights="own"`` the same bits as ``predict_one`` and ``learn_one`` over the rows.

        Parameters
        ----------
        keys
            Key of each row, (T,). None takes the column `key` of a data frame.
        X
            Array of shape (T, n), or a data frame; NaN is a missing value.
        y
            Targets or labels, (T,); None and NaN are missing.
        features
            Names of the columns of an array, 0, 1, ... by default; for a data frame, which columns
            to take, by default all but `key` and `time`.
        times
            Time of each row, (T,), if `ttl` goes by `time`. None takes that column of a data frame.
        w
            Weights of the samples, (T,), 1 by default.
        learn
            False: nothing is learnt, as the estimator's own ``replay`` says; keys without a model
            get none, and are answered for by a new one.

        Returns
        -------
        numpy.ndarray
            Predictions, (T,), each made before its row was learnt from, as the estimator's own
            ``replay`` returns them.

        Raises
        ------
        ValueError, TypeError
            If the arguments do not fit together, a row has no key, or a value is of the wrong kind;
            nothing has changed then.
        OSError
            If a model cannot be taken to disk or brought back.
        DeviceError
            If there is no device for ``backend="cuda"``, and nothing has changed then; or if it
            fails, and the models are as they were when they were last needed on the CPU.
        """
        backend = self.backend
        if self._bank.backend != backend:
            check_ready(backend)
        listed = taken_keys(keys, X, self.key)
        by_time = self.ttl is not None and self.time is not None
        given = checked_times(taken(times, X, self.time, "times"), self.ttl) if by_time else None
        if features is None:
            X = without(X, (*key_names(self.key), self.time))
        with self._bank.lock:
            population, start = self._population, self._population.samples
            stamps = range(start, start + len(listed)) if given is None else given
            n_threads = self.n_threads or available_cores()
            if not learn:

                def observe(X: np.ndarray, Y: np.ndarray, out: np.ndarray) -> None:
                    population.observe_rows(listed, stamps, X, Y, out, n_threads, backend)

                return self._estimator._observe(X, y, features, observe, w)
            if listed:
                population.look(listed[0], stamps[0])

            def run(
                first: int, X: np.ndarray, Y: np.ndarray, out: np.ndarray, learning: bool
            ) -> None:
                rows = slice(first, first + len(X))
                if learning:
                    part = listed[rows], stamps[rows]
                    population.learn_rows(*part, X, Y, out, n_threads, backend)
                elif len(X):
                    population.look(listed[first], stamps[first])
                    self._bank.run(X, Y, out, False)

            return self._estimator._replay(X, y, features, run, w)
