"""A recurrent regressor of several targets for River."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from river import base

from streamrnn.estimators import frames
from streamrnn.estimators.blockwise import Blockwise
from streamrnn.estimators.outputs.numbers import Numbers
from streamrnn.estimators.parameters import documented


@documented(
    '``"huber"`` (the default: a jump pulls no harder than a bad guess), ``"squared"``,\n'
    '        ``"absolute"``, ``"quantile"``',
    example="Quantile(q=0.9)",
    scale_target=True,
    limit="max_targets targets",
)
class RNNMultiTargetRegressor(Blockwise, base.MultiTargetRegressor):
    """Recurrent network that learns several numbers from each sample of a stream as it arrives.

    Targets go by name. New ones may come at any time, and any of them may be unknown: the others
    are learnt from.

    {parameters}

    {raises}

    Examples
    --------
    >>> from streamrnn import RNNMultiTargetRegressor
    >>> model = RNNMultiTargetRegressor(hidden_size=8, truncation=8, lr=0.01)
    >>> for t in range(600):
    ...     x, y = {"phase": t % 4}, {"double": 2 * (t % 4), "before": (t - 1) % 4}
    ...     y_pred = model.predict_one(x)
    ...     model.learn_one(x, y)
    >>> {name: round(value) for name, value in model.predict_one({"phase": 0}).items()}
    {'before': 3, 'double': 0}
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
        max_targets: int | None = 1000,
        drift_detector: Any = None,
        drift_action: Any = "raise_lr",
        dtype: str = "float32",
        seed: int | None = 42,
    ) -> None:
        self._keep_arguments(locals())
        self._build()

    def _new_outputs(self) -> Numbers:
        return Numbers(self.max_targets)

    @property
    def target_names(self) -> list[Hashable]:
        """Names of the targets seen so far, in the order of the outputs."""
        return self._outputs.names

    def predict_one(
        self, x: Mapping[Hashable, Any], t: Hashable | None = None
    ) -> dict[Hashable, float]:
        """Predict the targets of the sample that follows those learnt from.

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
        dict
            A prediction by name of the target, in its units, for each target seen so far.

        Raises
        ------
        TypeError
            If a feature is no number.
        """
        with self._model.lock:
            return self._outputs.answer(self._predicted(x, t))

    def predict_many(self, X: Any) -> Any:
        """Predict each row of a data frame as if it were the next sample. Changes nothing.

        The state does not move from row to row; a stream's own rows are for `replay`.

        Parameters
        ----------
        X
            An eager data frame of any library that narwhals knows.

        Returns
        -------
        data frame
            A column a target, of the same library as X and with its index.
        """
        with self._model.lock:
            frame, out = self._predicted_many(X)
            columns = dict(zip(self.target_names, out.T, strict=True))
        return frames.frame(columns, frame)

    def set_weights(
        self,
        weights: Mapping[str, np.ndarray],
        features: Sequence[Hashable] | None = None,
        targets: Sequence[Hashable] | None = None,
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
        targets
            Names of the head's outputs, for a model that has seen none.

        Raises
        ------
        ValueError
            If names or shapes do not fit, or values are not finite; nothing has changed then.
        """
        with self._model.lock:
            names, n_outputs = self._names_of_outputs(targets, weights, "targets")
            self._take_weights(weights, features, names, n_outputs)
