"""A recurrent classifier for River."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from river import base

from streamrnn.estimators import frames
from streamrnn.estimators.blockwise import Blockwise
from streamrnn.estimators.outputs.labels import Labels, is_label
from streamrnn.estimators.parameters import documented


@documented(
    '``"cross_entropy"``, ``"logistic"`` (two labels, one output)',
    example="CrossEntropy()",
    limit="max_classes labels",
)
class RNNClassifier(Blockwise, base.MiniBatchClassifier):
    """Recurrent network that learns a label from each sample of a stream as it arrives.

    Labels may be of any hashable type, two or more, and new ones may come at any time.

    {parameters}

    {raises}

    Examples
    --------
    >>> from river import datasets, evaluate, metrics
    >>> from streamrnn import RNNClassifier
    >>> model = RNNClassifier(hidden_size=16, truncation=16, lr=0.01)  # a short stream
    >>> metric = evaluate.progressive_val_score(datasets.Phishing(), model, metrics.Accuracy())
    >>> metric.get() > 0.85  # the most frequent label so far: 0.56
    True
    >>> model.labels
    [True, False]
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
        loss: Any = "cross_entropy",
        head: Any = "linear_skip",
        init: str = "default",
        scale_inputs: bool = True,
        scale_clip: float | None = 10.0,
        scale_memory: int | None = None,
        lagged_target: bool = True,
        max_features: int | None = 1000,
        max_classes: int | None = 1000,
        drift_detector: Any = None,
        drift_action: Any = "raise_lr",
        dtype: str = "float32",
        seed: int | None = 42,
    ) -> None:
        self._keep_arguments(locals())
        self._build()

    def _new_outputs(self) -> Labels:
        return Labels(self.max_classes)

    @property
    def _multiclass(self) -> bool:
        return True

    @property
    def labels(self) -> list[Hashable]:
        """Labels seen so far, in the order of the outputs."""
        return self._outputs.names

    def predict_proba_one(
        self, x: Mapping[Hashable, Any], t: Hashable | None = None, **kwargs: Any
    ) -> dict[Any, float]:
        """Predict the probability of each label seen so far.

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
            Probability by label, summing to 1; empty before the first label.

        Raises
        ------
        TypeError
            If a feature is no number.
        """
        with self._model.lock:
            return self._outputs.answer(self._predicted(x, t))

    def predict_proba_many(self, X: Any) -> Any:
        """Predict the probabilities for each row of a data frame as if it were the next sample.

        Changes nothing. The state does not move from row to row; a stream's own rows are for
        `replay`.

        Parameters
        ----------
        X
            An eager data frame of any library that narwhals knows.

        Returns
        -------
        data frame
            A column a label, of the same library as X and with its index.
        """
        with self._model.lock:
            frame, out = self._predicted_many(X)
            shares = out / out.sum(axis=1, keepdims=True)
            columns = dict(zip(self.labels, shares.T, strict=True))
        return frames.frame(columns, frame)

    def predict_many(self, X: Any) -> Any:
        """Predict the label of each row of a data frame as if it were the next sample.

        Takes, and changes as little as `predict_proba_many`; returns a series of labels, None
        before the first.
        """
        with self._model.lock:
            frame, out = self._predicted_many(X)
            labels = self._outputs.answers(out)
        return frames.series(labels, frame)

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
            If names, labels or shapes do not fit, or values are not finite; nothing has changed
            then.
        """
        with self._model.lock:
            if labels is not None and not all(is_label(label) for label in labels):
                raise ValueError(f"labels={labels}: None and NaN stand for unknown labels")
            names, n_outputs = self._names_of_outputs(labels, weights, "labels")
            self._take_weights(weights, features, names, n_outputs)
