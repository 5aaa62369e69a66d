"""A recurrent regressor for River."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from river import base

from streamrnn.estimators import frames
from streamrnn.estimators.blockwise import Blockwise
from streamrnn.estimators.outputs.number import Number
from streamrnn.estimators.parameters import documented


@documented(
    '``"huber"`` (the default: a jump pulls no harder than a bad guess), ``"squared"``,\n'
    '        ``"absolute"``, ``"quantile"``',
    example="Quantile(q=0.9)",
    scale_target=True,
)
class RNNRegressor(Blockwise, base.MiniBatchRegressor):
    """Recurrent network that learns a number from each sample of a stream as it arrives.

    {parameters}

    {raises}

    Examples
    --------
    >>> from river import datasets, evaluate, metrics
    >>> from streamrnn import RNNRegressor
    >>> model = RNNRegressor(hidden_size=16, truncation=16, lr=0.01)  # a short stream
    >>> metric = evaluate.progressive_val_score(datasets.TrumpApproval(), model, metrics.MAE())
    >>> metric.get() < 0.6  # the mean of the target so far: 1.57
    True
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
        head: Any = "rls",
        init: str = "default",
        scale_inputs: bool = True,
        scale_target: bool = True,
        scale_clip: float | None = 10.0,
        scale_memory: int | None = None,
        predict_change: bool = True,
        lagged_target: bool = True,
        max_features: int | None = 1000,
        drift_detector: Any = None,
        drift_action: Any = "raise_lr",
        dtype: str = "float32",
        seed: int | None = 42,
    ) -> None:
        self._keep_arguments(locals())
        self._build()

    def _new_outputs(self) -> Number:
        return Number()

    def predict_one(self, x: Mapping[Hashable, Any], t: Hashable | None = None) -> float:
        """Predict the target of the sample that follows those learnt from.

        Changes nothing, unless `t` is the id of an event that was not seen before.

        Parameters
        ----------
        x
            Features by name. New ones are ignored; missing, None and NaN ones count as their mean.
        t
            Id of the event, for targets that come late: when an event is first seen, the state
            advances. The prediction of one seen before is the one that was made then.

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
            return self._predicted(x, t).item(0)

    def predict_many(self, X: Any) -> Any:
        """Predict each row of a data frame as if it were the next sample. Changes nothing.

        The state does not move from row to row; a stream's own rows are for `replay`.

        Parameters
        ----------
        X
            An eager data frame of any library that narwhals knows.

        Returns
        -------
        series
            Predictions, of the frame's library and with its index.
        """
        frame, out = self._predicted_many(X)
        return frames.series(out[:, 0], frame)

    def set_weights(
        self, weights: Mapping[str, np.ndarray], features: Sequence[Hashable] | None = None
    ) -> None:
        """Take over weights with PyTorch's names and in its layout.

        What the network sees is scaled inside the model; weights trained on other scales want
        ``scale_inputs=False`` and ``scale_target=False``.

        A head that learns by recursive least squares is as uncertain of them as of its first ones.

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
            self._take_weights(weights, features, [], n_outputs=1)
