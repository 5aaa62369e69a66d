"""Learning from and predicting blocks of samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Any

import numpy as np

from streamrnn.estimators import blocks, frames
from streamrnn.estimators.drift import DriftWatch
from streamrnn.estimators.supervised import SupervisedEstimator
from streamrnn.estimators.travel import Importing
from streamrnn.learner import LEARN, OBSERVE, PREDICT
from streamrnn.routing import check_backend, check_ready, run_block

#: What lets rows of a block predict and learn: the place of the first one in the block, then the
#: arguments of `Model.run`.
Runner = Callable[[int, np.ndarray, np.ndarray, np.ndarray, bool], None]

#: What predicts rows of a block and takes their steps: the arguments of `Model.observe`.
Observer = Callable[[np.ndarray, np.ndarray, np.ndarray], None]


class Blockwise(SupervisedEstimator, Importing):
    """Base of the estimators that take blocks."""

    def replay(
        self,
        X: Any,
        y: Any,
        features: Sequence[Hashable] | None = None,
        w: Sequence[float] | None = None,
        learn: bool = True,
        backend: str = "cpu",
    ) -> np.ndarray:
        """Predict and learn from a block of samples in one compiled call.

        What ``predict_one`` would say, followed by ``learn_one`` over the rows,
        and the same bits in the model, without the cost of calls. (With a `drift_detector` the rows
        are passed one by one.)

        Parameters
        ----------
        X
            Array of shape (T, n), or a data frame; NaN is a missing value.
        y
            Targets, (T,); None and NaN are missing. Of several targets by name: a data frame, or a
            dict of columns.
        features
            Names of the columns of an array, 0, 1, ... by default; for a data frame, which columns
            to take.
        w
            Weights of the samples, (T,), 1 by default.
        learn
            False: as ``predict_one`` followed by `observe_one`. The state moves, targets that come
            are known as the last ones, and nothing is learnt: weights, the optimizer and scaling
            stay. Features, labels and names of targets that the model does not know are ignored; a
            target of weight 0 is not known; and `y` may be None, if no target is known.
        backend
            ``"cpu"``, the default; ``"cuda"``, an NVIDIA GPU (``pip install 'streamrnn[cuda]'``);
            or ``"auto"``: the device, if it was found to be faster on the first rows of much work.
            A single stream gains nothing there below some hundred units; many streams do, see
            `KeyedModel`. The numbers are those of the CPU but for rounding. A row alone stays on
            the CPU, and with a `drift_detector`, which looks at each row, ``"auto"`` does, too.

        Returns
        -------
        numpy.ndarray
            Predictions, (T,), each made before its row was learnt from: numbers, or labels (dtype
            object, None before the first). Of several targets (T, targets), in the order of
            ``target_names``; of several labels at once the probabilities that they hold, (T,
            labels), in the order of ``labels``. NaN before there was such a target or label.

        Raises
        ------
        ValueError
            If X, y, features and w do not fit together, or a weight is negative or not finite.
        TypeError
            If a value is of the wrong kind.
        DeviceError
            If there is no device for ``"cuda"``, and nothing has changed then; or if it fails, and
            the model is as it was before the rows that it had just been given.
        """
        backend = self._checked_backend(backend)
        with self._model.lock:
            if not learn:
                return self._observe(X, y, features, self._observer(backend), w)
            return self._replay(X, y, features, self._runner(backend), w)

    def _checked_backend(self, backend: str) -> str:
        """Return where a block runs; raise unless it can."""
        check_backend(backend)
        if self._watch is not None and backend != "cpu":
            if backend == "cuda":
                raise ValueError(
                    "backend='cuda' does not go with a drift_detector, which looks at each row "
                    "before the next: use backend='cpu'"
                )
            return "cpu"
        check_ready(backend)
        return backend

    def _observer(self, backend: str) -> Observer:
        """Return what takes steps on a backend."""
        if backend == "cpu":
            return self._model.observe
        return partial(run_block, self._model, backend, OBSERVE)

    def _runner(self, backend: str) -> Runner:
        """Return what learns on a backend."""
        if backend == "cpu":
            return self._model.run_from

        def run(first: int, X: np.ndarray, Y: np.ndarray, out: np.ndarray, learning: bool) -> None:
            run_block(self._model, backend, LEARN if learning else PREDICT, X, Y, out)

        return run

    def _observe(
        self,
        X: Any,
        y: Any,
        features: Sequence[Hashable] | None,
        observe: Observer,
        w: Sequence[float] | None,
    ) -> np.ndarray:
        """Do as `replay` does that learns nothing, through `observe`."""
        n, outputs, model = blocks.length(X), self._outputs, self._model
        targets = np.full((n, model.sizes.n_targets), math.nan)
        known = outputs.known(y, n)
        targets[:, : known.shape[1]] = known
        goals = blocks.weighted(targets, blocks.weights(w, n))
        rows = self._lined_up(*blocks.columns(X, features, set(self._features.names)))
        out = np.zeros((n, model.n_columns))
        observe(rows, goals, out)
        return outputs.answers(out[:, : outputs.n_answers])

    def _replay(
        self,
        X: Any,
        y: Any,
        features: Sequence[Hashable] | None,
        run: Runner,
        w: Sequence[float] | None = None,
    ) -> np.ndarray:
        """Do as `replay` does, through `run`."""
        n, outputs = blocks.length(X), self._outputs
        block = outputs.block(y, n)
        weights = blocks.weights(w, n)
        self._n_outputs_with([name for names in block.arrivals.values() for name in names])
        n_before = outputs.n_answers
        rows, before = self._block(X, features)
        for name in block.excess:
            outputs.limit.warn(name)
        if self._watch is not None:
            run = self._watched(run, self._watch)
        width = n_before + sum(map(len, block.arrivals.values()))
        out = np.full((n, width), outputs.blank)
        start = 0
        for row, names in block.arrivals.items():
            self._run_rows(start, row, rows, block.targets, weights, out, run, True)
            # As `predict_one`, then `learn_one` with a target that has something new.
            self._run_rows(row, row + 1, rows, block.targets, weights, out, run, False)
            predicted = out[row].copy()
            self._add_outputs(names)
            self._run_rows(row, row + 1, rows, block.targets, weights, out, run, True)
            out[row] = predicted
            start = row + 1
        self._run_rows(start, n, rows, block.targets, weights, out, run, True)
        if before is not None:
            out[0] = outputs.blank
            out[0, :n_before] = before[:n_before]
        return outputs.answers(out)

    def _run_rows(
        self,
        start: int,
        stop: int,
        rows: np.ndarray,
        targets: np.ndarray,
        weights: np.ndarray,
        out: np.ndarray,
        run: Runner,
        learning: bool,
    ) -> None:
        """Run rows that need no further outputs; write what the outputs there are predict."""
        part, model = slice(start, stop), self._model
        goals = blocks.weighted(targets[part, : model.sizes.n_targets], weights[part])
        answers = np.zeros((stop - start, model.n_columns))
        run(start, rows[part], goals, answers, learning)
        n = self._outputs.n_answers
        out[part, :n] = answers[:, :n]

    def _watched(self, run: Runner, watch: DriftWatch) -> Runner:
        """Pass rows one by one, each of which may set off what is done about drift."""

        def run_each(
            first: int, X: np.ndarray, Y: np.ndarray, out: np.ndarray, learning: bool
        ) -> None:
            if not learning:
                run(first, X, Y, out, learning)
                return
            for i in range(len(X)):
                one = slice(i, i + 1)
                run(first + i, X[one], Y[one], out[one], learning)
                self._saw(watch, Y[i], out[i])

        return run_each

    def learn_many(self, X: Any, y: Any, w: Sequence[float] | None = None) -> None:
        """Learn from the rows of a data frame in their order, as `learn_one` does.

        Parameters
        ----------
        X
            An eager data frame of any library that narwhals knows.
        y
            Targets, one a row; of several by name: a data frame, or a dict of columns.
        w
            Weights of the samples, (T,), 1 by default.

        Raises
        ------
        ValueError, TypeError
            As `replay` does; nothing has changed then.
        """
        self.replay(X, y, w=w)

    def _predicted_many(self, X: Any) -> tuple[Any, np.ndarray]:
        """Predict each row of a frame as the next sample: the state stays where it is."""
        frame = frames.opened(X)
        model = self._model
        with model.lock:
            rows = self._lined_up(*blocks.columns(X, None))
            goals = blocks.weighted(np.full((len(rows), model.sizes.n_targets), math.nan))
            out = np.zeros((len(rows), model.n_columns))
            model.run(rows, goals, out, False)
            return frame, out[:, : self._outputs.n_answers]
