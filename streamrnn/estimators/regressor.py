"""A recurrent regressor for River."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from river import base

from streamrnn.estimators.base import RecurrentEstimator, Runner
from streamrnn.estimators.blocks import length, numbers, weighted
from streamrnn.estimators.features import target
from streamrnn.estimators.parameters import documented


@documented(
    '``"squared"``, ``"absolute"``, ``"huber"``, ``"quantile"``',
    example="Quantile(q=0.9)",
    scale_target=True,
)
class RNNRegressor(RecurrentEstimator, base.Regressor):
    """Recurrent network that learns a number from each sample of a stream as it arrives.

    {parameters}

    Examples
    --------
    >>> from river import datasets, evaluate, metrics
    >>> from streamrnn import RNNRegressor
    >>> model = RNNRegressor(hidden_size=16, truncation=16, lr=0.01)  # a short stream
    >>> metric = evaluate.progressive_val_score(datasets.TrumpApproval(), model, metrics.MAE())
    >>> metric.get() < 0.6  # the mean of the target so far: 1.57
    True
    """

    _task = "regression"

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
        dtype: str = "float32",
        seed: int | None = 42,
    ) -> None:
        self._keep_arguments(locals())
        self._build(scale_target=bool(scale_target))

    def predict_one(self, x: Mapping[Hashable, Any]) -> float:
        """Predict the target of the sample that follows those learnt from. Changes nothing.

        Parameters
        ----------
        x
            Features by name. New ones are ignored; missing, None and NaN ones count as their mean.

        Returns
        -------
        float
            The prediction, in the target's units.

        Raises
        ------
        TypeError
            If a feature is no number.
        """
        with self._model.lock:
            return self._predict_row(x).item(0)

    def learn_one(self, x: Mapping[Hashable, Any], y: float | None) -> None:
        """Advance the hidden state by one step, then learn.

        Parameters
        ----------
        x
            Features by name. New ones get a column of small seeded weights.
        y
            Target. If it is None, not finite or, where `scale_target` is off, beyond 1e10, the
            state advances and nothing is learnt from this sample.

        Raises
        ------
        TypeError
            If a feature or the target is no number; nothing has changed then.
        """
        value = target(y)
        with self._model.lock:
            self._accept(x)
            self._learn_accepted(value)

    def _check_target(self, y: float | None) -> None:
        target(y)

    def replay(
        self, X: Any, y: Sequence[float | None], features: Sequence[Hashable] | None = None
    ) -> np.ndarray:
        """Predict and learn from a block of samples in one compiled call.

        The same bits as ``predict_one`` and ``learn_one`` over the rows, without the cost of calls.

        Parameters
        ----------
        X
            Array of shape (T, n), or a data frame; NaN is a missing value.
        y
            Targets, (T,); None and NaN are missing.
        features
            Names of the columns of an array, 0, 1, ... by default; for a data frame, which columns
            to take.

        Returns
        -------
        numpy.ndarray
            Predictions, (T,), each made before its row was learnt from.

        Raises
        ------
        ValueError
            If X, y and features do not fit together.
        TypeError
            If a value is no number.
        """
        with self._model.lock:
            return self._replay(X, y, features, self._model.run_from)

    def _replay(
        self,
        X: Any,
        y: Sequence[float | None],
        features: Sequence[Hashable] | None,
        run: Runner,
    ) -> np.ndarray:
        targets = numbers(y, length(X))
        rows, before = self._block(X, features)
        out = np.empty((len(rows), 1))
        run(0, rows, weighted(targets), out, True)
        if before is not None:
            out[0] = before
        return out[:, 0]

    def set_weights(
        self, weights: Mapping[str, np.ndarray], features: Sequence[Hashable] | None = None
    ) -> None:
        """Take over weights with PyTorch's names and in its layout.

        What the network sees is scaled inside the model; weights trained on other scales want
        ``scale_inputs=False`` and ``scale_target=False``.

        Parameters
        ----------
        weights
            As `get_weights` returns them.
        features
            Names of the columns of ``weight_ih_l0``, for a model that has seen no sample. Without
            them the columns go to the features in the order in which they appear, sorted by name
            where several appear at once.

        Raises
        ------
        ValueError
            If names or shapes do not fit, or values are not finite; nothing has changed then.
        """
        with self._model.lock:
            self._put_weights(weights, features, n_outputs=1)
