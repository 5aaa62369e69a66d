"""A recurrent classifier of several labels at once for River."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from river import base

from streamrnn.estimators import frames
from streamrnn.estimators.blockwise import Blockwise
from streamrnn.estimators.outputs.flags import Flags
from streamrnn.estimators.parameters import documented


@documented(
    '``"binary_cross_entropy"``',
    example="BinaryCrossEntropy()",
    limit="max_labels labels",
)
class RNNMultiLabelClassifier(Blockwise, base.MultiLabelClassifier):
    """Recurrent network that learns which of several labels hold for each sample of a stream.

    Any number of them may hold at once. New labels may come at any time, and whether one holds may
    be unknown: the others are learnt from.

    {parameters}

    {raises}

    Examples
    --------
    >>> from streamrnn import RNNMultiLabelClassifier
    >>> model = RNNMultiLabelClassifier(hidden_size=8, truncation=8, lr=0.01)
    >>> for t in range(400):
    ...     x, y = {"phase": t % 4}, {"even": t % 2 == 0, "late": t % 4 > 1}
    ...     y_pred = model.predict_one(x)
    ...     model.learn_one(x, y)
    >>> model.predict_one({"phase": 0})
    {'even': True, 'late': False}
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
        loss: Any = "binary_cross_entropy",
        head: Any = "linear_skip",
        init: str = "default",
        scale_inputs: bool = True,
        scale_clip: float | None = 10.0,
        scale_memory: int | None = None,
        lagged_target: bool = False,
        max_features: int | None = 1000,
        max_labels: int | None = 1000,
        drift_detector: Any = None,
        drift_action: Any = "raise_lr",
        dtype: str = "float32",
        seed: int | None = 42,
    ) -> None:
        self._keep_arguments(locals())
        self._build()

    def _new_outputs(self) -> Flags:
        return Flags(self.max_labels)

    @property
    def labels(self) -> list[Hashable]:
        """Labels seen so far, in the order of the outputs."""
        return self._outputs.names

    def predict_proba_one(
        self, x: Mapping[Hashable, Any], t: Hashable | None = None, **kwargs: Any
    ) -> dict[Hashable, dict[bool, float]]:
        """Predict for each label seen so far the probability that it holds.

        Changes nothing, unless `t` is the id of an event that was not seen before.

        Parameters
        ----------
        x
            Features by name. New ones are ignored; missing, None and NaN ones count as their mean.
        t
            Id of the event, for labels that come late: when an event is first seen, the state
            advances. The prediction of one seen before is the one that was made then.

        Returns
        -------
        dict
            By label the probabilities of False and of True.

        Raises
        ------
        TypeError
            If a feature is no number.
        """
        with self._model.lock:
            return self._outputs.answer(self._predicted(x, t))

    def predict_proba_many(self, X: Any) -> Any:
        """Predict each row of a data frame as if it were the next sample. Changes nothing.

        The state does not move from row to row; a stream's own rows are for `replay`.

        Parameters
        ----------
        X
            An eager data frame of any library that narwhals knows.

        Returns
        -------
        data frame
            A column a label, with the probability that it holds, of the same library as X and with
            its index.
        """
        with self._model.lock:
            frame, out = self._predicted_many(X)
            columns = dict(zip(self.labels, out.T, strict=True))
        return frames.frame(columns, frame)

    def predict_many(self, X: Any) -> Any:
        """Predict as `predict_proba_many` does whether each label holds."""
        with self._model.lock:
            frame, out = self._predicted_many(X)
            columns = dict(zip(self.labels, out.T > 0.5, strict=True))
        return frames.frame(columns, frame)

    def set_weights(
        self,
        weights: Mapping[str, np.ndarray],
        features: Sequence[Hashable] | None = None,
        labels: Sequence[Hashable] | None = None,
    ) -> None:
        """Take over weights with PyTorch's names and in its layout.

        What the network sees is scaled inside the model; weights trained on other scales want
        ``scale_inputs=False``.

        A head that learns by recursive least squares is as uncertain of them as of its first ones.

        Parameters
        ----------
        weights
            As `get_weights` returns them.
        features
            Names of the columns of ``weight_ih_l0``, for a model that has seen no sample. Without
            them the columns go to the features in the order in which they appear, sorted by name
            where several appear at once.
        labels
            Labels of the head's outputs, for a model that has seen none.

        Raises
        ------
        ValueError
            If names or shapes do not fit, or values are not finite; nothing has changed then.
        """
        with self._model.lock:
            names, n_outputs = self._names_of_outputs(labels, weights, "labels")
            self._take_weights(weights, features, names, n_outputs)
